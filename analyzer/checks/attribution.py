"""Attributions against the baseline's: another order of the features that matter is drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

SHAP = "shap"
CHECK_TYPE = "feature_attribution_drift_check"
Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class AttributionVerdict:
    """The NDCG of each label that was judged, violations in the layout of their file, and what to tell."""

    scores: Mapping[str, float] = field(default_factory=dict)
    violations: tuple[Mapping[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def check_attribution(
    baseline: Mapping[str, Values], current: Mapping[str, Values], threshold: float
) -> AttributionVerdict:
    """Judge each label by the NDCG of its features; below `threshold` it has drifted.

    A label that one side lacks is noted and not judged.
    """
    notes = [f"Label {label!r} of the baseline is none of this run's." for label in baseline if label not in current]
    notes += [
        f"Label {label!r} is not in the baseline and was not judged." for label in current if label not in baseline
    ]
    scores: dict[str, float] = {}
    for label, values in current.items():
        if label not in baseline:
            continue
        notes += _unlike(label, baseline[label], values)
        score = ndcg(baseline[label], values)
        if score is None:
            notes.append(f"Label {label!r} was not judged: all attributions of the baseline are 0.")
        else:
            scores[label] = score
    return AttributionVerdict(
        scores,
        tuple(_violation(label, score, threshold) for label, score in scores.items() if score < threshold),
        tuple(notes),
    )


def _unlike(label: str, baseline: Values, current: Values) -> list[str]:
    notes = []
    lacking, new = [n for n in baseline if n not in current], [n for n in current if n not in baseline]
    if lacking:
        notes.append(f"Label {label!r}: features of the baseline that this run lacks count as 0: {', '.join(lacking)}.")
    if new:
        notes.append(f"Label {label!r}: features that the baseline lacks count as 0 there: {', '.join(new)}.")
    if any(value < 0 for value in (*baseline.values(), *current.values())):
        notes.append(f"Label {label!r}: negative attributions, as medians are, were ranked by their size.")
    return notes


def _violation(label: str, score: float, threshold: float) -> Mapping[str, str]:
    return {
        "label": label,
        "metric_name": SHAP,
        "constraint_check_type": CHECK_TYPE,
        "description": f"Feature attribution drift {score!r} exceeds threshold {threshold!r}",
    }


def ndcg(baseline: Mapping[str, float], current: Mapping[str, float]) -> float | None:
    """Rate the order of features by `current` attribution, 1 being that of the `baseline`.

    The normalised discounted cumulative gain over all features: gains are the baseline's attributions, discounts
    1 / log2(place + 1); features that tie share theirs. A feature that one side lacks has attribution 0 there.
    Negative attributions, as only medians are, count by their size. None where the baseline's are all 0.
    Source: Järvelin and Kekäläinen 2002; McSherry and Najork 2008 (ties).
    """
    names = list(dict.fromkeys([*baseline, *current]))
    gains = np.abs([baseline.get(name, 0.0) for name in names])
    scores = np.abs([current.get(name, 0.0) for name in names])
    if not gains.any():
        return None
    discounts = 1 / np.log2(np.arange(2, len(names) + 2))
    _, places, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    shared = np.bincount(places, weights=gains) / counts
    bounds = np.cumsum(counts)
    totals = np.cumsum(discounts)[bounds - 1]
    weights = np.diff(totals, prepend=0.0)
    return float((shared * weights).sum() / (np.sort(gains)[::-1] * discounts).sum())
