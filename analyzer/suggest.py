"""Statistics to the constraints that the same data meets."""

from __future__ import annotations

from typing import Literal

from analyzer.documents import (
    Constraints,
    DistributionConfig,
    FeatureConstraints,
    FeatureStatistics,
    MonitoringConfig,
    Statistics,
)


def suggest(statistics: Statistics, drift_method: Literal["LInfinity", "ChiSquared"] = "LInfinity") -> Constraints:
    """Suggest constraints from what was seen: types, observed completeness, sign of numbers, domains of strings.

    Domains are the bucket values in their order, the mark of missing values included. `drift_method` is written
    into the configuration; everything else there is the original's default.
    """
    features = tuple(_suggest_feature(feature, statistics.item_count) for feature in statistics.features)
    distribution = DistributionConfig(categorical_drift_method=drift_method)
    return Constraints(features, MonitoringConfig(distribution=distribution))


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
