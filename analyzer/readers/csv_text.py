"""CSV text to columns of texts: empty fields are missing, quoted empty ones are empty texts, rows may be too short."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from analyzer.errors import InputError
from analyzer.readers.quotes import NEWLINE, toggles

LONGEST_FIELD = 256 * 1024 * 1024
LONGEST_SHOWN = 80
RETURN = ord("\r")
NameLine = Callable[[int], str]
"""Names the place of a line (0-based in the text) for an error message: file and line."""


class Uneven(NamedTuple):
    """A row with too few or too many fields, and how many rows are in front of it."""

    row: int
    text: str


@dataclass(slots=True)
class CsvText:
    """Turns CSV text of a known width into batches and counts what it had to mend.

    `left_out` counts rows with missing trailing fields (`short_rows`), rows with surplus fields that were dropped
    (`surplus_rows`) and blocks with bytes that are no UTF-8 (`undecodable_blocks`).
    """

    width: int
    surplus: Literal["error", "drop"]
    left_out: Counter[str] = field(default_factory=Counter)

    def parse(self, data: bytes, name_line: NameLine) -> pa.RecordBatch:
        """Parse whole records; blank lines are no rows.

        Raises InputError for surplus fields, naming the line, what was found and the switch that drops them.
        """
        data, repaired = encodable(data)
        self.left_out["undecodable_blocks"] += repaired
        try:
            even, uneven = self._parse_even(data, blank=False)
        except pa.ArrowInvalid:
            return self._batch(split_records(data.decode()), name_line, blank=False)
        if not uneven:
            return even
        if self.surplus == "error" and any(len(split_fields(row.text)) > self.width for row in uneven):
            return self._batch(split_records(data.decode()), name_line, blank=False)
        mended = [self._even(split_fields(row.text), 0, name_line) for row in uneven]
        return _inserted(even, self._columns(mended), [row.row for row in uneven])

    def parse_lines(self, lines: Sequence[str], name_line: NameLine) -> pa.RecordBatch:
        """Parse texts that are a record each, whatever their quotes do; a blank one is a row of missing values.

        Raises InputError as `parse` does.
        """
        even = self.parse_even(("\n".join(lines) + "\n").encode("utf-8", "replace"), len(lines))
        return self._batch([line.removesuffix("\r") for line in lines], name_line, blank=True) if even is None else even

    def parse_even(self, data: bytes, count: int) -> pa.RecordBatch | None:
        """Parse lines that are a record each, blank ones too; None where they are not as many even rows of UTF-8."""
        if encodable(data)[1]:
            return None
        try:
            even, uneven = self._parse_even(data, blank=True)
        except pa.ArrowInvalid:
            return None
        return even if not uneven and even.num_rows == count else None

    def _parse_even(self, data: bytes, *, blank: bool) -> tuple[pa.RecordBatch, list[Uneven]]:
        """Parse UTF-8 at full speed, rows with too few or too many fields aside."""
        uneven: list[Uneven] = []

        def note(row: Any) -> str:
            uneven.append(Uneven(row.number - 1, row.text))
            return "skip"

        if not data.endswith(b"\n"):
            data += b"\n"  # pyarrow mistakes a missing last field for an empty text there
        names = self._names()
        table = pc.read_csv(
            pa.BufferReader(data),
            read_options=pc.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
            parse_options=pc.ParseOptions(
                newlines_in_values=b'"' in data, invalid_row_handler=note, ignore_empty_lines=not blank
            ),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                check_utf8=False,  # the whole block is checked at once, for a tenth of the time
            ),
        )
        return _one_batch(table), uneven

    def _batch(self, records: Sequence[str], name_line: NameLine, *, blank: bool) -> pa.RecordBatch:
        rows, line = [], 0
        for record in records:
            if record or blank:
                rows.append(self._even(split_fields(record), line, name_line))
            line += 1 if blank else 1 + record.count("\n")
        return self._columns(rows)

    def _columns(self, rows: Sequence[Sequence[str | None]]) -> pa.RecordBatch:
        columns = zip(*rows, strict=True) if rows else [()] * self.width
        return pa.record_batch([pa.array(column, pa.string()) for column in columns], names=self._names())

    def _names(self) -> list[str]:
        return [str(i) for i in range(self.width)]

    def _even(self, row: list[str | None], line: int, name_line: NameLine) -> list[str | None]:
        surplus = len(row) - self.width
        if surplus > 0:
            if self.surplus == "error":
                raise InputError(
                    f"{name_line(line)} has {len(row)} fields, expected {self.width}: {_shown(row)}.",
                    "Quote commas inside values, or set ANALYZER_SURPLUS_FIELDS=drop to drop what is too much.",
                )
            self.left_out["surplus_rows"] += 1
            return row[: self.width]
        if surplus < 0:
            self.left_out["short_rows"] += 1
        return row + [None] * -surplus


def encodable(data: bytes) -> tuple[bytes, bool]:
    """Replace bytes that are no UTF-8, and say whether there were any."""
    try:
        if not data.isascii():
            data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode(), True
    return data, False


def _inserted(even: pa.RecordBatch, mended: pa.RecordBatch, places: Sequence[int]) -> pa.RecordBatch:
    """Put mended rows back in their places among all rows."""
    order = np.empty(even.num_rows + mended.num_rows, dtype=np.int64)
    is_mended = np.zeros(len(order), dtype=bool)
    is_mended[list(places)] = True
    order[~is_mended] = np.arange(even.num_rows)
    order[is_mended] = even.num_rows + np.arange(mended.num_rows)
    return pa.concat_batches([even, mended]).take(pa.array(order))


def parse_separated(data: bytes, separator: str, width: int) -> pa.RecordBatch:
    """Parse rows of plain texts: no quotes, nothing missing.

    Raises ArrowInvalid for rows of another width.
    """
    names = [str(i) for i in range(width)]
    table = pc.read_csv(
        pa.BufferReader(data),
        read_options=pc.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
        parse_options=pc.ParseOptions(delimiter=separator, quote_char=False, ignore_empty_lines=False),
        convert_options=pc.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=[], strings_can_be_null=False
        ),
    )
    return _one_batch(table)


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    if batches:
        return batches[0]
    return pa.record_batch([pa.array([], field.type) for field in table.schema], schema=table.schema)


def _shown(row: Sequence[str | None]) -> str:
    text = ",".join(value or "" for value in row)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def split_records(text: str) -> list[str]:
    """Split CSV text into records at line ends (LF, CRLF or CR) outside quotes; the line ends are removed."""
    if '"' in text:
        return _quoted_records(text)
    lines = (text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text).split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _quoted_records(text: str) -> list[str]:
    data = text.encode("utf-8", "surrogatepass")
    array = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero((array == NEWLINE) | (array == RETURN))
    ends = ends[np.searchsorted(toggles(data), ends) % 2 == 0]
    records, start = [], 0
    for end in ends.tolist():
        if end < start:  # the LF of a CRLF
            continue
        records.append(data[start:end])
        start = end + (2 if data[end : end + 2] == b"\r\n" else 1)
    if start < len(data):
        records.append(data[start:])
    return [record.decode("utf-8", "surrogatepass") for record in records]


def split_fields(record: str) -> list[str | None]:
    """Split one record into fields; an empty field is None, a quoted empty one an empty text."""
    if '"' not in record:
        return [value or None for value in record.split(",")]
    if '""' not in record and "\r" not in record and "\n" not in record:
        return [value or None for value in _unquoted(record)]
    return [_field(value) for value in _raw_fields(record)]


def join_fields(values: Sequence[str | None]) -> str:
    """Write fields as one record: None as nothing, an empty text in quotes."""
    return ",".join("" if value is None else _quoted(value) for value in values)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if not text or any(mark in text for mark in ',"\r\n') else text


def _raw_fields(record: str) -> list[str]:
    """Fields with their quotes still on, which the csv module would take off and with them a quoted empty text."""
    fields, start, inside = [], 0, False
    for at, character in enumerate(record):
        if character == '"' and (inside or at == start or record[at - 1] == '"'):
            inside = not inside
        elif character == "," and not inside:
            fields.append(record[start:at])
            start = at + 1
    return [*fields, record[start:]]


def _field(raw: str) -> str | None:
    return _unquoted(raw)[0] if raw.startswith('"') else raw or None


def _unquoted(text: str) -> list[str]:
    csv.field_size_limit(LONGEST_FIELD)
    try:
        return next(csv.reader(io.StringIO(text, newline="")), [""])
    except csv.Error:  # a line end behind a closing quote
        return [text]
