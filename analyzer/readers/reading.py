"""What a task is told about the data it reads, and what it says beside the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from analyzer.analyzers.predictions import Roles
from analyzer.analyzers.table import Batch
from analyzer.dataset_formats import DatasetFormat
from analyzer.errors import Stopped
from analyzer.preprocess import Row, Script
from analyzer.readers.batches import RowBuilder, runs_of
from analyzer.readers.csv_text import CsvText, split_fields
from analyzer.readers.pieces import Piece, count_lines
from analyzer.scripts import script_error

ROWS_AT_ONCE = 16_384
KEYED_ROWS = "keyed_rows"
"""Counter that is above 0 when rows were named by keys, whose order says nothing about that of the columns."""
Place = Callable[[], str]
"""Names the record that is being read, for an error message."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Where features, label and prediction stand in records, for analyses of named features; picklable.

    `headers` name features that have only places, perhaps with the label and the predicted label among them. The
    others are indices, keys or JMESPaths; `label_name` and `prediction_name` are the columns that they become. A score
    above `threshold` predicts 1; of several scores the largest gives the class, named by `class_names`. Without
    `outcome` only features are looked for.
    """

    headers: tuple[str, ...] = ()
    features: str | None = None
    label: str | None = None
    prediction: str | None = None
    score: str | None = None
    threshold: float = 0.5
    label_name: str = "label"
    prediction_name: str = "predicted_label"
    class_names: tuple[str, ...] = ()
    outcome: bool = True
    payload: str = "endpointInput"
    """The payload of a capture in which features stand."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read the pieces of a job; the same for all of them, and picklable.

    `columns` are the names of columns that are known by position, `header` those that the files' header lines carry
    (in `columns` order). `requirements` says whether to install what the script requires. `widths` are the numbers of
    fields of captured payloads, by index name; 0: named values.
    """

    dataset_format: DatasetFormat
    columns: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)
    script: Path | None = None
    requirements: bool = False
    seed: int = 0
    strict: bool = False
    surplus: Literal["error", "drop"] = "error"
    start: datetime | None = None
    end: datetime | None = None
    excluded: frozenset[str] = frozenset()
    roles: Roles | None = None
    """Columns of labels and predictions, in a job of model quality; None: all columns are wanted."""
    fields: Fields | None = None
    """What to find in records, in an analysis of named features; None: payloads are flattened."""


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

    def name_last_line(self) -> str:
        """Name the line that was read last."""
        return self.name_line(self.records)

    def name_last_record(self) -> str:
        """Name the record that was read last."""
        return self.name_record(self.records)

    def name_record(self, record: int) -> str:
        """Name a record (1-based in the piece) of a file whose records need not be lines."""
        before = count_lines(self.piece.path, self.begin) if self.begin else 0
        return f"record {before + record} of {self.piece.path}"


class RowSink:
    """Collects lines of CSV and named rows, in the order they come, and hands them over in batches.

    `full` says that it is time to fetch what has come together, which is `lines` or `named` rows. `order` tells where
    the columns of `reading.columns` are in the lines, None: in the same places.
    """

    def __init__(self, reading: Reading, report: PieceReport, order: Sequence[int] | None = None) -> None:
        self.full = False
        self.reading = reading
        self.report = report
        self._order = order
        self.lines: list[str] = []
        self._places: list[int] = []
        self.named = RowBuilder(report.piece.path)
        self._done: list[Batch] = []

    def add(self, rows: Iterable[Row], record: int) -> None:
        """Take the rows of one record."""
        for row in rows:
            if isinstance(row, str):
                if self.named.count:
                    self._done.append(self._take_named())
                self.lines.append(row)
                self._places.append(record)
            else:
                if self.lines:
                    self._done.append(self._take_lines())
                self.named.add(row, record)
        self.full = len(self.lines) >= ROWS_AT_ONCE or self.named.count >= ROWS_AT_ONCE or bool(self._done)

    def rest(self) -> Iterator[Batch]:
        """Yield all that has come together."""
        yield from self._done
        self._done = []
        if self.lines:
            yield self._take_lines()
        if self.named.count:
            yield self._take_named()
        self.full = False

    def _take_named(self) -> Batch:
        self.report.left_out[KEYED_ROWS] = 1
        return self.named.take()

    def _take_lines(self) -> Batch:
        lines, places = self.lines, self._places
        self.lines, self._places = [], []
        names = self.reading.columns or tuple(f"_c{i}" for i in range(len(split_fields(lines[0]))))
        text = CsvText(len(names), self.reading.surplus, self.report.left_out)
        rows = text.parse_lines(lines, lambda row: self.report.name_line(places[row]))
        if self._order is not None:
            rows = rows.select(list(self._order))
        return Batch(rows.rename_columns(list(names)), runs_of(self.report.piece.path, places))


def through_script(
    records: Iterable[Any], flatten: Callable[[Any], Sequence[Row]], sink: RowSink, place: Place
) -> Iterator[Batch]:
    """Hand records to the user's script and yield what it makes of them; `flatten` makes rows of an unchanged one.

    Raises ScriptError, naming the script's line and the record's place, where the handler raises or returns nonsense.
    """
    report = sink.report
    assert sink.reading.script is not None
    script = Script(sink.reading.script, flatten, report.left_out)
    call, named = script.call, sink.named
    for record in records:
        try:
            result = call(record)
        except (Exception, SystemExit) as error:
            raise script_error(script.path, error, place()) from error
        if Stopped.told is not None:  # and the handler has caught it
            raise Stopped.told
        # Rows of texts under the same keys, which most scripts return, need not be looked at one by one.
        if result.__class__ is dict and not sink.lines and named.add_texts(result, report.records):
            if named.count < ROWS_AT_ONCE:
                continue
        else:
            sink.add(script.rows(result, record, place), report.records)
            if not sink.full:
                continue
        yield from sink.rest()
    yield from sink.rest()
