from __future__ import annotations

from cases import analysis, column

from analyzer.check import check
from analyzer.documents import Constraints, FeatureConstraints, MonitoringConfig, Verdict


def judge(texts, domains, threshold=1.0) -> Verdict:
    config = MonitoringConfig(domain_content_threshold=threshold)
    asked = FeatureConstraints("a", domains=domains, config=config)
    return check(analysis(len(texts), column("a", texts, domains)), Constraints((asked,)), None)


def test_the_text_is_the_one_clients_parse():
    found = judge(["red"] + ["x"] * 109 + ["y"], ("red",)).violations
    assert [(v.feature_name, v.constraint_check_type, v.description) for v in found] == [
        ("a", "categorical_values_check", "Value: 0.009009009009009009 does not meet the constraint requirement! ")
    ]
    assert found[0].evidence == {
        "rows": 110,
        "all_rows": 111,
        "share": 1 / 111,
        "threshold": 1.0,
        "examples": {"outside_domain": ["x", "y"]},
        "first": {"file": "a.csv", "record": 2},
    }


def test_missing_values_are_inside_the_domain():
    assert judge(["red", None, None], ("red",)).violations == ()
    assert "Value: 0.75 " in judge(["red", None, None, "blue"], ("red",)).violations[0].description


def test_the_share_must_reach_the_threshold():
    assert judge(["red", "blue"], ("red",), threshold=0.5).violations == ()
    assert len(judge(["red", "blue"], ("red",), threshold=0.51).violations) == 1


def test_no_domains_no_check():
    assert judge(["red"], None).violations == ()
    assert judge(["red"], ()).violations == ()
