"""Raw records to rows: the user's script where there is one, native flattening of payloads where there is none."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from analyzer.errors import InputError
from analyzer.readers.csv_text import split_fields, split_records
from analyzer.records import CapturedData
from analyzer.scripts import UNCHANGED, CsvLine, preprocess_caller, row_dicts, script_error, text_of

Row = str | Mapping[str, Any]
"""A line of CSV, whose fields are named by position, or named values."""
WRAPPERS = ("instances", "predictions")
"""Keys that serving stacks wrap the rows of a request or response in."""


# --- the user's script ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Script:
    """Calls `preprocess_handler` for each record and turns what it returns into rows.

    `flatten` makes rows of a record that came back unchanged. `left_out` counts records dropped by `[]`
    (`dropped_by_script`) and by None (`none_from_script`).
    """

    path: Path
    flatten: Callable[[Any], Sequence[Row]]
    left_out: Counter[str]
    call: Callable[[Any], Any] = field(init=False)

    def __post_init__(self) -> None:
        self.call = preprocess_caller(self.path)

    def rows(self, record: Any, place: Callable[[], str]) -> Sequence[Row]:
        """Apply the handler.

        Raises ScriptError naming the script's line and the record's place where the handler raises or returns nonsense.
        """
        try:
            result = self.call(record)
            found = row_dicts(result, record)
        except (Exception, SystemExit) as error:
            raise script_error(self.path, error, place()) from error
        if found is UNCHANGED:
            return self.flatten(record)
        if isinstance(found, CsvLine):
            return split_records(found.text)
        if not found:
            self.left_out["none_from_script" if result is None else "dropped_by_script"] += 1
        return found  # type: ignore[return-value]


# --- JSON values ------------------------------------------------------------------------------------------------------


def flatten_json(value: Mapping[str, Any], *, strict: bool, place: Callable[[], str]) -> Mapping[str, Any]:
    """Name nested values by their path (`a.b`, `a.0`); a flat object is returned as it is.

    Raises InputError for a nested value when `strict`.
    """
    if not any(type(inner) in {dict, list} for inner in value.values()):
        return value
    if strict:
        name = next(key for key, inner in value.items() if type(inner) in {dict, list})
        raise InputError(
            f"{place()}: the value of {name!r} is not flat.",
            "Flatten it with a record_preprocessor_script, or set ANALYZER_STRICT_CAPTURE=false.",
        )
    return dict(_paths(value, ""))


def _paths(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        inner: Any = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        yield prefix, value
        return
    for key, each in inner:
        yield from _paths(each, f"{prefix}.{key}" if prefix else str(key))


# --- captured payloads ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Half:
    """One payload of a record as rows: lines of CSV, or named values."""

    index: str
    encoding: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class CaptureFlattener:
    """Makes rows of a captured record: the payloads named by `index_names`, in that order, side by side.

    `widths` are the numbers of fields of CSV payloads, where known, so that a record with one payload missing keeps
    the other's fields in their columns. `names` are those expected for the whole row, for CSV beside JSON payloads.
    """

    index_names: tuple[str, ...]
    widths: Mapping[str, int]
    names: tuple[str, ...]
    strict: bool

    def rows(self, record: Mapping[str, Any], place: Callable[[], str]) -> Sequence[Row]:
        """Flatten a record; usually one row, several when the request held several.

        Raises InputError for a payload that cannot be read, and when both payloads hold different numbers of rows.
        """
        data = record.get("captureData")
        if not isinstance(data, dict):
            raise InputError(
                f"{place()} has no captureData.",
                'Expected captured traffic: {"captureData": {...}, "eventMetadata": ...}.',
            )
        plain = self._plain(data)
        return plain if plain is not None else self._mixed(data, place)

    def _plain(self, data: Mapping[str, Any]) -> Sequence[Row] | None:
        """Join payloads that are one line of CSV each, the usual case, at once."""
        texts = []
        for index in self.index_names:
            event = data.get(index)
            if event is None or event.get("encoding") != "CSV" or not isinstance(event.get("data"), str):
                return None
            text = event["data"].rstrip("\r\n")
            if "\n" in text:
                return None
            texts.append(text)
        return (",".join(texts),)

    def _mixed(self, data: Mapping[str, Any], place: Callable[[], str]) -> Sequence[Row]:
        halves = [self._half(index, data[index], place) for index in self.index_names if data.get(index)]
        if not halves:
            found = ", ".join(data) or "nothing"
            raise InputError(
                f"{place()} holds {found}, but none of {', '.join(self.index_names)}.",
                "Name a payload that was captured in captureIndexNames of dataset_format.",
            )
        self._refuse_uneven(halves, place)
        if all(isinstance(row, str) for half in halves for row in half.rows):
            return self._lines({half.index: half for half in halves})
        self._refuse_mismatch(halves, place)
        return [self._named([half.rows[i] for half in halves], halves) for i in range(len(halves[0].rows))]

    def _half(self, index: str, event: Mapping[str, Any], place: Callable[[], str]) -> Half:
        def where() -> str:
            return f"{place()}, {index}"

        encoding = str(event.get("encoding", "CSV")).upper()
        payload = event.get("data", "")
        if encoding == "BASE64":
            encoding, payload = _decoded(payload, str(event.get("observedContentType", "")), where)
        if encoding == "JSON":
            return Half(index, encoding, self._json_rows(payload, where))
        if encoding != "CSV" or not isinstance(payload, str):
            raise InputError(
                f"{where()}: encoding {encoding} with data of type {type(payload).__name__}.",
                "Expected text with encoding CSV, JSON or BASE64.",
            )
        text = payload.rstrip("\r\n")
        # The original takes a request of several rows as one broken row.
        return Half(index, encoding, [text.replace("\n", " ")] if self.strict else split_records(text) or [""])

    def _json_rows(self, payload: Any, place: Callable[[], str]) -> list[Row]:
        value = _json_value(payload, place) if isinstance(payload, str) else payload
        if isinstance(value, _Lines):
            return [row for each in value for row in self._rows_of(each, place)]
        return self._rows_of(value, place)

    def _rows_of(self, value: Any, place: Callable[[], str]) -> list[Row]:
        if isinstance(value, dict):
            if not self.strict and len(value) == 1 and (wrapped := _wrapped(value)) is not None:
                return wrapped
            return [flatten_json(value, strict=self.strict, place=place)]
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            return [flatten_json(each, strict=self.strict, place=place) for each in value]
        if isinstance(value, list) and value and all(isinstance(each, list) for each in value):
            return [_as_line(each) for each in value]
        return [_as_line(value if isinstance(value, list) else [value])]

    def _refuse_uneven(self, halves: Sequence[Half], place: Callable[[], str]) -> None:
        if len({len(half.rows) for half in halves}) > 1:
            counts = " and ".join(f"{len(half.rows)} rows in {half.index}" for half in halves)
            raise InputError(
                f"{place()} holds {counts}, which cannot be put side by side.",
                "Use a record_preprocessor_script that pairs them, or name one payload in captureIndexNames.",
            )

    def _refuse_mismatch(self, halves: Sequence[Half], place: Callable[[], str]) -> None:
        if self.strict and len({half.encoding for half in halves}) > 1:
            by_name = sorted(halves, key=lambda half: half.index)
            raise InputError(
                f"Encoding mismatch: Encoding is {by_name[0].encoding} for {by_name[0].index}, but Encoding is "
                f"{by_name[1].encoding} for {by_name[1].index}. We currently only support the same type of input and "
                f"output encoding at the moment. ({place()})",
                "Set ANALYZER_STRICT_CAPTURE=false to flatten each payload by its own encoding.",
            )

    def _lines(self, halves: Mapping[str, Half]) -> Sequence[Row]:
        present = [half for half in halves.values()]
        lines = []
        for i in range(len(present[0].rows)):
            parts = [
                str(halves[index].rows[i]) if index in halves else "," * (self.widths[index] - 1)
                for index in self.index_names
                if index in halves or index in self.widths
            ]
            lines.append(",".join(parts))
        return lines

    def _named(self, parts: Sequence[Row], halves: Sequence[Half]) -> Mapping[str, Any]:
        """Join named values and lines of CSV; fields of a line take the expected names that no named value has."""
        taken = {name for part in parts if not isinstance(part, str) for name in part}
        free = [name for name in self.names if name not in taken]
        wanted = sum(len(split_fields(part)) for part in parts if isinstance(part, str))
        joined: dict[str, Any] = {}
        for part, half in zip(parts, halves, strict=True):
            if isinstance(part, str):
                for value in split_fields(part):
                    joined[free.pop(0) if len(free) >= wanted > 0 else f"_c{len(joined)}"] = value
                    wanted -= 1
            else:
                joined.update(
                    (f"{half.index}.{name}" if name in joined else name, value) for name, value in part.items()
                )
        return joined


class _Lines(list[Any]):
    """Values of a JSON Lines payload."""


def _json_value(payload: str, place: Callable[[], str]) -> Any:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        lines = [line for line in payload.splitlines() if line.strip()]
        if len(lines) > 1:
            return _Lines(_json_value(line, place) for line in lines)
        raise InputError(
            f"{place()}: encoding is JSON, but the data is not: {error}.",
            "Capture this content type as CSV or BASE64, or decode it in a record_preprocessor_script.",
        ) from error


def _wrapped(value: Mapping[str, Any]) -> list[Row] | None:
    """Take the rows out of `{"instances": [...]}` or `{"predictions": [...]}`."""
    name, rows = next(iter(value.items()))
    if name not in WRAPPERS or not isinstance(rows, list) or not rows:
        return None
    return [dict(_paths(row, "" if isinstance(row, dict) else name)) for row in rows]


def _as_line(values: Sequence[Any]) -> str:
    return ",".join(
        _quoted(text_of(value) if not isinstance(value, dict | list) else _json_text(value)) for value in values
    )


def _json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _quoted(text: str | None) -> str:
    if text is None:
        return ""
    return '"' + text.replace('"', '""') + '"' if not text or any(mark in text for mark in ',"\r\n') else text


def _decoded(payload: Any, content_type: str, place: Callable[[], str]) -> tuple[str, str]:
    """Decode a BASE64 payload whose content type says that it is CSV or JSON text."""
    kind = content_type.split(";")[0].strip().lower()
    encoding = {"text/csv": "CSV", "application/json": "JSON", "application/jsonlines": "JSON"}.get(kind)
    if encoding is None:
        raise InputError(
            f"{place()} is BASE64 of content type {content_type or 'unknown'}, which has no columns of its own.",
            "Turn it into columns with a record_preprocessor_script (for text and images there are ready-made ones).",
        )
    try:
        return encoding, b64decode(payload, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, TypeError) as error:
        raise InputError(
            f"{place()} is not BASE64 of UTF-8 text: {error}.", "Look at how the record was captured."
        ) from error


def captured(record: dict[str, Any]) -> CapturedData:
    """Wrap a captured record in the object that handlers get."""
    return CapturedData(record)
