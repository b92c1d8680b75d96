"""Deequ's KLL quantile sketch, in NumPy: the same retained values as the original, element by element."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.analyzers.codec import pack, unpack
from analyzer.documents import Bucket, Sketch

SHRINKING = 0.64
CAPACITY = 2048
BUCKETS = 10
Floats = NDArray[np.float64]
_NOTHING: Floats = np.empty(0)


@cache
def level_capacity(level: int) -> int:
    """How many values a level holds before it may be compacted; 2050 at level 0."""
    return 2 * (math.ceil(CAPACITY * SHRINKING**level / 2) + 1)


@cache
def total_capacity(levels: int) -> int:
    return sum(level_capacity(level) for level in range(levels))


class Kll:
    """A quantile sketch without randomness: compaction keeps every other value, starting even, then odd, in turns.

    `levels[i]` are retained values of weight 2**i, level 0 in arrival order. One difference to feeding value by
    value does not exist: `update` fills level 0 in bulk exactly up to the next compaction.
    """

    __slots__ = ("_compactions", "_levels", "_offsets")

    def __init__(self) -> None:
        self._levels: list[Floats] = [np.empty(0)]
        self._compactions = [0]
        self._offsets = [0]

    def update(self, values: Floats) -> None:
        """Take in finite values, in row order."""
        size, end = self._size(), 0
        while end < len(values):
            begin, end = end, end + max(total_capacity(len(self._levels)) - size + 1, 1)
            waiting, taken = self._levels[0], values[begin:end]
            self._levels[0] = np.concatenate((waiting, taken)) if len(waiting) else taken
            size += len(taken)
            if end <= len(values):
                size -= self._compact_once()
        self._levels[0] = self._levels[0].copy()  # else it might keep the caller's whole array alive

    def merge(self, other: Kll) -> None:
        """Take in the values that another sketch retained, level by level, as if they had arrived after ours."""
        if not self._size():
            self._levels, self._compactions, self._offsets = (
                list(other._levels),
                list(other._compactions),
                list(other._offsets),
            )
            return
        for level, values in enumerate(other._levels):
            if level == len(self._levels):
                self._add_level()
            self._levels[level] = np.concatenate((self._levels[level], values))
        while self._size() > total_capacity(len(self._levels)):
            self._compact_once()

    def sketch(self) -> Sketch:
        return Sketch(levels=tuple(self._levels), c=SHRINKING, k=float(CAPACITY))

    def to_document(self) -> dict[str, Any]:
        return {
            "levels": [pack(level) for level in self._levels],
            "compactions": self._compactions,
            "offsets": self._offsets,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Kll:
        kll = cls()
        kll._levels = [unpack(level, np.float64) for level in document["levels"]]
        kll._compactions = list(document["compactions"])
        kll._offsets = list(document["offsets"])
        return kll

    def _size(self) -> int:
        return sum(map(len, self._levels))

    def _add_level(self) -> None:
        self._levels.append(np.empty(0))
        self._compactions.append(0)
        self._offsets.append(0)

    def _compact_once(self) -> int:
        """Compact the lowest full level and return how many values that drops."""
        levels = self._levels
        level = 0
        # When all together are over capacity, at least one is at its own.
        while len(levels[level]) < level_capacity(level):
            level += 1
        if level + 1 == len(levels):
            self._add_level()
        values, above = levels[level], levels[level + 1]
        dropped, odd = divmod(len(values), 2)
        if self._compactions[level] & 1:
            self._offsets[level] ^= 1
        compacted = values[:-1].copy() if odd else values.copy()
        compacted.sort()
        kept = compacted[self._offsets[level] :: 2]
        levels[level + 1] = np.concatenate((above, kept)) if len(above) else kept.copy()
        levels[level] = values[-1:] if odd else _NOTHING
        self._compactions[level] += 1
        return dropped


def weighted_values(sketch: Sketch) -> tuple[Floats, NDArray[np.int64]]:
    """Sorted retained values of a sketch and the number of rows each stands for."""
    values = np.concatenate(sketch.levels)
    weights = np.repeat(2 ** np.arange(len(sketch.levels), dtype=np.int64), [len(level) for level in sketch.levels])
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]


def buckets_of(sketch: Sketch, low: float, high: float, *, closed_at_maximum: bool) -> tuple[Bucket, ...]:
    """Spread a sketch over ten equal-width buckets between the column's minimum and maximum.

    The bounds are `low + (high - low) * i / 10` in doubles, so the last one may fall short of the maximum and lose
    its rows, as in the original; `closed_at_maximum` sets it to the maximum instead.
    """
    values, weights = weighted_values(sketch)
    bounds = [low + (high - low) * i / float(BUCKETS) for i in range(BUCKETS + 1)]
    if closed_at_maximum:
        bounds[-1] = high
    cumulated = np.concatenate(([0], np.cumsum(weights)))
    ranks = cumulated[np.searchsorted(values, bounds, side="left")]
    ranks[-1] = cumulated[np.searchsorted(values, bounds[-1], side="right")]
    return tuple(Bucket(bounds[i], bounds[i + 1], float(ranks[i + 1] - ranks[i])) for i in range(BUCKETS))


def quantiles_of(sketch: Sketch, fractions: tuple[float, ...]) -> dict[str, float]:
    """Estimate the smallest retained value below which at least each fraction of the rows lies."""
    values, weights = weighted_values(sketch)
    cumulated = np.cumsum(weights)
    wanted = np.minimum(np.searchsorted(cumulated, np.ceil(np.array(fractions) * cumulated[-1])), len(values) - 1)
    return {f"{fraction:g}": float(values[at]) for fraction, at in zip(fractions, wanted, strict=True)}
