"""The rows that stand for features which are out: as given, or the middles of clusters of the data."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analyzer.attributions.features import Block, Features
from analyzer.errors import ConfigError

log = logging.getLogger(__name__)
KEY = "methods.shap.baseline"
MOST_CLUSTERS = 12
"""Clusters that are tried where their number is not told, as in the original."""
STARTS = 4


def rows_of(given: Sequence[Any], names: Sequence[str], everything: Sequence[str]) -> list[list[Any]]:
    """Read rows of a baseline: lists of values in the order of the features, or objects with their names.

    A list that is as long as all columns of the data, `everything`, has its features picked.
    Raises ConfigError for rows of another shape.
    """
    rows = given if all(isinstance(row, list | tuple | Mapping) for row in given) else [given]
    if not rows or not len(rows[0]):
        raise ConfigError(f"{KEY} holds no rows.", "Give one at least, or leave it out to have it computed.")
    return [_row(row, i, names, everything) for i, row in enumerate(rows)]


def _row(row: Any, number: int, names: Sequence[str], everything: Sequence[str]) -> list[Any]:
    if isinstance(row, Mapping):
        missing = [name for name in names if name not in row]
        if missing:
            raise ConfigError(
                f"{KEY}: row {number + 1} lacks {', '.join(map(repr, missing[:10]))}.", "Give a value for each feature."
            )
        values = [row[name] for name in names]
    elif len(row) == len(names):
        values = list(row)
    elif len(row) == len(everything):
        values = [row[everything.index(name)] for name in names]
    else:
        raise ConfigError(
            f"{KEY}: row {number + 1} holds {len(row)} values, but there are {len(names)} features.",
            f"Give one for each of {', '.join(names[:30])}, in this order, without the label.",
        )
    return [_checked(value, name, number) for value, name in zip(values, names, strict=True)]


def _checked(value: Any, name: str, number: int) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    raise ConfigError(f"{KEY}: row {number + 1} has {value!r} for {name!r}.", "Values are numbers or texts.")


def computed_background(block: Block, features: Features, clusters: int | None, seed: int) -> Block:
    """Find the middles of clusters of rows: means of numbers, and the most frequent text of each cluster.

    Clusters are those of k-means over the numbers, each divided by its standard deviation. Without `clusters`, their
    number is that of 1 to 12 at the bend of the curve of inertia.
    Raises ConfigError where scikit-learn, which finds them, is not installed.
    """
    filled = _filled(block, features)
    numeric = [i for i, feature in enumerate(features.columns) if feature.texts is None]
    spread = filled[:, numeric].std(axis=0)
    scaled = filled[:, numeric] / np.where(spread > 0, spread, 1)
    distinct = len(np.unique(scaled, axis=0)) if numeric else 1
    labels = _clustered(scaled, min(clusters, distinct) if clusters else None, min(MOST_CLUSTERS, distinct), seed)
    middles = [_middle(filled[labels == label], features) for label in np.unique(labels)]
    log.info("The baseline of %d rows was computed from %d rows.", len(middles), len(block))
    return np.array(middles)


def _filled(block: Block, features: Features) -> Block:
    """Put the median, or the most frequent text, where a value is missing; a column without values stays empty."""
    filled = block.copy()
    for i, feature in enumerate(features.columns):
        column = filled[:, i]
        present = column[~np.isnan(column)]
        if len(present) in {0, len(column)}:
            continue
        column[np.isnan(column)] = np.median(present) if feature.texts is None else _mode(present)
    return filled


def _mode(codes: Block) -> float:
    values, counts = np.unique(codes, return_counts=True)
    return float(values[counts.argmax()])


def _middle(rows: Block, features: Features) -> Block:
    return np.array(
        [
            _mode(rows[:, i]) if feature.texts is not None else float(rows[:, i].mean())
            for i, feature in enumerate(features.columns)
        ]
    )


def _clustered(scaled: Block, clusters: int | None, most: int, seed: int) -> Block:
    if clusters == 1 or most == 1 or not scaled.shape[1]:
        return np.zeros(len(scaled))
    usable = np.nan_to_num(scaled)
    if clusters is not None:
        return _k_means(usable, clusters, seed)[0]
    tried = [_k_means(usable, count, seed) for count in range(1, most + 1)]
    return tried[_bend([inertia for _, inertia in tried])][0]


def _k_means(rows: Block, clusters: int, seed: int) -> tuple[Block, float]:
    try:
        from sklearn.cluster import KMeans
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{KEY} is not given, and scikit-learn, which would compute it, is not installed.",
            "Give a baseline (a list of rows), or install model-monitor-analyzer[attribution].",
        ) from error
    found = KMeans(clusters, n_init=STARTS, random_state=seed).fit(rows)
    return np.asarray(found.labels_), float(found.inertia_)


def _bend(inertias: Sequence[float]) -> int:
    """Find the point of a falling curve that is farthest below the line from its first to its last."""
    curve = np.array(inertias)
    if len(curve) < 3 or curve[0] <= curve[-1]:
        return 0
    line = np.linspace(curve[0], curve[-1], len(curve))
    return int((line - curve).argmax())
