"""Captured, merged and other JSON records to rows of named features with their label and prediction."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analyzer.analyzers.table import Batch
from analyzer.dataset_formats import CaptureFormat, JsonFormat
from analyzer.errors import ConfigError, InputError
from analyzer.jsonlayout import parse
from analyzer.preprocess import WRAPPERS, flatten_json
from analyzer.readers.batches import RowBuilder
from analyzer.readers.capture_files import captured_records, window_of
from analyzer.readers.csv_text import split_fields, split_records
from analyzer.readers.json_files import json_document, json_lines, json_values, line_blocks
from analyzer.readers.json_paths import find_value
from analyzer.readers.pieces import Piece
from analyzer.readers.reading import ROWS_AT_ONCE, Fields, PieceReport, Place, Reading

INPUT, OUTPUT, TRANSFORMED, ANSWER = "endpointInput", "endpointOutput", "batchTransformOutput", "SageMakerOutput"
Named = dict[str, Any]


def read_analysis_records(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a piece of captures, merged records or JSON, a column for each feature, label and prediction.

    Raises InputError for a record without features, or whose labels or predictions are not as many as its rows.
    """
    fields = reading.fields
    assert fields is not None
    finder = _Finder(fields, report.name_last_line)
    rows = RowBuilder(piece.path)
    captured = isinstance(reading.dataset_format, CaptureFormat)
    for value in _records(piece, reading, report):
        for row in finder.of_capture(value) if captured else finder.of_value(value):
            rows.add(row, report.records)
        if rows.count >= ROWS_AT_ONCE:
            yield rows.take()
    if rows.count:
        yield rows.take()


def _records(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Any]:
    if isinstance(reading.dataset_format, CaptureFormat):
        window = window_of(reading, report)
        for block in line_blocks(piece, report):
            yield from captured_records(json_values(block, report), window, report)
    elif isinstance(reading.dataset_format, JsonFormat) and not reading.dataset_format.lines:
        report.records += 1
        values = json_document(piece.path, report)
        yield values if len(values) != 1 else values[0]
    else:
        yield from json_lines(piece, report)


class _Finder:
    """Finds the rows of a record."""

    def __init__(self, fields: Fields, place: Place) -> None:
        self._fields = fields
        self._place = place
        self._names: dict[int, tuple[str, ...]] = {}
        at_first = fields.label in {None, "0"} and fields.prediction in {None, "0"} and fields.score in {None, "0"}
        self._plain = at_first and fields.outcome and fields.features is None
        """Whether records of one value of CSV for label and answer, the usual case, can be taken at once."""

    def of_value(self, value: Any) -> list[Named]:
        """Give the rows of a JSON value whose parts stand at JMESPaths."""
        fields = self._fields
        rows = self._named(_rows_of(_found(value, str(fields.features), "features")), fields.features)
        if fields.outcome:
            self._add(rows, fields.label_name, self._all(value, fields.label, "label"))
            if fields.prediction is not None or fields.score is not None:
                self._add(rows, fields.prediction_name, self._predictions(value))
        return rows

    def of_capture(self, record: Mapping[str, Any]) -> list[Named]:
        """Give the rows of a captured or merged record."""
        if self._plain and (row := self._plain_row(record)) is not None:
            return [row]
        captured = record.get("captureData")
        if not isinstance(captured, dict):
            raise InputError(
                f"{self._place()} has no captureData.",
                'Expected captured traffic: {"captureData": {...}, "eventMetadata": ...}.',
            )
        rows = self._inputs(captured)
        if self._fields.outcome:
            self._add(rows, self._fields.label_name, self._labels(record.get("groundTruthData")))
            self._add(rows, self._fields.prediction_name, self._outputs(captured))
        return rows

    def _plain_row(self, record: Mapping[str, Any]) -> Named | None:
        """Take one line of CSV with one value as label and one as answer; None where a record holds anything else."""
        try:
            captured, label = record["captureData"], record["groundTruthData"]
            request, answer = captured[INPUT], captured[OUTPUT]
            if not request["encoding"] == answer["encoding"] == label["encoding"] == "CSV":
                return None
            text, told, found = request["data"].rstrip("\r\n"), label["data"].strip(), answer["data"].strip()
            joined = f"{told}{found}"
            if '"' in text or "\n" in text or "," in joined or '"' in joined or "\n" in joined or not told or not found:
                return None
            values = text.split(",")
            row: Named = dict(zip(self._names[len(values)], values, strict=True))
            fields = self._fields
            predicted = found if fields.prediction is not None else "01"[float(found) > fields.threshold]
        except (KeyError, TypeError, AttributeError, ValueError):
            return None
        row[fields.label_name], row[fields.prediction_name] = told, predicted
        return row

    # --- features

    def _inputs(self, captured: Mapping[str, Any]) -> list[Named]:
        wanted = self._fields.payload
        name = wanted if _has_data(captured.get(wanted)) else TRANSFORMED
        payload = self._payload(captured.get(name), name)
        path = self._fields.features
        if isinstance(payload, _Csv):
            return self._named(payload, path)
        if path is not None:
            return self._named(_rows_of(_found(payload, path, "features")), path)
        if name == TRANSFORMED and isinstance(payload, dict):
            payload = {key: value for key, value in payload.items() if key != ANSWER}
        return self._named(_rows_of(_unwrapped(payload)), path)

    def _named(self, rows: Sequence[Any], path: str | None) -> list[Named]:
        if not rows:
            raise InputError(
                f"{self._place()} holds no features{f' at {path}' if path else ''}.",
                "Say where they are in features_attribute or in features of analysis_config.json, as a JMESPath.",
            )
        return [self._named_row(row) for row in rows]

    def _named_row(self, row: Any) -> Named:
        if isinstance(row, dict):
            return dict(flatten_json(row, strict=False, place=self._place))
        values = row if isinstance(row, list) else [row]
        width = len(values)
        if width not in self._names:
            self._names[width] = names_for(width, self._fields, self._place)
        return dict(zip(self._names[width], values, strict=True))

    def _payload(self, event: Any, name: str) -> Any:
        if not isinstance(event, dict) or event.get("data") is None:
            raise InputError(
                f"{self._place()}: captureData holds no {name}.", "Capture requests and responses, or merge them anew."
            )
        data, encoding = event["data"], str(event.get("encoding", "CSV")).upper()
        if encoding == "BASE64":
            data, encoding = self._decoded(data), "JSON" if "json" in str(event.get("observedContentType")) else "CSV"
        if encoding == "CSV" and isinstance(data, str):
            return _Csv(split_fields(line) for line in split_records(data) if line.strip())
        return self._json(data)

    def _decoded(self, data: Any) -> str:
        try:
            return b64decode(data, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError, TypeError) as error:
            raise InputError(f"{self._place()} is not BASE64 of text: {error}.", "Use CSV or JSON payloads.") from error

    def _json(self, data: Any) -> Any:
        try:
            return parse(data) if isinstance(data, str) else data
        except ValueError as error:
            values = [line for line in data.splitlines() if line.strip()]
            if len(values) > 1:
                return [self._json(line) for line in values]
            raise InputError(
                f"{self._place()}: encoding is JSON, but the data is not: {error}.", "Mend or remove the record."
            ) from error

    # --- labels

    def _labels(self, event: Any) -> list[Any] | None:
        if not _has_data(event):
            return None
        payload = self._payload(event, "groundTruthData")
        path = self._fields.label
        if isinstance(payload, _Csv):
            at = int(path) if path is not None and path.isdecimal() else 0
            return [_field(row, at) for row in payload]
        found = _found(payload, path, "label") if path is not None else None
        return _listed(_only_values(payload) if found is None else found)

    # --- predictions

    def _outputs(self, captured: Mapping[str, Any]) -> list[Any] | None:
        name = OUTPUT if _has_data(captured.get(OUTPUT)) else TRANSFORMED
        if not _has_data(captured.get(name)):
            return None
        payload = self._payload(captured[name], name)
        if isinstance(payload, _Csv):
            return self._of_lines(payload, last=name == TRANSFORMED)
        found = self._predictions(payload)
        if found is None and isinstance(payload, dict) and ANSWER in payload:
            found = self._predictions(self._json(payload[ANSWER]))
        if found is None and self._fields.prediction is None and self._fields.score is None:
            found = self._judged(_listed(_only_values(payload)))
        return found

    def _of_lines(self, lines: Sequence[list[str | None]], *, last: bool) -> list[Any]:
        """Read predictions from CSV: the field that is named, else the only score of the answer."""
        fields = self._fields
        if fields.prediction is not None:
            return [_field(line, self._index(fields.prediction, "inference_attribute", line)) for line in lines]
        if fields.score is not None:
            at = [self._index(fields.score, "probability_attribute", line) for line in lines]
            return self._judged([_field(line, i) for line, i in zip(lines, at, strict=True)])
        return self._judged([line[-1] if last else line[0] if len(line) == 1 else line for line in lines])

    def _index(self, attribute: str, variable: str, line: Sequence[str | None]) -> int:
        if not attribute.isdecimal() or int(attribute) >= len(line):
            shown = ", ".join(map(str, line[:5]))
            raise InputError(
                f"{variable} is {attribute!r}, but {self._place()} holds {len(line)} fields: {shown}.",
                f"Payloads of CSV have no names: expected a 0-based index from 0 to {len(line) - 1}.",
            )
        return int(attribute)

    def _predictions(self, value: Any) -> list[Any] | None:
        found = self._all(value, self._fields.prediction, "predicted label")
        if found is not None or self._fields.prediction is not None:
            return found
        scores = self._all(value, self._fields.score, "probability")
        return None if scores is None else self._judged(scores)

    def _all(self, value: Any, path: str | None, what: str) -> list[Any] | None:
        return None if path is None or (found := _found(value, path, what)) is None else _listed(found)

    def _judged(self, scores: Sequence[Any]) -> list[Any]:
        """Make labels of scores: 1 above the threshold, or of several the class of the largest."""
        if len(scores) > 1 and self._fields.class_names and not any(isinstance(each, list) for each in scores):
            scores = [list(scores)] if len(scores) == len(self._fields.class_names) else scores
        return [self._judge(score) for score in scores]

    def _judge(self, score: Any) -> Any:
        if score is None or score == "":
            return None
        if isinstance(score, list):
            numbers = [self._number(each) for each in score]
            best = max(range(len(numbers)), key=numbers.__getitem__)
            return self._fields.class_names[best] if best < len(self._fields.class_names) else best
        return int(self._number(score) > self._fields.threshold)

    def _number(self, value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError):
            raise InputError(
                f"{self._place()}: the model's answer {str(value)[:60]!r} is no score.",
                "Say where the predicted label stands in inference_attribute, or the score in probability_attribute.",
            ) from None

    def _add(self, rows: list[Named], name: str, values: list[Any] | None) -> None:
        """Put values beside rows, by position; without values the column is missing in them."""
        values = [None] * len(rows) if values is None else values
        if len(values) != len(rows):
            raise InputError(
                f"{self._place()} holds {len(rows)} rows of features, but {len(values)} values of {name}.",
                "Every row needs one of its own; mend the record or the attribute that names them.",
            )
        for row, value in zip(rows, values, strict=True):
            row[name] = value


class _Csv(list[list[str | None]]):
    """The fields of each line of a CSV payload."""


def names_for(width: int, fields: Fields, place: Place) -> tuple[str, ...]:
    """Name features that have only places: by the headers, without label and prediction where those do not fit.

    Raises ConfigError where the headers are of another number.
    """
    headers = fields.headers
    if not headers:
        return tuple(f"column_{i}" for i in range(width))
    outcome = (fields.label_name, fields.prediction_name)
    bare = tuple(name for name in headers if name not in outcome)
    unlabelled = tuple(name for name in headers if name != fields.label_name)
    for names in (headers, unlabelled, bare, (*bare, fields.prediction_name)):
        if len(names) == width:
            return names
    raise ConfigError(
        f"headers of analysis_config.json names {len(bare)} features, but {place()} holds {width} values.",
        "Name the features in the order in which they stand in the records.",
    )


def _rows_of(found: Any) -> list[Any]:
    """Take a list of rows, or one row."""
    if not isinstance(found, list):
        return [] if found is None else [found]
    several = found and all(isinstance(each, list | dict) for each in found)
    return [_alone(each) for each in found] if several else [found] if found else []


def _alone(row: Any) -> Any:
    """Take the list out of `{"features": [...]}`."""
    if isinstance(row, dict) and len(row) == 1 and isinstance(inner := next(iter(row.values())), list):
        return inner
    return row


def _unwrapped(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        name, inner = next(iter(value.items()))
        return inner if name in WRAPPERS or isinstance(inner, list) else value
    return value


def _only_values(value: Any) -> Any:
    """Take the only value of each object, wrapped as it may be; objects of several values are left as they are."""
    if isinstance(value, dict):
        return _only_values(next(iter(value.values()))) if len(value) == 1 else value
    return [_only_values(each) for each in value] if isinstance(value, list) else value


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _field(row: Sequence[str | None], at: int) -> str | None:
    return ((row[at] or "").strip() or None) if at < len(row) else None


def _has_data(event: Any) -> bool:
    return isinstance(event, dict) and event.get("data") is not None


def _found(value: Any, path: str, what: str) -> Any:
    return find_value(value, path, f"The place of the {what}")
