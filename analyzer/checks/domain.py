"""categorical_values_check: the share of rows whose value the baseline knows; a missing value is no unknown one."""

from __future__ import annotations

from analyzer.checks.case import Case, Column
from analyzer.documents import Verdict, Violation
from analyzer.jsonlayout import java_double


def check_domains(case: Case) -> Verdict:
    """Judge every column with domains; a violation when the share of rows inside is below the threshold."""
    violations = (_judge(column, case.rows) for column in case.evaluated())
    return Verdict(tuple(violation for violation in violations if violation))


def _judge(column: Column, rows: int) -> Violation | None:
    outside, threshold = column.profile.outside_domain, column.config.domain_content_threshold
    if outside is None or not column.constraints.domains or not rows:
        return None
    share = (rows - outside) / rows
    if share >= threshold:
        return None
    description = f"Value: {java_double(share)} does not meet the constraint requirement! "
    evidence = {
        "rows": outside,
        "all_rows": rows,
        "share": share,
        "threshold": threshold,
        **column.met("outside_domain"),
    }
    return Violation(column.name, "categorical_values_check", description, evidence)
