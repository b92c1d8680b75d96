"""Records for CloudWatch to named figures with labels, as Prometheus and OpenTelemetry have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

PREFIX: Final = "analyzer_"
FEATURE: Final = "Feature"
STATISTICS: Final = {"SampleCount": "samples", "Sum": "sum", "Minimum": "minimum", "Maximum": "maximum"}
ATTRIBUTION: Final = "GlobalShapValues"
ATTRIBUTION_PREFIX: Final = "feature_"


class Figure(NamedTuple):
    """One value: the name of the metric, labels by name, and the time that it is of."""

    name: str
    labels: Mapping[str, str]
    value: float
    time: datetime


def figures_of(records: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Make figures of records: a family of metrics is one name, and its feature a label.

    CloudWatch gets each figure of a feature twice, without and with the dimension Feature; here it is one.
    """
    named = {record["MetricName"] for record in records if FEATURE in dimensions_of(record)}
    found: list[Figure] = []
    for record in records:
        labels = dimensions_of(record)
        if FEATURE in labels or record["MetricName"] not in named:
            found += _figures(record, labels)
    return found


def dimensions_of(record: Mapping[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in record["Dimensions"]}


def _figures(record: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[Figure]:
    family = record["MetricName"]
    plain = {snake_case(name): value for name, value in labels.items()}
    if FEATURE in labels:
        family = family.removesuffix(labels[FEATURE]).rstrip("_")
    elif labels.get("ValueType") == ATTRIBUTION and family.startswith(ATTRIBUTION_PREFIX):
        plain["feature"], family = family.removeprefix(ATTRIBUTION_PREFIX), "feature_attribution"
    name = PREFIX + re.sub(r"[^A-Za-z0-9_]", "_", family)
    time = datetime.fromisoformat(record["Timestamp"])
    if "StatisticValues" in record:
        for key, suffix in STATISTICS.items():
            yield Figure(f"{name}_{suffix}", plain, float(record["StatisticValues"][key]), time)
    else:
        yield Figure(name, plain, float(record["Value"]), time)


def snake_case(name: str) -> str:
    """Write a dimension's name as a label: `MonitoringSchedule` is `monitoring_schedule`."""
    return re.sub(r"[^a-z0-9_]", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def by_name(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    """Put figures of one name together, as both formats want them; of two with the same labels the last one counts."""
    found: dict[str, dict[tuple[tuple[str, str], ...], Figure]] = {}
    for each in figures:
        found.setdefault(each.name, {})[tuple(sorted(each.labels.items()))] = each
    return {name: list(some.values()) for name, some in sorted(found.items())}
