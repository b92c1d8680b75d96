"""Analysis and drift -> records for CloudWatch, one JSON object a line in the metrics directory.

Nothing is sent from here: the service that runs the job ships the file. A record is close to one datum of
PutMetricData, without the namespace. See docs/metrics.md.
"""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any

from analyzer.config import JobConfig, utc_text
from analyzer.documents import Constraints, FeatureProfile, FeatureStatistics, MonitoringConfig
from analyzer.errors import ConfigError
from analyzer.write import write_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from analyzer.attributions.figures import LabelFigures
    from analyzer.documents import Analysis, Drift, NumericalStatistics
    from analyzer.quality_documents import QualityStatistics

logger = logging.getLogger(__name__)

METRICS_FILE = "cloudwatch_metrics.jsonl"
LONGEST_METRIC_NAME = 255
BIAS_METRIC = "bias_metric_"
INFINITE = 2.348543e108
"""What CloudWatch, which knows no infinity, is told instead; the original's number."""

Record = dict[str, Any]
Body = dict[str, Any]
"""What a record measures: `Value` or `StatisticValues`, and the unit."""


def check_schedule(config: JobConfig) -> None:
    """Warn, before the work, when metrics are Enabled in a job that no schedule started: they lack their dimension.

    Raises ConfigError, in the original's words, when ANALYZER_METRICS_WITHOUT_SCHEDULE is `fail`.
    """
    if not config.publish_cloudwatch_metrics or config.sagemaker_monitoring_schedule_name:
        return
    if config.metrics_without_schedule == "fail":
        raise ConfigError("CloudWatch publishing is available only for jobs from MonitoringSchedules.")
    logger.warning(
        "publish_cloudwatch_metrics is Enabled, but sagemaker_monitoring_schedule_name is not set: "
        "metrics are written to %s without the dimension MonitoringSchedule.",
        config.cloudwatch_metrics_directory,
    )


def metric_records(
    analysis: Analysis, drifts: Sequence[Drift], constraints: Constraints | None, config: JobConfig, now: datetime
) -> list[Record]:
    """Make the records of a run, feature by feature; empty when either gate (see docs/metrics.md) is closed.

    `constraints` are those the run checked against (None: emit for all), `now` is the time of the run. Values that are
    not finite are left out; names that CloudWatch refuses are left out with a warning.
    """
    if not config.emits_metrics:
        return []
    distances = {drift.feature_name: drift.distance for drift in drifts}
    stamp = utc_text(config.metric_time or config.start_time or now)
    records: list[Record] = []
    for statistics, profile in _emitting(analysis, constraints):
        metrics = _metrics_of(statistics, profile, distances.get(statistics.name))
        records += _records_of(statistics.name, metrics, config, stamp)
    return records


def quality_records(
    statistics: QualityStatistics, violations: int | None, config: JobConfig, now: datetime
) -> list[Record]:
    """Make the records of a model-quality run: each metric under its own name, and the number of violations.

    `violations` is None where nothing was judged. There is no emit_metrics in these constraints to close a gate.
    """
    if not config.emits_metrics:
        return []
    stamp = utc_text(config.metric_time or config.start_time or now)
    bodies = {name: _body(metric.value, None) for name, metric in statistics.metrics().items() if _finite(metric.value)}
    if violations is not None:
        bodies["total_number_of_violations"] = _body(violations, "Count")
    dimensions = _dimensions(config)
    return [{"MetricName": name, "Timestamp": stamp, "Dimensions": dimensions, **body} for name, body in bodies.items()]


def analysis_records(
    values: Mapping[str, float], dimensions: Mapping[str, str], config: JobConfig, now: datetime
) -> list[Record]:
    """Make records of metrics of bias or attribution, by name, with dimensions of their own behind those of the job.

    Infinities become +/-INFINITE; what is not a number is left out, as are dimensions without a value.
    """
    if not config.emits_metrics:
        return []
    stamp = utc_text(config.metric_time or config.start_time or now)
    own = [{"Name": name, "Value": value} for name, value in dimensions.items() if value]
    return [
        {
            "MetricName": name,
            "Timestamp": stamp,
            "Dimensions": [*_dimensions(config), *own],
            "Value": value if math.isfinite(value) else math.copysign(INFINITE, value),
        }
        for name, value in values.items()
        if not math.isnan(value)
    ]


def attribution_records(
    figures: Sequence[LabelFigures], drifts: Mapping[str, float], config: JobConfig, now: datetime
) -> list[Record]:
    """Make the records of a run of attribution: by label each feature's value, the expected value, and the NDCG.

    `drifts` are the NDCGs of the labels that were judged; the original does not publish them. Names that CloudWatch
    refuses are left out with a warning, where it is to take them.
    """
    records = []
    any_name = not config.publish_cloudwatch_metrics
    for each in figures:
        fitting = {
            name: value
            for name, value in each.values.items()
            if any_name or _is_accepted(name, LONGEST_METRIC_NAME - 8)
        }
        if len(fitting) < len(each.values):
            logger.warning(
                "No CloudWatch metrics for %d features of %s: names must be printable ASCII and no longer than %d.",
                *(len(each.values) - len(fitting), each.label, LONGEST_METRIC_NAME),
            )
        for kind, values in (
            ("GlobalShapValues", {f"feature_{name}": value for name, value in fitting.items()}),
            ("ExpectedValue", {} if each.expected is None else {"ExpectedValue": each.expected}),
            ("NDCG", {"feature_attribution_drift": drifts[each.label]} if each.label in drifts else {}),
        ):
            dimensions = {"ExplainabilityMethod": "KernelShap", "Label": each.label, "ValueType": kind}
            records += analysis_records(values, dimensions, config, now)
    return records


def write_metrics(records: Sequence[Mapping[str, Any]], directory: Path) -> None:
    """Write the records to DIRECTORY/cloudwatch_metrics.jsonl, complete or not at all; no records, no file.

    Raises OutputError when the directory cannot be written.
    """
    if records:
        text = "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
        write_files(directory, {METRICS_FILE: text})


def _emitting(
    analysis: Analysis, constraints: Constraints | None
) -> Iterator[tuple[FeatureStatistics, FeatureProfile]]:
    """Pass the features whose emit_metrics, their own or else the data set's, is Enabled."""
    default = constraints.config if constraints else MonitoringConfig()
    own = {feature.name: feature.config for feature in constraints.features} if constraints else {}
    for statistics, profile in zip(analysis.statistics.features, analysis.profiles, strict=True):
        if (own.get(statistics.name) or default).emit_metrics:
            yield statistics, profile


def _metrics_of(statistics: FeatureStatistics, profile: FeatureProfile, distance: float | None) -> dict[str, Body]:
    """Key what is known about a feature by the family of its metric; what is unknown or not finite is left out."""
    counts = profile.type_counts
    values: dict[str, tuple[float | None, str | None]] = {
        "feature_non_null_": (statistics.num_present, "Count"),
        "feature_null_": (statistics.num_missing, "Count"),
        "feature_completeness_": (statistics.completeness, None),
        "feature_estimated_unique_values_": (_unique_values(statistics), "Count"),
        "feature_fractional_counts_": (counts.fractional, "Count"),
        "feature_integral_counts_": (counts.integral, "Count"),
        "feature_string_counts_": (counts.string, "Count"),
        "feature_boolean_counts_": (counts.boolean, "Count"),
        "feature_unknown_counts_": (counts.missing, "Count"),
        "feature_baseline_drift_": (distance, None),
    }
    simple = {family: _body(value, unit) for family, (value, unit) in values.items() if _finite(value)}
    return _data(statistics) | simple


def _data(statistics: FeatureStatistics) -> dict[str, Body]:
    found = statistics.numerical
    if found is None or statistics.num_present == 0 or not _finite(found.sum, found.min, found.max):
        return {}
    return {"feature_data_": {"StatisticValues": _statistic_values(statistics.num_present, found)}}


def _statistic_values(count: int, found: NumericalStatistics) -> dict[str, float]:
    return {"SampleCount": count, "Sum": found.sum, "Minimum": found.min, "Maximum": found.max}


def _unique_values(statistics: FeatureStatistics) -> float | None:
    if statistics.numerical is not None:
        return statistics.numerical.approximate_num_distinct_values
    return None if statistics.string is None else statistics.string.distinct_count


def _body(value: float | None, unit: str | None) -> Body:
    return {"Value": value, "Unit": unit} if unit else {"Value": value}


def _finite(*values: float | None) -> bool:
    return all(value is not None and math.isfinite(value) for value in values)


def _dimensions(config: JobConfig) -> list[dict[str, str]]:
    known = {
        "Endpoint": config.sagemaker_endpoint_name,
        "MonitoringSchedule": config.sagemaker_monitoring_schedule_name,
    }
    return [{"Name": name, "Value": value} for name, value in known.items() if value]


def _records_of(feature: str, metrics: Mapping[str, Body], config: JobConfig, stamp: str) -> Iterator[Record]:
    """Write every metric twice: for alarms without, and for dashboards with the dimension Feature."""
    dimensions = _dimensions(config)
    any_name = not config.publish_cloudwatch_metrics  # other targets take every name
    fitting = [family for family in metrics if any_name or _is_accepted(feature, LONGEST_METRIC_NAME - len(family))]
    if len(fitting) < len(metrics):
        logger.warning(
            "No CloudWatch metrics for feature %r (%d of %d left out): metric names must be printable ASCII and no "
            "longer than %d characters. Rename the column to have them.",
            *(feature, len(metrics) - len(fitting), len(metrics), LONGEST_METRIC_NAME),
        )
    for family in fitting:
        for named in (dimensions, [*dimensions, {"Name": "Feature", "Value": feature}]):
            yield {"MetricName": family + feature, "Timestamp": stamp, "Dimensions": named, **metrics[family]}


def _is_accepted(feature: str, longest: int) -> bool:
    return feature.isascii() and feature.isprintable() and bool(feature.strip()) and len(feature) <= longest
