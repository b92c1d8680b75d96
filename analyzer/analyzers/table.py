"""The state of a data set: one state a column, rows, files and what was left out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from analyzer.analyzers.codec import StateForm
from analyzer.analyzers.column import ColumnState, Locate
from analyzer.analyzers.evidence import Place
from analyzer.analyzers.folded_rows import FoldedRows

FORM = StateForm("state file", "run")
Domains = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of a batch from `row` on that are the records of `file` from `record` (1-based) on."""

    row: int
    file: str
    record: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A bundle of rows, a column each of texts or typed values, and where its runs of rows came from."""

    rows: pa.RecordBatch
    runs: Sequence[Run]


class TableState(FoldedRows):
    """A mergeable summary of rows; a column that some rows lack counts as missing in them.

    `head` is the place of the first row.
    """

    __slots__ = ("columns", "head")

    def __init__(self) -> None:
        super().__init__()
        self.columns: dict[str, ColumnState] = {}
        self.head: Place = ("", 0)

    def update(self, batch: Batch, domains: Domains) -> None:
        rows = batch.rows
        locate = locator(batch.runs)
        if not self.rows:
            self.head = locate(0)
        for name, array in zip(rows.schema.names, rows.columns, strict=True):
            self._column(name).update(array, locate, domains.get(name))
        for name in self.columns.keys() - set(rows.schema.names):
            self.columns[name].absent(rows.num_rows, locate(0))
        self.rows += rows.num_rows

    def merge(self, other: TableState) -> None:
        """Take in the state of the rows that follow ours."""
        head = (other.head[0], other.head[1] + (self.tail[1] if other.head[0] == self.tail[0] else 0))
        if not self.rows:
            self.head = head
        for name, theirs in other.columns.items():
            self._column(name).merge(theirs, self.tail)
        for name in self.columns.keys() - other.columns.keys():
            self.columns[name].absent(other.rows, head)
        self.go_on(other)

    def to_bytes(self) -> bytes:
        """Write the state, compressed, the same bytes for the same state."""
        document = {
            **self.rows_document(head=self.head),
            "columns": [[name, column.to_document()] for name, column in self.columns.items()],
        }
        return FORM.pack(document)

    @classmethod
    def from_bytes(cls, content: bytes, where: str = "state") -> TableState:
        """Read what `to_bytes` wrote.

        Raises BaselineError where it is not such a state.
        """
        return FORM.unpack(content, cls._from_document, where)

    @classmethod
    def _from_document(cls, document: dict[str, Any]) -> TableState:
        state = cls()
        state.read_rows(document)
        state.head = (document["head"][0], document["head"][1])
        state.columns = {name: ColumnState.from_document(column) for name, column in document["columns"]}
        return state

    def _column(self, name: str) -> ColumnState:
        """Get a column's state; rows before a column first came up lack it."""
        if name not in self.columns:
            self.columns[name] = ColumnState()
            self.columns[name].absent(self.rows, self.head)
        return self.columns[name]


def locator(runs: Sequence[Run]) -> Locate:
    starts = [run.row for run in runs]

    def locate(row: int) -> Place:
        run = runs[bisect_right(starts, row) - 1]
        return run.file, run.record + row - run.row

    return locate
