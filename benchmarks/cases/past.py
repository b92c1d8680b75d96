"""What a thousand past executions cost to be shown: from nothing, and when one more has come."""

from __future__ import annotations

import json
import random
import shutil
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import generate
from benchmarks.comparison import Comparison, first_line
from benchmarks.measure import CommandFailed, Run, run
from benchmarks.subjects import CSV, Setup, job

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTIONS = 1_000
MODELS = 20
WINDOW = 5_000
"""Rows of the run whose documents all executions are made of: 20 columns, with sketches."""
MOST_SECONDS = 5.0
START = datetime(2026, 1, 1, tzinfo=UTC)
HERE = Path(__file__).resolve().parents[2]
DOCUMENTS = ("statistics", "profile", "constraint_violations")


def dashboard(setup: Setup) -> list[Comparison]:
    """Time `analyzer dashboard` over 1,000 executions of 20 models, and again after one more, against 5 s."""
    count = setup.scaled(EXECUTIONS)
    try:
        top = _executions(setup, count)
        times = [_rounds(top, count) for _ in range(setup.times(3))]
    except CommandFailed as failure:
        return [Comparison("dashboard", "all", count, "the limit", at_most=1.0, note=first_line(failure))]
    line = partial(Comparison, "dashboard", rows=count, at_most=1.0)
    limit = [MOST_SECONDS] * len(times)
    return [
        line(
            subject="import and site, from nothing, whole process", peer="5 s", ours=[a for a, _ in times], theirs=limit
        ),
        line(subject="after one more execution, whole process", peer="5 s", ours=[b for _, b in times], theirs=limit),
    ]


def _rounds(top: Path, count: int) -> tuple[float, float]:
    for made in (top / "history.sqlite", top / "dashboard"):
        shutil.rmtree(made, ignore_errors=True)
        made.unlink(missing_ok=True)
    first = _make(top)
    _touch(top)
    second = _make(top)
    if f"Executions: {count:,} new" not in first.output or "1 changed" not in second.output:
        raise CommandFailed(f"did something else: {first.output[-200:]} {second.output[-200:]}")
    return first.seconds, second.seconds


def _make(top: Path) -> Run:
    return run([sys.executable, "-m", "analyzer", "dashboard", str(top)], cwd=HERE)


def _touch(top: Path) -> None:
    """Have one execution differ from before."""
    path = max(top.rglob("profile.json"))
    document = json.loads(path.read_bytes())
    document["dataset"]["notes"] = [f"changed {random.random()}"]
    path.write_text(json.dumps(document), encoding="utf-8")


def _executions(setup: Setup, count: int) -> Path:
    """Make the folders of all executions from the documents of one real run, their figures moved a little."""
    base = setup.data / "base"
    rows = generate.csv_files(setup.data, setup.scaled(WINDOW))
    job(setup, rows, CSV, "local", settings={"output_path": str(base)})
    told = {f"baseline_{kind}": str(base / f"{kind}.json") for kind in ("constraints", "statistics")}
    job(setup, rows, CSV, "local", settings={"output_path": str(setup.data / "window"), **told})
    top = setup.data / f"past-{count}"
    shutil.rmtree(top, ignore_errors=True)
    found = {name: json.loads((setup.data / "window" / f"{name}.json").read_bytes()) for name in DOCUMENTS}
    report = (setup.data / "window" / "report.html").read_bytes()
    draw = random.Random(1)
    for at in range(count):
        time = START + timedelta(hours=at // MODELS)
        folder = top / f"model-{at % MODELS}" / "hourly" / time.strftime("%Y/%m/%d/%H")
        folder.mkdir(parents=True)
        _move(found, draw, broken=at > count * 0.7)
        for name, document in found.items():
            (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
        (folder / "report.html").write_bytes(report)
    return top


def _move(found: Mapping[str, Any], draw: random.Random, *, broken: bool) -> None:
    for feature in found["statistics"]["features"]:
        numeric = feature.get("numerical_statistics")
        if numeric:
            numeric["mean"] = draw.gauss(50, 1)
    violations = found["constraint_violations"]["violations"] = []
    for at, drift in enumerate(found["profile"]["drift"]):
        drift["distance"] = abs(draw.gauss(0.03, 0.01)) + (0.3 if broken and at < 3 else 0.0)
        if drift["distance"] > drift["threshold"]:
            violations.append(
                {
                    "feature_name": drift["feature_name"],
                    "constraint_check_type": "baseline_drift_check",
                    "description": f"Baseline drift distance: {drift['distance']} exceeds threshold: 0.1",
                }
            )
