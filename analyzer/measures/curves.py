"""What scores alone say: curves and the areas below them, calibration, and the losses of probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CURVE_POINTS = 1_000
"""Spark's BinaryClassificationMetrics puts neighbouring scores together above so many."""
AT_ONCE = 1_000_000
"""Points that are summed together: of ten million, arrays of all would take a gigabyte."""
CALIBRATION_BINS = 10
SMALLEST = 1e-15
"""Probabilities are kept so far from 0 and 1 for their logarithm (as scikit-learn once did)."""
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Distinct scores, descending, with the positive and negative rows that have each."""

    values: Floats
    positives: Counts
    negatives: Counts

    @property
    def totals(self) -> tuple[int, int]:
        return int(self.positives.sum()), int(self.negatives.sum())

    def grouped(self, points: int) -> Scores:
        """Put neighbouring scores together, so that about `points` remain, as Spark does."""
        size = len(self.values) // points if points else 1
        if size < 2:
            return self
        starts = np.arange(0, len(self.values), size)
        positives, negatives = np.add.reduceat(self.positives, starts), np.add.reduceat(self.negatives, starts)
        return Scores(self.values[starts], positives, negatives)

    def counts(self) -> Counts:
        return np.concatenate((self.positives, self.negatives))

    def with_counts(self, counts: Counts) -> Scores:
        half = len(self.values)
        return Scores(self.values, counts[:half], counts[half:])


def area_under_roc(scores: Scores) -> float:
    """Give the share of pairs of a positive and a negative row that are ordered rightly, ties a half."""
    positives, negatives = scores.totals
    if not positives or not negatives:
        return 0.0
    rising, false = np.cumsum(scores.positives) / positives, np.cumsum(scores.negatives) / negatives
    return _trapezoids(np.concatenate(([0.0], false, [1.0])), np.concatenate(([0.0], rising, [1.0])))


def area_under_precision_recall(scores: Scores) -> float:
    """Give the area below Spark's precision-recall curve, by trapezoids."""
    recalls, precisions = _precision_recall(scores)
    return _trapezoids(recalls, precisions)


def _trapezoids(x: Floats, y: Floats) -> float:
    """Add up areas from left to right, as Spark does: to the last digit."""
    total = 0.0
    for start in range(0, len(x) - 1, AT_ONCE):
        end = min(start + AT_ONCE, len(x) - 1)
        areas = np.diff(x[start : end + 1]) * (y[start + 1 : end + 1] + y[start:end]) / 2
        total = float(np.cumsum(np.concatenate(([total], areas)))[-1])
    return total


def average_precision(scores: Scores) -> float:
    """Give the mean of precisions weighted by the steps of recall, without interpolation."""
    recalls, precisions = _precision_recall(scores)
    return float(np.sum(np.diff(recalls) * precisions[1:]))


def curves(scores: Scores) -> dict[str, dict[str, list[float]]]:
    """Write both curves as the original does: from (0, 0) to (1, 1), and from recall 0 at the first precision."""
    few = scores.grouped(CURVE_POINTS)
    positives, negatives = few.totals
    rising = np.cumsum(few.positives) / max(positives, 1)
    false = np.cumsum(few.negatives) / max(negatives, 1)
    recalls, precisions = _precision_recall(few)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": [0.0, *false.tolist(), 1.0],
            "true_positive_rates": [0.0, *rising.tolist(), 1.0],
        },
        "precision_recall_curve": {"precisions": precisions.tolist(), "recalls": recalls.tolist()},
    }


def _precision_recall(scores: Scores) -> tuple[Floats, Floats]:
    if not len(scores.values):
        return np.zeros(1), np.zeros(1)
    met = np.cumsum(scores.positives)
    seen = met + np.cumsum(scores.negatives)
    precisions = met / np.maximum(seen, 1)
    recalls = met / max(int(met[-1]), 1)
    return np.concatenate(([0.0], recalls)), np.concatenate((precisions[:1], precisions))


def log_loss(scores: Scores) -> float:
    kept = np.clip(scores.values, SMALLEST, 1 - SMALLEST)
    loss = scores.positives * np.log(kept) + scores.negatives * np.log1p(-kept)
    return -float(loss.sum()) / max(sum(scores.totals), 1)


def brier_score(scores: Scores) -> float:
    """Give the mean squared distance of probability and outcome (Brier 1950)."""
    loss = scores.positives * (1 - scores.values) ** 2 + scores.negatives * scores.values**2
    return float(loss.sum()) / max(sum(scores.totals), 1)


def calibration(scores: Scores) -> dict[str, Any]:
    """Compare probabilities with outcomes in ten bins of equal width, and give the expected calibration error."""
    bins = np.minimum((scores.values * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    rows = np.bincount(bins, scores.positives + scores.negatives, CALIBRATION_BINS)
    positives = np.bincount(bins, scores.positives, CALIBRATION_BINS)
    promised = np.bincount(bins, scores.values * (scores.positives + scores.negatives), CALIBRATION_BINS)
    error = float(np.abs(promised - positives).sum()) / max(float(rows.sum()), 1.0)
    table = [
        {
            "lower_bound": i / CALIBRATION_BINS,
            "upper_bound": (i + 1) / CALIBRATION_BINS,
            "rows": int(rows[i]),
            "mean_probability": float(promised[i] / rows[i]) if rows[i] else None,
            "share_positive": float(positives[i] / rows[i]) if rows[i] else None,
        }
        for i in range(CALIBRATION_BINS)
    ]
    return {"expected_calibration_error": error, "bins": table}
