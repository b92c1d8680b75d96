"""The examples of scheduled use: shells, schemas, Airflow and the SDK take them, and the analyzer obeys them."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import kubernetes_validate
import pytest
import yaml

from analyzer.commands import group
from analyzer.config import read_config
from analyzer.job import run

TOP = Path(__file__).resolve().parents[1]
EXAMPLES = TOP / "examples" / "scheduling"
IMAGE = "somewhere/monitor:1"
ROLE = "arn:aws:iam::123456789012:role/monitor"
AIRFLOW = Path(os.environ.get("AIRFLOW_PYTHON", TOP / "build" / "airflow" / "bin" / "python"))
NO_AIRFLOW = "there is no Airflow here: `make test-airflow` installs one beside, AIRFLOW_PYTHON names another"


def understood(words: list[str]) -> None:
    """Have the command line parse the words as the analyzer would; fails on a flag or command that there is not."""
    command = group().get_command(None, words[0])  # type: ignore[arg-type]
    assert command is not None, words[0]
    command.make_context(words[0], list(words[1:]), resilient_parsing=False)


@pytest.fixture
def monitoring(tmp_path: Path) -> Path:
    """A folder with a baseline and the captures of the hour before half past twelve."""
    import analyzer

    analyzer.baseline({"age": [31, 45, 29, 38], "plan": ["basic", "gold"] * 2}, output=tmp_path / "baseline")
    hour = tmp_path / "captures" / "2025" / "02" / "16" / "11"
    hour.mkdir(parents=True)
    (hour / "a.csv").write_text("age,plan\n33,silver\n")
    return tmp_path


# --- cron ---


def installed(folder: Path) -> dict[str, str]:
    """Put the script where cron finds it, and the analyzer on its path, as an installation does."""
    (folder / "monitor-hour.sh").write_bytes((EXAMPLES / "monitor-hour.sh").read_bytes())
    (folder / "monitor-hour.sh").chmod(0o755)
    (folder / "bin").mkdir()
    (folder / "bin" / "analyzer").write_text(f'#!/bin/sh\nPYTHONPATH={TOP} exec {sys.executable} -m analyzer "$@"\n')
    (folder / "bin" / "analyzer").chmod(0o755)
    return {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(folder), "ANALYZER_ROOT": str(folder)}


def cron_command() -> str:
    """The command of the crontab's one line, as cron hands it to the shell."""
    (line,) = [each for each in (EXAMPLES / "crontab").read_text().splitlines() if re.match(r"[0-9*]", each)]
    schedule, command = line.split()[:5], line.split(None, 5)[5]
    assert schedule == ["5", "*", "*", "*", "*"]
    assert "%" not in command, "cron takes a percent sign for a newline"
    return command


def cron(folder: Path, at: str) -> subprocess.CompletedProcess[str]:
    environment = installed(folder) | {"AT": at}
    command = cron_command().replace("/opt/monitoring", str(folder))
    return subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False)


def test_the_line_of_cron_monitors_the_hour_before(monitoring):
    done = cron(monitoring, "2025-02-16 12:05 UTC")
    assert done.returncode == 1, done.stderr
    report = monitoring / "reports" / "2025" / "02" / "16" / "11" / "constraint_violations.json"
    (violation,) = json.loads(report.read_bytes())["violations"]
    assert violation["feature_name"] == "plan"
    assert "categorical_values_check" in done.stdout


def test_an_hour_without_requests_is_no_failure(monitoring):
    done = cron(monitoring, "2025-02-16 13:05 UTC")
    assert (done.returncode, done.stderr) == (0, "No requests were captured in 2025/02/16/12.\n")


def test_without_a_time_it_is_the_hour_before_now(monitoring):
    done = cron(monitoring, "now")
    hours = {f"{datetime.now(UTC) - timedelta(hours=1, minutes=m):%Y/%m/%d/%H}" for m in (0, 1)}
    assert any(f"No requests were captured in {hour}." in done.stderr for hour in hours)


# --- Kubernetes ---


def manifest() -> dict[str, Any]:
    return yaml.safe_load((EXAMPLES / "cronjob.yaml").read_text())


def test_the_manifest_is_what_kubernetes_takes():
    kubernetes_validate.validate(manifest(), kubernetes_validate.latest_version(), strict=True)
    broken = manifest()
    broken["spec"]["jobTemplate"]["spec"]["backofLimit"] = 0
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_the_manifest_gives_the_analyzer_what_it_needs():
    pod = manifest()["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    understood(container["args"])
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}
    assert {"/monitoring", "/tmp"} == {each["mountPath"] for each in container["volumeMounts"]}
    assert container["securityContext"]["readOnlyRootFilesystem"]


# --- compose and docker run: tests/container/test_scheduling.py runs them ---


def test_compose_and_docker_use_commands_that_there_are():
    services = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())["services"]
    for name in ("monitor", "doctor"):
        understood(services[name]["command"])
    understood(shlex.split(services["baseline"]["command"][0].partition("exec analyzer ")[2]))
    script = (EXAMPLES / "docker-run.sh").read_text()
    for line in re.findall(r"^ *analyze ((?:baseline|monitor) .*)$", script, re.MULTILINE):
        understood(shlex.split(line))


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.sh")), ids=lambda path: path.name)
def test_shells_can_read_the_scripts(script):
    subprocess.run(["bash", "-n", script], check=True)
    assert os.access(script, os.X_OK)


# --- Airflow ---


def test_the_dag_is_python_and_its_commands_are_the_analyzers():
    tree = ast.parse((EXAMPLES / "airflow_dag.py").read_text())
    names = {"DATA": "d", "BASELINE": ["--baseline", "b"], "OUTPUT": ["--output", "o"]}
    commands = [
        eval(compile(ast.Expression(keyword.value), "dag", "eval"), names)
        for keyword in ast.walk(tree)
        if isinstance(keyword, ast.keyword) and keyword.arg == "command"
    ]
    assert [words[0] for words in commands] == ["doctor", "monitor"]
    for words in commands:
        understood(words)


LOOK = """
import importlib.util, json, sys
from jinja2 import Template
from datetime import datetime
spec = importlib.util.spec_from_file_location("dag", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
tasks = {task.task_id: task for task in module.monitor.dag.tasks}
hour = Template(module.DATA).render(data_interval_start=datetime(2025, 2, 16, 11, 5))
print("FOUND", json.dumps({"tasks": sorted(tasks), "image": tasks["monitor"].image, "hour": hour,
    "after": sorted(tasks["monitor"].upstream_task_ids)}))
"""


def test_airflow_takes_the_dag(tmp_path):
    if not AIRFLOW.exists():
        pytest.skip(NO_AIRFLOW)
    environment = {"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(tmp_path), "MONITOR_IMAGE": IMAGE}
    command = [AIRFLOW, "-c", LOOK, EXAMPLES / "airflow_dag.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.rpartition("FOUND")[2]) == {
        "tasks": ["doctor", "monitor"], "image": IMAGE, "hour": "/monitoring/captures/2025/02/16/11",
        "after": ["doctor"],
    }  # fmt: skip


# --- SageMaker ---


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK of generation 2, with a region and credentials that open nothing."""
    for name, value in (
        ("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "y"),
        ("AWS_EC2_METADATA_DISABLED", "true"), ("SAGEMAKER_SUPPRESS_V2_WARNING", "1"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    pytest.importorskip("sagemaker", reason="the SDK is not installed: pip install 'sagemaker<3'")


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def obeyed(environment: dict[str, str], inputs: dict[str, Path], root: Path) -> Path:
    """Do what the service would: put the inputs where the job expects them, and run it with these variables."""
    for place, source in inputs.items():
        target = root / place.removeprefix("/opt/ml/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)
    config = read_config({**environment, "ANALYZER_ROOT": str(root), "ANALYZER_ENGINE": "local"})
    run(config)
    return Path(config.output_path)


def test_a_processing_job_of_the_sdk_is_obeyed(sdk, monitoring, tmp_path):
    from sagemaker.session import Session

    module = example("sagemaker_processing")
    session = Session(default_bucket="bucket")
    processor = module.make_processor(IMAGE, ROLE, has_baseline=True, session=session)
    assert processor.image_uri == IMAGE
    hour = monitoring / "captures" / "2025" / "02" / "16" / "11"
    report = obeyed(processor.env, {module.INPUT: hour, module.BASELINE: monitoring / "baseline"}, tmp_path / "ml")
    (violation,) = json.loads((report / "constraint_violations.json").read_bytes())["violations"]
    assert violation["feature_name"] == "plan"
    without = module.make_processor(IMAGE, ROLE, has_baseline=False, session=session)
    report = obeyed(without.env, {module.INPUT: hour}, tmp_path / "first")
    assert (report / "constraints.json").exists()
    assert not (report / "constraint_violations.json").exists()


def test_the_request_of_a_processing_job_names_our_image_and_places(sdk, monkeypatch):
    from sagemaker.session import Session

    module = example("sagemaker_processing")
    requests: list[dict[str, Any]] = []
    monkeypatch.setattr(Session, "_intercept_create_request", lambda _self, request, *_: requests.append(request))
    session = Session(default_bucket="bucket")
    processor = module.make_processor(IMAGE, ROLE, has_baseline=True, session=session)
    module.run(processor, "s3://bucket/data", "s3://bucket/report", "s3://bucket/baseline", wait=False)
    (request,) = requests
    assert request["AppSpecification"]["ImageUri"] == IMAGE
    places = {each["S3Input"]["S3Uri"]: each["S3Input"]["LocalPath"] for each in request["ProcessingInputs"]}
    assert places == {"s3://bucket/data": module.INPUT, "s3://bucket/baseline": module.BASELINE}
    (output,) = request["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["LocalPath"] == request["Environment"]["output_path"] == module.OUTPUT


@pytest.fixture
def steps(sdk) -> dict[str, dict[str, Any]]:
    from sagemaker.workflow.pipeline_context import PipelineSession

    session = PipelineSession(default_bucket="bucket")
    pipeline = example("sagemaker_pipeline").make_pipeline(IMAGE, ROLE, "model", "s3://bucket/f", session)
    return {step["Name"]: step for step in json.loads(pipeline.definition())["Steps"]}


def test_the_steps_of_a_pipeline_name_our_image(steps):
    checks = {name: step for name, step in steps.items() if step["Type"] == "QualityCheck"}
    assert sorted(checks) == ["batch-monitoring", "training-data"]
    for step in checks.values():
        assert step["Arguments"]["AppSpecification"]["ImageUri"] == IMAGE
    assert steps["batch-transform"]["DependsOn"] == ["batch-monitoring"]
    supplied = checks["batch-monitoring"]["SuppliedBaselineConstraints"]
    assert supplied == {"Get": "Steps.training-data.CalculatedBaselineConstraints"}


def test_the_steps_of_a_pipeline_are_obeyed(steps, tmp_path):
    """What a step sends is a job that the analyzer does, with the files that the step's properties name."""
    (tmp_path / "data.csv").write_text("31,basic\n45,gold\n")
    for name in ("training-data", "batch-monitoring"):
        arguments = steps[name]["Arguments"]
        (given,) = arguments["ProcessingInputs"]
        (tmp_path / name).mkdir()
        place = f"{given['S3Input']['LocalPath']}/data.csv"
        report = obeyed(arguments["Environment"], {place: tmp_path / "data.csv"}, tmp_path / name)
        assert {path.name for path in report.iterdir()} >= {"statistics.json", "constraints.json"}


# --- all of them ---


def test_every_example_is_explained():
    text = (TOP / "docs" / "scheduling.md").read_text()
    names = [path.name for path in EXAMPLES.iterdir() if path.is_file()]
    assert len(names) == 8
    assert [name for name in names if name not in text] == []


def test_images_are_placeholders():
    """No example names a registry: whose image it is, is for the reader to say."""
    for path in EXAMPLES.iterdir():
        if path.is_file():
            assert not re.search(r"\b[\w-]+\.(io|com|dev|org|net)/", path.read_text()), path.name
