"""CSV files, with and without header: blocks of whole records parsed at once, or line by line through a script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa

from analyzer.analyzers.table import Batch, Run
from analyzer.dataset_formats import CsvFormat
from analyzer.errors import InputError
from analyzer.preprocess import Row
from analyzer.readers.csv_text import CsvText, encodable, split_fields, split_records
from analyzer.readers.pieces import TAIL_BLOCK, Piece, PieceReader, open_bytes, readable, without_mark
from analyzer.readers.quotes import first_record_end
from analyzer.readers.reading import PieceReport, Reading, RowSink, through_script


def read_csv(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a piece of a CSV file, columns by position under the names of `reading.columns`."""
    reader = PieceReader(piece, quoted=True)
    try:
        yield from (_through_script if reading.script else _blocks)(reader, piece, reading, report)
    finally:
        reader.follow_rest()
        report.quote_ends = (reader.states.ends[False], reader.states.ends[True])


def first_record(path: str) -> str | None:
    """Read a CSV file's first record that is not blank; None where there is none.

    Raises InputError for a file that cannot be read or is no text.
    """
    data = b""
    with readable(path), open_bytes(path) as stream:
        data = without_mark(path, stream.read(TAIL_BLOCK)).lstrip(b"\r\n")
        while not first_record_end(data) and (more := stream.read(TAIL_BLOCK)):
            data = (data + more).lstrip(b"\r\n")
    return _first_record_in(path, data)


def _first_record_in(path: str, data: bytes) -> str | None:
    data = data.lstrip(b"\r\n")
    records = split_records(data[: first_record_end(data) or None].decode("utf-8", "replace"))
    if len(records) > 1:
        raise InputError(f"{path}: its lines end in CR alone.", "Convert the line ends to LF or CRLF.")
    return records[0] if records else None


def header_names(record: str) -> tuple[str, ...]:
    """Names of a header line: a missing name becomes `_c<index>`, repeated ones get their index appended."""
    names = [name or f"_c{i}" for i, name in enumerate(split_fields(record))]
    count = Counter(name.lower() for name in names)
    found: dict[str, None] = {}
    for i, name in enumerate(names):
        own = f"{name}{i}" if count[name.lower()] > 1 else name
        while own in found:
            own += "_"
        found[own] = None
    return tuple(found)


def _blocks(reader: PieceReader, piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    text = CsvText(len(reading.columns), reading.surplus, report.left_out)
    order: Sequence[int] | None = None
    begins, has_header = True, piece.start == 0 and _has_header(reading)
    for block in reader.blocks():
        if begins:
            order = _column_order(piece, reading, block)
        data = _without_header(block, report) if begins and has_header else block
        begins = False
        if not data:
            continue
        before = reader.at + len(block) - len(data)
        rows = text.parse(data, lambda line, before=before: report.name_line_after(before, line))  # type: ignore[misc]
        first = report.records + 1
        report.records += rows.num_rows
        yield Batch(_arranged(rows, order, reading.columns), [Run(0, piece.path, first)])


def _has_header(reading: Reading) -> bool:
    return isinstance(reading.dataset_format, CsvFormat) and reading.dataset_format.header


def _without_header(block: bytes, report: PieceReport) -> bytes:
    """Drop the first record that is not blank."""
    while block:
        cut = first_record_end(block) or len(block)
        record, block = block[:cut], block[cut:]
        report.records += 1
        if record.strip(b"\r\n"):
            break
    return block


def _column_order(piece: Piece, reading: Reading, block: bytes = b"") -> Sequence[int] | None:
    """Where the columns of the first file's header are in this file; None: in the same places.

    `block` is the first of the piece: where that begins the file, the header is in it, and need not be fetched again.
    Raises InputError where this file's header names other columns.
    """
    if not reading.header or not _has_header(reading):
        return None
    record = _first_record_in(piece.path, block) if piece.start == 0 else None
    record = record or first_record(piece.path)
    found = header_names(record) if record else reading.header
    if found == reading.header:
        return None
    if sorted(found) != sorted(reading.header):
        strange = sorted(set(found) ^ set(reading.header))
        raise InputError(
            f"{piece.path}: its header differs from the first file's in {', '.join(map(repr, strange[:5]))} "
            f"({len(found)} columns, the first file has {len(reading.header)}).",
            'Give all files the same header, or say {"csv":{"header":false}} if they have none.',
        )
    return [found.index(name) for name in reading.header]


def _arranged(rows: pa.RecordBatch, order: Sequence[int] | None, names: Sequence[str]) -> pa.RecordBatch:
    if order is not None:
        rows = pa.record_batch([rows.column(i) for i in order], names=[str(i) for i in range(len(order))])
    return rows.rename_columns(list(names))


def _through_script(reader: PieceReader, piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Hand each line to the script, the header line included, as the original does."""
    sink = RowSink(reading, report, _column_order(piece, reading))
    is_header = piece.start == 0 and _has_header(reading)

    def flatten(line: str) -> Sequence[Row]:
        # A header that comes back as it went in names the columns, it is no row.
        return () if is_header and report.records == 1 else (line,)

    yield from through_script(_lines(reader, report), flatten, sink, report.name_last_record)


def _lines(reader: PieceReader, report: PieceReport) -> Iterator[str]:
    """Yield the records that are not blank."""
    for block in reader.blocks():
        data, repaired = encodable(block)
        report.left_out["undecodable_blocks"] += repaired
        for line in filter(None, split_records(data.decode())):
            report.records += 1
            yield line
