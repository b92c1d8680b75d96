"""The example of an image that a package extends, built and run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "extended-image"
NAME = "model-monitor-analyzer-extended"
FIXED = {"fixedWidth": {"columns": {"sensor": [0, 4], "level": [4, 10]}}}
ENGINES = pytest.mark.parametrize("engine", ["local", "spark"])


@pytest.fixture(scope="module")
def extended(image: str) -> Iterator[str]:
    build = ["docker", "build", "--network", "host", "--build-arg", f"BASE_IMAGE={image}", "--tag", NAME, str(EXAMPLE)]
    subprocess.run(build, check=True, capture_output=True)
    yield NAME
    subprocess.run(["docker", "image", "rm", "--force", NAME], check=True, capture_output=True)


def test_the_example_adds_to_the_image_in_two_lines() -> None:
    steps = [line.split()[0] for line in (EXAMPLE / "Dockerfile").read_text().splitlines() if line and line[0] != "#"]
    assert steps == ["ARG", "FROM", "COPY", "RUN"]


@ENGINES
def test_the_added_reader_and_check_do_their_work_in_a_container(engine, extended, opt_ml, run_container, tmp_path):
    for name, lines in (
        ("data-before", [f"s{i % 7:<3}{i * 1.5:>6}" for i in range(100)]),
        ("data-now", ["s1  " + "  42.0"] * 50),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("\n".join(lines) + "\n")
    environment = {
        "dataset_format": json.dumps(FIXED), "dataset_source": "/opt/ml/processing/input/data",
        "output_path": "/opt/ml/processing/output", "ANALYZER_ENGINE": engine,
    }  # fmt: skip
    baseline = opt_ml("baseline", environment=environment, inputs={"processing/input/data": tmp_path / "data-before"})
    container = run_container(baseline, image=extended)
    assert container.wait() == 0, container.log
    place = "/opt/ml/processing/baseline"
    job = opt_ml(
        "now",
        environment=environment
        | {"baseline_constraints": f"{place}/constraints.json", "baseline_statistics": f"{place}/statistics.json"},
        inputs={"processing/input/data": tmp_path / "data-now", "processing/baseline": baseline.output},
    )
    container = run_container(job, image=extended)
    assert container.wait() == 0, container.log
    found = {each["constraint_check_type"]: each for each in job.document("constraint_violations.json")["violations"]}
    assert found["stuck_values_check"]["feature_name"] == "level"
    assert found["stuck_values_check"]["description"] == "All 50 values are 42.0; in the baseline they varied."
    assert job.message.startswith("CompletedWithViolations")


def test_without_the_package_the_format_is_unknown_and_said_so(image, opt_ml, run_container, tmp_path):
    (tmp_path / "a.txt").write_text("x\n")
    environment = {
        "dataset_format": json.dumps(FIXED), "dataset_source": "/opt/ml/processing/input/data",
        "output_path": "/opt/ml/processing/output",
    }  # fmt: skip
    job = opt_ml("job", environment=environment, inputs={"processing/input/data": tmp_path})
    assert run_container(job).wait() == 255
    assert 'dataset_format has the unknown key "fixedWidth"' in job.message
