"""Captured endpoint traffic: a record a line, its payloads flattened to rows or handed to a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from analyzer.analyzers.table import Batch
from analyzer.config import CaptureFormat
from analyzer.errors import InputError
from analyzer.preprocess import CaptureFlattener, Row
from analyzer.readers.capture_window import Window
from analyzer.readers.json_files import json_values, line_blocks
from analyzer.readers.pieces import Piece
from analyzer.readers.reading import PieceReport, Reading, RowSink, RowsOf, script_of
from analyzer.records import CapturedData

if TYPE_CHECKING:
    from analyzer.readers.plain_captures import PlainCaptures

INPUT = "endpointInput"


def read_captures(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a piece of a capture file: outputs first, then inputs, unless told otherwise.

    Raises InputError for a line that is no captured record.
    """
    window = window_of(reading, report)
    sink = RowSink(reading, report)
    plain = _plain_captures(reading, window, report)
    for block in line_blocks(piece, report):
        batch = None if plain is None else plain.read(block)
        if batch is None:
            yield from _one_by_one(json_values(block, report), window, sink, reading, report)
        else:
            yield from sink.rest()
            yield batch
    yield from sink.rest()


def window_of(reading: Reading, report: PieceReport) -> Window | None:
    """Give the window of the job, None where there is none."""
    return Window(reading.start, reading.end, report.left_out) if reading.start or reading.end else None


def _plain_captures(reading: Reading, window: Window | None, report: PieceReport) -> PlainCaptures | None:
    parts = flattener_of(reading, report).plain_parts()
    if reading.script or not parts:
        return None
    from analyzer.readers.plain_captures import PlainCaptures

    return PlainCaptures(parts, reading, window, report)


def _one_by_one(
    records: Iterator[Any], window: Window | None, sink: RowSink, reading: Reading, report: PieceReport
) -> Iterator[Batch]:
    def place() -> str:
        return report.name_line(report.records)

    add, rows_of = sink.add, _rows_of(reading, report)
    for record in records:
        if record.__class__ is not dict:
            raise InputError(
                f"{place()} is no captured record.",
                'Expected {"captureData": {...}, "eventMetadata": {...}, ...} on each line.',
            )
        if window is not None and not window.holds(record):
            continue
        if add(rows_of(record, place), report.records):
            yield from sink.rest()


def _rows_of(reading: Reading, report: PieceReport) -> RowsOf:
    """Give the function that makes rows of a raw record: the flattener alone, or behind the user's script."""
    flattener = flattener_of(reading, report)
    if reading.script is None:
        return flattener.rows

    def place() -> str:
        return report.name_line(report.records)

    def place_of_record() -> str:
        return report.name_record(report.records)

    apply = script_of(reading, report, lambda record: flattener.rows(record.as_dict(), place))

    def rows_of(record: dict[str, Any], _place: Callable[[], str]) -> Sequence[Row]:
        return apply(CapturedData(record), place_of_record)

    return rows_of


def flattener_of(reading: Reading, report: PieceReport) -> CaptureFlattener:
    captured = reading.dataset_format
    assert isinstance(captured, CaptureFormat)
    return CaptureFlattener(
        ordered(captured), reading.widths, reading.columns, reading.strict, reading.surplus, report.left_out
    )


def ordered(captured: CaptureFormat) -> tuple[str, ...]:
    """Put output payloads in front of the input, or behind it when `output_columns_position` is END."""
    outputs_last = captured.output_columns_position == "END"
    return tuple(sorted(captured.index_names, key=lambda name: (name == INPUT) != outputs_last))
