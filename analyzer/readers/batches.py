"""Rows to batches of a size that is worth a kernel call, with the places they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from analyzer.analyzers.table import Batch, Run
from analyzer.scripts import text_of

ENOUGH_ROWS = 16_384
ENOUGH_BYTES = 64 * 1024 * 1024


def coalesce(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Join neighbouring small batches of the same columns; what comes out depends on the rows alone."""
    held: list[Batch] = []
    for batch in batches:
        if held and not batch.rows.schema.equals(held[0].rows.schema):
            yield _joined(held)
            held = []
        held.append(batch)
        if _is_enough(held):
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _is_enough(held: Sequence[Batch]) -> bool:
    rows = sum(batch.rows.num_rows for batch in held)
    return rows >= ENOUGH_ROWS or sum(int(batch.rows.nbytes) for batch in held) >= ENOUGH_BYTES


def _joined(held: Sequence[Batch]) -> Batch:
    if len(held) == 1:
        return held[0]
    runs: list[Run] = []
    row = 0
    for batch in held:
        runs += [Run(row + run.row, run.file, run.record) for run in batch.runs]
        row += batch.rows.num_rows
    return Batch(pa.concat_batches([batch.rows for batch in held]), _merged(runs))


def _merged(runs: Sequence[Run]) -> list[Run]:
    """Drop runs that only continue the one before."""
    kept: list[Run] = []
    for run in runs:
        if not kept or run.file != kept[-1].file or run.record - kept[-1].record != run.row - kept[-1].row:
            kept.append(run)
    return kept


def runs_of(file: str, records: Sequence[int]) -> list[Run]:
    """Tell the runs in which rows are consecutive records; `records` are the record numbers of the rows."""
    numbers = np.asarray(records, dtype=np.int64)
    starts = [0, *(np.flatnonzero(np.diff(numbers) != 1) + 1).tolist()]
    return [Run(start, file, records[start]) for start in starts]


class RowBuilder:
    """Collects named rows into batches.

    The values are kept in one flat list: a list a row, or the rows themselves, would cost more in garbage collection
    than all the rest.
    """

    def __init__(self, file: str) -> None:
        self.count = 0
        self._file = file
        self._names: list[str] = []
        self._values: list[Any] = []
        self._records: list[int] = []

    def add(self, row: Mapping[str, Any], record: int) -> None:
        if list(row) == self._names:
            self._values.extend(row.values())
        else:
            self._add_odd(row)
        self._records.append(record)
        self.count += 1

    def _add_odd(self, row: Mapping[str, Any]) -> None:
        new = row.keys() - set(self._names)
        if new:
            self._widen([name for name in row if name in new])
        self._values.extend(map(row.get, self._names))

    def _widen(self, names: Sequence[str]) -> None:
        width, gap = len(self._names), [None] * len(names)
        if self.count:
            rows = (self._values[i : i + width] + gap for i in range(0, width * self.count, width or 1))
            self._values = list(chain.from_iterable(rows)) if width else gap * self.count
        self._names += names

    def take(self) -> Batch:
        """Hand over what was collected, one column a key, None where a row lacks it."""
        width = len(self._names)
        columns = [as_text(self._values[i::width]) for i in range(width)]
        runs = runs_of(self._file, self._records)
        self.count, self._values, self._records = 0, [], []
        return Batch(pa.record_batch(columns, names=list(self._names)), runs)


def as_text(values: Sequence[Any]) -> pa.Array:
    """Make a column of texts of plain values, numbers as a CSV file has them."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        pass
    kinds = set(map(type, values)) - {type(None)}
    try:
        if kinds in ({int}, {bool}):
            return pa.array(values, pa.int64() if kinds == {int} else pa.bool_()).cast(pa.string())
    except (pa.ArrowInvalid, OverflowError):  # beyond 64 bits
        pass
    return pa.array(map(text_of, values), pa.string())
