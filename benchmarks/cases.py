"""What is compared: each case makes its data, runs the job and its peers in turn, and returns comparisons."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import generate
from benchmarks.measure import CommandFailed, Run, interleaved, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE = Path(__file__).resolve().parent
FULL_ROWS = 4_000_000
SMALL_ROWS = 10_000
WIDE_ROWS, WIDE_COLUMNS, NARROW_COLUMNS = 20_000, 2_000, 20
CSV = {"csv": {"header": True}}
CSV_WITHOUT_HEADER = {"csv": {"header": False}}
CAPTURE = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
PARQUET: dict[str, Any] = {"parquet": {}}
DUCKDB = "DuckDB SUMMARIZE"


@dataclass(frozen=True)
class Comparison:
    """One line of the table: `ours` and `theirs` in `unit`, and the largest ratio that is good enough, if any is set.

    Where something failed or was not there, `note` says so and the figures are None. Memory is in bytes.
    """

    case: str
    subject: str
    rows: int
    peer: str
    ours: float | None = None
    theirs: float | None = None
    limit: float | None = None
    unit: str = "s"
    our_memory: int | None = None
    their_memory: int | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.ours is not None and self.theirs else None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Setup(NamedTuple):
    """How a run of the benchmarks was asked for; `rows` is the size of the large table, all else scales with it."""

    data: Path
    rows: int = FULL_ROWS
    cores: int = 2
    repeats: int | None = None

    @property
    def scale(self) -> float:
        return self.rows / FULL_ROWS

    def scaled(self, rows: int) -> int:
        return max(100, round(rows * min(1.0, self.scale)))

    def times(self, usual: int) -> int:
        return self.repeats or usual


Runs = dict[str, Run | CommandFailed]


def small(setup: Setup) -> list[Comparison]:
    """Whole processes on 10,000 rows, where starting up is most of the work."""
    rows = min(SMALL_ROWS, setup.rows)
    folder = generate.csv_files(setup.data, rows)
    single = folder.with_suffix(".csv")
    if not single.exists():
        _concatenate(folder, single)
    limits = {"evidently": 0.1, "whylogs": 0.8, "ydata-profiling": None, "duckdb": None}
    subjects = {"ours": partial(job, setup, single, CSV, "auto")}
    subjects |= {name: partial(peer, setup, name, single) for name in limits}
    runs = interleaved(subjects, setup.times(3))
    names = {"evidently": "Evidently data summary", "whylogs": "whylogs profile", "duckdb": DUCKDB}
    line = partial(compare, "small", "auto, whole process", rows=rows, ours=runs["ours"])
    return [line(peer_name=names.get(name, name), theirs=runs[name], limit=limit) for name, limit in limits.items()]


def csv(setup: Setup) -> list[Comparison]:
    """The large table as CSV, on both engines, against DuckDB."""
    folder = generate.csv_files(setup.data, setup.rows)
    return _against_duckdb(setup, "csv", folder, CSV, {"analysis": 0.7, "spark": 1.5, "local": 1.0})


def parquet(setup: Setup) -> list[Comparison]:
    """The large table as Parquet, on both engines, against DuckDB."""
    folder = generate.parquet_files(setup.data, setup.rows)
    return _against_duckdb(setup, "parquet", folder, PARQUET, {"analysis": 0.7, "spark": None, "local": None})


def _against_duckdb(
    setup: Setup, case: str, folder: Path, described: Mapping[str, Any], limits: Mapping[str, float | None]
) -> list[Comparison]:
    _warm(folder)
    runs = interleaved(
        {
            "spark": partial(job, setup, folder, described, "spark"),
            "local": partial(job, setup, folder, described, "local"),
            "duckdb": partial(peer, setup, "duckdb", folder),
        },
        setup.times(3),
    )
    line = partial(compare, case, rows=setup.rows, peer_name=DUCKDB, theirs=runs["duckdb"])
    return [
        line("Spark, without session start", ours=runs["spark"], limit=limits["analysis"], phase="analyze"),
        line("Spark, whole process", ours=runs["spark"], limit=limits["spark"]),
        line("local, whole process", ours=runs["local"], limit=limits["local"]),
    ]


def memory(setup: Setup) -> list[Comparison]:
    """Peak resident memory at ten times the rows against that at once the rows; the same files under ten names."""
    once = generate.csv_files(setup.data, setup.rows)
    ten = generate.repeated_files(once, 10)
    runs = interleaved(
        {
            f"{engine} {folder.name}": partial(job, setup, folder, CSV, engine)
            for engine in ("local", "spark")
            for folder in (once, ten)
        },
        setup.times(1),
    )
    line = partial(_compare_memory, runs=runs, rows=setup.rows)
    local, spark = ((f"{engine} {ten.name}", f"{engine} {once.name}") for engine in ("local", "spark"))
    return [
        line("local, all processes", names=local, roles=("all",), limit=1.2),
        line("Spark, driver (Python and JVM)", names=spark, roles=("main", "java"), limit=1.2),
        line("Spark, driver's Python alone", names=spark, roles=("main",), limit=1.2),
        line("Spark, Python workers", names=spark, roles=("workers",), limit=None),
    ]


def _compare_memory(
    subject: str, *, runs: Runs, names: tuple[str, str], rows: int, roles: Sequence[str], limit: float | None
) -> Comparison:
    large, usual = (runs[name] for name in names)
    line = partial(Comparison, "memory", subject, rows * 10, f"itself at {rows:,} rows", limit=limit, unit="MB")
    failed = next((each for each in (large, usual) if isinstance(each, CommandFailed)), None)
    if failed is not None or isinstance(large, CommandFailed) or isinstance(usual, CommandFailed):
        return line(note=_first_line(failed))
    peaks = [sum(each.peaks[role] for role in roles) for each in (large, usual)]
    return line(peaks[0] / 1e6, peaks[1] / 1e6, our_memory=peaks[0], their_memory=peaks[1])


def wide(setup: Setup) -> list[Comparison]:
    """Cost of a value in a table of 2,000 columns, in nanoseconds of the analysis, against tables of 20."""
    rows = setup.scaled(WIDE_ROWS)
    many = rows * WIDE_COLUMNS // NARROW_COLUMNS
    sources = {
        "wide": generate.wide_file(setup.data, rows, WIDE_COLUMNS),
        "narrow": generate.wide_file(setup.data, rows, NARROW_COLUMNS),
        "long": generate.csv_files(setup.data, many),
    }
    subjects = {name: partial(job, setup, source, CSV, "local") for name, source in sources.items()}
    runs = interleaved(subjects, setup.times(3))
    line = partial(compare, "wide", "local, per value of 2,000 columns", rows=rows, ours=runs["wide"], phase="analyze")
    same_rows = line(peer_name="20 columns, as many rows", theirs=runs["narrow"], limit=1.5)
    same_values = line(peer_name=f"20 columns, {many:,} rows", theirs=runs["long"])
    return [
        _per_value(same_rows, rows * WIDE_COLUMNS, rows * NARROW_COLUMNS),
        _per_value(same_values, rows * WIDE_COLUMNS, many * NARROW_COLUMNS),
    ]


def capture(setup: Setup) -> list[Comparison]:
    """Captured JSON Lines: against their own payloads as CSV, and with a script against a bare loop on one core."""
    rows = setup.scaled(FULL_ROWS // 4)
    records, payloads = generate.capture_files(setup.data, rows)
    one_core = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    script = {"record_preprocessor_script": str(HERE / "handler.py"), "ANALYZER_CORES": "1"}
    loop = [*one_core, sys.executable, str(HERE / "bare_loop.py"), str(records)]
    runs = interleaved(
        {
            "capture": partial(job, setup, records, CAPTURE, "local"),
            "payload": partial(job, setup, payloads, CSV_WITHOUT_HEADER, "local"),
            "script": partial(job, setup, records, CAPTURE, "local", settings=script, prefix=one_core),
            "loop": partial(run, loop),
        },
        setup.times(3),
    )
    line = partial(compare, "capture", rows=rows, limit=2.0, phase="analyze")
    plain = line("local, no script", peer_name="the payloads as CSV", ours=runs["capture"], theirs=runs["payload"])
    scripted = line("local, one core, script", peer_name="bare loop", ours=runs["script"], theirs=runs["loop"])
    return [plain, scripted]


CASES: dict[str, Callable[[Setup], list[Comparison]]] = {
    "small": small,
    "csv": csv,
    "parquet": parquet,
    "memory": memory,
    "wide": wide,
    "capture": capture,
}


def compare(
    case: str,
    subject: str,
    *,
    rows: int,
    peer_name: str,
    ours: Run | CommandFailed,
    theirs: Run | CommandFailed,
    limit: float | None = None,
    phase: str = "",
) -> Comparison:
    """Compare whole processes, or one phase of both; a failure of either becomes the note of the line."""
    line = partial(Comparison, case, subject, rows, peer_name, limit=limit)
    try:
        ours, theirs = _succeeded(ours), _succeeded(theirs)
        seconds = [each.phase(phase) if phase else each.seconds for each in (ours, theirs)]
    except CommandFailed as failure:
        return line(note=_first_line(failure))
    return line(*seconds, our_memory=ours.peaks["all"], their_memory=theirs.peaks["all"])


def job(
    setup: Setup,
    source: Path,
    described: Mapping[str, Any],
    engine: str,
    *,
    settings: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Run:
    """Run the job as its users do, told by its environment alone."""
    root = setup.data / "root"
    shutil.rmtree(root, ignore_errors=True)
    environment = {
        "dataset_format": json.dumps(described),
        "dataset_source": str(source),
        "output_path": str(root / "processing" / "output"),
        "ANALYZER_ROOT": str(root),
        "ANALYZER_ENGINE": engine,
        "ANALYZER_CORES": str(setup.cores),
        "SPARK_MASTER": f"local[{setup.cores}]",
    }
    return run([*prefix, sys.executable, "-m", "analyzer"], environment | dict(settings or {}), cwd=HERE.parent)


def peer(setup: Setup, name: str, path: Path) -> Run:
    return run([peers_python(), str(HERE / "peers.py"), name, str(path), str(setup.cores)])


def peers_python() -> str:
    """Find the peers' own environment, made by `make benchmark`; else this one, with the peers that it has."""
    own = HERE / ".venv" / "bin" / "python"
    return os.environ.get("BENCHMARK_PEERS") or (str(own) if own.exists() else sys.executable)


def _succeeded(outcome: Run | CommandFailed) -> Run:
    if isinstance(outcome, CommandFailed):
        raise outcome
    return outcome


def _per_value(line: Comparison, ours: int, theirs: int) -> Comparison:
    if line.ours is None or line.theirs is None:
        return line
    return Comparison(
        **line.as_dict() | {"ours": line.ours / ours * 1e9, "theirs": line.theirs / theirs * 1e9, "unit": "ns"}
    )


def _first_line(failure: CommandFailed | None) -> str:
    """Shorten a failure to its last line, which in a traceback is the error."""
    lines = str(failure).strip().splitlines()
    return (lines[-1] if lines else "failed")[:200]


def _concatenate(folder: Path, target: Path) -> None:
    """Join CSV files into one with a single header, for peers that read one file."""
    parts = [path.read_text().split("\n", 1) for path in sorted(folder.iterdir())]
    target.write_text(parts[0][0] + "\n" + "".join(body for _, body in parts))


def _warm(folder: Path) -> None:
    """Read everything once, so that nobody pays for a cold disk."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
