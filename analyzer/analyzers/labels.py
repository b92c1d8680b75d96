"""Class labels as they are compared: as numbers where they are numbers, else as text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache

from analyzer.jsonlayout import java_double

TRUTH = {"true": "1", "false": "0"}
LARGEST_WHOLE = 1e15
_WHOLE = re.compile(r"[-+]?\d{1,300}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


@lru_cache(maxsize=65_536)
def canonical_label(text: str) -> str:
    """Write a label so that equal labels have equal texts: `1`, `1.0` and `1e0` are `1`, `True` is `true`."""
    plain = text.strip()
    if plain.lower() in TRUTH:
        return plain.lower()
    if _WHOLE.fullmatch(plain):
        return str(int(plain))  # exact, however long: long numbers may be names
    number = float(plain) if _NUMBER.fullmatch(plain) else math.inf
    if not math.isfinite(number):
        return plain
    return str(int(number)) if number.is_integer() and abs(number) < LARGEST_WHOLE else java_double(number)


def is_number(label: str) -> bool:
    """Tell whether a canonical label is a number."""
    return _NUMBER.fullmatch(label) is not None


def sorted_labels(labels: Iterable[str]) -> list[str]:
    """Order labels: numbers by size, then texts."""
    return sorted(labels, key=lambda label: (not is_number(label), float(label) if is_number(label) else 0.0, label))


def truth_as_numbers(labels: Iterable[str]) -> dict[str, str]:
    """Give what each label is called beside the others: `true` is `1` where there are numbers, too."""
    found = set(labels)
    mixed = any(map(is_number, found)) and not found.isdisjoint(TRUTH)
    return {label: TRUTH.get(label, label) if mixed else label for label in found}
