"""Raw records to rows: the user's script where there is one, native flattening of payloads where there is none."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from analyzer.errors import InputError, ScriptError
from analyzer.jsonlayout import parse
from analyzer.readers.csv_text import join_fields, split_fields, split_records
from analyzer.scripts import UNCHANGED, CsvLine, preprocess_caller, row_dicts, script_error, text_of

Row = str | Mapping[str, Any]
"""A line of CSV, whose fields are named by position, or named values."""
WRAPPERS = ("instances", "predictions")
"""Keys that serving stacks wrap the rows of a request or response in."""
NESTED = frozenset({dict, list})


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

    def rows(self, answer: Any, record: Any, place: Callable[[], str]) -> Sequence[Row]:
        """Make rows of what the handler returned for a record.

        Raises ScriptError where that is nonsense.
        """
        try:
            found = row_dicts(answer, record)
        except ScriptError as error:
            raise script_error(self.path, error, place()) from error
        if found is UNCHANGED or (isinstance(found, CsvLine) and found.text == record):
            return self.flatten(record)
        rows: Sequence[Row] = split_records(found.text) if isinstance(found, CsvLine) else found
        if not rows:
            self.left_out["none_from_script" if answer is None else "dropped_by_script"] += 1
        return rows


# --- JSON values ------------------------------------------------------------------------------------------------------


def flatten_json(value: Mapping[str, Any], *, strict: bool, place: Callable[[], str]) -> Mapping[str, Any]:
    """Name nested values by their path (`a.b`, `a.0`); a flat object is returned as it is.

    Raises InputError for a nested value when `strict`.
    """
    if NESTED.isdisjoint(map(type, value.values())):
        return value
    if strict:
        name = next(key for key, inner in value.items() if type(inner) in NESTED)
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


class PlainPart(NamedTuple):
    """A payload of one line of CSV: the commas that it must have (None: any number), and a line without values.

    Fields in front of another payload must be as many as expected: those behind them would change their columns.
    """

    name: str
    commas: int | None
    blank: str


@dataclass(frozen=True, slots=True)
class Half:
    """One payload of a record as rows: lines of CSV, or named values."""

    index: str
    encoding: str
    rows: Sequence[Row]


@dataclass(slots=True)
class CaptureFlattener:
    """Makes rows of a captured record: the payloads named by `index_names`, in that order, side by side.

    `widths` are the numbers of fields of payloads (0: they are named values), where known, so that a record with one
    payload missing or too short keeps the other's fields in their columns. `names` are those of fields without a name.
    """

    index_names: tuple[str, ...]
    widths: Mapping[str, int]
    names: tuple[str, ...]
    strict: bool
    surplus: Literal["error", "drop"] = "error"
    left_out: Counter[str] = field(default_factory=Counter)
    _plain: tuple[PlainPart, ...] = ()

    def __post_init__(self) -> None:
        """Prepare for the usual case."""
        self._plain = self.plain_parts()

    def plain_parts(self) -> tuple[PlainPart, ...]:
        """Describe the payloads that are seen, in their order; () where they are not all lines of CSV."""
        known = [name for name in self.index_names if name in self.widths]
        if not all(self.widths.values()):
            return ()
        return tuple(
            PlainPart(name, self.widths[name] - 1 if name != known[-1] else None, "," * (self.widths[name] - 1))
            for name in known
        )

    def rows(self, record: Mapping[str, Any], place: Callable[[], str]) -> Sequence[Row]:
        """Flatten a record; usually one row, several when the request held several.

        Raises InputError for a payload that cannot be read, and when both payloads hold different numbers of rows.
        """
        try:
            line = self._plain_line(record["captureData"])
        except (KeyError, TypeError, AttributeError):
            line = None
        return self._mixed(record, place) if line is None else (line,)

    def _plain_line(self, data: Mapping[str, Any]) -> str | None:
        """Join payloads that are one line of CSV each, the usual case, at once."""
        texts = []
        for index, commas, _blank in self._plain:
            event = data[index]
            text = event["data"].rstrip("\r\n")
            if event["encoding"] != "CSV" or "\n" in text:
                return None
            if commas is not None and (text.count(",") != commas or '"' in text):
                return None
            texts.append(text)
        return ",".join(texts) if len(texts) == len(data) or self._has_no_more(data) else None

    def _has_no_more(self, data: Mapping[str, Any]) -> bool:
        """Tell that no payload is there that the first records did not have."""
        return bool(self._plain) and not any(data.get(name) for name in self.index_names if name not in self.widths)

    def first_rows(self, record: Mapping[str, Any], place: Callable[[], str]) -> Mapping[str, Row]:
        """Show the first row of each payload that a record has, by its index name."""
        return {half.index: half.rows[0] for half in self.halves(record, place)}

    def halves(self, record: Mapping[str, Any], place: Callable[[], str]) -> list[Half]:
        """Give the payloads that a record has, in order.

        Raises InputError for a record without captureData, and for a payload that cannot be read.
        """
        data = record.get("captureData")
        if not isinstance(data, dict):
            raise InputError(
                f"{place()} has no captureData.",
                'Expected captured traffic: {"captureData": {...}, "eventMetadata": ...}.',
            )
        return [self._half(index, data[index], place) for index in self.index_names if _has_data(data.get(index))]

    def _mixed(self, record: Mapping[str, Any], place: Callable[[], str]) -> Sequence[Row]:
        halves = self.halves(record, place)
        if not halves and not self.widths:
            found = ", ".join(record["captureData"]) or "nothing"
            raise InputError(
                f"{place()} holds {found}, but none of {', '.join(self.index_names)}.",
                "Name a payload that was captured in captureIndexNames of dataset_format.",
            )
        self._refuse_uneven(halves, place)
        self._refuse_mismatch(halves, place)
        count = len(halves[0].rows) if halves else 1
        parts = {half.index: half.rows for half in halves}
        if 0 in self.widths.values() or not all(isinstance(row, str) for half in halves for row in half.rows):
            return [self._named({index: rows[i] for index, rows in parts.items()}, place) for i in range(count)]
        return [self._line({index: str(rows[i]) for index, rows in parts.items()}, place) for i in range(count)]

    def _half(self, index: str, event: Any, place: Callable[[], str]) -> Half:
        def where() -> str:
            return f"{place()}, {index}"

        if not isinstance(event, dict):
            raise InputError(
                f"{where()} is {type(event).__name__}, not an object.", 'Expected {"data": ..., "encoding": ...}.'
            )
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

    def _line(self, parts: Mapping[str, str], place: Callable[[], str]) -> str:
        """Join lines of CSV; a payload that is missing or too short leaves its columns empty."""
        known = [index for index in self.index_names if index in parts or index in self.widths]
        texts = []
        for index in known:
            if index not in parts:
                texts.append("," * (self.widths[index] - 1))
            else:
                texts.append(parts[index] if index == known[-1] else self._fitted(index, parts[index], place))
        return ",".join(texts)

    def _fitted(self, index: str, line: str, place: Callable[[], str]) -> str:
        """Give a payload in front of others as many fields as it has columns."""
        width = self.widths.get(index)
        count = len(split_fields(line))
        if width is None or count == width:
            return line
        if count < width:
            self.left_out["short_rows"] += bool(line)
            return line + "," * (width - count)
        if self.surplus == "error":
            raise InputError(
                f"{place()}, {index} has {count} fields, expected {width}: {line[:80]}.",
                "Mend the record, or set ANALYZER_SURPLUS_FIELDS=drop to drop what is too much.",
            )
        self.left_out["surplus_rows"] += 1
        return join_fields(split_fields(line)[:width])

    def _named(self, parts: Mapping[str, Row], place: Callable[[], str]) -> Mapping[str, Any]:
        """Join named values and lines of CSV, whose fields take the names that were found for them."""
        joined: dict[str, Any] = {}
        at = 0
        for index in self.index_names:
            part, width = parts.get(index), self.widths.get(index, 0)
            if isinstance(part, str):
                fields = split_fields(self._fitted(index, part, place) if width else part)
                names = self.names[at : at + len(fields)] if width else ()
                if len(names) != len(fields):
                    names = tuple(f"_c{at + i}" for i in range(len(fields)))
                joined.update(zip(names, fields, strict=True))
                width = width or len(fields)
            elif part is not None:
                joined.update((f"{index}.{name}" if name in joined else name, value) for name, value in part.items())
            at += width
        return joined


def _has_data(event: Any) -> bool:
    """Tell whether a payload was captured; what is there but makes no sense counts as captured."""
    return bool(event) and not (isinstance(event, dict) and event.get("data") is None)


class _Lines(list[Any]):
    """Values of a JSON Lines payload."""


def _json_value(payload: str, place: Callable[[], str]) -> Any:
    try:
        return parse(payload)
    except ValueError as error:
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
    return join_fields([_json_text(value) if type(value) in NESTED else text_of(value) for value in values])


def _json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _decoded(payload: Any, content_type: str, place: Callable[[], str]) -> tuple[str, str]:
    """Decode a BASE64 payload whose content type says that it is CSV or JSON text."""
    kind = content_type.partition(";")[0].strip().lower()
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
