"""A monitor at work on real data: a baseline, a clean window, a broken window, and both engines side by side.

Everything is written below ./demo. The jobs are run as a container would run them: `python -m analyzer`, told what to
do by environment variables alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import patients

TOP = Path(__file__).resolve().parents[1]
DEMO = TOP / "demo"
SAME_IN_BOTH = ("statistics.json", "constraints.json", "profile.json")
CSV_FORMAT = {"csv": {"header": True, "output_columns_position": "START"}}
CAPTURE_FORMAT = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}


class Job(NamedTuple):
    """A finished job: the folder that stands for /opt/ml, and its exit message."""

    root: Path
    message: str

    @property
    def output(self) -> Path:
        return self.root / "processing" / "output"

    @property
    def violations(self) -> list[dict[str, str]]:
        document = json.loads((self.output / "constraint_violations.json").read_text())
        return list(document["violations"])


def main() -> int:
    """Run the four jobs, show what they found, and return 0 when it is what the data deserve."""
    shutil.rmtree(DEMO, ignore_errors=True)
    training, clean_input, broken_input = write_data()
    baseline = run_baseline("baseline", training, engine_of_choice())
    clean = run_window("clean-window", clean_input, baseline)
    broken = run_window("broken-window", broken_input, baseline)
    again = run_baseline("baseline-local", training, "local")
    same = compare(baseline, again)
    report(baseline, clean, broken)
    return 0 if same and not clean.violations and broken.violations else 1


def write_data() -> tuple[Path, Path, Path]:
    """Train the model and write the training data and both windows where the service would mount them."""
    split = patients.load_patients()
    model = patients.train(split.training)
    training = DEMO / "baseline" / "processing" / "input" / "baseline_dataset_input"
    clean = DEMO / "clean-window" / "processing" / "input" / "endpoint"
    broken = DEMO / "broken-window" / "processing" / "input" / "endpoint"
    patients.write_training_data(split, model, training)
    patients.write_captures(patients.clean_requests(split), model, clean)
    patients.write_captures(patients.broken_requests(split), model, broken)
    say(f"Data: {len(split.training)} patients to learn from, two windows of 900 captured requests.")
    return training, clean, broken


def engine_of_choice() -> str:
    """Spark, or this process where there is no Java of 17 or newer for it."""
    if java_version() >= 17:
        return "spark"
    say("No Java 17 or newer here, so the baseline runs on the local engine: the files are the same.")
    return "local"


def java_version() -> int:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(f"{home}/bin/java" if home else "java")
    if java is None:
        return 0
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found[1]) if found else 0


def run_baseline(name: str, training: Path, engine: str) -> Job:
    return run_job(
        name,
        engine,
        {"dataset_format": json.dumps(CSV_FORMAT), "dataset_source": str(training)},
    )


def run_window(name: str, captures: Path, baseline: Job) -> Job:
    """Monitor the window against the baseline, which is mounted the way the service mounts it."""
    mounted = DEMO / name / "processing" / "baseline"
    settings = {
        "dataset_format": json.dumps(CAPTURE_FORMAT),
        "dataset_source": str(captures),
        "baseline_statistics": mount(baseline.output / "statistics.json", mounted / "stats"),
        "baseline_constraints": mount(baseline.output / "constraints.json", mounted / "constraints"),
        "start_time": f"{patients.WINDOW_START:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{patients.WINDOW_END:%Y-%m-%dT%H:%M:%SZ}",
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_endpoint_name": patients.ENDPOINT,
        "sagemaker_monitoring_schedule_name": "hourly",
    }
    return run_job(name, "auto", settings)


def mount(source: Path, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return str(shutil.copy2(source, folder))


def run_job(name: str, engine: str, settings: dict[str, str]) -> Job:
    """Run one job as its own process; its log goes to a file, and its failure ends the demo."""
    root = DEMO / name
    output = root / "processing" / "output"
    output.mkdir(parents=True, exist_ok=True)
    environment = settings | {"output_path": str(output), "ANALYZER_ROOT": str(root), "ANALYZER_ENGINE": engine}
    log = root / "job.log"
    started = time.perf_counter()
    with log.open("w") as lines:
        code = subprocess.run(
            [sys.executable, "-m", "analyzer"],
            env=os.environ | environment,
            cwd=TOP,
            stdout=lines,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code != 0:
        sys.exit(f"{name} ended with {code}. The end of {log.relative_to(TOP)}:\n{log.read_text()[-3000:]}")
    message = (root / "output" / "message").read_text()
    say(f"{name} on {engine}: {time.perf_counter() - started:.1f} s\n    {message}")
    return Job(root, message)


def compare(one: Job, other: Job) -> bool:
    """Show the hashes of the files that both engines wrote; True when they are the same bytes."""
    say("The same baseline from both engines:")
    same = True
    for name in SAME_IN_BOTH:
        left, right = (hashlib.sha256((job.output / name).read_bytes()).hexdigest() for job in (one, other))
        print(f"    {name:17} {left[:16]}  {right[:16]}  {'same bytes' if left == right else 'DIFFERENT'}")
        same = same and left == right
    return same


def report(baseline: Job, clean: Job, broken: Job) -> None:
    say("Where the files are:")
    for job in (baseline, clean, broken):
        print(f"    {job.output.relative_to(TOP)}/")
        for path in sorted(job.output.iterdir()):
            print(f"        {path.name:27} {path.stat().st_size:>8,} bytes")
    say("To be opened in a browser:")
    for job in (clean, broken):
        print(f"    {(job.output / 'report.html').relative_to(TOP)}")
    say("What the jobs said:")
    for job in (baseline, clean, broken):
        print(f"    {job.root.name:14} {job.message}")
    say("What was found:")
    print_violations(clean)
    print_violations(broken)


def print_violations(window: Job) -> None:
    if not window.violations:
        print(f"    {window.root.name}: nothing")
        return
    print(f"    {window.root.name}:")
    for found in window.violations:
        print(f"        {found['feature_name']:22} {found['constraint_check_type']:25} {found['description'].strip()}")


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
