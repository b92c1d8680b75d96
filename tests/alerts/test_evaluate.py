"""Rules over real histories: states, transitions, missing data, periods, bands and own thresholds."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import executions as past
import pytest

ABOVE = "rules:\n  - {name: high, metric: mean, feature: x, comparison: '>', threshold: 10%s}\n"


def test_states_change_as_values_do_and_only_changes_are_kept(alerts):
    alerts.rules = ABOVE % ""
    assert alerts.states([1, 11, 12, 3, 4, 20]) == ["OK", "ALARM", "ALARM", "OK", "OK", "ALARM"]
    rows = alerts.history.query("SELECT time, before, after, value, high FROM transitions ORDER BY id")
    assert [(row["before"], row["after"], row["value"]) for row in rows] == [
        ("INSUFFICIENT_DATA", "OK", 1), ("OK", "ALARM", 11), ("ALARM", "OK", 3), ("OK", "ALARM", 20),
    ]  # fmt: skip
    assert rows[1]["time"] == "2026-11-01T01:00:00Z"
    assert rows[1]["high"] == 10


def test_evaluating_again_changes_nothing(alerts):
    alerts.rules = ABOVE % ""
    alerts.states([1, 11])
    assert alerts.evaluate() == []


def test_so_many_datapoints_of_so_many_must_breach(alerts):
    alerts.rules = ABOVE % ", datapoints: 2 of 3"
    assert alerts.states([1, 1, 1, 11, 1, 11, 1, 1]) == ["OK", "OK", "OK", "OK", "OK", "ALARM", "OK", "OK"]


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [
        ("missing", ["OK", "OK", "OK", "INSUFFICIENT_DATA", "ALARM"]),
        ("ignore", ["OK", "OK", "OK", "OK", "ALARM"]),
        ("breaching", ["OK", "OK", "OK", "ALARM", "ALARM"]),
        ("notBreaching", ["OK", "OK", "OK", "OK", "ALARM"]),
    ],
)
def test_executions_without_the_metric_are_treated_as_the_rule_says(alerts, treatment, expected):
    alerts.rules = ABOVE % f", missing: {treatment}"
    assert alerts.states([1, None, None, None, 11]) == expected


def test_with_a_period_an_execution_that_never_came_is_missing(alerts):
    alerts.rules = ABOVE % ", period: 1h, datapoints: 2 of 2, missing: breaching"
    for hour in (0, 1, 2):
        alerts.run(hour, 1)
    assert alerts.evaluate(now=datetime(2026, 11, 1, 2, 30, tzinfo=UTC)) == []
    late = alerts.evaluate(now=datetime(2026, 11, 1, 6, 30, tzinfo=UTC))
    assert [change.judged.state for change in late] == ["ALARM"]
    assert "missing" in late[0].judged.reason


def test_executions_come_in_any_order(alerts):
    alerts.rules = ABOVE % ""
    alerts.run(5, 1)
    assert alerts.run(2, 99) == []
    assert alerts.run(6, 11)[0].judged.state == "ALARM"


def test_own_thresholds_have_their_side_and_no_violation_is_well(alerts):
    alerts.rules = "rules:\n  - {metric: completeness, threshold: own}\n  - {metric: RD, threshold: own}\n"
    draw = random.Random(1)
    for hour, broken in enumerate([False, True, False]):
        past.data_quality(past.folder_of(alerts.top, "m", "s", hour), draw, broken=broken, ours=False)
        past.bias(past.folder_of(alerts.top, "m", "b", hour), draw, broken=broken)
        changes = {(c.rule.name, c.subject.feature): c.judged.state for c in alerts.evaluate()}
        if broken:
            assert changes[("completeness", "income")] == "ALARM"
            assert ("completeness", "age") not in {key for key, state in changes.items() if state == "ALARM"}
            assert changes[("RD", "sex")] == "ALARM"
    assert changes == {("completeness", "income"): "OK", ("RD", "sex"): "OK"}


def test_violations_and_rows_of_executions_are_metrics_too(alerts):
    alerts.rules = """
rules:
  - {metric: violations, comparison: '>', threshold: 1}
  - {metric: rows, comparison: <, threshold: 600}
"""
    found = alerts.run(0, 1, violations=3)
    assert [(change.rule.name, change.judged.state) for change in found] == [("violations", "ALARM"), ("rows", "ALARM")]
    assert found[0].judged.reason == "m / s: violations is 3, allowed is at most 1"


def test_patterns_choose_series_by_name_and_by_nothing_else(alerts):
    alerts.rules = "rules:\n  - {metric: mean, feature: 'x*', schedule: 'a?', comparison: '>', threshold: 0}\n"
    for schedule in ("a1", "a2", "b1"):
        alerts.run(0, 1, schedule=schedule)
    rows = alerts.history.query("SELECT schedule, feature FROM alarms ORDER BY 1")
    assert rows == [{"schedule": "a1", "feature": "x"}, {"schedule": "a2", "feature": "x"}]


def test_one_execution_touches_its_own_alarms_alone(alerts):
    alerts.rules = ABOVE % ""
    alerts.run(0, 1, schedule="a")
    alerts.run(0, 1, schedule="b")
    past.write(past.folder_of(alerts.top, "m", "a", 1), statistics=past.statistics(past.numeric("x", 50)))
    past.write(past.folder_of(alerts.top, "m", "b", 1), statistics=past.statistics(past.numeric("x", 50)))
    found = alerts.evaluate(only=("m", "a"))
    assert [change.subject.schedule for change in found] == ["a"]


def test_a_band_is_learned_before_it_judges_and_follows_the_hours(alerts):
    alerts.rules = "rules:\n  - {metric: mean, feature: x, band: {width: 5, least: 48, season: hour-of-day}}\n"
    draw = random.Random(1)
    expected = [10 + 10 * (hour % 24 > 11) + draw.gauss(0, 0.2) for hour in range(24 * 7)]
    for hour, value in enumerate(expected):
        folder = past.folder_of(alerts.top, "m", "s", hour)
        past.write(folder, statistics=past.statistics(past.numeric("x", value)))
    first = alerts.evaluate(now=datetime(2026, 11, 2, tzinfo=UTC))
    assert [change.judged.state for change in first] == []
    assert alerts.history.query("SELECT state FROM alarms") == [{"state": "INSUFFICIENT_DATA"}]
    assert [change.judged.state for change in alerts.evaluate()] == ["OK"]
    night = 24 * 7  # midnight: 20 would be well at noon
    found = alerts.run(night, 20.0)
    assert [change.judged.state for change in found] == ["ALARM"]
    assert found[0].judged.high == pytest.approx(11, abs=1)
    assert "expected is at least" in found[0].judged.reason
    assert [change.judged.state for change in alerts.run(night + 1, 10.1)] == ["OK"]


def test_infinite_values_breach_and_spoil_no_band(alerts):
    alerts.rules = (
        "rules:\n  - {metric: TE, comparison: '>', threshold: 5}\n  - {name: b, metric: TE, band: {least: 2}}\n"
    )
    for hour in range(6):
        past.bias(past.folder_of(alerts.top, "m", "b", hour), random.Random(hour), broken=False)
    found = {change.rule.name: change.judged.state for change in alerts.evaluate()}
    assert found["TE"] == "ALARM"
    assert "b" not in found
