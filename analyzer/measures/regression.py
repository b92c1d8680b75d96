"""Regression: the original's four metrics, and what a textbook adds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.analyzers.kll import quantiles_of
from analyzer.analyzers.residuals import BLOCKS, SUMS, Residuals
from analyzer.measures import resample
from analyzer.quality_documents import Metric, Part

Floats = NDArray[np.float64]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def r2(squared: float, spread: float) -> float:
    """Give 1 - SSE / SST; without spread there is none: -inf where there are errors, else 0.0."""
    if spread > 0:
        return 1 - squared / spread
    return -math.inf if squared > 0 else 0.0


def figures(found: Residuals, *, corrected: bool) -> dict[str, float]:
    """Give mae, mse, rmse and r2; the original's r2 compares with the spread of the predictions, not of the labels."""
    norm = math.sqrt(found.squared)
    squared = norm * norm  # Spark keeps the norm and squares it again
    mse = squared / found.rows
    spread = found.labels.m2 if corrected else found.predictions.m2
    return {"mae": found.absolute / found.rows, "mse": mse, "rmse": math.sqrt(mse), "r2": r2(squared, spread)}


def of_blocks(blocks: Floats, *, corrected: bool) -> dict[str, float]:
    """Give the same figures, and mape, of some blocks of rows."""
    sums = dict(zip(SUMS, blocks.sum(0).tolist(), strict=True))
    rows = sums["rows"]
    side = "label" if corrected else "prediction"
    spread = max(sums[f"{side}_squared"] - sums[side] ** 2 / rows, 0.0)
    mse = sums["squared"] / rows
    return {
        "mae": sums["absolute"] / rows,
        "mse": mse,
        "rmse": math.sqrt(mse),
        "r2": r2(sums["squared"], spread),
        "mape": sums["relative"] / sums["nonzero"] if sums["nonzero"] else 0.0,
    }


def parts(found: Residuals, *, corrected: bool) -> dict[str, Part]:
    """Lay out the metrics block."""
    spreads = _deviations(found, corrected=corrected)
    return {name: Metric(value, spreads.get(name)) for name, value in figures(found, corrected=corrected).items()}


def _deviations(found: Residuals, *, corrected: bool) -> dict[str, float]:
    """Draw five times 80 of the 100 blocks, each of which holds every hundredth row."""
    if found.rows < resample.FEWEST_ROWS:
        return {}
    random = np.random.default_rng(resample.SEED)
    chosen = [random.choice(BLOCKS, int(BLOCKS * resample.SHARE), replace=False) for _ in range(resample.SUBSAMPLES)]
    return resample.spread([of_blocks(found.blocks[blocks], corrected=corrected) for blocks in chosen])


def textbook(found: Residuals) -> dict[str, float | None]:
    """Give the four metrics as textbooks have them, the relative error where labels are not 0, and the median error."""
    sums = dict(zip(SUMS, found.blocks.sum(0).tolist(), strict=True))
    errors = quantiles_of(found.sketch.sketch(), QUANTILES)
    return {
        **figures(found, corrected=True),
        "mape": sums["relative"] / sums["nonzero"] if sums["nonzero"] else None,
        "median_absolute_error": errors["0.5"],
        "mean_error": found.predictions.average - found.labels.average,
        "label_std_dev": found.labels.std_dev(),
        "prediction_std_dev": found.predictions.std_dev(),
    }


def errors(found: Residuals) -> dict[str, Any]:
    """Give quantiles of the absolute error, from its sketch."""
    return dict(quantiles_of(found.sketch.sketch(), QUANTILES))


def confidence(found: Residuals) -> dict[str, list[float]]:
    """Give 95 % intervals by drawing blocks with replacement; {} where not every block has rows enough."""
    if found.rows < resample.FEWEST_ROWS:
        return {}
    random = np.random.default_rng(resample.SEED + 1)
    drawn = random.integers(0, BLOCKS, (resample.BOOTSTRAP, BLOCKS))
    return resample.percentiles([of_blocks(found.blocks[blocks], corrected=True) for blocks in drawn])
