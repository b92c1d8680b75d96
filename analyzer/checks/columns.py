"""Column checks: as many columns now as in the baseline; anything else makes every further check meaningless."""

from __future__ import annotations

from analyzer.checks.case import Case, listed
from analyzer.documents import CheckType, Verdict, Violation


def check_columns(case: Case) -> Verdict:
    """Compare the number of columns, as the original does; evidence and notes name the columns.

    Skipped without constraints and where evaluate_constraints is Disabled for the data set.
    """
    if case.constraints is None and case.baseline is None:
        return Verdict()
    known = {column.name for column in case.columns}
    missing = [column.name for column in case.columns if column.absent]
    surplus = [name for name in case.current_names if name not in known]
    notes = _notes(missing, surplus)
    if case.constraints is None or not case.constraints.config.evaluate_constraints:
        return Verdict(notes=notes)
    violations = _compare_counts(len(case.current_names), len(case.columns), missing, surplus)
    return Verdict(violations, notes=notes)


def _compare_counts(current: int, baseline: int, missing: list[str], surplus: list[str]) -> tuple[Violation, ...]:
    if current == baseline:
        return ()
    check: CheckType = "missing_column_check" if current < baseline else "extra_column_check"
    word = "missing" if current < baseline else "extra"
    description = (
        f"There are {word} columns in current dataset. Number of columns in current dataset: {current}, "
        f"Number of columns in baseline constraints: {baseline}"
    )
    evidence = {"current": current, "baseline": baseline, "missing": missing, "surplus": surplus}
    return (Violation(f"{word.capitalize()} columns", check, description, evidence),)


def _notes(missing: list[str], surplus: list[str]) -> tuple[str, ...]:
    notes = []
    if missing:
        notes.append(f"Columns of the baseline that the current data lacks: {listed(missing)}.")
    if surplus:
        notes.append(f"Columns of the current data that the baseline does not know: {listed(surplus)}.")
    return tuple(notes)
