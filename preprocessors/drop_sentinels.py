"""Turn values that stand for "missing", such as -1 or 999, into missing values, out of the statistics.

Values compare as numbers where both are numbers (-1, "-1" and -1.0 are one value) and as text otherwise.

SENTINELS         -1      values that stand for missing in every column, comma-separated
SENTINEL_COLUMNS  {}      columns with values of their own, JSON: {"age": [0, 999], "3": ["unknown"], "score": []}
SENTINEL_PARTS    input   which halves of captured traffic are searched: input, output or input,output
HEADER_NAME       (none)  batch CSV: drop the line whose first field is this name

Columns are named by JSON key or by position from 0 in a CSV line or body. Captured records come back as the record
itself with its body rewritten, so names, nesting and column order stay as they are without a script; batch CSV lines
come back as columns 00000, 00001, ...; batch JSON objects keep their keys. Bodies in BASE64 pass untouched.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from typing import Any


def _sentinel(value: Any) -> Any:
    """Give the form in which values compare: a number where the value is one, else its text."""
    if isinstance(value, bool) or value is None:
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return value
    return "nan" if math.isnan(number) else number


EVERYWHERE = {_sentinel(value.strip()) for value in os.environ.get("SENTINELS", "-1").split(",") if value.strip()}
BY_COLUMN = {
    column: {_sentinel(value) for value in values}
    for column, values in json.loads(os.environ.get("SENTINEL_COLUMNS", "{}")).items()
}
PARTS = [part.strip() for part in os.environ.get("SENTINEL_PARTS", "input").split(",")]
HEADER_NAME = os.environ.get("HEADER_NAME", "")

if not {"output", "input"}.issuperset(PARTS):
    raise ValueError(f"SENTINEL_PARTS may name input and output, not {','.join(PARTS)!r}")


def preprocess_handler(inference_record: Any) -> Any:
    if isinstance(inference_record, str):
        return _line(inference_record)
    if isinstance(inference_record, dict):
        return _cleaned(inference_record, "")
    for part in PARTS:
        _clean_body(getattr(inference_record, f"endpoint_{part}"))
    return inference_record


def _line(line: str) -> Any:
    fields = next(csv.reader([line.rstrip("\r\n")]), [])
    if HEADER_NAME and fields[:1] == [HEADER_NAME]:
        return []
    return {f"{position:05d}": _kept(field, str(position)) for position, field in enumerate(fields)}


def _kept(value: Any, column: str) -> Any:
    """Give the value, or None where it stands for missing in this column."""
    sentinels = BY_COLUMN.get(column, EVERYWHERE)
    return None if _sentinel(value) in sentinels and not isinstance(value, bool) else value


def _cleaned(value: Any, column: str) -> Any:
    """Clean a JSON value; `column` is the nearest key, or the position in an array that has none."""
    if isinstance(value, dict):
        return {key: _cleaned(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner, str(position)) for position, inner in enumerate(value)]
    return _kept(value, column)


def _clean_body(part: Any) -> None:
    if part is None or not isinstance(part.data, str):
        return
    if part.encoding == "CSV":
        part.data = _clean_csv(part.data)
    elif part.encoding == "JSON":
        part.data = _clean_json(part.data)


def _clean_csv(body: str) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    for row in csv.reader(io.StringIO(body, newline="")):
        writer.writerow([_kept(field, str(position)) for position, field in enumerate(row)])
    text = written.getvalue()
    return text if body.endswith("\n") else text.removesuffix("\n")


def _clean_json(body: str) -> str:
    try:
        return _json(json.loads(body))
    except ValueError:  # several documents, one a line
        return "\n".join(_json(json.loads(line)) for line in body.splitlines() if line.strip())


def _json(document: Any) -> str:
    return json.dumps(_cleaned(document, ""), ensure_ascii=False)
