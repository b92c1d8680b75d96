"""Rows to batches of a size that is worth a kernel call, with the places they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from analyzer.analyzers.table import Batch, Run

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
    return rows >= ENOUGH_ROWS or sum(batch.rows.nbytes for batch in held) >= ENOUGH_BYTES


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


class RowBuilder:
    """Collects named rows into batches; rows of the same keys make columns by transposing."""

    def __init__(self, text_of: Callable[[Any], str | None]) -> None:
        self._text_of = text_of
        self._rows: list[Mapping[str, Any]] = []
        self._runs: list[Run] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Mapping[str, Any], file: str, record: int) -> None:
        runs, at = self._runs, len(self._rows)
        if not runs or runs[-1].file != file or runs[-1].record + at - runs[-1].row != record:
            runs.append(Run(at, file, record))
        self._rows.append(row)

    def take(self) -> Batch:
        """Hand over what was collected, one column a key, None where a row lacks it."""
        rows, runs = self._rows, self._runs
        self._rows, self._runs = [], []
        names = list(rows[0])
        if all(list(row) == names for row in rows):
            columns: Iterable[Sequence[Any]] = zip(*(row.values() for row in rows), strict=True)
        else:
            names = list(dict.fromkeys(name for row in rows for name in row))
            columns = ([row.get(name) for row in rows] for name in names)
        return Batch(pa.record_batch([self._array(column) for column in columns], names=names), runs)

    def _array(self, column: Sequence[Any]) -> pa.Array:
        try:
            return pa.array(column, pa.string())
        except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
            return pa.array([self._text_of(value) for value in column], pa.string())
