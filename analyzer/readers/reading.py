"""What a task is told about the data it reads, and what it says beside the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from analyzer.analyzers.table import Batch, Run
from analyzer.config import DatasetFormat
from analyzer.preprocess import Row, Script
from analyzer.readers.batches import RowBuilder
from analyzer.readers.csv_text import CsvText
from analyzer.readers.pieces import Piece, count_lines
from analyzer.scripts import text_of

ROWS_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read the pieces of a job; the same for all of them, and picklable.

    `columns` are the names of columns that are known by position, `header` those that the files' header lines carry
    (in `columns` order). `widths` are the fields of captured CSV payloads, by index name.
    """

    dataset_format: DatasetFormat
    columns: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)
    script: Path | None = None
    seed: int = 0
    strict: bool = False
    surplus: Literal["error", "drop"] = "error"
    start: datetime | None = None
    end: datetime | None = None
    excluded: frozenset[str] = frozenset()


@dataclass(slots=True)
class PieceReport:
    """What reading a piece says beside its rows: records seen, what was left out or mended, the quoting state."""

    piece: Piece
    records: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    quote_ends: tuple[bool, bool] = (False, True)

    def name_line(self, record: int) -> str:
        """Name a record (1-based in the piece) by file and line."""
        before = count_lines(self.piece.path, self.piece.start) if self.piece.start else 0
        return f"{self.piece.path}, line {before + record}"

    def name_record(self, record: int) -> str:
        """Name a record of a file whose records are not lines."""
        before = count_lines(self.piece.path, self.piece.start) if self.piece.start else 0
        return f"record {before + record} of {self.piece.path}"


class RowSink:
    """Collects lines of CSV and named rows, in the order they come, and hands them over in batches."""

    def __init__(self, reading: Reading, report: PieceReport) -> None:
        self._reading = reading
        self._report = report
        self._lines: list[str] = []
        self._places: list[int] = []
        self._named = RowBuilder(text_of)

    def add(self, rows: Sequence[Row], record: int) -> None:
        """Take the rows of one record."""
        for row in rows:
            if isinstance(row, str):
                self._lines.append(row)
                self._places.append(record)
            else:
                self._named.add(row, self._report.piece.path, record)

    def ready(self) -> Iterator[Batch]:
        """Yield what has become enough for a batch; lines and named rows do not change places."""
        if len(self._named) >= ROWS_AT_ONCE or len(self._lines) >= ROWS_AT_ONCE or (self._named and self._lines):
            yield from self.rest()

    def rest(self) -> Iterator[Batch]:
        if self._lines:
            yield self._take_lines()
        if self._named:
            yield self._named.take()

    def _take_lines(self) -> Batch:
        lines, places = self._lines, self._places
        self._lines, self._places = [], []
        width = len(self._reading.columns) or lines[0].count(",") + 1
        text = CsvText(width, self._reading.surplus, keep_blank=True, left_out=self._report.left_out)
        rows = text.parse(("\n".join(lines) + "\n").encode("utf-8", "replace"), self._line_namer(places))
        names = self._reading.columns or tuple(f"_c{i}" for i in range(width))
        return Batch(rows.rename_columns(list(names)), self._runs(places))

    def _line_namer(self, places: Sequence[int]) -> Callable[[int], str]:
        return lambda row: self._report.name_line(places[row])

    def _runs(self, places: Sequence[int]) -> list[Run]:
        path = self._report.piece.path
        return [
            Run(row, path, record) for row, record in enumerate(places) if row == 0 or record != places[row - 1] + 1
        ]


def script_of(reading: Reading, report: PieceReport, flatten: Callable[..., Sequence[Row]]) -> Script | None:
    return None if reading.script is None else Script(reading.script, flatten, report.left_out)
