from __future__ import annotations

import pytest
from cases import analysis, column

from analyzer.check import check
from analyzer.documents import Constraints, FeatureConstraints, Verdict


def judge(texts, expected) -> Verdict:
    constraints = Constraints((FeatureConstraints("a", completeness=expected),))
    return check(analysis(len(texts), column("a", texts)), constraints, None)


def test_the_text_is_the_original_s_to_the_last_digit():
    found = judge(["1"] * 9 + [None] * 1000, 1.0).violations
    assert [(v.feature_name, v.constraint_check_type, v.description) for v in found] == [
        (
            "a",
            "completeness_check",
            "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 0.8919722497522299%.",
        )
    ]
    assert found[0].evidence == {
        "rows": 1000,
        "all_rows": 1009,
        "share": 9 / 1009,
        "threshold": 1.0,
        "examples": {},
        "first": {"file": "a.csv", "record": 10},
    }


@pytest.mark.parametrize(("expected", "violations"), [(0.5, 0), (0.5000001, 1), (None, 0), (0.0, 0)])
def test_there_is_no_tolerance_and_no_check_without_an_expectation(expected, violations):
    assert len(judge(["1", None], expected).violations) == violations
