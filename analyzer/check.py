"""What the current data shows against its baseline: violations, distances, and flaws of the original that mattered."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyzer.checks import CHECKS
from analyzer.checks.buckets import find_lost_rows
from analyzer.checks.case import Case, Check, Compatibility, join, line_up
from analyzer.checks.columns import check_columns
from analyzer.documents import Analysis, Constraints, Statistics, Verdict
from analyzer.errors import ConfigError

NONE_ADDED: Mapping[str, Check] = MappingProxyType({})

__all__ = ["Case", "Check", "Compatibility", "check"]


def check(
    analysis: Analysis,
    constraints: Constraints | None,
    baseline: Statistics | None,
    compatibility: Compatibility = "original",
    added: Mapping[str, Check] = NONE_ADDED,
) -> Verdict:
    """Judge the current data; without constraints nothing is evaluated, without baseline statistics nothing compared.

    Features are matched by name. A different number of columns is the only violation then. `added` checks run after
    the built-in ones; one that takes a built-in name raises ConfigError. All differences of `compatibility`:
    docs/compatibility.md.
    """
    if taken := sorted(CHECKS.keys() & added.keys()):
        raise ConfigError(f"An added check is named {taken[0]}, which is built in.", "Give it another name.")
    case = line_up(analysis, constraints, baseline, corrected=compatibility == "corrected")
    figures = find_lost_rows(analysis.statistics)
    columns = check_columns(case)
    if columns.violations:
        return join((figures, columns))
    built_in = [judge(case) for judge in CHECKS.values()]
    return join((figures, columns, *built_in, *(judge(case) for judge in added.values())))
