"""What is run: the job, as its users run it, and its peers."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.environments import environment_of
from benchmarks.measure import Run, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).resolve().parent
FULL_ROWS = 4_000_000
PEER_SECONDS = 300
"""Time that one run of a peer may take; of one that takes longer the time until then is compared."""
PATIENCE = 240
"""Seconds that the runs of one peer may take together before it is not run again."""
CSV = {"csv": {"header": True}}
CSV_WITHOUT_HEADER = {"csv": {"header": False}}
CAPTURE = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
PARQUET: dict[str, Any] = {"parquet": {}}
ENGINES = {"local": "local", "spark": "Spark"}
"""Engines as the table calls them."""
NAMES = {
    "duckdb": "DuckDB SUMMARIZE",
    "deequ-profiler": "Deequ ColumnProfiler",
    "deequ-analyzers": "Deequ AnalysisRunner",
    "evidently": "Evidently data summary",
    "whylogs": "whylogs profile",
    "ydata-profiling": "ydata-profiling minimal",
    "scikit-learn": "scikit-learn metrics",
    "pandas": "plain pandas",
}
"""Peers as the table calls them."""


class Setup(NamedTuple):
    """How a run of the benchmarks was asked for; `rows` is the size of the large table, all else scales with it."""

    data: Path
    rows: int = FULL_ROWS
    cores: int = 2
    repeats: int | None = None
    image: str = "model-monitor-analyzer"

    def scaled(self, rows: int) -> int:
        return max(100, round(rows * min(1.0, self.rows / FULL_ROWS)))

    def times(self, usual: int) -> int:
        return self.repeats or usual


def job(
    setup: Setup,
    source: Path | str,
    described: Mapping[str, Any],
    engine: str,
    *,
    cores: int | None = None,
    settings: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Run:
    """Run the job as its users do, told by its environment alone."""
    root = setup.data / "root"
    shutil.rmtree(root, ignore_errors=True)
    cores = cores or setup.cores
    environment = {
        "dataset_format": json.dumps(described),
        "dataset_source": str(source),
        "output_path": str(root / "processing" / "output"),
        "ANALYZER_ROOT": str(root),
        "ANALYZER_ENGINE": engine,
        "ANALYZER_CORES": str(cores),
        "SPARK_MASTER": f"local[{cores}]",
    }
    return run([*prefix, sys.executable, "-m", "analyzer"], environment | dict(settings or {}), cwd=HERE.parent)


def merge(setup: Setup, captures: Path, labels: Path, engine: str) -> Run:
    """Run the merger as its users do, told by its environment alone."""
    root = setup.data / "root"
    shutil.rmtree(root, ignore_errors=True)
    environment = {
        "dataset_source": str(captures),
        "ground_truth_source": str(labels),
        "output_path": str(root / "processing" / "output"),
        "ANALYZER_ROOT": str(root),
        "ANALYZER_ENGINE": engine,
        "ANALYZER_CORES": str(setup.cores),
        "SPARK_MASTER": f"local[{setup.cores}]",
    }
    return run([sys.executable, "-m", "analyzer"], environment, cwd=HERE.parent)


def peer(setup: Setup, name: str, path: Path) -> Run:
    """Run a peer in its own environment; raises Skipped where that cannot be made."""
    found = environment_of(name)
    command = [str(found.python), str(HERE / "peers.py"), name, str(path), str(setup.cores)]
    return run(command, found.variables, limit=PEER_SECONDS)


def pinned(cores: int, first: int = 0) -> list[str]:
    """Begin a command so that it runs on so many of this process's cores; nothing without `taskset`."""
    usable = sorted(os.sched_getaffinity(0))[first : first + cores]
    return ["taskset", "-c", ",".join(map(str, usable))] if shutil.which("taskset") else []


def warm(folder: Path) -> None:
    """Read everything once, so that nobody pays for a cold disk."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
