"""Files to the format that they are in, as their names and first bytes show it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

import orjson

from analyzer.dataset_formats import (
    CaptureFormat,
    CsvFormat,
    DatasetFormat,
    JsonFormat,
    ParquetFormat,
    parse_dataset_format,
)
from analyzer.errors import InputError
from analyzer.readers.csv_text import split_fields, split_records
from analyzer.readers.pieces import open_bytes, readable, without_mark
from analyzer.readers.quotes import last_record_end
from analyzer.stores.store import File

WORDS: Final[Mapping[str, str]] = {
    "csv": '{"csv":{"header":true}}',
    "csv-no-header": '{"csv":{"header":false}}',
    "jsonlines": '{"json":{"lines":true}}',
    "json": '{"json":{"lines":false}}',
    "parquet": '{"parquet":{}}',
    "capture": '{"sagemakerCaptureJson":{}}',
    "merged": '{"sagemakerMergeJson":{}}',
}
"""Short names of formats, and the dataset_format that each stands for."""
SAMPLE: Final = 256 * 1024
"""Bytes of the first file that are looked at."""
ROWS: Final = 100
FAMILIES: Final[Mapping[str, str]] = {
    ".csv": "CSV", ".parquet": "Parquet", ".pq": "Parquet", ".json": "JSON", ".jsonl": "JSON", ".ndjson": "JSON",
}  # fmt: skip
HALVES: Final = ("endpointInput", "endpointOutput", "batchTransformOutput")
SEPARATORS: Final[Mapping[str, str]] = {";": "semicolons", "\t": "tabs", "|": "bars"}
NAMED: Final = f"Name the format: one of {', '.join(WORDS)}, or any dataset_format."
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


@dataclass(frozen=True, slots=True)
class Found:
    """A format, how it is called, and the reason where it could be another one."""

    dataset_format: DatasetFormat
    name: str
    doubt: str = ""


def named_format(text: str) -> DatasetFormat:
    """Read a format that somebody named: a word, or dataset_format itself.

    Raises ConfigError.
    """
    return parse_dataset_format(WORDS.get(text.strip().lower(), text))


def find_format(files: Sequence[File], names: Collection[str] = ()) -> Found:
    """Find out the format of files by their names, and by the first bytes of the first one.

    `names` are those of the baseline's columns, by which a header is known. Raises InputError where there are files of
    several formats, or of none that is known.
    """
    if not files:
        raise InputError("There are no files to read.", "Check the path; hidden and empty files are left out.")
    _refuse_several(files)
    first = files[0].path
    data = _beginning(first)
    if data.startswith(b"PAR1"):
        return Found(ParquetFormat(), "Parquet")
    if _family(first) == "Parquet":
        raise InputError(f"{first} is no Parquet file: it begins with {data[:8]!r}.", NAMED)
    if data.lstrip().startswith((b"{", b"[")):
        return _json(data.lstrip())
    return _csv(first, data, names)


def _beginning(path: str) -> bytes:
    with readable(path), open_bytes(path, SAMPLE) as stream:
        data = stream.read(SAMPLE)
    return data if data.startswith(b"PAR1") else without_mark(path, data)


def _family(path: str) -> str | None:
    return FAMILIES.get(PurePosixPath(path.removesuffix(".gz")).suffix.lower())


def _refuse_several(files: Sequence[File]) -> None:
    """Refuse a folder with, say, CSV beside Parquet: the job reads all that is below its source."""
    seen: dict[str, str] = {}
    for file in files:
        family = _family(file.path)
        if family:
            seen.setdefault(family, file.path)
    if len(seen) > 1:
        examples = " and ".join(f"{path} ({family})" for family, path in list(seen.items())[:2])
        raise InputError(f"There are files of several formats: {examples}.", "Name a folder or file of one format.")


# --- JSON -------------------------------------------------------------------------------------------------------------


def _json(data: bytes) -> Found:
    """Tell lines of JSON, one document, and captured records apart."""
    lines = data.split(b"\n")
    if len(lines) == 1 and len(data) < SAMPLE - 1024:  # the file's only line
        lines.append(b"")
    records = list(_objects(lines[:-1][:ROWS]))
    if not records:
        return _long_or_document(data, is_cut=len(lines) == 1)
    halves = [half for half in HALVES if any(half in _captured(record) for record in records)]
    if not halves:
        return Found(JsonFormat(), "JSON lines")
    if any("groundTruthData" in record for record in records):
        return Found(CaptureFormat(tuple(halves), merged=True), f"merged records ({', '.join(halves)})")
    return Found(CaptureFormat(tuple(halves)), f"captured requests ({', '.join(halves)})")


def _long_or_document(data: bytes, *, is_cut: bool) -> Found:
    """Judge what does not begin with a whole object a line: a line longer than the sample, or a document."""
    if is_cut and data.startswith(b"{"):
        return Found(JsonFormat(), "JSON lines", f"its first line is longer than {SAMPLE:,} bytes")
    return Found(JsonFormat(lines=False), "a JSON document")


def _objects(lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """Give the objects of lines that are one each, up to the first line that is not."""
    for line in filter(bytes.strip, lines):
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return
        if not isinstance(value, dict):
            return
        yield value


def _captured(record: Mapping[str, Any]) -> Mapping[str, Any]:
    found = record.get("captureData")
    return found if isinstance(found, dict) else {}


# --- CSV --------------------------------------------------------------------------------------------------------------


def _csv(path: str, data: bytes, names: Collection[str]) -> Found:
    whole = data if len(data) < SAMPLE else data[: last_record_end(data)] or data
    if b"\0" in whole:
        raise InputError(f"{path} is no text: it begins with {data[:8]!r}.", NAMED)
    records = [each for each in split_records(whole.decode("utf-8", "replace")) if each.strip()][:ROWS]
    if not records:
        raise InputError(f"{path} holds nothing but blank lines.", "Take it out of the data.")
    _refuse_other_separators(path, records)
    rows = [[field or "" for field in split_fields(record)] for record in records]
    header, doubt = _has_header(rows, names)
    return Found(CsvFormat(header), "CSV with a header" if header else "CSV without a header", doubt)


def _refuse_other_separators(path: str, records: Sequence[str]) -> None:
    for separator, called in SEPARATORS.items():
        counts = {record.count(separator) for record in records}
        if "," not in records[0] and len(counts) == 1 and counts != {0}:
            raise InputError(
                f"{path} seems to have its fields separated by {called}: {records[0][:60]!r}.",
                "Write it with commas. Where it is a single column after all, name the format: csv or csv-no-header.",
            )


def _has_header(rows: Sequence[Sequence[str]], names: Collection[str]) -> tuple[bool, str]:
    """Tell whether the first row names the columns, and why that is in doubt where it is."""
    first, rest = rows[0], rows[1:]
    if names and set(first) & set(names):
        return True, ""
    if any(_is_value(field) for field in first):
        return False, ""
    if any(_is_value(row[i]) for row in rest for i in range(min(len(row), len(first))) if row[i]):
        return True, ""
    values = [{row[i] for row in rest if i < len(row)} for i in range(len(first))]
    if any(field in seen for field, seen in zip(first, values, strict=True) if field):
        return False, "values of the first line come again below it"
    return True, "its columns are all text"


def _is_value(field: str) -> bool:
    return bool(_NUMBER.fullmatch(field)) or field.strip().lower() in {"true", "false"}
