"""baseline_drift_check: how far the distribution of a column has moved from the baseline's."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from analyzer.checks.case import Case, Column, join, listed
from analyzer.checks.distance import Gap, Ranks, categorical_gap, chi_squared, chi_squared_survival, numeric_gaps, rank
from analyzer.checks.divergence import (
    OF_SHARES,
    SPREADS,
    align,
    cells_of,
    count_rows,
    rank_error,
    scale_of,
    shares_of,
    smirnov_p_value,
    wasserstein,
)
from analyzer.documents import Drift, FeatureStatistics, NumericalStatistics, Quirk, Sketch, Verdict, Violation
from analyzer.jsonlayout import java_double


def check_drift(case: Case) -> Verdict:
    """Compare every column that both sides describe; a violation when the distance exceeds the threshold.

    Skipped without baseline statistics, where perform_comparison is Disabled, and where the inferred types differ.
    """
    if case.baseline is None:
        return Verdict()
    compared = [column for column in case.columns if column.config.distribution.perform_comparison]
    verdict = join(_judge(column, corrected=case.corrected) for column in compared)
    unknown = [column.name for column in compared if column.baseline is None]
    known = {column.name for column in case.columns}
    unasked = [feature.name for feature in case.baseline.features if feature.name not in known]
    notes = []
    if unknown:
        notes.append(f"No drift check, the baseline statistics lack these columns: {listed(unknown)}.")
    if unasked:
        notes.append(f"No drift check, the baseline constraints lack these columns: {listed(unasked)}.")
    return join((verdict, Verdict(notes=tuple(notes))))


def _judge(column: Column, *, corrected: bool) -> Verdict:
    before, now = column.baseline, column.current
    if before is None:
        return Verdict()
    if before.inferred_type != now.inferred_type:
        return Verdict(notes=(_types_differ(column.name, before, now),))
    if before.numerical and now.numerical:
        return _judge_numbers(column, before.numerical, now.numerical, corrected=corrected)
    return _judge_categories(column, before, now)


def _types_differ(name: str, before: FeatureStatistics, now: FeatureStatistics) -> str:
    """Say it as the original's log does."""
    return (
        f"Inferred data type don't match for column {name}. "
        f"Inferred data type in baseline statistics: {before.inferred_type}. "
        f"Inferred data type in current dataset: {now.inferred_type}"
    )


def _judge_numbers(
    column: Column, before: NumericalStatistics, now: NumericalStatistics, *, corrected: bool
) -> Verdict:
    if not _holds_values(before.sketch):
        return _skipped(column, "the baseline statistics hold no sketch of it")
    if not _holds_values(now.sketch):
        return _skipped(column, "the current data has no sketch of it")
    assert before.sketch is not None
    assert now.sketch is not None
    gaps = numeric_gaps(before.sketch, now.sketch)
    evidence = {"baseline": _summary(before), "current": _summary(now)}
    if column.config.distribution.comparison_method in {"Robust", "Simple"}:
        return _judge_ranks(column, gaps, evidence, corrected=corrected)
    return _judge_further(column, gaps[1], before, now, evidence | _moved(gaps[1]))


def _judge_ranks(column: Column, gaps: tuple[Gap, Gap], evidence: dict[str, Any], *, corrected: bool) -> Verdict:
    """Judge by the original's distance."""
    original, true = gaps
    method = column.config.distribution.comparison_method
    robust = method == "Robust"
    distances = {gap: gap.robust() if robust else gap.size for gap in (original, true)}
    gap = true if corrected else original
    threshold = column.config.distribution.comparison_threshold
    verdict = _decide(Drift(column.name, distances[gap], threshold, method), evidence | _moved(gap))
    if corrected or (distances[original] > threshold) == (distances[true] > threshold):
        return verdict
    return join((verdict, _blind(column.name, distances[original], distances[true])))


def _judge_further(
    column: Column, gap: Gap, before: NumericalStatistics, now: NumericalStatistics, evidence: dict[str, Any]
) -> Verdict:
    """Judge by a distance that the original does not have; repeated values always count."""
    method, threshold = column.config.distribution.comparison_method, column.config.distribution.comparison_threshold
    assert before.sketch is not None
    assert now.sketch is not None
    if method == "KolmogorovSmirnov":
        error = SPREADS * (rank_error(before.sketch) + rank_error(now.sketch))
        p_value = smirnov_p_value(max(0.0, gap.size - error), gap.baseline_size, gap.current_size)
        tested = {"statistic": gap.size, "rank_error": error, "p_value": p_value, "significance": threshold}
        drift = Drift(column.name, 1 - p_value, max(0.0, 1 - threshold), method, p_value)
        return _decide(drift, tested | evidence)
    ranks = rank(before.sketch), rank(now.sketch)
    if method == "Wasserstein":
        moved, scale = wasserstein(*ranks), scale_of(before.std_dev)
        far = {"wasserstein": moved, "scale": scale}
        return _decide(Drift(column.name, moved / scale, threshold, method), far | evidence)
    return _decide(Drift(column.name, _of_shares(method, *ranks), threshold, method), evidence)


def _of_shares(method: str, before: Ranks, now: Ranks) -> float:
    cells = cells_of(before)
    return float(OF_SHARES[method](shares_of(count_rows(cells, before)), shares_of(count_rows(cells, now))))


def _holds_values(sketch: Sketch | None) -> bool:
    return sketch is not None and any(level.size for level in sketch.levels)


def _summary(statistics: NumericalStatistics) -> dict[str, float]:
    return {"mean": statistics.mean, "min": statistics.min, "max": statistics.max}


def _moved(gap: Gap) -> dict[str, Any]:
    shares = asdict(gap)
    return {"moved_most": {key: shares[key] for key in ("at", "baseline_share", "current_share")}}


def _blind(name: str, original: float, true: float) -> Verdict:
    change = "there is a violation" if true > original else "there is no violation"
    effect = f"baseline_drift_check: repeated values were counted once; in corrected mode {change}"
    return Verdict(quirks=(Quirk("robust_drift_blind", name, effect, original, true),))


def _decide(drift: Drift, evidence: dict[str, Any]) -> Verdict:
    drifts, distance, threshold = (drift,), drift.distance, drift.threshold
    if not distance > threshold:
        return Verdict(drifts=drifts)
    description = f"Baseline drift distance: {java_double(distance)} exceeds threshold: {java_double(threshold)}"
    evidence = {"distance": distance, "threshold": threshold, **evidence}
    return Verdict((Violation(drift.feature_name, "baseline_drift_check", description, evidence),), drifts)


def _skipped(column: Column, why: str) -> Verdict:
    return Verdict(notes=(f"No drift check for column {column.name}: {why}.",))


def _judge_categories(column: Column, before: FeatureStatistics, now: FeatureStatistics) -> Verdict:
    counts = _counts(before), _counts(now)
    if counts[0] is None and counts[1] is None:
        return Verdict()
    if not counts[0]:
        return _skipped(column, "the baseline statistics do not count its values (too many, or none)")
    if not counts[1]:
        return _skipped(column, "the values of the current data were not counted (too many, or none)")
    distribution = column.config.distribution
    method, threshold = distribution.categorical_drift_method, distribution.categorical_comparison_threshold
    if method == "ChiSquared":
        return _chi_squared(column, counts[0], counts[1])
    gap = categorical_gap(counts[0], counts[1])
    if method == "LInfinity":
        distance = gap.size if distribution.comparison_method == "Simple" else gap.robust()
    else:
        before_counts, now_counts = align(counts[0], counts[1])
        distance = float(OF_SHARES[method](shares_of(before_counts), shares_of(now_counts)))
    return _decide(Drift(column.name, distance, threshold, method), _moved(gap))


def _counts(feature: FeatureStatistics) -> Counter[str] | None:
    if feature.string is None or feature.string.buckets is None:
        return None
    counts: Counter[str] = Counter()
    for value, count in feature.string.buckets:
        counts[value] += count
    return +counts


def _chi_squared(column: Column, before: Counter[str], now: Counter[str]) -> Verdict:
    """Unless Simple, the threshold is the level of significance, and both it and the p-value are written as 1 - p.

    Simple: the threshold is the value of the statistic. Reasons: docs/decisions/categorical-drift.md.
    """
    tested = chi_squared(before, now)
    if tested is None:
        return _skipped(column, "fewer than two categories expect enough rows for a chi-squared test")
    statistic, degrees = tested
    distribution = column.config.distribution
    threshold = distribution.categorical_comparison_threshold
    p_value = chi_squared_survival(statistic, degrees)
    evidence = {
        "statistic": statistic,
        "degrees_of_freedom": degrees,
        "p_value": p_value,
        **_moved(categorical_gap(before, now)),
    }
    if distribution.comparison_method == "Simple":
        return _decide(Drift(column.name, statistic, threshold, "ChiSquared", p_value), evidence)
    drift = Drift(column.name, 1 - p_value, 1 - threshold, "ChiSquared", p_value)
    return _decide(drift, {**evidence, "significance": threshold})
