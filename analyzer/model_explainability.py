"""The half of a run that explains a model's predictions: rows to attributions, their drift and violations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analyzer.analysis_documents import Part
from analyzer.errors import ConfigError
from analyzer.plan_analysis import Rows

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader


def explain(rows: Rows, _baseline: Mapping[str, Any] | None, _leader: Leader | None = None) -> Part:
    """Compute global attributions and judge them against the baseline's."""
    raise ConfigError(f"{rows.analysis.where}: methods.shap is not available yet.", "Leave it out.")
