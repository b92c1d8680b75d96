"""methods.shap.baseline to rows: listed, as objects in the shape of the data, or read from a place."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from analyzer.errors import ConfigError
from analyzer.jsonlayout import parse

KEY = "methods.shap.baseline"


def rows_in(baseline: Any, path: str | None, names: Sequence[str]) -> list[Any]:
    """Find the rows in a baseline: lists of values, or objects with the features; `path` leads to them in the data.

    Raises ConfigError where there are none.
    """
    if isinstance(baseline, Mapping):
        return _in_object(baseline, path, names)
    listed = list(baseline)
    if listed and not any(isinstance(each, list | tuple | Mapping) for each in listed):
        return [listed]  # one row, not put into a list
    found: list[Any] = []
    for each in listed:
        found += _in_object(each, path, names) if isinstance(each, Mapping) else [each]
    return found


def _in_object(document: Mapping[str, Any], path: str | None, names: Sequence[str]) -> list[Any]:
    if all(name in document for name in names):
        return [document]
    found = _searched(document, path) if path else next(iter(document.values())) if len(document) == 1 else None
    if not isinstance(found, list | Mapping) or not found:
        missing = [name for name in names if name not in document][:10]
        raise ConfigError(
            f"{KEY}: an object has {', '.join(list(document)[:10])}, but no {', '.join(missing)}.",
            "Write rows of features in the order of the data, or objects with every feature.",
        )
    if isinstance(found, Mapping):
        return [found]
    return found if isinstance(found[0], list | Mapping) else [found]


def _searched(document: Any, path: str) -> Any:
    try:
        return jmespath.search(path, document)
    except JMESPathError as error:
        raise ConfigError(f"features: {path!r} is no JMESPath: {error}", "Such as instances[*].features.") from error


def parse_rows(content: bytes, place: str, path: str | None, names: Sequence[str]) -> list[Any]:
    """Read the rows of a baseline from a file: CSV with or without a header, JSON, or JSON Lines.

    Raises ConfigError for what is none of them.
    """
    try:
        text = content.decode("utf-8-sig")
        if text.lstrip()[:1] in {"[", "{"}:
            return rows_in(_documents(text), path, names)
    except ValueError as error:
        raise ConfigError(f"{KEY}: {place} cannot be read: {error}.", "Give CSV or JSON in UTF-8.") from error
    lines = [row for row in csv.reader(io.StringIO(text)) if row]
    if lines and set(names) <= {field.strip() for field in lines[0]}:
        header = [field.strip() for field in lines[0]]
        return [dict(zip(header, map(_value, row), strict=False)) for row in lines[1:]]
    return [[_value(field) for field in row] for row in lines]


def _documents(text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        return [parse(line) for line in text.splitlines() if line.strip()]


def _value(field: str) -> Any:
    text = field.strip()
    try:
        return float(text) if text else None
    except ValueError:
        return text
