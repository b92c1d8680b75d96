"""What users of the SDK write works with our image: baselines, runs, their files in its classes, edited constraints."""

from __future__ import annotations

import json

import pytest
from job_runner import objects as objects_of
from s3_service import BUCKET
from sdk_session import IMAGE, ROLE
from traffic import record, write_csv

AGES = [(age, 0.5 * age, "basic" if age % 2 else "gold") for age in range(20, 60)]
RESOURCES = {"role": ROLE, "instance_count": 1, "instance_type": "ml.m5.xlarge"}


@pytest.fixture
def training(tmp_path):
    write_csv(tmp_path / "training.csv", "age,income,plan", AGES)
    return str(tmp_path / "training.csv")


@pytest.fixture
def monitor(client):
    from sagemaker.model_monitor import DefaultModelMonitor

    made = DefaultModelMonitor(sagemaker_session=client.session, env={"ANALYZER_EVIDENCE": "false"}, **RESOURCES)
    made.image_uri = IMAGE
    return made


@pytest.fixture
def suggested(monitor, client, training):
    """A monitor whose baseline job has been executed."""
    from sagemaker.model_monitor.dataset_format import DatasetFormat

    monitor.suggest_baseline(
        training, DatasetFormat.csv(header=True), output_s3_uri=f"s3://{BUCKET}/baseline", wait=False, logs=False
    )
    assert client.execute() == "Completed: Job completed successfully with no violations."
    return monitor


def test_suggest_baseline_reads_what_we_write(suggested, client):
    statistics, constraints = suggested.baseline_statistics(), suggested.suggested_constraints()
    assert [each["name"] for each in statistics.body_dict["features"]] == ["age", "income", "plan"]
    assert statistics.body_dict["dataset"] == {"item_count": 40}
    assert constraints.body_dict["features"][2]["string_constraints"] == {"domains": ["basic", "gold"]}
    request = client.last("CreateProcessingJob")
    assert request["AppSpecification"] == {"ImageUri": IMAGE}
    assert request["Environment"]["dataset_source"] == "/opt/ml/processing/input/baseline_dataset_input"
    assert suggested.latest_baselining_job.describe()["ProcessingJobStatus"] == "Completed"


def test_suggest_baseline_with_scripts_and_another_drift_method(monitor, client, training, tmp_path):
    from sagemaker.model_monitor import DataQualityDistributionConstraints, DataQualityMonitoringConfig
    from sagemaker.model_monitor.dataset_format import DatasetFormat

    (tmp_path / "before.py").write_text(
        "def preprocess_handler(record):\n"
        "    age, *_ = record.split(',')\n"
        "    return {'years': age} if age.isdigit() else []\n"
    )
    (tmp_path / "after.py").write_text(
        "import os, pathlib\n"
        "def postprocess_handler():\n"
        "    pathlib.Path(os.environ['ANALYZER_ROOT'], 'processing/output/seen.txt').write_text('x')\n"
    )
    monitor.suggest_baseline(
        training,
        DatasetFormat.csv(header=True),
        record_preprocessor_script=str(tmp_path / "before.py"),
        post_analytics_processor_script=str(tmp_path / "after.py"),
        output_s3_uri=f"s3://{BUCKET}/scripted",
        wait=False,
        logs=False,
        monitoring_config_override=DataQualityMonitoringConfig(
            distribution_constraints=DataQualityDistributionConstraints(categorical_drift_method="ChiSquared")
        ),
    )
    client.execute()
    assert [each["name"] for each in monitor.baseline_statistics().body_dict["features"]] == ["years"]
    drift = monitor.suggested_constraints().body_dict["monitoring_config"]["distribution_constraints"]
    assert drift["categorical_drift_method"] == "ChiSquared"
    assert "seen.txt" in objects_of(f"s3://{BUCKET}/scripted")


def monitored(client, put, rows, constraints=f"s3://{BUCKET}/baseline/constraints.json"):
    """Run a window by hand, as users do without schedules, with `ModelMonitor.run_baseline`; gives its execution."""
    from sagemaker.model_monitor import ModelMonitor, MonitoringExecution
    from sagemaker.processing import ProcessingInput, ProcessingOutput

    records = [record(f"{income},{plan}", str(age), event=f"e-{age}") for age, income, plan in rows]
    put("window/churn/AllTraffic/2025/02/16/11/a.jsonl", "".join(json.dumps(each) + "\n" for each in records))
    baseline = "/opt/ml/processing/baseline"
    env = {
        "dataset_format": '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}',
        "dataset_source": "/opt/ml/processing/input/endpoint",
        "output_path": "/opt/ml/processing/output",
        "baseline_constraints": f"{baseline}/constraints/{constraints.rpartition('/')[2]}",
        "baseline_statistics": f"{baseline}/stats/statistics.json",
    }
    monitor = ModelMonitor(image_uri=IMAGE, env=env, sagemaker_session=client.session, **RESOURCES)
    monitor.run_baseline(
        baseline_inputs=[
            ProcessingInput(f"s3://{BUCKET}/window", "/opt/ml/processing/input/endpoint", "endpoint"),
            ProcessingInput(f"s3://{BUCKET}/baseline/statistics.json", f"{baseline}/stats", "baseline"),
            ProcessingInput(constraints, f"{baseline}/constraints", "constraints"),
        ],
        output=ProcessingOutput("/opt/ml/processing/output", f"s3://{BUCKET}/report", "result"),
        wait=False,
        logs=False,
    )
    message = client.execute()
    arn = client.session.describe_processing_job(client.last("CreateProcessingJob")["ProcessingJobName"])[
        "ProcessingJobArn"
    ]
    return message, MonitoringExecution.from_processing_arn(client.session, arn)


OTHER_PLANS = [(age, 0.5 * age, "silver") for age in range(20, 60)]


def test_run_baseline_runs_a_window_and_the_execution_reads_its_files(suggested, client, put):
    message, execution = monitored(client, put, OTHER_PLANS)
    found = execution.constraint_violations().body_dict["violations"]
    assert {(each["feature_name"], each["constraint_check_type"]) for each in found} == {
        ("plan", "categorical_values_check"),
        ("plan", "baseline_drift_check"),
    }
    assert message == "CompletedWithViolations: Job completed successfully with 2 violations."
    assert execution.statistics().body_dict["dataset"]["item_count"] == 40
    assert execution.describe()["ProcessingJobStatus"] == "Completed"


def test_a_quiet_window_has_an_empty_file_of_violations(suggested, client, put):
    message, execution = monitored(client, put, AGES)
    assert execution.constraint_violations().body_dict == {"violations": []}
    assert message == "Completed: Job completed successfully with no violations."


def test_set_monitoring_is_honoured_by_the_next_run(suggested, client, put):
    from sagemaker.model_monitor import Constraints

    constraints = suggested.suggested_constraints()
    constraints.set_monitoring(enable_monitoring=False, feature_name="plan")
    constraints.save(f"s3://{BUCKET}/edited/constraints.json")
    written = Constraints.from_s3_uri(f"s3://{BUCKET}/edited/constraints.json", sagemaker_session=client.session)
    assert written.body_dict["features"][2]["monitoring_config_overrides"]["evaluate_constraints"] == "Disabled"
    _, execution = monitored(client, put, OTHER_PLANS, f"s3://{BUCKET}/edited/constraints.json")
    types = {each["constraint_check_type"] for each in execution.constraint_violations().body_dict["violations"]}
    assert "categorical_values_check" not in types

    constraints.set_monitoring(enable_monitoring=False)
    constraints.save(f"s3://{BUCKET}/edited/constraints.json")
    _, execution = monitored(client, put, OTHER_PLANS, f"s3://{BUCKET}/edited/constraints.json")
    types = {each["constraint_check_type"] for each in execution.constraint_violations().body_dict["violations"]}
    assert "categorical_values_check" not in types


def test_files_go_through_the_classes_of_the_sdk_and_back(suggested, client, tmp_path):
    from sagemaker.model_monitor import Constraints, ConstraintViolations, Statistics

    for kind, name in ((Statistics, "statistics"), (Constraints, "constraints")):
        body = objects_of(f"s3://{BUCKET}/baseline/{name}.json")[f"{name}.json"].decode()
        local = tmp_path / f"{name}.json"
        local.write_text(body)
        loaded = kind.from_file_path(str(local), sagemaker_session=client.session)
        assert loaded.body_dict == json.loads(body)
        assert kind.from_string(body, sagemaker_session=client.session).body_dict == json.loads(body)
    empty = ConstraintViolations.from_string('{"violations" : [ ]}', sagemaker_session=client.session)
    assert empty.body_dict == {"violations": []}
