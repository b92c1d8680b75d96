"""The text layout of every JSON file the analyzer writes: the pretty printer and the doubles of the original."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

PLAIN_FROM, PLAIN_BELOW = 1e-3, 1e7
"""Java writes a double without an exponent when 0.001 <= |x| < 10,000,000 (Double.toString)."""

_NEEDS_ESCAPE = re.compile('[\x00-\x1f"\\\\\ud800-\udfff]')
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def dump(value: Any) -> str:
    """Lay out a JSON value as the original does: two blanks of indent, `"key" : value`, `[ a, b ]`, no final newline.

    Takes mappings, lists, tuples, strings, numbers, booleans, None and NumPy arrays; arrays of doubles are written
    fast. NaN and infinities become the strings "NaN", "Infinity" and "-Infinity". The text always encodes as UTF-8.
    Raises TypeError for anything else.
    """
    return _text(value, "\n")


def java_double(x: float) -> str:
    """Write a double as Java's Double.toString does: shortest digits, `1.0E7` from ten million and below 0.001."""
    text = float.__repr__(float(x))
    if PLAIN_FROM <= abs(x) < PLAIN_BELOW or x == 0:
        return text
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
    return _scientific(text)


def _scientific(text: str) -> str:
    """Turn the shortest digits of a finite double that needs an exponent, as Python or orjson write them, to Java's."""
    sign, text = ("-", text[1:]) if text[0] == "-" else ("", text)
    mantissa, e, exponent = text.partition("e")
    if e:
        point = "" if "." in mantissa else ".0"
        return f"{sign}{mantissa}{point}E{int(exponent)}"
    whole, _, fraction = text.partition(".")
    if whole == "0":
        digits = fraction.lstrip("0")
        return f"{sign}{digits[0]}.{digits[1:] or '0'}E{len(digits) - len(fraction) - 1}"
    digits = (whole + fraction).rstrip("0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{len(whole) - 1}"


def _text(value: Any, newline: str) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return _object(value, newline)
    if isinstance(value, (list, tuple)):
        return _bracketed([_text(item, newline) for item in value])
    if isinstance(value, np.ndarray):
        return _array(value, newline)
    return _scalar(value)


def _object(value: Mapping[Any, Any], newline: str) -> str:
    if not value:
        return "{ }"
    inner = newline + "  "
    members = [f"{_quoted(str(key))} : {_text(item, inner)}" for key, item in value.items()]
    return "{" + inner + ("," + inner).join(members) + newline + "}"


def _bracketed(items: list[str]) -> str:
    return "[ " + ", ".join(items) + " ]" if items else "[ ]"


def _array(values: NDArray[Any], newline: str) -> str:
    if values.dtype != np.float64 or values.ndim != 1:
        return _text([row if isinstance(row, np.ndarray) else row.item() for row in values], newline)
    if not values.size:
        return "[ ]"
    return "[ " + _doubles(np.ascontiguousarray(values)) + " ]"


def _doubles(values: NDArray[np.float64]) -> str:
    """All at once, in the shortest digits; then only those that Java writes otherwise are replaced, one by one."""
    text = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode("ascii")
    size = np.abs(values)
    unlike = np.flatnonzero(~(((size >= PLAIN_FROM) & (size < PLAIN_BELOW)) | (size == 0)))
    if not unlike.size:
        return text.replace(",", ", ")
    tokens = text.split(",")
    for i in unlike.tolist():
        tokens[i] = _scientific(tokens[i]) if tokens[i] != "null" else _double(float(values[i]))
    return ", ".join(tokens)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return _double(float(value))
    message = f"a {type(value).__name__} has no place in a JSON document"
    raise TypeError(message)


def _double(x: float) -> str:
    return java_double(x) if math.isfinite(x) else f'"{java_double(x)}"'


def _quoted(text: str) -> str:
    if not _NEEDS_ESCAPE.search(text):
        return f'"{text}"'
    # A pair of surrogates that Python kept apart is one character; only those left alone need the escape.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if _has_pair(text) else text
    return '"' + _NEEDS_ESCAPE.sub(_escape, whole) + '"'


def _has_pair(text: str) -> bool:
    return re.search("[\ud800-\udbff][\udc00-\udfff]", text) is not None


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04X}"


def parse(text: bytes | str) -> Any:
    """Parse JSON fast and leniently: a byte order mark, bare NaN and Infinity and lone surrogates are accepted.

    Raises json.JSONDecodeError with line and column, or UnicodeDecodeError for bytes that are not UTF-8.
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        # The standard library reads what json.dumps writes, NaN included, and says better what is wrong.
        return json.loads(raw.decode("utf-8", "surrogatepass" if isinstance(text, str) else "strict"))
