"""JSON files: one object a line, or one document that holds a list of objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from analyzer.analyzers.table import Batch
from analyzer.dataset_formats import JsonFormat
from analyzer.errors import InputError
from analyzer.jsonlayout import parse
from analyzer.preprocess import Row, flatten_json
from analyzer.readers.csv_text import encodable
from analyzer.readers.pieces import Piece, PieceReader, open_bytes, readable, without_mark
from analyzer.readers.reading import PieceReport, Reading, RowSink, through_script

SHOWN = 60


def read_json_lines(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a piece of a JSON Lines file, columns by name."""
    yield from _rows(json_lines(piece, report), reading, report, report.name_last_line)


def read_json_document(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a JSON document: a list of objects, or one object."""
    values = _counted(json_document(piece.path, report), report)
    yield from _rows(values, reading, report, report.name_last_record)


def json_objects(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON file, nested as they are, whether they stand one a line or in a document.

    Raises InputError for what is no JSON, and for a value that is no object.
    """
    lines = not isinstance(reading.dataset_format, JsonFormat) or reading.dataset_format.lines
    if lines:
        yield from _objects(json_lines(piece, report), report.name_last_line)
    else:
        yield from _objects(_counted(json_document(piece.path, report), report), report.name_last_record)


def json_lines(piece: Piece, report: PieceReport) -> Iterator[Any]:
    """Yield the value of each line that is not blank; `report.records` is the number of the line.

    Raises InputError naming file and line for a line that is not JSON.
    """
    for block in line_blocks(piece, report):
        yield from json_values(block, report)


def line_blocks(piece: Piece, report: PieceReport) -> Iterator[bytes]:
    """Yield the piece's whole lines in blocks."""
    reader = PieceReader(piece, quoted=False)
    for number, block in enumerate(reader.blocks()):
        if not number:
            report.begin = reader.at
        yield block


def json_values(block: bytes, report: PieceReport) -> Iterator[Any]:
    """Yield the values of a block as `json_lines` does."""
    loads = orjson.loads
    number = report.records
    for line in block.removesuffix(b"\n").split(b"\n"):
        report.records = number = number + 1
        try:
            value = loads(line)
        except orjson.JSONDecodeError:
            if not line or line.isspace():
                continue
            value = _odd_value(line, report)
        yield value


def _odd_value(line: bytes, report: PieceReport) -> Any:
    """Read what the fast parser refuses: NaN, lone surrogates, bytes that are no UTF-8."""
    data, repaired = encodable(line)
    report.left_out["undecodable_blocks"] += repaired
    try:
        return parse(data)
    except ValueError as error:
        shown = line[:SHOWN].decode("utf-8", "replace")
        raise InputError(
            f"{report.name_line(report.records)} is not JSON: {_said(error)}. It begins with {shown!r}.",
            "Mend or remove the line; a file that was still being written should be read later, and one document over "
            'several lines needs {"json":{"lines":false}}.',
        ) from error


def _said(error: ValueError) -> str:
    return f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)


def json_document(path: str, report: PieceReport) -> list[Any]:
    """Read a file of one document: a list of values, or one value.

    Raises InputError naming file, line and column where it is not JSON.
    """
    with readable(path), open_bytes(path) as stream:
        content, repaired = encodable(without_mark(path, stream.read()))
    report.left_out["undecodable_blocks"] += repaired
    try:
        value = parse(content)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}, line {error.lineno}, column {error.colno} is not JSON: {error.msg}.",
            'Expected one document; for an object a line say {"json":{"lines":true}}.',
        ) from error
    return value if isinstance(value, list) else [value]


def _counted(values: Iterable[Any], report: PieceReport) -> Iterator[Any]:
    for value in values:
        report.records += 1
        yield value


def _rows(values: Iterator[Any], reading: Reading, report: PieceReport, place: Callable[[], str]) -> Iterator[Batch]:
    def flatten(value: Mapping[str, Any]) -> Sequence[Row]:
        return (flatten_json(value, strict=reading.strict, place=place),)

    sink = RowSink(reading, report)
    objects = _objects(values, place)
    if reading.script is not None:
        yield from through_script(objects, flatten, sink, place)
        return
    for value in objects:
        sink.add(flatten(value), report.records)
        if sink.full:
            yield from sink.rest()
    yield from sink.rest()


def _objects(values: Iterator[Any], place: Callable[[], str]) -> Iterator[dict[str, Any]]:
    for value in values:
        if value.__class__ is not dict:
            raise InputError(
                f"{place()} is {type(value).__name__}, not an object.",
                'Expected {"column": value, ...} for each record.',
            )
        yield value
