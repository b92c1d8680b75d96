"""Partial dependence: mean scores of all rows with one feature set to a value, for values along its range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.attributions.features import Block, Feature, Features
from analyzer.attributions.shapley import Predict


@dataclass(frozen=True, slots=True)
class Grid:
    """Values that a feature is set to, by its place, and the share of the rows that are nearest to each."""

    feature: int
    values: tuple[float, ...]
    shares: tuple[float, ...]


def grid_of(rows: Block, features: Features, place: int, resolution: int) -> Grid:
    """Choose values of a feature: all where they are few, else as many evenly over its range, or its most frequent."""
    column = rows[:, place]
    known, counts = np.unique(column[np.isfinite(column)], return_counts=True)
    if len(known) > resolution:
        if features.columns[place].texts is None:
            middles = np.linspace(known[0], known[-1], resolution)
            nearest = np.abs(known[:, None] - middles[None, :]).argmin(axis=1)
            known, counts = middles, np.bincount(nearest, weights=counts, minlength=resolution)
        else:
            chosen = np.sort(np.argsort(-counts, kind="stable")[:resolution])
            known, counts = known[chosen], counts[chosen]
    return Grid(place, tuple(known.tolist()), tuple((counts / max(1, len(column))).tolist()))


def sums_over(rows: Block, grids: Sequence[Grid], predict: Predict) -> NDArray[np.float64]:
    """Sum the scores of rows over each value of each grid: (values of all grids, K)."""
    found = []
    for grid in grids:
        for value in grid.values:
            block = rows.copy()
            block[:, grid.feature] = value
            found.append(predict(block).sum(axis=0))
    return np.array(found)


def dependences(
    totals: NDArray[np.float64], rows: int, grids: Sequence[Grid], features: Features, labels: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Write the list `pdp` of analysis.json from the sums of all rows."""
    documents = []
    start = 0
    for grid in grids:
        means = totals[start : start + len(grid.values)] / rows
        start += len(grid.values)
        documents.append(_document(grid, means, features.columns[grid.feature], labels))
    return documents


def _document(grid: Grid, means: NDArray[np.float64], feature: Feature, labels: Sequence[str]) -> Mapping[str, Any]:
    numeric = feature.texts is None
    values = [value if feature.texts is None else feature.texts[int(value)] for value in grid.values]
    return {
        "feature_name": feature.name,
        "data_type": "numerical" if numeric else "categorical",
        "feature_values": values,
        "data_distribution": list(grid.shares),
        "model_predictions": means.T.tolist(),
        "label_headers": list(labels),
    }
