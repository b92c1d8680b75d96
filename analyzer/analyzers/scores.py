"""How often each score came: exact up to ten million distinct scores, on a fine grid above."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.analyzers.codec import pack, unpack

MOST_DISTINCT = 10_000_000
"""Distinct scores that are kept apart; of more, each is rounded to the nearest multiple of 1/GRID."""
GRID = 2**23
WAITING = 2_000_000
"""Scores that are sorted together; fewer would be merged into the others too often."""
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class ScoreCounts:
    """Distinct scores from 0 to 1 in ascending order, and how many rows have each.

    Whether it is `coarse` depends on the number of distinct scores alone, so that rows split anywhere and merged
    give the counts of the whole. On the grid a score is off by 2**-24 at the most, and only rows whose scores fall
    together count as ties.
    """

    __slots__ = ("_counts", "_pending", "_values", "_waiting", "coarse", "most")

    def __init__(self, most: int = MOST_DISTINCT) -> None:
        self.most = most
        self.coarse = False
        self._values: Floats = np.empty(0)
        self._counts: Counts = np.empty(0, dtype=np.int64)
        self._pending: list[Floats] = []
        self._waiting = 0

    def update(self, scores: Floats) -> None:
        """Take in finite scores."""
        if not len(scores):
            return
        self._pending.append(scores + 0.0)  # a copy, and no -0.0
        self._waiting += len(scores)
        if self._waiting >= max(WAITING, len(self._values) // 2):
            self._settle()

    def merge(self, other: ScoreCounts) -> None:
        self._settle()
        values, counts = other.table()
        if other.coarse:
            self._coarsen()
        self._combine(values, counts)

    def table(self) -> tuple[Floats, Counts]:
        """Give the distinct scores, ascending, and their counts."""
        self._settle()
        return self._values, self._counts

    def total(self) -> int:
        return self._waiting + int(self._counts.sum())

    def to_document(self) -> dict[str, Any]:
        values, counts = self.table()
        narrow = counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
        steps = np.diff(_cells(values), prepend=0).astype(np.int32) if self.coarse else values
        return {"coarse": self.coarse, "values": pack(steps), "counts": [narrow.dtype.str, pack(narrow)]}

    @classmethod
    def from_document(cls, document: dict[str, Any], most: int = MOST_DISTINCT) -> ScoreCounts:
        scores = cls(most)
        scores.coarse = bool(document["coarse"])
        stored = unpack(document["values"], np.int32 if scores.coarse else np.float64)
        scores._values = np.cumsum(stored, dtype=np.int64) / GRID if scores.coarse else stored
        kind, text = document["counts"]
        scores._counts = unpack(text, np.dtype(kind)).astype(np.int64)
        return scores

    def __getstate__(self) -> tuple[int, bool, Floats, Counts]:
        values, counts = self.table()
        return self.most, self.coarse, values, counts

    def __setstate__(self, state: tuple[int, bool, Floats, Counts]) -> None:
        self.most, self.coarse, self._values, self._counts = state
        self._pending, self._waiting = [], 0

    def _settle(self) -> None:
        if not self._waiting:
            return
        scores = np.concatenate(self._pending) if len(self._pending) > 1 else self._pending[0]
        self._pending, self._waiting = [], 0
        if self.coarse:
            self._combine(*_dense_table(np.bincount(_cells(scores), minlength=GRID + 1)))
            return
        scores.sort()
        starts = np.flatnonzero(np.concatenate(([True], scores[1:] != scores[:-1])))
        self._combine(scores[starts], np.diff(np.append(starts, len(scores))))

    def _combine(self, values: Floats, counts: Counts) -> None:
        if self.coarse:
            dense = np.zeros(GRID + 1, dtype=np.int64)
            dense[_cells(self._values)] = self._counts
            np.add.at(dense, _cells(values), counts)
            self._values, self._counts = _dense_table(dense)
            return
        self._values, self._counts = _merged(self._values, self._counts, values, counts)
        if len(self._values) > self.most:
            self._coarsen()

    def _coarsen(self) -> None:
        if self.coarse:
            return
        self.coarse = True
        dense = np.bincount(_cells(self._values), weights=self._counts, minlength=GRID + 1)
        self._values, self._counts = _dense_table(dense.astype(np.int64))


def _cells(scores: Floats) -> NDArray[np.int64]:
    return np.rint(scores * GRID).astype(np.int64)


def _dense_table(dense: Counts) -> tuple[Floats, Counts]:
    met = np.flatnonzero(dense)
    return met / GRID, dense[met].astype(np.int64)


def _merged(values: Floats, counts: Counts, more: Floats, added: Counts) -> tuple[Floats, Counts]:
    """Merge two ascending tables."""
    if not len(values):
        return more, added
    places = np.searchsorted(values, more)
    known = np.zeros(len(more), dtype=bool)
    inside = places < len(values)
    known[inside] = values[places[inside]] == more[inside]
    counts = counts.copy()
    counts[places[known]] += added[known]
    if known.all():
        return values, counts
    new = ~known
    return np.insert(values, places[new], more[new]), np.insert(counts, places[new], added[new])


def side_by_side(first: ScoreCounts, second: ScoreCounts) -> tuple[Floats, Counts, Counts]:
    """Give the distinct scores of two tables, ascending, and how often each came in the one and the other."""
    (values, counts), (more, added) = first.table(), second.table()
    if first.coarse or second.coarse:
        dense = [np.bincount(_cells(v), weights=c, minlength=GRID + 1) for v, c in ((values, counts), (more, added))]
        met = np.flatnonzero(dense[0] + dense[1])
        return met / GRID, dense[0][met].astype(np.int64), dense[1][met].astype(np.int64)
    nothing = np.zeros(len(more), dtype=np.int64)
    together, ours = _merged(values, counts, more, nothing)
    theirs = np.zeros(len(together), dtype=np.int64)
    theirs[np.searchsorted(together, more)] = added
    return together, ours, theirs
