"""Rules and the history to states of alarms, and to messages that are to be delivered where a state changes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

from analyzer.alerts.find_band import Expectation, expect
from analyzer.alerts.judge import MORE, State, judge
from analyzer.alerts.read_rules import OF_EXECUTIONS, Rule, Rules
from analyzer.config import utc_text
from analyzer.history.database import Connection

log = logging.getLogger(__name__)
AWAY = "away from 0"


class Subject(NamedTuple):
    """One series that a rule concerns; `series` is None for a figure of executions."""

    series: int | None
    endpoint: str
    schedule: str
    dimension: str
    feature: str
    part: str
    metric: str
    worse: str | None

    @property
    def names(self) -> tuple[str, ...]:
        return self[1:7]


class Point(NamedTuple):
    """A datapoint: a figure at the time of an execution, or None where there is none."""

    time: datetime
    value: float | None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule says of a subject: the state, the last value with its bounds, and why."""

    state: State
    value: float | None
    low: float | None
    high: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of the state of an alarm."""

    rule: Rule
    subject: Subject
    time: str
    before: State
    judged: Judged
    told: bool
    """Whether targets are told."""


def evaluate(
    connection: Connection,
    rules: Rules,
    *,
    only: tuple[str, str] | None = None,
    now: datetime | None = None,
) -> list[Transition]:
    """Bring the states of all alarms up to date, keep the changes, and put messages in the queue.

    `only` is the endpoint and schedule that a run has changed, where no others are to be looked at. `now` is the time
    for rules with a period; by default that of the last execution of each schedule.
    """
    changes: list[Transition] = []
    for rule in rules.rules:
        for subject in _subjects(connection, rule):
            if only is None or only == (subject.endpoint, subject.schedule):
                change = _evaluate_one(connection, rule, subject, now)
                if change:
                    changes.append(change)
    for change in changes:
        _queue(connection, change)
    return changes


def _evaluate_one(connection: Connection, rule: Rule, subject: Subject, now: datetime | None) -> Transition | None:
    key = (rule.name, *subject.names)
    row = connection.execute(f"SELECT state, told FROM alarms WHERE {_KEY}", key).fetchone()  # noqa: S608 (ours)
    before: State = row[0] if row else "INSUFFICIENT_DATA"
    told = bool(row and row[1])
    points, past = _points(connection, rule, subject, now)
    if not points:
        return None
    found = _judge(rule, subject, points, past, before)
    time = utc_text(points[-1].time)
    if found.state == before:
        if row is None:
            _keep(connection, key, found, time, told=False)
        elif before == "ALARM":
            connection.execute(f"UPDATE alarms SET reason = ? WHERE {_KEY}", (found.reason, *key))  # noqa: S608 (ours)
        return None
    tells = _tells(rule, found.state, told=told)
    _keep(connection, key, found, time, told=tells if found.state == "ALARM" else told and found.state != "OK")
    return Transition(rule, subject, time, before, found, tells)


_KEY = "rule = ? AND endpoint = ? AND schedule = ? AND dimension = ? AND feature = ? AND part = ? AND metric = ?"


def _tells(rule: Rule, state: State, *, told: bool) -> bool:
    """Tell of what the rule names; that all is well again only where an alarm was told."""
    return state in rule.notify and (state != "OK" or told)


def _keep(connection: Connection, key: tuple[str, ...], found: Judged, time: str, *, told: bool) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, found.state, time, found.reason, int(told)),
    )


def _queue(connection: Connection, change: Transition) -> None:
    found = change.judged
    number = connection.execute(
        "INSERT INTO transitions (time, rule, endpoint, schedule, dimension, feature, part, metric, before, after, "
        "value, low, high, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            change.time, change.rule.name, *change.subject.names, change.before, found.state, found.value, found.low,
            found.high, found.reason,
        ),
    ).lastrowid  # fmt: skip
    log.log(
        logging.WARNING if found.state == "ALARM" else logging.INFO,
        "%s: %s -> %s: %s", change.rule.name, change.before, found.state, found.reason,
    )  # fmt: skip
    if change.told:
        rows = [(number, target) for target in change.rule.targets]
        connection.executemany("INSERT INTO deliveries (transition, target) VALUES (?, ?)", rows)


# --- which series, and their values -----------------------------------------------------------------------------------


def _subjects(connection: Connection, rule: Rule) -> Iterator[Subject]:
    if rule.metric in OF_EXECUTIONS:
        if all(pattern == "*" for pattern in (rule.feature, rule.part)):
            for endpoint, schedule in connection.execute("SELECT DISTINCT endpoint, schedule FROM executions"):
                found = Subject(None, endpoint, schedule, "", "", "", rule.metric, "higher")
                if fnmatchcase(endpoint, rule.endpoint) and fnmatchcase(schedule, rule.schedule):
                    yield found
        return
    patterns = (rule.endpoint, rule.schedule, rule.dimension, rule.feature, rule.part)
    for row in connection.execute(
        "SELECT id, endpoint, schedule, dimension, feature, part, metric, worse FROM series WHERE metric = ? "
        "ORDER BY endpoint, schedule, feature, part",
        (rule.metric,),
    ).fetchall():
        subject = Subject._make(row)
        if all(fnmatchcase(name, pattern) for name, pattern in zip(subject.names[:5], patterns, strict=True)):
            yield subject


def _points(
    connection: Connection, rule: Rule, subject: Subject, now: datetime | None
) -> tuple[list[Point], list[Point]]:
    """Give the datapoints that are evaluated, oldest first, and those before them that a band is learned from."""
    wanted = rule.periods + MORE
    last = connection.execute(
        "SELECT MAX(time) FROM executions WHERE endpoint = ? AND schedule = ?", (subject.endpoint, subject.schedule)
    ).fetchone()[0]
    if last is None:
        return [], []
    until = now or _time(last)
    since = until - (rule.period or timedelta(0)) * wanted
    back = timedelta(days=rule.band.days) if rule.band else timedelta(0)
    every = list(_values(connection, subject, since - back if rule.period else None, until, wanted if not back else 0))
    if not rule.period:
        some, past = every[-wanted:], every[:-wanted]
        return some, [point for point in past if some and point.time >= some[0].time - back]
    return _by_period(every, until, rule.period, wanted), [point for point in every if point.time < since]


def _values(
    connection: Connection, subject: Subject, since: datetime | None, until: datetime, most: int
) -> Iterator[Point]:
    """Give the figure at each execution of the schedule, None where it is lacking; `most` is 0 for all."""
    ends = (subject.endpoint, subject.schedule, utc_text(until), utc_text(since) if since else "", most or -1)
    if subject.series is None:
        rows = connection.execute(_OF_EXECUTIONS[subject.metric] + _WITHIN, ends).fetchall()
    else:
        rows = connection.execute(_OF_SERIES + _WITHIN, (subject.series, subject.dimension, *ends)).fetchall()
    return (Point(_time(time), value, threshold) for time, value, threshold in reversed(rows))


_OF_EXECUTIONS = {
    "violations": "SELECT e.time, e.violations, NULL FROM executions e",
    "rows": "SELECT e.time, e.rows, NULL FROM executions e",
}
_OF_SERIES = (
    "SELECT e.time, p.value, p.threshold FROM executions e "
    "JOIN verdicts v ON v.execution = e.id AND v.dimension = ?2 "
    "LEFT JOIN points p ON p.execution = e.id AND p.series = ?1"
)
_WITHIN = " WHERE e.endpoint = ? AND e.schedule = ? AND e.time <= ? AND e.time >= ? ORDER BY e.time DESC LIMIT ?"


def _by_period(points: Sequence[Point], until: datetime, period: timedelta, wanted: int) -> list[Point]:
    """Put the last figure of each period on a grid that ends with the period of `until`."""
    seconds = period.total_seconds()
    end = int(until.timestamp() // seconds)
    slots: dict[int, Point] = {
        int(point.time.timestamp() // seconds): point for point in points if point.value is not None
    }
    return [
        replace_time(slots.get(slot), datetime.fromtimestamp(slot * seconds, UTC))
        for slot in range(end - wanted + 1, end + 1)
    ]


def replace_time(point: Point | None, time: datetime) -> Point:
    """Give a point its place on the grid; where there is none, a missing one."""
    return point._replace(time=time) if point else Point(time, None)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- what breaches ----------------------------------------------------------------------------------------------------


def _judge(rule: Rule, subject: Subject, points: Sequence[Point], past: Sequence[Point], before: State) -> Judged:
    expected = _expected(rule, past)
    bounds = [_bounds(rule, subject, point, expected) for point in points]
    breaches = [_breaches(rule, subject, point, found) for point, found in zip(points, bounds, strict=True)]
    state = judge(breaches, rule.to_alarm, rule.periods, rule.missing, before)
    at = next((i for i in range(len(points) - 1, -1, -1) if points[i].value is not None), len(points) - 1)
    low, high = bounds[at]
    reason = _reason(rule, subject, points[at], bounds[at], breaches[-rule.periods :])
    return Judged(state, points[at].value, low, high, reason)


def _expected(rule: Rule, past: Sequence[Point]) -> Expectation | None:
    if rule.band is None:
        return None
    known = [
        (point.time, point.value) for point in past if point.value is not None and abs(point.value) != float("inf")
    ]
    if len(known) < rule.band.least:
        return None
    times, values = zip(*known, strict=True)
    return expect(times, values, rule.band.season)


Bounds = tuple[float | None, float | None]


def _bounds(rule: Rule, subject: Subject, point: Point, expected: Expectation | None) -> Bounds:
    """Give what a value must not be below or above."""
    if rule.band is not None:
        if expected is None:
            return None, None
        band = expected.band(point.time, rule.band.width, rule.band.least_width)
        return (None if rule.comparison == "above" else band.low), (None if rule.comparison == "below" else band.high)
    threshold = point.threshold if rule.comparison == "own" else rule.threshold
    if threshold is None:
        return None, None
    if rule.comparison == "own" and subject.worse == AWAY:
        return -abs(threshold), abs(threshold)
    is_upper = rule.comparison in {">", ">="} or (rule.comparison == "own" and subject.worse != "lower")
    return (None, threshold) if is_upper else (threshold, None)


def _breaches(rule: Rule, subject: Subject, point: Point, bounds: Bounds) -> bool | None:
    """Tell whether a datapoint breaches; None is one that is missing or that nothing is known to compare with."""
    low, high = bounds
    if point.value is None:
        return None
    if low is None and high is None:
        # The original names a threshold only where it is violated: a figure without one was well.
        return False if rule.comparison == "own" and subject.worse is not None else None
    if rule.comparison in {">=", "<="}:
        return point.value >= high if high is not None else low is not None and point.value <= low
    return (high is not None and point.value > high) or (low is not None and point.value < low)


def _reason(rule: Rule, subject: Subject, point: Point, bounds: Bounds, breaches: Sequence[bool | None]) -> str:
    of = " ".join(filter(None, (subject.feature, f"= {subject.part}" if subject.part else "")))
    what = f"{subject.metric} of {of}" if of else subject.metric
    owner = " / ".join(filter(None, (subject.endpoint, subject.schedule)))
    counted = sum(bool(each) for each in breaches)
    told = f"{counted} of the last {rule.periods} datapoints breach" if rule.periods > 1 else ""
    if point.value is None:
        return f"{owner}: {what} is missing" + (f"; {told}" if told else "")
    low, high = bounds
    limits = [f"at least {low:.6g}" if low is not None else "", f"at most {high:.6g}" if high is not None else ""]
    wanted = " and ".join(filter(None, limits))
    band = "expected" if rule.band else "allowed"
    said = f"{owner}: {what} is {point.value:.6g}" + (f", {band} is {wanted}" if wanted else "")
    return said + (f"; {told}" if told else "")
