"""The state of predictions to metrics: the original's, and beyond them intervals, classes, segments and estimates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analyzer.analyzers.labels import canonical_label, is_number, sorted_labels, truth_as_numbers
from analyzer.analyzers.predictions import Classes, PredictionState
from analyzer.analyzers.residuals import Residuals
from analyzer.analyzers.scores import ScoreCounts, side_by_side
from analyzer.documents import Quirk
from analyzer.errors import InputError
from analyzer.measures import binary, curves, multiclass, regression
from analyzer.measures.binary import Matrix
from analyzer.measures.curves import Scores
from analyzer.measures.estimates import estimate
from analyzer.quality_documents import ProblemType, QualityAnalysis, QualityStatistics

FEWEST_ROWS_OF_SEGMENT = 30
"""Smaller segments are listed, but not called the worst."""
WORST = 5
Compatibility = Literal["original", "corrected"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What kind of problem is measured, and how."""

    problem_type: ProblemType
    positive_label: str | None = None
    compatibility: Compatibility = "original"
    threshold: float = 0.5

    @property
    def corrected(self) -> bool:
        return self.compatibility == "corrected"


def measure(state: PredictionState, asked: Asked, now: datetime) -> QualityAnalysis:
    """Measure all rows that have a label and a prediction; `now` is written as the time of the evaluation.

    Raises InputError for labels and predictions that cannot belong together.
    """
    figures = state.figures
    if isinstance(figures, Residuals):
        found = _regression(figures, asked)
    elif not figures.rows:
        found = QualityAnalysis(QualityStatistics(0, asked.problem_type, {}), {})
    elif asked.problem_type == "BinaryClassification":
        found = _binary(figures, asked)
    else:
        found = _multiclass(figures, asked)
    beyond = {**found.beyond, "segments": list(_segments(state, asked)), "estimates": _estimates(figures, asked)}
    statistics = replace(found.statistics, evaluation_time=_time_text(now))
    return replace(found, statistics=statistics, beyond=beyond, notes=(*found.notes, *_notes(state)))


def _time_text(now: datetime) -> str:
    """Write a time as the original does: `2023-03-30T21:08:34.729Z`."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"


# --- regression -------------------------------------------------------------------------------------------------------


def _regression(found: Residuals, asked: Asked) -> QualityAnalysis:
    if not found.rows:
        return QualityAnalysis(QualityStatistics(0, "Regression", {}), {})
    statistics = QualityStatistics(found.rows, "Regression", regression.parts(found, corrected=asked.corrected))
    beyond = {
        "textbook": regression.textbook(found),
        "confidence": regression.confidence(found),
        "error_quantiles": regression.errors(found),
    }
    return QualityAnalysis(statistics, beyond, _constant_notes(found), _swapped(found, asked))


def _constant_notes(found: Residuals) -> tuple[str, ...]:
    sides = {"labels": found.labels, "predictions": found.predictions}
    return tuple(
        f"All {name} are {side.low:g}, so r2 compares with no spread." for name, side in sides.items() if side.m2 == 0
    )


def _swapped(found: Residuals, asked: Asked) -> tuple[Quirk, ...]:
    swapped, right = (regression.figures(found, corrected=each)["r2"] for each in (False, True))
    if asked.corrected or swapped == right:
        return ()
    effect = "the original divides by the spread of the predictions where that of the labels belongs"
    return (Quirk("swapped_r2", "r2", effect, swapped, right),)


# --- classification ---------------------------------------------------------------------------------------------------


def _binary(found: Classes, asked: Asked) -> QualityAnalysis:
    names = binary_names(found, asked.positive_label)
    matrix, scores = _matrix(found, names), _scores(found, names[1])
    missing = binary.undefined(matrix, scores)
    statistics = QualityStatistics(
        sum(matrix), "BinaryClassification", binary.parts(matrix, names, scores), undefined=missing
    )
    figures = binary.textbook(matrix, scores)
    beyond: dict[str, Any] = {
        "positive_label": names[1],
        "textbook": figures,
        "confidence": binary.confidence(matrix, scores, figures),
        "classes": binary.by_class(matrix, names),
    }
    if scores is not None:
        beyond |= {"calibration": curves.calibration(scores), "coarse_scores": _is_coarse(found)}
    return QualityAnalysis(statistics, beyond, tuple(_binary_notes(found, matrix, missing, asked)))


def binary_names(found: Classes, wanted: str | None) -> tuple[str, str]:
    """Name the negative and the positive label.

    The positive one is the one asked for, else 1 or true, else the greater. Raises InputError for more than two labels,
    for one asked for that is neither, and for labels that cannot equal predictions.
    """
    called = found.called()
    known = sorted_labels(set(called.values()))
    _refuse_strangers(found, called)
    positive = None if wanted is None else _canonical_among(wanted, known)
    if len(known) > 2:
        raise InputError(
            f"problem_type is BinaryClassification, but there are {len(known)} labels: {', '.join(known[:10])}.",
            "Set problem_type to MulticlassClassification; a column of probabilities is a probability_attribute.",
        )
    if positive is not None and len(known) == 2 and positive not in known:
        raise InputError(
            f"positive_label is {wanted!r}, but the labels are {known[0]} and {known[1]}.", "Name one of the two."
        )
    return _negative_and_positive(known, positive)


def _canonical_among(wanted: str, known: Sequence[str]) -> str:
    canonical = canonical_label(wanted)
    return truth_as_numbers([canonical, *known]).get(canonical, canonical)


def _negative_and_positive(known: Sequence[str], positive: str | None) -> tuple[str, str]:
    for pair in (("0", "1"), ("false", "true")):
        if set(known) <= set(pair) and (positive is None or positive in pair):
            return (pair[1], pair[0]) if positive == pair[0] else pair
    chosen = known[-1] if positive is None else positive
    return next((each for each in known if each != chosen), f"not {chosen}"), chosen


def _refuse_strangers(found: Classes, called: Mapping[str, str]) -> None:
    """Refuse labels and predictions of different kinds, none of which can ever be equal."""
    labels, predicted = {called[each] for each in found.labels()}, {called[each] for each in found.predicted()}
    if not labels or not predicted or labels & predicted:
        return
    numeric = [all(map(is_number, each)) for each in (labels, predicted)]
    if numeric[0] != numeric[1]:
        shown = [", ".join(sorted_labels(each)[:5]) for each in (labels, predicted)]
        raise InputError(
            f"Labels and predictions never match: labels are {shown[0]}, predictions are {shown[1]}.",
            "Bring both to the same names, or check inference_attribute and ground_truth_attribute.",
        )


def _matrix(found: Classes, names: tuple[str, str]) -> Matrix:
    cells = [[0, 0], [0, 0]]
    called = found.called()
    if found.pairs:
        for (label, predicted), count in found.pairs.items():
            cells[called[label] == names[1]][called[predicted] == names[1]] += count
    else:
        for label, (above, below) in found.above.items():
            row = cells[called[label] == names[1]]
            row[1] += above
            row[0] += below
    return Matrix(cells[0][0], cells[0][1], cells[1][0], cells[1][1])


def _scores(found: Classes, positive: str) -> Scores | None:
    """Put the score tables of the labels side by side, descending; None where no scores were given."""
    if not found.scores:
        return None
    called = found.called()
    sides = [
        _together([found.scores[label] for label in sorted(found.scores) if (called[label] == positive) == side])
        for side in (False, True)
    ]
    values, negatives, positives = side_by_side(*sides)
    return Scores(values[::-1], positives[::-1], negatives[::-1])


def _together(tables: Sequence[ScoreCounts]) -> ScoreCounts:
    """Merge tables; a single one, which may be large, is taken as it is."""
    if len(tables) == 1:
        return tables[0]
    merged = ScoreCounts()
    for table in tables:
        merged.merge(table)
    return merged


def _is_coarse(found: Classes) -> bool:
    return any(scores.coarse for scores in found.scores.values())


def _binary_notes(found: Classes, matrix: Matrix, missing: Mapping[str, str], asked: Asked) -> Iterator[str]:
    for reason in dict.fromkeys(missing.values()):
        names = ", ".join(name for name, why in missing.items() if why == reason)
        yield f"Undefined, because {reason}: {names}. The value written is that of a ratio of 0."
    if not found.pairs and not matrix.true_positives and matrix.false_negatives:
        yield (
            f"Recall and precision are 0: no positive row has a score above the threshold {asked.threshold:g}. "
            "Set probability_threshold_attribute to one that fits the model."
        )
    if _is_coarse(found):
        yield "There are more than 10,000,000 distinct scores; they were rounded to multiples of 2**-23."


def _multiclass(found: Classes, asked: Asked) -> QualityAnalysis:
    called = found.called()
    _refuse_strangers(found, called)
    names = sorted_labels(set(called.values()))
    matrix = _square(found, called, names)
    statistics = QualityStatistics(int(matrix.sum()), asked.problem_type, multiclass.parts(matrix, names))
    beyond = {
        "textbook": multiclass.textbook(matrix),
        "confidence": multiclass.confidence(matrix),
        "classes": multiclass.by_class(matrix, names),
    }
    return QualityAnalysis(statistics, beyond, tuple(_one_class_notes(matrix, names)))


def _square(found: Classes, called: Mapping[str, str], names: Sequence[str]) -> NDArray[np.int64]:
    place = {name: i for i, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)), dtype=np.int64)
    for (label, predicted), count in found.pairs.items():
        matrix[place[called[label]], place[called[predicted]]] += count
    return matrix


def _one_class_notes(matrix: NDArray[np.int64], names: Sequence[str]) -> Iterator[str]:
    met = np.flatnonzero(matrix.sum(1))
    if len(met) == 1:
        yield f"All labels are {names[int(met[0])]}; the best constant classifier is always right."


# --- beyond -----------------------------------------------------------------------------------------------------------


def _segments(state: PredictionState, asked: Asked) -> Iterator[dict[str, Any]]:
    """List the metrics of each segment, and name the worst."""
    for column, found in state.segments.items():
        if found is None:
            yield {"column": column, "values": None, "worst": []}
            continue
        table = [_segment(value, found[value], asked, state.figures) for value in sorted(found)]
        name = _judged_by(asked, table)
        large = [
            each for each in table if each["rows"] >= FEWEST_ROWS_OF_SEGMENT and each["metrics"].get(name) is not None
        ]
        worst = sorted(large, key=lambda each: (each["metrics"][name] * (-1 if name == "rmse" else 1), each["value"]))
        yield {
            "column": column,
            "judged_by": name,
            "values": table,
            "worst": [{"value": each["value"], name: each["metrics"][name]} for each in worst[:WORST]],
        }


def _judged_by(asked: Asked, table: Sequence[Mapping[str, Any]]) -> str:
    if asked.problem_type == "Regression":
        return "rmse"
    if asked.problem_type == "MulticlassClassification":
        return "weighted_f1"
    return "auc" if any("auc" in each["metrics"] for each in table) else "f1"


def _segment(value: str, figures: Classes | Residuals, asked: Asked, whole: Classes | Residuals) -> dict[str, Any]:
    rows = figures.rows
    if isinstance(figures, Residuals):
        return {"value": value, "rows": rows, "metrics": regression.textbook(figures) if rows else {}}
    if asked.problem_type == "MulticlassClassification":
        called = figures.called()
        names = sorted_labels(set(called.values()))
        return {"value": value, "rows": rows, "metrics": multiclass.textbook(_square(figures, called, names))}
    assert isinstance(whole, Classes)
    names_of_all = binary_names(whole, asked.positive_label)
    metrics = binary.textbook(_matrix(figures, names_of_all), _scores(figures, names_of_all[1]))
    return {"value": value, "rows": rows, "metrics": metrics}


def _estimates(figures: Classes | Residuals, asked: Asked) -> dict[str, Any] | None:
    """Estimate the performance on rows without labels from their probabilities; None where there are none."""
    if isinstance(figures, Residuals) or asked.problem_type != "BinaryClassification":
        return None
    values, counts = figures.unlabelled.table()
    return estimate(values, counts.astype(np.int64), asked.threshold) if len(values) else None


def _notes(state: PredictionState) -> Iterator[str]:
    for name, found in state.segments.items():
        if found is None:
            yield f"Segment column {name} has more than 1,000 values and was not used."
