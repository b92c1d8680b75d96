"""The state of an alarm by its datapoints: the tables of CloudWatch's guide, and laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.alerts.judge import TREATMENTS, judge

POINTS = {"0": False, "X": True, "-": None}
KEEP = "INSUFFICIENT_DATA"
"""The state before: what `ignore` keeps."""
OK, ALARM, NONE = "OK", "ALARM", "INSUFFICIENT_DATA"


def points(text: str) -> list[bool | None]:
    return [POINTS[each] for each in text.split()]


@pytest.mark.parametrize(
    ("shown", "to_alarm", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", 3, OK, OK, OK, OK),
        ("- - - - 0", 3, OK, OK, OK, OK),
        ("- - - - -", 3, NONE, KEEP, ALARM, OK),
        ("0 X X - X", 3, ALARM, ALARM, ALARM, ALARM),
        ("- - X - -", 3, ALARM, KEEP, ALARM, OK),
        ("0 - X - X", 2, ALARM, ALARM, ALARM, ALARM),
        ("0 0 X 0 X", 2, ALARM, ALARM, ALARM, ALARM),
        ("0 - X - -", 2, OK, OK, ALARM, OK),
        ("- - - - 0", 2, OK, OK, ALARM, OK),
        ("- - - X -", 2, ALARM, KEEP, ALARM, OK),
    ],
)
def test_so_many_of_three_as_the_guide_has_it(shown, to_alarm, missing, ignore, breaching, not_breaching):
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    found = [judge(points(shown), to_alarm, 3, each, KEEP) for each in treatments]
    assert found == [missing, ignore, breaching, not_breaching]


def test_ignore_keeps_an_alarm_that_is_on():
    assert judge(points("- - - - -"), 1, 3, "ignore", "ALARM") == "ALARM"
    assert judge(points("- - 0 0 0"), 1, 3, "ignore", "ALARM") == "OK"


@given(
    st.lists(st.booleans(), min_size=7, max_size=7), st.integers(1, 5), st.integers(0, 4), st.sampled_from(TREATMENTS)
)
def test_without_gaps_m_of_the_last_n_decide_whatever_the_treatment(shown, to_alarm, more, treatment):
    periods = min(5, to_alarm + more)
    expected = "ALARM" if sum(shown[-periods:]) >= to_alarm else "OK"
    assert judge(shown, to_alarm, periods, treatment, KEEP) == expected


@given(st.lists(st.sampled_from([True, False, None]), max_size=9), st.integers(1, 4), st.sampled_from(TREATMENTS))
def test_one_more_good_datapoint_never_begins_an_alarm(shown, to_alarm, treatment):
    before = judge(shown, to_alarm, 5, treatment, "OK")
    if before == "OK":
        worse = judge([*shown, True], to_alarm, 5, treatment, "OK")
        better = judge([*shown, False], to_alarm, 5, treatment, "OK")
        assert not (better == "ALARM" and worse != "ALARM")
