"""Labels and predictions of a regression: sums of errors, spreads of both sides, a sketch of the errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.analyzers.codec import pack, unpack
from analyzer.analyzers.kll import Kll
from analyzer.analyzers.moments import Moments

BLOCKS = 100
"""Rows are dealt to so many blocks in turn; subsamples and bootstrap samples are made of whole blocks."""
SUMS = (
    "rows",
    "absolute",
    "squared",
    "label",
    "label_squared",
    "prediction",
    "prediction_squared",
    "relative",
    "nonzero",
)
"""What is summed in each block; labels and predictions less the first label, so that squares keep their digits."""
Floats = NDArray[np.float64]


class Residuals:
    """A mergeable summary of pairs of numbers (label, prediction).

    `absolute` and `squared` hold |error| and its square, summed row by row as the original does. Row i of the whole
    falls into block i mod 100, so merging turns the later part's blocks by the number of rows before them.
    """

    __slots__ = ("absolute", "blocks", "labels", "predictions", "rows", "shift", "sketch", "squared")

    def __init__(self) -> None:
        self.rows = 0
        self.shift = 0.0
        self.absolute = 0.0
        self.squared = 0.0
        self.labels = Moments()
        self.predictions = Moments()
        self.sketch = Kll()
        self.blocks: Floats = np.zeros((BLOCKS, len(SUMS)))

    def update(self, labels: Floats, predictions: Floats) -> None:
        """Take in finite numbers, in row order."""
        if not len(labels):
            return
        if not self.rows:
            self.shift = float(labels[0])
        with np.errstate(over="ignore", invalid="ignore"):
            errors = labels - predictions
            distances = np.abs(errors)
            self.absolute = _summed(self.absolute, distances)
            self.squared = _summed(self.squared, errors * errors)
            self._add_blocks(labels, predictions, distances)
        self.labels.update(labels)
        self.predictions.update(predictions)
        self.sketch.update(distances)
        self.rows += len(labels)

    def merge(self, other: Residuals) -> None:
        """Take in the summary of the rows that follow ours."""
        if not other.rows:
            return
        if not self.rows:
            self.shift = other.shift
        theirs = np.roll(_shifted(other.blocks, other.shift - self.shift), self.rows % BLOCKS, axis=0)
        self.blocks = self.blocks + theirs
        self.absolute += other.absolute
        self.squared += other.squared
        self.labels.merge(other.labels)
        self.predictions.merge(other.predictions)
        self.sketch.merge(other.sketch)
        self.rows += other.rows

    def to_document(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "sums": pack(np.array([self.shift, self.absolute, self.squared])),
            "labels": self.labels.to_document(),
            "predictions": self.predictions.to_document(),
            "sketch": self.sketch.to_document(),
            "blocks": pack(self.blocks),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Residuals:
        residuals = cls()
        residuals.rows = int(document["rows"])
        residuals.shift, residuals.absolute, residuals.squared = unpack(document["sums"], np.float64).tolist()
        residuals.labels = Moments.from_document(document["labels"])
        residuals.predictions = Moments.from_document(document["predictions"])
        residuals.sketch = Kll.from_document(document["sketch"])
        residuals.blocks = unpack(document["blocks"], np.float64).reshape(BLOCKS, len(SUMS))
        return residuals

    def _add_blocks(self, labels: Floats, predictions: Floats, distances: Floats) -> None:
        where = (np.arange(len(labels)) + self.rows) % BLOCKS
        near, far = labels - self.shift, predictions - self.shift
        nonzero = labels != 0
        relative = np.divide(distances, np.abs(labels), out=np.zeros(len(labels)), where=nonzero)
        columns = (None, distances, distances**2, near, near**2, far, far**2, relative, nonzero.astype(float))
        for i, column in enumerate(columns):
            self.blocks[:, i] += np.bincount(where, column, BLOCKS)


def _summed(start: float, values: Floats) -> float:
    return float(np.cumsum(np.concatenate(([start], values)))[-1])


def _shifted(blocks: Floats, by: float) -> Floats:
    """Give block sums as if `by` had been taken from labels and predictions less."""
    moved = blocks.copy()
    rows = blocks[:, 0]
    for first, second in ((3, 4), (5, 6)):
        moved[:, second] += 2 * by * blocks[:, first] + by * by * rows
        moved[:, first] += by * rows
    return moved
