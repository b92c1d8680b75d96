"""The image does what a processing job asks of it: files, message and exit code, however little the container may."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

ANYBODY = "1000650000:1000650000"
"""A user that no /etc/passwd knows."""
CLEAN = "Completed: Job completed successfully with no violations."
REPORTS = {"constraints.json", "profile.json", "report.html", "report.md", "state.json.gz", "statistics.json"}
CSV = {"dataset_format": '{"csv":{"header":true}}', "output_path": "/opt/ml/processing/output"}
BASELINE = CSV | {
    "dataset_source": "/opt/ml/processing/input/baseline_dataset_input",
    "publish_cloudwatch_metrics": "Disabled",
}
SCRIPT = "/opt/ml/processing/input/record_preprocessor_script_input"
ENGINES = pytest.mark.parametrize("engine", ["local", "spark"])


def write_training(folder: Path, rows: int = 200) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(1)
    lines = [f"{random.gauss(40, 9):.2f},{random.choice(['basic', 'gold'])}" for _ in range(rows)]
    (folder / "train.csv").write_text("age,plan\n" + "\n".join(lines) + "\n")
    return folder


@pytest.fixture
def training(tmp_path: Path) -> Path:
    return write_training(tmp_path / "training")


@pytest.fixture
def baseline_job(opt_ml: Callable[..., Any], training: Path) -> Any:
    """A baseline as the service's clients start it."""
    return opt_ml("baseline", environment=dict(BASELINE), inputs={"processing/input/baseline_dataset_input": training})


def with_script(job: Any, folder: Path, code: str, *requirements: str) -> Any:
    folder.mkdir()
    (folder / "script.py").write_text(code)
    if requirements:
        (folder / "requirements.txt").write_text("\n".join(requirements) + "\n")
    job.inputs["processing/input/record_preprocessor_script_input"] = folder
    job.environment["record_preprocessor_script"] = f"{SCRIPT}/script.py"
    return job


def capture(age: str, plan: str) -> str:
    def half(data: str, mode: str) -> dict[str, str]:
        return {"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": "CSV"}

    data = {"endpointInput": half(plan, "INPUT"), "endpointOutput": half(age + "\n", "OUTPUT")}
    event = {"eventId": age, "inferenceTime": "2024-05-01T10:20:00Z"}
    return json.dumps({"captureData": data, "eventMetadata": event, "eventVersion": "0"})


@ENGINES
def test_a_baseline_without_network_on_a_read_only_system_as_anybody(engine, baseline_job, run_container):
    baseline_job.environment["ANALYZER_ENGINE"] = engine
    container = run_container(baseline_job, "--user", ANYBODY)
    assert container.wait() == 0, container.log
    assert baseline_job.message == CLEAN
    assert {path.name for path in baseline_job.output.iterdir()} == REPORTS
    assert baseline_job.document("statistics.json")["dataset"]["item_count"] == 200
    assert {path.stat().st_uid for path in baseline_job.output.iterdir()} == {int(ANYBODY.partition(":")[0])}
    assert "Exception" not in container.log


def test_both_engines_write_the_same_bytes_in_containers(baseline_job, opt_ml, run_container):
    other = opt_ml(
        "other", environment=baseline_job.environment | {"ANALYZER_ENGINE": "spark"}, inputs=baseline_job.inputs
    )
    containers = [run_container(baseline_job), run_container(other)]
    assert [container.wait() for container in containers] == [0, 0]
    for name in REPORTS:
        assert (baseline_job.output / name).read_bytes() == (other.output / name).read_bytes()


def test_variables_of_the_job_description_alone_are_enough(baseline_job, run_container):
    container = run_container(baseline_job, by_description=True)
    assert container.wait() == 0, container.log
    assert baseline_job.message == CLEAN


def test_a_monitoring_run_with_the_mounts_of_the_service(baseline_job, opt_ml, run_container, tmp_path):
    assert run_container(baseline_job).wait() == 0
    hour = tmp_path / "capture" / "churn" / "AllTraffic" / "2024" / "05" / "01" / "10"
    hour.mkdir(parents=True)
    lines = [capture(f"{1000 + i}.5", "silver" if i % 2 else "gold") for i in range(300)]
    (hour / "20-00-000-a.jsonl").write_text("\n".join(lines) + "\n")
    base = "/opt/ml/processing/baseline"
    job = opt_ml(
        "monitoring",
        environment={
            "dataset_format": '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}',
            "dataset_source": "/opt/ml/processing/input/endpoint",
            "output_path": "/opt/ml/processing/output",
            "baseline_constraints": f"{base}/constraints/constraints.json",
            "baseline_statistics": f"{base}/stats/statistics.json",
            "publish_cloudwatch_metrics": "Enabled",
            "sagemaker_endpoint_name": "churn",
            "sagemaker_monitoring_schedule_name": "churn-hourly",
            "start_time": "2024-05-01T10:00:00Z",
            "end_time": "2024-05-01T11:00:00Z",
        },
        inputs={
            "processing/input/endpoint": tmp_path / "capture",
            "processing/baseline/constraints": baseline_job.output,
            "processing/baseline/stats": baseline_job.output,
        },
    )
    container = run_container(job)
    assert container.wait() == 0, container.log
    found = {
        (each["feature_name"], each["constraint_check_type"])
        for each in job.document("constraint_violations.json")["violations"]
    }
    assert found == {
        ("age", "baseline_drift_check"),
        ("plan", "categorical_values_check"),
        ("plan", "baseline_drift_check"),
    }
    assert job.message == "CompletedWithViolations: Job completed successfully with 3 violations."
    metrics = (job.folder / "output" / "metrics" / "cloudwatch" / "cloudwatch_metrics.jsonl").read_text()
    assert '"churn-hourly"' in metrics


def test_a_job_that_fails_leaves_message_and_exit_code(baseline_job, run_container, training):
    (training / "more.csv").write_text("other,header\n1,2\n")
    container = run_container(baseline_job)
    assert container.wait() == 255
    assert baseline_job.message.startswith(
        "Error: /opt/ml/processing/input/baseline_dataset_input/train.csv: its header"
    )
    assert list(baseline_job.output.iterdir()) == []


SLOW = "import time\n\ndef preprocess_handler(line):\n    time.sleep(0.05)\n    return line\n"


@ENGINES
def test_docker_stop_in_the_middle_ends_the_job_in_order(engine, baseline_job, run_container, tmp_path):
    job = with_script(baseline_job, tmp_path / "code", SLOW + "    \n")
    job.environment["ANALYZER_ENGINE"] = engine
    write_training(job.inputs["processing/input/baseline_dataset_input"], rows=5000)
    (job.output / "statistics.json").write_text("of an earlier run")
    container = run_container(job)
    container.wait_for("Reading 1 files")
    if engine == "spark":
        container.wait_for("phase session took")
    assert container.stop(grace=20) == 143, container.log
    assert job.message.startswith("Error: The job was stopped by SIGTERM before it had finished.")
    assert {path.name: path.read_text() for path in job.output.iterdir()} == {"statistics.json": "of an earlier run"}


@ENGINES
def test_a_memory_limit_is_enough_for_data_that_is_larger_by_far(engine, baseline_job, run_container, training):
    lines = "".join(f"{i % 97}.25,{'basic' if i % 3 else 'gold'}\n" for i in range(100_000))
    with (training / "train.csv").open("w") as file:
        file.write("age,plan\n")
        for _ in range(130):
            file.write(lines)
    baseline_job.environment |= {"ANALYZER_ENGINE": engine, "ANALYZER_CORES": "1"}
    limit = {"local": "900m", "spark": "1500m"}[engine]
    container = run_container(baseline_job, "--memory", limit, "--memory-swap", limit)
    assert container.wait(500) == 0, container.log
    assert (training / "train.csv").stat().st_size > 150_000_000
    assert baseline_job.document("statistics.json")["dataset"]["item_count"] == 13_000_000


def test_a_job_writes_nothing_into_the_container_itself(baseline_job, run_container, tmp_path):
    job = with_script(baseline_job, tmp_path / "code", "def preprocess_handler(line):\n    return line\n")
    container = run_container(job, "--tmpfs", "/tmp", read_only=False)
    assert container.wait() == 0, container.log
    assert [change for change in container.changes() if "/opt/ml" not in change and change != "C /opt"] == []


NEEDY = "import tabulate\n\ndef preprocess_handler(line):\n    return {'version': tabulate.__version__, 'line': line}\n"


def test_requirements_of_a_script_are_installed_where_there_is_a_network(baseline_job, run_container, tmp_path):
    job = with_script(baseline_job, tmp_path / "code", NEEDY, "tabulate==0.9.0")
    container = run_container(job, "--user", ANYBODY, network="host")
    assert container.wait() == 0, container.log
    names = {each["name"]: each for each in job.document("statistics.json")["features"]}
    buckets = names["version"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert [bucket["value"] for bucket in buckets] == ["0.9.0"]


def test_requirements_without_a_network_end_the_job_with_the_cure(baseline_job, run_container, tmp_path):
    job = with_script(baseline_job, tmp_path / "code", NEEDY, "tabulate==0.9.0")
    container = run_container(job)
    assert container.wait(60) == 255
    assert f"{SCRIPT}/requirements.txt cannot be installed: the package index cannot be reached" in job.message
    assert "tabulate==0.9.0" in job.message
    assert "build an image that has the packages" in job.message
    assert list(job.output.iterdir()) == []


def test_a_script_runs_on_spark_in_a_container(baseline_job, run_container, tmp_path):
    """Over more partitions than a group, so that states are merged by a shuffle, which needs native libraries."""
    code = "def preprocess_handler(record):\n    return [] if 'pad' in record else {'age': record['age']}\n"
    job = with_script(baseline_job, tmp_path / "code", code)
    folder = job.inputs["processing/input/baseline_dataset_input"]
    for number in range(18):
        (folder / f"{number}.json").write_text(
            json.dumps([{"age": number, "plan": "x"}] * 10 + [{"pad": "y" * 34_000_000}])
        )
    (folder / "train.csv").unlink()
    job.environment |= {"ANALYZER_ENGINE": "spark", "dataset_format": '{"json":{"lines":false}}'}
    container = run_container(job)
    assert container.wait() == 0, container.log
    assert "in 18 partitions on spark" in container.log
    assert job.document("statistics.json")["dataset"]["item_count"] == 180
