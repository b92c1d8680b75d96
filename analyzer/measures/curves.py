"""What scores alone say: curves and the areas below them, calibration, and the losses of probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
Counts = NDArray[np.signedinteger[Any]]


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
    points = ((false / negatives, true / positives) for true, false in _running(scores))
    return _area(points, (0.0, 0.0))


def area_under_precision_recall(scores: Scores) -> float:
    """Give the area below Spark's precision-recall curve, by trapezoids."""
    return _area(_precision_recall(scores), (0.0, _first_precision(scores)))


def average_precision(scores: Scores) -> float:
    """Give the mean of precisions weighted by the steps of recall, without interpolation."""
    total, last = 0.0, 0.0
    for recalls, precisions in _precision_recall(scores):
        total += float(np.sum(np.diff(recalls, prepend=last) * precisions))
        last = float(recalls[-1])
    return total


def _running(scores: Scores) -> Iterator[tuple[Counts, Counts]]:
    """Yield the positive and the negative rows with a score as high or higher, some scores at a time."""
    met, seen = 0, 0
    for start in range(0, len(scores.values), AT_ONCE):
        end = start + AT_ONCE
        positives, negatives = (
            np.cumsum(scores.positives[start:end]) + met,
            np.cumsum(scores.negatives[start:end]) + seen,
        )
        yield positives, negatives
        met, seen = int(positives[-1]), int(negatives[-1])


def _precision_recall(scores: Scores) -> Iterator[tuple[Floats, Floats]]:
    """Yield recalls and precisions, some scores at a time."""
    positives = max(scores.totals[0], 1)
    for met, others in _running(scores):
        yield met / positives, met / np.maximum(met + others, 1)


def _first_precision(scores: Scores) -> float:
    if not len(scores.values):
        return 0.0
    positive, negative = int(scores.positives[0]), int(scores.negatives[0])
    return positive / max(positive + negative, 1)


def _area(points: Iterable[tuple[Floats, Floats]], first: tuple[float, float]) -> float:
    """Add up trapezoids from left to right, as Spark does: to the last digit."""
    total, (left, height) = 0.0, first
    for x, y in points:
        areas = np.diff(x, prepend=left) * (y + np.concatenate(([height], y[:-1]))) / 2
        total = float(np.cumsum(np.concatenate(([total], areas)))[-1])
        left, height = float(x[-1]), float(y[-1])
    return total


def curves(scores: Scores) -> dict[str, dict[str, list[float]]]:
    """Write both curves as the original does: from (0, 0) to (1, 1), and from recall 0 at the first precision."""
    few = scores.grouped(CURVE_POINTS)
    positives, negatives = few.totals
    rising = np.cumsum(few.positives) / max(positives, 1)
    false = np.cumsum(few.negatives) / max(negatives, 1)
    ends = [np.concatenate(each) for each in zip(*_precision_recall(few), strict=True)]
    recalls, precisions = ends or [np.empty(0), np.empty(0)]
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": [0.0, *false.tolist(), 1.0],
            "true_positive_rates": [0.0, *rising.tolist(), 1.0],
        },
        "precision_recall_curve": {
            "precisions": [_first_precision(few), *precisions.tolist()],
            "recalls": [0.0, *recalls.tolist()],
        },
    }


def log_loss(scores: Scores) -> float:
    def logarithms(some: Scores) -> Floats:
        kept = np.clip(some.values, SMALLEST, 1 - SMALLEST)
        return np.asarray(some.positives * np.log(kept) + some.negatives * np.log1p(-kept))

    return -_mean(logarithms, scores)


def brier_score(scores: Scores) -> float:
    """Give the mean squared distance of probability and outcome (Brier 1950)."""
    return _mean(lambda some: some.positives * (1 - some.values) ** 2 + some.negatives * some.values**2, scores)


def _mean(loss: Callable[[Scores], Floats], scores: Scores) -> float:
    """Give the mean of a loss over rows; `loss` gives the sums by score."""
    return sum(float(loss(some).sum()) for some in _parts(scores)) / max(sum(scores.totals), 1)


def _parts(scores: Scores) -> Iterator[Scores]:
    for start in range(0, len(scores.values), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        yield Scores(scores.values[some], scores.positives[some], scores.negatives[some])


def calibration(scores: Scores) -> dict[str, Any]:
    """Compare probabilities with outcomes in ten bins of equal width, and give the expected calibration error."""
    rows, positives, promised = np.zeros((3, CALIBRATION_BINS))
    for some in _parts(scores):
        bins = np.minimum((some.values * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
        counts = some.positives + some.negatives
        rows += np.bincount(bins, counts, CALIBRATION_BINS)
        positives += np.bincount(bins, some.positives, CALIBRATION_BINS)
        promised += np.bincount(bins, some.values * counts, CALIBRATION_BINS)
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
