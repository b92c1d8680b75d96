"""Parquet files: row groups, columns by name and with their types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from analyzer.analyzers.table import Batch, Run
from analyzer.errors import InputError
from analyzer.preprocess import Row
from analyzer.readers.pieces import Piece
from analyzer.readers.reading import PieceReport, Reading, RowSink, script_of

ROWS_AT_ONCE = 65_536


def read_parquet(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of some row groups of a Parquet file; a script gets each row as a dict."""
    file = open_parquet(piece.path)
    before = sum(file.metadata.row_group(group).num_rows for group in range(piece.start))
    names = [name for name in file.schema_arrow.names if name not in reading.excluded]
    groups = range(piece.start, piece.end)
    try:
        batches = file.iter_batches(ROWS_AT_ONCE, list(groups), columns=names, use_threads=False)
        yield from _rows(batches, before, reading, report)
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(piece.path, error) from error


def open_parquet(path: str) -> Any:
    """Open a Parquet file.

    Raises InputError where it is none.
    """
    try:
        return pq.ParquetFile(path, memory_map=False)
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, error) from error


def _corrupt(path: str, error: Exception) -> InputError:
    return InputError(
        f"{path} is not a sound Parquet file: {str(error).splitlines()[0]}",
        "Write the file again, take it out of dataset_source, or correct dataset_format.",
    )


def _rows(batches: Iterator[pa.RecordBatch], before: int, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    sink = RowSink(reading, report)
    script = script_of(reading, report, lambda row: (row,))
    for batch in batches:
        first = before + report.records + 1
        if script is None:
            report.records += batch.num_rows
            yield Batch(tabular(batch, report.piece.path), [Run(0, report.piece.path, first)])
        else:
            yield from _through(script.rows, batch.to_pylist(), sink, report, before)
    yield from sink.rest()


def _through(apply: Any, rows: Sequence[Any], sink: RowSink, report: PieceReport, before: int) -> Iterator[Batch]:
    for row in rows:
        report.records += 1
        found: Sequence[Row] = apply(row, lambda: f"record {before + report.records} of {report.piece.path}")
        sink.add(found, before + report.records)
        yield from sink.ready()


def tabular(batch: pa.RecordBatch, where: str) -> pa.RecordBatch:
    """Bring columns to the types that the kernel knows: numbers, else text.

    Raises InputError for nested and binary columns.
    """
    arrays = [_column(name, array, where) for name, array in zip(batch.schema.names, batch.columns, strict=True)]
    return pa.record_batch(arrays, names=batch.schema.names)


def _column(name: str, array: pa.Array, where: str) -> pa.Array:
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _column(name, array.dictionary_decode(), where)
    if (
        pa.types.is_nested(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    ):
        raise InputError(
            f"{where}: column {name!r} is of type {kind}, which is not tabular.",
            "Flatten it with a record_preprocessor_script or name it in exclude_features_attribute.",
        )
    if pa.types.is_float16(kind):
        return array.cast(pa.float32())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return array
    return array if pa.types.is_string(kind) or pa.types.is_large_string(kind) else array.cast(pa.string())
