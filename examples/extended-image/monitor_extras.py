"""A check that finds sensors which got stuck, and a reader of files with fields of fixed width."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
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
    before = 0
    with Path(path).open(encoding="utf-8") as lines:
        while block := [line.rstrip("\n") for line in islice(lines, ROWS_AT_ONCE)]:
            _refuse_short(block, width, path, before)
            before += len(block)
            yield pa.record_batch({name: _field(block, first, end) for name, (first, end) in columns.items()})


def _refuse_short(block: list[str], width: int, path: str, before: int) -> None:
    for number, line in enumerate(block, start=before + 1):
        if len(line) < width:
            raise InputError(f"{path}, line {number} has {len(line)} characters.", f"Expected at least {width}.")


def _field(block: list[str], first: int, end: int) -> pa.Array:
    """Cut a field out of lines; one that is blank is a missing value."""
    return pa.array([line[first:end].strip() or None for line in block], pa.string())
