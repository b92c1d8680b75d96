"""Captured endpoint traffic: a record a line, its payloads flattened to rows or handed to a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from analyzer.analyzers.table import Batch
from analyzer.config import CaptureFormat
from analyzer.errors import InputError
from analyzer.preprocess import CaptureFlattener
from analyzer.readers.json_files import json_lines
from analyzer.readers.pieces import Piece
from analyzer.readers.reading import PieceReport, Reading, RowSink, script_of
from analyzer.records import CapturedData

INPUT = "endpointInput"
ZULU = "%Y-%m-%dT%H:%M:%SZ"


def read_captures(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a piece of a capture file: outputs first, then inputs, unless told otherwise."""
    flattener = flattener_of(reading)
    sink = RowSink(reading, report)

    def place() -> str:
        return report.name_line(report.records)

    script = script_of(reading, report, lambda record: flattener.rows(record.as_dict(), place))
    for record in in_window(json_lines(piece, report), reading, report):
        if script is None:
            rows = flattener.rows(record, place)
        else:
            rows = script.rows(CapturedData(record), lambda: report.name_record(report.records))
        sink.add(rows, report.records)
        yield from sink.ready()
    yield from sink.rest()


def flattener_of(reading: Reading) -> CaptureFlattener:
    captured = reading.dataset_format
    assert isinstance(captured, CaptureFormat)
    return CaptureFlattener(ordered(captured), reading.widths, reading.columns, reading.strict)


def ordered(captured: CaptureFormat) -> tuple[str, ...]:
    """Put output payloads in front of the input, or behind it when `output_columns_position` is END."""
    outputs_last = captured.output_columns_position == "END"
    return tuple(sorted(captured.index_names, key=lambda name: (name == INPUT) != outputs_last))


def in_window(values: Iterator[Any], reading: Reading, report: PieceReport) -> Iterator[dict[str, Any]]:
    """Pass on the records whose inference time is within [start, end), and those that carry no time.

    Raises InputError for a line that is no object.
    """
    is_inside = _window(reading.start, reading.end) if reading.start and reading.end else None
    for value in values:
        if not isinstance(value, dict):
            raise InputError(
                f"{report.name_line(report.records)} is no captured record.",
                'Expected {"captureData": {...}, "eventMetadata": {...}, ...} on each line.',
            )
        if is_inside is not None:
            time = _inference_time(value)
            if not time:
                report.left_out["untimed_records"] += 1
            elif not is_inside(time):
                report.left_out["outside_window"] += 1
                continue
        yield value


def _inference_time(record: Mapping[str, Any]) -> str | None:
    metadata = record.get("eventMetadata")
    time = metadata.get("inferenceTime") if isinstance(metadata, dict) else None
    return time if isinstance(time, str) and _parsed(time) else None


def _parsed(time: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _window(start: datetime, end: datetime) -> Callable[[str], bool]:
    def is_inside(time: str) -> bool:
        parsed = _parsed(time)
        return parsed is not None and start <= parsed < end

    return is_inside
