"""Counts of single values: exact while a column has few of them, an estimate of the most frequent ones beyond."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from analyzer.documents import TopValues

MOST_VALUES = 1024
"""Distinct values up to which counts are exact; far above what approximates to 120, where domains end."""
KEPT_VALUES = 256
"""Values that are kept of a column with more, the most frequent of a sample, once there are many to choose from."""
SHOWN = 10


class ValueCounts:
    """Counts by value text, over all rows while `exact`, else over `counted` rows, the rare values dropped."""

    __slots__ = ("counted", "counts", "exact")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.counted = 0
        self.exact = True

    def add(self, values: Iterable[str], counts: Iterable[int]) -> None:
        for value, count in zip(values, counts, strict=True):
            self.counts[value] = self.counts.get(value, 0) + count
            self.counted += count
        self._prune()

    def give_up(self, *, forget: bool = False) -> None:
        """Note that not every row will be counted from here on, or that none is any more of use."""
        self.exact = False
        if forget:
            self.counts, self.counted = {}, 0

    def merge(self, other: ValueCounts) -> None:
        self.exact = self.exact and other.exact
        for value, count in other.counts.items():
            self.counts[value] = self.counts.get(value, 0) + count
        self.counted += other.counted
        self._prune()

    def top(self) -> TopValues:
        return TopValues(
            tuple((value, self.counts[value]) for value in self._ranked()[:SHOWN]), self.exact, self.counted
        )

    def to_document(self) -> dict[str, Any]:
        return {
            "values": list(self.counts),
            "counts": list(self.counts.values()),
            "counted": self.counted,
            "exact": self.exact,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> ValueCounts:
        found = cls()
        found.counts = dict(zip(document["values"], document["counts"], strict=True))
        found.counted, found.exact = document["counted"], document["exact"]
        return found

    def _prune(self) -> None:
        if len(self.counts) > MOST_VALUES:
            self.exact = False
            self.counts = {value: self.counts[value] for value in self._ranked()[:KEPT_VALUES]}

    def _ranked(self) -> list[str]:
        """List the values, the most frequent first, equally frequent ones in alphabetical order."""
        return sorted(sorted(self.counts), key=self.counts.__getitem__, reverse=True)
