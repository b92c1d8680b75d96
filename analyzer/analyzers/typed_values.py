"""What a column's values are (whole numbers, fractions, truth values, texts), and what its type is told from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analyzer.analyzers.codec import pack, unpack
from analyzer.analyzers.labels import TRUTH, canonical_label, is_number

INTEGRAL, FRACTIONAL, TRUE_OR_FALSE, TEXT = "integral", "fractional", "boolean", "text"
CONTINUOUS_FROM = 0.05
"""Share of distinct values from which a column of whole numbers is continuous."""
MOST_DISTINCT = 1 << 20
"""Distinct whole numbers that are kept; of more, an even share is kept and counted up."""
MISSING: Final = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""Texts that pandas.read_csv, with which the original reads, takes for missing values."""
Codes = NDArray[np.int64]
LOOKED_AT = 64
"""Values that are tried before a whole column is parsed as numbers."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of a batch: for each row the place of its value in `values`, -1 where it is missing.

    `kind` is that of all values, None where they are mixed; `numbers` holds them as numbers, NaN what is none;
    `values` is their array of whole numbers, fractions or texts, each once, but for fractions that need not be told
    apart.
    """

    codes: Codes
    values: pa.Array
    kind: str | None
    numbers: NDArray[np.float64]

    @classmethod
    def of(cls, column: pa.Array, *, apart: bool = False) -> Coded:
        """Encode a column, fractions as they are unless equal ones are to be told `apart` from others."""
        column = _numeric(column)
        fractions = pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
        if fractions and not apart:
            numbers = _floats(column.cast(pa.float64()))
            codes = np.where(np.isnan(numbers), -1, np.arange(len(numbers)))
            return cls(codes, column, FRACTIONAL, numbers)
        found = column.dictionary_encode()
        values = found.dictionary
        codes = np.asarray(found.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
        missing = _missing(values)
        if missing.any():
            places = np.append(np.where(missing, -1, np.cumsum(~missing) - 1), -1)
            codes, values = places[codes], values.filter(pa.array(~missing))
        return cls(codes, *_typed(values))

    def texts(self) -> list[str]:
        """Name the distinct values so that equal ones have equal names."""
        if self.kind == INTEGRAL:
            return [str(value) for value in self.values.to_pylist()]
        return [canonical_label(text) for text in self.values.cast(pa.string()).to_pylist()]

    def kinds(self) -> list[str]:
        """Tell the kind of each distinct value."""
        return [self.kind] * len(self.values) if self.kind else [_kind_of(text) for text in self.values.to_pylist()]


def is_missing_text(texts: pa.Array) -> pa.Array:
    """Say of each text whether pandas.read_csv takes it for a missing value."""
    return pc.is_in(texts, _missing_texts())


@cache
def _missing_texts() -> pa.Array:
    """Made where it is needed: the first array that is made where this module is imported would load pandas."""
    return pa.array(MISSING)


def _missing(values: pa.Array) -> NDArray[np.bool_]:
    if pa.types.is_floating(values.type):
        found = pc.is_nan(values)
    elif pa.types.is_string(values.type):
        found = is_missing_text(values)
    else:
        return np.zeros(len(values), dtype=bool)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def _numeric(column: pa.Array) -> pa.Array:
    """Give texts as numbers where all of them are, but for missing ones; what a few of them are not is left alone."""
    if not pa.types.is_string(column.type) or not len(column) or _as_numbers(column.slice(0, LOOKED_AT)) is None:
        return column
    found = _as_numbers(column)
    return column if found is None else found


def _as_numbers(column: pa.Array) -> pa.Array | None:
    """Parse texts with Polars, which is many times as fast as Arrow; None where some are no numbers."""
    texts = pl.Series(pl.from_arrow(column))
    for kind in (pl.Int64, pl.Float64):
        found = texts.cast(kind, strict=False)
        lost = found.null_count() - column.null_count
        if lost and lost != int(pc.sum(is_missing_text(column)).as_py() or 0):
            continue
        if kind == pl.Int64 or not bool((found.is_nan() | found.is_infinite()).any()):
            return found.to_arrow()
    return None


def _typed(values: pa.Array) -> tuple[pa.Array, str | None, NDArray[np.float64]]:
    """Take texts for numbers where all of them are."""
    if pa.types.is_string(values.type):
        found = _as_numbers(values)
        values = values if found is None else found
    if pa.types.is_integer(values.type):
        try:
            whole = values.cast(pa.int64())
        except pa.ArrowInvalid:  # beyond 64 bits with a sign
            values = values.cast(pa.float64())
        else:
            return whole, INTEGRAL, _floats(whole)
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        return values, FRACTIONAL, _floats(values.cast(pa.float64()))
    texts = values.cast(pa.string())
    return texts, None, np.array([_number_of(text) for text in texts.to_pylist()], dtype=np.float64)


def _floats(values: pa.Array) -> NDArray[np.float64]:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _number_of(text: str) -> float:
    label = canonical_label(text)
    return float(label) if is_number(label) else math.nan


def _kind_of(text: str) -> str:
    label = canonical_label(text)
    if label in TRUTH:
        return TRUE_OR_FALSE
    if not is_number(label):
        return TEXT
    return INTEGRAL if text.strip().lstrip("+-").isdecimal() and abs(float(label)) < 2.0**63 else FRACTIONAL


class Facts:
    """A mergeable summary of a column from which its type and the upper end of its interval follow.

    `met` says whether the column was there at all, `kinds` which kinds of values beside whole numbers were in it.
    """

    __slots__ = ("count", "distinct", "high", "kinds", "met", "missing")

    def __init__(self) -> None:
        self.met = False
        self.missing = 0
        self.count = 0
        self.kinds: set[str] = set()
        self.high: int | float | None = None
        self.distinct = DistinctNumbers()

    @property
    def is_whole(self) -> bool:
        """Tell whether there are whole numbers alone; only then their distinct ones matter."""
        return not self.kinds

    def update(self, coded: Coded) -> None:
        missing = int((coded.codes < 0).sum())
        self.met = True
        self.missing += missing
        self.count += len(coded.codes) - missing
        self.kinds |= {coded.kind} if coded.kind else set(coded.kinds())
        self.kinds.discard(INTEGRAL)
        if len(coded.values):
            self._look_at_numbers(coded)

    def merge(self, other: Facts) -> None:
        self.met = self.met or other.met
        self.missing += other.missing
        self.count += other.count
        self.kinds |= other.kinds
        self.high = _higher(self.high, other.high)
        self.distinct.merge(other.distinct)

    def is_continuous(self) -> bool:
        """Apply the original's rule: fractions are continuous, whole numbers where one in twenty is distinct."""
        if not self.count or self.kinds & {TEXT, TRUE_OR_FALSE}:
            return False
        return FRACTIONAL in self.kinds or self.distinct.estimate() / self.count >= CONTINUOUS_FROM

    def maximum(self) -> int | float | None:
        """Give the largest number, which is a fraction where there are others."""
        return self.high if self.high is None or self.is_whole else float(self.high)

    def to_document(self) -> dict[str, Any]:
        return {
            "met": self.met,
            "missing": self.missing,
            "count": self.count,
            "kinds": sorted(self.kinds),
            "high": self.maximum(),
            "distinct": (self.distinct if self.is_whole else DistinctNumbers()).to_document(),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Facts:
        facts = cls()
        facts.met, facts.missing, facts.count = document["met"], document["missing"], document["count"]
        facts.kinds = set(document["kinds"])
        facts.high = document["high"]
        facts.distinct = DistinctNumbers.from_document(document["distinct"])
        return facts

    def _look_at_numbers(self, coded: Coded) -> None:
        if coded.kind == INTEGRAL:
            whole = np.asarray(coded.values.to_numpy(zero_copy_only=False), dtype=np.int64)
            self.high = _higher(self.high, int(whole.max()))
            if self.is_whole:
                self.distinct.add(whole)
            return
        finite = coded.numbers[np.isfinite(coded.numbers)]
        if len(finite):
            self.high = _higher(self.high, float(finite.max()) if self.kinds else int(finite.max()))
        if self.is_whole:
            self.distinct.add(np.unique(finite).astype(np.int64))


def _higher(ours: float | None, theirs: float | None) -> float | None:
    """Give the larger number; fractions make it a fraction, as in a column of both."""
    if ours is None or theirs is None:
        return theirs if ours is None else ours
    high = max(ours, theirs)
    return high if isinstance(ours, int) and isinstance(theirs, int) else float(high)


class DistinctNumbers:
    """Counts distinct whole numbers, exactly up to MOST_DISTINCT.

    Beyond that only numbers whose hash ends in `level` zero bits are kept, a set that depends on the numbers alone and
    not on their order (adaptive sampling: Flajolet, Computing 43, 1990).
    """

    __slots__ = ("_kept", "_new", "level", "most")

    def __init__(self, most: int = MOST_DISTINCT) -> None:
        self.most = most
        self.level = 0
        self._kept = np.empty(0, dtype=np.int64)
        self._new: list[NDArray[np.int64]] = []

    @property
    def exact(self) -> bool:
        self._settle()
        return not self.level

    def add(self, numbers: NDArray[np.int64]) -> None:
        """Take in numbers, none of them twice."""
        numbers = self._chosen(numbers)
        if len(self._kept):
            places = np.minimum(np.searchsorted(self._kept, numbers), len(self._kept) - 1)
            numbers = numbers[self._kept[places] != numbers]
        if len(numbers):
            self._new.append(numbers)
            if sum(map(len, self._new)) > max(4096, len(self._kept) // 2):
                self._settle()

    def merge(self, other: DistinctNumbers) -> None:
        other._settle()
        self._settle()  # what waits was chosen at our level, which may be lower than theirs
        self.level = max(self.level, other.level)
        self._kept = self._chosen(self._kept)
        self.add(other._kept)

    def estimate(self) -> int:
        self._settle()
        return len(self._kept) << self.level

    def to_document(self) -> dict[str, Any]:
        self._settle()
        return {"level": self.level, "numbers": pack(self._kept)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> DistinctNumbers:
        distinct = cls()
        distinct.level, distinct._kept = document["level"], unpack(document["numbers"], np.int64)
        return distinct

    def _settle(self) -> None:
        if self._new:
            self._kept = np.unique(np.concatenate([self._kept, *self._new]))
            self._new = []
        while len(self._kept) > self.most:
            self.level += 1
            self._kept = self._chosen(self._kept)

    def _chosen(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        if not self.level:
            return numbers
        z = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z ^= z >> np.uint64(27)
        kept = (z & np.uint64((1 << self.level) - 1)) == 0
        return np.asarray(numbers[kept], dtype=np.int64)
