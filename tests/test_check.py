from __future__ import annotations

from dataclasses import replace

import pytest
from cases import SHARED, analysis, column

from analyzer.check import check
from analyzer.decode import read_constraints, read_statistics
from analyzer.documents import (
    Analysis,
    Constraints,
    FeatureConstraints,
    FeatureProfile,
    MonitoringConfig,
    Statistics,
    TopValues,
    TypeCounts,
    Verdict,
    Violation,
)
from analyzer.errors import ConfigError
from analyzer.suggest import suggest

GOOD = analysis(
    4,
    column("n", ["1", "2", "3", "4"]),
    column("f", ["1.5", "2.5", "3.5", "4.5"]),
    column("s", ["x", "y", "x", None], ["x", "y", "NullValue"]),
    column("u", [None] * 4),
)
BAD = analysis(
    4,
    column("n", ["1", "2", "x", None]),
    column("f", ["1", "2.5", None, "3.5"]),
    column("s", ["x", "z", "x", "q"], ["x", "y", "NullValue"]),
    column("u", [None] * 4),
)


@pytest.mark.parametrize("compatibility", ["original", "corrected"])
def test_data_meets_what_was_suggested_from_it(compatibility):
    verdict = check(GOOD, suggest(GOOD.statistics), GOOD.statistics, compatibility)
    assert verdict.violations == verdict.notes == verdict.quirks == ()
    assert [drift.feature_name for drift in verdict.drifts] == ["n", "f", "s"]


def test_violations_are_grouped_by_check_and_in_column_order_within():
    found = check(BAD, suggest(GOOD.statistics), GOOD.statistics).violations
    assert [(v.constraint_check_type, v.feature_name) for v in found] == [
        ("data_type_check", "n"),
        ("data_type_check", "f"),
        ("completeness_check", "n"),
        ("completeness_check", "f"),
        ("categorical_values_check", "s"),
    ]


def test_without_a_baseline_nothing_is_judged():
    assert check(BAD, None, None) == Verdict()


def test_with_statistics_alone_only_drift_is_judged_with_the_default_settings():
    before = analysis(1000, column("n", [str(i) for i in range(1000)]))
    after = analysis(1000, column("n", [str(i) for i in range(900, 1900)]))
    found = check(after, None, before.statistics).violations
    assert [(v.constraint_check_type, v.feature_name) for v in found] == [("baseline_drift_check", "n")]


def test_disabled_evaluation_silences_all_but_drift_and_a_feature_may_differ():
    off, on = MonitoringConfig(evaluate_constraints=False), MonitoringConfig()
    constraints = replace(suggest(GOOD.statistics), config=off)
    assert check(BAD, constraints, None).violations == ()
    features = (replace(constraints.features[0], config=on), *constraints.features[1:])
    found = check(BAD, replace(constraints, features=features), None).violations
    assert {violation.feature_name for violation in found} == {"n"}


def test_what_a_user_deleted_is_not_checked():
    constraints = Constraints(tuple(FeatureConstraints(name) for name in "nfsu"))
    assert check(BAD, constraints, None).violations == ()


def test_is_non_negative_is_not_evaluated_as_in_the_original():
    data = analysis(1, column("n", ["-5"]))
    assert (
        check(data, Constraints((FeatureConstraints("n", "Integral", 1.0, is_non_negative=True),)), None) == Verdict()
    )


def test_lost_maximum_rows_are_named_with_both_figures():
    values = ["0.0", "2.0", "6.666666667"]
    data = analysis(3, column("a", values))
    feature = data.statistics.features[0]
    *others, last = feature.numerical.buckets
    short = replace(last, upper_bound=6.666666666999999, count=0.0)
    feature = replace(feature, numerical=replace(feature.numerical, buckets=(*others, short)))
    verdict = check(Analysis(Statistics(3, (feature,)), data.profiles), None, None)
    assert [(q.name, q.feature_name, q.original, q.corrected) for q in verdict.quirks] == [
        ("lost_maximum_rows", "a", 2.0, 3.0)
    ]


def test_added_checks_run_last_and_cannot_replace_built_in_ones():
    own = Violation("n", "data_type_check", "Mine.")
    found = check(BAD, suggest(GOOD.statistics), None, added={"mine": lambda case: Verdict((own,))}).violations
    assert found[-1] == own
    assert len(found) == 6
    with pytest.raises(ConfigError, match="completeness_check, which is built in"):
        check(BAD, None, None, added={"completeness_check": lambda case: Verdict()})


# --- The original's own baselines ----

PAIRS = {
    "data-quality-sdk": "statistics.json",
    "data-quality-boston": "statistics.json",
    "data-quality-churn": "statistics.first-29-features.json",
}


def profile(feature) -> FeatureProfile:
    kind = feature.inferred_type.lower()
    counts = TypeCounts(**{kind: feature.num_present}, missing=feature.num_missing)
    top = TopValues((), exact=True, counted_rows=0)
    return FeatureProfile(feature.name, counts, 0, 0, 0, None, None, top, 0)


@pytest.mark.golden
@pytest.mark.parametrize(("folder", "file"), PAIRS.items())
def test_a_baseline_of_the_original_does_not_drift_from_itself(folder, file):
    path = SHARED / "golden" / folder
    if not path.exists():
        pytest.skip("the original's outputs are not beside the checkout")
    statistics = read_statistics((path / file).read_bytes(), file)
    constraints = read_constraints((path / "constraints.json").read_bytes(), "constraints.json")
    constraints = replace(constraints, features=constraints.features[: len(statistics.features)])
    data = Analysis(statistics, tuple(map(profile, statistics.features)))
    verdict = check(data, constraints, statistics)
    assert verdict.violations == verdict.notes == ()
    assert {drift.distance for drift in verdict.drifts} == {0.0}
    assert len(verdict.drifts) >= sum(feature.numerical is not None for feature in statistics.features)
