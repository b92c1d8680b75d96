"""Statistics to the constraints that the same data meets."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.documents import (
    Constraints,
    DistributionConfig,
    FeatureConstraints,
    FeatureStatistics,
    MonitoringConfig,
    Statistics,
)
from analyzer.drift_methods import CategoricalMethod
from analyzer.quality_documents import (
    MetricConstraint,
    Operator,
    ProblemType,
    QualityConstraints,
    QualityStatistics,
)


def suggest(statistics: Statistics, drift_method: CategoricalMethod = "LInfinity") -> Constraints:
    """Suggest constraints from what was seen: types, observed completeness, sign of numbers, domains of strings.

    Domains are the bucket values in their order, the mark of missing values included. `drift_method` is written
    into the configuration; everything else there is the original's default.
    """
    features = tuple(_suggest_feature(feature, statistics.item_count) for feature in statistics.features)
    distribution = DistributionConfig(categorical_drift_method=drift_method)
    return Constraints(features, MonitoringConfig(distribution=distribution))


CONSTRAINED: Mapping[ProblemType, Mapping[str, Operator]] = {
    "BinaryClassification": {
        "recall": "LessThanThreshold",
        "precision": "LessThanThreshold",
        "accuracy": "LessThanThreshold",
        "true_positive_rate": "LessThanThreshold",
        "true_negative_rate": "LessThanThreshold",
        "false_positive_rate": "GreaterThanThreshold",
        "false_negative_rate": "GreaterThanThreshold",
        "auc": "LessThanThreshold",
        "f0_5": "LessThanThreshold",
        "f1": "LessThanThreshold",
        "f2": "LessThanThreshold",
    },
    "MulticlassClassification": {
        "accuracy": "LessThanThreshold",
        "weighted_recall": "LessThanThreshold",
        "weighted_precision": "LessThanThreshold",
        "weighted_f0_5": "LessThanThreshold",
        "weighted_f1": "LessThanThreshold",
        "weighted_f2": "LessThanThreshold",
    },
    "Regression": {
        "mae": "GreaterThanThreshold",
        "mse": "GreaterThanThreshold",
        "rmse": "GreaterThanThreshold",
        "r2": "LessThanThreshold",
    },
}
"""The metrics that are asked for, in the original's order, and the direction in which a value violates."""


def suggest_quality(statistics: QualityStatistics) -> QualityConstraints:
    """Suggest that no metric may become worse than it is here; au_prc and those of the constant are not asked for."""
    metrics = statistics.metrics()
    directions = CONSTRAINED[statistics.problem_type]
    return QualityConstraints(
        statistics.problem_type,
        {name: MetricConstraint(metrics[name].value, way) for name, way in directions.items() if name in metrics},
    )


def _suggest_feature(feature: FeatureStatistics, rows: int) -> FeatureConstraints:
    return FeatureConstraints(
        name=feature.name,
        inferred_type=feature.inferred_type,
        completeness=feature.num_present / rows if rows else 0.0,
        is_non_negative=feature.numerical.min >= 0 if feature.numerical else None,
        domains=_domains(feature),
    )


def _domains(feature: FeatureStatistics) -> tuple[str, ...] | None:
    if feature.string is None or feature.string.buckets is None:
        return None
    return tuple(value for value, _ in feature.string.buckets)
