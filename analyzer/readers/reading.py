"""What a task is told about the data it reads, and what it says beside the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from analyzer.analyzers.table import Batch
from analyzer.config import DatasetFormat
from analyzer.preprocess import Row, Script
from analyzer.readers.batches import RowBuilder, runs_of
from analyzer.readers.csv_text import CsvText, split_fields
from analyzer.readers.pieces import Piece, count_lines

ROWS_AT_ONCE = 16_384
KEYED_ROWS = "keyed_rows"
"""Counter that is above 0 when rows were named by keys, whose order says nothing about that of the columns."""
RowsOf = Callable[[Any, Callable[[], str]], Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read the pieces of a job; the same for all of them, and picklable.

    `columns` are the names of columns that are known by position, `header` those that the files' header lines carry
    (in `columns` order). `widths` are the numbers of fields of captured payloads, by index name; 0: named values.
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
    """What reading a piece says beside its rows: records seen, what was left out or mended, the quoting state.

    `begin` is the byte of the file at which the piece's first record begins.
    """

    piece: Piece
    begin: int = 0
    records: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    quote_ends: tuple[bool, bool] = (False, True)

    def name_line(self, record: int) -> str:
        """Name a line by its number (1-based) from the piece's first whole line on."""
        return self.name_line_after(self.begin, record - 1)

    def name_line_after(self, at: int, lines: int) -> str:
        """Name the line that comes so many lines after a byte of the (uncompressed) file."""
        return f"{self.piece.path}, line {(count_lines(self.piece.path, at) if at else 0) + lines + 1}"

    def name_record(self, record: int) -> str:
        """Name a record (1-based in the piece) of a file whose records need not be lines."""
        before = count_lines(self.piece.path, self.begin) if self.begin else 0
        return f"record {before + record} of {self.piece.path}"


class RowSink:
    """Collects lines of CSV and named rows, in the order they come, and hands them over in batches."""

    def __init__(self, reading: Reading, report: PieceReport) -> None:
        self._reading = reading
        self._report = report
        self._lines: list[str] = []
        self._places: list[int] = []
        self._named = RowBuilder(report.piece.path)
        self._full: list[Batch] = []

    def add(self, rows: Iterable[Row], record: int) -> bool:
        """Take the rows of one record; True when it is time to fetch what has come together."""
        for row in rows:
            if row.__class__ is str:
                if self._named.count:
                    self._full.append(self._take_named())
                self._lines.append(row)
                self._places.append(record)
            else:
                if self._lines:
                    self._full.append(self._take_lines())
                self._named.add(row, record)  # type: ignore[arg-type]
        return len(self._lines) >= ROWS_AT_ONCE or self._named.count >= ROWS_AT_ONCE or bool(self._full)

    def rest(self) -> Iterator[Batch]:
        """Yield all that has come together."""
        yield from self._full
        self._full = []
        if self._lines:
            yield self._take_lines()
        if self._named.count:
            yield self._take_named()

    def _take_named(self) -> Batch:
        self._report.left_out[KEYED_ROWS] = 1
        return self._named.take()

    def _take_lines(self) -> Batch:
        lines, places = self._lines, self._places
        self._lines, self._places = [], []
        names = self._reading.columns or tuple(f"_c{i}" for i in range(len(split_fields(lines[0]))))
        text = CsvText(len(names), self._reading.surplus, self._report.left_out)
        rows = text.parse_lines(lines, lambda row: self._report.name_line(places[row]))
        return Batch(rows.rename_columns(list(names)), runs_of(self._report.piece.path, places))


def script_of(reading: Reading, report: PieceReport, flatten: Callable[..., Sequence[Row]]) -> RowsOf:
    """Give the function that makes rows of a record, given how to name its place: the script's, or `flatten`."""
    if reading.script is None:
        return lambda record, _place: flatten(record)
    return Script(reading.script, flatten, report.left_out).rows
