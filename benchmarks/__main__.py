"""`python -m benchmarks [CASE...] [--rows N]`: run cases, print their table; at full size also write the results."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import generate
from benchmarks.cases import CASES, FULL_ROWS, Setup
from benchmarks.report import as_table, publish

DATA = Path(__file__).resolve().parent / "data"


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; 1 when a ratio missed its limit or could not be measured."""
    asked = _parser().parse_args(arguments)
    setup = Setup(asked.data.resolve(), asked.rows, asked.cores, asked.repeats)
    setup.data.mkdir(parents=True, exist_ok=True)
    if asked.cases == ["data"]:
        print(generate.csv_files(setup.data, setup.rows))
        return 0
    comparisons = []
    for case in CASES if "all" in asked.cases else asked.cases:
        print(f"running {case}: {(CASES[case].__doc__ or '').splitlines()[0]}", flush=True)
        comparisons += CASES[case](setup)
    print("\n" + as_table(comparisons))
    if setup.rows == FULL_ROWS:
        publish(comparisons, setup.cores, setup.data / "results.json")
    else:
        print(f"Scaled to {setup.rows:,} rows, so nothing was written: limits hold for {FULL_ROWS:,}.")
    limited = [each for each in comparisons if each.limit is not None]
    return int(any(each.ratio is None or each.ratio > (each.limit or 0) for each in limited))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    choices = [*CASES, "all", "data"]
    parser.add_argument("cases", nargs="*", choices=choices, default=["all"], help="data: only make the large table")
    parser.add_argument("--rows", type=int, default=FULL_ROWS, help="rows of the large table; the rest scales with it")
    parser.add_argument("--cores", type=int, default=2, help="cores for the job and for DuckDB")
    parser.add_argument("--repeats", type=int, help="runs of each subject, of which the median counts")
    parser.add_argument("--data", type=Path, default=DATA, help="where generated data are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
