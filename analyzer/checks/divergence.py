"""Distances beside the original's, from the shares of cells and from weighted values; docs/drift-distances.md.

All of them see the true ranks of a sketch: that repeated values count once concerns the distance of the original alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.checks.distance import Ranks
from analyzer.documents import Sketch

CELLS = 10
"""Cells that numbers are put in: tenths of the baseline's rows, as is usual for PSI (Siddiqi 2006)."""
LEAST_SHARE = 1e-4
"""What an empty cell counts as in PSI, whose logarithm it would make infinite."""
SPREADS = 2.0
"""Standard errors of a sketch that are taken off before a p-value is told; the largest seen is 1.4 of them."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cells:
    """What numbers are counted in: up to ten values that are all the baseline knows, or intervals (., edge] of it."""

    edges: Array
    are_values: bool


def cells_of(baseline: Ranks) -> Cells:
    """Cut where a tenth of the baseline's rows ends; where it knows ten values at most, each is a cell of its own.

    The outer intervals are open, equal edges are one. Beside cells of values there is one for all other values.
    """
    if baseline.values.size <= CELLS:
        return Cells(baseline.values, are_values=True)
    wanted = baseline.true[-1] * np.arange(1, CELLS) / CELLS
    return Cells(np.unique(baseline.values[np.searchsorted(baseline.true, wanted)]), are_values=False)


def count_rows(cells: Cells, sample: Ranks) -> Array:
    """Count the rows of a sample in each cell; the last one holds what lies above, or is no value of the baseline."""
    known = np.append(0.0, sample.true)
    upto = known[np.searchsorted(sample.values, cells.edges, "right")]
    if not cells.are_values:
        return np.diff(upto, prepend=0.0, append=known[-1])
    counts = upto - known[np.searchsorted(sample.values, cells.edges, "left")]
    return np.append(counts, known[-1] - counts.sum())


def align(baseline: Mapping[str, int], current: Mapping[str, int]) -> tuple[Array, Array]:
    """Lay the counts of categories side by side: a cell for each that either side knows."""
    keys = list(dict.fromkeys((*baseline, *current)))
    before = np.array([baseline.get(key, 0) for key in keys], dtype=np.float64)
    return before, np.array([current.get(key, 0) for key in keys], dtype=np.float64)


def shares_of(counts: Array) -> Array:
    """Divide by the rows of each sample, the last axis; a sample without rows has no shares (NaN)."""
    total = counts.sum(-1, keepdims=True)
    return np.asarray(np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0))


def psi(before: Array, now: Array) -> Array:
    """Give the population stability index, sum (q - p) ln(q / p): Jeffreys' divergence (1946), from 0, unbounded.

    A share below LEAST_SHARE counts as that.
    """
    p, q = np.maximum(before, LEAST_SHARE), np.maximum(now, LEAST_SHARE)
    return np.asarray(((q - p) * np.log(q / p)).sum(-1))


def jensen_shannon(before: Array, now: Array) -> Array:
    """Give the root of Jensen and Shannon's divergence in bits, from 0 to 1, a metric (Endres and Schindelin 2003)."""
    middle = (before + now) / 2
    divergence = (_relative_entropy(before, middle) + _relative_entropy(now, middle)) / 2
    return np.sqrt(np.maximum(divergence, 0.0))


def _relative_entropy(p: Array, q: Array) -> Array:
    """Kullback and Leibler's divergence in bits; an empty cell adds nothing."""
    p, q = np.broadcast_arrays(p, q)
    ratio = np.divide(p, q, out=np.ones(p.shape), where=~(p <= 0))
    return np.asarray((p * np.log2(ratio)).sum(-1))


def hellinger(before: Array, now: Array) -> Array:
    """Give Hellinger's distance, |sqrt p - sqrt q| / sqrt 2, from 0 to 1, a metric."""
    return np.asarray(np.sqrt(((np.sqrt(before) - np.sqrt(now)) ** 2).sum(-1) / 2))


def total_variation(before: Array, now: Array) -> Array:
    """Give half the sum of all changes of shares, from 0 to 1: the share of rows that had to change their cell."""
    return np.asarray(np.abs(before - now).sum(-1) / 2)


OF_SHARES = {
    "PSI": psi,
    "JensenShannon": jensen_shannon,
    "Hellinger": hellinger,
    "TotalVariation": total_variation,
}
"""Distances of two rows of shares, or of one and many, by the names that a configuration has for them."""


def wasserstein(baseline: Ranks, current: Ranks) -> float:
    """Give the first Wasserstein distance in the column's own unit: the area between the two cumulative distributions.

    In one dimension that is the least mean way from one sample to the other (Vallender 1974).
    """
    points = np.union1d(baseline.values, current.values)
    gaps = np.abs(_share_up_to(baseline, points[:-1]) - _share_up_to(current, points[:-1]))
    return float(gaps @ np.diff(points))


def _share_up_to(sample: Ranks, points: Array) -> Array:
    known = np.append(0.0, sample.true)
    return np.asarray(known[np.searchsorted(sample.values, points, "right")] / known[-1])


def scale_of(std_dev: float) -> float:
    """Give what a Wasserstein distance is divided by: the baseline's standard deviation, 1 where it does not vary."""
    return std_dev if std_dev > 0 and math.isfinite(std_dev) else 1.0


def rank_error(sketch: Sketch) -> float:
    """Estimate the standard error of the ranks that a sketch gives, as a share of its rows; 0 where it holds every row.

    A level of capacity c is compacted n / (2^h c) times; each time a rank is off by 2^h or not at all, with equal
    chance (Karnin, Lang, Liberty 2016, section 2). In Deequ the capacity falls with the level.
    """
    weights = 2.0 ** np.arange(len(sketch.levels))
    rows = float(weights @ [level.size for level in sketch.levels])
    capacity = np.array([2 * (math.ceil(sketch.k * sketch.c**h / 2) + 1) for h in range(len(sketch.levels))])
    variance = float((rows * weights / capacity / 2)[:-1].sum())
    return math.sqrt(variance) / rows


def smirnov_p_value(distance: float, n: float, m: float) -> float:
    """Give the chance that two samples of one continuous distribution are at least this far apart.

    The distance is Kolmogorov and Smirnov's. Their limit with Stephens' correction for small samples (1970):
    lambda = d (sqrt(e) + 0.12 + 0.11 / sqrt(e)) with e = nm / (n + m). Within 0.015 of the exact value from 20 rows on;
    too large where values repeat.
    """
    root = math.sqrt(n * m / (n + m))
    return kolmogorov_survival(distance * (root + 0.12 + 0.11 / root))


def kolmogorov_survival(x: float) -> float:
    """Q(x) = 2 sum (-1)^(j-1) exp(-2 j^2 x^2); below 1 by its other form, which converges there (Marsaglia 2003)."""
    if x < 0.2:
        return 1.0  # within 1e-12
    if x < 1:
        terms = (math.exp(-((2 * j - 1) ** 2) * math.pi**2 / (8 * x * x)) for j in range(1, 5))
        return 1 - math.sqrt(2 * math.pi) / x * math.fsum(terms)
    return 2 * math.fsum((-1) ** (j - 1) * math.exp(-2 * j * j * x * x) for j in range(1, 6))
