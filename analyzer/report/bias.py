"""Bias: every metric of every facet against the baseline's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from analyzer.report import charts
from analyzer.report.findings import Document, Fact, Finding, Item, Judged, Papers, Section, Severity, graded
from analyzer.report.markup import joined, tag
from analyzer.report.tables import Cell, badge, cell, data_table, figure_cell, small_table, value
from analyzer.report.wording import NONE, clipped, counted, figure, number

STAGES = {"post_training_bias_metrics": "Post-training", "pre_training_bias_metrics": "Pre-training"}
CHECK = "bias_drift_check"
HIGH_CHANGE, MEDIUM_CHANGE = 0.1, 0.02
"""Severity by how much farther from zero a metric is than the baseline's."""
MOST_GROUPS = 50
"""Groups of a stage that have a table; a facet without listed values has a group for each of its values."""
MEANINGS = {
    "CI": "share of the other rows minus that of the group",
    "DPL": "positive labels of the others minus the group's",
    "KL": "how far the labels of both are apart, in information",
    "JS": "how far the labels of both are apart, in information, from 0 to 0.69",
    "LP": "distance of the shares of labels, straight line",
    "TVD": "distance of the shares of labels, half of all differences",
    "KS": "largest difference of a label's share",
    "CDDL": "more of the rejected than of the accepted, within each stratum",
    "DPPL": "positive predictions of the others minus the group's",
    "DI": "positive predictions of the group over those of the others; 1 is parity",
    "DCA": "labels per positive prediction, others minus group",
    "DCR": "labels per negative prediction, group minus others",
    "RD": "recall of the others minus the group's",
    "SD": "specificity of the group minus the others'",
    "DAR": "precision of the others minus the group's",
    "DRR": "right rejections of the group minus the others'",
    "AD": "accuracy of the others minus the group's",
    "TE": "misses per false alarm, group minus others",
    "CDDPL": "more of the predicted rejected than accepted, within each stratum",
    "GE": "inequality of what the model's errors give and take",
    "FT": "predictions that differ from those of the nearest others",
}
"""What each metric says, in a few words; docs/report.md has the neutral values."""


class Figure(NamedTuple):
    """One metric of one group, at one stage; `finding` is the violation that names it."""

    stage: str
    facet: str
    group: str
    metric: str
    description: str
    value: float | None
    baseline: float | None
    error: str | None
    finding: Finding | None


RANGE = "is outside of the allowed range"
"""Words of a violation that does not come from the baseline's figure."""


def findings_of(papers: Papers) -> list[Finding]:
    """Make a finding of every violation that is one of bias."""
    figures = {(each.facet, key_of(each.group), each.metric): each for each in _measured(papers)}
    rule = rule_of(papers)
    return [
        _finding(each, figures.get((each["facet"], key_of(str(each["facet_value"])), each["metric_name"])), rule)
        for each in (papers.violations or {}).get("violations", ())
        if each["constraint_check_type"] == CHECK
    ]


def key_of(group: str) -> str:
    """Name a group whatever its maximum: of the interval `(40, 90]` it is `40`."""
    interval = re.fullmatch(r"\((.+), [^,]+\]", group)
    lower = interval.group(1) if interval else group
    return lower.removesuffix(".0")


def _finding(violation: Mapping[str, Any], found: Figure | None, rule: str) -> Finding:
    name, group = violation["metric_name"], str(violation["facet_value"])
    severity, says = _grade(None if RANGE in violation["description"] else found, rule)
    return Finding(
        severity, f"{name} of {violation['facet']} {group}", CHECK, says or violation["description"],
        violation["description"], anchor=found and _anchor(found.stage),
    )  # fmt: skip


def rule_of(papers: Papers) -> str:
    """Read from profile.json by which rule violations were found."""
    return str(papers.part("bias").get("violation_rule", "abs_value"))


def is_judged(papers: Papers) -> bool:
    """Tell whether the baseline has metrics of bias to judge by."""
    return any(section in (papers.baseline_analysis or {}) for section in STAGES)


def neutral_of(metric: str, rule: str) -> float:
    """Give the value that a rule measures distances from."""
    return 1.0 if metric == "DI" and rule == "distance_from_parity" else 0.0


def _grade(found: Figure | None, rule: str) -> tuple[Severity, str]:
    if found is None or found.value is None or found.baseline is None:
        return "medium", ""
    neutral = neutral_of(found.metric, rule)
    change = _farther(found.value, found.baseline, neutral)
    told = f"{figure(found.value)}, the baseline's is {figure(found.baseline)}"
    says = f"{told}: farther from {neutral:g} by {figure(change)}"
    if found.metric == "DI" and not neutral and abs(found.value - 1) < abs(found.baseline - 1):
        return "low", f"{says}, but nearer to 1, which is parity; the rule heeds the distance from 0 alone"
    meaning = MEANINGS.get(found.metric)
    return graded(change, HIGH_CHANGE, MEDIUM_CHANGE), f"{says} ({meaning})" if meaning else says


def figures_of(papers: Papers, findings: Sequence[Finding]) -> list[Figure]:
    """List all metrics, each with the violation that names it."""
    named = {finding.subject: finding for finding in findings}
    return [
        each._replace(finding=named.get(f"{each.metric} of {each.facet} {each.group}")
                      or named.get(f"{each.metric} of {each.facet} {key_of(each.group)}"))
        for each in _measured(papers)
    ]  # fmt: skip


def _measured(papers: Papers) -> Iterator[Figure]:
    for section, stage in STAGES.items():
        before = dict(_metrics(papers.baseline_analysis, section))
        for (facet, group, name), metric in _by_group(papers.analysis, section):
            was = before.get((facet, key_of(group), name)) or {}
            yield Figure(
                stage, facet, group, name, metric.get("description", name), number(metric.get("value")),
                number(was.get("value")), metric.get("error"), None,
            )  # fmt: skip


Named = tuple[tuple[str, str, str], Mapping[str, Any]]


def _metrics(document: Document | None, section: str) -> Iterator[Named]:
    for (facet, group, name), metric in _by_group(document, section):
        yield (facet, key_of(group), name), metric


def _by_group(document: Document | None, section: str) -> Iterator[Named]:
    for facet, groups in (((document or {}).get(section) or {}).get("facets") or {}).items():
        for group in groups:
            for metric in group.get("metrics") or ():
                yield (facet, str(group.get("value_or_threshold", "")), metric["name"]), metric


def facts_of(papers: Papers, figures: Sequence[Figure]) -> Iterator[Fact]:
    """Tell how much was measured, and of which label."""
    if not figures:
        return
    groups = {(each.facet, each.group) for each in figures}
    measured = sum(each.value is not None for each in figures)
    yield Fact("Bias metrics", figure(measured), f"of {counted(len(groups), 'group')}")
    section: Mapping[str, Any] = next((found for name in STAGES if (found := (papers.analysis or {}).get(name))), {})
    label = clipped(str(section.get("label", NONE)), 40)
    yield Fact("Label", label, f"positive: {clipped(str(section.get('label_value_or_threshold', NONE)), 40)}")


def tests_of(figures: Sequence[Figure], *, judged: bool) -> Iterator[Judged]:
    """Name what was judged: every metric that both sides have."""
    for each in figures:
        if each.value is not None and (each.baseline is not None or not judged):
            yield Judged(f"{each.stage} {each.metric} of {each.facet} {each.group}", CHECK, each.finding, judged)


RULES = {
    "abs_value": "What is farther from 0 than the baseline violates.",
    "distance_from_parity": "What is farther from its neutral value than the baseline violates.",
    "bootstrap": "What lies with its whole 95 % interval farther from 0 than the baseline violates.",
}


def sections_of(papers: Papers, figures: Sequence[Figure], *, judged: bool) -> list[Section]:
    """Make a section of each stage, with a table a group, and one of segments."""
    rule = rule_of(papers)
    found = []
    for stage in STAGES.values():
        staged = [each for each in figures if each.stage == stage]
        if staged:
            groups: dict[tuple[str, str], list[Figure]] = {}
            for each in staged:
                groups.setdefault((each.facet, each.group), []).append(each)
            worst_first = sorted(groups.values(), key=lambda some: all(each.finding is None for each in some))
            shown = worst_first[:MOST_GROUPS]
            tables = [_table(stage, at, some, rule, judged=judged) for at, some in enumerate(shown)]
            words = f"Bars begin at the neutral value, the stroke is the baseline. {RULES.get(rule, '')}"
            if len(groups) > MOST_GROUPS:
                words += f" {len(groups) - MOST_GROUPS:,} more groups stand in analysis.json."
            found.append(Section(_anchor(stage), f"{stage} bias", joined(tables), words))
    segments = tuple(_segments(papers))
    if segments:
        words = "The same metrics of a part of the rows each; segments are not judged."
        found.append(Section("segments", "Segments", Markup(""), words, segments))
    return found


def _segments(papers: Papers) -> Iterator[Item]:
    for at, segment in enumerate((papers.analysis or {}).get("segments") or ()):
        rows = [
            [metric.get("description", name), f"{facet} {group}", figure(metric.get("value")), metric.get("error", "")]
            for section in STAGES
            for (facet, group, name), metric in _by_group(segment, section)
        ]
        name = f"{segment.get('name', '')} {segment.get('segment', '')}".strip()
        table = small_table(["Metric", "Group", "This run", "Why not"], rows, f"Bias metrics of segment {name}")
        yield Item(f"s{at}", name, counted(len(rows), "metric"), "ok", table)


def _anchor(stage: str) -> str:
    return stage.lower()


def _table(stage: str, at: int, figures: Sequence[Figure], rule: str, *, judged: bool) -> Markup:
    """Make the table of one group."""
    facet, group = figures[0].facet, figures[0].group
    heads = ["Verdict", "Metric", "This run", *(["Baseline", "Farther by"] if judged else []), "On a scale"]
    caption = f"{stage} bias metrics of {facet} {group}"
    rows = [(_severity(each), f"{facet} {group}", _row(each, rule, judged=judged)) for each in figures]
    title = (
        tag("h3", value(facet), " = ", value(group))
        if not group.startswith("(")
        else tag("h3", value(facet), " in ", value(group))
    )
    return joined([title, data_table(f"{_anchor(stage)}-{at}", caption, heads, rows)])


def _severity(found: Figure) -> Severity:
    return found.finding.severity if found.finding else "ok"


def _row(found: Figure, rule: str, *, judged: bool) -> list[Cell]:
    meaning = tag("div", found.error or MEANINGS.get(found.metric, ""), class_="original")
    compared = found.value is not None and found.baseline is not None
    cells = [
        badge(_severity(found), judged=judged and (compared or found.finding is not None)),
        cell(joined([found.description, meaning])),
        figure_cell(found.value),
    ]
    if judged:
        change = _change(found, neutral_of(found.metric, rule))
        cells += [figure_cell(found.baseline), figure_cell(change)]
    return [*cells, cell(_scale(found))]


def _change(found: Figure, neutral: float) -> float | None:
    if found.value is None or found.baseline is None:
        return None
    return _farther(found.value, found.baseline, neutral)


def _farther(value: float, baseline: float, neutral: float) -> float:
    """Say by how much; two that are both infinitely far are as far as each other."""
    now, before = abs(value - neutral), abs(baseline - neutral)
    return 0.0 if now == before else now - before


def _scale(found: Figure) -> Markup | None:
    if found.value is None:
        return None
    neutral = 1.0 if found.metric == "DI" else 0.0
    ends = [abs(each - neutral) for each in (found.value, found.baseline) if each is not None and math.isfinite(each)]
    was = None if found.baseline is None else found.baseline - neutral
    return charts.signed(found.value - neutral, was, max([1.0, *ends]))
