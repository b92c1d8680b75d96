"""Datapoints to the state of an alarm, as CloudWatch decides it; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Missing = Literal["missing", "notBreaching", "breaching", "ignore"]
TREATMENTS: tuple[Missing, ...] = ("missing", "notBreaching", "breaching", "ignore")
MORE = 2
"""Datapoints before the evaluation periods that take the places of missing ones."""


def judge(points: Sequence[bool | None], to_alarm: int, periods: int, missing: Missing, before: State) -> State:
    """Decide the state of an alarm: `to_alarm` of `periods` datapoints must breach.

    `points` are datapoints, oldest first: whether each breaches, None where it is missing; at most `periods` + `MORE`
    are looked at. While there are as many real ones as periods, the last of these decide and missing ones do not
    matter; else the `missing` treatment fills up. With `missing`, an alarm also begins, and with `ignore` the state
    stays what it was `before`, where all real datapoints breach and the oldest of them is as old as `to_alarm`.
    Source: Amazon CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data".
    """
    some = list(points[-(periods + MORE) :])
    real = [point for point in some if point is not None][-periods:]
    lacking = periods - len(real)
    if missing == "breaching":
        real += [True] * lacking
    state = _counted(real, to_alarm)
    if not lacking or state == "ALARM" or missing not in _UNFILLED:
        return state
    of_nothing, of_few = _UNFILLED[missing]
    if not real:
        return of_nothing or before
    return (of_few or before) if _is_premature(some, to_alarm) else state


_UNFILLED: Mapping[Missing, tuple[State | None, State | None]] = {
    "missing": ("INSUFFICIENT_DATA", "ALARM"),
    "ignore": (None, None),
}
"""Where nothing is filled in: the state without any datapoint, and with few that all breach; None keeps what was."""


def _counted(points: Sequence[bool], to_alarm: int) -> State:
    return "ALARM" if sum(points) >= to_alarm else "OK"


def _is_premature(points: Sequence[bool | None], to_alarm: int) -> bool:
    """Tell whether an alarm begins with fewer datapoints than it needs: all that there are breach, and one is old."""
    oldest = next((at for at, point in enumerate(points) if point is not None), None)
    return oldest is not None and False not in points and len(points) - oldest >= to_alarm
