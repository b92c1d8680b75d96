"""Samples drawn from counts instead of rows: subsamples for standard deviations, bootstrap samples for intervals.

Rows with the same label, prediction and score are alike, so drawing so many of each (multivariate hypergeometric
without, multinomial with replacement) is the same as drawing rows. Seeds are fixed: same counts, same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

FEWEST_ROWS = 200
"""Below so many rows the original gives no standard deviation."""
SUBSAMPLES, SHARE = 5, 0.8
BOOTSTRAP = 200
CONFIDENCE = 0.95
SEED = 20190328
DRAWN_EXACTLY = 1_000_000_000
"""Rows up to which NumPy draws without replacement; above, each count is thinned on its own."""
Counts = NDArray[np.int64]
Figures = Mapping[str, float]


def deviations(counts: Counts, measure: Callable[[Counts], Figures]) -> dict[str, float]:
    """Give the standard deviation (n - 1) of each figure over five random 80 % subsamples; {} below 200 rows."""
    rows = int(counts.sum())
    if rows < FEWEST_ROWS:
        return {}
    random = np.random.default_rng(SEED)
    if rows < DRAWN_EXACTLY:
        samples = random.multivariate_hypergeometric(counts, int(rows * SHARE), SUBSAMPLES, method="marginals")
    else:
        samples = random.binomial(counts, SHARE, (SUBSAMPLES, len(counts)))
    return spread([measure(sample) for sample in samples])


def spread(found: list[Figures]) -> dict[str, float]:
    """Give the standard deviation (n - 1) of each figure; 0.0 of one that is infinite everywhere."""
    with np.errstate(invalid="ignore"):
        spreads = {name: float(np.std([each[name] for each in found], ddof=1)) for name in found[0]}
    return {name: value if np.isfinite(value) else 0.0 for name, value in spreads.items()}


def intervals(counts: Counts, measure: Callable[[Counts], Figures]) -> dict[str, list[float]]:
    """Give 95 % bootstrap percentile intervals (Efron 1979) of each figure; {} without rows."""
    rows = int(counts.sum())
    if not rows:
        return {}
    random = np.random.default_rng(SEED + 1)
    samples = random.multinomial(rows, counts / rows, BOOTSTRAP)
    return percentiles([measure(sample) for sample in samples])


def percentiles(found: list[Figures]) -> dict[str, list[float]]:
    tail = (1 - CONFIDENCE) / 2
    return {
        name: np.quantile([each[name] for each in found], (tail, 1 - tail), method="nearest").tolist()
        for name in found[0]
    }
