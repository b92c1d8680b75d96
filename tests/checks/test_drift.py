from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import analysis, column

from analyzer.check import check
from analyzer.documents import (
    Constraints,
    DistributionConfig,
    FeatureConstraints,
    MonitoringConfig,
    Statistics,
    StringStatistics,
    Verdict,
)

LOW, HIGH = [str(i) for i in range(1024)], [str(i) for i in range(512, 1536)]
MOSTLY_ZERO, MOSTLY_ONE = ["0"] * 900 + ["1"] * 100, ["0"] * 100 + ["1"] * 900


def statistics(texts, name="a") -> Statistics:
    return analysis(len(texts), column(name, texts)).statistics


def judge(before, now, compatibility="original", *, enabled=True, **distribution) -> Verdict:
    distribution = DistributionConfig(perform_comparison=enabled, **distribution)
    constraints = Constraints((FeatureConstraints("a"),), MonitoringConfig(distribution=distribution))
    baseline = before if isinstance(before, Statistics) else statistics(before)
    return check(analysis(len(now), column("a", now)), constraints, baseline, compatibility)


def test_a_moved_column_drifts_in_the_words_of_the_original():
    verdict = judge(LOW, HIGH)
    distance = 0.5 - 1.8 * (2048 / 2**20) ** 0.5
    assert verdict.drifts[0].distance == pytest.approx(distance)
    assert verdict.drifts[0].threshold == 0.1
    (violation,) = verdict.violations
    assert (violation.feature_name, violation.constraint_check_type) == ("a", "baseline_drift_check")
    assert violation.description == f"Baseline drift distance: {verdict.drifts[0].distance!r} exceeds threshold: 0.1"
    assert violation.evidence["baseline"] == {"mean": 511.5, "min": 0.0, "max": 1023.0}
    assert violation.evidence["current"] == {"mean": 1023.5, "min": 512.0, "max": 1535.0}
    assert violation.evidence["moved_most"] == {"at": 511.0, "baseline_share": 0.5, "current_share": 0.0}


def test_a_distance_is_reported_without_a_violation_too():
    verdict = judge(LOW, LOW)
    assert verdict.violations == ()
    assert [(d.feature_name, d.distance) for d in verdict.drifts] == [("a", 0.0)]


def test_the_distance_must_exceed_the_threshold_not_reach_it():
    simple = {"comparison_method": "Simple"}
    assert judge(LOW, HIGH, comparison_threshold=0.5, **simple).violations == ()
    assert len(judge(LOW, HIGH, comparison_threshold=0.4999, **simple).violations) == 1


def test_few_distinct_values_cannot_drift_in_the_original_and_that_is_named():
    verdict = judge(MOSTLY_ZERO, MOSTLY_ONE)
    assert verdict.violations == ()
    (quirk,) = verdict.quirks
    assert (quirk.name, quirk.feature_name, quirk.original) == ("robust_drift_blind", "a", 0.0)
    assert quirk.corrected == pytest.approx(0.8 - 1.8 * (2000 / 1e6) ** 0.5)
    assert quirk.effect.endswith("in corrected mode there is a violation")


def test_corrected_sees_it_and_has_no_quirk():
    verdict = judge(MOSTLY_ZERO, MOSTLY_ONE, "corrected")
    assert len(verdict.violations) == 1
    assert verdict.drifts[0].distance == pytest.approx(0.8 - 1.8 * (2000 / 1e6) ** 0.5)
    assert verdict.quirks == ()


def test_a_drift_that_only_the_original_sees_is_named_too():
    tail = [str(i) for i in range(1, 301)]
    verdict = judge(["0"] * 9700 + tail, ["0"] * 9700 + [str(i) for i in range(1001, 1301)])
    assert len(verdict.violations) == 1
    assert verdict.quirks[0].effect.endswith("in corrected mode there is no violation")


def test_different_types_are_not_compared_and_the_log_says_so_as_the_original_s():
    verdict = judge(["1", "2"], ["1.5", "2"])
    assert (verdict.violations, verdict.drifts) == ((), ())
    assert verdict.notes == (
        (
            "Inferred data type don't match for column a. Inferred data type in baseline statistics: Integral. "
            "Inferred data type in current dataset: Fractional"
        ),
    )


def test_nothing_is_compared_when_disabled_or_without_baseline_statistics():
    assert judge(LOW, HIGH, enabled=False) == Verdict()
    assert check(analysis(1024, column("a", HIGH)), Constraints((FeatureConstraints("a"),)), None) == Verdict()


def test_a_feature_can_be_excepted():
    override = MonitoringConfig(distribution=DistributionConfig(perform_comparison=False))
    constraints = Constraints((FeatureConstraints("a", config=override),))
    assert check(analysis(1024, column("a", HIGH)), constraints, statistics(LOW)) == Verdict()


def test_drift_is_checked_although_constraints_are_not_evaluated():
    constraints = Constraints((FeatureConstraints("a"),), MonitoringConfig(evaluate_constraints=False))
    assert len(check(analysis(1024, column("a", HIGH)), constraints, statistics(LOW)).violations) == 1


@pytest.mark.parametrize("levels", [None, (), (np.array([]),)])
def test_a_baseline_without_sketch_is_skipped_with_a_note(levels):
    feature = statistics(LOW).features[0]
    sketch = None if levels is None else replace(feature.numerical.sketch, levels=levels)
    baseline = Statistics(1024, (replace(feature, numerical=replace(feature.numerical, sketch=sketch)),))
    verdict = judge(baseline, HIGH)
    assert verdict.violations == ()
    assert verdict.notes == ("No drift check for column a: the baseline statistics hold no sketch of it.",)


def test_columns_that_one_of_the_baseline_files_lacks_are_named():
    verdict = judge(statistics(LOW, "b"), HIGH)
    assert verdict.violations == ()
    assert verdict.notes == (
        "No drift check, the baseline statistics lack these columns: a.",
        "No drift check, the baseline constraints lack these columns: b.",
    )


# --- Categories -----------------------------------------------------------------------------------------------------

HALVES, QUARTER = ["x"] * 500 + ["y"] * 500, ["x"] * 250 + ["y"] * 750


def test_categories_drift_by_the_largest_change_of_a_share():
    verdict = judge(HALVES, QUARTER)
    assert verdict.drifts[0].distance == pytest.approx(0.25 - 1.8 * (2000 / 1e6) ** 0.5)
    assert verdict.violations[0].description.startswith("Baseline drift distance: 0.1695")
    assert verdict.violations[0].evidence["moved_most"] == {"at": "x", "baseline_share": 0.5, "current_share": 0.25}


def test_categories_have_their_own_threshold_and_the_same_method():
    assert judge(HALVES, QUARTER, categorical_comparison_threshold=0.2).violations == ()
    simple = judge(HALVES, QUARTER, categorical_comparison_threshold=0.2, comparison_method="Simple")
    assert simple.drifts[0].distance == pytest.approx(0.25)
    assert simple.violations[0].description.endswith("exceeds threshold: 0.2")


def test_missing_values_are_a_category():
    verdict = judge(["x"] * 1000, ["x"] * 500 + [None] * 500, comparison_method="Simple")
    assert verdict.drifts[0].distance == 0.5


def test_chi_squared_takes_the_threshold_as_significance():
    same = judge(HALVES, ["x"] * 495 + ["y"] * 505, categorical_drift_method="ChiSquared")
    assert same.violations == ()
    assert same.drifts[0].distance == pytest.approx(1 - 0.7518296)
    moved = judge(HALVES, ["x"] * 460 + ["y"] * 540, categorical_drift_method="ChiSquared")
    (violation,) = moved.violations
    assert violation.description == f"Baseline drift distance: {moved.drifts[0].distance!r} exceeds threshold: 0.9"
    assert violation.evidence["p_value"] == pytest.approx(0.01141204)
    assert violation.evidence["significance"] == 0.1
    assert violation.evidence["statistic"] == pytest.approx(6.4)
    assert violation.evidence["degrees_of_freedom"] == 1


def test_chi_squared_simple_takes_the_threshold_as_a_value_of_the_statistic():
    simple = {"categorical_drift_method": "ChiSquared", "comparison_method": "Simple"}
    now = ["x"] * 460 + ["y"] * 540
    assert judge(HALVES, now, categorical_comparison_threshold=6.5, **simple).violations == ()
    found = judge(HALVES, now, categorical_comparison_threshold=6.3, **simple).violations
    assert found[0].description == "Baseline drift distance: 6.4 exceeds threshold: 6.3"


def test_a_chi_squared_test_that_is_impossible_is_noted_not_guessed():
    verdict = judge(HALVES, ["z"] * 100, categorical_drift_method="ChiSquared")
    assert (verdict.violations, verdict.drifts) == ((), ())
    assert "fewer than two categories" in verdict.notes[0]


def test_uncounted_values_on_one_side_are_noted_on_both_are_silent():
    counted = statistics(HALVES)
    uncounted = Statistics(1000, (replace(counted.features[0], string=StringStatistics(500.0, None)),))
    assert "the baseline statistics do not count its values" in judge(uncounted, HALVES).notes[0]
    nothing = [None] * 10
    assert judge(nothing, nothing) == Verdict()
    data = analysis(1000, (uncounted.features[0], column("a", HALVES)[1]))
    now = check(data, Constraints((FeatureConstraints("a"),)), counted)
    assert "the values of the current data were not counted" in now.notes[0]
