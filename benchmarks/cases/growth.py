"""What the job costs as rows and cores grow: against itself, on the same files under several names."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import generate
from benchmarks.comparison import Comparison, Outcome, Runs, compare, compare_memory
from benchmarks.measure import Run, Skipped, interleaved
from benchmarks.subjects import CSV, ENGINES, FULL_ROWS, Setup, job, pinned, warm

if TYPE_CHECKING:
    from pathlib import Path

TIMES = (1, 4, 40)
"""Sizes, in quarters of the large table: 1, 4 and 40 million rows."""
MANY_ROWS_PATIENCE = 150
"""Seconds of one engine at one size; the largest size is not run more often than that takes."""


def rows(setup: Setup) -> list[Comparison]:
    """Cost of a row at 4,000,000 and 40,000,000 rows against that at 1,000,000, without session start."""
    once, runs = _base_rows(setup), _at_all_sizes(setup)
    lines = []
    for engine, name in ENGINES.items():
        for times in TIMES[1:]:
            line = compare(
                "rows",
                f"{name}, per row, without session start",
                rows=once * times,
                peer_name=f"itself at {once:,} rows",
                ours=runs[f"{engine} {times}"],
                theirs=runs[f"{engine} 1"],
                at_most=1.2 if times == max(TIMES) else None,
                phase="analyze",
            )
            lines.append(line.per(once * times, once))
    return lines


def memory(setup: Setup) -> list[Comparison]:
    """Peak resident memory at 40,000,000 rows against that at 4,000,000."""
    once, runs = _base_rows(setup), _at_all_sizes(setup)
    usual, large = TIMES[1:]

    def line(engine: str, subject: str, *roles: str, at_most: float | None = 1.2) -> Comparison:
        return compare_memory(
            "memory",
            subject,
            rows=once * large,
            peer_name=f"itself at {once * usual:,} rows",
            ours=runs[f"{engine} {large}"],
            theirs=runs[f"{engine} {usual}"],
            roles=roles,
            at_most=at_most,
        )

    return [
        line("local", "local, all processes", "all"),
        line("spark", "Spark, driver (Python and JVM)", "main", "java"),
        line("spark", "Spark, driver's Python alone", "main"),
        line("spark", "Spark, Python workers", "workers", at_most=None),
    ]


def cores(setup: Setup) -> list[Comparison]:
    """The large table on one core and on two, each run pinned to its cores; and two runs at once, one core each."""
    folder = generate.csv_files(setup.data, setup.rows)
    warm(folder)
    subjects = {
        f"{engine} {count}": partial(job, setup, folder, CSV, engine, cores=count, prefix=pinned(count))
        for engine in ENGINES
        for count in (1, 2)
    } | {"side by side": partial(_side_by_side, setup, folder)}
    missing = _missing_for_cores()
    runs: Runs = dict.fromkeys(subjects, Skipped(missing)) if missing else interleaved(subjects, setup.times(3))
    lines = [line for engine in ENGINES for line in _speed_up(setup, engine, runs[f"{engine} 1"], runs[f"{engine} 2"])]
    return [*lines, _of_the_machine(setup, runs["local 1"], runs["side by side"])]


def _side_by_side(setup: Setup, folder: Path) -> Run:
    """Run the job on each of two cores at the same time: what nothing that is shared out over both can beat."""
    places = [setup.data / f"beside-{core}" for core in (0, 1)]
    with ThreadPoolExecutor(len(places)) as threads:
        runs = threads.map(
            lambda place, core: job(setup._replace(data=place), folder, CSV, "local", cores=1, prefix=pinned(1, core)),
            places,
            (0, 1),
        )
        return max(runs, key=lambda each: each.phase("analyze"))


def _of_the_machine(setup: Setup, one: Outcome, both: Outcome) -> Comparison:
    line = compare(
        "cores",
        "local, 1 core, one run after another",
        rows=2 * setup.rows,
        peer_name="both at once, 1 core each",
        ours=one,
        theirs=both,
        phase="analyze",
    )
    return replace(line, ours=[2 * seconds for seconds in line.ours])


def _speed_up(setup: Setup, engine: str, one: Outcome, two: Outcome) -> list[Comparison]:
    line = partial(compare, "cores", rows=setup.rows, ours=one, theirs=two)
    work, whole = (f"{ENGINES[engine]}, 1 core, {what}" for what in ("without session start", "whole process"))
    return [
        line(work, peer_name="2 cores", at_least=1.8, phase="analyze"),
        line(whole, peer_name="2 cores"),
    ]


def _missing_for_cores() -> str:
    if not pinned(1):
        return "skipped: taskset is not installed"
    return "" if len(os.sched_getaffinity(0)) > 1 else "skipped: there is only one core"


@functools.cache
def _at_all_sizes(setup: Setup) -> Runs:
    """Run both engines at all sizes; the cases that look at time and at memory share the runs."""
    base = generate.csv_files(setup.data, _base_rows(setup))
    warm(base)
    subjects = {
        f"{engine} {times}": partial(job, setup, _times(base, times), CSV, engine)
        for times in TIMES
        for engine in ENGINES
    }
    return interleaved(subjects, setup.times(3), MANY_ROWS_PATIENCE)


def _base_rows(setup: Setup) -> int:
    return setup.scaled(FULL_ROWS // 4)


def _times(base: Path, times: int) -> Path:
    return base if times == 1 else generate.repeated_files(base, times)
