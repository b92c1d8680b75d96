"""The nouns of a report: what every dimension says about a run, whatever the form it is shown in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from markupsafe import Markup

Kind = Literal["data_quality", "model_quality", "bias", "attribution", "analysis"]
Severity = Literal["high", "medium", "low", "ok"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low", "ok")
"""From worst to best."""
TITLES: Mapping[Kind, str] = {
    "data_quality": "Data quality",
    "model_quality": "Model quality",
    "bias": "Bias drift",
    "attribution": "Feature attribution drift",
    "analysis": "Bias and feature attribution",
}
CHECKS: Mapping[str, str] = {
    "data_type_check": "Type",
    "completeness_check": "Completeness",
    "baseline_drift_check": "Drift",
    "missing_column_check": "Missing columns",
    "extra_column_check": "Extra columns",
    "categorical_values_check": "New values",
    "custom_rule_check": "Rule",
    "LessThanThreshold": "Below baseline",
    "GreaterThanThreshold": "Above baseline",
    "bias_drift_check": "Bias drift",
    "feature_attribution_drift_check": "Attribution drift",
}
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Papers:
    """The documents of a run, as they are written, that its report is made of; what there is not is None.

    `violations` is None where nothing was judged. `about` are facts on the run that stand in no document, such as
    the endpoint. `examples` says whether values of the data that violate something may be shown.
    """

    kind: Kind
    statistics: Document | None = None
    constraints: Document | None = None
    violations: Document | None = None
    profile: Document | None = None
    analysis: Document | None = None
    baseline_statistics: Document | None = None
    baseline_constraints: Document | None = None
    baseline_analysis: Document | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    examples: bool = True

    @property
    def rows(self) -> int:
        """Rows that statistics.json counts: all of data quality, of model quality those that were judged."""
        return int(((self.statistics or {}).get("dataset") or {}).get("item_count", 0))

    def part(self, name: str) -> Mapping[str, Any]:
        """Give a part of profile.json, empty where there is none."""
        found = (self.profile or {}).get(name)
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: how bad, of what, which check, in plain words, and in the words of the violations file.

    `anchor` names the place on the page that shows more; `examples` are offending values.
    """

    severity: Severity
    subject: str
    check: str
    says: str
    description: str
    anchor: str | None = None
    examples: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of the first screen."""

    label: str
    value: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """Something that was judged, for junit.xml, with what was found wrong."""

    name: str
    check: str
    failure: Finding | None = None
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """One of many parts of a section that are opened to be seen; what is wrong is open from the start."""

    anchor: str
    name: str
    hint: str
    severity: Severity
    body: Markup


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page below the violations."""

    anchor: str
    title: str
    content: Markup
    explanation: str = ""
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All that one report says; `sections` are made when the page is, which short forms do without.

    `judged` is False where there was nothing to compare with.
    """

    kind: Kind
    headline: str
    judged: bool
    findings: tuple[Finding, ...]
    facts: tuple[Fact, ...]
    notes: tuple[str, ...]
    tests: tuple[Judged, ...]
    sections: Callable[[], list[Section]]
    about: Mapping[str, str] = field(default_factory=dict)
    concern: str | None = None
    """Where nothing was judged but not all is well: what is to be looked at."""

    @property
    def ordered(self) -> list[Finding]:
        """The findings, worst first, else in the order of the violations file."""
        return sorted(self.findings, key=lambda finding: SEVERITIES.index(finding.severity))


def check_of(found: str) -> str:
    """Name a check for people; one that a package added keeps its name."""
    return CHECKS.get(found, found)


def worst(findings: list[Finding]) -> Severity:
    """Give the severity of the worst of them."""
    return min((finding.severity for finding in findings), key=SEVERITIES.index, default="ok")


def graded(size: float, high: float, medium: float) -> Severity:
    """Give the severity of something of this size."""
    return "high" if size >= high else "medium" if size >= medium else "low"
