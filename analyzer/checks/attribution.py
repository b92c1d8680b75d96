"""Attributions against the baseline's: another order of the features that matter is drift."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SHAP = "shap"
CHECK_TYPE = "feature_attribution_drift_check"


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
