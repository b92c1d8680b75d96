"""The history to the nouns of the dashboard: models, their schedules, executions, and figures over time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from analyzer.history.database import Connection

DIMENSIONS: Mapping[str, str] = {
    "data_quality": "Data quality",
    "model_quality": "Model quality",
    "bias": "Bias",
    "attribution": "Attribution",
}
VERDICTS = ("violations", "unreadable", "ok", "not judged")
"""From worst to best."""


class Execution(NamedTuple):
    """One run; `verdicts` has the verdict and the number of violations by dimension."""

    id: int
    time: str
    verdict: str
    violations: int
    rows: int | None
    source: str
    folder: str
    report: str | None
    present: bool
    verdicts: Mapping[str, tuple[str, int]]


class Point(NamedTuple):
    """A figure at one execution, by the place of that in its schedule."""

    at: int
    value: float
    low: float | None
    high: float | None
    threshold: float | None


@dataclass(slots=True)
class Series:
    """One figure over time; the threshold that was told last holds until another is told, and the first before it."""

    dimension: str
    feature: str
    part: str
    metric: str
    worse: str | None
    points: list[Point] = field(default_factory=list)

    @property
    def threshold_known(self) -> bool:
        return self.worse is not None and self.points[-1].threshold is not None

    def carry_thresholds(self) -> None:
        """Fill thresholds in that files leave unsaid: the original names one only where it is violated."""
        known = [point.threshold for point in self.points]
        if any(each is not None for each in known):
            filled = list(_carried(known))
            if filled != known:
                self.points = [p._replace(threshold=at) for p, at in zip(self.points, filled, strict=True)]


def _carried(known: Sequence[float | None]) -> Iterator[float | None]:
    last = next(each for each in known if each is not None)
    for each in known:
        last = last if each is None else each
        yield last


@dataclass
class Schedule:
    """All executions of one schedule of a model, in the order of their times."""

    endpoint: str
    name: str
    executions: list[Execution]
    series: list[Series]
    violations: Mapping[tuple[str, str], list[int]]
    """Places of executions by feature (or metric, or facet) and check."""

    @property
    def last(self) -> Execution:
        return self.executions[-1]

    @cached_property
    def verdicts(self) -> dict[str, tuple[str, int, Execution]]:
        """The last verdict of each dimension."""
        found: dict[str, tuple[str, int, Execution]] = {}
        for execution in self.executions:
            for dimension, (verdict, count) in execution.verdicts.items():
                found[dimension] = (verdict, count, execution)
        return found

    @property
    def verdict(self) -> str:
        """The worst of the last verdicts."""
        found = [verdict for verdict, _, _ in self.verdicts.values()] or [self.last.verdict]
        return min(found, key=VERDICTS.index)


@dataclass
class Model:
    """A model and all its schedules."""

    endpoint: str
    schedules: list[Schedule]

    @property
    def name(self) -> str:
        return self.endpoint or "Batch transforms"

    @cached_property
    def verdicts(self) -> dict[str, tuple[str, int]]:
        """The last verdict of each dimension, the worst where several schedules have one."""
        found: dict[str, tuple[str, int]] = {}
        for schedule in self.schedules:
            for dimension, (verdict, count, _) in schedule.verdicts.items():
                known, before = found.get(dimension, ("not judged", 0))
                worst = min(known, verdict, key=VERDICTS.index)
                found[dimension] = (worst, before + count)
        return found


def fingerprints(connection: Connection) -> dict[str, str]:
    """Tell by model what its pages are made of: they are made again when that changes.

    An execution that is read again gets a number that is larger than all before.
    """
    rows = connection.execute(
        "SELECT endpoint, count(*), max(id), sum(id), sum(present) FROM executions GROUP BY endpoint"
    )
    return {endpoint: str(told) for endpoint, *told in rows}


def collect(connection: Connection, endpoint: str) -> Model:
    """Put together all that the history has of a model."""
    executions = _executions(connection, endpoint)
    places = {each.id: at for some in executions.values() for at, each in enumerate(some)}
    series = _series(connection, endpoint, places)
    violations = _violations(connection, endpoint, places)
    return Model(
        endpoint,
        [
            Schedule(endpoint, name, some, series.get(name, []), violations.get(name, {}))
            for name, some in sorted(executions.items())
        ],
    )


def _executions(connection: Connection, endpoint: str) -> dict[str, list[Execution]]:
    verdicts: dict[int, dict[str, tuple[str, int]]] = defaultdict(dict)
    for execution, dimension, verdict, count in connection.execute(
        "SELECT v.execution, v.dimension, v.verdict, v.violations FROM verdicts v "
        "JOIN executions e ON e.id = v.execution WHERE e.endpoint = ?",
        (endpoint,),
    ):
        verdicts[execution][dimension] = (verdict, count)
    found: dict[str, list[Execution]] = defaultdict(list)
    for schedule, identity, *told in connection.execute(
        "SELECT schedule, id, time, verdict, violations, rows, source, folder, report, present FROM executions "
        "WHERE endpoint = ? ORDER BY time, id",
        (endpoint,),
    ):
        found[schedule].append(Execution._make((identity, *told, verdicts.get(identity, {}))))
    return found


def _series(connection: Connection, endpoint: str, places: Mapping[int, int]) -> dict[str, list[Series]]:
    known: dict[int, Series] = {}
    found: dict[str, list[Series]] = defaultdict(list)
    for identity, schedule, *told in connection.execute(
        "SELECT id, schedule, dimension, feature, part, metric, worse FROM series WHERE endpoint = ? ORDER BY id",
        (endpoint,),
    ):
        known[identity] = Series(*told)
        found[schedule].append(known[identity])
    for identity, execution, *rest in connection.execute(
        "SELECT p.series, p.execution, p.value, p.low, p.high, p.threshold FROM series s "
        "JOIN points p ON p.series = s.id WHERE s.endpoint = ?",
        (endpoint,),
    ):
        known[identity].points.append(Point(places[execution], *rest))
    for series in known.values():
        series.points.sort()
        series.carry_thresholds()
    return {schedule: [each for each in some if each.points] for schedule, some in found.items()}


def _violations(
    connection: Connection, endpoint: str, places: Mapping[int, int]
) -> dict[str, dict[tuple[str, str], list[int]]]:
    found: dict[str, dict[tuple[str, str], list[int]]] = defaultdict(lambda: defaultdict(list))
    for schedule, execution, feature, part, metric, check in connection.execute(
        "SELECT e.schedule, v.execution, v.feature, v.part, v.metric, v.check_type FROM violations v "
        "JOIN executions e ON e.id = v.execution WHERE e.endpoint = ? ORDER BY e.time",
        (endpoint,),
    ):
        found[schedule][subject_of(feature, part, metric), check].append(places[execution])
    return found


def subject_of(feature: str, part: str, metric: str) -> str:
    """Name what a violation is of, for people: the column, the facet with its value, or else the metric."""
    if feature and part:
        return f"{feature} = {part}"
    return feature or (f"{metric} of {part}" if part else metric)


def counted_by_time(places: Iterable[int], size: int) -> list[int]:
    """Count by execution."""
    counts = Counter(places)
    return [counts.get(at, 0) for at in range(size)]
