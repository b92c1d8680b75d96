from __future__ import annotations

from cases import analysis, column

from analyzer.check import check
from analyzer.documents import Constraints, FeatureConstraints, MonitoringConfig

DATA = analysis(2, column("a", ["x", None]), column("c", ["1", "2"]), column("d", ["1", "2"]))


def asked(*names: str, **config: bool) -> Constraints:
    features = tuple(FeatureConstraints(name, "Integral", completeness=1.0) for name in names)
    return Constraints(features, MonitoringConfig(**config))


def test_a_missing_column_is_the_only_violation():
    verdict = check(DATA, asked("a", "b", "c", "d"), None)
    assert [(v.feature_name, v.constraint_check_type, v.description) for v in verdict.violations] == [
        (
            "Missing columns",
            "missing_column_check",
            (
                "There are missing columns in current dataset. Number of columns in current dataset: 3, "
                "Number of columns in baseline constraints: 4"
            ),
        )
    ]
    assert verdict.violations[0].evidence == {"current": 3, "baseline": 4, "missing": ["b"], "surplus": []}
    assert verdict.notes == ("Columns of the baseline that the current data lacks: b.",)


def test_an_extra_column_is_the_only_violation():
    verdict = check(DATA, asked("a", "b"), None)
    assert [(v.feature_name, v.constraint_check_type, v.description) for v in verdict.violations] == [
        (
            "Extra columns",
            "extra_column_check",
            (
                "There are extra columns in current dataset. Number of columns in current dataset: 3, "
                "Number of columns in baseline constraints: 2"
            ),
        )
    ]
    assert verdict.violations[0].evidence["surplus"] == ["c", "d"]
    assert "the baseline does not know: c, d." in verdict.notes[1]


def test_a_renamed_column_counts_as_all_missing():
    verdict = check(DATA, asked("c", "b", "d"), None)
    assert [(v.feature_name, v.constraint_check_type) for v in verdict.violations] == [("b", "completeness_check")]
    assert verdict.violations[0].description.endswith("Observed: Only 0.0%.")
    assert verdict.notes == (
        "Columns of the baseline that the current data lacks: b.",
        "Columns of the current data that the baseline does not know: a.",
    )


def test_thousands_of_names_do_not_flood_the_log_but_the_evidence_has_all():
    names = [f"f{i}" for i in range(3000)]
    verdict = check(DATA, asked("a", "c", "d", *names), None)
    assert verdict.notes[0].endswith("f49 and 2950 more.")
    assert verdict.violations[0].evidence["missing"] == names


def test_nothing_is_compared_when_evaluation_is_disabled_for_the_data_set():
    verdict = check(DATA, asked("a", evaluate_constraints=False), None)
    assert verdict.violations == ()
    assert verdict.notes == ("Columns of the current data that the baseline does not know: c, d.",)
