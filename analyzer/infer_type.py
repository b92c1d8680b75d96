"""Counts of kinds to the type of a column; light, since many states are looked through for it."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.documents import InferredType

MOST_DOMAIN_VALUES = 120
"""Distinct values, by estimate, up to which the values of a string column are listed: Deequ's limit."""


def type_of(kinds: Iterable[int]) -> InferredType:
    """Apply Deequ's rule to the counts of whole numbers, fractions, truth values and texts.

    One text, or truth values beside numbers, make a string column; missing values say nothing.
    """
    integral, fractional, boolean, string = kinds
    if string or boolean:
        return "String"
    if fractional:
        return "Fractional"
    return "Integral" if integral else "Unknown"
