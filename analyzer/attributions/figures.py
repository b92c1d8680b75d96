"""Attributions of rows to those of the whole: one figure a feature and label, and how analysis.json holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.errors import BaselineError, ConfigError

EXPLANATIONS, KERNEL_SHAP = "explanations", "kernel_shap"
GLOBAL_VALUES, EXPECTED = "global_shap_values", "expected_value"


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """Global attributions by feature for one output of the model; `expected` is None where it is not known."""

    label: str
    values: Mapping[str, float]
    expected: float | None


def name_labels(outputs: int, headers: Sequence[str]) -> tuple[str, ...]:
    """Name the outputs of a model: by predictor.label_headers, else `label0`, `label1`, ...

    Raises ConfigError where there are headers of another number.
    """
    if not headers:
        return tuple(f"label{i}" for i in range(outputs))
    if len(headers) != outputs:
        raise ConfigError(
            f"predictor.label_headers names {len(headers)} labels, but the model answers {outputs} scores a row.",
            "Name one for each score, or leave label_headers out.",
        )
    return tuple(headers)


def aggregate(values: NDArray[np.float64], method: str) -> NDArray[np.float64]:
    """Aggregate attributions of rows (R, ...): the mean of their sizes or squares, or the median of themselves."""
    if method == "median":
        found: NDArray[np.float64] = np.median(values, axis=0)
        return found
    sizes = np.abs(values) if method == "mean_abs" else values**2
    return np.asarray(sizes.mean(axis=0), dtype=np.float64)


def explanations(figures: Sequence[LabelFigures]) -> dict[str, Any]:
    """Write the section `explanations` of analysis.json."""
    return {
        KERNEL_SHAP: {
            each.label: {
                GLOBAL_VALUES: dict(each.values),
                **({} if each.expected is None else {EXPECTED: each.expected}),
            }
            for each in figures
        }
    }


def baseline_values(document: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Read global attributions by label from a baseline's analysis.json; nothing where it has none.

    Raises BaselineError where they make no sense.
    """
    try:
        labels = document.get(EXPLANATIONS, {}).get(KERNEL_SHAP, {})
        return {
            label: {name: float(value) for name, value in found[GLOBAL_VALUES].items()}
            for label, found in labels.items()
        }
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise BaselineError(
            f"baseline_constraints: {EXPLANATIONS}.{KERNEL_SHAP} makes no sense: {error!r}.",
            "Name the analysis.json that a baseline job wrote.",
        ) from error
