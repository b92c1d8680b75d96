"""What a person asks of bias and attribution, in words, to the content of analysis_config.json and its variables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from analyzer.errors import ConfigError

Facets = Mapping[str, Any]
"""Columns of facets and the group in each: a value, a list of values, a text such as `>40`, or None for each value."""
_FACET: Final = re.compile(r"(?P<column>[^=>]+)((?P<mark>[=>])(?P<told>.+))?")
SAMPLES: Final = {"samples": "num_samples", "clusters": "num_clusters", "aggregate": "agg_method", "seed": "seed"}


def ask_bias(
    *, label: Any, positive: Any, facets: Facets, group: Any = None, exclude: Sequence[Any] = ()
) -> dict[str, Any]:
    """Ask for metrics of bias: all before training, and with predictions all after it."""
    asked: dict[str, Any] = {
        "label": label,
        "label_values_or_threshold": _group(positive)[0],
        "label_data_type": _group(positive)[1],
        "facet": [_facet(column, values) for column, values in facets.items()],
        "group_variable": group,
        "excluded_columns": list(exclude) or None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def ask_explanation(*, label: Any = None, exclude: Sequence[Any] = (), **shap: Any) -> dict[str, Any]:
    """Ask for attributions; `shap` are samples, clusters, aggregate and seed, as far as they are not left to it."""
    told = {SAMPLES[name]: value for name, value in shap.items() if value is not None}
    asked = {"label": label, "excluded_columns": list(exclude) or None, "methods": {"shap": told}}
    return {name: value for name, value in asked.items() if value is not None}


def read_facets(texts: Sequence[str]) -> Facets:
    """Read facets as they are typed: `sex=0,1` (values), `age>40` (threshold), `plan` (each value).

    Raises ConfigError.
    """
    facets: dict[str, Any] = {}
    for text in texts:
        found = _FACET.fullmatch(text.strip())
        if found is None or not found["column"].strip():
            raise ConfigError(f"--facet is {text!r}.", "Write column=value,value or 'column>number' or column.")
        facets[found["column"].strip()] = read_group(f"{found['mark'] or ''}{found['told'] or ''}".removeprefix("="))
    return facets


def read_group(text: str) -> Any:
    """Read a group that is typed: values with commas between them, or a threshold behind `>`; None for nothing."""
    return text or None if text.startswith(">") else read_values(text) or None


def read_values(text: str) -> list[Any]:
    """Read values that are typed with commas between them: numbers as numbers, all else as text."""
    return [read_value(each.strip()) for each in text.split(",") if each.strip()]


def read_value(text: str) -> Any:
    """Read one value: a number where it reads as one, else a text; quotes make a text of a number."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else text


def _facet(column: str, told: Any) -> dict[str, Any]:
    if told is None:
        return {"name_or_index": column}
    values, kind = _group(told)
    return {"name_or_index": column, "value_or_threshold": values, "data_type": kind}


def _group(told: Any) -> tuple[list[Any], str]:
    """Tell the values of a group, or its threshold, and which of the two they are.

    Raises ConfigError for a threshold that is no number.
    """
    if isinstance(told, str) and told.startswith(">"):
        value = read_value(told[1:].strip())
        if isinstance(value, str):
            raise ConfigError(f"{told!r} is no threshold.", "Write a number behind >, such as >40.")
        return [value], "continuous"
    return (list(told) if isinstance(told, list | tuple | set | frozenset) else [told]), "categorical"
