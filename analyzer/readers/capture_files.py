"""Captured endpoint traffic: a record a line, its payloads flattened to rows or handed to a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from analyzer.analyzers.table import Batch
from analyzer.dataset_formats import CaptureFormat
from analyzer.errors import InputError
from analyzer.preprocess import CaptureFlattener
from analyzer.readers.capture_window import Window
from analyzer.readers.json_files import json_values, line_blocks
from analyzer.readers.pieces import Piece
from analyzer.readers.reading import PieceReport, Reading, RowSink, through_script
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
    flattener = flattener_of(reading, report)
    if reading.script is not None:
        blocks = (captured_records(json_values(block, report), window, report) for block in line_blocks(piece, report))
        yield from through_script(
            map(CapturedData, chain.from_iterable(blocks)),
            lambda record: flattener.rows(record.as_dict(), report.name_last_line),
            sink,
            report.name_last_record,
        )
        return
    plain = _plain_captures(flattener, window, sink)
    for block in line_blocks(piece, report):
        batch = None if plain is None else plain.read(block)
        if batch is None:
            yield from _one_by_one(captured_records(json_values(block, report), window, report), flattener, sink)
        else:
            yield from sink.rest()
            yield batch
    yield from sink.rest()


def window_of(reading: Reading, report: PieceReport) -> Window | None:
    """Give the window of the job, None where there is none."""
    return Window(reading.start, reading.end, report.left_out) if reading.start or reading.end else None


def captured_records(values: Iterable[Any], window: Window | None, report: PieceReport) -> Iterator[dict[str, Any]]:
    """Pass on the records that are in the window.

    Raises InputError for a line that is no object.
    """
    for value in values:
        if value.__class__ is not dict:
            raise InputError(
                f"{report.name_last_line()} is no captured record.",
                'Expected {"captureData": {...}, "eventMetadata": {...}, ...} on each line.',
            )
        if window is None or window.holds(value):
            yield value


def _plain_captures(flattener: CaptureFlattener, window: Window | None, sink: RowSink) -> PlainCaptures | None:
    parts = flattener.plain_parts()
    if not parts:
        return None
    from analyzer.readers.plain_captures import PlainCaptures

    return PlainCaptures(flattener.index_names, parts, sink.reading, window, sink.report)


def _one_by_one(records: Iterable[dict[str, Any]], flattener: CaptureFlattener, sink: RowSink) -> Iterator[Batch]:
    report = sink.report
    for record in records:
        sink.add(flattener.rows(record, report.name_last_line), report.records)
        if sink.full:
            yield from sink.rest()


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
