"""Metrics against the baseline's: a metric on the wrong side of its threshold is a violation."""

from __future__ import annotations

import re
from collections.abc import Iterable

from analyzer.checks.case import Compatibility
from analyzer.documents import Quirk
from analyzer.jsonlayout import java_double
from analyzer.order_values import map_order
from analyzer.quality_documents import (
    Metric,
    MetricConstraint,
    MetricViolation,
    QualityConstraints,
    QualityStatistics,
    QualityVerdict,
)

NEVER_EVALUATED = frozenset({"f0_5", "weighted_f0_5"})
"""Metrics that the original suggests a constraint for and then never looks at."""


def check_quality(
    current: QualityStatistics, constraints: QualityConstraints, compatibility: Compatibility
) -> QualityVerdict:
    """Compare each metric that has a constraint; equal to the threshold is no violation.

    Metrics without a constraint, and constraints without a metric, are not judged; the latter are noted. Violations
    are listed in the order of the original, which is that of a hash map over their names.
    """
    metrics = current.metrics()
    broken = [
        _violation(name, metrics[name], asked)
        for name, asked in constraints.metrics.items()
        if name in metrics and _is_broken(metrics[name].value, asked)
    ]
    skipped = [each for each in broken if compatibility == "original" and each.metric in NEVER_EVALUATED]
    told = {each.metric_name: each for each in broken if each not in skipped}
    order = map_order([camel_case(name) for name in constraints.metrics])
    lacking = tuple(
        f"The constraint of {name} was not judged: this run has no such metric."
        for name in constraints.metrics
        if name not in metrics
    )
    return QualityVerdict(tuple(told[name] for name in order if name in told), tuple(_quirks(skipped)), lacking)


def camel_case(name: str) -> str:
    """Write `true_positive_rate` as `truePositiveRate`; a part that is a digit keeps its underscore (`f0_5`)."""
    return re.sub(r"_([a-z])", lambda match: match.group(1).upper(), name)


def _is_broken(value: float, asked: MetricConstraint) -> bool:
    if asked.operator == "LessThanThreshold":
        return value < asked.threshold
    return value > asked.threshold


def _violation(name: str, metric: Metric, asked: MetricConstraint) -> MetricViolation:
    spread = "" if metric.standard_deviation is None else f" +/- {java_double(metric.standard_deviation)}"
    said = f"{camel_case(name)} with {java_double(metric.value)}{spread}"
    return MetricViolation(
        metric=name,
        metric_name=camel_case(name),
        constraint_check_type=asked.operator,
        description=f"Metric {said} was {asked.operator} '{java_double(asked.threshold)}'",
    )


def _quirks(skipped: Iterable[MetricViolation]) -> Iterable[Quirk]:
    effect = "the original has a constraint for it and never evaluates it"
    return (Quirk("unevaluated_f0_5", each.metric, effect, "no violation", each.description) for each in skipped)
