"""Windows that might have been: rows drawn from all that there are, where these are too few to tell what is usual.

They vary as rows drawn at random do, column by column. What differs from hour to hour beyond that is not in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analyzer.infer_type import type_of
from analyzer.tuning.scores import CHECKS, Scores, Yardstick, score_columns
from analyzer.tuning.windows import Column, Window, usual_rows

DRAWN = 1000
SEED = 20261123
Floats = NDArray[np.float64]


def draw_scores(windows: Sequence[Window], yardsticks: Sequence[Yardstick]) -> Scores:
    """Score windows drawn from the pooled rows of all, each with the usual number of rows; the seed is fixed."""
    size = usual_rows(windows)
    random = np.random.default_rng(SEED)
    rows = np.full(DRAWN, size, dtype=np.int64)
    by_check = {check: np.full((DRAWN, len(yardsticks)), np.nan) for check in CHECKS}
    for i, yardstick in enumerate(yardsticks):
        pooled = [column for window in windows if (column := window.columns.get(yardstick.name)) is not None]
        if pooled and size:
            for check, found in score_columns(_draw(pooled, size, random), rows, yardstick).items():
                by_check[check][:, i] = found
    return Scores(rows, np.zeros(DRAWN, dtype=np.bool_), by_check)


def _draw(pooled: Sequence[Column], size: int, random: np.random.Generator) -> list[Column]:
    """Draw how many values are of which kind, or missing, then the values of each column."""
    kinds = np.array([(*column.kinds, column.missing) for column in pooled]).sum(0)
    if not kinds.sum():
        return [Column("Unknown", size, (0, 0, 0, 0))] * DRAWN
    drawn = random.multinomial(size, kinds / kinds.sum(), DRAWN)
    outside = random.binomial(size, min(1.0, sum(column.outside for column in pooled) / kinds.sum()), DRAWN)
    numbers, counts = _numbers(pooled), _buckets(pooled)
    found = []
    for (*of_kinds, missing), strange in zip(drawn.tolist(), outside.tolist(), strict=True):
        kind, present = type_of(of_kinds), sum(of_kinds)
        a, b, c, d = of_kinds
        column = Column(kind, missing, (a, b, c, d), outside=strange)
        if numbers is not None and kind in {"Integral", "Fractional"} and present:
            values = random.choice(numbers[0], present, p=numbers[1])
            column = Column(kind, missing, (a, b, c, d), (values,), outside=strange)
        elif counts and kind == "String":
            column = Column(kind, missing, (a, b, c, d), (), _draw_counts(counts, size, random), strange)
        found.append(column)
    return found


def _numbers(pooled: Sequence[Column]) -> tuple[Floats, Floats] | None:
    levels = [(level, 2.0**height) for column in pooled for height, level in enumerate(column.levels) if level.size]
    if not levels:
        return None
    values = np.concatenate([level for level, _ in levels])
    weights = np.concatenate([np.full(level.size, weight) for level, weight in levels])
    return values, weights / weights.sum()


def _buckets(pooled: Sequence[Column]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for column in pooled:
        counts.update(column.buckets or {})
    return counts


def _draw_counts(counts: Counter[str], size: int, random: np.random.Generator) -> dict[str, int]:
    """Draw values; that of missing ones is among them."""
    shares = np.array(list(counts.values()), dtype=np.float64)
    drawn = random.multinomial(size, shares / shares.sum()).tolist()
    return {value: count for value, count in zip(counts, drawn, strict=True) if count}
