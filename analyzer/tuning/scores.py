"""Windows to scores: how far each column of each window lies from what is asked of it, check by check.

A score exceeds its limit exactly where the check of a job finds a violation; what is not checked is NaN. Shares that
must be reached count as their negatives, so that more is worse for every score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.checks.data_type import CORRECTED, ORIGINAL
from analyzer.checks.distance import CRITICAL, Ranks, chi_squared, chi_squared_survival, rank
from analyzer.checks.divergence import (
    OF_SHARES,
    SPREADS,
    Cells,
    cells_of,
    count_rows,
    rank_error,
    scale_of,
    shares_of,
    smirnov_p_value,
)
from analyzer.documents import (
    Constraints,
    DistributionConfig,
    FeatureConstraints,
    FeatureStatistics,
    Sketch,
    Statistics,
)
from analyzer.drift_methods import DriftMethod
from analyzer.tuning.samples import Gaps, Samples, areas_of, gaps_of, lay_out, locate, shares_in
from analyzer.tuning.windows import Column, Window

Floats = NDArray[np.float64]
TYPES, COMPLETENESS, DOMAINS, DRIFT = "data_type_check", "completeness_check", "categorical_values_check", (
    "baseline_drift_check"
)  # fmt: skip
CHECKS = (TYPES, COMPLETENESS, DOMAINS, DRIFT)
"""The checks that have a threshold, in the order in which a job makes them."""
KINDS = ("integral", "fractional", "boolean", "string")


@dataclass(frozen=True, slots=True)
class Numbers:
    """A baseline's numbers, made ready to be compared with many windows."""

    ranks: Ranks
    cells: Cells
    shares: Floats
    scale: float
    error: float


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a feature is measured by: its constraints and what the baseline knows of it, None of either if unknown."""

    name: str
    asked: FeatureConstraints
    distribution: DistributionConfig
    limits: Mapping[str, float]
    before: FeatureStatistics | None
    numbers: Numbers | None
    counts: Mapping[str, int] | None
    corrected: bool

    @property
    def method(self) -> DriftMethod:
        is_numeric = self.before is not None and self.before.numerical is not None
        return self.distribution.comparison_method if is_numeric else self.distribution.categorical_drift_method

    @property
    def is_p_value(self) -> bool:
        """Say whether the distance is 1 - p, and its threshold 1 - significance."""
        if self.method == "ChiSquared":
            return self.distribution.comparison_method != "Simple"
        return self.method == "KolmogorovSmirnov"

    @property
    def is_corrected_for_chance(self) -> bool:
        """Say whether what chance explains is taken off the distance."""
        if self.method == "LInfinity":
            return self.distribution.comparison_method != "Simple"
        return self.method == "Robust"


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores by check, a row a window and a column a feature; windows whose number of columns is wrong fail at once."""

    rows: NDArray[np.int64]
    misshapen: NDArray[np.bool_]
    by_check: Mapping[str, Floats]


def yardsticks_of(constraints: Constraints, statistics: Statistics | None, *, corrected: bool) -> list[Yardstick]:
    """Make ready what every feature is measured by."""
    known = {feature.name: feature for feature in statistics.features} if statistics else {}
    return [_yardstick(feature, constraints, known.get(feature.name), corrected) for feature in constraints.features]


def _yardstick(
    feature: FeatureConstraints, constraints: Constraints, before: FeatureStatistics | None, corrected: bool
) -> Yardstick:
    config = constraints.config_of(feature)
    sketch = before.numerical.sketch if before and before.numerical else None
    counts = dict(before.string.buckets) if before and before.string and before.string.buckets else None
    found = Yardstick(
        feature.name,
        feature,
        config.distribution,
        {},
        before,
        _numbers(before, sketch) if before and sketch and any(level.size for level in sketch.levels) else None,
        {value: count for value, count in counts.items() if count} if counts else None,
        corrected,
    )
    limits: dict[str, float] = {}
    if config.evaluate_constraints:
        if feature.inferred_type not in {None, "Unknown"}:
            limits[TYPES] = -config.datatype_check_threshold
        if feature.completeness is not None:
            limits[COMPLETENESS] = -feature.completeness
        if feature.domains:
            limits[DOMAINS] = -config.domain_content_threshold
    if config.distribution.perform_comparison and (found.numbers or found.counts):
        limits[DRIFT] = _drift_limit(found)
    return Yardstick(
        found.name, feature, config.distribution, limits, before, found.numbers, found.counts, corrected
    )  # fmt: skip


def _drift_limit(found: Yardstick) -> float:
    settings = found.distribution
    threshold = settings.comparison_threshold if found.numbers else settings.categorical_comparison_threshold
    return max(0.0, 1 - threshold) if found.is_p_value else threshold


def _numbers(before: FeatureStatistics, sketch: Sketch) -> Numbers:
    assert before.numerical is not None
    ranks = rank(sketch)
    cells = cells_of(ranks)
    shares = shares_of(count_rows(cells, ranks))
    return Numbers(ranks, cells, shares, scale_of(before.numerical.std_dev), rank_error(sketch))


# --- scoring ----------------------------------------------------------------------------------------------------------


def score(windows: Sequence[Window], yardsticks: Sequence[Yardstick], *, shape_matters: bool) -> Scores:
    """Score windows; `shape_matters` where a different number of columns ends a job's checks."""
    rows = np.array([window.rows for window in windows], dtype=np.int64)
    lengths = np.array([len(window.columns) for window in windows])
    misshapen = lengths != len(yardsticks) if shape_matters else np.zeros(len(windows), dtype=np.bool_)
    by_check = {check: np.full((len(windows), len(yardsticks)), np.nan) for check in CHECKS}
    for i, yardstick in enumerate(yardsticks):
        columns = [window.columns.get(yardstick.name) or _absent(window) for window in windows]
        for check, found in score_columns(columns, rows, yardstick).items():
            by_check[check][:, i] = found
    for found in by_check.values():
        found[misshapen] = np.nan
    return Scores(rows, misshapen, by_check)


def _absent(window: Window) -> Column:
    return Column("Unknown", window.rows, (0, 0, 0, 0))


def score_columns(columns: Sequence[Column], rows: NDArray[np.int64], yardstick: Yardstick) -> dict[str, Floats]:
    """Score one feature of many windows, by each check that has a limit for it."""
    missing = np.array([column.missing for column in columns], dtype=np.float64)
    found = {}
    if COMPLETENESS in yardstick.limits:
        found[COMPLETENESS] = -_shares(rows - missing, rows)
    if TYPES in yardstick.limits:
        found[TYPES] = -_type_shares(columns, yardstick)
    if DOMAINS in yardstick.limits:
        outside = np.array([column.outside for column in columns], dtype=np.float64)
        found[DOMAINS] = -_shares(rows - outside, rows)
    if DRIFT in yardstick.limits:
        found[DRIFT] = _drift(columns, yardstick)
    return found


def _shares(part: Floats, whole: NDArray[np.int64] | Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0))


def _type_shares(columns: Sequence[Column], yardstick: Yardstick) -> Floats:
    expected = yardstick.asked.inferred_type
    assert expected is not None
    accepted = (CORRECTED if yardstick.corrected else ORIGINAL)[expected]
    kinds = np.array([column.kinds for column in columns], dtype=np.float64)
    return _shares(kinds[:, [kind in accepted for kind in KINDS]].sum(1), kinds.sum(1))


def _drift(columns: Sequence[Column], yardstick: Yardstick) -> Floats:
    """Compare the windows whose column is of the baseline's type; the others are NaN, as jobs skip them."""
    assert yardstick.before is not None
    found = np.full(len(columns), np.nan)
    alike = [i for i, column in enumerate(columns) if column.kind == yardstick.before.inferred_type]
    if yardstick.numbers:
        if alike:
            levels = [columns[i].levels for i in alike]
            found[alike] = numeric_distances(lay_out(levels), levels, yardstick)
        return found
    counted = {i: columns[i].buckets for i in alike if columns[i].buckets}
    if counted:
        found[list(counted)] = categorical_distances([each for each in counted.values() if each], yardstick)
    return found


def numeric_distances(samples: Samples, levels: Sequence[tuple[Floats, ...]], yardstick: Yardstick) -> Floats:
    """Measure numbers by the feature's method; of Robust what is left before it is cut at 0."""
    numbers, method = yardstick.numbers, yardstick.method
    assert numbers is not None
    if method in OF_SHARES:
        return OF_SHARES[method](numbers.shares, shares_in(samples, numbers.cells))
    if method == "Wasserstein":
        return areas_of(samples, numbers.ranks) / numbers.scale
    places = locate(samples, numbers.ranks)
    blind = method != "KolmogorovSmirnov" and not yardstick.corrected
    gaps = gaps_of(samples, places, numbers.ranks, original=blind)
    if method == "KolmogorovSmirnov":
        return _one_minus_p(gaps, levels, numbers.error)
    return gaps.size - _by_chance(gaps.baseline_size, gaps.current_size) if method == "Robust" else gaps.size


def _by_chance(n: float, m: Floats) -> Floats:
    return np.asarray(CRITICAL * np.sqrt((n + m) / (n * m)))


def _one_minus_p(gaps: Gaps, levels: Sequence[tuple[Floats, ...]], error: float) -> Floats:
    errors = [SPREADS * (error + (rank_error(Sketch(each)) if len(each) > 1 else 0.0)) for each in levels]
    sizes = np.maximum(0.0, gaps.size - np.array(errors))
    pairs = zip(sizes.tolist(), gaps.current_size.tolist(), strict=True)
    return np.array([1 - smirnov_p_value(size, gaps.baseline_size, m) for size, m in pairs])


def categorical_distances(counts: Sequence[Mapping[str, int]], yardstick: Yardstick) -> Floats:
    """Measure categories by the feature's method; NaN where a test is impossible."""
    before, method = yardstick.counts, yardstick.method
    assert before is not None
    if method == "ChiSquared":
        return np.array([_chi_squared(before, each, yardstick) for each in counts])
    known = {value: i for i, value in enumerate(dict.fromkeys((*before, *(v for each in counts for v in each))))}
    table = np.zeros((len(counts), len(known)))
    for row, each in enumerate(counts):
        table[row, [known[value] for value in each]] = list(each.values())
    base = np.array([before.get(value, 0) for value in known], dtype=np.float64)
    now = shares_of(table)
    if method != "LInfinity":
        return OF_SHARES[method](shares_of(base), now)
    size = np.asarray(np.abs(base / base.sum() - now).max(axis=1))
    chance = _by_chance(float(base.sum()), table.sum(1)) if yardstick.is_corrected_for_chance else 0.0
    return np.asarray(size - chance)


def _chi_squared(before: Mapping[str, int], now: Mapping[str, int], yardstick: Yardstick) -> float:
    tested = chi_squared(before, now)
    if tested is None:
        return float("nan")
    return 1 - chi_squared_survival(*tested) if yardstick.is_p_value else tested[0]


def limits_of(yardsticks: Sequence[Yardstick]) -> dict[str, Floats]:
    """Give the limits in force, a figure a feature and check, NaN where nothing is asked."""
    return {
        check: np.array([yardstick.limits.get(check, np.nan) for yardstick in yardsticks]) for check in CHECKS
    }  # fmt: skip


def exceeded(scores: Scores, limits: Mapping[str, Floats]) -> dict[str, NDArray[np.bool_]]:
    """Say which scores are violations."""
    with np.errstate(invalid="ignore"):
        return {check: scores.by_check[check] > limits[check] for check in CHECKS}


def joined(parts: Sequence[Scores]) -> Scores:
    """Put the scores of consecutive windows together."""
    return Scores(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.misshapen for part in parts]),
        {check: np.concatenate([part.by_check[check] for part in parts]) for check in CHECKS},
    )
