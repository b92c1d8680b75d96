"""Describe text by numbers, so that traffic of language models and text classifiers becomes a table.

One row a text: how long it is, how rich its vocabulary, which kinds of characters and scripts it is made of. Nothing
depends on a language. The columns are always the same (COLUMNS below, with the half in front: input_characters).
Ratios are from 0 to 1, and missing where there is nothing to divide by.

TEXT_PARTS   input   which halves of captured traffic are described: input, output or input,output
TEXT_FIELDS  (none)  only text under these keys of JSON, or in these positions (from 0) of CSV; none: all text
HEADER_NAME  (none)  batch CSV: drop the line whose first field is this name

An array at the top of a JSON body, as the only value of its object or under the only wanted key, is one text an item;
all text inside an item is joined by line breaks. In CSV bodies and lines the fields that are not numbers are the
text. Bodies of other kinds are text as they are, BASE64 is decoded. Batch JSON objects are one text each, without a
half in front of the columns.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Any

PARTS = [part.strip() for part in os.environ.get("TEXT_PARTS", "input").split(",")]
FIELDS = [field.strip() for field in os.environ.get("TEXT_FIELDS", "").split(",") if field.strip()]
HEADER_NAME = os.environ.get("HEADER_NAME", "")

if not {"output", "input"}.issuperset(PARTS):
    raise ValueError(f"TEXT_PARTS may name input and output, not {','.join(PARTS)!r}")

CLASSES = ("letters", "digits", "punctuation", "whitespace", "symbols", "other")
"""Of all characters; emoji are symbols, accents that are characters of their own are letters."""
SCRIPTS = ("latin", "cyrillic", "greek", "arabic", "hebrew", "devanagari", "cjk", "other_script")
"""Of all letters; cjk is Chinese, Japanese and Korean."""

_CLASS_OF_CATEGORY = {
    "L": "letters",
    "M": "letters",
    "N": "digits",
    "P": "punctuation",
    "Z": "whitespace",
    "S": "symbols",
}
_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC")
_WIDTHS = ("FULLWIDTH", "HALFWIDTH")


def preprocess_handler(inference_record: Any) -> Any:
    if isinstance(inference_record, str):
        return _line(inference_record)
    if isinstance(inference_record, dict):
        return text_statistics(_joined(inference_record))
    halves = [_half(inference_record, part) for part in PARTS]
    if len({len(half) for half in halves}) > 1:  # no pairs of texts: one row of everything
        halves = [[_merged(texts)] for texts in halves]
    return [_row(texts) for texts in zip(*halves, strict=True)]


def _line(line: str) -> Any:
    fields = next(csv.reader([line.rstrip("\r\n")]), [])
    if HEADER_NAME and fields[:1] == [HEADER_NAME]:
        return []
    return text_statistics(_fields_text(fields))


def _row(texts: tuple[str | None, ...]) -> dict[str, Any]:
    return {
        f"{part}_{name}": value
        for part, text in zip(PARTS, texts, strict=True)
        for name, value in text_statistics(text).items()
    }


def _merged(texts: list[str | None]) -> str | None:
    found = [text for text in texts if text is not None]
    return "\n".join(found) if found else None


# --- finding the text -------------------------------------------------------------------------------------------------


def _half(record: Any, part: str) -> list[str | None]:
    data = record.endpoint_input if part == "input" else record.endpoint_output or record.batch_transform_output
    if data is None or data.data is None:
        return [None]
    if data.encoding == "BASE64":
        return _texts(base64.b64decode(data.data).decode("utf-8", "replace"), data)
    return _texts(str(data.data), data)


def _texts(body: str, part: Any) -> list[str | None]:
    if part.encoding == "JSON" or "json" in (part.observedContentType or ""):
        return [_joined(item) for document in _documents(body) for item in _items(document)]
    if "csv" in (part.observedContentType or "csv"):
        return [_fields_text(row) for row in csv.reader(io.StringIO(body, newline="")) if row]
    return [body]


def _documents(body: str) -> list[Any]:
    try:
        return [json.loads(body)]
    except ValueError:  # JSON Lines
        return [json.loads(line) for line in body.splitlines() if line.strip()]


def _items(document: Any) -> list[Any]:
    """Take the texts of one request apart; an item keeps the key it was found under."""
    if isinstance(document, dict):
        keys = [key for key in document if key in FIELDS] or list(document)
        if len(keys) == 1 and isinstance(document[keys[0]], list):
            return [{keys[0]: item} for item in document[keys[0]]]
    return document if isinstance(document, list) else [document]


def _joined(value: Any) -> str | None:
    return _merged(list(_strings(value, inside=not FIELDS)))


def _strings(value: Any, *, inside: bool) -> list[str | None]:
    """List the strings in a JSON value, under the wanted keys when some are named."""
    if isinstance(value, str):
        return [value] if inside else []
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in _strings(inner, inside=inside or key in FIELDS)]
    if isinstance(value, list):
        return [text for inner in value for text in _strings(inner, inside=inside)]
    return []


def _fields_text(fields: list[str]) -> str | None:
    if FIELDS:
        return _merged([field for position, field in enumerate(fields) if str(position) in FIELDS])
    return _merged([field for field in fields if field and not _is_number(field)])


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


# --- describing it ----------------------------------------------------------------------------------------------------


def text_statistics(text: str | None) -> dict[str, int | float | None]:
    """Describe one text; None (there is none) makes every value missing."""
    if text is None:
        return dict.fromkeys(COLUMNS)
    words = _words(text)
    characters = Counter(text)
    classes, scripts = _tally(characters, _character_class), _tally(characters, _script)
    letters = scripts.total() - scripts[""]
    upper = sum(times for character, times in characters.items() if character.isupper())
    lower = sum(times for character, times in characters.items() if character.islower())
    vocabulary = len({word.casefold() for word in words})
    return {
        "characters": len(text),
        "words": len(words),
        "lines": len(text.splitlines()),
        "vocabulary": vocabulary,
        "type_token_ratio": _ratio(vocabulary, len(words)),
        "mean_word_length": _ratio(sum(map(len, words)), len(words)),
        "uppercase": _ratio(upper, upper + lower),
        "emoji": _ratio(sum(times for character, times in characters.items() if _is_emoji(character)), len(text)),
        **{name: _ratio(classes[name], len(text)) for name in CLASSES},
        **{name: _ratio(scripts[name], letters) for name in SCRIPTS},
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _tally(characters: Counter[str], kind_of: Any) -> Counter[str]:
    tally: Counter[str] = Counter()
    for character, times in characters.items():
        tally[kind_of(character)] += times
    return tally


@lru_cache(maxsize=65536)
def _character_class(character: str) -> str:
    if character.isspace():
        return "whitespace"
    return _CLASS_OF_CATEGORY.get(unicodedata.category(character)[0], "other")


@lru_cache(maxsize=65536)
def _script(character: str) -> str:
    """Name the script of a letter from its Unicode name; empty for what is not a letter."""
    if unicodedata.category(character)[0] != "L":
        return ""
    words = unicodedata.name(character, "").split(" ")
    first = words[1] if words[0] in _WIDTHS and len(words) > 1 else words[0]
    if first.startswith(_CJK):
        return "cjk"
    return first.lower() if first.lower() in SCRIPTS else "other_script"


def _is_emoji(character: str) -> bool:
    return "\U0001f000" <= character <= "\U0001faff" or (
        "\u2600" <= character <= "\u27bf" and unicodedata.category(character) == "So"
    )


class _WordBreaks(dict[int, str]):
    """For str.translate: letters, accents and digits stay, apostrophes go, ideographs stand alone, all else breaks."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = self._in_words(character)
        return self[code]

    @staticmethod
    def _in_words(character: str) -> str:
        if character in "'\u2019":
            return ""
        if _character_class(character) not in {"letters", "digits"}:
            return " "
        alone = _script(character) == "cjk" and "HANGUL" not in unicodedata.name(character, "")
        return f" {character} " if alone else character


_WORD_BREAKS = _WordBreaks()


def _words(text: str) -> list[str]:
    return text.translate(_WORD_BREAKS).split()


COLUMNS = tuple(text_statistics(""))
