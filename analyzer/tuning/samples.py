"""The numbers of a column in many windows, side by side, and their distances from one baseline all at once.

Each function gives what `checks.distance` and `checks.divergence` give for one window; tests hold them to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.checks.distance import Ranks
from analyzer.checks.divergence import Cells, shares_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Samples:
    """A row a window: its numbers ascending, filled up with infinities that weigh nothing.

    Of equal numbers one is the first and one the last.
    """

    values: Floats
    weights: Floats
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]

    def cumulated(self, *, original: bool) -> tuple[Floats, Floats]:
        """Cumulate weights up to each value and before it; the original has one weight for equal values."""
        weights = self.weights * self.last if original else self.weights
        upto = weights.cumsum(axis=1)
        return upto, upto - weights


def lay_out(windows: Sequence[tuple[Floats, ...]]) -> Samples:
    """Lay the levels of sketches, which hold at least one number each, side by side."""
    sizes = np.array([sum(map(len, levels)) for levels in windows])
    values = np.full((len(windows), int(sizes.max())), np.inf)
    weights = np.ones_like(values)
    for row, levels in enumerate(windows):
        values[row, : sizes[row]] = levels[0] if len(levels) == 1 else np.concatenate(levels)
    if any(len(levels) > 1 for levels in windows):
        for row, levels in enumerate(windows):
            weights[row, : sizes[row]] = np.repeat(2.0 ** np.arange(len(levels)), list(map(len, levels)))
        order = values.argsort(axis=1, kind="stable")
        values, weights = np.take_along_axis(values, order, 1), np.take_along_axis(weights, order, 1)
    else:
        values.sort(axis=1)
    return arranged(values, weights, sizes)


def arranged(values: Floats, weights: Floats, sizes: NDArray[np.int64]) -> Samples:
    """Mark the ends of equal values; what stands beyond a row's size is filling."""
    present = np.arange(values.shape[1]) < sizes[:, None]
    weights = np.where(present, weights, 0.0)
    differs = np.ones((len(values), values.shape[1] + 1), dtype=np.bool_)
    np.not_equal(values[:, 1:], values[:, :-1], out=differs[:, 1:-1])
    return Samples(values, weights, differs[:, :-1] & present, differs[:, 1:] & present)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the numbers of windows stand among those of a baseline: how many of these are below, how many not above."""

    below: NDArray[np.intp]
    upto: NDArray[np.intp]


def locate(samples: Samples, baseline: Ranks) -> Places:
    below = np.searchsorted(baseline.values, samples.values.ravel()).reshape(samples.values.shape)
    meets = baseline.values[np.minimum(below, baseline.values.size - 1)] == samples.values
    return Places(below, below + meets)


@dataclass(frozen=True, slots=True)
class Gaps:
    """The largest gap of cumulative distributions a window, and the size of each sample."""

    size: Floats
    baseline_size: float
    current_size: Floats


def gaps_of(samples: Samples, places: Places, baseline: Ranks, *, original: bool) -> Gaps:
    """Find the largest gap to the baseline; it lies at a number of the window, for between two it has no peak."""
    known = np.append(0.0, baseline.original if original else baseline.true)
    known, m = known / known[-1], float(known[-1])
    upto, before = samples.cumulated(original=original)
    n = upto[:, -1:]
    at = np.abs(known[places.upto] - upto / n).max(axis=1, where=samples.last, initial=0.0)
    below = np.abs(known[places.below] - before / n).max(axis=1, where=samples.first, initial=0.0)
    return Gaps(np.maximum(at, below), m, n[:, 0])


def shares_in(samples: Samples, cells: Cells) -> Floats:
    """Give the share of each cell, a row a window."""
    edges = cells.edges
    cell = np.searchsorted(edges, samples.values.ravel()).reshape(samples.values.shape)
    if cells.are_values:
        cell[edges[np.minimum(cell, edges.size - 1)] != samples.values] = edges.size
    count = edges.size + 1
    flat = (cell + np.arange(len(cell))[:, None] * count).ravel()
    counted = np.bincount(flat, samples.weights.ravel(), len(cell) * count).astype(np.float64)
    return shares_of(counted.reshape(len(cell), count))


def areas_of(samples: Samples, baseline: Ranks) -> Floats:
    """Give the first Wasserstein distance of each window: the area between both cumulative distributions.

    Between two neighbouring numbers of a window its own share g is constant, and the baseline's crosses it at most
    once, at its quantile of g; left and right of it the areas follow from the integral of the baseline's distribution.
    """
    shares = baseline.true / baseline.true[-1]
    integral = np.append(0.0, np.cumsum(shares[:-1] * np.diff(baseline.values)))

    def area_up_to(points: Floats) -> Floats:
        at = np.searchsorted(baseline.values, points, "right") - 1
        known = np.maximum(at, 0)
        return np.where(at < 0, 0.0, integral[known] + shares[known] * (points - baseline.values[known]))

    upto, _ = samples.cumulated(original=False)
    own = upto / upto[:, -1:]
    present = samples.weights > 0
    ends = np.where(present, samples.values, samples.values.max(axis=1, where=present, initial=-np.inf)[:, None])
    left, right, g = ends[:, :-1], ends[:, 1:], own[:, :-1]
    crossing = baseline.values[np.minimum(np.searchsorted(shares, g), shares.size - 1)]
    crossing = np.clip(crossing, left, right)
    middle, from_left, to_right = area_up_to(crossing), area_up_to(left), area_up_to(right)
    inner = g * (crossing - left) - (middle - from_left) + (to_right - middle) - g * (right - crossing)
    begin, end = ends[:, 0], ends[:, -1]
    top = np.maximum(end, baseline.values[-1])
    outer = area_up_to(begin) + (top - end) - (area_up_to(top) - area_up_to(end))
    return np.asarray(np.abs(inner).sum(axis=1) + outer)
