"""completeness_check: the share of rows that have a value, without any tolerance."""

from __future__ import annotations

from analyzer.checks.case import Case, Column
from analyzer.documents import Verdict, Violation
from analyzer.jsonlayout import java_double


def check_completeness(case: Case) -> Verdict:
    """Judge every column whose constraints name a completeness; a violation when fewer rows have a value."""
    violations = (_judge(column, case.rows) for column in case.evaluated())
    return Verdict(tuple(violation for violation in violations if violation))


def _judge(column: Column, rows: int) -> Violation | None:
    expected = column.constraints.completeness
    if expected is None or not rows:
        return None
    observed = column.current.num_present / rows
    if observed >= expected:
        return None
    description = (
        f"Data completeness requirement is not met. Expected: {java_double(expected * 100)}%. "
        f"Observed: Only {java_double(observed * 100)}%."
    )
    evidence = {
        "rows": column.current.num_missing,
        "all_rows": rows,
        "share": observed,
        "threshold": expected,
        **column.met("missing"),
    }
    return Violation(column.name, "completeness_check", description, evidence)
