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
AT_ONCE = 1_000_000
Floats = NDArray[np.float64]
Counts = NDArray[np.unsignedinteger[Any]]
Rows = NDArray[np.signedinteger[Any]]


class ScoreCounts:
    """Distinct scores from 0 to 1 in ascending order, and how many rows have each.

    Whether it is `coarse` depends on the number of distinct scores alone, so that rows split anywhere and merged
    give the counts of the whole. On the grid a score is off by 2**-24 at the most, and only rows whose scores fall
    together count as ties. Counts are held in as few bytes as the largest of them needs.
    """

    __slots__ = ("_counts", "_grid", "_pending", "_values", "_waiting", "most")

    def __init__(self, most: int = MOST_DISTINCT) -> None:
        self.most = most
        self._values: Floats = np.empty(0)
        self._counts: Counts = np.empty(0, dtype=np.uint8)
        self._grid: Counts | None = None
        """Where it is coarse: the rows of every cell, in place of the table."""
        self._pending: list[Floats] = []
        self._waiting = 0

    @property
    def coarse(self) -> bool:
        return self._grid is not None

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
        other._settle()
        if other._grid is not None:
            self._coarsen()
            self._grid = _sum(self._grid, other._grid)
        else:
            self._combine(other._values, other._counts)

    def remove(self, other: ScoreCounts) -> None:
        """Take out scores that were taken in before.

        Raises ValueError where some of them were not.
        """
        self._settle()
        if self._grid is not None or other.coarse:
            self._coarsen()
            self._grid = _less(self.grid(), other.grid())
            return
        values, counts = other.table()
        places = np.searchsorted(self._values, values)
        if (places == len(self._values)).any() or (self._values[places] != values).any():
            raise ValueError("there are scores among them that were not met before")
        taken = np.zeros(len(self._counts), dtype=np.int64)
        taken[places] = counts
        left = _less(self._counts, taken)
        self._values, self._counts = self._values[left > 0], left[left > 0]

    def table(self) -> tuple[Floats, Counts]:
        """Give the distinct scores, ascending, and their counts."""
        self._settle()
        if self._grid is None:
            return self._values, self._counts
        met = np.flatnonzero(self._grid)
        return met / GRID, self._grid[met]

    def grid(self) -> Counts:
        """Give the rows of every cell, whether or not scores were rounded to them."""
        self._settle()
        return _gridded(self._values, self._counts) if self._grid is None else self._grid

    def total(self) -> int:
        counts = self._counts if self._grid is None else self._grid
        return self._waiting + int(counts.sum())

    def to_document(self) -> dict[str, Any]:
        self._settle()
        values, counts = (self._values, self._counts) if self._grid is None else _steps(self._grid)
        narrow = _narrow(counts)
        return {"coarse": self.coarse, "values": pack(values), "counts": [narrow.dtype.str, pack(narrow)]}

    @classmethod
    def from_document(cls, document: dict[str, Any], most: int = MOST_DISTINCT) -> ScoreCounts:
        scores = cls(most)
        kind, text = document["counts"]
        counts = unpack(text, np.dtype(kind))
        if document["coarse"]:
            scores._grid = np.zeros(GRID + 1, dtype=counts.dtype)
            scores._grid[np.cumsum(unpack(document["values"], np.int32))] = counts
        else:
            scores._values, scores._counts = unpack(document["values"], np.float64), counts
        return scores

    def __getstate__(self) -> tuple[int, Floats, Counts, Counts | None]:
        self._settle()
        return self.most, self._values, self._counts, self._grid

    def __setstate__(self, state: tuple[int, Floats, Counts, Counts | None]) -> None:
        self.most, self._values, self._counts, self._grid = state
        self._pending, self._waiting = [], 0

    def _settle(self) -> None:
        if not self._waiting:
            return
        scores = np.concatenate(self._pending) if len(self._pending) > 1 else self._pending[0]
        self._pending, self._waiting = [], 0
        if self._grid is not None:
            self._grid = _sum(self._grid, np.bincount(_cells(scores), minlength=GRID + 1))
            return
        scores.sort()
        starts = np.flatnonzero(np.concatenate(([True], scores[1:] != scores[:-1])))
        self._combine(scores[starts], _narrow(np.diff(np.append(starts, len(scores)))))

    def _combine(self, values: Floats, counts: Counts) -> None:
        if self._grid is not None:
            self._grid = _sum(self._grid, _gridded(values, counts))
            return
        self._values, self._counts = _merged(self._values, self._counts, values, counts)
        if len(self._values) > self.most:
            self._coarsen()

    def _coarsen(self) -> None:
        if self._grid is None:
            self._grid = _gridded(self._values, self._counts)
            self._values, self._counts = np.empty(0), np.empty(0, dtype=np.uint8)


def _cells(scores: Floats) -> NDArray[np.int64]:
    return np.rint(scores * GRID).astype(np.int64)


def _gridded(values: Floats, counts: Counts) -> Counts:
    """Count ascending scores by cell, some at a time: arrays for ten million would take most of a job's memory."""
    grid = np.zeros(GRID + 1, dtype=np.min_scalar_type(int(counts.sum(initial=0))))
    for start in range(0, len(values), AT_ONCE):
        cells = _cells(values[start : start + AT_ONCE])
        first, last = int(cells[0]), int(cells[-1]) + 1
        grid[first:last] += np.bincount(cells - first, weights=counts[start : start + AT_ONCE]).astype(grid.dtype)
    return _narrow(grid)


def _steps(grid: Counts) -> tuple[NDArray[np.int32], Counts]:
    """Give the distances of the cells that are not empty, which are shorter than their scores, and their counts."""
    met = np.flatnonzero(grid).astype(np.int32)
    return np.diff(met, prepend=np.int32(0)), grid[met]


def _narrow(counts: NDArray[Any]) -> Counts:
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))), copy=False)


def _sum(counts: Counts | None, more: NDArray[Any]) -> Counts:
    """Add counts in as few bytes as the sums need."""
    if counts is None:
        return _narrow(more)
    most = int(counts.max(initial=0)) + int(more.max(initial=0))
    return _narrow(np.add(counts, more, dtype=np.min_scalar_type(most), casting="unsafe"))


def _less(counts: Counts, fewer: NDArray[Any]) -> Counts:
    left = counts.astype(np.int64) - fewer.astype(np.int64)
    if (left < 0).any():
        raise ValueError("there are more of some scores than were met before")
    return _narrow(left)


def _merged(values: Floats, counts: Counts, more: Floats, added: Counts) -> tuple[Floats, Counts]:
    """Merge two ascending tables."""
    if not len(values):
        return more, added
    places = np.searchsorted(values, more)
    known = np.zeros(len(more), dtype=bool)
    inside = places < len(values)
    known[inside] = values[places[inside]] == more[inside]
    most = int(counts.max()) + int(added.max(initial=0))
    counts = counts.astype(np.min_scalar_type(most))
    counts[places[known]] += added[known].astype(counts.dtype)
    if known.all():
        return values, counts
    new = ~known
    return np.insert(values, places[new], more[new]), np.insert(counts, places[new], added[new].astype(counts.dtype))


def side_by_side(first: ScoreCounts, second: ScoreCounts) -> tuple[Floats, Rows, Rows]:
    """Give the distinct scores of two tables, ascending, and how often each came in the one and the other.

    The counts are of a type that holds their sum.
    """
    kind = np.int32 if first.total() + second.total() < 2**31 else np.int64
    if first.coarse or second.coarse:
        grids = first.grid(), second.grid()
        met = np.flatnonzero(grids[0] | grids[1])
        return met / GRID, grids[0][met].astype(kind), grids[1][met].astype(kind)
    (values, counts), (more, added) = first.table(), second.table()
    together, ours = _merged(values, counts, more, np.zeros_like(added))
    theirs: Rows = np.zeros(len(together), dtype=kind)
    theirs[np.searchsorted(together, more)] = added
    return together, ours.astype(kind), theirs
