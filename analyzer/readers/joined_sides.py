"""The two sides of a merge: captured records and labels, each with the id by which it finds its counterpart."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import orjson

from analyzer.errors import InputError
from analyzer.readers.csv_text import encodable
from analyzer.readers.json_files import json_document, json_values, line_blocks
from analyzer.readers.pieces import Piece, PieceReader
from analyzer.readers.reading import PieceReport

TIMES_KEPT = 100_000
BATCH_ID, BATCH_TIME = "SageMakerInferenceId", "SageMakerInferenceTime"
"""What a batch transform appends to what it answers."""
BATCH_FIELDS = re.compile(rb',?\s*"SageMakerInference(?:Id|Time)"\s*:\s*"(?:[^"\\]|\\.)*"')
SAMPLES = 5


class Capture(NamedTuple):
    """A captured record: its label belongs between `head` and `tail`, which are JSON; `time` in seconds since 1970."""

    key: str
    time: int | None
    head: bytes
    tail: bytes


class Label(NamedTuple):
    """A label: the JSON of its `groundTruthData`."""

    key: str
    data: bytes


@dataclass(slots=True)
class Seen:
    """What was met on one side: counts, the place of the first record without an id, and some ids."""

    counts: Counter[str] = field(default_factory=Counter)
    without_id: str = ""
    samples: list[str] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        """Take in what was met by the task that follows."""
        self.counts.update(other.counts)
        self.without_id = self.without_id or other.without_id
        self.samples = [*dict.fromkeys(self.samples + other.samples)][:SAMPLES]

    def note(self, key: str, place: Callable[[], str]) -> bool:
        """Count a record, and tell whether it has an id."""
        self.counts["records"] += 1
        if not key:
            self.counts["without_id"] += 1
            self.without_id = self.without_id or place()
        elif len(self.samples) < SAMPLES and key not in self.samples:
            self.samples.append(key)
        return bool(key)


class Clock:
    """Reads times and tells which are in the window [start, end), in seconds since 1970."""

    def __init__(self, start: datetime | None, end: datetime | None) -> None:
        self._start = start.timestamp() if start else float("-inf")
        self._end = end.timestamp() if end else float("inf")
        self._known: dict[str, float | None] = {}

    def read(self, text: Any) -> float | None:
        """Read ISO 8601; None for anything else. Captures share their seconds, so what was read is remembered."""
        if text.__class__ is not str:
            return None
        if text not in self._known:
            if len(self._known) > TIMES_KEPT:
                self._known.clear()
            self._known[text] = _seconds(text)
        return self._known[text]

    def holds(self, time: float | None, counts: Counter[str]) -> bool:
        """Tell whether to keep a record, and count it where that is worth telling; one without a time is kept."""
        if time is None:
            counts["untimed"] += 1
            return True
        if self._start <= time < self._end:
            return True
        counts["outside_window"] += 1
        return False


def _seconds(text: str) -> float | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


# --- labels -----------------------------------------------------------------------------------------------------------


def read_labels(piece: Piece, seen: Seen) -> Iterator[Label]:
    """Yield the labels of a piece of a JSON Lines file that have an id.

    Raises InputError for a line that is no label.
    """
    report = PieceReport(piece)
    for block in line_blocks(piece, report):
        for value in json_values(block, report):
            data = value.get("groundTruthData") if value.__class__ is dict else None
            if data.__class__ is not dict:
                raise InputError(
                    f"{report.name_last_line()} is no label.",
                    'Expected {"groundTruthData":{"data":...,"encoding":...},"eventMetadata":{"eventId":...}} on each'
                    " line below ground_truth_source.",
                )
            key = _text_of(_metadata(value).get("eventId"))
            if seen.note(key, report.name_last_line):
                yield Label(key, encoded(data))


def _metadata(record: dict[str, Any]) -> dict[str, Any]:
    found = record.get("eventMetadata")
    return found if found.__class__ is dict else {}


def _text_of(key: Any) -> str:
    """Give an id as text; numbers by their digits, anything else is none."""
    if key.__class__ is str:
        return key
    return str(key) if key.__class__ in {int, float} else ""


def encoded(value: Any) -> bytes:
    """Write JSON in one line with the keys in the order of the alphabet, as the original does."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # lone surrogates, integers beyond 64 bits
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


# --- captures ---------------------------------------------------------------------------------------------------------


def read_captures(
    piece: Piece, kind: Literal["lines", "document", "csv"], clock: Clock, seen: Seen
) -> Iterator[Capture]:
    """Yield the captured records of a piece that are in the window and have an id.

    Records of endpoints and of batch transforms may stand in one file. Raises InputError for what is neither.
    """
    report = PieceReport(piece)
    if kind == "csv":
        yield from _read_rows(piece, report, clock, seen)
        return
    place = report.name_last_line if kind == "lines" else report.name_last_record
    for value, text in _lines(piece, report) if kind == "lines" else _values(piece, report):
        if value.__class__ is not dict or not _is_captured(value):
            raise _no_capture(place())
        if "captureData" in value:
            found = _of_endpoint(value, clock, seen, place)
        else:
            found = _of_batch(value, text, clock, seen, place)
        if found is not None:
            yield found


def _lines(piece: Piece, report: PieceReport) -> Iterator[tuple[Any, bytes]]:
    for block in line_blocks(piece, report):
        lines = block.removesuffix(b"\n").split(b"\n")
        first = report.records
        for value in json_values(block, report):
            yield value, lines[report.records - first - 1]


def _values(piece: Piece, report: PieceReport) -> Iterator[tuple[Any, bytes]]:
    for value in json_document(piece.path, report):
        report.records += 1
        yield value, encoded(value) if value.__class__ is not dict else orjson.dumps(value)


def _is_captured(value: dict[str, Any]) -> bool:
    return value.get("captureData").__class__ is dict or ("captureData" not in value and BATCH_ID in value)


def _no_capture(place: str) -> InputError:
    return InputError(
        f"{place} is no captured record.",
        'Expected {"captureData":{...},"eventMetadata":{...}} of an endpoint, or what a batch transform with '
        f"GenerateInferenceId answered, with {BATCH_ID}.",
    )


def _of_endpoint(record: dict[str, Any], clock: Clock, seen: Seen, place: Callable[[], str]) -> Capture | None:
    metadata = _metadata(record)
    time = clock.read(metadata.get("inferenceTime"))
    if not clock.holds(time, seen.counts):
        return None
    key = _text_of(metadata.get("inferenceId")) or _text_of(metadata.get("eventId"))
    if not seen.note(key, place):
        return None
    version = record.get("eventVersion", "0")
    head = b'{"eventVersion":"0","groundTruthData":'
    if version != "0":
        head = b'{"eventVersion":%b,"groundTruthData":' % encoded(version)
    rest = encoded({"captureData": record["captureData"], "eventMetadata": metadata})
    return Capture(key, None if time is None else int(time), head, b"," + rest[1:])


# --- batch transforms -------------------------------------------------------------------------------------------------


def _of_batch(
    record: dict[str, Any], text: bytes, clock: Clock, seen: Seen, place: Callable[[], str]
) -> Capture | None:
    time = clock.read(record.get(BATCH_TIME))
    if not clock.holds(time, seen.counts):
        return None
    key = _text_of(record.get(BATCH_ID))
    return _answered(key, time, _without_fields(record, text), "JSON") if seen.note(key, place) else None


def _without_fields(record: dict[str, Any], text: bytes) -> str:
    """Take the two appended fields out of a record's text and leave all else as it was written."""
    rest = {name: value for name, value in record.items() if name not in {BATCH_ID, BATCH_TIME}}
    cut = re.sub(rb"^\s*\{\s*,\s*", b"{", BATCH_FIELDS.sub(b"", text.strip()))
    try:
        if orjson.loads(cut) == rest:
            return cut.decode()
    except orjson.JSONDecodeError:
        pass
    exact = {k: v for k, v in json.loads(encodable(text)[0]).items() if k in rest}
    return json.dumps(exact, ensure_ascii=False, separators=(",", ":"))


def _answered(key: str, time: float | None, data: str, encoding: str) -> Capture:
    head = b'{"eventMetadata":%b,"eventVersion":"0","groundTruthData":' % encoded({"eventId": key})
    tail = b',"captureData":{"batchTransformOutput":%b}}' % encoded({"data": data, "encoding": encoding})
    return Capture(key, None if time is None else int(time), head, tail)


def _read_rows(piece: Piece, report: PieceReport, clock: Clock, seen: Seen) -> Iterator[Capture]:
    """Read CSV whose last two fields are id and time; the others are left as they were written."""
    for row in _rows(piece, report):
        parts = row.rsplit(",", 2)
        key, time = (part.strip().strip('"') for part in (parts[-2:] if len(parts) == 3 else ("", "")))
        if (key, time) == (BATCH_ID, BATCH_TIME):
            continue
        seconds = clock.read(time)
        if len(parts) < 3 or seconds is None:
            raise InputError(
                f"{report.name_last_line()} does not end with an id and a time of its inference.",
                "Captures in CSV are what a batch transform with GenerateInferenceId answered: its last two columns "
                f"are {BATCH_ID} and {BATCH_TIME}.",
            )
        if clock.holds(seconds, seen.counts) and seen.note(key, report.name_last_line):
            yield _answered(key, seconds, parts[0], "CSV")


def _rows(piece: Piece, report: PieceReport) -> Iterator[str]:
    """Yield the records of a whole CSV file that are not blank; `report.records` counts lines."""
    for block in PieceReader(piece, quoted=True).blocks():
        for row, lines in _split(encodable(block)[0].decode().removesuffix("\n").split("\n")):
            report.records += lines
            if row.strip():
                yield row.removesuffix("\r")


def _split(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Put lines together that a quoted field spans, and say how many they were."""
    held: list[str] = []
    quotes = 0
    for line in lines:
        held.append(line)
        quotes += line.count('"')
        if quotes % 2 == 0:
            yield "\n".join(held), len(held)
            held, quotes = [], 0
    if held:
        yield "\n".join(held), len(held)
