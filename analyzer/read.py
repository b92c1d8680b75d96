"""Inputs to partitions, which depend on the input alone, and partitions to batches of rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analyzer.analyzers.table import Batch
from analyzer.dataset_formats import AddedFormat, CaptureFormat, CsvFormat, DatasetFormat, JsonFormat, ParquetFormat
from analyzer.errors import InputError
from analyzer.readers.pieces import Piece, far_ahead, is_gzip
from analyzer.readers.reading import Fields, PieceReport, Reading
from analyzer.stores import path_here, store_of
from analyzer.stores.ahead import each_ahead
from analyzer.stores.store import File, cure_of, reason_of

PARTITION_BYTES = 64 * 1024 * 1024
"""How much input a partition holds at the most; a file that is larger is cut evenly, small files are put together."""

MERGE_REPORT = "merge_report.json"
"""What a merge says about the records that lie beside it."""

PieceReader = Callable[[Piece, Reading, PieceReport], Iterator[Batch]]


@dataclass(frozen=True, slots=True)
class Partition:
    """What one task reads, in this order."""

    index: int
    pieces: tuple[Piece, ...]


def list_files(source: Path | str, variable: str = "dataset_source") -> list[File]:
    """List the files of a source in the order of their paths, nested ones included; hidden and empty ones are no data.

    Nor is the report that a merge leaves beside its records. Raises InputError where the source, which `variable`
    names, does not exist or cannot be read.
    """
    try:
        files = store_of(source).list_files(str(source))
    except FileNotFoundError as error:
        if str(error.filename) != str(source) or os.path.lexists(source):
            raise _unreadable(variable, source, error) from error
        raise InputError(
            f"{variable}: {source} does not exist.", "Mount the data there or correct the variable."
        ) from error
    except OSError as error:
        raise _unreadable(variable, source, error) from error
    return [file for file in files if file.path.rpartition("/")[2] != MERGE_REPORT]


def _unreadable(variable: str, source: Path | str, error: OSError) -> InputError:
    return InputError(
        f"{variable}: {error.filename or source} cannot be read: {reason_of(error)}.",
        cure_of(error, f"Take it out of {variable}, or give the job the right to read it."),
    )


def plan_partitions(files: list[File], dataset_format: DatasetFormat) -> list[Partition]:
    """Cut files into pieces and put neighbouring pieces together, up to 64 MiB a partition.

    The plan depends on the files' order and sizes alone, so every engine folds the same partitions.
    """
    cut = _row_groups(files) if isinstance(dataset_format, ParquetFormat) else (_cut(f, dataset_format) for f in files)
    pieces = [piece for found in cut for piece in found]
    groups: list[list[Piece]] = []
    filled = 0
    for piece, weight in pieces:
        if not groups or filled + weight > PARTITION_BYTES:
            groups.append([])
            filled = 0
        groups[-1].append(piece)
        filled += weight
    return [Partition(index, tuple(group)) for index, group in enumerate(groups)]


def _cut(file: File, dataset_format: DatasetFormat) -> list[tuple[Piece, int]]:
    splittable = not is_gzip(file.path) and not _is_whole(dataset_format)
    count = -(-file.size // PARTITION_BYTES) if splittable else 1
    bounds = [file.size * i // count for i in range(count + 1)]
    weight = -(-file.size // count)  # rounded up, no two pieces of a file fit into one partition
    return [(Piece(file.path, bounds[i], bounds[i + 1], file.size), weight) for i in range(count)]


def _is_whole(dataset_format: DatasetFormat) -> bool:
    """Tell formats whose files cannot be cut: JSON documents, and what a package's reader takes by its path."""
    return isinstance(dataset_format, AddedFormat) or (
        isinstance(dataset_format, JsonFormat) and not dataset_format.lines
    )


def _row_groups(files: Sequence[File]) -> Iterator[list[tuple[Piece, int]]]:
    """Cut Parquet files between row groups, by what their footers say."""
    from analyzer.readers.parquet_files import open_parquet

    def look(path: str) -> list[tuple[Piece, int]]:
        return _neighbours(path, open_parquet(path).metadata)

    paths = [file.path for file in files]
    return each_ahead(paths, look) if any(path_here(path) is None for path in paths) else map(look, paths)


def _neighbours(path: str, metadata: Any) -> list[tuple[Piece, int]]:
    total = metadata.num_row_groups
    found: list[tuple[Piece, int]] = []
    start = weight = 0
    for group in range(total):
        weight += metadata.row_group(group).total_byte_size
        if weight >= PARTITION_BYTES or group == total - 1:
            found.append((Piece(path, start, group + 1, total), weight))
            start, weight = group + 1, 0
    return found


def read_piece(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a piece in the declared format; where roles are given, with the columns that they name."""
    if reading.fields is not None and _looks_into_records(reading, reading.fields):
        from analyzer.readers.analysis_records import read_analysis_records

        yield from read_analysis_records(piece, reading, report)
        return
    if reading.roles is None:
        yield from _reader_of(reading.dataset_format)(piece, reading, report)
        return
    if _holds_records(reading):
        from analyzer.readers.prediction_records import read_prediction_records

        yield from read_prediction_records(piece, reading, report)
        return
    from analyzer.readers.prediction_columns import pick_columns

    rows = _reader_of(reading.dataset_format)(piece, reading, report)
    yield from pick_columns(rows, reading.roles, report.name_record)


def _looks_into_records(reading: Reading, fields: Fields) -> bool:
    """Tell whether features have to be found in records; rows of a script, and flat JSON objects, name their own."""
    captured = isinstance(reading.dataset_format, CaptureFormat)
    nested = isinstance(reading.dataset_format, JsonFormat) and fields.features is not None
    return (captured or nested) and reading.script is None


def _holds_records(reading: Reading) -> bool:
    """Tell whether attributes look into records; rows of a script have plain columns, unless it gets captures."""
    captured = isinstance(reading.dataset_format, CaptureFormat)
    return captured or (isinstance(reading.dataset_format, JsonFormat) and reading.script is None)


def _reader_of(dataset_format: DatasetFormat) -> PieceReader:
    """Load the one reader that is needed: each brings libraries of its own."""
    if isinstance(dataset_format, CsvFormat):
        from analyzer.readers.csv_files import read_csv

        return read_csv
    if isinstance(dataset_format, ParquetFormat):
        from analyzer.readers.parquet_files import read_parquet

        return read_parquet
    if isinstance(dataset_format, CaptureFormat):
        from analyzer.readers.capture_files import read_captures

        return read_captures
    if isinstance(dataset_format, AddedFormat):
        from analyzer.readers.added_files import read_added

        return read_added
    from analyzer.readers.json_files import read_json_document, read_json_lines

    is_document = isinstance(dataset_format, JsonFormat) and not dataset_format.lines
    return read_json_document if is_document else read_json_lines


def fetching_ahead(partition: Partition, dataset_format: DatasetFormat) -> AbstractContextManager[None]:
    """Have the small files of a partition fetched while others are read; of Parquet only parts are wanted."""
    if isinstance(dataset_format, ParquetFormat | AddedFormat):
        return nullcontext()
    return far_ahead(partition.pieces)


def restarted(partition: Partition, states: Mapping[tuple[str, int], bool]) -> Partition:
    """Give the partition with each piece begun in its true quoting state."""
    pieces = tuple(replace(piece, in_quotes=states.get((piece.path, piece.start), False)) for piece in partition.pieces)
    return replace(partition, pieces=pieces)
