"""The half of a run that measures bias: rows to counts, metrics, their drift and violations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analyzer.analysis_documents import Part
from analyzer.plan_analysis import Rows

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader


def analyze_bias(rows: Rows, baseline: Mapping[str, Any] | None, leader: Leader | None = None) -> Part:
    """Measure bias and judge it against the baseline's."""
    raise NotImplementedError
