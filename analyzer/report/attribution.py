"""Feature attribution: how much each feature counts for the model's answers, now and in the baseline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from analyzer.report import charts
from analyzer.report.findings import Document, Fact, Finding, Judged, Papers, Section, Severity, graded
from analyzer.report.markup import joined, tag
from analyzer.report.tables import Cell, cell, data_table, figure_cell, mark, name_of, value
from analyzer.report.wording import NONE, clipped, counted, figure, number

CHECK = "feature_attribution_drift_check"
HIGH_GAP, MEDIUM_GAP = 0.2, 0.1
"""Severity by how far the score is below its threshold."""
MOST_NAMED = 3
DRIFT = re.compile(r"drift (\S+) exceeds threshold (\S+)")


class Output(NamedTuple):
    """One output of the model: attributions by feature, now and before (None: the baseline lacks it)."""

    label: str
    values: Mapping[str, float]
    baseline: Mapping[str, float] | None
    expected: float | None
    expected_before: float | None
    score: float | None
    finding: Finding | None


def findings_of(papers: Papers) -> list[Finding]:
    """Make a finding of every violation that is one of attribution."""
    return [
        _finding(each, papers)
        for each in (papers.violations or {}).get("violations", ())
        if each["constraint_check_type"] == CHECK
    ]


def _finding(violation: Mapping[str, Any], papers: Papers) -> Finding:
    label = violation["label"]
    told = DRIFT.search(violation["description"])
    score, threshold = (number(_float(each)) for each in told.groups()) if told else (None, None)
    severity: Severity = "medium"
    says = violation["description"]
    if score is not None and threshold is not None:
        severity = graded(threshold - score, HIGH_GAP, MEDIUM_GAP)
        says = f"The ranking of features agrees to {figure(score)} with the baseline's, {figure(threshold)} is asked"
        moved = _moved(_values(papers.analysis, label), _values(papers.baseline_analysis, label))
        says += f"; moved most: {moved}" if moved else ""
    return Finding(severity, label, CHECK, says, violation["description"], anchor="attribution")


def is_judged(papers: Papers) -> bool:
    """Tell whether the baseline has attributions to judge by."""
    return bool(_labels(papers.baseline_analysis))


def _float(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return None


def _moved(now: Mapping[str, float], before: Mapping[str, float]) -> str:
    """Name the features whose ranks changed most."""
    ranks, were = _ranks(now), _ranks(before)
    both = sorted((name for name in ranks if name in were), key=lambda name: -abs(ranks[name] - were[name]))
    shown = [name for name in both[:MOST_NAMED] if ranks[name] != were[name]]
    return ", ".join(f"{clipped(name, 40)} from rank {were[name]} to {ranks[name]}" for name in shown)


def _ranks(values: Mapping[str, float]) -> dict[str, int]:
    ordered = sorted(values, key=lambda name: -abs(values[name]))
    return {name: rank for rank, name in enumerate(ordered, 1)}


def _labels(document: Document | None) -> Mapping[str, Mapping[str, Any]]:
    found = ((document or {}).get("explanations") or {}).get("kernel_shap") or {}
    return {label: each for label, each in found.items() if isinstance(each, dict) and "global_shap_values" in each}


def _values(document: Document | None, label: str) -> dict[str, float]:
    found = (_labels(document).get(label) or {}).get("global_shap_values") or {}
    return {name: number(each) or 0.0 for name, each in found.items()}


def outputs_of(papers: Papers, findings: Sequence[Finding]) -> list[Output]:
    """List the model's outputs with all that is known of each."""
    named = {finding.subject: finding for finding in findings}
    before = _labels(papers.baseline_analysis)
    scores = _scores(papers)
    return [
        Output(
            label,
            _values(papers.analysis, label),
            _values(papers.baseline_analysis, label) if label in before else None,
            number(each.get("expected_value")),
            number((before.get(label) or {}).get("expected_value")),
            scores.get(label),
            named.get(label),
        )
        for label, each in _labels(papers.analysis).items()
    ]


def _scores(papers: Papers) -> dict[str, float]:
    """Read the scores that profile.json tells, else those that violations tell."""
    told = papers.part("attribution").get("ndcg") or {}
    found = {label: score for label, each in told.items() if (score := number(each)) is not None}
    for each in (papers.violations or {}).get("violations", ()):
        told = DRIFT.search(each["description"]) if each["constraint_check_type"] == CHECK else None
        score = number(_float(told.group(1))) if told else None
        if score is not None:
            found[each["label"]] = score
    return found


def facts_of(papers: Papers, outputs: Sequence[Output]) -> Iterator[Fact]:
    """Tell what was explained, and how well the worst output agrees with the baseline."""
    if not outputs:
        return
    first = outputs[0]
    rows = papers.part("attribution").get("explained_rows")
    sampled = f", {counted(int(rows), 'row')}" if rows is not None else ""
    outputs_told = f"for {counted(len(outputs), 'output')} of the model{sampled}"
    yield Fact("Features explained", figure(len(first.values)), outputs_told)
    ranks = _ranks(first.values)
    top = next(iter(sorted(ranks, key=ranks.__getitem__)), NONE)
    yield Fact("Counts most", clipped(top, 40), f"{figure(first.values.get(top))} on average")
    scored = [each.score for each in outputs if each.score is not None]
    if scored:
        yield Fact("Agreement with the baseline", figure(min(scored)), "NDCG of the features' ranking; 1 is the same")


def tests_of(outputs: Sequence[Output], *, judged: bool) -> Iterator[Judged]:
    """Name what was judged: every output that both sides have."""
    for each in outputs:
        if each.baseline is not None or not judged:
            yield Judged(each.label, CHECK, each.finding, judged)


def sections_of(outputs: Sequence[Output], *, judged: bool) -> list[Section]:
    """Make one section with a table of features for each output."""
    if not outputs:
        return []
    words = "The mean effect of each feature on the model's answer: the bar is this run, the thin one the baseline."
    tables = joined(_table(at, each, judged=judged) for at, each in enumerate(outputs))
    return [Section("attribution", "Feature attribution", tables, words)]


def _arrow(moved: int) -> str:
    """Say how many ranks up or down."""
    return f" ▲ {moved}" if moved > 0 else f" ▼ {-moved}" if moved < 0 else ""


def _table(at: int, output: Output, *, judged: bool) -> Markup:
    before = output.baseline
    heads = ["Rank", "Feature", "This run", *(["Baseline", "Rank before"] if before else []), "Size"]
    ranks, were = _ranks(output.values), _ranks(before or {})
    top = max([abs(each) for each in (*output.values.values(), *(before or {}).values())], default=1.0) or 1.0
    severity = output.finding.severity if output.finding else "ok"
    rows = [
        (severity, output.label, _row(name, output, ranks, were, top))
        for name in sorted(output.values, key=lambda name: were.get(name, ranks[name]))
    ]
    expected = f"Expected value {figure(output.expected)}"
    if output.expected_before is not None:
        expected += f", in the baseline {figure(output.expected_before)}"
    score = f"; agreement with the baseline (NDCG) {figure(output.score)}" if output.score is not None else ""
    caption = f"Attributions for {output.label}"
    return joined(
        [
            tag("h3", value(output.label), " ", mark(severity) if judged and before is not None else None),
            tag("p", expected, score, class_="quiet"),
            data_table(f"attribution-{at}", caption, heads, rows),
        ]
    )


def _row(name: str, output: Output, ranks: Mapping[str, int], were: Mapping[str, int], top: float) -> list[Cell]:
    now = output.values[name]
    was = (output.baseline or {}).get(name)
    cells = [
        cell(f"{ranks[name]}{_arrow(were.get(name, ranks[name]) - ranks[name])}", ranks[name]),
        cell(name_of(name)),
        figure_cell(now),
    ]
    if output.baseline is not None:
        cells += [figure_cell(was), figure_cell(were.get(name))]
    return [*cells, cell(charts.pair(abs(now), None if was is None else abs(was), top), abs(now))]
