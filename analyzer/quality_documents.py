"""The nouns of model quality: metrics, their constraints, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from analyzer.documents import Quirk

ProblemType = Literal["BinaryClassification", "MulticlassClassification", "Regression"]
Operator = Literal["LessThanThreshold", "GreaterThanThreshold"]
BLOCKS: Mapping[ProblemType, str] = {
    "BinaryClassification": "binary_classification",
    "MulticlassClassification": "multiclass_classification",
    "Regression": "regression",
}
"""What the blocks of the files are called, before `_metrics` and `_constraints`."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure; the standard deviation is None below 200 rows, which the files write as "NaN"."""

    value: float
    standard_deviation: float | None = None


Part = Metric | Mapping[str, Any]
"""What stands under one key of a metrics block: a metric, or a confusion matrix or curve as it is written."""


@dataclass(frozen=True, slots=True)
class QualityStatistics:
    """statistics.json of a model-quality job, parts in the order of the original.

    `undefined` names metrics whose ratio has nothing below it, with the reason; their value is 0.0, as the original's.
    """

    item_count: int
    problem_type: ProblemType
    parts: Mapping[str, Part]
    evaluation_time: str | None = None
    undefined: Mapping[str, str] = field(default_factory=dict)

    def metrics(self) -> dict[str, Metric]:
        """Give the figures alone."""
        return {name: part for name, part in self.parts.items() if isinstance(part, Metric)}


@dataclass(frozen=True, slots=True)
class MetricConstraint:
    """The value of the baseline, and in which direction from it a value violates; a missing threshold asks nothing."""

    threshold: float
    operator: Operator


@dataclass(frozen=True, slots=True)
class QualityConstraints:
    """constraints.json of a model-quality job."""

    problem_type: ProblemType
    metrics: Mapping[str, MetricConstraint]


@dataclass(frozen=True, slots=True)
class MetricViolation:
    """One entry of constraint_violations.json."""

    metric: str
    metric_name: str
    constraint_check_type: Operator
    description: str


@dataclass(frozen=True, slots=True)
class QualityVerdict:
    """All that the check of a model's quality found; violations in the order they are written."""

    violations: tuple[MetricViolation, ...] = ()
    quirks: tuple[Quirk, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QualityAnalysis:
    """All that one pass over predictions found: the original's figures, and what profile.json says beyond them."""

    statistics: QualityStatistics
    beyond: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    quirks: tuple[Quirk, ...] = ()
