"""The numbers of a column in many windows, one behind the other, and their distances from one baseline all at once.

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
    """The distinct numbers of windows, those of a window ascending, and one window behind the other.

    `weights` has all weights of a number, `original` the one that the original keeps: that of the highest level which
    holds it. A window's numbers begin at its entry of `starts`; `sizes` says how many there are.
    """

    values: Floats
    weights: Floats
    original: Floats
    starts: NDArray[np.intp]
    sizes: NDArray[np.intp]

    def cumulated(self, *, original: bool) -> tuple[Floats, Floats]:
        """Cumulate weights within each window, exactly, for all are whole numbers; then give each window's sum."""
        upto = (self.original if original else self.weights).cumsum()
        before = np.append(0.0, upto[self.starts[1:] - 1])
        totals = np.append(before[1:], upto[-1]) - before
        return upto - np.repeat(before, self.sizes), totals


def lay_out(windows: Sequence[tuple[Floats, ...]]) -> Samples:
    """Lay the levels of sketches, which hold at least one number each, one behind the other."""
    values = np.concatenate([level for levels in windows for level in levels])
    weights = np.ones_like(values)
    starts = np.cumsum([0, *(sum(map(len, levels)) for levels in windows)])
    for levels, start, end in zip(windows, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        own = values[start:end]
        if len(levels) == 1:
            own.sort()
        else:
            order = own.argsort(kind="stable")
            own[:] = own[order]
            weights[start:end] = np.repeat(2.0 ** np.arange(len(levels)), list(map(len, levels)))[order]
    return _distinct(values, weights, starts[:-1])


def _distinct(values: Floats, weights: Floats, starts: NDArray[np.intp]) -> Samples:
    """Put equal numbers of a window together: where there are few of them, as of counts, little is left to do."""
    is_first = np.ones(values.size, dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=is_first[1:])
    is_first[starts] = True
    if is_first.all():
        return Samples(values, weights, weights, starts, np.diff(starts, append=values.size))
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], values.size) - 1
    starts = np.searchsorted(first, starts)
    sizes = np.diff(starts, append=first.size)
    return Samples(values[first], np.add.reduceat(weights, first), weights[last], starts, sizes)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the numbers of windows stand among those of a baseline: how many of these are below, how many not above."""

    below: NDArray[np.intp]
    upto: NDArray[np.intp]


def locate(samples: Samples, baseline: Ranks) -> Places:
    below = np.searchsorted(baseline.values, samples.values)
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
    upto, n = samples.cumulated(original=original)
    upto /= np.repeat(n, samples.sizes)
    before = np.append(0.0, upto[:-1])
    before[samples.starts] = 0.0
    gaps = np.maximum(np.abs(known[places.upto] - upto), np.abs(known[places.below] - before))
    return Gaps(np.maximum.reduceat(gaps, samples.starts), m, n)


def shares_in(samples: Samples, cells: Cells) -> Floats:
    """Give the share of each cell, a row a window."""
    edges = cells.edges
    cell = np.searchsorted(edges, samples.values)
    if cells.are_values:
        cell[edges[np.minimum(cell, edges.size - 1)] != samples.values] = edges.size
    windows, count = len(samples.sizes), edges.size + 1
    cell += np.repeat(np.arange(windows) * count, samples.sizes)
    counted = np.bincount(cell, samples.weights, windows * count).astype(np.float64)
    return shares_of(counted.reshape(windows, count))


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

    upto, n = samples.cumulated(original=False)
    g = upto / np.repeat(n, samples.sizes)
    ends = samples.starts + samples.sizes - 1
    left, right = samples.values, np.append(samples.values[1:], 0.0)
    right[ends] = left[ends]
    crossing = baseline.values[np.minimum(np.searchsorted(shares, g), shares.size - 1)]
    crossing = np.clip(crossing, left, right)
    middle, from_left, to_right = area_up_to(crossing), area_up_to(left), area_up_to(right)
    inner = g * (crossing - left) - (middle - from_left) + (to_right - middle) - g * (right - crossing)
    begin, end = left[samples.starts], left[ends]
    top = np.maximum(end, baseline.values[-1])
    outer = area_up_to(begin) + (top - end) - (area_up_to(top) - area_up_to(end))
    return np.asarray(np.add.reduceat(np.abs(inner), samples.starts) + outer)
