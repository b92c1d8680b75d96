"""Turn JSON that holds many instances or predictions into one flat row for each of them.

A request {"instances": [{"age": 30}, {"age": 40}]} and its response {"predictions": [{"score": 0.1}, {"score": 0.7}]}
become two rows with the columns 0_output_score and 1_input_age; what is nested in an instance becomes columns by path
(1_input_address_city, 1_input_features_0003). Outputs sort before inputs; positions are padded with zeros.

EXPLODE_INPUT_KEY   instances,inputs,data   keys whose array holds the rows of a request, first match wins
EXPLODE_OUTPUT_KEY  predictions,outputs,results,data  the same for a response
EXPLODE_SEPARATOR   _                       what joins the parts of a path

Where no key matches, an array is exploded as it is, JSON Lines bodies give a row a line, and anything else is one row.
Values beside the array are repeated in each of its rows. Captured JSON bodies, or BASE64 of them; batch JSON objects
(without 0_output and 1_input in front, unless a batch transform joined its output to the input under SageMakerOutput);
batch lines that are JSON. Bodies that are CSV count as one row a line.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from typing import Any

INPUT_KEYS = os.environ.get("EXPLODE_INPUT_KEY", "instances,inputs,data").split(",")
OUTPUT_KEYS = os.environ.get("EXPLODE_OUTPUT_KEY", "predictions,outputs,results,data").split(",")
SEPARATOR = os.environ.get("EXPLODE_SEPARATOR", "_")
DIGITS = 4  # positions in arrays: 0000 to 9999 in order
JOINED = "SageMakerOutput"  # where a batch transform with join_source="Input" puts the output


def preprocess_handler(inference_record: Any) -> Any:
    if isinstance(inference_record, str):
        is_json = inference_record.lstrip().startswith(("{", "["))
        return _batch(json.loads(inference_record)) if is_json else inference_record
    if isinstance(inference_record, dict):
        return _batch(inference_record)
    return _captured(inference_record)


def _captured(record: Any) -> list[dict[str, Any]]:
    output = record.endpoint_output or record.batch_transform_output
    if output is not None and output.encoding == "JSON" and f'"{JOINED}"' in output.data:
        return [row for document in _documents(output.data) for row in _transformed(document)]
    halves = []
    if output is not None:
        halves.append([_flat(row, "0_output") for row in _body_rows(output, OUTPUT_KEYS)])
    if record.endpoint_input is not None:
        halves.append([_flat(row, "1_input") for row in _body_rows(record.endpoint_input, INPUT_KEYS)])
    return _paired(halves)


def _batch(document: Any) -> list[dict[str, Any]]:
    """Explode an object that may hold instances, predictions or both side by side."""
    if not isinstance(document, dict):
        return [_flat(row, "") for row in _rows(document, [])]
    if JOINED in document:
        return _transformed(document)
    keys = [key for key in (_match(document, INPUT_KEYS), _match(document, OUTPUT_KEYS)) if key]
    beside = _flat({key: value for key, value in document.items() if key not in keys}, "")
    exploded = _paired(
        [[_flat(row, "" if isinstance(row, dict) else key) for row in document[key]] for key in dict.fromkeys(keys)]
    )
    return [_united(beside, row) for row in exploded] if keys else [beside]


def _transformed(document: Any) -> list[dict[str, Any]]:
    """Explode what a batch transform joined: its output under one key of the input."""
    request = {key: value for key, value in document.items() if key != JOINED}
    outputs = [_flat(row, "0_output") for row in _rows(document[JOINED], OUTPUT_KEYS)]
    return _paired([outputs, [_flat(row, "1_input") for row in _rows(request, INPUT_KEYS)]])


def _paired(halves: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    if len({len(half) for half in halves}) > 1:
        raise ValueError(f"arrays of {len(halves[0])} and of {len(halves[1])} rows cannot be paired")
    return [_united(*rows) for rows in zip(*halves, strict=True)]


def _united(*rows: dict[str, Any]) -> dict[str, Any]:
    united: dict[str, Any] = {}
    for row in rows:
        for key, value in row.items():
            _put(key, value, united)
    return united


def _body_rows(part: Any, keys: list[str]) -> list[Any]:
    text = base64.b64decode(part.data).decode("utf-8") if part.encoding == "BASE64" else str(part.data or "")
    if part.encoding == "CSV" and not text.lstrip().startswith(("{", "[")):
        return [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    return [row for document in _documents(text) for row in _rows(document, keys)]


def _documents(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError:  # JSON Lines
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def _rows(document: Any, keys: list[str]) -> list[Any]:
    if isinstance(document, list):
        return document
    key = _match(document, keys)
    if key is None:
        return [document]
    beside = {name: value for name, value in document.items() if name != key}
    return [{**beside, **(row if isinstance(row, dict) else {key: row})} for row in document[key]]


def _match(document: Any, keys: list[str]) -> str | None:
    if not isinstance(document, dict):
        return None
    return next((key for key in keys if isinstance(document.get(key), list)), None)


def _flat(value: Any, path: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    _collect(value, path, flat)
    return flat


def _collect(value: Any, path: str, flat: dict[str, Any]) -> None:
    for name, inner in _inside(value):
        _collect(inner, f"{path}{SEPARATOR}{name}" if path else name, flat)
    if not isinstance(value, dict | list):
        _put(path or "value", value, flat)


def _inside(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(str(key), inner) for key, inner in value.items()]
    if isinstance(value, list):
        return [(f"{position:0{DIGITS}d}", inner) for position, inner in enumerate(value)]
    return []


def _put(key: str, value: Any, row: dict[str, Any]) -> None:
    if key in row:
        raise ValueError(f"two values would share the column {key!r}: rename a key or change EXPLODE_SEPARATOR")
    row[key] = value
