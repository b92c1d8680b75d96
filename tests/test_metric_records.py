"""The metrics that jobs of all four kinds write are what their schema says, and the schema says no more than that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from analyses import HEADER, SIMPLE, table
from jsonschema import Draft202012Validator, ValidationError
from predictions import BINARY, MULTICLASS, REGRESSION
from traffic import write_csv

SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "schemas" / "cloudwatch-metric.json").read_text())
CSV = {"csv": {"header": True}}
NAMED = {"sagemaker_endpoint_name": "churn", "sagemaker_monitoring_schedule_name": "hourly"}
MODEL = "def predict(df): return 0.02 * df.x + 0.3 * df.g\n"
Records = list[dict[str, Any]]


@pytest.fixture
def records_of(tmp_path, run_job):
    """Run a job, against itself as its baseline where there is one, and read the metrics that it wrote."""

    def run(rows: Any, header: str, baseline: str = "", **settings: Any) -> Records:
        source = write_csv(tmp_path / "data" / "d.csv", header, rows)
        settings = {"cloudwatch_metrics_directory": tmp_path / "metrics", **settings}
        if baseline:
            first = run_job(source, CSV, "first", **settings)
            settings["baseline_constraints"] = first / baseline
        run_job(source, CSV, **settings, **NAMED)
        return [json.loads(line) for line in (tmp_path / "metrics/cloudwatch_metrics.jsonl").read_text().splitlines()]

    return run


def analysis_config(root: Path, document: dict[str, Any]) -> Path:
    (root / "model.py").write_text(MODEL)
    (root / "analysis_config.json").write_text(json.dumps(document))
    return root / "analysis_config.json"


def assert_valid(records: Records, *names: str) -> None:
    for record in records:
        Draft202012Validator(SCHEMA).validate(record)
    assert set(names) <= {record["MetricName"] for record in records}


def test_data_quality(records_of) -> None:
    rows = [(i, "ab"[i % 2], i / 3) for i in range(50)]
    assert_valid(
        records_of(rows, "n,t,f", "constraints.json"), "feature_data_n", "feature_string_counts_t", "feature_null_f"
    )


@pytest.mark.parametrize(
    ("problem", "names"),
    [
        (BINARY, ("auc", "f0_5", "recall_best_constant_classifier")),
        (MULTICLASS, ("accuracy", "weighted_f0_5", "weighted_recall_best_constant_classifier")),
        (REGRESSION, ("mae", "mse", "rmse", "r2")),
    ],
)
def test_model_quality(records_of, problem, names) -> None:
    rows = [(i % 2, (i + i // 7) % 2, (i % 10) / 10) for i in range(60)]
    attributes = {"inference_attribute": "p", "ground_truth_attribute": "y"}
    if problem is BINARY:
        attributes["probability_attribute"] = "s"
    found = records_of(rows, "y,p,s", "constraints.json", **problem, **attributes)
    assert_valid(found, "total_number_of_violations", *names)


def test_bias(records_of, tmp_path) -> None:
    config = analysis_config(tmp_path, SIMPLE)
    found = records_of(table(), HEADER, ANALYZER_ANALYSIS_CONFIG=config)
    assert_valid(found, *(f"bias_metric_{name}" for name in ("CI", "DPL", "KL", "CDDL", "TE", "FT", "GE", "CDDPL")))


def test_attribution(records_of, tmp_path) -> None:
    methods = {"shap": {"baseline": [[0, 0]]}}
    config = analysis_config(tmp_path, {"methods": methods, "predictor": {"handler": "model.py"}})
    rows = [(i % 9, i % 4) for i in range(40)]
    found = records_of(rows, "x,g", "analysis.json", ANALYZER_ANALYSIS_CONFIG=config)
    assert_valid(found, "feature_x", "ExpectedValue", "feature_attribution_drift")


DIMENSIONS = [{"Name": "Endpoint", "Value": "churn"}]
OF_BIAS = [*DIMENSIONS, {"Name": "BiasStage", "Value": "Pre-training"}, {"Name": "Facet", "Value": "sex"}]
OF_SHAP = [
    {"Name": "ExplainabilityMethod", "Value": "KernelShap"},
    {"Name": "Label", "Value": "label0"},
    {"Name": "ValueType", "Value": "GlobalShapValues"},
]


@pytest.mark.parametrize(
    ("name", "dimensions", "more"),
    [
        ("aucc", DIMENSIONS, {}),
        ("auc", [*DIMENSIONS, {"Name": "Feature", "Value": "a"}], {}),
        ("feature_x", DIMENSIONS, {}),
        ("feature_", OF_SHAP, {}),
        ("ExpectedValue", OF_SHAP, {}),
        ("feature_x", [*OF_SHAP, {"Name": "Facet", "Value": "sex"}], {}),
        ("feature_x", OF_SHAP, {"Unit": "Count"}),
        ("bias_metric_XY", OF_BIAS, {}),
        ("bias_metric_CI", DIMENSIONS, {}),
        ("bias_metric_CI", [{"Name": "BiasStage", "Value": "Post-training"}], {}),
        ("bias_metric_CI", OF_BIAS, {"Unit": "Count"}),
        ("feature_data_", DIMENSIONS, {}),
    ],
)
def test_what_no_job_writes_is_not_valid(name, dimensions, more) -> None:
    record = {"MetricName": name, "Timestamp": "2019-11-26T03:00:00Z", "Dimensions": dimensions, "Value": 1.0, **more}
    with pytest.raises(ValidationError):
        Draft202012Validator(SCHEMA).validate(record)
