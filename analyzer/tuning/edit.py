"""Limits into constraints.json: the file as it was, with the thresholds that changed, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.decode import OVERRIDES
from analyzer.jsonlayout import dump, parse
from analyzer.tuning.scores import COMPLETENESS, DOMAINS, DRIFT, TYPES, Yardstick

DIGITS = 4
KEYS = {TYPES: "datatype_check_threshold", DOMAINS: "domain_content_threshold"}


def threshold_of(limit: float, check: str, yardstick: Yardstick) -> float:
    """Write a limit as the file does: shares as they are, a level of significance where the limit is 1 - p."""
    if check != DRIFT:
        return abs(limit)
    return max(0.0, 1 - limit) if yardstick.is_p_value else limit


def rounded(limit: float, check: str, yardstick: Yardstick) -> float:
    """Round a threshold to four digits, to the side on which there are fewer alarms."""
    value = threshold_of(limit, check, yardstick)
    if not value:
        return 0.0
    places = DIGITS - 1 - math.floor(math.log10(abs(value)))
    up = check == DRIFT and not yardstick.is_p_value
    scaled = value * 10.0**places
    return float(f"{(math.ceil(scaled - 1e-9) if up else math.floor(scaled + 1e-9)) / 10.0**places:.12g}")


def edited(
    content: bytes, yardsticks: Sequence[Yardstick], limits: Mapping[str, NDArray[np.float64]],
    live: Mapping[str, NDArray[np.bool_]],
) -> str:  # fmt: skip
    """Put the limits of live checks into the text of a constraints.json."""
    document = parse(content)
    features = {feature["name"]: feature for feature in document["features"]}
    for check, values in limits.items():
        for i in np.flatnonzero(live[check]):
            yardstick = yardsticks[int(i)]
            _set(features[yardstick.name], check, yardstick, rounded(float(values[i]), check, yardstick))
    return dump(document)


def _set(feature: dict[str, Any], check: str, yardstick: Yardstick, value: float) -> None:
    if check == COMPLETENESS:
        feature["completeness"] = value
        return
    key = next((key for key in reversed(OVERRIDES) if feature.get(key) is not None), OVERRIDES[0])
    if not isinstance(feature.get(key), dict):
        feature[key] = {}
    if check != DRIFT:
        feature[key][KEYS[check]] = value
        return
    distribution = feature[key].get("distribution_constraints") or {}
    name = "comparison_threshold" if yardstick.numbers else "categorical_comparison_threshold"
    feature[key]["distribution_constraints"] = {**distribution, name: value}
