"""A bounded sample of whole rows, for what is no aggregate: neighbours, and rows that a model is asked about."""

from __future__ import annotations

from collections import Counter
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analyzer.analyzers.evidence import Place
from analyzer.analyzers.table import Batch, Domains

Priorities = NDArray[np.uint64]


class RowSample:
    """The rows with the smallest of pseudo-random priorities, in reading order; all of them where they are few.

    A priority is made of the seed, the record's number and the first row of the partition, so the sample is that of
    the plan of partitions, whatever the engine. `most` is how many rows are kept, `seen` how many there were.
    """

    __slots__ = ("_held", "_salt", "files", "left_out", "most", "rows", "seed", "tail")

    def __init__(self, most: int, seed: int = 0) -> None:
        self.most = most
        self.seed = seed
        self.rows = 0
        self.files = 0
        self.left_out: Counter[str] = Counter()
        self.tail: Place = ("", 0)
        self._salt: int | None = None
        self._held: list[tuple[Priorities, pa.Table]] = []

    def update(self, batch: Batch, _domains: Domains) -> None:
        """Take in rows; columns may come and go."""
        if self._salt is None:
            first = str(batch.rows.slice(0, 1).to_pylist()).encode("utf-8", "surrogatepass")
            self._salt = crc32(first, self.seed & 0xFFFFFFFF)
        priorities = _mixed(_records(batch), self._salt, self.seed)
        self.rows += batch.rows.num_rows
        self._keep(priorities, pa.Table.from_batches([batch.rows]))

    def merge(self, other: RowSample) -> None:
        """Take in the sample of the rows that follow ours."""
        goes_on = other.tail[0] == self.tail[0]
        last = other.tail if other.tail[0] else self.tail
        self.tail = (other.tail[0], other.tail[1] + self.tail[1]) if goes_on else last
        self.rows += other.rows
        self.files += other.files
        self.left_out.update(other.left_out)
        for priorities, table in other._held:
            self._keep(priorities, table)

    def table(self) -> pa.Table:
        """Give the rows that were kept, in reading order; a column that some lack is missing in them."""
        self._cut()
        return self._held[0][1] if self._held else pa.table({})

    def __getstate__(self) -> dict[str, Any]:
        self._cut()
        return {name: getattr(self, name) for name in self.__slots__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def _keep(self, priorities: Priorities, table: pa.Table) -> None:
        held = sum(len(each) for each, _ in self._held)
        if self._held and held >= self.most:
            # Rows above what is already too much need not be looked at again.
            highest = np.partition(np.concatenate([each for each, _ in self._held]), self.most - 1)[self.most - 1]
            chosen = np.flatnonzero(priorities < highest)
            if not len(chosen):
                return
            priorities, table = priorities[chosen], table.take(pa.array(chosen))
        self._held.append((priorities, table))
        if held + len(priorities) > 2 * self.most + 65_536 or len(self._held) > 64:
            self._cut()

    def _cut(self) -> None:
        """Put together what is held and drop what is too much."""
        if not self._held or (len(self._held) == 1 and len(self._held[0][0]) <= self.most):
            return
        priorities = np.concatenate([each for each, _ in self._held])
        table = pa.concat_tables([each for _, each in self._held], promote_options="permissive").combine_chunks()
        if len(priorities) > self.most:
            kept = np.sort(np.argsort(priorities, kind="stable")[: self.most])
            priorities, table = priorities[kept], table.take(pa.array(kept)).combine_chunks()
        self._held = [(priorities, table)]


def _records(batch: Batch) -> NDArray[np.uint64]:
    """Give each row of a batch the number of its record."""
    numbers = np.arange(batch.rows.num_rows, dtype=np.int64)
    for run in batch.runs:
        numbers[run.row :] = run.record + np.arange(batch.rows.num_rows - run.row)
    return numbers.astype(np.uint64)


def _mixed(numbers: NDArray[np.uint64], salt: int, seed: int) -> Priorities:
    """Scramble numbers (splitmix64: Steele, Lea and Flood, OOPSLA 2014)."""
    start = np.uint64((salt << 32 ^ seed * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)
    z = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + start
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
