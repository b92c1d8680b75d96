"""data_type_check: the share of present values that read as the baseline's type."""

from __future__ import annotations

from dataclasses import asdict

from analyzer.checks.case import Case, Column, join
from analyzer.documents import InferredType, Quirk, Verdict, Violation
from analyzer.jsonlayout import java_double

ORIGINAL: dict[InferredType, frozenset[str]] = {
    "Integral": frozenset({"integral"}),
    "Fractional": frozenset({"fractional"}),
    "String": frozenset({"string", "boolean"}),
}
"""Kinds of values that satisfy a type: each only its own, with true and false among the strings."""

CORRECTED: dict[InferredType, frozenset[str]] = {
    "Integral": frozenset({"integral"}),
    "Fractional": frozenset({"integral", "fractional"}),
    "String": frozenset({"integral", "fractional", "boolean", "string"}),
}
"""A whole number is a number, and any text is a text."""

QUIRKS: dict[InferredType, tuple[str, str]] = {
    "Fractional": ("integral_fails_fractional", "whole numbers failed a Fractional baseline"),
    "String": ("mixed_text_fails_string", "texts that look like numbers failed a String baseline"),
}


def check_data_types(case: Case) -> Verdict:
    """Judge every column with an expected type and present values; a violation when the share is below threshold."""
    return join(_judge(column, corrected=case.corrected) for column in case.evaluated())


def _judge(column: Column, *, corrected: bool) -> Verdict:
    expected = column.constraints.inferred_type
    counts = _present(column)
    if expected is None or expected == "Unknown" or not any(counts.values()):
        return Verdict()
    accepted = (CORRECTED if corrected else ORIGINAL)[expected]
    share, threshold = _share(counts, accepted), column.config.datatype_check_threshold
    if share >= threshold:
        return Verdict()
    violation = _violation(column, expected, counts, accepted)
    lenient = _share(counts, CORRECTED[expected])
    if lenient < threshold:
        return Verdict((violation,))
    name, what = QUIRKS[expected]
    effect = f"data_type_check: {what}; in corrected mode there is no violation"
    return Verdict((violation,), quirks=(Quirk(name, column.name, effect, share, lenient),))


def _present(column: Column) -> dict[str, int]:
    return {kind: count for kind, count in asdict(column.profile.type_counts).items() if kind != "missing"}


def _share(counts: dict[str, int], accepted: frozenset[str]) -> float:
    return sum(count for kind, count in counts.items() if kind in accepted) / sum(counts.values())


def _violation(column: Column, expected: InferredType, counts: dict[str, int], accepted: frozenset[str]) -> Violation:
    share, threshold = _share(counts, accepted), column.config.datatype_check_threshold
    description = (
        f"Data type match requirement is not met. Expected data type: {expected}, "
        f"Expected match: {java_double(threshold * 100)}%. "
        f"Observed: Only {java_double(share * 100)}% of data is {expected}."
    )
    wrong = {kind: count for kind, count in counts.items() if count and kind not in accepted}
    evidence = {
        "expected_type": expected,
        "rows": sum(wrong.values()),
        "present_rows": sum(counts.values()),
        "types": wrong,
        "share": share,
        "threshold": threshold,
        **column.met(*wrong),
    }
    return Violation(column.name, "data_type_check", description, evidence)
