"""JSON files: one object a line, or one document that holds a list of objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from analyzer.analyzers.table import Batch
from analyzer.errors import InputError
from analyzer.preprocess import Row, flatten_json
from analyzer.readers.pieces import BYTE_ORDER_MARK, Piece, PieceReader, open_bytes, unreadable
from analyzer.readers.reading import PieceReport, Reading, RowSink, script_of

SHOWN = 60


def read_json_lines(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a piece of a JSON Lines file, columns by name."""
    yield from _rows(json_lines(piece, report), reading, report)


def read_json_document(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a JSON document: a list of objects, or one object."""
    yield from _rows(_document(piece.path), reading, report)


def json_lines(piece: Piece, report: PieceReport) -> Iterator[Any]:
    """Yield the value of each line that is not blank; `report.records` is the number of the line.

    Raises InputError naming file and line for a line that is not JSON.
    """
    for block in PieceReader(piece, quoted=False).blocks():
        for line in block.split(b"\n") if not block.endswith(b"\n") else block[:-1].split(b"\n"):
            report.records += 1
            if not line or line.isspace():
                continue
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                shown = line[:SHOWN].decode("utf-8", "replace")
                raise InputError(
                    f"{report.name_line(report.records)} is not JSON: {error}. It begins with {shown!r}.",
                    "Mend or remove the line; a file that was still being written should be read later.",
                ) from error
            yield value


def _document(path: str) -> Iterator[Any]:
    try:
        with open_bytes(path) as stream:
            content = stream.read()
    except (OSError, EOFError) as error:
        raise unreadable(path, error) from error
    try:
        value = orjson.loads(content.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"{path}, line {error.lineno}, column {error.colno} is not JSON: {error.msg}.",
            'Expected one document; for an object a line say {"json":{"lines":true}}.',
        ) from error
    yield from value if isinstance(value, list) else [value]


def _rows(values: Iterator[Any], reading: Reading, report: PieceReport) -> Iterator[Batch]:
    sink = RowSink(reading, report)
    number = 0

    def place() -> str:
        return f"record {number} of {report.piece.path}"

    def flatten(value: Mapping[str, Any]) -> Sequence[Row]:
        return (flatten_json(value, strict=reading.strict, place=place),)

    script = script_of(reading, report, flatten)
    for value in values:
        number += 1
        if not isinstance(value, dict):
            raise InputError(
                f"{place()} is {type(value).__name__}, not an object.",
                'Expected {"column": value, ...} for each record.',
            )
        sink.add(flatten(value) if script is None else script.rows(value, place), max(number, report.records))
        yield from sink.ready()
    report.records = max(number, report.records)
    yield from sink.rest()
