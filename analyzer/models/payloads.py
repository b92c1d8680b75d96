"""Rows to the bodies of requests, and the bodies of answers to scores, in the formats that endpoints speak."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from analyzer.errors import ConfigError, ModelError
from analyzer.jsonlayout import parse
from analyzer.models.model import Requests

CSV, LINES, JSON = "text/csv", "application/jsonlines", "application/json"
LINES_TEMPLATE = '{"features":$features}'
ANSWER_CURE = (
    "Name the scores by predictor.probability (or predictor.label): a 0-based index in CSV, a JMESPath in JSON; and "
    "set predictor.accept_type to the format of the answer."
)
Rows = Sequence[Sequence[Any]]


def refuse_half_requests(requests: Requests) -> None:
    """Refuse requests that cannot be written, before the first one is.

    Raises ConfigError.
    """
    if requests.content_type not in {CSV, LINES, JSON}:
        raise ConfigError(
            f"predictor.content_type is {requests.content_type!r}, in which rows cannot be written.",
            f"Use {CSV}, {LINES} or {JSON}.",
        )
    template = requests.content_template or (LINES_TEMPLATE if requests.content_type == LINES else "")
    if requests.content_type == JSON and "$record" not in template and "$features" not in template:
        raise ConfigError(
            f"predictor.content_template is {requests.content_template!r}, with no place for the rows.",
            'For application/json say where they go, such as {"instances":$records} (with a record_template such as '
            "$features or $features_kvp), or $record for one record a request.",
        )
    if requests.content_type == LINES and "$features" not in template:
        raise ConfigError(
            f"predictor.content_template is {template!r}, with no place for the features.",
            'For application/jsonlines write one such as {"features":$features}.',
        )


def takes_one_record(requests: Requests) -> bool:
    """Tell whether a request holds a single record by its template."""
    return requests.content_type == JSON and "$records" not in (requests.content_template or "")


def body_of(rows: Rows, names: Sequence[str], requests: Requests) -> bytes:
    """Write rows of plain values as the body of one request."""
    if requests.content_type == CSV:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().removesuffix("\n").encode()
    if requests.content_type == LINES:
        template = requests.content_template or LINES_TEMPLATE
        return "\n".join(_filled(template, row, names) for row in rows).encode()
    return _document(rows, names, requests).encode()


def _document(rows: Rows, names: Sequence[str], requests: Requests) -> str:
    content, record = requests.content_template or "$records", requests.record_template or "$features"
    records = [_filled(record, row, names) for row in rows]
    if "$records" in content:
        return content.replace("$records", f"[{','.join(records)}]")
    if "$record" in content:
        return content.replace("$record", records[0])
    return _filled(content, rows[0], names)


def _filled(template: str, row: Sequence[Any], names: Sequence[str]) -> str:
    """Put a row's values into a template, in one pass: a value that looks like a placeholder is none."""
    named = dict(zip(names, row, strict=True))
    whole = {"$features_kvp": named, "$feature_names": list(names), "$features": list(row)}

    def written(place: re.Match[str]) -> str:
        found = place.group()
        return json.dumps(whole[found] if found in whole else named[found[3:-2]])

    return _places(tuple(names)).sub(written, template)


@lru_cache(maxsize=4)
def _places(names: tuple[str, ...]) -> re.Pattern[str]:
    """Find all placeholders; longer ones first, for one begins as the other does."""
    return re.compile(
        "|".join(map(re.escape, ("$features_kvp", "$feature_names", "$features", *map(_place_of, names))))
    )


def _place_of(name: str) -> str:
    return f'"${{{name}}}"'


def scores_in(body: bytes, content_type: str, rows: int, requests: Requests) -> Any:
    """Find the scores in an answer: one for each row, or a list of them.

    Raises ModelError where the body is not what it is said to be, or nothing is found in it.
    """
    kind = (requests.accept_type or content_type).partition(";")[0].strip().lower()
    asked = requests.probability if requests.probability is not None else requests.label
    try:
        if kind == JSON:
            return _in_document(parse(body), asked)
        if kind == LINES:
            return [_listed(_in_document(parse(line), asked)) for line in body.splitlines() if line.strip()]
        return _in_lines(body.decode(), rows, asked, texts=requests.texts)
    except (ValueError, LookupError, TypeError) as error:
        raise ModelError(
            f"the answer cannot be read as {kind or CSV}: {error}: {body[:80].decode(errors='replace')!r}", ANSWER_CURE
        ) from error


def _in_document(document: Any, asked: str | int | None) -> Any:
    if asked is None:
        found = _unwrapped(document)
    elif isinstance(asked, int) or asked.isdecimal():
        found = _picked(document, int(asked))
    else:
        found = _compiled(asked).search(document)
    if found is None or isinstance(found, dict):
        raise ValueError(f"there are no scores at {asked!r}" if asked is not None else "there are no scores in it")
    return found


def _unwrapped(value: Any) -> Any:
    """Go into objects of a single key, which hold the scores under whatever name."""
    if isinstance(value, dict) and len(value) == 1:
        return _unwrapped(next(iter(value.values())))
    return [_unwrapped(each) for each in value] if isinstance(value, list) else value


def _picked(document: Any, index: int) -> Any:
    held = list(document.values()) if isinstance(document, dict) else document
    return held[index]


@lru_cache
def _compiled(path: str) -> Any:
    try:
        return jmespath.compile(path)
    except JMESPathError as error:
        raise ConfigError(
            f"predictor: {path!r} is no JMESPath: {str(error).splitlines()[0]}", "Such as predictions[*].score."
        ) from error


def _in_lines(text: str, rows: int, asked: str | int | None, *, texts: bool) -> Any:
    lines = [line for line in csv.reader(io.StringIO(text)) if line]
    if asked is not None:
        if not isinstance(asked, int) and not asked.isdecimal():
            raise ValueError(f"answers in CSV have no names, and {asked!r} is no index")
        return [_label(line[int(asked)]) if texts else _numbers(line[int(asked)]) for line in lines]
    if len(lines) == 1 and rows > 1:
        lines = [[field] for field in lines[0]]  # all scores on one line
    return [_numbers(line[0]) if len(line) == 1 else [float(field) for field in line] for line in lines]


def _label(field: str) -> Any:
    try:
        return float(field)
    except ValueError:
        return field


def _numbers(field: str) -> Any:
    return _listed(parse(field) if field.lstrip().startswith("[") else float(field))


def _listed(value: Any) -> Any:
    """Put a score alone into a list, so that several lines are several rows, even for one that was asked for."""
    return value if isinstance(value, list) else [value]
