"""The SageMaker Python SDK in its local mode: it starts the image in real containers, mounts and uploads by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from s3_fixtures import objects, put, put_folder, running, service  # noqa: F401 (fixtures)
from s3_service import BUCKET
from traffic import BOTH, record, write_csv

ROLE = "arn:aws:iam::123456789012:role/monitoring"
LOCAL = {"role": ROLE, "instance_count": 1, "instance_type": "local"}
AGES = [(age, "basic" if age % 2 else "gold") for age in range(20, 60)]


@pytest.fixture
def session(image, service, monkeypatch):  # noqa: F811 (a fixture)
    """A local session of the SDK, whose S3 is the service of this machine."""
    pytest.importorskip("sagemaker", reason="the extra sdk is not installed")
    compose = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    if not compose and shutil.which("docker-compose") is None:
        pytest.skip("the SDK's local mode needs docker compose")
    monkeypatch.setenv("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    import boto3
    from sagemaker.local import LocalSession

    made = LocalSession(boto3.Session(region_name=os.environ["AWS_DEFAULT_REGION"]), default_bucket=BUCKET)
    made.config = {"local": {"region_name": "us-east-1"}}
    return made


def test_a_baseline_and_a_run_in_local_mode(session, image, put, tmp_path):  # noqa: F811 (fixtures)
    from sagemaker.model_monitor import DefaultModelMonitor, ModelMonitor
    from sagemaker.model_monitor.dataset_format import DatasetFormat
    from sagemaker.processing import ProcessingInput, ProcessingOutput

    write_csv(tmp_path / "training.csv", "age,plan", AGES)
    monitor = DefaultModelMonitor(sagemaker_session=session, **LOCAL)
    monitor.image_uri = image
    monitor.suggest_baseline(
        str(tmp_path / "training.csv"), DatasetFormat.csv(), output_s3_uri=f"s3://{BUCKET}/baseline",
        wait=True, logs=False,
    )  # fmt: skip
    assert monitor.baseline_statistics().body_dict["dataset"]["item_count"] == 40
    assert monitor.suggested_constraints().body_dict["features"][1]["name"] == "plan"

    lines = (json.dumps(record("silver", str(age), event=f"e-{age}")) + "\n" for age, _ in AGES)
    put("window/churn/AllTraffic/2025/02/16/11/a.jsonl", "".join(lines))
    folder = "/opt/ml/processing"
    env = {
        "dataset_format": json.dumps(BOTH),
        "dataset_source": f"{folder}/input/endpoint",
        "output_path": f"{folder}/output",
        "baseline_constraints": f"{folder}/baseline/constraints/constraints.json",
        "baseline_statistics": f"{folder}/baseline/stats/statistics.json",
    }
    window = ModelMonitor(image_uri=image, env=env, sagemaker_session=session, **LOCAL)
    window.run_baseline(
        baseline_inputs=[
            ProcessingInput(f"s3://{BUCKET}/window", f"{folder}/input/endpoint", "endpoint"),
            ProcessingInput(f"s3://{BUCKET}/baseline/statistics.json", f"{folder}/baseline/stats", "baseline"),
            ProcessingInput(
                f"s3://{BUCKET}/baseline/constraints.json", f"{folder}/baseline/constraints", "constraints"
            ),
        ],
        output=ProcessingOutput(f"{folder}/output", f"s3://{BUCKET}/report", "result"),
        wait=True,
        logs=False,
    )
    from sagemaker.model_monitor import ConstraintViolations

    found = ConstraintViolations.from_s3_uri(
        f"s3://{BUCKET}/report/constraint_violations.json", sagemaker_session=session
    )
    types = {(each["feature_name"], each["constraint_check_type"]) for each in found.body_dict["violations"]}
    assert ("plan", "categorical_values_check") in types
