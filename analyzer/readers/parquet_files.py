"""Parquet files: row groups, columns by name and with their types."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from analyzer.analyzers.table import Batch, Run
from analyzer.errors import InputError
from analyzer.preprocess import Row, flatten_json
from analyzer.readers.pieces import Piece, unreadable
from analyzer.readers.reading import PieceReport, Reading, RowSink, through_script
from analyzer.scripts import row_dicts
from analyzer.stores import path_here, store_of
from analyzer.stores.store import StoreError

if TYPE_CHECKING:
    from analyzer.stores.ranges import RangeStream

ROWS_AT_ONCE = 65_536
HOLE = 64 * 1024
"""Bytes between column chunks that are fetched too, because a further request would take longer."""
KNOWN = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_string,
    pa.types.is_large_string,
)
STRANGE = (
    pa.types.is_nested,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


def read_parquet(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of some row groups of a Parquet file; a script gets each row as a dict, whole."""
    file, stream = _opened(piece.path)
    names = file.schema_arrow.names
    excluded = frozenset() if reading.script else _excluded(names, reading.excluded)
    kept = [name for name in names if name not in excluded]
    groups = range(piece.start, piece.end)
    if stream is not None:
        stream.expect(_ranges(file.metadata, groups, excluded))
    try:
        batches = file.iter_batches(ROWS_AT_ONCE, list(groups), columns=kept, use_threads=False)
        if reading.script is None:
            yield from _rows(batches, names, [name for name in names if name in excluded], report)
        else:
            before = sum(file.metadata.row_group(group).num_rows for group in range(piece.start))
            yield from _through_script(batches, before, reading, report)
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(piece.path, error) from error


def batches_to_rows(batches: Iterator[pa.RecordBatch], reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of batches that somebody else has read, all columns; a script gets each row as a dict."""
    if reading.script is not None:
        yield from _through_script(batches, 0, reading, report)
        return
    for batch in batches:
        yield from _rows(iter([batch]), batch.schema.names, [], report)


def _excluded(names: Sequence[str], excluded: Collection[str]) -> frozenset[str]:
    """Columns that need not be read, by name or index."""
    by_index = {names[int(each)] for each in excluded if each.isdecimal() and int(each) < len(names)}
    return frozenset(name for name in names if name in excluded or name in by_index)


def _ranges(metadata: Any, groups: Iterable[int], excluded: Collection[str]) -> Iterator[tuple[int, int]]:
    """Where the column chunks of row groups lie, in the order in which they are read; neighbours in one range."""
    start = end = -HOLE - 1  # an empty range, too far in front of the file to be a neighbour
    for group in groups:
        for begin, size in _chunks(metadata.row_group(group), excluded):
            if not 0 <= begin - end <= HOLE:
                yield start, end
                start = begin
            end = begin + size
    yield start, end


def _chunks(group: Any, excluded: Collection[str]) -> Iterator[tuple[int, int]]:
    """Give the offset and the size of each column chunk that is read."""
    for i in range(group.num_columns):
        chunk = group.column(i)
        if chunk.path_in_schema.split(".")[0] not in excluded:
            yield chunk.dictionary_page_offset or chunk.data_page_offset, chunk.total_compressed_size


def open_parquet(path: str) -> Any:
    """Open a Parquet file.

    Raises InputError where it is none.
    """
    return _opened(path)[0]


def _opened(path: str) -> tuple[Any, RangeStream | None]:
    """Open a Parquet file, and give the stream of it where it is far away."""
    try:
        if here := path_here(path):
            return pq.ParquetFile(here, memory_map=False), None
        stream = cast("RangeStream", store_of(path).open_file(path, 0))
        # It is told by `_ranges` what to fetch, so nothing else has to look ahead.
        return pq.ParquetFile(stream, pre_buffer=False), stream
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, error) from error


def _corrupt(path: str, error: Exception) -> InputError:
    if isinstance(error, StoreError):
        return unreadable(path, error)
    return InputError(
        f"{path} is not a sound Parquet file: {str(error).splitlines()[0]}",
        "Write the file again, take it out of dataset_source, or correct dataset_format.",
    )


def _rows(
    batches: Iterator[pa.RecordBatch], names: Sequence[str], blank: Sequence[str], report: PieceReport
) -> Iterator[Batch]:
    for batch in batches:
        rows = with_blanks(tabular(batch, report.piece.path), blank).select(names)
        yield Batch(rows, [Run(0, report.piece.path, report.records + 1)])
        report.records += batch.num_rows


def _through_script(
    batches: Iterator[pa.RecordBatch], before: int, reading: Reading, report: PieceReport
) -> Iterator[Batch]:
    def place() -> str:
        return f"record {before + report.records} of {report.piece.path}"

    def flatten(row: Mapping[str, Any]) -> Sequence[Row]:
        plain = row_dicts(dict(flatten_json(row, strict=reading.strict, place=place)), None)
        return plain if isinstance(plain, list) else ()

    yield from through_script(_records(batches, report), flatten, RowSink(reading, report), place)


def _records(batches: Iterator[pa.RecordBatch], report: PieceReport) -> Iterator[dict[str, Any]]:
    for batch in batches:
        for row in batch.to_pylist():
            report.records += 1
            yield row


def tabular(batch: pa.RecordBatch, where: str) -> pa.RecordBatch:
    """Bring columns to the types that the kernel knows: numbers, else text.

    Raises InputError for nested and binary columns.
    """
    arrays = [_column(name, array, where) for name, array in zip(batch.schema.names, batch.columns, strict=True)]
    return pa.record_batch(arrays, names=batch.schema.names)


def with_blanks(rows: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """Add columns that were not read as missing ones: what is left out later has to be found."""
    for name in names:
        rows = rows.append_column(name, pa.nulls(rows.num_rows, pa.string()))
    return rows


def _column(name: str, array: pa.Array, where: str) -> pa.Array:
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _column(name, array.dictionary_decode(), where)
    if pa.types.is_float16(kind):
        return array.cast(pa.float32())
    if any(is_known(kind) for is_known in KNOWN):
        return array
    if not any(is_strange(kind) for is_strange in STRANGE):
        with suppress(pa.ArrowNotImplementedError):
            return array.cast(pa.string())
    raise InputError(
        f"{where}: column {name!r} is of type {kind}, which is not tabular.",
        "Flatten it with a record_preprocessor_script or name it in exclude_features_attribute.",
    )
