"""`python -m benchmarks [CASE...] [--rows N]`: run cases, print their table; at full size also write the results."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from benchmarks import generate
from benchmarks.cases import CASES
from benchmarks.report import DOCUMENT, RESULTS, Published, as_table, publish
from benchmarks.subjects import FULL_ROWS, Setup

DATA = Path(__file__).resolve().parent / "data"


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; 1 when a ratio missed its limit or could not be measured."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what is running is ended too
    setup = Setup(asked.data.resolve(), asked.rows, asked.cores, asked.repeats, asked.image)
    setup.data.mkdir(parents=True, exist_ok=True)
    if asked.cases == ["data"]:
        print(generate.csv_files(setup.data, setup.rows))
        return 0
    target = _target(asked.results, full=setup.rows == FULL_ROWS)
    comparisons = []
    for case in CASES if "all" in asked.cases else asked.cases:
        print(f"running {case}: {(CASES[case].__doc__ or '').splitlines()[0]}", flush=True)
        comparisons += CASES[case](setup)
        if target is not None:  # so that a run that is interrupted leaves what it has measured
            publish(comparisons, setup.cores, target)
    print("\n" + as_table(comparisons))
    if target is None:
        print(f"Scaled to {setup.rows:,} rows, so nothing was written: limits hold for {FULL_ROWS:,}.")
    return int(any(each.missed for each in comparisons))


def _target(results: Path | None, *, full: bool) -> Published | None:
    """Decide where results go: full size to its place and into the docs, scaled ones only where they were asked for."""
    if results is not None:
        return Published(results, None)
    return Published(RESULTS, DOCUMENT) if full else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    choices = [*CASES, "all", "data"]
    parser.add_argument("cases", nargs="*", choices=choices, default=["all"], help="data: only make the large table")
    parser.add_argument("--rows", type=int, default=FULL_ROWS, help="rows of the large table; the rest scales with it")
    parser.add_argument("--cores", type=int, default=2, help="cores for the job and its peers")
    parser.add_argument("--repeats", type=int, help="runs of each subject, of which the median counts")
    parser.add_argument("--data", type=Path, default=DATA, help="where generated data are kept")
    parser.add_argument("--results", type=Path, help="folder for table, figures and plots instead of the usual places")
    parser.add_argument("--image", default="model-monitor-analyzer", help="image of the case containers")
    return parser


if __name__ == "__main__":
    sys.exit(main())
