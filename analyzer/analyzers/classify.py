"""What a text reads as, value by value: integral, fractional, boolean or string (Deequ's DataType rules)."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

KINDS: Final = ("integral", "fractional", "boolean", "string")
INTEGRAL_KIND, FRACTIONAL_KIND, BOOLEAN_KIND, STRING_KIND = range(4)
INTEGRAL: Final = r"^[-+]? ?[0-9]+$"
FRACTIONAL: Final = r"^(?:[-+]? ?[0-9]*\.[0-9]*|[-+]? ?[0-9]+(?:\.[0-9]+)?[Ee][-+]?[0-9]+)$"
BOOLEAN: Final = r"^(?:true|false)$"
NOT_A_NUMBER: Final = r"^(?i:[-+]?nan)$"
INFINITE: Final = r"^(?i:[-+]?inf(?:inity)?)$"
SPECIAL: Final = f"{NOT_A_NUMBER}|{INFINITE}"
ANY_BUT_STRING: Final = f"{INTEGRAL}|{FRACTIONAL}|{BOOLEAN}"
_RULES: Final = re.compile("|".join(f"({rule[:-1]}\\Z)" for rule in (INTEGRAL, FRACTIONAL, BOOLEAN)))
FEW: Final = 512
"""Up to so many texts, one look each in Python costs less than three passes of the vectorised rules."""
Kinds = NDArray[np.uint8]
Floats = NDArray[np.float64]


def kind_of(text: str) -> int:
    """Judge one text by the rules."""
    found = _RULES.match(text)
    return STRING_KIND if found is None else (found.lastindex or 0) - 1


def kinds_of(values: pl.Series) -> Kinds:
    """Judge each text by the rules; `values` has no nulls."""
    if len(values) <= FEW:
        return np.array([kind_of(text) for text in values.to_list()], dtype=np.uint8)
    kinds = np.full(len(values), STRING_KIND, dtype=np.uint8)
    for kind, pattern in ((BOOLEAN_KIND, BOOLEAN), (FRACTIONAL_KIND, FRACTIONAL), (INTEGRAL_KIND, INTEGRAL)):
        kinds[values.str.contains(pattern).to_numpy()] = kind
    return kinds


def sole_kind(values: pl.Series, array: pa.Array, guess: int) -> tuple[int, Floats | None] | None:
    """Tell cheaply if all values are of the guessed kind, and their numbers; None: look at each.

    `values` are the non-null texts of `array`.
    """
    if guess == INTEGRAL_KIND:
        return _all_whole(values, array)
    if guess == FRACTIONAL_KIND:
        return _all_plain_decimals(values, array)
    if guess == STRING_KIND and not values.str.contains(ANY_BUT_STRING).any():
        return guess, None
    return None


def _all_whole(values: pl.Series, array: pa.Array) -> tuple[int, Floats | None] | None:
    whole = values.cast(pl.Int64, strict=False)
    if whole.null_count():
        return None
    numbers = whole.to_numpy()
    if (numbers == 0).any() and (_bytes_of(array) == ord("-")).any():
        return INTEGRAL_KIND, numbers_of(values)  # `-0` is a negative zero as a double
    return INTEGRAL_KIND, numbers.astype(np.float64)


def _all_plain_decimals(values: pl.Series, array: pa.Array) -> tuple[int, Floats | None] | None:
    """Each text parses as a number and, as no byte is beyond `9` and there are as many points as texts, has a point."""
    text = _bytes_of(array)
    if not len(text) or text.max() > ord("9") or np.count_nonzero(text == ord(".")) != len(values):
        return None
    numbers = values.cast(pl.Float64, strict=False)
    return None if numbers.null_count() else (FRACTIONAL_KIND, numbers.to_numpy())


def _bytes_of(array: pa.Array) -> NDArray[np.uint8]:
    """Get the bytes of all texts of an array without nulls."""
    _, offsets, data = array.buffers()
    if data is None:
        return np.empty(0, dtype=np.uint8)
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    bounds = np.frombuffer(offsets, dtype=width)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data, dtype=np.uint8)[bounds[0] : bounds[-1]]


def numbers_of(values: pl.Series) -> Floats:
    """Read numeric texts in row order; what no parser takes (`- 5`, `.`) is left out, infinities stay."""
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.null_count():
        # Java trims blanks before it parses; polars does not.
        numbers = numbers.fill_null(values.str.strip_chars(" ").cast(pl.Float64, strict=False)).drop_nulls()
    return numbers.to_numpy()
