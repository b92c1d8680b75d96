"""The checks of a monitoring run, by name, in the order in which their violations are written."""

from __future__ import annotations

from analyzer.checks.case import Check
from analyzer.checks.completeness import check_completeness
from analyzer.checks.data_type import check_data_types
from analyzer.checks.domain import check_domains
from analyzer.checks.drift import check_drift

CHECKS: dict[str, Check] = {
    "data_type_check": check_data_types,
    "completeness_check": check_completeness,
    "categorical_values_check": check_domains,
    "baseline_drift_check": check_drift,
}
"""What runs when the number of columns agrees (columns.py); others may be added, none of these replaced."""
