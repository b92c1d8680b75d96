"""The state of one column: all that its statistics, constraints and checks are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analyzer.analyzers import classify
from analyzer.analyzers.classify import KINDS, Kinds
from analyzer.analyzers.evidence import EXAMPLES, Place, Sightings
from analyzer.analyzers.hyperloglog import SEED, Hashes, HyperLogLog, hash_numbers
from analyzer.analyzers.kll import Kll
from analyzer.analyzers.moments import Moments
from analyzer.analyzers.value_counts import MOST_VALUES, ValueCounts
from analyzer.jsonlayout import java_double

LOOKED_AT = 2 * MOST_VALUES
"""Rows at the start of a batch that tell whether counting its values is worth the while."""
SAMPLED = 512
"""Rows of each batch whose values are counted once a column has too many of them."""
Locate = Callable[[int], Place]


class ColumnState:
    """A mergeable summary of one column, from batches of texts or of typed numbers.

    Numbers enter moments and sketch in row order; a column that holds a single text that is no number needs neither,
    and stops collecting them. `overflowed` counts digits that are too large for a double: like moments and
    sketch, it is complete only where there is no such text.
    """

    __slots__ = (
        "_guess", "_known", "counts", "distinct", "empty", "infinite", "kinds", "length", "missing", "moments", "nan",
        "numbers", "outside", "overflowed", "sightings",
    )  # fmt: skip

    def __init__(self) -> None:
        self.missing = 0
        self.kinds = np.zeros(len(KINDS), dtype=np.int64)
        self.empty = 0
        self.nan = 0
        self.infinite = 0
        self.overflowed = 0
        self.outside = 0
        self.length: list[int] = []
        self.moments = Moments()
        self.numbers = Kll()
        self.distinct = HyperLogLog()
        self.counts = ValueCounts()
        self.sightings = Sightings()
        self._guess: int | None = None
        self._known: dict[str, int] = {}

    def update(self, array: pa.Array, locate: Locate, domain: frozenset[str] | None = None) -> None:
        """Take in a batch of the column; `locate` tells the place of a row of it, `domain` the values expected."""
        self._note_missing(array, locate)
        if len(array) == array.null_count:
            return
        if pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type):
            self._update_typed(array, locate, domain)
        else:
            self._update_text(array, locate, domain)

    def merge(self, other: ColumnState, tail: Place) -> None:
        """Take in the state of later rows; `tail` is the last file of ours and the number of its records so far."""
        self.missing += other.missing
        self.kinds += other.kinds
        self.empty += other.empty
        self.nan += other.nan
        self.infinite += other.infinite
        self.overflowed += other.overflowed
        self.outside += other.outside
        self.length = _joined_lengths(self.length, other.length)
        self.moments.merge(other.moments)
        self.numbers.merge(other.numbers)
        self.distinct.merge(other.distinct)
        self.counts.merge(other.counts)
        self.sightings.merge(other.sightings, tail)

    def absent(self, rows: int, place: Place) -> None:
        """Count rows that lack the column as missing; `place` is that of the first."""
        self.missing += rows
        self.sightings.met("missing", rows, lambda: (place, ()))

    def to_document(self) -> dict[str, Any]:
        return {
            "missing": self.missing,
            "kinds": self.kinds.tolist(),
            "special": [self.empty, self.nan, self.infinite, self.overflowed, self.outside],
            "length": self.length,
            "moments": self.moments.to_document(),
            "numbers": self.numbers.to_document(),
            "distinct": self.distinct.to_document(),
            "counts": self.counts.to_document(),
            "sightings": self.sightings.to_document(),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> ColumnState:
        state = cls()
        state.missing = document["missing"]
        state.kinds = np.array(document["kinds"], dtype=np.int64)
        state.empty, state.nan, state.infinite, state.overflowed, state.outside = document["special"]
        state.length = document["length"]
        state.moments = Moments.from_document(document["moments"])
        state.numbers = Kll.from_document(document["numbers"])
        state.distinct = HyperLogLog.from_document(document["distinct"])
        state.counts = ValueCounts.from_document(document["counts"])
        state.sightings = Sightings.from_document(document["sightings"])
        return state

    # --- any type -----------------------------------------------------------------------------------------------------

    def _note_missing(self, array: pa.Array, locate: Locate) -> None:
        self.missing += array.null_count
        self.sightings.met("missing", array.null_count, lambda: (locate(_first(array.is_null())), ()))

    def _numbers(self, values: NDArray[np.float64]) -> None:
        if self.kinds[classify.STRING_KIND]:
            return
        self.moments.update(values)
        self.numbers.update(values)

    def _note_outside(self, array: pa.Array, domain: frozenset[str] | None, locate: Locate) -> None:
        if domain is None:
            return
        strange = pc.and_(array.is_valid(), pc.invert(pc.is_in(array, value_set=_domain_array(domain, array.type))))
        count = pc.sum(strange).as_py()
        self.outside += count
        self.sightings.met("outside_domain", count, lambda: (locate(_first(strange)), _texts(array.filter(strange))))

    # --- typed numbers ------------------------------------------------------------------------------------------------

    def _update_typed(self, array: pa.Array, locate: Locate, domain: frozenset[str] | None) -> None:
        whole = pa.types.is_integer(array.type)
        present = array.drop_null()
        values = _as_doubles(present)
        self._note_not_a_number(array, present, values, locate)
        if np.isnan(values).any():
            array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
            present, values = array.drop_null(), values[~np.isnan(values)]
        kind = "integral" if whole else "fractional"
        finite = values[np.isfinite(values)]
        self.kinds[KINDS.index(kind)] += len(values)
        self.sightings.met(
            kind, len(values), lambda: (locate(_first(array.is_valid())), _typed_texts(present[:EXAMPLES]))
        )
        # Spark hashes a negative zero as zero.
        hashed = present.cast(pa.int64()).to_numpy() if whole and not pa.types.is_uint64(array.type) else values + 0.0
        self.distinct.update(hash_numbers(np.ascontiguousarray(hashed)))
        self._numbers(finite)
        self._count_typed(present)
        if domain is not None:
            self._note_outside(pa.array(_typed_texts(array), pa.string()), domain, locate)

    def _note_not_a_number(
        self, array: pa.Array, present: pa.Array, values: NDArray[np.float64], locate: Locate
    ) -> None:
        """NaN counts as missing, an infinity as a value that has no place in sums and sketches."""
        if not pa.types.is_floating(array.type):
            return
        rows = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False)) if len(present) < len(array) else None
        for kind, found in (("nan", np.isnan(values)), ("infinite", np.isinf(values))):
            count = int(np.count_nonzero(found))
            if count:
                first = int(found.argmax()) if rows is None else int(rows[found.argmax()])
                self.sightings.met(kind, count, lambda first=first, kind=kind: (locate(first), [kind]))  # type: ignore[misc]
        self.nan += int(np.count_nonzero(np.isnan(values)))
        self.missing += int(np.count_nonzero(np.isnan(values)))
        self.infinite += int(np.count_nonzero(np.isinf(values)))

    def _count_typed(self, present: pa.Array) -> None:
        if self.counts.exact and len(present[:LOOKED_AT].unique()) <= MOST_VALUES:
            found = pc.value_counts(present)
            self.counts.add(_typed_texts(found.field("values")), found.field("counts").to_pylist())
        else:
            self.counts.give_up(forget=True)

    # --- texts --------------------------------------------------------------------------------------------------------

    def _update_text(self, array: pa.Array, locate: Locate, domain: frozenset[str] | None) -> None:
        if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
            array = _as_text(array)
        present = array.drop_null() if array.null_count else array
        few = self._dictionary(present)
        if few is None:
            self._update_many(array, present, locate)
        else:
            self._update_few(array, *few, locate)
        self._note_outside(array, domain, locate)

    def _dictionary(self, present: pa.Array) -> tuple[pa.DictionaryArray, NDArray[np.int64]] | None:
        """Tell all values of a batch and count them where they are few, else count those of a sample of texts."""
        if self._guess is None:
            self._guess = classify.kind_of(present[0].as_py())
        if self.counts.exact and len(present[:LOOKED_AT].unique()) <= MOST_VALUES:
            found = present.dictionary_encode()
            if len(found.dictionary) <= MOST_VALUES:
                counts = np.bincount(found.indices.to_numpy(), minlength=len(found.dictionary))
                self.counts.add(found.dictionary.to_pylist(), counts.tolist())
                return found, counts
        # The frequent values of a numeric column are read off its sketch.
        self._known = {}
        self.counts.give_up(forget=self._guess != classify.STRING_KIND)
        if self._guess == classify.STRING_KIND:
            sample = pc.value_counts(present[:SAMPLED])
            self.counts.add(sample.field("values").to_pylist(), sample.field("counts").to_pylist())
        return None

    def _update_few(self, array: pa.Array, few: pa.DictionaryArray, counts: NDArray[np.int64], locate: Locate) -> None:
        values = pl.Series(few.dictionary)
        kinds = self._known_kinds(values)
        self._note_kinds(array, values, kinds, counts, locate)
        if not self.kinds[classify.STRING_KIND] and (kinds <= classify.FRACTIONAL_KIND).any():
            self._note_numbers(classify.numbers_or_nan(values)[few.indices.to_numpy()])

    def _known_kinds(self, values: pl.Series) -> Kinds:
        """Judge and hash the values that were not met before; batches of a column with few values repeat them."""
        known = self._known
        new = [value for value in values.to_list() if value not in known]
        if new:
            added = pl.Series(new, dtype=pl.String)
            self.distinct.update(_hash(added))
            known.update(zip(new, classify.kinds_of(added).tolist(), strict=True))
        return np.array([known[value] for value in values.to_list()], dtype=np.uint8)

    def _update_many(self, array: pa.Array, present: pa.Array, locate: Locate) -> None:
        values = pl.Series(present)
        self.distinct.update(_hash(values))
        sole, kinds, numbers = classify.judge(values, present, self._guess or 0)
        if sole is None:
            self._guess = int(kinds[-1])
            self._note_kinds(array, values, kinds, None, locate)
        else:
            self._note_sole_kind(array, values, sole, locate)
        if not self.kinds[classify.STRING_KIND]:
            self._note_numbers(classify.numbers_of(values) if numbers is None else numbers)

    def _note_numbers(self, numbers: NDArray[np.float64]) -> None:
        """Take in numbers of texts; NaN stands for digits that no parser takes."""
        finite = np.isfinite(numbers)
        if not finite.all():
            self.overflowed += int(np.count_nonzero(np.isinf(numbers)))
            numbers = numbers[finite]
        self._numbers(numbers)

    def _note_sole_kind(self, array: pa.Array, values: pl.Series, kind: int, locate: Locate) -> None:
        self.kinds[kind] += len(values)
        self.sightings.met(
            KINDS[kind], len(values), lambda: (locate(_first(array.is_valid())), values.head(EXAMPLES).to_list())
        )
        if kind == classify.STRING_KIND:
            self._note_lengths(array, values, None, locate)

    def _note_kinds(
        self, array: pa.Array, values: pl.Series, kinds: Kinds, counts: NDArray[np.int64] | None, locate: Locate
    ) -> None:
        for kind, name in enumerate(KINDS):
            of_kind = kinds == kind
            if of_kind.any():
                met = values.filter(pl.Series(of_kind))
                count = int(np.count_nonzero(of_kind)) if counts is None else int(counts[of_kind].sum())
                self.kinds[kind] += count
                self.sightings.met(name, count, lambda met=met: _where(array, met, locate))  # type: ignore[misc]
                if kind == classify.STRING_KIND:
                    self._note_strings(array, met, None if counts is None else counts[of_kind], locate)

    def _note_strings(
        self, array: pa.Array, texts: pl.Series, counts: NDArray[np.int64] | None, locate: Locate
    ) -> None:
        weights = self._note_lengths(array, texts, counts, locate)
        if texts.str.contains(classify.SPECIAL).any():
            nan, infinite = _matching(texts, classify.NOT_A_NUMBER), _matching(texts, classify.INFINITE)
            self.nan += self._special("nan", array, texts, weights * nan, locate)
            self.infinite += self._special("infinite", array, texts, weights * infinite, locate)

    def _note_lengths(
        self, array: pa.Array, texts: pl.Series, counts: NDArray[np.int64] | None, locate: Locate
    ) -> NDArray[np.int64]:
        """Note how long texts are, and the empty ones; return how many rows each stands for."""
        lengths = texts.str.len_chars().to_numpy().astype(np.int64)
        weights = np.ones(len(lengths), dtype=np.int64) if counts is None else counts
        found = [int(lengths.min()), int(lengths @ weights), int(weights.sum()), int(lengths.max())]
        self.length = _joined_lengths(self.length, found)
        if not lengths.all():
            self.empty += self._special("empty", array, texts, weights * (lengths == 0), locate)
        return weights

    def _special(self, kind: str, array: pa.Array, texts: pl.Series, counts: NDArray[np.int64], locate: Locate) -> int:
        """Note the texts whose count is not zero."""
        count = int(counts.sum())
        self.sightings.met(kind, count, lambda: _where(array, texts.filter(pl.Series(counts > 0)), locate))
        return count


def _first(mask: pa.BooleanArray) -> int:
    return int(pc.index(mask, pa.scalar(value=True)).as_py())


def _where(array: pa.Array, met: pl.Series, locate: Locate) -> tuple[Place, list[str]]:
    """Find the first row that holds one of the texts, and give a few of them."""
    few = met.head(EXAMPLES * 20).unique(maintain_order=True).head(EXAMPLES)
    row = pc.index(array, pa.scalar(met[0], type=array.type)).as_py()
    return locate(row), few.to_list()


def _texts(array: pa.Array) -> Iterable[str]:
    return [str(value) for value in array[: EXAMPLES * 20].to_pylist()]


def _typed_texts(array: pa.Array) -> list[Any]:
    """Numbers as they would stand in a CSV file."""
    if pa.types.is_floating(array.type):
        return [None if value is None else java_double(value) for value in array.to_pylist()]
    return [None if value is None else str(value) for value in array.to_pylist()]


def texts_of(array: pa.Array) -> pa.Array:
    """Write the values of a column of any known type as texts, the way they are counted and compared."""
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type):
        return pa.array(_typed_texts(array), pa.string())
    return array if pa.types.is_string(array.type) or pa.types.is_large_string(array.type) else _as_text(array)


def _as_doubles(present: pa.Array) -> NDArray[np.float64]:
    return np.asarray(present.cast(pa.float64(), safe=False).to_numpy())


def _as_text(array: pa.Array) -> pa.Array:
    """Booleans, dates and times as text; booleans as `true` and `false`."""
    return array.cast(pa.string())


def _hash(values: pl.Series) -> Hashes:
    frame = values.alias("v").to_frame().select(plh.col("v").nchash.xxhash64(seed=SEED))
    return np.asarray(frame.to_series().to_numpy(), dtype=np.uint64)


def _matching(texts: pl.Series, pattern: str) -> NDArray[np.bool_]:
    return texts.str.contains(pattern).to_numpy()


def _domain_array(domain: Iterable[str], of_type: pa.DataType) -> pa.Array:
    return pa.array(sorted(domain), type=of_type)


def _joined_lengths(ours: Sequence[int], theirs: Sequence[int]) -> list[int]:
    """Shortest, sum, count and longest of both; nothing before the first text."""
    if not ours or not theirs:
        return list(ours or theirs)
    return [min(ours[0], theirs[0]), ours[1] + theirs[1], ours[2] + theirs[2], max(ours[3], theirs[3])]
