"""Tables of other shapes: very wide ones, and captured traffic."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import generate
from benchmarks.comparison import Comparison, compare
from benchmarks.measure import interleaved, run
from benchmarks.subjects import CAPTURE, CSV, CSV_WITHOUT_HEADER, FULL_ROWS, job, pinned

if TYPE_CHECKING:
    from benchmarks.subjects import Setup

HERE = Path(__file__).resolve().parents[1]
WIDE_ROWS, WIDE_COLUMNS, NARROW_COLUMNS = 20_000, 2_000, 20


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
    same_rows = line(peer_name="20 columns, as many rows", theirs=runs["narrow"], at_most=1.5)
    same_values = line(peer_name=f"20 columns, {many:,} rows", theirs=runs["long"])
    return [
        same_rows.per(rows * WIDE_COLUMNS, rows * NARROW_COLUMNS),
        same_values.per(rows * WIDE_COLUMNS, many * NARROW_COLUMNS),
    ]


def capture(setup: Setup) -> list[Comparison]:
    """Captured JSON Lines: against their own payloads as CSV, and with a script against a bare loop on one core."""
    rows = setup.scaled(FULL_ROWS // 4)
    records, payloads = generate.capture_files(setup.data, rows)
    script = {"record_preprocessor_script": str(HERE / "handler.py")}
    loop = [*pinned(1), sys.executable, str(HERE / "bare_loop.py"), str(records)]
    runs = interleaved(
        {
            "capture": partial(job, setup, records, CAPTURE, "local"),
            "payload": partial(job, setup, payloads, CSV_WITHOUT_HEADER, "local"),
            "script": partial(job, setup, records, CAPTURE, "local", cores=1, settings=script, prefix=pinned(1)),
            "loop": partial(run, loop),
        },
        setup.times(3),
    )
    line = partial(compare, "capture", rows=rows, at_most=2.0, phase="analyze")
    plain = line("local, no script", peer_name="the payloads as CSV", ours=runs["capture"], theirs=runs["payload"])
    scripted = line("local, one core, script", peer_name="bare loop", ours=runs["script"], theirs=runs["loop"])
    return [plain, scripted]
