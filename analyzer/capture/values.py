"""Arguments and results of functions to bodies."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson

from analyzer.capture.events import Body

CSV = "text/csv"
JSON = "application/json"
BYTES = "application/octet-stream"


def answer_to(request: Body | None, value: Any, content_type: str | None = None) -> Body:
    """Write a result down as `body_of` does; as many numbers as the request has rows are a column, not a row."""
    rows = len(request.content.splitlines()) if request is not None and _is_csv(request.content_type) else 1
    listed = _plain(value)
    if rows > 1 and isinstance(listed, list | tuple) and len(listed) == rows and not _is_nested(listed):
        value = [[each] for each in listed] if _is_csv(content_type or CSV) else listed
    return body_of(value, content_type)


def body_of(value: Any, content_type: str | None = None) -> Body:
    """Write a value down as it is now: whoever has it may change it later.

    Without a content type, bytes are taken as they are, text is CSV, objects (or lists of them) are JSON, and all else
    is rows of CSV: data frames, arrays, lists of rows or of numbers (one row), or a single value.

    Raises TypeError or ValueError for what cannot be written down so.
    """
    if isinstance(value, Body):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return Body(bytes(value), content_type or BYTES)
    if isinstance(value, str):
        return Body(value.encode(), content_type or CSV)
    chosen = content_type or (JSON if _is_objects(value) else CSV)
    return Body(_as_csv(value) if _is_csv(chosen) else _as_json(value), chosen)


def _is_csv(content_type: str | None) -> bool:
    return content_type is not None and content_type.partition(";")[0].strip().lower() == CSV


def _is_nested(values: Any) -> bool:
    return any(isinstance(_plain(each), list | tuple | dict) for each in values)


def _is_objects(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _as_json(value: Any) -> bytes:
    if hasattr(value, "to_dicts"):  # a data frame of polars
        value = value.to_dicts()
    elif hasattr(value, "to_csv") and hasattr(value, "columns"):  # one of pandas
        value = value.to_dict("records")
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def _as_csv(value: Any) -> bytes:
    """Write rows without a header, as models are sent them."""
    if hasattr(value, "write_csv"):
        return str(value.write_csv(include_header=False)).encode()
    if hasattr(value, "to_csv"):
        return str(value.to_csv(index=False, header=False)).encode()
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_rows(_plain(value)))
    return text.getvalue().encode()


def _rows(value: Any) -> list[list[Any]]:
    """Take a value for rows: several where its first item is one, else a single row."""
    if isinstance(value, dict):
        return [list(value.values())]
    if not isinstance(value, list | tuple):
        return [[value]]
    rows = [_plain(each) for each in value]
    if rows and isinstance(rows[0], dict):
        return [list(row.values()) for row in rows]
    return [list(row) for row in rows] if rows and isinstance(rows[0], list | tuple) else [rows]


def _plain(value: Any) -> Any:
    """Give arrays, series and their items as lists and numbers of Python."""
    for name in ("tolist", "to_list"):
        if hasattr(value, name):
            return getattr(value, name)()
    return value
