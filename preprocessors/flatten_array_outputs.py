"""Give every number or text inside arrays and nested objects a column of its own; one record stays one row.

A response `[1.0, 2.1]` to a request `5,7` becomes the columns 0_output_0000, 0_output_0001, 1_input_0000, 1_input_0001:
outputs first, then inputs, positions padded with zeros so that the columns keep this order when keys are sorted.

FLATTEN_PARTS         output,input  which halves of captured traffic become columns
FLATTEN_INDEX_DIGITS  4             width of a position; 4 orders up to 10,000 values
HEADER_NAME           (none)        batch CSV: drop the line whose first field is this name

Captured CSV (one row a line), JSON and JSON Lines bodies, BASE64 of either; batch CSV lines (arrays as quoted JSON in a
field, columns 0000, 0001, ...); batch JSON objects (columns by path, key_0000).
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from typing import Any

PARTS = [part.strip() for part in os.environ.get("FLATTEN_PARTS", "output,input").split(",")]
DIGITS = int(os.environ.get("FLATTEN_INDEX_DIGITS", "4"))
HEADER_NAME = os.environ.get("HEADER_NAME", "")

if not {"output", "input"}.issuperset(PARTS):
    raise ValueError(f"FLATTEN_PARTS may name output and input, not {','.join(PARTS)!r}")


def preprocess_handler(inference_record: Any) -> Any:
    if isinstance(inference_record, str):
        return _line(inference_record)
    if isinstance(inference_record, dict):
        return _flat(inference_record, "")
    return _record(inference_record)


def _line(line: str) -> Any:
    fields = next(csv.reader([line.rstrip("\r\n")]), [])
    if HEADER_NAME and fields[:1] == [HEADER_NAME]:
        return []
    return _flat([_array_or_text(field) for field in fields], "")


def _array_or_text(field: str) -> Any:
    if field.lstrip().startswith(("[", "{")):
        try:
            return json.loads(field)
        except ValueError:
            return field
    return field


def _record(record: Any) -> list[dict[str, Any]]:
    output = record.endpoint_output or record.batch_transform_output
    rows = []
    if "output" in PARTS and output is not None:
        rows.append([_flat(value, "0_output") for value in _rows(output)])
    if "input" in PARTS and record.endpoint_input is not None:
        rows.append([_flat(value, "1_input") for value in _rows(record.endpoint_input)])
    if len({len(half) for half in rows}) > 1:
        raise ValueError(f"the response has {len(rows[0])} rows and the request {len(rows[1])}: they cannot be paired")
    return [{key: value for half in halves for key, value in half.items()} for halves in zip(*rows, strict=True)]


def _rows(part: Any) -> list[Any]:
    """Read a body: a list with one value (array, object, scalar) for each row in it."""
    text = _text(part).strip()
    if part.encoding == "JSON" or text.startswith(("[", "{")):
        return _documents(text)
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row]


def _text(part: Any) -> str:
    if part.encoding == "BASE64":
        return base64.b64decode(part.data).decode("utf-8")
    return str(part.data or "")


def _documents(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def _flat(value: Any, path: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    _collect(value, path, flat)
    return flat


def _collect(value: Any, path: str, flat: dict[str, Any]) -> None:
    """Put every number or text inside `value` into `flat` under its path."""
    for name, inner in _inside(value):
        _collect(inner, f"{path}_{name}" if path else name, flat)
    if isinstance(value, dict | list):
        return
    if path in flat:
        raise ValueError(f"two values would share the column {path!r}: rename a key")
    flat[path] = value


def _inside(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(str(key), inner) for key, inner in value.items()]
    if isinstance(value, list):
        return [(f"{position:0{DIGITS}d}", inner) for position, inner in enumerate(value)]
    return []
