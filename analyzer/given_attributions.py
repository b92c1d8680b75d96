"""Attributions that stand in the data to figures of each label, without asking a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from analyzer.analyzers.attributed_rows import AttributedRows
from analyzer.attributions.figures import LabelFigures
from analyzer.dataset_formats import CaptureFormat, JsonFormat
from analyzer.errors import ConfigError
from analyzer.plan_analysis import Rows, fold_rows

if TYPE_CHECKING:
    from analyzer.analysis_config import ShapConfig
    from analyzer.cluster.lead import Leader

OUTPUT = "endpointOutput"
_LABELLED = re.compile(r"(.+)_(label\d+)")
_PATH = re.compile(r"[.\[*]")


def fold_attributions(rows: Rows, where: str, shap: ShapConfig, leader: Leader | None) -> AttributedRows:
    """Fold the attributions of all rows: of columns that begin with `where`, or at that JMESPath in JSON and captures.

    In captures the path leads into what the endpoint answered. Raises InputError where there are none.
    """
    rows, prefix = _looking(rows, where)
    blank = partial(AttributedRows, prefix, rows.outcome, shap.max_rows, shap.seed or 0)
    state = fold_rows(rows, blank, leader)
    assert isinstance(state, AttributedRows)
    return state


def _looking(rows: Rows, where: str) -> tuple[Rows, str]:
    """Read records by a path where that is one, else all columns, of which those with the prefix count."""
    fields = rows.reading.fields
    captured = isinstance(rows.config.dataset_format, CaptureFormat)
    nested = isinstance(rows.config.dataset_format, JsonFormat) and _PATH.search(where) is not None
    if fields is None or not (captured or nested) or rows.reading.script is not None:
        return rows, where
    names = tuple(each for each in fields.headers if each not in {fields.label_name, fields.prediction_name})
    found = replace(
        fields, headers=names, features=where, label=None, prediction=None, score=None, outcome=False,
        payload=OUTPUT if captured else fields.payload,
    )  # fmt: skip
    return replace(rows, reading=replace(rows.reading, fields=found)), ""


def figures_of(state: AttributedRows, method: str, headers: Sequence[str]) -> list[LabelFigures]:
    """Give the figures of each label; columns `feature_label1` belong to that label, others to the only one.

    Raises ConfigError where labels are named, but columns are of none of them.
    """
    by_label: dict[str, dict[str, float]] = {}
    for name, value in state.aggregate(method).items():
        feature, label = _split(name.removeprefix(state.prefix), headers)
        by_label.setdefault(label, {})[feature] = value
    return [LabelFigures(label, values, None) for label, values in by_label.items()]


def _split(name: str, headers: Sequence[str]) -> tuple[str, str]:
    for label in sorted(headers, key=len, reverse=True):  # a label may end as another one does: no, maybe_no
        if name.endswith(f"_{label}"):
            return name.removesuffix(f"_{label}"), label
    if len(headers) > 1:
        raise ConfigError(
            f"predictor.label_headers names {', '.join(headers)}, but {name!r} ends in none of them.",
            "Name the columns of attributions feature_label, or leave label_headers out.",
        )
    found = _LABELLED.fullmatch(name)
    if found and not headers:
        return found.group(1), found.group(2)
    return name, headers[0] if headers else "label0"


def profile_of(state: AttributedRows, figures: Sequence[LabelFigures]) -> Mapping[str, object]:
    return {
        "explained_rows": state.counted,
        "left_out": dict(sorted(state.left_out.items())),
        "features": list(figures[0].values) if figures else [],
        "labels": [each.label for each in figures],
    }
