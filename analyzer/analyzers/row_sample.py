"""A sample of rows that is the same however the data was cut: those with the lowest hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa
from numpy.typing import NDArray

from analyzer.analyzers.folded_rows import FoldedRows
from analyzer.analyzers.hyperloglog import hash_numbers
from analyzer.analyzers.table import Batch, Domains, Run

Hashes = NDArray[np.uint64]
MIXER = np.uint64(0x9E3779B97F4A7C15)


class RowSample(FoldedRows):
    """The `most` rows with the lowest hashes of their values and places, in the order of the data, whole as read.

    The hash takes in the seed, the values, the name of the file (not its folder, which differs from host to host) and
    the number of the record in what was read at once, which the files alone decide. So the sample does not depend on
    engine, cores or cluster, and rows that are alike are drawn apart.
    """

    __slots__ = ("_batches", "_hashes", "_held", "most", "seed")

    def __init__(self, most: int, seed: int = 0) -> None:
        super().__init__()
        self.most = most
        self.seed = seed
        self._batches: list[pa.RecordBatch] = []
        self._hashes: list[Hashes] = []
        self._held = 0

    def update(self, batch: Batch, _domains: Domains) -> None:
        rows = batch.rows
        self.rows += rows.num_rows
        self._keep(rows, row_hashes(rows, batch.runs, self.seed))
        if self._held > 2 * self.most:
            self._trim()

    def merge(self, other: RowSample) -> None:
        """Take in the state of the rows that follow ours."""
        self._batches += other._batches
        self._hashes += other._hashes
        self._held += other._held
        self._trim()
        self.go_on(other)

    def table(self) -> pa.Table:
        """Give the sample; a column that some rows lack is missing in them, one of several types is text."""
        self._trim()
        names = list(dict.fromkeys(name for batch in self._batches for name in batch.schema.names))
        columns = [[_column(batch, name) for batch in self._batches] for name in names]
        return pa.table([_joined(pieces) for pieces in columns], names=names)

    def __getstate__(self) -> object:
        self._trim()
        return super().__getstate__()

    def _keep(self, rows: pa.RecordBatch, hashes: Hashes) -> None:
        """Keep rows that may be in the sample; of a batch no more than `most` can be."""
        if len(hashes) > self.most:
            chosen = np.sort(_lowest(hashes, self.most))
            rows, hashes = rows.take(pa.array(chosen)), hashes[chosen]
        if len(hashes):
            self._batches.append(rows)
            self._hashes.append(hashes)
            self._held += len(hashes)

    def _trim(self) -> None:
        if self._held <= self.most:
            return
        kept = np.zeros(self._held, dtype=np.bool_)
        kept[_lowest(np.concatenate(self._hashes), self.most)] = True
        bounds = np.cumsum([0, *map(len, self._hashes)])
        masks = [kept[start:end] for start, end in pairwise(bounds)]
        left = [(b.filter(pa.array(m)), h[m]) for b, h, m in zip(self._batches, self._hashes, masks, strict=True)]
        self._batches = [batch for batch, hashes in left if len(hashes)]
        self._hashes = [hashes for _, hashes in left if len(hashes)]
        self._held = self.most


def _lowest(hashes: Hashes, most: int) -> NDArray[np.intp]:
    """Find the lowest hashes; of equal ones the first."""
    return np.argsort(hashes, kind="stable")[:most]


def row_hashes(rows: pa.RecordBatch, runs: Sequence[Run], seed: int) -> Hashes:
    """Hash each row with its place, 64 bits."""
    hashes = _places(runs, rows.num_rows, seed)
    with np.errstate(over="ignore"):
        for array in rows.columns:
            hashes = (hashes * MIXER) ^ _hashes_of(array)
    return hash_numbers(hashes.view(np.int64))


def _places(runs: Sequence[Run], rows: int, seed: int) -> Hashes:
    places = np.empty(rows, dtype=np.uint64)
    ends = [*(run.row for run in runs[1:]), rows]
    for run, end in zip(runs, ends, strict=True):
        name = hashlib.blake2b(f"{seed}:{run.file.rpartition('/')[2]}".encode(), digest_size=8).digest()
        records = np.arange(run.record, run.record + end - run.row, dtype=np.uint64)
        places[run.row : end] = records ^ np.uint64(int.from_bytes(name, "little"))
    return hash_numbers(places.view(np.int64))


def _hashes_of(array: pa.Array) -> Hashes:
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        numbers = np.asarray(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
        return hash_numbers(np.where(np.isnan(numbers), np.nan, numbers))
    texts = pl.Series("v", array if pa.types.is_string(array.type) else array.cast(pa.string()), pl.String)
    found = texts.fill_null("\x00").to_frame().select(plh.col("v").nchash.xxhash64(seed=0))
    return np.asarray(found.to_series().to_numpy(), dtype=np.uint64)


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    found = batch.schema.get_field_index(name)
    return batch.column(found) if found >= 0 else pa.nulls(batch.num_rows)


def _joined(pieces: list[pa.Array]) -> pa.ChunkedArray:
    types = {piece.type for piece in pieces} - {pa.null()}
    wanted = types.pop() if len(types) == 1 else pa.string()
    return pa.chunked_array([piece.cast(wanted) for piece in pieces], wanted)
