"""The job beside other profilers, on the same files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import generate
from benchmarks.comparison import Comparison, Runs, compare
from benchmarks.measure import interleaved
from benchmarks.subjects import CSV, FULL_ROWS, NAMES, PARQUET, PATIENCE, Setup, job, peer, warm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SMALL_ROWS = 10_000
START = "without session start"
WHOLE = "whole process"


class Input(NamedTuple):
    """The files of a case: where they are, how many rows they have, and their dataset_format."""

    path: Path
    rows: int
    described: Mapping[str, Any]


class Line(NamedTuple):
    """One line to be: an engine against a peer, its whole process or one phase of it, and the limit."""

    engine: str
    peer: str
    at_most: float | None = None
    phase: str = ""


def small(setup: Setup) -> list[Comparison]:
    """Whole processes on 10,000 rows, where starting up is most of the work."""
    rows = min(SMALL_ROWS, setup.rows)
    folder = generate.csv_files(setup.data, rows)
    single = folder.with_suffix(".csv")
    if not single.exists():
        _concatenate(folder, single)
    limits = {"deequ-profiler": None, "evidently": 0.1, "whylogs": 0.8, "ydata-profiling": None, "duckdb": None}
    lines = [Line("auto", name, limit) for name, limit in limits.items()]
    return _side_by_side(setup, "small", Input(single, rows, CSV), lines)


def profilers(setup: Setup) -> list[Comparison]:
    """All profilers on a quarter of the large table as CSV, which those that work in memory can take too."""
    rows = setup.scaled(FULL_ROWS // 4)
    folder = generate.csv_files(setup.data, rows)
    warm(folder)
    lines = [Line("local", name) for name in NAMES] + [Line("spark", "deequ-profiler")]
    return _side_by_side(setup, "profilers", Input(folder, rows, CSV), lines)


def csv(setup: Setup) -> list[Comparison]:
    """The large table as CSV, on both engines, against DuckDB and Deequ."""
    folder = generate.csv_files(setup.data, setup.rows)
    warm(folder)
    lines = [
        Line("spark", "duckdb", 0.7, "analyze"),
        Line("spark", "duckdb", 1.5),
        Line("local", "duckdb", 1.0),
        Line("spark", "deequ-profiler", 0.15, "analyze"),
        Line("spark", "deequ-profiler"),
        Line("local", "deequ-profiler"),
        Line("spark", "deequ-analyzers", None, "analyze"),
        Line("spark", "deequ-analyzers"),
    ]
    return _side_by_side(setup, "csv", Input(folder, setup.rows, CSV), lines)


def parquet(setup: Setup) -> list[Comparison]:
    """The large table as Parquet, on both engines, against DuckDB."""
    folder = generate.parquet_files(setup.data, setup.rows)
    warm(folder)
    lines = [Line("spark", "duckdb", 0.7, "analyze"), Line("spark", "duckdb"), Line("local", "duckdb")]
    return _side_by_side(setup, "parquet", Input(folder, setup.rows, PARQUET), lines)


def _side_by_side(setup: Setup, case: str, source: Input, lines: Sequence[Line]) -> list[Comparison]:
    engines = dict.fromkeys(line.engine for line in lines)
    peers = dict.fromkeys(line.peer for line in lines)
    subjects = {engine: partial(job, setup, source.path, source.described, engine) for engine in engines}
    subjects |= {name: partial(peer, setup, name, source.path) for name in peers}
    runs: Runs = interleaved(subjects, setup.times(3), PATIENCE)
    return [
        compare(
            case,
            f"{'Spark' if line.engine == 'spark' else line.engine}, {START if line.phase else WHOLE}",
            rows=source.rows,
            peer_name=NAMES[line.peer],
            ours=runs[line.engine],
            theirs=runs[line.peer],
            at_most=line.at_most,
            phase=line.phase,
        )
        for line in lines
    ]


def _concatenate(folder: Path, target: Path) -> None:
    """Join CSV files into one with a single header: most windows are one file."""
    parts = [path.read_text().split("\n", 1) for path in sorted(folder.iterdir())]
    target.write_text(parts[0][0] + "\n" + "".join(body for _, body in parts))
