"""What a text reads as, value by value: integral, fractional, boolean or string (Deequ's DataType rules)."""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

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
ANY_BUT_PLAIN: Final = f"{INTEGRAL}|{FRACTIONAL}|{BOOLEAN}|{SPECIAL}"
_RULES: Final = re.compile("|".join(f"({rule[:-1]}\\Z)" for rule in (INTEGRAL, FRACTIONAL, BOOLEAN)))
FEW: Final = 512
"""Up to so many texts, one look each in Python costs less than three passes of the vectorised rules."""
Kinds = NDArray[np.uint8]
Floats = NDArray[np.float64]
_NO_KINDS: Final[Kinds] = np.empty(0, dtype=np.uint8)


class Judged(NamedTuple):
    """The kind that all texts are of, or the kind of each; their numbers, where that was a by-product."""

    sole: int | None
    kinds: Kinds
    numbers: Floats | None


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


def judge(values: pl.Series, array: pa.Array, guess: int) -> Judged:
    """Judge all texts, cheaply where they are what is guessed.

    `values` are the texts of `array`, which has no nulls.
    """
    if guess == STRING_KIND:
        return Judged(*_mostly_strings(values), None)
    found = _all_whole(values, array) if guess == INTEGRAL_KIND else None
    found = found or _all_plain_decimals(values, array) or _all_numbers(values, array)
    return found or Judged(None, kinds_of(values), None)


def _mostly_strings(values: pl.Series) -> tuple[int | None, Kinds]:
    odd = np.flatnonzero(values.str.contains(ANY_BUT_PLAIN).to_numpy())
    if not len(odd):
        return STRING_KIND, _NO_KINDS
    kinds = np.full(len(values), STRING_KIND, dtype=np.uint8)
    kinds[odd] = kinds_of(values.gather(odd))
    return None, kinds


def _all_whole(values: pl.Series, array: pa.Array) -> Judged | None:
    whole = values.cast(pl.Int64, strict=False)
    if whole.null_count():
        return None
    numbers = whole.to_numpy()
    if (numbers == 0).any() and (_bytes_of(array) == ord("-")).any():
        return Judged(INTEGRAL_KIND, _NO_KINDS, numbers_of(values))  # `-0` is a negative zero as a double
    return Judged(INTEGRAL_KIND, _NO_KINDS, numbers.astype(np.float64))


def _all_plain_decimals(values: pl.Series, array: pa.Array) -> Judged | None:
    """Each text parses as a number and, as no byte is beyond `9` and there are as many points as texts, has a point."""
    text = _bytes_of(array)
    if not len(text) or text.max() > ord("9") or np.count_nonzero(text == ord(".")) != len(values):
        return None
    numbers = values.cast(pl.Float64, strict=False)
    return None if numbers.null_count() else Judged(FRACTIONAL_KIND, _NO_KINDS, numbers.to_numpy())


def _all_numbers(values: pl.Series, array: pa.Array) -> Judged | None:
    """Each text parses as a number: those with a point or an exponent are fractional, the others integral."""
    text = _bytes_of(array)
    letters = np.flatnonzero(text > ord("9"))
    if not np.isin(text[letters], (ord("e"), ord("E"))).all():
        return None
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.null_count():
        return None
    starts = _offsets_of(array)[:-1]
    with_exponent = np.searchsorted(starts, letters, side="right") - 1
    if len(letters) and not values.gather(with_exponent).str.contains(FRACTIONAL).all():
        return None  # `.5e1` parses, but is none by the rules
    fractional = np.add.reduceat(text == ord("."), starts, dtype=np.uint8)
    fractional[with_exponent] = 1
    return Judged(None, np.where(fractional, np.uint8(FRACTIONAL_KIND), np.uint8(INTEGRAL_KIND)), numbers.to_numpy())


def _offsets_of(array: pa.Array) -> NDArray[np.integer]:
    """Tell where each text of an array begins and the last one ends, counted from the beginning of the first."""
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    bounds = np.frombuffer(array.buffers()[1], dtype=width)[array.offset : array.offset + len(array) + 1]
    return np.asarray(bounds - bounds[0])


def _bytes_of(array: pa.Array) -> NDArray[np.uint8]:
    """Get the bytes of all texts of an array without nulls."""
    _, offsets, data = array.buffers()
    if data is None:
        return np.empty(0, dtype=np.uint8)
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    first, end = np.frombuffer(offsets, dtype=width)[[array.offset, array.offset + len(array)]]
    return np.frombuffer(data, dtype=np.uint8)[first:end]


def numbers_of(values: pl.Series) -> Floats:
    """Read numeric texts in row order; what no parser takes (`- 5`, `.`) is left out, infinities stay."""
    numbers = numbers_or_nan(values)
    return numbers[~np.isnan(numbers)] if np.isnan(numbers).any() else numbers


def numbers_or_nan(values: pl.Series) -> Floats:
    """Read numeric texts, what no parser takes as NaN."""
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.null_count():
        # Java trims blanks before it parses; polars does not.
        numbers = numbers.fill_null(values.str.strip_chars(" ").cast(pl.Float64, strict=False)).fill_null(math.nan)
    return numbers.to_numpy()
