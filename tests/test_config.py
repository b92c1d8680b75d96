"""What users see of the configuration: which variables work, how mistakes are reported, what is logged."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.config import SETTINGS, JobConfig, find_root, read_config, usable_cores, utc_text
from analyzer.dataset_formats import (
    EXAMPLES,
    CaptureFormat,
    CsvFormat,
    JsonFormat,
    ParquetFormat,
    SparkFormat,
    format_document,
    parse_dataset_format,
)
from analyzer.describe_config import describe
from analyzer.documents import Constraints
from analyzer.encode import encode_constraints
from analyzer.errors import AnalyzerError, ConfigError

DOCS = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
CAPTURE = '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}'


def minimal(root: Path, **more: str) -> dict[str, str]:
    return {
        "dataset_format": '{"csv":{"header":true}}',
        "dataset_source": "/opt/ml/processing/input/baseline_dataset_input",
        "output_path": "/opt/ml/processing/output",
        "ANALYZER_ROOT": str(root),
        **more,
    }


def write_job(root: Path, text: str) -> None:
    (root / "config").mkdir()
    (root / "config" / "processingjobconfig.json").write_text(text)


# --- the environment of real jobs ---


def test_the_environment_of_a_scheduled_run_is_read_whole(tmp_path):
    config = read_config(
        {
            "dataset_format": CAPTURE,
            "dataset_source": "/opt/ml/processing/input/endpoint",
            "output_path": "/opt/ml/processing/output",
            "baseline_constraints": "/opt/ml/processing/baseline/constraints/constraints.json",
            "baseline_statistics": "/opt/ml/processing/baseline/stats/statistics.json",
            "record_preprocessor_script": "/opt/ml/processing/code/preprocessing/p.py",
            "post_analytics_processor_script": "/opt/ml/processing/code/postprocessing/q.py",
            "start_time": "2025-02-16T15:00:00Z",
            "end_time": "2025-02-16T16:00:00Z",
            "metric_time": "2025-02-16T15:00:00Z",
            "monitoring_input_type": "ENDPOINT_INPUT",
            "publish_cloudwatch_metrics": "Enabled",
            "sagemaker_endpoint_name": "churn",
            "sagemaker_monitoring_schedule_name": "hourly",
            "exclude_features_attribute": "0, id,  7",
            "users_own": "ignored",
            "PATH": "/bin",
            "ANALYZER_ROOT": str(tmp_path),
        }
    )
    assert config.dataset_source == tmp_path / "processing/input/endpoint"
    assert config.output_path == tmp_path / "processing/output"
    assert config.baseline_constraints == tmp_path / "processing/baseline/constraints/constraints.json"
    assert config.baseline_statistics == tmp_path / "processing/baseline/stats/statistics.json"
    assert config.record_preprocessor_script == tmp_path / "processing/code/preprocessing/p.py"
    assert config.post_analytics_processor_script == tmp_path / "processing/code/postprocessing/q.py"
    assert config.output_message_file == tmp_path / "output/message"
    assert config.cloudwatch_metrics_directory == tmp_path / "output/metrics/cloudwatch"
    assert (config.start_time, config.end_time) == (
        datetime(2025, 2, 16, 15, tzinfo=UTC),
        datetime(2025, 2, 16, 16, tzinfo=UTC),
    )
    assert config.exclude_features_attribute == (0, "id", 7)
    assert config.dataset_format == CaptureFormat()
    assert (config.sagemaker_endpoint_name, config.sagemaker_monitoring_schedule_name) == ("churn", "hourly")
    assert config.publish_cloudwatch_metrics


def test_three_variables_are_enough_and_the_rest_has_the_documented_defaults():
    environment = {"dataset_format": '{"csv":{}}', "dataset_source": "/data", "output_path": "/out"}
    expected = JobConfig(dataset_source=Path("/data"), dataset_format=CsvFormat(), output_path=Path("/out"))
    assert read_config(environment) == expected
    assert expected.cores == usable_cores() >= 1


def test_blank_variables_are_no_variables(tmp_path):
    config = read_config(minimal(tmp_path, baseline_constraints="  ", start_time="", ANALYZER_ENGINE=""))
    assert (config.baseline_constraints, config.start_time, config.engine) == (None, None, "auto")


def test_a_blank_value_hides_none_of_another_source(tmp_path):
    environment = minimal(tmp_path, categorical_drift_method=" ", ANALYZER_ENGINE="spark", ANALYZER_CORES="")
    described = {"categorical_drift_method": "ChiSquared", "ANALYZER_CORES": "3", "ANALYZER_ENGINE": "local"}
    write_job(tmp_path, json.dumps({"Environment": described}))
    config = read_config(environment, {"--engine": " ", "--root": ""})
    assert (config.categorical_drift_method, config.cores, config.engine) == ("ChiSquared", 3, "spark")
    assert config.root == tmp_path


def test_uris_stay_text_and_other_paths_stay_where_they_are(tmp_path):
    config = read_config(minimal(tmp_path, dataset_source="s3://bucket/key", output_path="/opt/mlflow/out"))
    assert config.dataset_source == "s3://bucket/key"
    assert config.output_path == Path("/opt/mlflow/out")


def test_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = read_config({**minimal(tmp_path, output_path="out"), "ANALYZER_ROOT": "ml"})
    assert config.output_path == tmp_path / "out"
    assert config.root == tmp_path / "ml"
    assert config.dataset_source == tmp_path / "ml/processing/input/baseline_dataset_input"


PLACES = ("baseline_constraints", "baseline_statistics", "output_path", "record_preprocessor_script")


@pytest.mark.parametrize("name", [*PLACES, "dataset_source", "post_analytics_processor_script"])
def test_every_place_may_be_in_s3_and_is_kept_as_it_is_written(tmp_path, name):
    uri = "s3://bucket//opt/ml//ünï code+%20/../x"
    assert getattr(read_config(minimal(tmp_path, **{name: uri})), name) == uri
    assert getattr(read_config(minimal(tmp_path, **{name: "S3://bucket/x"})), name) == "s3://bucket/x"


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("uri", ["gs://b/k", "s3:///key", "https://me:hunter2@h/x?Signature=hunter2"])
def test_other_uris_are_refused_without_showing_secrets(tmp_path, name, uri):
    with pytest.raises(ConfigError, match=rf"{name} is .*s3://") as caught:
        read_config(minimal(tmp_path, **{name: uri}))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", [*PLACES, "dataset_source"])
@pytest.mark.parametrize("uri", ["s3://AKIA:hunter2@b/k", "s3://b/k?X-Amz-Credential=a&X-Amz-Signature=hunter2"])
def test_credentials_in_a_uri_are_refused_without_showing_them(tmp_path, name, uri):
    with pytest.raises(ConfigError, match=rf"{name} is .*a URI with credentials in it.*AWS clients") as caught:
        read_config(minimal(tmp_path, **{name: uri}))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["output_message_file", "cloudwatch_metrics_directory"])
def test_what_the_service_fetches_from_the_disk_is_no_uri(tmp_path, name):
    with pytest.raises(ConfigError, match=rf"{name} is 's3://b/k'.*no URI"):
        read_config(minimal(tmp_path, **{name: "s3://b/k"}))


def test_only_spark_is_handed_a_uri_that_is_not_known(tmp_path):
    found = read_config(minimal(tmp_path, dataset_source="hdfs://h/k", dataset_format='{"spark":{"format":"orc"}}'))
    assert found.dataset_source == "hdfs://h/k"
    with pytest.raises(ConfigError, match=r"dataset_source: hdfs://h/k is a URI"):
        read_config(minimal(tmp_path, dataset_source="hdfs://h/k"))


# --- where variables come from ---


def test_the_job_description_fills_in_what_the_process_lacks(tmp_path):
    environment = minimal(tmp_path)
    of_file = {"dataset_format": '{"parquet":{}}', "sagemaker_endpoint_name": "from-file", "ANALYZER_ENGINE": "local"}
    write_job(tmp_path, json.dumps({"Environment": of_file}))
    config = read_config(environment)
    assert config.dataset_format == CsvFormat(), "the process environment wins"
    assert (config.sagemaker_endpoint_name, config.engine) == ("from-file", "local")


@pytest.mark.parametrize("text", ["{", "[]", '{"Environment": 3}', "\xff"])
def test_a_broken_job_description_is_a_warning(tmp_path, caplog, text):
    write_job(tmp_path, text)
    assert read_config(minimal(tmp_path)).output_path == tmp_path / "processing/output"
    assert "processingjobconfig.json cannot be read" in caplog.text


def test_flags_win_over_variables_in_any_spelling(tmp_path):
    environment = minimal(tmp_path, ANALYZER_ENGINE="local", ANALYZER_SURPLUS_FIELDS="error")
    flags = {"--engine": "auto", "surplus-fields": "drop", "ANALYZER_CORES": "3", "dataset_source": "/d"}
    config = read_config(environment, flags)
    assert (config.engine, config.surplus_fields, config.cores) == ("auto", "drop", 3)
    assert config.dataset_source == Path("/d")


def test_an_unknown_flag_names_the_closest():
    with pytest.raises(ConfigError, match="Did you mean --surplus-fields"):
        read_config({}, {"surplus-field": "drop"})


def test_the_root_is_found_even_in_a_hopeless_environment(tmp_path):
    assert find_root({}) == Path("/opt/ml")
    assert find_root({"ANALYZER_ROOT": str(tmp_path), "dataset_format": "{"}) == tmp_path
    assert find_root({"ANALYZER_ROOT": "/elsewhere"}, {"--root": str(tmp_path), "--nonsense": "x"}) == tmp_path


# --- mistakes ---


def test_all_missing_variables_are_named_at_once_with_an_example():
    with pytest.raises(ConfigError) as caught:
        read_config({"dataset_sorce": "/data"})
    assert caught.value.message == "Required but not set: dataset_format, dataset_source, output_path."
    assert "Is dataset_sorce meant to be dataset_source?" in caught.value.hint
    assert "output_path=/opt/ml/processing/output" in caught.value.hint


def test_a_misspelt_setting_names_the_closest(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_config(minimal(tmp_path, ANALYZER_COMPATIBILTY="corrected"))
    assert caught.value.message == "ANALYZER_COMPATIBILTY is not a setting of the analyzer."
    assert caught.value.hint.startswith("Did you mean ANALYZER_COMPATIBILITY?")


def test_a_misspelt_setting_in_the_job_description_is_found_too(tmp_path):
    write_job(tmp_path, '{"Environment": {"ANALYZER_ENGIN": "local"}}')
    with pytest.raises(ConfigError, match="ANALYZER_ENGIN is not a setting"):
        read_config(minimal(tmp_path))


@pytest.mark.parametrize("setting", [s for s in SETTINGS if s.allowed], ids=lambda s: s.variable)
def test_every_choice_takes_its_values_in_any_case_and_nothing_else(tmp_path, setting):
    for value in setting.allowed:
        lower = read_config(minimal(tmp_path, **{setting.variable: value.lower()}))
        assert lower == read_config(minimal(tmp_path, **{setting.variable: value.upper()}))
    distinct = {str(read_config(minimal(tmp_path, **{setting.variable: value}))) for value in setting.allowed}
    assert len(distinct) == len(setting.allowed)
    with pytest.raises(ConfigError) as caught:
        read_config(minimal(tmp_path, **{setting.variable: "sprak"}))
    assert caught.value.message == f"{setting.variable} is 'sprak'."
    assert all(value in caught.value.hint for value in setting.allowed)


@pytest.mark.parametrize(
    ("name", "value"),
    [("CORES", "0"), ("CORES", "two"), ("CORES", "1.5"), ("SPARK_THRESHOLD", "8GB"), ("PREPROCESS_SEED", "-1")],
)
def test_numbers_must_be_numbers(tmp_path, name, value):
    with pytest.raises(ConfigError, match=re.escape(f"ANALYZER_{name} is '{value}'. Set ANALYZER_{name} to whole")):
        read_config(minimal(tmp_path, **{f"ANALYZER_{name}": value}))


@pytest.mark.parametrize("kind", ["model_bias", "Model_Explainability"])
def test_analyses_with_a_configuration_of_their_own_need_it(tmp_path, kind):
    with pytest.raises(ConfigError, match=r"analysis_config\.json cannot be read: No such file or directory"):
        read_config(minimal(tmp_path, analysis_type=kind))


def test_data_quality_may_be_named(tmp_path):
    named = read_config(minimal(tmp_path, analysis_type="data_quality"))
    assert named == read_config(minimal(tmp_path))
    with pytest.raises(ConfigError, match="'QUALITY', which is no analysis"):
        read_config(minimal(tmp_path, analysis_type="QUALITY"))


def test_a_window_that_holds_nothing_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="start_time 2025-01-02T00:00:00Z is not before end_time"):
        read_config(minimal(tmp_path, start_time="2025-01-02T00:00:00Z", end_time="2025-01-01T00:00:00Z"))


def test_the_local_engine_cannot_read_what_only_spark_reads(tmp_path):
    with pytest.raises(ConfigError, match="Set ANALYZER_ENGINE to auto or spark"):
        read_config(minimal(tmp_path, dataset_format='{"spark":{"table":"a.b"}}', ANALYZER_ENGINE="local"))


# --- times, metrics, columns ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-11-26T03:00:00Z", datetime(2019, 11, 26, 3, tzinfo=UTC)),
        ("2019-12-17T16: 20: 00Z", datetime(2019, 12, 17, 16, 20, tzinfo=UTC)),
        ("2019-11-26 T 03:00 Z", datetime(2019, 11, 26, 3, tzinfo=UTC)),
        ("2019-11-26t03:00z", datetime(2019, 11, 26, 3, tzinfo=UTC)),
        ("2019-11-26  03:00:00", datetime(2019, 11, 26, 3, tzinfo=UTC)),
        ("2019-11-26T00:00:00.250-03:00", datetime(2019, 11, 26, 0, 0, 0, 250000, timezone(timedelta(hours=-3)))),
        ("2019-11-26", datetime(2019, 11, 26, tzinfo=UTC)),
    ],
)
def test_times_are_read_leniently(tmp_path, text, expected):
    assert read_config(minimal(tmp_path, start_time=text)).start_time == expected


@pytest.mark.parametrize("text", ["yesterday", "2019-13-01T00:00:00Z", "-PT1H"])
def test_other_times_are_refused_with_an_example(tmp_path, text):
    with pytest.raises(ConfigError, match=rf"metric_time is '{text}'.*2019-11-26T03:00:00Z"):
        read_config(minimal(tmp_path, metric_time=text))


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 (the zone comes next)
    st.integers(-14 * 60, 14 * 60),
)
def test_any_iso_time_survives(naive, minutes):
    time = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    config = read_config(minimal(Path("/nowhere"), metric_time=time.isoformat()))
    assert config.metric_time == time


@pytest.mark.parametrize(
    ("given_variables", "expected"),
    [
        ({}, False),
        ({"sagemaker_monitoring_schedule_name": "s"}, True),
        ({"sagemaker_endpoint_name": "e"}, True),
        ({"sagemaker_endpoint_name": "e", "publish_cloudwatch_metrics": "Disabled"}, False),
        ({"publish_cloudwatch_metrics": "enabled"}, True),
    ],
)
def test_metrics_are_on_by_default_only_where_a_schedule_or_endpoint_is_named(tmp_path, given_variables, expected):
    assert read_config(minimal(tmp_path, **given_variables)).publish_cloudwatch_metrics is expected


def test_a_column_with_a_comma_can_be_excluded_in_quotes(tmp_path):
    config = read_config(minimal(tmp_path, exclude_features_attribute='"a,b", Int\'l Plan ,007'))
    assert config.exclude_features_attribute == ("a,b", "Int'l Plan", 7)


# --- dataset_format ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"csv":{"header":true,"output_columns_position":"START"}}', CsvFormat()),
        (
            '{"CSV":{"Header":"False","output_columns_position":"end"}}',
            CsvFormat(header=False, output_columns_position="END"),
        ),
        ('{"csv":{}}', CsvFormat(header=True)),
        ('{"csv":null}', CsvFormat(header=True)),
        ('{"json":{"lines":false}}', JsonFormat(lines=False)),
        ('{"json":{"line":"true"}}', JsonFormat(lines=True)),
        ('{"Json":{"Line":false}}', JsonFormat(lines=False)),
        ('{"json":{"line":false,"lines":false}}', JsonFormat(lines=False)),
        ('{"json":{}}', JsonFormat(lines=True)),
        ('{"parquet":{}}', ParquetFormat()),
        ('{"sagemakerCaptureJson":{}}', CaptureFormat()),
        ('{"sageMakerCaptureJson":{"captureIndexNames":["endpointInput"]}}', CaptureFormat(("endpointInput",))),
        (
            '{"sagemakerCaptureJson":{"captureIndexNames":["ENDPOINTOUTPUT","endpointInput"],"output_columns_position":"END"}}',
            CaptureFormat(("endpointOutput", "endpointInput"), "END"),
        ),
        (
            '{"sagemakerCaptureJson":{"captureIndexNames":["batchTransformOutput"]}}',
            CaptureFormat(("batchTransformOutput",)),
        ),
        (
            '{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"],"originalDatasetFormat":null}}',
            CaptureFormat(("endpointOutput",), merged=True),
        ),
        (
            '{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"],"originalDatasetFormat":{"csv":{"header":false}}}}',
            CaptureFormat(("endpointOutput",), merged=True, original=CsvFormat(header=False)),
        ),
        (
            '{"spark":{"format":"orc","options":{"mergeSchema":true,"maxFiles":3,"x":"Y"}}}',
            SparkFormat("orc", None, {"mergeSchema": "true", "maxFiles": "3", "x": "Y"}),
        ),
        ('{"spark":{"table":"db.t"}}', SparkFormat(None, "db.t")),
    ],
)
def test_every_form_of_dataset_format(text, expected):
    assert parse_dataset_format(text) == expected
    assert parse_dataset_format(json.dumps(format_document(expected))) == expected, "what is logged can be fed back"


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_in_error_messages_work(example):
    assert format_document(parse_dataset_format(example)).keys() == json.loads(example).keys()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "{\u201ccsv\u201d: { \u201cheader\u201d: true}",
            "position 1: Expecting property name.*quotes must be the plain",
        ),
        ("{'csv':{}}", "position 1: .*quotes must be the plain"),
        ('{"csv":{"header":true}', "ends at position 22 before its braces and brackets are closed"),
        ('{"csv":{"header":true}} x', r"position 24: Extra data, found 'x'"),
        ("csv", "position 0: Expecting value, found 'csv'"),
        ('"csv"', 'is "csv", not an object'),
        ("[]", "is \\[\\], not an object"),
        ("{}", "must have exactly one key, but has 0"),
        ('{"csv":{},"json":{}}', 'exactly one key, but has 2: "csv, json"'),
        ('{"xml":{}}', 'unknown key "xml"'),
        ('{"csv":true}', "has true for 'csv' where an object"),
        ('{"csv":{"heeder":true}}', "unknown option \"heeder\" for 'csv' \\(it has header, output_columns_position\\)"),
        ('{"parquet":{"a":1}}', "unknown option \"a\" for 'parquet' \\(it has none\\)"),
        ('{"csv":{"header":["true","false"]}}', "for 'header' of 'csv', which must be true or false"),
        ('{"csv":{"header":1}}', "has 1 for 'header'"),
        ('{"csv":{"output_columns_position":"MIDDLE"}}', 'must be "START" or "END"'),
        ('{"json":{"line":true,"lines":"false"}}', "contradict"),
        ('{"sagemakerCaptureJson":{"captureIndexNames":[]}}', "must be a list of endpointInput"),
        ('{"sagemakerCaptureJson":{"captureIndexNames":["input"]}}', "must be a list of endpointInput"),
        ('{"sagemakerCaptureJson":{"captureIndexNames":"endpointInput"}}', "must be a list of endpointInput"),
        ('{"sagemakerMergeJson":{"originalDatasetFormat":{"spark":{"table":"t"}}}}', "null or a csv, json or parquet"),
        ('{"spark":{}}', 'exactly one of "format" and "table"'),
        ('{"spark":{"format":"orc","table":"t"}}', 'exactly one of "format" and "table"'),
        ('{"spark":{"format":3}}', "must be a text"),
        ('{"spark":{"format":"orc","options":{"a":[]}}}', "texts, numbers and booleans"),
    ],
)
def test_mistakes_in_dataset_format_show_place_finding_and_every_form(text, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        parse_dataset_format(text)
    assert caught.value.message.startswith("dataset_format ")
    assert all(example in caught.value.hint for example in EXAMPLES)
    assert len(f"Error: {caught.value}".encode()) <= 1024, "the service shows no more"


@given(st.text(alphabet='{}[]":,csvjonparquetheader true\u201c0', max_size=60))
def test_whatever_is_in_dataset_format_only_a_config_error_comes_out(text):
    try:
        parse_dataset_format(text)
    except AnalyzerError as error:
        assert isinstance(error, ConfigError)  # noqa: PT017 (success is fine, too)


# --- the log line ---


def test_the_log_line_has_the_fields_of_the_original_in_order_and_then_ours(tmp_path):
    environment = minimal(
        tmp_path, start_time="2025-02-16T15:00Z", exclude_features_attribute="a,1", ANALYZER_CORES="2"
    )
    line = describe(read_config(environment))
    assert "\n" not in line
    shown = json.loads(line)
    assert list(shown)[:3] == ["dataset_source", "dataset_format", "output_path"]
    assert list(shown)[27:30] == ["image_data", "report_enabled", "auto_ml_job_detail"]
    assert list(shown)[30:] == [s.variable for s in SETTINGS if s.own]
    assert shown["dataset_source"] == str(tmp_path / "processing/input/baseline_dataset_input")
    assert shown["dataset_format"] == {"csv": {"header": True, "output_columns_position": "START"}}
    assert (shown["start_time"], shown["end_time"]) == ("2025-02-16T15:00:00Z", None)
    assert (shown["publish_cloudwatch_metrics"], shown["report_enabled"]) == ("Disabled", False)
    assert (shown["exclude_features_attribute"], shown["problem_type"]) == ("a,1", None)
    assert (shown["ANALYZER_CORES"], shown["ANALYZER_ROOT"]) == (2, str(tmp_path))


def test_the_logged_monitoring_config_is_the_one_that_is_suggested(tmp_path):
    shown = json.loads(describe(read_config(minimal(tmp_path))))
    assert shown["data_quality_monitoring_config"] == encode_constraints(Constraints(()))["monitoring_config"]
    chosen = json.loads(describe(read_config(minimal(tmp_path, categorical_drift_method="chisquared"))))
    method = chosen["data_quality_monitoring_config"]["distribution_constraints"]["categorical_drift_method"]
    assert method == "ChiSquared"


def test_secrets_are_not_logged(tmp_path):
    spark = {"format": "jdbc", "options": {"password": "hunter2", "url": "jdbc:x://bob:hunter2@db/t", "n": "5"}}
    environment = minimal(
        tmp_path,
        dataset_format=json.dumps({"spark": spark}),
        dataset_source="https://h/k?X-Amz-Signature=hunter2",
        MY_PASSWORD="hunter2",
    )
    line = describe(read_config(environment))
    assert "hunter2" not in line
    shown = json.loads(line)
    assert shown["dataset_format"]["spark"]["options"] == {"password": "***", "url": "jdbc:x://***@db/t", "n": "5"}
    assert shown["dataset_source"] == "https://h/k?***"


# --- the table ---


def test_every_setting_has_a_field_and_every_field_a_setting():
    fields = {field.name for field in dataclasses.fields(JobConfig)}
    assert {s.variable.removeprefix("ANALYZER_").lower() for s in SETTINGS} == fields - {
        "merges",
        "analysis",
        "model_origin",
        "finds_header",
    }


# --- merges ---

MERGER = {"dataset_source": "/a", "ground_truth_source": "/b", "output_path": "/c"}


def test_labels_without_format_and_analysis_make_a_merge():
    assert read_config(MERGER).merges
    for variable, text in (("dataset_format", '{"csv":{}}'), ("analysis_type", "DATA_QUALITY")):
        assert not read_config({"dataset_format": '{"csv":{}}', **MERGER, variable: text}).merges
    assert read_config({**MERGER, "dataset_format": '{"csv":{}}'}, merges=True).merges


@pytest.mark.parametrize(
    ("setting", "value"),
    [("ANALYZER_RULES", "/rules"), ("ANALYZER_SUGGEST_RULES", "true"), ("ANALYZER_SEGMENT_COLUMNS", "plan")],
)
def test_a_merge_refuses_what_it_would_not_heed(setting, value):
    with pytest.raises(ConfigError, match=setting):
        read_config({**MERGER, setting: value})


def test_segments_without_model_quality_are_refused():
    given = {"dataset_format": '{"csv":{}}', "dataset_source": "/d", "output_path": "/o"}
    with pytest.raises(ConfigError, match="ANALYZER_SEGMENT_COLUMNS is for model quality"):
        read_config({**given, "ANALYZER_SEGMENT_COLUMNS": "plan"})


def test_a_merge_refuses_formats_that_hold_no_captures():
    with pytest.raises(ConfigError, match="dataset_format names no format that captures are merged in"):
        read_config({**MERGER, "dataset_format": '{"parquet":{}}'}, merges=True)


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [
        ("-P8D", "-P1D", ("2020-01-01T13:00:00Z", "2020-01-08T13:00:00Z")),
        ("-P3D", "-PT6H", ("2020-01-06T13:00:00Z", "2020-01-09T07:00:00Z")),
        ("-p1m", "PT0S", ("2019-12-09T13:00:00Z", "2020-01-09T13:00:00Z")),
        ("-P1W", "P1DT30M", ("2020-01-02T13:00:00Z", "2020-01-10T13:30:00Z")),
    ],
)
def test_a_window_may_be_told_from_the_schedule_time_on(start, end, window):
    offsets = {"start_time_offset": start, "end_time_offset": end, "ANALYZER_SCHEDULE_TIME": "2020-01-09T13:00Z"}
    found = read_config({**MERGER, **offsets})
    assert (utc_text(found.start_time), utc_text(found.end_time)) == window


def test_without_a_schedule_time_the_current_hour_counts():
    before = datetime.now(UTC)
    found = read_config({**MERGER, "start_time_offset": "-PT1H"}).start_time
    assert (found.minute, found.second, found.microsecond) == (0, 0, 0)
    assert timedelta(hours=1) <= before - found < timedelta(hours=2, seconds=5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"start_time_offset": "3 days"}, "start_time_offset is '3 days'"),
        ({"start_time_offset": "-P99999Y"}, "start_time_offset is '-P99999Y'"),
        ({"start_time_offset": "-P1D", "start_time": "2020-01-01"}, "start_time and start_time_offset are both set"),
        ({"start_time_offset": "-P1D", "end_time_offset": "-P2D"}, "is not before end_time"),
        ({"ANALYZER_LEAST_LABELLED": "1.1"}, "ANALYZER_LEAST_LABELLED is '1.1'"),
        ({"ANALYZER_LEAST_LABELLED": "nan"}, "ANALYZER_LEAST_LABELLED is 'nan'"),
    ],
)
def test_windows_and_shares_that_make_no_sense_are_named(given, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        read_config({**MERGER, **given})


def test_flags_are_unique():
    flags = [s.flag for s in SETTINGS]
    assert len(set(flags)) == len(flags)
    assert "--surplus-fields" in flags


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.variable)
def test_the_docs_have_every_setting_its_default_and_its_values(setting):
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{setting.variable}` |")]
    assert len(rows) == 1, f"{setting.variable} needs one row in docs/configuration.md"
    assert all(f"`{value}`" in rows[0] for value in setting.allowed)
    if setting.default:
        assert setting.default in rows[0].replace("`", "")


def test_the_docs_have_every_form_of_dataset_format():
    text = DOCS.read_text()
    assert [example for example in EXAMPLES if example not in text] == []


def test_a_good_configuration_is_silent(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        read_config(minimal(tmp_path))
    assert caplog.records == []
