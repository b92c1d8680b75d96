"""Schedules of the SDK: the job definitions that it builds become jobs, which find what the service would find."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from job_runner import objects as objects_of
from s3_service import BUCKET
from sdk_session import IMAGE, ROLE
from traffic import record, write_csv

from analyzer.plan_jobs import plan_jobs

RESOURCES = {"role": ROLE, "instance_count": 1, "instance_type": "ml.m5.xlarge"}
HOURLY = "cron(0 * ? * * *)"
AT = datetime(2025, 2, 16, 12, tzinfo=UTC)
CAPTURES = f"s3://{BUCKET}/captures"
SCORES = [(number, 0.02 * number, int(number > 25)) for number in range(50)]


def json_lines(values) -> str:
    return "".join(json.dumps(each) + "\n" for each in values)


@pytest.fixture
def traffic(put):
    """An hour that the window is, and one before it; labels that came later."""
    now = [record(f"{number},x", f"{score}", event=f"e-{number}") for number, score, _ in SCORES]
    put("captures/churn/AllTraffic/2025/02/16/11/a.jsonl", json_lines(now))
    old = [record("999,old", "0.5", time="2025-02-16T10:30:00Z", event="old")]
    put("captures/churn/AllTraffic/2025/02/16/10/a.jsonl", json_lines(old))
    labels = [
        {"groundTruthData": {"data": str(label), "encoding": "CSV"}, "eventMetadata": {"eventId": f"e-{number}"}}
        for number, _, label in SCORES
    ]  # fmt: skip
    put("labels/2025/02/17/03/labels.jsonl", json_lines(labels))


def test_a_schedule_of_data_quality(client, put, traffic, tmp_path):
    from sagemaker.model_monitor import CronExpressionGenerator, DefaultModelMonitor, EndpointInput
    from sagemaker.model_monitor.dataset_format import DatasetFormat

    monitor = DefaultModelMonitor(sagemaker_session=client.session, **RESOURCES)
    monitor.image_uri = IMAGE
    write_csv(tmp_path / "training.csv", "score,number,plan", [(score, number, "x") for number, score, _ in SCORES])
    monitor.suggest_baseline(
        str(tmp_path / "training.csv"), DatasetFormat.csv(), output_s3_uri=f"s3://{BUCKET}/baseline",
        wait=False, logs=False,
    )  # fmt: skip
    client.execute()
    monitor.create_monitoring_schedule(
        endpoint_input=EndpointInput(
            "churn", "/opt/ml/processing/input/endpoint", exclude_features_attribute="score",
            start_time_offset="-PT1H", end_time_offset="-PT0H",
        ),
        output_s3_uri=f"s3://{BUCKET}/reports",
        statistics=monitor.baseline_statistics(),
        constraints=monitor.suggested_constraints(),
        schedule_cron_expression=CronExpressionGenerator.hourly(),
    )  # fmt: skip
    (job,) = plan_jobs(
        client.last("CreateDataQualityJobDefinition"), captures=CAPTURES, scheduled=AT, schedule="hourly"
    )
    assert job.environment["sagemaker_endpoint_name"] == "churn"
    assert job.image == IMAGE
    assert client.execute(job) == "Completed: Job completed successfully with no violations."
    found = objects_of(f"s3://{BUCKET}/reports")
    statistics = json.loads(found["statistics.json"])
    assert statistics["dataset"]["item_count"] == 50
    assert [each["name"] for each in statistics["features"]] == ["number", "plan"]


def test_a_schedule_of_model_quality_and_the_model_card(client, traffic, tmp_path):
    from sagemaker.model_card.evaluation_metric_parsers import ModelMonitorModelQualityParser
    from sagemaker.model_monitor import EndpointInput, ModelQualityMonitor
    from sagemaker.model_monitor.dataset_format import DatasetFormat

    monitor = ModelQualityMonitor(sagemaker_session=client.session, **RESOURCES)
    monitor.image_uri = IMAGE
    write_csv(tmp_path / "validation.csv", "number,probability,label", SCORES)
    monitor.suggest_baseline(
        str(tmp_path / "validation.csv"), DatasetFormat.csv(), "BinaryClassification",
        probability_attribute="probability", ground_truth_attribute="label", probability_threshold_attribute="0.7",
        output_s3_uri=f"s3://{BUCKET}/baseline",
    )  # fmt: skip
    client.execute()
    constraints = monitor.suggested_constraints()
    assert constraints.body_dict["binary_classification_constraints"]["precision"]["threshold"] == 1.0
    monitor.create_monitoring_schedule(
        endpoint_input=EndpointInput(
            "churn", "/opt/ml/processing/input/endpoint",
            probability_attribute="0", probability_threshold_attribute=0.3,
            start_time_offset="-PT1H", end_time_offset="-PT0H",
        ),
        ground_truth_input=f"s3://{BUCKET}/labels",
        problem_type="BinaryClassification",
        output_s3_uri=f"s3://{BUCKET}/reports",
        constraints=constraints,
        schedule_cron_expression=HOURLY,
    )  # fmt: skip
    merge, quality = plan_jobs(client.last("CreateModelQualityJobDefinition"), captures=CAPTURES, scheduled=AT)
    assert quality.environment["probability_threshold_attribute"] == "0.300000"
    message = client.execute(merge, quality)
    assert message.startswith("CompletedWithViolations: ")
    assert any(
        name.startswith("churn/AllTraffic/2025/02/16/11/part-") for name in objects_of(f"s3://{BUCKET}/reports/merge")
    )
    found = objects_of(f"s3://{BUCKET}/reports")
    statistics = json.loads(found["statistics.json"])
    assert statistics["dataset"]["item_count"] == 50
    matrix = statistics["binary_classification_metrics"]["confusion_matrix"]
    assert matrix == {"0": {"0": 16, "1": 10}, "1": {"0": 0, "1": 24}}
    violations = json.loads(found["constraint_violations.json"])["violations"]
    assert "precision" in {each["metric_name"] for each in violations}

    groups = ModelMonitorModelQualityParser().run(statistics)["metric_groups"]
    metrics = {metric["name"]: metric for group in groups for metric in group["metric_data"]}
    assert metrics["recall"]["value"] == 1.0
    assert metrics["confusion_matrix"]["value"] == [[16, 10], [0, 24]]
    assert "receiver_operating_characteristic_curve" in metrics


@pytest.mark.parametrize("problem", ["Regression", "MulticlassClassification"])
def test_model_cards_of_other_problems(client, tmp_path, problem):
    from sagemaker.model_card.evaluation_metric_parsers import ModelMonitorModelQualityParser
    from sagemaker.model_monitor import ModelQualityMonitor
    from sagemaker.model_monitor.dataset_format import DatasetFormat

    monitor = ModelQualityMonitor(sagemaker_session=client.session, **RESOURCES)
    monitor.image_uri = IMAGE
    rows = [(number % 3, (number + (number % 7 == 0)) % 3) for number in range(250)]
    write_csv(tmp_path / "validation.csv", "prediction,label", rows)
    monitor.suggest_baseline(
        str(tmp_path / "validation.csv"), DatasetFormat.csv(), problem, inference_attribute="prediction",
        ground_truth_attribute="label", output_s3_uri=f"s3://{BUCKET}/baseline",
    )  # fmt: skip
    client.execute()
    body = monitor.baseline_statistics().body_dict
    found = {
        metric["name"]: metric["value"]
        for group in ModelMonitorModelQualityParser().run(body)["metric_groups"]
        for metric in group["metric_data"]
    }
    named = {"Regression": "rmse", "MulticlassClassification": "weighted_f1"}[problem]
    block = next(value for name, value in body.items() if name.endswith("_metrics"))
    assert found[named] == block[named]["value"]


def test_a_schedule_of_bias(client, put):
    from sagemaker.clarify import BiasConfig
    from sagemaker.model_monitor import BiasAnalysisConfig, EndpointInput, ModelBiasMonitor

    put("baseline/analysis.json", '{"version":"1.0"}')
    monitor = ModelBiasMonitor(sagemaker_session=client.session, **RESOURCES)
    monitor.create_monitoring_schedule(
        endpoint_input=EndpointInput("churn", "/opt/ml/processing/input/endpoint", features_attribute="features",
                                     inference_attribute="0", start_time_offset="-P8D", end_time_offset="-P1D"),
        ground_truth_input=f"s3://{BUCKET}/labels",
        analysis_config=BiasAnalysisConfig(BiasConfig([1], "age", [40]), headers=["age", "label"], label="label"),
        output_s3_uri=f"s3://{BUCKET}/reports",
        constraints=f"s3://{BUCKET}/baseline/analysis.json",
        schedule_cron_expression=HOURLY,
    )  # fmt: skip
    merge, bias = plan_jobs(client.last("CreateModelBiasJobDefinition"), captures=CAPTURES)
    assert merge.kind == "MERGE"
    assert bias.kind == bias.environment["analysis_type"] == "MODEL_BIAS"
    assert bias.environment["features_attribute"] == "features"
    assert bias.environment["baseline_constraints"] == "/opt/ml/processing/baseline/constraints/analysis.json"
    (config,) = [each for each in bias.inputs if each.name == "analysis_config"]
    assert config.path == "/opt/ml/processing/input/config"
    assert list(objects_of(config.source)) == ["analysis_config.json"]


def test_a_schedule_of_explainability(client, put):
    from sagemaker.clarify import ModelConfig, SHAPConfig
    from sagemaker.model_monitor import EndpointInput, ExplainabilityAnalysisConfig, ModelExplainabilityMonitor

    put("baseline/analysis.json", '{"version":"1.0"}')
    monitor = ModelExplainabilityMonitor(sagemaker_session=client.session, **RESOURCES)
    config = ExplainabilityAnalysisConfig(
        SHAPConfig([[1, 2]], 100, "mean_abs"),
        ModelConfig("churn", 1, "ml.m5.xlarge", content_type="text/csv"),
        headers=["a", "b"],
    )  # fmt: skip
    monitor.create_monitoring_schedule(
        endpoint_input=EndpointInput("churn", "/opt/ml/processing/input/endpoint", inference_attribute="0"),
        analysis_config=config,
        output_s3_uri=f"s3://{BUCKET}/reports",
        constraints=f"s3://{BUCKET}/baseline/analysis.json",
        schedule_cron_expression=HOURLY,
    )
    (job,) = plan_jobs(client.last("CreateModelExplainabilityJobDefinition"), captures=CAPTURES)
    assert job.environment["analysis_type"] == "MODEL_EXPLAINABILITY"
    assert job.environment["inference_attribute"] == "0"
    assert [each.path for each in job.inputs] == [
        "/opt/ml/processing/input/endpoint/churn",
        "/opt/ml/processing/baseline/constraints",
        "/opt/ml/processing/input/config",
    ]


def test_bias_is_measured_as_the_definition_says_and_the_model_card_reads_it(client, traffic):
    from sagemaker.clarify import BiasConfig
    from sagemaker.model_card.evaluation_metric_parsers import ClarifyBiasParser
    from sagemaker.model_monitor import BiasAnalysisConfig, EndpointInput, ModelBiasMonitor

    monitor = ModelBiasMonitor(sagemaker_session=client.session, **RESOURCES)
    monitor.create_monitoring_schedule(
        endpoint_input=EndpointInput("churn", "/opt/ml/processing/input/endpoint", probability_attribute="0",
                                     start_time_offset="-PT1H", end_time_offset="-PT0H"),
        ground_truth_input=f"s3://{BUCKET}/labels",
        analysis_config=BiasAnalysisConfig(
            BiasConfig([1], "number", [9]), headers=["number", "plan", "label"], label="label"
        ),
        output_s3_uri=f"s3://{BUCKET}/reports",
        schedule_cron_expression=HOURLY,
    )  # fmt: skip
    client.execute(*plan_jobs(client.last("CreateModelBiasJobDefinition"), captures=CAPTURES, scheduled=AT))
    analysis = json.loads(objects_of(f"s3://{BUCKET}/reports")["analysis.json"])
    (facet,) = analysis["post_training_bias_metrics"]["facets"]["number"]
    measured = {each["name"]: each["value"] for each in facet["metrics"]}
    assert measured["DPPL"] == pytest.approx(0 / 10 - 24 / 40)  # above 9 is the sensitive group
    groups = ClarifyBiasParser().run(analysis)["metric_groups"]
    assert measured["DPPL"] in {metric["value"] for group in groups for metric in group["metric_data"]}


def test_attributions_are_computed_as_the_definition_says_and_the_model_card_reads_them(client, traffic, tmp_path):
    from sagemaker.clarify import ModelConfig, SHAPConfig
    from sagemaker.model_card.evaluation_metric_parsers import ClarifyExplainabilityParser
    from sagemaker.model_monitor import EndpointInput, ExplainabilityAnalysisConfig, ModelExplainabilityMonitor

    (tmp_path / "asked.py").write_text("def predict(df):\n    return 0.02 * df.number\n")
    monitor = ModelExplainabilityMonitor(
        sagemaker_session=client.session, env={"ANALYZER_MODEL_SCRIPT": str(tmp_path / "asked.py")}, **RESOURCES
    )
    monitor.create_monitoring_schedule(
        endpoint_input=EndpointInput("churn", "/opt/ml/processing/input/endpoint", inference_attribute="0",
                                     start_time_offset="-PT1H", end_time_offset="-PT0H"),
        analysis_config=ExplainabilityAnalysisConfig(
            SHAPConfig([[10, "x"]], 100, "mean_abs"),
            ModelConfig("churn", 1, "ml.m5.xlarge", content_type="text/csv"),
            headers=["number", "plan"],
        ),
        output_s3_uri=f"s3://{BUCKET}/reports",
        schedule_cron_expression=HOURLY,
    )  # fmt: skip
    client.execute(*plan_jobs(client.last("CreateModelExplainabilityJobDefinition"), captures=CAPTURES, scheduled=AT))
    analysis = json.loads(objects_of(f"s3://{BUCKET}/reports")["analysis.json"])
    values = analysis["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert values["number"] == pytest.approx(sum(0.02 * abs(number - 10) for number, *_ in SCORES) / 50)
    assert values["plan"] == 0
    (group,) = ClarifyExplainabilityParser().run(analysis)["metric_groups"]
    assert {metric["name"]: metric["value"] for metric in group["metric_data"]} == values
