"""CSV text to columns of texts: empty fields are missing, quoted empty ones are empty texts, rows may be too short."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pc

from analyzer.errors import InputError

LONGEST_FIELD = 256 * 1024 * 1024
LONGEST_SHOWN = 80
NameLine = Callable[[int], str]
"""Names the place of a row (0-based in the text) for an error message: file and line."""


@dataclass(slots=True)
class CsvText:
    """Turns CSV text of a known width into batches and counts what it had to mend.

    `left_out` counts rows with missing trailing fields (`short_rows`), rows with surplus fields that were dropped
    (`surplus_rows`) and blocks with bytes that are no UTF-8 (`undecodable_blocks`).
    """

    width: int
    surplus: Literal["error", "drop"]
    keep_blank: bool = False
    left_out: Counter[str] = field(default_factory=Counter)

    def parse(self, data: bytes, name_line: NameLine) -> pa.RecordBatch:
        """Parse whole records.

        Raises InputError for surplus fields, naming the line, what was found and the switch that drops them.
        """
        try:
            batch = self._parse_even(data)
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error):
                return self._parse_one_by_one(data, name_line)
            self.left_out["undecodable_blocks"] += 1
            return self.parse(data.decode("utf-8", "replace").encode(), name_line)
        return self._parse_one_by_one(data, name_line) if batch is None else batch

    def _parse_even(self, data: bytes) -> pa.RecordBatch | None:
        """Parse at full speed; None when a row has too few or too many fields."""
        uneven: list[Any] = []

        def note(row: Any) -> str:
            uneven.append(row)
            return "skip"

        names = [str(i) for i in range(self.width)]
        table = pc.read_csv(
            pa.BufferReader(data),
            read_options=pc.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
            parse_options=pc.ParseOptions(
                newlines_in_values=b'"' in data,
                invalid_row_handler=note,
                ignore_empty_lines=not self.keep_blank,
            ),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        return None if uneven else _one_batch(table)

    def _parse_one_by_one(self, data: bytes, name_line: NameLine) -> pa.RecordBatch:
        rows = [self._even(row, number, name_line) for number, row in enumerate(self._records(data))]
        columns = zip(*rows, strict=True) if rows else [()] * self.width
        arrays = [pa.array(column, pa.string()) for column in columns]
        return pa.record_batch(arrays, names=[str(i) for i in range(self.width)])

    def _records(self, data: bytes) -> list[list[str | None]]:
        records = split_records(data.decode("utf-8", "replace"))
        return [split_fields(record) for record in records if record or self.keep_blank]

    def _even(self, row: list[str | None], number: int, name_line: NameLine) -> list[str | None]:
        surplus = len(row) - self.width
        if surplus > 0:
            if self.surplus == "error":
                raise InputError(
                    f"{name_line(number)} has {len(row)} fields, expected {self.width}: {_shown(row)}.",
                    "Mend the row (quote commas inside values), or set ANALYZER_SURPLUS_FIELDS=drop to drop what is too much.",
                )
            self.left_out["surplus_rows"] += 1
            return row[: self.width]
        if surplus < 0:
            self.left_out["short_rows"] += 1
        return row + [None] * -surplus


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    if batches:
        return batches[0]
    return pa.record_batch([pa.array([], field.type) for field in table.schema], schema=table.schema)


def _shown(row: Sequence[str | None]) -> str:
    text = ",".join(value or "" for value in row)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def split_records(text: str) -> list[str]:
    """Split CSV text into records at newlines outside quotes, line ends removed."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if '"' not in text:
        return [line.removesuffix("\r") for line in lines]
    return _rejoined(lines)


def _rejoined(lines: list[str]) -> list[str]:
    from analyzer.readers.quotes import toggles

    records: list[str] = []
    open_record: list[str] = []
    for line in lines:
        inside = bool(open_record)
        open_record.append(line)
        if (len(toggles(line.encode("utf-8", "surrogatepass"), inside=inside)) + inside) % 2 == 0:
            records.append("\n".join(open_record).removesuffix("\r"))
            open_record = []
    return records + (["\n".join(open_record)] if open_record else [])


def split_fields(record: str) -> list[str | None]:
    """Split one record into fields; an empty field is None, a quoted empty one an empty text."""
    if '"' not in record:
        return [value or None for value in record.split(",")]
    return [_field(value) for value in _raw_fields(record)]


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
    if not raw.startswith('"'):
        return raw or None
    csv.field_size_limit(LONGEST_FIELD)
    return next(csv.reader(io.StringIO(raw, newline="")), [""])[0]
