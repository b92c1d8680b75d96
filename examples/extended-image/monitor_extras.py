"""A check that finds sensors which got stuck, and a reader of files with fields of fixed width."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import pyarrow as pa

from analyzer.checks.case import Case, Column
from analyzer.documents import Verdict, Violation
from analyzer.errors import ConfigError, InputError

ROWS_AT_ONCE = 16_384


def check_stuck_values(case: Case) -> Verdict:
    """Find columns of numbers that varied in the baseline and hold one value now."""
    return Verdict(tuple(_violation(column) for column in case.evaluated() if _is_stuck(column)))


def _is_stuck(column: Column) -> bool:
    before = column.baseline.numerical if column.baseline else None
    now = column.current.numerical
    return bool(before and now and before.min < before.max and now.min == now.max and column.current.num_present > 1)


def _violation(column: Column) -> Violation:
    value = column.current.numerical.min
    description = f"All {column.current.num_present} values are {value}; in the baseline they varied."
    return Violation(column.name, "stuck_values_check", description, {"value": value})


def read_fixed_width(path: str, options: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    """Read lines whose fields lie between given characters: {"columns": {"name": [first, behind the last], ...}}."""
    columns = options.get("columns")
    if not columns:
        raise ConfigError("fixedWidth names no columns.", 'Say {"fixedWidth":{"columns":{"name":[0,8]}}}.')
    width = max(end for _, end in columns.values())
    with open(path, encoding="utf-8") as lines:
        number = 0
        while block := [line.rstrip("\n") for line in islice(lines, ROWS_AT_ONCE)]:
            for number, line in enumerate(block, start=number + 1):
                if len(line) < width:
                    raise InputError(f"{path}, line {number} has {len(line)} characters.", f"Expected at least {width}.")
            yield pa.record_batch(
                {name: pa.array([line[a:b].strip() or None for line in block], pa.string()) for name, (a, b) in columns.items()}
            )
