"""The nouns of bias and attribution: what each half of a run has found, and how analysis.json is laid out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analyzer.errors import AnalyzerError

VERSION = "1.0"
Violation = Mapping[str, str]
"""A member of constraint_violations.json, its keys in their order."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one half of a run, bias or attribution, has to be written and told.

    `sections` are members of analysis.json in their order; `metrics` are records for CloudWatch, `profile` is this
    half's member of profile.json, and `files` are further files by name. `notes` go to the log and to profile.json.
    """

    name: str
    rows: int
    sections: Mapping[str, Any]
    violations: Sequence[Violation] = ()
    metrics: Sequence[Mapping[str, Any]] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failure: AnalyzerError | None = None
    """Why a part of it is lacking: the job ends with this error, once all that was found is written."""


def dump_analysis(document: Mapping[str, Any]) -> str:
    """Lay out a document as the original does: four blanks of indent, no newline at the end, infinities as texts."""
    return json.dumps(_plain(document), indent=4, allow_nan=False)


def number_text(value: float) -> str:
    """Write a number as it stands in descriptions: `Infinity` as in the file, else as Python does."""
    return repr(value) if math.isfinite(value) else str(_plain(value))


def read_number(value: Any) -> float | None:
    """Read a metric of analysis.json: a number, `Infinity`, `-Infinity`; None for what is none."""
    if isinstance(value, str) and value in _INFINITIES:
        return _INFINITIES[value]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


_INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
