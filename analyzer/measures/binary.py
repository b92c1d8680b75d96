"""Binary classification: the original's metrics in its order, and what a textbook adds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.measures import curves, resample
from analyzer.measures.curves import Scores
from analyzer.measures.ratios import BETAS, f_measure, ratio
from analyzer.quality_documents import Metric, Part

SAMPLED_POINTS = 5_000
"""Scores are put together in about so many groups before samples are drawn from them."""
BOOTSTRAP_POINTS = 500
Counts = NDArray[np.int64]
Figures = Mapping[str, float]


class Matrix(NamedTuple):
    """Rows by actual and predicted class."""

    true_negatives: int
    false_positives: int
    false_negatives: int
    true_positives: int


def rates(found: Matrix) -> dict[str, float]:
    """Give everything that follows from the confusion matrix, best constant classifier included."""
    tn, fp, fn, tp = found
    recall, precision = ratio(tp, tp + fn), ratio(tp, tp + fp)
    fall_out = ratio(fp, fp + tn)
    figures = {
        "recall": recall,
        "precision": precision,
        "accuracy": ratio(tp + tn, sum(found)),
        "true_positive_rate": recall,
        "true_negative_rate": 1 - fall_out,
        "false_positive_rate": fall_out,
        "false_negative_rate": 1 - recall,
        **{name: f_measure(precision, recall, beta) for name, beta in BETAS.items()},
    }
    return figures | best_constant(found)


def best_constant(found: Matrix) -> dict[str, float]:
    """Measure a classifier that always answers the more frequent label; of equally frequent ones, the negative."""
    negatives, positives = found.true_negatives + found.false_positives, found.false_negatives + found.true_positives
    recall = 1.0 if positives > negatives else 0.0
    precision = ratio(positives, positives + negatives) if recall else 0.0
    figures = {
        "recall": recall,
        "precision": precision,
        "accuracy": ratio(max(positives, negatives), positives + negatives),
        **{name: f_measure(precision, recall, beta) for name, beta in BETAS.items()},
    }
    return {f"{name}_best_constant_classifier": value for name, value in figures.items()}


def areas(scores: Scores) -> dict[str, float]:
    return {"auc": curves.area_under_roc(scores), "au_prc": curves.area_under_precision_recall(scores)}


def parts(matrix: Matrix, names: tuple[str, str], scores: Scores | None) -> dict[str, Part]:
    """Lay out the metrics block; `names` are the negative and the positive label."""
    figures, spreads = rates(matrix), resample.deviations(np.array(matrix), lambda drawn: rates(Matrix(*drawn)))
    found: dict[str, Part] = {"confusion_matrix": confusion_matrix(matrix, names)}
    metrics: dict[str, Part] = {name: Metric(value, spreads.get(name)) for name, value in figures.items()}
    if scores is not None:
        few = scores.grouped(SAMPLED_POINTS)
        spread = resample.deviations(few.counts(), lambda drawn: areas(few.with_counts(drawn)))
        metrics |= {name: Metric(value, spread.get(name)) for name, value in areas(scores).items()}
        metrics |= curves.curves(scores)
    return found | {name: metrics[name] for name in ORDER if name in metrics}


ORDER = (
    *("recall", "precision", "accuracy"),
    *("recall_best_constant_classifier", "precision_best_constant_classifier", "accuracy_best_constant_classifier"),
    *("true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate"),
    *("receiver_operating_characteristic_curve", "precision_recall_curve", "auc", "au_prc"),
    *("f0_5", "f1", "f2"),
    *("f0_5_best_constant_classifier", "f1_best_constant_classifier", "f2_best_constant_classifier"),
)


def confusion_matrix(matrix: Matrix, names: tuple[str, str]) -> dict[str, dict[str, int]]:
    negative, positive = names
    return {
        negative: {negative: matrix.true_negatives, positive: matrix.false_positives},
        positive: {negative: matrix.false_negatives, positive: matrix.true_positives},
    }


def undefined(matrix: Matrix, scores: Scores | None) -> dict[str, str]:
    """Name metrics that have nothing below the line, and say why."""
    tn, fp, fn, tp = matrix
    found: dict[str, str] = {}
    if not tp + fp:
        found |= dict.fromkeys(("precision",), "no row was predicted positive")
    if not tp + fn:
        names = ["recall", "true_positive_rate", "false_negative_rate", *(("auc", "au_prc") if scores else ())]
        found |= dict.fromkeys(names, "no label is positive")
    if not tn + fp:
        names = ["false_positive_rate", "true_negative_rate", *(("auc",) if scores else ())]
        found |= dict.fromkeys(names, "no label is negative")
    if not tp:
        found |= dict.fromkeys(BETAS, "no positive row was found") if (not tp + fp or not tp + fn) else {}
    return found


def textbook(matrix: Matrix, scores: Scores | None) -> dict[str, float]:
    """Give textbook figures that the original lacks; those of one class alone are left out."""
    tn, fp, fn, tp = (int(count) for count in matrix)
    figures = rates(matrix)
    product = math.sqrt(tp + fp) * math.sqrt(tp + fn) * math.sqrt(tn + fp) * math.sqrt(tn + fn)
    found = {name: figures[name] for name in ("recall", "precision", "accuracy", *BETAS)}
    found["balanced_accuracy"] = (figures["recall"] + figures["true_negative_rate"]) / 2
    found["matthews_correlation"] = ratio(tp * tn - fp * fn, product)
    return found | (_probabilities(scores) if scores is not None else {})


def _probabilities(scores: Scores) -> dict[str, float]:
    both = all(scores.totals)
    ranked = areas(scores) | {"average_precision": curves.average_precision(scores)} if both else {}
    return ranked | {"log_loss": curves.log_loss(scores), "brier_score": curves.brier_score(scores)}


def confidence(matrix: Matrix, scores: Scores | None, exact: Figures) -> dict[str, list[float]]:
    """Give 95 % intervals; those of scores are drawn from groups of scores and moved to the `exact` figure."""
    found = resample.intervals(np.array(matrix), lambda drawn: textbook(Matrix(*drawn), None))
    if scores is None or not all(scores.totals):
        return found
    few = scores.grouped(BOOTSTRAP_POINTS)
    grouped = _probabilities(few)
    drawn = resample.intervals(few.counts(), lambda counts: _all_figures(few.with_counts(counts), grouped))
    for name, (low, high) in drawn.items():
        moved = exact[name] - grouped[name]
        found[name] = [low + moved, high + moved]
    return found


def _all_figures(scores: Scores, otherwise: Mapping[str, float]) -> dict[str, float]:
    """Measure a drawn sample; one without one of the classes says nothing about ranking."""
    return dict(otherwise) | _probabilities(scores)


def by_class(matrix: Matrix, names: tuple[str, str]) -> list[dict[str, Any]]:
    tn, fp, fn, tp = matrix
    sides = ((names[0], tn, fn, fp), (names[1], tp, fp, fn))
    return [class_figures(name, hit, wrong, missed) for name, hit, wrong, missed in sides]


def class_figures(name: str, hit: int, wrong: int, missed: int) -> dict[str, Any]:
    """Measure one class: `hit` of its rows were found, `missed` were not, `wrong` ones of others took its name."""
    precision, recall = ratio(hit, hit + wrong), ratio(hit, hit + missed)
    return {
        "label": name,
        "rows": int(hit + missed),
        "predicted": int(hit + wrong),
        "precision": precision,
        "recall": recall,
        **{each: f_measure(precision, recall, beta) for each, beta in BETAS.items()},
    }
