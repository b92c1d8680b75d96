"""Sum, mean, spread and range of the numbers of a column, as the original sums them: row by row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.analyzers.codec import pack, unpack

ROW_BY_ROW_LIMIT = 32_768
ALWAYS_ROW_BY_ROW = 2_500
"""Up to so many rows spreads equal the original's to the last digit; beyond, that would cost more than it is worth."""
ILL_CONDITIONED = 100.0
"""Mean over standard deviation from which vectorised sums no longer agree with row by row sums to 12 digits."""


class Moments:
    """Count, sum, central moment and range of finite numbers.

    `total` is a plain left-to-right sum and, for a first part of the data whose spread is small against its mean,
    `m2` is summed row by row too (Welford, as Spark's central moment); merged or well-conditioned data use
    Chan et al. 1979, which agrees to 1e-12.
    """

    __slots__ = ("average", "count", "high", "low", "m2", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.average = 0.0
        self.m2 = 0.0
        self.low = math.inf
        self.high = -math.inf

    def update(self, values: NDArray[np.float64]) -> None:
        """Take in finite values, in row order."""
        if not len(values):
            return
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        self._add_spread(values)
        with np.errstate(over="ignore", invalid="ignore"):
            self.total = float(np.cumsum(np.concatenate(([self.total], values)))[-1])

    def merge(self, other: Moments) -> None:
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)
        self._combine(other.count, other.average, other.m2)
        self.total += other.total

    def mean(self) -> float:
        return self.total / self.count

    def std_dev(self) -> float:
        """Give the population standard deviation."""
        return math.sqrt(self.m2 / self.count)

    def to_document(self) -> list[Any]:
        # Sums that overflow are infinite, which plain JSON numbers are not.
        return [self.count, pack(np.array([self.total, self.average, self.m2, self.low, self.high]))]

    @classmethod
    def from_document(cls, document: list[Any]) -> Moments:
        moments = cls()
        moments.count = int(document[0])
        figures = unpack(document[1], np.float64).tolist()
        moments.total, moments.average, moments.m2, moments.low, moments.high = figures
        return moments

    def _add_spread(self, values: NDArray[np.float64]) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            shifted = values - values[0]
            offset = float(shifted.mean())
            m2 = float(np.square(shifted - offset).sum())
        average = float(values[0]) + offset
        together = self.count + len(values)
        ill = average * average * len(values) > ILL_CONDITIONED * ILL_CONDITIONED * m2  # `**` would raise on overflow
        if together <= ALWAYS_ROW_BY_ROW or (ill and together <= ROW_BY_ROW_LIMIT):
            self._add_row_by_row(values)
        else:
            self._combine(len(values), average, m2)

    def _add_row_by_row(self, values: NDArray[np.float64]) -> None:
        average, m2 = self.average, self.m2
        for count, value in enumerate(values.tolist(), self.count + 1):
            delta = value - average
            step = delta / count
            average += step
            m2 += delta * (delta - step)
        self.count += len(values)
        self.average, self.m2 = average, m2

    def _combine(self, count: int, average: float, m2: float) -> None:
        if not count:
            return
        if not self.count:
            self.count, self.average, self.m2 = count, average, m2
            return
        together = self.count + count
        delta = average - self.average
        self.m2 += m2 + delta * delta * (self.count * count / together)
        self.average += delta * (count / together)
        self.count = together
