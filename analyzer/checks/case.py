"""What every check looks at: constraints and baseline, lined up by column with what the current data says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from analyzer.documents import (
    Analysis,
    Constraints,
    Evidence,
    FeatureConstraints,
    FeatureProfile,
    FeatureStatistics,
    MonitoringConfig,
    Statistics,
    StringStatistics,
    TopValues,
    TypeCounts,
    Verdict,
)

Compatibility = Literal["original", "corrected"]


@dataclass(frozen=True, slots=True)
class Column:
    """One feature that the baseline knows: what is asked of it, what the baseline saw, what the current data shows.

    `baseline` is None without baseline statistics for it. A feature that the current data lacks (`absent`) is
    judged as if all its values were missing.
    """

    name: str
    constraints: FeatureConstraints
    config: MonitoringConfig
    baseline: FeatureStatistics | None
    current: FeatureStatistics
    profile: FeatureProfile
    absent: bool = False

    def met(self, *kinds: str) -> dict[str, Any]:
        """Say for profile.json where values of these kinds were met: examples of each kind, and the first place."""
        found = {kind: self.profile.evidence[kind] for kind in kinds if kind in self.profile.evidence}
        if not found:
            return {}
        first = min(found.values(), key=lambda evidence: (evidence.first_file, evidence.first_record))
        return {
            "examples": {kind: list(evidence.examples) for kind, evidence in found.items() if evidence.examples},
            "first": _place(first),
        }


@dataclass(frozen=True, slots=True)
class Case:
    """All that the checks judge; `columns` are the baseline's, in its order."""

    rows: int
    columns: tuple[Column, ...]
    current_names: tuple[str, ...]
    constraints: Constraints | None
    baseline: Statistics | None
    corrected: bool

    def evaluated(self) -> Iterator[Column]:
        """Columns whose constraints are to be evaluated (evaluate_constraints)."""
        return (column for column in self.columns if column.config.evaluate_constraints)


Check = Callable[[Case], Verdict]


def line_up(
    analysis: Analysis, constraints: Constraints | None, baseline: Statistics | None, *, corrected: bool
) -> Case:
    """Match features by name; without constraints, the features of the baseline statistics with nothing asked."""
    known = baseline.features if baseline else ()
    asked = constraints or Constraints(tuple(FeatureConstraints(feature.name) for feature in known))
    before = {feature.name: feature for feature in known}
    rows, now = analysis.statistics.item_count, analysis.statistics.features
    current = {
        statistics.name: (statistics, profile) for statistics, profile in zip(now, analysis.profiles, strict=True)
    }
    columns = []
    for wanted in asked.features:
        statistics, profile = current.get(wanted.name) or _all_missing(wanted.name, rows)
        config, absent = asked.config_of(wanted), wanted.name not in current
        columns.append(Column(wanted.name, wanted, config, before.get(wanted.name), statistics, profile, absent))
    names = tuple(statistics.name for statistics in now)
    return Case(rows, tuple(columns), names, constraints, baseline, corrected)


def join(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict of many, in their order."""
    parts = tuple(verdicts)
    return Verdict(
        violations=tuple(violation for part in parts for violation in part.violations),
        drifts=tuple(drift for part in parts for drift in part.drifts),
        quirks=tuple(quirk for part in parts for quirk in part.quirks),
        notes=tuple(note for part in parts for note in part.notes),
    )


def listed(names: Iterable[str], most: int = 50) -> str:
    """Names for a sentence of the log; a log line does not hold thousands."""
    known = list(names)
    surplus = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + surplus


def _place(evidence: Evidence) -> Mapping[str, str | int]:
    return {"file": evidence.first_file, "record": evidence.first_record}


def _all_missing(name: str, rows: int) -> tuple[FeatureStatistics, FeatureProfile]:
    statistics = FeatureStatistics(name, "Unknown", 0, rows, 0.0, string=StringStatistics(0.0, None))
    profile = FeatureProfile(
        name=name,
        type_counts=TypeCounts(missing=rows),
        empty=0,
        nan=0,
        infinite=0,
        lengths=None,
        quantiles=None,
        top_values=TopValues((), exact=True, counted_rows=rows),
        outside_domain=0,
    )
    return statistics, profile
