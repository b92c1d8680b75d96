"""The metrics file: names, dimensions, times and gates as alarms and dashboards expect them."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from analyzer.config import JobConfig
from analyzer.dataset_formats import CsvFormat
from analyzer.documents import (
    Analysis,
    Constraints,
    Drift,
    FeatureConstraints,
    FeatureProfile,
    FeatureStatistics,
    MonitoringConfig,
    NumericalStatistics,
    Statistics,
    StringStatistics,
    TopValues,
    TypeCounts,
)
from analyzer.errors import ConfigError, OutputError
from analyzer.metrics import check_schedule, metric_records, write_metrics

NOW = datetime(2026, 1, 2, 3, 4, 5, 999999, UTC)
SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "schemas" / "cloudwatch-metric.json").read_text())
OFF = MonitoringConfig(emit_metrics=False)


def job(**more) -> JobConfig:
    config = JobConfig(
        dataset_source=Path("/in"),
        dataset_format=CsvFormat(),
        output_path=Path("/out"),
        publish_cloudwatch_metrics=True,
        sagemaker_endpoint_name="churn",
        sagemaker_monitoring_schedule_name="hourly",
    )
    return replace(config, **more)


def profile(name: str, counts: TypeCounts) -> FeatureProfile:
    return FeatureProfile(name, counts, 0, 0, 0, None, None, TopValues((), exact=True, counted_rows=4), None)


def numeric(name: str, **more) -> tuple[FeatureStatistics, FeatureProfile]:
    values = {"mean": 2.0, "sum": 6.0, "std_dev": 0.5, "min": 1.0, "max": 3.0, "buckets": (), "sketch": None}
    found = NumericalStatistics(**{**values, "approximate_num_distinct_values": 3, **more})
    statistics = FeatureStatistics(name, "Integral", 3, 1, 0.75, numerical=found)
    return statistics, profile(name, TypeCounts(integral=3, missing=1))


def string(name: str) -> tuple[FeatureStatistics, FeatureProfile]:
    statistics = FeatureStatistics(name, "String", 4, 0, 1.0, string=StringStatistics(2.0, None))
    return statistics, profile(name, TypeCounts(string=3, boolean=1))


def analysis(*features: tuple[FeatureStatistics, FeatureProfile]) -> Analysis:
    return Analysis(Statistics(4, tuple(f for f, _ in features)), tuple(p for _, p in features))


def names(records) -> set[str]:
    return {record["MetricName"] for record in records}


def test_a_numeric_feature_has_every_family():
    records = metric_records(analysis(numeric("age")), [Drift("age", 0.25, 0.1)], None, job(), NOW)
    without_feature = {r["MetricName"]: r for r in records if len(r["Dimensions"]) == 2}
    assert without_feature["feature_data_age"]["StatisticValues"] == {
        "SampleCount": 3,
        "Sum": 6.0,
        "Minimum": 1.0,
        "Maximum": 3.0,
    }
    values = {name: record["Value"] for name, record in without_feature.items() if "Value" in record}
    assert values == {
        "feature_non_null_age": 3,
        "feature_null_age": 1,
        "feature_completeness_age": 0.75,
        "feature_estimated_unique_values_age": 3,
        "feature_fractional_counts_age": 0,
        "feature_integral_counts_age": 3,
        "feature_string_counts_age": 0,
        "feature_boolean_counts_age": 0,
        "feature_unknown_counts_age": 1,
        "feature_baseline_drift_age": 0.25,
    }


def test_a_string_feature_has_no_data_and_without_comparison_no_drift():
    records = metric_records(analysis(string("plan")), [], None, job(), NOW)
    assert not names(records) & {"feature_data_plan", "feature_baseline_drift_plan"}
    values = {r["MetricName"]: r["Value"] for r in records}
    assert values["feature_estimated_unique_values_plan"] == 2.0
    assert (values["feature_string_counts_plan"], values["feature_boolean_counts_plan"]) == (3, 1)


def test_every_metric_comes_without_and_with_the_dimension_feature():
    records = metric_records(analysis(numeric("age")), [], None, job(), NOW)
    job_only = [{"Name": "Endpoint", "Value": "churn"}, {"Name": "MonitoringSchedule", "Value": "hourly"}]
    with_feature = [*job_only, {"Name": "Feature", "Value": "age"}]
    assert [r["Dimensions"] for r in records] == [job_only, with_feature] * (len(records) // 2)
    assert len(records) == 2 * len(names(records))


@pytest.mark.parametrize(
    ("endpoint", "schedule", "expected"),
    [(None, "hourly", ["MonitoringSchedule"]), ("churn", None, ["Endpoint"]), (None, None, [])],
)
def test_dimensions_that_are_not_known_are_left_out(endpoint, schedule, expected):
    config = job(sagemaker_endpoint_name=endpoint, sagemaker_monitoring_schedule_name=schedule)
    first, second, *_ = metric_records(analysis(string("s")), [], None, config, NOW)
    assert [d["Name"] for d in first["Dimensions"]] == expected
    assert [d["Name"] for d in second["Dimensions"]] == [*expected, "Feature"]


def test_the_time_is_metric_time_else_start_time_else_now():
    start, metric = datetime(2019, 11, 26, 3, tzinfo=UTC), datetime(2019, 11, 26, 4, tzinfo=UTC)
    stamps = [
        metric_records(analysis(string("s")), [], None, config, NOW)[0]["Timestamp"]
        for config in (job(start_time=start, metric_time=metric), job(start_time=start), job())
    ]
    assert stamps == ["2019-11-26T04:00:00Z", "2019-11-26T03:00:00Z", "2026-01-02T03:04:05Z"]


def test_the_variable_is_a_gate():
    assert metric_records(analysis(string("s")), [], None, job(publish_cloudwatch_metrics=False), NOW) == []


def test_emit_metrics_is_a_gate_that_a_feature_may_open_or_shut():
    found = analysis(string("a"), string("b"), string("new"))
    shut = Constraints((FeatureConstraints("a"), FeatureConstraints("b", config=MonitoringConfig())), OFF)
    features = {r["Dimensions"][-1]["Value"] for r in metric_records(found, [], shut, job(), NOW)[1::2]}
    assert features == {"b"}, "a feature the baseline lacks follows the data set"
    opened = Constraints((FeatureConstraints("a"), FeatureConstraints("b", config=OFF)))
    features = {r["Dimensions"][-1]["Value"] for r in metric_records(found, [], opened, job(), NOW)[1::2]}
    assert features == {"a", "new"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_never_written(value):
    records = metric_records(analysis(numeric("age", max=value)), [Drift("age", value, 0.1)], None, job(), NOW)
    assert not names(records) & {"feature_data_age", "feature_baseline_drift_age"}
    assert "feature_non_null_age" in names(records)


@pytest.mark.parametrize("name", ["caf\u00e9", "a\nb", " ", "", "x" * 256])
def test_names_that_cloudwatch_refuses_are_skipped_with_one_warning(caplog, name):
    records = metric_records(analysis(string(name), string("good")), [], None, job(), NOW)
    assert {n.rsplit("_", 1)[-1] for n in names(records)} == {"good"}
    assert [repr(name) in r.getMessage() for r in caplog.records] == [True]


def test_a_long_name_keeps_the_metrics_that_fit(caplog):
    name = "x" * (255 - len("feature_non_null_"))
    records = metric_records(analysis(string(name)), [], None, job(), NOW)
    assert names(records) == {f"feature_non_null_{name}", f"feature_null_{name}"}
    assert "6 of 8" in caplog.text or "7 of 9" in caplog.text


def test_the_file_has_one_valid_object_a_line(tmp_path):
    records = metric_records(analysis(numeric("Int'l Plan, no"), string("b")), [], None, job(), NOW)
    write_metrics(records, tmp_path / "cloudwatch")
    lines = (tmp_path / "cloudwatch" / "cloudwatch_metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    for line in lines:
        jsonschema.validate(json.loads(line), SCHEMA)


def test_without_records_there_is_no_file(tmp_path):
    write_metrics([], tmp_path / "cloudwatch")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "cloudwatch").write_text("")
    with pytest.raises(OutputError, match="cloudwatch cannot be written"):
        write_metrics([{"MetricName": "x"}], tmp_path / "cloudwatch")


def test_enabled_without_a_schedule_warns_or_fails_as_told(caplog):
    check_schedule(job())
    check_schedule(job(sagemaker_monitoring_schedule_name=None, publish_cloudwatch_metrics=False))
    assert caplog.records == []
    check_schedule(job(sagemaker_monitoring_schedule_name=None))
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    strict = job(sagemaker_monitoring_schedule_name=None, metrics_without_schedule="fail")
    with pytest.raises(ConfigError) as caught:
        check_schedule(strict)
    assert str(caught.value) == "CloudWatch publishing is available only for jobs from MonitoringSchedules."
