"""The examples with containers, run as a reader would run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "scheduling"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in (("training", "31,basic\n45,gold\n29,basic\n38,gold\n"), ("data", "33,silver\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text(f"age,plan\n{rows}")
    for name in ("baseline", "report"):
        (tmp_path / name).mkdir()
    return tmp_path


def violated(folder: Path) -> list[str]:
    document = json.loads((folder / "report" / "constraint_violations.json").read_bytes())
    return [each["feature_name"] for each in document["violations"]]


def test_docker_run_learns_a_baseline_and_compares(image, folder):
    places = [folder / name for name in ("training", "data", "baseline", "report")]
    command = [EXAMPLES / "docker-run.sh", *places]
    environment = os.environ | {"IMAGE": image}
    for _ in range(2):  # the second time the baseline is there
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert violated(folder) == ["plan"]
    assert "learned from" not in done.stdout
    (folder / "data" / "a.csv").write_text("age,plan\n33,gold\n")
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    assert (folder / "report" / "statistics.json").stat().st_uid == os.getuid()


def test_the_compose_file_runs(image, folder):
    compose = shutil.which("docker-compose")
    words = [compose] if compose else ["docker", "compose"]
    if subprocess.run([*words, "version"], capture_output=True, check=False).returncode:
        pytest.skip("there is no docker compose here (Debian: apt-get install docker-compose)")
    shutil.copy(EXAMPLES / "compose.yaml", folder)
    environment = os.environ | {"IMAGE": image, "COMPOSE_PROJECT_NAME": f"monitor{os.getpid()}"}

    def run(service: str) -> subprocess.CompletedProcess[str]:
        command = [*words, "-f", folder / "compose.yaml", "run", "--rm", service]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    try:
        done = run("monitor")
        assert done.returncode == 1, done.stderr
        assert violated(folder) == ["plan"]
        assert "categorical_values_check" in done.stdout
        looked = run("doctor")
        assert looked.returncode == 0, looked.stdout
        assert "Nothing was found that would end the run." in looked.stdout
    finally:
        subprocess.run(
            [*words, "-f", folder / "compose.yaml", "down"], env=environment, capture_output=True, check=False
        )


def test_the_doctor_examines_a_container_as_the_service_would_start_it(image, folder):
    """Variables and mounts as for a job, with one word more."""
    variables = {
        "dataset_format": '{"csv":{"header":true}}', "dataset_source": "/opt/ml/processing/input",
        "output_path": "/opt/ml/processing/output",
    }  # fmt: skip
    flags = [word for name, text in variables.items() for word in ("--env", f"{name}={text}")]
    mounts = ["--volume", f"{folder / 'data'}:/opt/ml/processing/input:ro"]
    command = ["docker", "run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", *flags, *mounts]
    looked = subprocess.run(
        [*command, image, "doctor", "--format", "json"], capture_output=True, text=True, check=False
    )
    assert looked.returncode == 1
    failures = [each["text"] for each in json.loads(looked.stdout)["findings"] if each["status"] == "failure"]
    assert len(failures) == 1, failures
    assert "output_path" in failures[0]
    assert "Read-only file system" in failures[0]
    written = [*mounts, "--tmpfs", "/opt/ml/processing/output", "--tmpfs", "/opt/ml/output"]
    well = subprocess.run([*command, *written, image, "doctor"], capture_output=True, text=True, check=False)
    assert well.returncode == 0, well.stdout
    assert "is Java 17" in well.stdout
