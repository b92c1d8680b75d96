"""Distances between two distributions: of numbers from their sketches, of categories from their counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.documents import Sketch

CRITICAL = 1.8
"""c(alpha) of the two-sample Kolmogorov-Smirnov test for alpha = 0.003 (Knuth, TAOCP 2, 3.3.1, equation 15)."""

FEW_IN_PAIR, FEW, SHARE_OF_FEW = 10.0, 5.0, 0.2
"""Expected counts a chi-squared test needs: 10 in each of two categories (Cochran 1952); of more categories, at most a
fifth may expect fewer than 5 (Yates, Moore, McCabe 1999)."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gap:
    """The largest difference of two distributions: its size, where it is, both shares there, and both sample sizes."""

    size: float
    at: float | str
    baseline_share: float
    current_share: float
    baseline_size: float
    current_size: float

    def robust(self) -> float:
        """Take off the size what chance alone explains in samples this small: max(0, size - 1.8 sqrt((n+m)/(nm)))."""
        n, m = self.baseline_size, self.current_size
        return max(0.0, self.size - CRITICAL * math.sqrt((n + m) / (n * m)))


@dataclass(frozen=True, slots=True)
class Ranks:
    """The distinct values of a sketch, ascending, with their ranks as the original counts them and as they are."""

    values: Array
    original: Array
    true: Array


def rank(sketch: Sketch) -> Ranks:
    """Cumulate the weights of a sketch that holds at least one value.

    The original keeps one weight a distinct value, that of the highest level which holds it, however often the value
    was met; the true rank adds all weights.
    """
    values = np.concatenate(sketch.levels)
    weights = np.repeat(2.0 ** np.arange(len(sketch.levels)), [level.size for level in sketch.levels])
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    last = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    return Ranks(values[last], np.cumsum(weights[last]), np.cumsum(weights)[last])


def numeric_gaps(baseline: Sketch, current: Sketch) -> tuple[Gap, Gap]:
    """Largest difference of the two cumulative distributions: with the original's ranks, and with the true ones."""
    a, b = rank(baseline), rank(current)
    in_b, in_a = np.searchsorted(b.values, a.values, "right"), np.searchsorted(a.values, b.values, "right")

    def gap(a_ranks: Array, b_ranks: Array) -> Gap:
        n, m = float(a_ranks[-1]), float(b_ranks[-1])
        a_share, b_share = np.append(0.0, a_ranks / n), np.append(0.0, b_ranks / m)
        left, right = np.append(a_share[1:], a_share[in_a]), np.append(b_share[in_b], b_share[1:])
        sizes = np.abs(left - right)
        i = int(sizes.argmax())
        at = a.values[i] if i < a.values.size else b.values[i - a.values.size]
        return Gap(float(sizes[i]), float(at), float(left[i]), float(right[i]), n, m)

    return gap(a.original, b.original), gap(a.true, b.true)


def categorical_gap(baseline: Mapping[str, int], current: Mapping[str, int]) -> Gap:
    """Largest difference of the share of any one category; both sides must have rows."""
    n, m = float(sum(baseline.values())), float(sum(current.values()))
    shares = {key: (baseline.get(key, 0) / n, current.get(key, 0) / m) for key in (*baseline, *current)}
    at = max(shares, key=lambda key: abs(shares[key][0] - shares[key][1]))
    before, now = shares[at]
    return Gap(abs(before - now), at, before, now, n, m)


def chi_squared(baseline: Mapping[str, int], current: Mapping[str, int]) -> tuple[float, int] | None:
    """Pearson's statistic and degrees of freedom of the current counts against the baseline's shares.

    Only the baseline's categories take part; the smallest are joined until each expects enough rows (FEW_IN_PAIR,
    FEW). None when fewer than two are left: no test is possible.
    """
    before = {key: count for key, count in baseline.items() if count}
    observed_sum, expected_sum = sum(current.get(key, 0) for key in before), sum(before.values())
    cells = [(count / expected_sum * observed_sum, float(current.get(key, 0))) for key, count in before.items()]
    cells = _join_small(cells)
    if len(cells) < 2:
        return None
    return math.fsum((observed - expected) ** 2 / expected for expected, observed in cells), len(cells) - 1


def _join_small(cells: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join the cell that expects least with the next, again and again; the sort is stable, so ties keep their order."""
    while len(cells) >= 2:
        few, allowed = (FEW_IN_PAIR, 0) if len(cells) == 2 else (FEW, int(SHARE_OF_FEW * len(cells)))
        if sum(expected < few for expected, _ in cells) <= allowed:
            break
        least, second, *others = sorted(cells, key=lambda cell: cell[0])
        cells = [(least[0] + second[0], least[1] + second[1]), *others]
    return cells


def chi_squared_survival(statistic: float, degrees: int) -> float:
    """Probability that a chi-squared variable exceeds `statistic`: the regularised upper incomplete gamma Q(d/2, x/2).

    For whole degrees of freedom it is a finite sum of positive terms, so nothing is cancelled: DLMF 8.4.10 (even) and
    8.4.8 with 8.8.2 (odd).
    """
    half = statistic / 2
    if half <= 0:
        return 1.0
    first = 0.5 if degrees % 2 else 0.0
    powers = (first + i for i in range(degrees // 2))
    terms = (math.exp(power * math.log(half) - half - math.lgamma(power + 1)) for power in powers)
    return min(1.0, (math.erfc(math.sqrt(half)) if degrees % 2 else 0.0) + math.fsum(terms))
