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
SEPARATOR = "\x1f"
"""Stands between the values of a row of texts; the unit separator is hardly ever in a value."""
ENOUGH_BYTES = 128 * 1024 * 1024
"""Above what a partition of texts takes, so that a wide one is one batch: a kernel call costs more than its rows."""


def coalesce(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Join neighbouring small batches of the same columns; what comes out depends on the rows alone."""
    held: list[Batch] = []
    rows = size = 0
    for batch in batches:
        if held and not batch.rows.schema.equals(held[0].rows.schema):
            yield _joined(held)
            held, rows, size = [], 0, 0
        held.append(batch)
        rows += batch.rows.num_rows
        size += int(batch.rows.nbytes)
        if rows >= ENOUGH_ROWS or size >= ENOUGH_BYTES:
            yield _joined(held)
            held, rows, size = [], 0, 0
    if held:
        yield _joined(held)


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

    Rows of texts are kept as a line each and parsed together, other values in one flat list: to keep the rows, or a
    list for each, would cost more in garbage collection and scattered memory than all the rest.
    """

    def __init__(self, file: str) -> None:
        self.count = 0
        self._file = file
        self._names: list[str] = []
        self._width, self._key = 0, ""
        self._lines: list[str] = []
        self._values: list[Any] = []
        self._records: list[int] = []

    def add(self, row: Mapping[str, Any], record: int) -> None:
        """Take a row; what it lacks of the columns so far is missing in it."""
        if self.add_texts(row, record):
            return
        if not self.count:
            self._widen(row)
            if self.add_texts(row, record):
                return
        self._add_values(row)
        self._records.append(record)
        self.count += 1

    def add_texts(self, row: Mapping[Any, Any], record: int) -> bool:
        """Take a row of texts under the keys of the row before; False, and nothing is taken, where it is another."""
        if self._values or len(row) != self._width:
            return False
        try:
            if SEPARATOR.join(row) != self._key:
                return False
            line = SEPARATOR.join(row.values())
        except TypeError:
            return False
        if line.count(SEPARATOR) != self._width - 1:
            return False
        self._lines.append(line)
        self._records.append(record)
        self.count += 1
        return True

    def _add_values(self, row: Mapping[str, Any]) -> None:
        if self._lines:
            self._values, self._lines = SEPARATOR.join(self._lines).split(SEPARATOR), []
        if list(row) == self._names:
            self._values.extend(row.values())
        else:
            self._widen(row)
            self._values.extend(map(row.get, self._names))

    def _widen(self, row: Mapping[str, Any]) -> None:
        known = set(self._names)
        new = [name for name in row if name not in known]
        width, gap = len(self._names), [None] * len(new)
        if new and self.count:
            rows = (self._values[i * width : (i + 1) * width] + gap for i in range(self.count))
            self._values = list(chain.from_iterable(rows))
        self._names += new
        self._width, self._key = len(self._names), SEPARATOR.join(self._names)

    def take(self) -> Batch:
        """Hand over what was collected, one column a key, None where a row lacks it."""
        columns = self._parsed() if self._lines else None
        if columns is None:
            values = self._values or SEPARATOR.join(self._lines).split(SEPARATOR)
            columns = _transposed(values, len(self._names))
        runs = runs_of(self._file, self._records)
        self.count, self._lines, self._values, self._records = 0, [], [], []
        return Batch(pa.record_batch(columns, names=list(self._names)), runs)

    def _parsed(self) -> list[pa.Array] | None:
        """Parse the lines at once; None where a value holds a line end or what no text can hold."""
        from analyzer.readers.csv_text import parse_separated

        text = "\n".join(self._lines)
        if "\r" in text or text.count("\n") != self.count - 1:
            return None
        try:
            return list(parse_separated(text.encode() + b"\n", SEPARATOR, self._width).columns)
        except UnicodeEncodeError:
            return None


def _transposed(values: Sequence[Any], width: int) -> list[pa.Array]:
    try:
        flat = pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return [as_text(values[i::width]) for i in range(width)]
    return [flat.take(pa.array(np.arange(i, len(values), width))) for i in range(width)]


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
