from __future__ import annotations

from dataclasses import replace

import pytest
from cases import analysis, column

from analyzer.check import check
from analyzer.documents import Constraints, FeatureConstraints, MonitoringConfig, Verdict
from analyzer.jsonlayout import dump


def judge(texts, expected, threshold=1.0, compatibility="original") -> Verdict:
    asked = FeatureConstraints("a", expected, config=MonitoringConfig(datatype_check_threshold=threshold))
    return check(analysis(len(texts), column("a", texts)), Constraints((asked,)), None, compatibility)


def test_the_text_is_the_original_s_to_the_last_digit():
    verdict = judge(["1"] * 1908 + ["1.5"] * 7, "Integral")
    assert [violation.description for violation in verdict.violations] == [
        (
            "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
            "Observed: Only 99.63446475195823% of data is Integral."
        ),
    ]
    assert (verdict.violations[0].feature_name, verdict.violations[0].constraint_check_type) == ("a", "data_type_check")


@pytest.mark.parametrize(
    ("texts", "expected", "share"),
    [
        (["1", "2"], "Integral", None),
        (["1", None, None], "Integral", None),
        ([None, None], "Integral", None),
        (["1.0", "2.5"], "Fractional", None),
        (["1", "2"], "Fractional", "0.0"),
        (["1.0", "2"], "Fractional", "50.0"),
        (["1.5"], "Integral", "0.0"),
        (["true", "x"], "String", None),
        (["1", "x"], "String", "50.0"),
        (["true", "1"], "Integral", "50.0"),
        (["1", "x"], "Unknown", None),
        (["1", "x"], None, None),
    ],
)
def test_each_value_counts_for_its_own_type_and_missing_ones_do_not_count(texts, expected, share):
    found = judge(texts, expected).violations
    assert [f"Only {share}%" in violation.description for violation in found] == ([] if share is None else [True])


def test_the_share_must_reach_the_threshold_and_the_text_names_it():
    texts = ["1"] * 9 + ["x"]
    assert judge(texts, "Integral", threshold=0.9).violations == ()
    assert "Expected match: 91.0%." in judge(texts, "Integral", threshold=0.91).violations[0].description


def test_integers_that_fail_a_fractional_baseline_are_a_quirk_with_both_figures():
    verdict = judge(["1", "2.5", "3"], "Fractional")
    assert len(verdict.violations) == 1
    assert [(q.name, q.feature_name, q.original, q.corrected) for q in verdict.quirks] == [
        ("integral_fails_fractional", "a", 1 / 3, 1.0)
    ]
    assert judge(["1", "2.5", "3"], "Fractional", compatibility="corrected") == Verdict()


def test_numbers_that_fail_a_string_baseline_are_a_quirk_with_both_figures():
    verdict = judge(["1", "x"], "String")
    assert [(q.name, q.original, q.corrected) for q in verdict.quirks] == [("mixed_text_fails_string", 0.5, 1.0)]
    assert judge(["1", "x"], "String", compatibility="corrected") == Verdict()


def test_what_fails_either_way_is_no_quirk_and_names_the_share_of_its_mode():
    texts = ["1", "2.5", "x", "y"]
    assert judge(texts, "Fractional").quirks == ()
    assert "Only 25.0%" in judge(texts, "Fractional").violations[0].description
    assert "Only 50.0%" in judge(texts, "Fractional", compatibility="corrected").violations[0].description


def test_the_evidence_says_how_many_rows_of_which_types_with_examples_and_place():
    evidence = judge(["1", "2", "x", "1.5", "y", None], "Integral").violations[0].evidence
    assert evidence == {
        "expected_type": "Integral",
        "rows": 3,
        "present_rows": 5,
        "types": {"fractional": 1, "string": 2},
        "share": 0.4,
        "threshold": 1.0,
        "examples": {"fractional": ["1.5"], "string": ["x", "y"]},
        "first": {"file": "a.csv", "record": 3},
    }
    assert '"file" : "a.csv"' in dump(evidence)


def test_evidence_that_was_not_collected_is_left_out():
    statistics, profile = column("a", ["x"])
    data = analysis(1, (statistics, replace(profile, evidence={})))
    found = check(data, Constraints((FeatureConstraints("a", "Integral"),)), None).violations[0]
    assert found.evidence["rows"] == 1
    assert "first" not in found.evidence
