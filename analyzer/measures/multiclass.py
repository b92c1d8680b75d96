"""Classification into several classes: the original's metrics, weighted by the actual labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.measures import resample
from analyzer.measures.binary import class_figures
from analyzer.measures.ratios import BETAS
from analyzer.quality_documents import Metric, Part

Counts = NDArray[np.int64]
MACRO_SAMPLES_UP_TO = 250_000
"""Cells of a confusion matrix up to which samples are drawn for intervals."""


def weighted(matrix: Counts) -> dict[str, float]:
    """Give accuracy and the metrics of the classes, weighted by their share of the actual labels."""
    hits, actual, predicted = np.diag(matrix).astype(float), matrix.sum(1), matrix.sum(0)
    rows = max(int(actual.sum()), 1)
    precisions, recalls, shares = _ratios(hits, predicted), _ratios(hits, actual), actual / rows
    figures = {
        "accuracy": float(hits.sum() / rows),
        "weighted_recall": float(np.sum(recalls * shares)),
        "weighted_precision": float(np.sum(precisions * shares)),
    }
    for name, beta in BETAS.items():
        square = beta * beta
        measures = _ratios((1 + square) * precisions * recalls, square * precisions + recalls)
        figures[f"weighted_{name}"] = float(np.sum(measures * shares))
    return figures


def figures_of(matrix: Counts) -> dict[str, float]:
    """Add the same figures of a classifier that always answers the most frequent label (the first of such)."""
    actual = matrix.sum(1)
    constant = np.zeros_like(matrix)
    constant[:, int(np.argmax(actual))] = actual
    return weighted(matrix) | {f"{name}_best_constant_classifier": v for name, v in weighted(constant).items()}


def _ratios(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
    return found


def parts(matrix: Counts, names: Sequence[str]) -> dict[str, Part]:
    """Lay out the metrics block: confusion_matrix[actual][predicted], metrics, and those of the best constant."""
    spreads = resample.deviations(matrix.ravel(), lambda drawn: figures_of(drawn.reshape(matrix.shape)))
    counts = {a: {p: int(matrix[i, j]) for j, p in enumerate(names)} for i, a in enumerate(names)}
    return {
        "confusion_matrix": counts,
        **{name: Metric(value, spreads.get(name)) for name, value in figures_of(matrix).items()},
    }


def textbook(matrix: Counts) -> dict[str, float]:
    """Add the means over the classes, in which each class counts alike (macro averages)."""
    hits, actual, predicted = np.diag(matrix).astype(float), matrix.sum(1), matrix.sum(0)
    known = (actual + predicted) > 0
    precisions, recalls = _ratios(hits, predicted), _ratios(hits, actual)
    f1 = _ratios(2 * precisions * recalls, precisions + recalls)
    macro = {"macro_recall": recalls, "macro_precision": precisions, "macro_f1": f1}
    return weighted(matrix) | {name: float(each[known].mean()) if known.any() else 0.0 for name, each in macro.items()}


def confidence(matrix: Counts) -> dict[str, list[float]]:
    if matrix.size > MACRO_SAMPLES_UP_TO:
        return {}
    return resample.intervals(matrix.ravel(), lambda drawn: textbook(drawn.reshape(matrix.shape)))


def by_class(matrix: Counts, names: Sequence[str]) -> list[dict[str, Any]]:
    hits, actual, predicted = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    return [
        class_figures(name, int(hits[i]), int(predicted[i] - hits[i]), int(actual[i] - hits[i]))
        for i, name in enumerate(names)
    ]
