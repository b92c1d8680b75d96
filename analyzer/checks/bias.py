"""Metrics of bias against the baseline's: a metric that is farther from fairness than it was is a violation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from analyzer.analysis_documents import Violation, number_text, read_number

STAGES = {"post_training": "post_training_bias_metrics", "pre_training": "pre_training_bias_metrics"}
"""The stages in the order in which they are written and judged, and what their sections are called."""
NEUTRAL = {"DI": 1.0}
"""Where a metric says that all is fair, if not at 0."""
INTERVAL = re.compile(r"\((-?[\d.eE+-]+|-?inf), (-?[\d.eE+-]+|-?inf)\]")
"""How continuous facets and labels are written: above the first number, up to the largest of the data."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The metrics of one facet's value in one stage, by name; a text says why there is no figure.

    `value` is the value as analysis.json has it, `told` as it was configured. `intervals` are what resampling gives.
    """

    stage: str
    facet: str
    value: str
    told: str
    metrics: Mapping[str, float | str]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def check_bias(
    current: Sequence[Measured],
    baseline: Mapping[str, Any],
    rule: str,
    allowed: Mapping[str, tuple[float, float]] = MappingProxyType({}),
) -> tuple[list[Violation], list[str]]:
    """Judge metrics in their order; also says which could not be judged.

    `rule` is `abs_value` (farther from 0, the original's), `distance_from_parity` (farther from where all is fair,
    for DI 1) or `bootstrap` (the interval of the metric lies outside of what the baseline allows). Metrics that
    `allowed` has a range for have to lie in that, by `bootstrap` their interval has to meet it; the baseline's figures
    of them do not matter.
    """
    violations: list[Violation] = []
    unjudged: list[str] = []
    for measured in current:
        expected = _expected(measured, baseline)
        for name, value in sorted(measured.metrics.items()):
            asked = read_number(expected.get(name))
            if not isinstance(value, str) and name in allowed:
                if _is_outside(name, value, allowed[name], measured, rule):
                    violations.append(_out_of_range(measured, name, value, allowed[name]))
            elif asked is None or isinstance(value, str):
                unjudged.append(f"{name} of {measured.facet} {measured.told}")
            elif _is_worse(name, value, asked, measured, rule):
                violations.append(_violation(measured, name, value, asked))
    said = f"Not judged, for want of a figure in this run or in the baseline: {', '.join(unjudged)}."
    return violations, [said] if unjudged else []


def types_of(baseline: Mapping[str, Any] | None) -> tuple[str | None, dict[str, str]]:
    """Tell from a baseline how its label and its facets were taken: `continuous` or `categorical`."""
    label: str | None = None
    facets: dict[str, str] = {}
    for section in (baseline or {}).values():
        if not isinstance(section, dict) or not isinstance(section.get("facets"), dict):
            continue
        label = label or _type_of(section.get("label_value_or_threshold"))
        for name, entries in section["facets"].items():
            for entry in _entries(entries):
                if kind := _type_of(entry.get("value_or_threshold")):
                    facets.setdefault(name, kind)
    return label, facets


def _type_of(text: Any) -> str | None:
    if not isinstance(text, str) or not text:
        return None
    return "continuous" if INTERVAL.fullmatch(text) else "categorical"


def _entries(entries: Any) -> Iterator[Mapping[str, Any]]:
    return (entry for entry in (entries if isinstance(entries, list) else ()) if isinstance(entry, dict))


def _expected(measured: Measured, baseline: Mapping[str, Any]) -> dict[str, Any]:
    """Find the baseline's metrics of the same facet and value; intervals are the same when they begin at the same."""
    section = baseline.get(STAGES[measured.stage])
    facets = section.get("facets") if isinstance(section, dict) else None
    entries = facets.get(measured.facet) if isinstance(facets, dict) else None
    for entry in _entries(entries):
        if _is_same(entry.get("value_or_threshold"), measured.value):
            return {str(each.get("name")): each.get("value") for each in _entries(entry.get("metrics"))}
    return {}


def _is_same(theirs: Any, ours: str) -> bool:
    found, own = INTERVAL.fullmatch(str(theirs)), INTERVAL.fullmatch(ours)
    return theirs == ours or (found is not None and own is not None and float(found[1]) == float(own[1]))


def _is_worse(name: str, value: float, asked: float, measured: Measured, rule: str) -> bool:
    interval = measured.intervals.get(name)
    if rule == "bootstrap" and interval is not None:
        return _is_outside(name, value, (-abs(asked), abs(asked)), measured, rule)
    parity = NEUTRAL.get(name, 0.0) if rule == "distance_from_parity" else 0.0
    return abs(value - parity) > abs(asked - parity)


def _is_outside(name: str, value: float, allowed: tuple[float, float], measured: Measured, rule: str) -> bool:
    """Tell whether a value, or by `bootstrap` its whole interval, lies outside of a range; its ends are inside."""
    low, high = measured.intervals.get(name, (value, value)) if rule == "bootstrap" else (value, value)
    return low > allowed[1] or high < allowed[0]


def _violation(measured: Measured, name: str, value: float, asked: float) -> Violation:
    text = f"Metric value {number_text(value)} doesn't meet the baseline constraint requirement {number_text(asked)}"
    return _described(measured, name, text)


def _out_of_range(measured: Measured, name: str, value: float, allowed: tuple[float, float]) -> Violation:
    held = ", ".join(map(number_text, allowed))
    return _described(measured, name, f"Metric value {number_text(value)} is outside of the allowed range [{held}]")


def _described(measured: Measured, name: str, text: str) -> Violation:
    return {
        "facet": measured.facet,
        "facet_value": measured.told,
        "metric_name": name,
        "constraint_check_type": "bias_drift_check",
        "description": text,
    }
