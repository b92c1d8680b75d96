"""Performance without labels: what a model's own probabilities promise, if they are calibrated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.measures.ratios import BETAS, f_measure, ratio


def estimate(values: NDArray[np.float64], counts: NDArray[np.int64], threshold: float) -> dict[str, Any]:
    """Give the expected confusion matrix and metrics of rows with these probabilities (ascending) and no labels.

    A row with probability p is positive with that probability (confidence-based performance estimation); expected
    counts are put into the formulas of the metrics. It holds as far as the probabilities are calibrated.
    """
    above = values > threshold
    positive, negative = counts * values, counts * (1 - values)
    tp, fp = float(positive[above].sum()), float(negative[above].sum())
    fn, tn = float(positive[~above].sum()), float(negative[~above].sum())
    recall, precision = ratio(tp, tp + fn), ratio(tp, tp + fp)
    rows = int(counts.sum())
    return {
        "rows": rows,
        "accuracy": ratio(tp + tn, rows),
        "recall": recall,
        "precision": precision,
        **{name: f_measure(precision, recall, beta) for name, beta in BETAS.items()},
        "auc": _area(positive, negative),
        "share_positive": ratio(tp + fn, rows),
        "share_predicted_positive": ratio(int(counts[above].sum()), rows),
    }


def _area(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float | None:
    total = float(positive.sum()) * float(negative.sum())
    if not total:
        return None
    below = np.cumsum(negative) - negative
    return float(np.dot(positive, below + negative / 2)) / total
