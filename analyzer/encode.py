"""Documents to JSON values, in the key order of the newest container, for `jsonlayout.dump`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from analyzer.documents import (
    Constraints,
    DistributionConfig,
    FeatureConstraints,
    FeatureStatistics,
    MonitoringConfig,
    NumericalStatistics,
    Sketch,
    Statistics,
    StringStatistics,
    Violation,
)
from analyzer.quality_documents import (
    BLOCKS,
    Metric,
    MetricViolation,
    Part,
    QualityConstraints,
    QualityStatistics,
)

VERSION = 0.0
"""The version of both report formats in every generation of the original."""

_Json = dict[str, Any]


def encode_statistics(statistics: Statistics) -> dict[str, Any]:
    """Lay out statistics.json; figures that are None, as in files before 2023, are left out.

    The levels of a sketch stay NumPy arrays, which `dump` writes all at once.
    """
    return {
        "version": VERSION,
        "dataset": {"item_count": statistics.item_count},
        "features": [_feature_statistics(feature) for feature in statistics.features],
    }


def encode_constraints(constraints: Constraints) -> dict[str, Any]:
    """Lay out constraints.json; what is not asked of a feature is left out.

    A feature with a configuration of its own gets it whole as `monitoringConfigOverrides`: it then holds
    whatever the configuration of the data set becomes.
    """
    return {
        "version": VERSION,
        "features": [_feature_constraints(feature) for feature in constraints.features],
        "monitoring_config": _config(constraints.config),
    }


def encode_violations(violations: Iterable[Violation]) -> dict[str, Any]:
    """Lay out constraint_violations.json, which has no version and no evidence."""
    return _violations(("feature_name", "constraint_check_type", "description"), violations)


def encode_quality_statistics(statistics: QualityStatistics) -> dict[str, Any]:
    """Lay out statistics.json of a model-quality job; standard deviations that are not given are "NaN"."""
    dataset: _Json = {"item_count": statistics.item_count, "evaluation_time": statistics.evaluation_time}
    block = {name: _part(part) for name, part in statistics.parts.items()}
    key = f"{BLOCKS[statistics.problem_type]}_metrics"
    return {"version": VERSION, "dataset": _without_none(dataset), key: block}


def encode_quality_constraints(constraints: QualityConstraints) -> dict[str, Any]:
    """Lay out constraints.json of a model-quality job."""
    block = {
        name: {"threshold": asked.threshold, "comparison_operator": asked.operator}
        for name, asked in constraints.metrics.items()
    }
    return {"version": VERSION, f"{BLOCKS[constraints.problem_type]}_constraints": block}


def encode_quality_violations(violations: Iterable[MetricViolation]) -> dict[str, Any]:
    """Lay out constraint_violations.json of a model-quality job."""
    return _violations(("constraint_check_type", "description", "metric_name"), violations)


def _violations(keys: Sequence[str], violations: Iterable[Violation | MetricViolation]) -> dict[str, Any]:
    return {"violations": [{key: getattr(violation, key) for key in keys} for violation in violations]}


def _part(part: Part) -> Any:
    if not isinstance(part, Metric):
        return part
    spread = part.standard_deviation
    return {"value": float(part.value), "standard_deviation": "NaN" if spread is None else float(spread)}


def _without_none(block: _Json) -> _Json:
    return {key: value for key, value in block.items() if value is not None}


def _feature_statistics(feature: FeatureStatistics) -> _Json:
    common = {"num_present": feature.num_present, "num_missing": feature.num_missing}
    block: _Json = {"name": feature.name, "inferred_type": feature.inferred_type}
    if feature.numerical:
        block["numerical_statistics"] = _numerical(common, feature.numerical, feature.completeness)
    elif feature.string:
        block["string_statistics"] = _string(common, feature.string, feature.completeness)
    return block


def _numerical(common: _Json, figures: NumericalStatistics, completeness: float | None) -> _Json:
    return _without_none(
        {
            "common": common,
            "mean": figures.mean,
            "sum": figures.sum,
            "std_dev": figures.std_dev,
            "min": figures.min,
            "max": figures.max,
            "approximate_num_distinct_values": figures.approximate_num_distinct_values,
            "completeness": completeness,
            "distribution": _kll(figures),
        }
    )


def _kll(figures: NumericalStatistics) -> _Json | None:
    if not figures.buckets and figures.sketch is None:
        return None
    buckets = [{"lower_bound": b.lower_bound, "upper_bound": b.upper_bound, "count": b.count} for b in figures.buckets]
    sketch = _sketch(figures.sketch) if figures.sketch else None
    return {"kll": _without_none({"buckets": buckets, "sketch": sketch})}


def _sketch(sketch: Sketch) -> _Json:
    return {"parameters": {"c": sketch.c, "k": sketch.k}, "data": list(sketch.levels)}


def _string(common: _Json, figures: StringStatistics, completeness: float | None) -> _Json:
    return _without_none(
        {
            "common": common,
            "distinct_count": figures.distinct_count,
            "completeness": completeness,
            "distribution": _categorical(figures),
        }
    )


def _categorical(figures: StringStatistics) -> _Json | None:
    if figures.buckets is None:
        return None
    return {"categorical": {"buckets": [{"value": value, "count": count} for value, count in figures.buckets]}}


def _feature_constraints(feature: FeatureConstraints) -> _Json:
    positive, domains = feature.is_non_negative, feature.domains
    return _without_none(
        {
            "name": feature.name,
            "inferred_type": feature.inferred_type,
            "completeness": feature.completeness,
            "num_constraints": None if positive is None else {"is_non_negative": positive},
            "string_constraints": None if domains is None else {"domains": list(domains)},
            "monitoringConfigOverrides": _config(feature.config) if feature.config else None,
        }
    )


def _config(config: MonitoringConfig) -> _Json:
    return {
        "evaluate_constraints": _switch(on=config.evaluate_constraints),
        "emit_metrics": _switch(on=config.emit_metrics),
        "datatype_check_threshold": config.datatype_check_threshold,
        "domain_content_threshold": config.domain_content_threshold,
        "distribution_constraints": _distribution(config.distribution),
    }


def _distribution(config: DistributionConfig) -> _Json:
    return {
        "perform_comparison": _switch(on=config.perform_comparison),
        "comparison_threshold": config.comparison_threshold,
        "comparison_method": config.comparison_method,
        "categorical_comparison_threshold": config.categorical_comparison_threshold,
        "categorical_drift_method": config.categorical_drift_method,
    }


def _switch(*, on: bool) -> str:
    return "Enabled" if on else "Disabled"
