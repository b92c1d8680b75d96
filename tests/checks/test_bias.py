"""Metrics of bias against a baseline's: what is worse, in which words, and what is not judged."""

from __future__ import annotations

import math
from typing import Any

import pytest

from analyzer.checks.bias import Measured, check_bias, types_of


def baseline(value: str = "0", metrics: Any = None, stage: str = "post_training", facet: str = "Sex") -> dict[str, Any]:
    listed = [{"name": name, "value": found} for name, found in (metrics or {}).items()]
    section = {"label": "y", "facets": {facet: [{"value_or_threshold": value, "metrics": listed}]}}
    return {"version": "1.0", f"{stage}_bias_metrics": {**section, "label_value_or_threshold": "1"}}


def names(current: Measured, expected: dict[str, Any], rule: str = "abs_value") -> list[str]:
    return [each["metric_name"] for each in check_bias([current], expected, rule)[0]]


@pytest.mark.parametrize(
    ("value", "asked", "broken"),
    [
        (0.1, 0.2, False),
        (-0.3, 0.2, True),
        (0.3, -0.2, True),
        (0.2, -0.2, False),
        (math.inf, 2.9, True),
        (-math.inf, "Infinity", False),
        (5.0, "-Infinity", False),
        (0.0, 0.0, False),
    ],
)
def test_farther_from_zero_is_worse(value, asked, broken) -> None:
    assert (
        names(Measured("post_training", "Sex", "0", "0", {"AD": value}), baseline(metrics={"AD": asked})) == ["AD"]
    ) == broken


@pytest.mark.parametrize(("value", "broken"), [(0.1, True), (0.5, False), (1.4, False), (1.6, True)])
def test_impact_is_even_at_one(value, broken) -> None:
    measured = Measured("post_training", "Sex", "0", "0", {"DI": value})
    assert bool(names(measured, baseline(metrics={"DI": 0.5}), "distance_from_parity")) == broken


@pytest.mark.parametrize(("interval", "broken"), [((0.19, 0.4), False), ((0.21, 0.4), True), ((-0.4, -0.21), True)])
def test_an_interval_has_to_lie_outside(interval, broken) -> None:
    measured = Measured("post_training", "Sex", "0", "0", {"AD": 0.3}, {"AD": interval})
    assert bool(names(measured, baseline(metrics={"AD": -0.2}), "bootstrap")) == broken


def test_without_an_interval_the_value_is_judged() -> None:
    measured = Measured("post_training", "Sex", "0", "0", {"FT": 0.3})
    assert names(measured, baseline(metrics={"FT": 0.2}), "bootstrap") == ["FT"]


@pytest.mark.parametrize(
    ("rule", "value", "interval", "broken"),
    [
        ("abs_value", 0.3, None, True),
        ("abs_value", -0.3, None, True),
        ("abs_value", 0.1, None, False),
        ("abs_value", math.inf, None, True),
        ("distance_from_parity", 0.3, None, True),
        ("bootstrap", 0.3, (0.05, 0.5), False),
        ("bootstrap", 0.3, (0.15, 0.5), True),
        ("bootstrap", -0.3, (-0.5, -0.15), True),
        ("bootstrap", 0.3, None, True),
    ],
)
@pytest.mark.parametrize("asked", [0.0, 0.9, None])
def test_a_range_of_its_own_stands_in_for_the_baseline(rule, value, interval, broken, asked) -> None:
    measured = Measured("post_training", "Sex", "0", "0", {"AD": value}, {"AD": interval} if interval else {})
    found, notes = check_bias([measured], baseline(metrics={"AD": asked}), rule, {"AD": (-0.1, 0.1)})
    assert (bool(found), notes) == (broken, [])


def test_an_open_end_allows_all_beyond_and_other_metrics_keep_the_baseline() -> None:
    measured = Measured("post_training", "Sex", "0", "0", {"DI": 0.7, "AD": 0.3})
    allowed = {"DI": (0.8, math.inf)}
    found, _ = check_bias([measured], baseline(metrics={"DI": 9.0, "AD": 0.2}), "abs_value", allowed)
    assert [each["description"] for each in found] == [
        "Metric value 0.3 doesn't meet the baseline constraint requirement 0.2",
        "Metric value 0.7 is outside of the allowed range [0.8, Infinity]",
    ]
    high = Measured("post_training", "Sex", "0", "0", {"DI": math.inf})
    assert check_bias([high], baseline(metrics={"DI": 9.0}), "abs_value", allowed)[0] == []


def test_a_metric_without_a_figure_is_not_judged_by_its_range() -> None:
    measured = Measured("post_training", "Sex", "0", "0", {"AD": "Facet set is empty"})
    found, notes = check_bias([measured], baseline(metrics={"AD": 0.2}), "abs_value", {"AD": (-0.1, 0.1)})
    assert found == []
    assert "AD of Sex 0" in notes[0]


def test_violations_say_what_the_original_says_in_its_order() -> None:
    measured = Measured("post_training", "Age", "(40, 85]", "40", {"TE": math.inf, "AD": 0.25, "DI": 0.1})
    found, notes = check_bias(
        [measured], baseline("(40, 90]", {"TE": 1, "AD": -0.2, "DI": 0.5}, facet="Age"), "abs_value"
    )
    assert notes == []
    assert [list(each.values()) for each in found] == [
        ["Age", "40", "AD", "bias_drift_check",
         "Metric value 0.25 doesn't meet the baseline constraint requirement -0.2"],
        ["Age", "40", "TE", "bias_drift_check",
         "Metric value Infinity doesn't meet the baseline constraint requirement 1.0"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "lacking"),
    [
        (baseline(metrics={"AD": None}), "AD of Sex 0"),
        (baseline(metrics={}), "AD of Sex 0"),
        (baseline("1", {"AD": 0}), "AD of Sex 0"),
        (baseline(metrics={"AD": 0}, facet="Age"), "AD of Sex 0"),
        (baseline(metrics={"AD": 0}, stage="pre_training"), "AD of Sex 0"),
        ({"post_training_bias_metrics": 3}, "AD of Sex 0"),
        ({"post_training_bias_metrics": {"facets": {"Sex": {"a": 1}}}}, "AD of Sex 0"),
        (baseline(metrics={"AD": "much"}), "AD of Sex 0"),
    ],
)
def test_what_the_baseline_lacks_is_not_judged_and_told(expected, lacking) -> None:
    found, notes = check_bias([Measured("post_training", "Sex", "0", "0", {"AD": 9.0})], expected, "abs_value")
    assert found == []
    assert notes == [f"Not judged, for want of a figure in this run or in the baseline: {lacking}."]


def test_types_are_told_from_how_values_are_written() -> None:
    assert types_of(baseline("(100.0, 2278.0]")) == ("categorical", {"Sex": "continuous"})
    assert types_of(baseline("1,3")) == ("categorical", {"Sex": "categorical"})
    assert types_of(None) == (None, {})
    assert types_of({"version": "1.0", "pre_training_bias_metrics": {"facets": {"Sex": [3]}}}) == (None, {})
