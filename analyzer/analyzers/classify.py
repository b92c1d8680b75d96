"""What a text reads as, value by value: integral, fractional, boolean or string (Deequ's DataType rules)."""

from __future__ import annotations

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
ANY_BUT_STRING: Final = f"{INTEGRAL}|{FRACTIONAL}|{BOOLEAN}"
Kinds = NDArray[np.uint8]


def kinds_of(values: pl.Series) -> Kinds:
    """Judge each text by the rules; `values` has no nulls."""
    kinds = np.full(len(values), STRING_KIND, dtype=np.uint8)
    for kind, pattern in ((BOOLEAN_KIND, BOOLEAN), (FRACTIONAL_KIND, FRACTIONAL), (INTEGRAL_KIND, INTEGRAL)):
        kinds[values.str.contains(pattern).to_numpy()] = kind
    return kinds


def sole_kind(values: pl.Series, array: pa.Array, guess: int) -> int | None:
    """Tell the kind of a whole column cheaply if all its values are of the guessed kind; None: look at each.

    `values` are the non-null texts of `array`.
    """
    if guess == INTEGRAL_KIND:
        return guess if values.cast(pl.Int64, strict=False).null_count() == 0 else None
    if guess == FRACTIONAL_KIND:
        return guess if _all_plain_decimals(values, array) else None
    if guess == STRING_KIND:
        return guess if not values.str.contains(ANY_BUT_STRING).any() else None
    return None


def _all_plain_decimals(values: pl.Series, array: pa.Array) -> bool:
    """Each text parses as a number and, as no byte is beyond `9` and there are as many points as texts, has a point."""
    text = _bytes_of(array)
    if not len(text) or text.max() > ord("9") or np.count_nonzero(text == ord(".")) != len(values):
        return False
    return values.cast(pl.Float64, strict=False).null_count() == 0


def _bytes_of(array: pa.Array) -> NDArray[np.uint8]:
    """The bytes of all texts of an array, which must not be a view of a larger one with other texts between."""
    _, offsets, data = array.buffers()
    if data is None:
        return np.empty(0, dtype=np.uint8)
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    bounds = np.frombuffer(offsets, dtype=width)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data, dtype=np.uint8)[bounds[0] : bounds[-1]]


def numbers_of(values: pl.Series) -> NDArray[np.float64]:
    """Read numeric texts in row order; what no parser takes (`- 5`, `.`) is left out, infinities stay."""
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.null_count():
        # Java trims blanks before it parses; polars does not.
        numbers = numbers.fill_null(values.str.strip_chars(" ").cast(pl.Float64, strict=False)).drop_nulls()
    return numbers.to_numpy()
