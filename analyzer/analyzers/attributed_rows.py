"""The state of attributions that are already in the data: sums of their sizes and squares, and a sample of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analyzer.analyzers.folded_rows import FoldedRows
from analyzer.analyzers.row_sample import RowSample
from analyzer.analyzers.table import Batch, Domains, locator
from analyzer.errors import InputError

MISSING = "missing_attributions"


class AttributedRows(FoldedRows):
    """Sums over all rows that have every attribution, by column; medians come from the `sample`.

    The columns are those that begin with `prefix`, empty: all but the columns of `others`.
    """

    __slots__ = ("counted", "names", "others", "prefix", "sample", "sizes", "squares")

    def __init__(self, prefix: str, others: Sequence[str | int], most: int, seed: int) -> None:
        super().__init__()
        self.prefix = prefix
        self.others = tuple(others)
        self.names: tuple[str, ...] = ()
        self.counted = 0
        self.sizes = np.zeros(0)
        self.squares = np.zeros(0)
        self.sample = RowSample(most, seed)

    def update(self, batch: Batch, domains: Domains) -> None:
        """Take in rows.

        Raises InputError where there are no attributions, others than before, or what is no number.
        """
        names = self._columns(batch.rows.schema.names)
        if not names:
            raise InputError(
                f"There are no columns that begin with {self.prefix!r}: {', '.join(batch.rows.schema.names[:20])}.",
                "Set ANALYZER_ATTRIBUTIONS to the beginning of the names of the columns that hold attributions.",
            )
        self._expect(names)
        self.rows += batch.rows.num_rows
        numbers = [_numbers(batch, name) for name in names]
        present = np.isfinite(np.sum(numbers, axis=0))
        block = np.stack([column[present] for column in numbers])
        self.left_out[MISSING] += int((~present).sum())
        self.counted += block.shape[1]
        self.sizes += np.abs(block).sum(axis=1)
        self.squares += (block**2).sum(axis=1)
        kept = pa.record_batch([pa.array(np.where(present, column, np.nan)) for column in numbers], names=list(names))
        self.sample.update(Batch(kept, batch.runs), domains)

    def merge(self, other: AttributedRows) -> None:
        """Take in the state of the rows that follow ours."""
        if other.names:
            self._expect(other.names)
            self.counted += other.counted
            self.sizes = self.sizes + other.sizes
            self.squares = self.squares + other.squares
        self.sample.merge(other.sample)
        self.go_on(other)

    def aggregate(self, method: str) -> dict[str, float]:
        """Aggregate by column: means of all rows, or the median of the sample."""
        if method == "median":
            table = self.sample.table()
            columns = {name: table.column(name).to_numpy() for name in self.names}
            return {name: float(np.nanmedian(column)) for name, column in columns.items()}
        totals = self.sizes if method == "mean_abs" else self.squares
        return dict(zip(self.names, (totals / self.counted).tolist(), strict=True))

    def _columns(self, names: Sequence[str]) -> tuple[str, ...]:
        if self.prefix:
            return tuple(name for name in names if name.startswith(self.prefix))
        out = {names[each] if isinstance(each, int) and each < len(names) else each for each in self.others}
        return tuple(name for name in names if name not in out)

    def _expect(self, names: tuple[str, ...]) -> None:
        if not self.names:
            self.names, self.sizes, self.squares = names, np.zeros(len(names)), np.zeros(len(names))
        elif names != self.names:
            raise InputError(
                f"Attributions stand in {', '.join(self.names[:20])}, and elsewhere in {', '.join(names[:20])}.",
                "Every file has to hold the same columns in the same order.",
            )


def _numbers(batch: Batch, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    column = batch.rows.column(name)
    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            trimmed = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
        found: np.ndarray[tuple[int], np.dtype[np.float64]] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        file, record = locator(batch.runs)(0)
        raise InputError(
            f"Attributions of {name!r} are no numbers: {error} (from record {record} of {file} on).",
            "See ANALYZER_ATTRIBUTIONS, or predictor.attributions of analysis_config.json.",
        ) from error
    return found
