"""The flip test: whether neighbours of the other group would have been predicted otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EMPTY, EMPTY_REST = "Facet set is empty", "Negated Facet set is empty"
NOT_NUMERIC = "FlipTest does not support non-numeric columns"
NEIGHBOURS, FEW = 5, 9
"""Neighbours that vote, and the size of group a up to which only the nearest one does."""
AT_ONCE = 1 << 21
"""Distances that are held at once."""
Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]


def flip_test(features: Floats | None, sensitive: Marks, predicted: Marks) -> float | str:
    """Share of group d that is predicted positive against its neighbours, less the share that is not.

    `features` is a matrix of rows on their raw scale, None where a column holds texts. Neighbours are the five nearest
    rows of group a by Euclidean distance (one where it has nine rows or fewer), of equally near ones the first; they
    vote by their predictions. Returns the reason where there is no such figure.
    """
    if not sensitive.any():
        return EMPTY
    if sensitive.all():
        return EMPTY_REST
    if features is None:
        return NOT_NUMERIC
    if np.isnan(features).any():
        return "FlipTest does not support missing values"
    votes = _votes(features[sensitive], features[~sensitive], predicted[~sensitive])
    own = predicted[sensitive]
    favoured, harmed = int((own & ~votes).sum()), int((~own & votes).sum())
    return (favoured - harmed) / int(sensitive.sum())


def _votes(rows: Floats, others: Floats, predicted: Marks) -> Marks:
    """Let the neighbours of each row vote; a tie, which five voters do not have, is a no."""
    count = NEIGHBOURS if len(others) > FEW else 1
    found = np.empty(len(rows), dtype=bool)
    step = max(1, AT_ONCE // len(others))
    columns = [np.ascontiguousarray(column) for column in others.T]
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        near = _nearest(_distances(part, columns, len(others)), count)
        found[start : start + step] = predicted[near].sum(axis=1) * 2 > count
    return found


def _distances(rows: Floats, columns: list[Floats], count: int) -> Floats:
    """Square distances, summed column by column: exact for whole numbers, so that ties stay ties."""
    total = np.zeros((len(rows), count))
    for i, column in enumerate(columns):
        difference = rows[:, i, None] - column[None, :]
        difference *= difference
        total += difference
    return total


def _nearest(distances: Floats, count: int) -> NDArray[np.int64]:
    """Give the places of the nearest, of equally near ones the first."""
    bound = np.partition(distances, count - 1, axis=1)[:, count - 1 : count]
    nearer = distances < bound
    ties = distances == bound
    room = count - nearer.sum(axis=1, keepdims=True)
    chosen = nearer | (ties & (np.cumsum(ties, axis=1) <= room))
    return np.nonzero(chosen)[1].reshape(len(distances), count)
