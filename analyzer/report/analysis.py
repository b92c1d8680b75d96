"""Bias and feature attribution: one run may do either or both, and writes one analysis.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from analyzer.report import attribution, bias
from analyzer.report.findings import Fact, Finding, Kind, Papers, Report, Section
from analyzer.report.wording import counted, figure


def report_of(papers: Papers) -> Report:
    """Make the report of a run from its analysis.json, its violations, if any, and the baseline's analysis.json."""
    findings = [*bias.findings_of(papers), *attribution.findings_of(papers)]
    metrics = bias.figures_of(papers, findings)
    outputs = attribution.outputs_of(papers, findings)
    judged = papers.baseline_analysis is not None
    return Report(
        kind=_kind(metrics, outputs),
        headline=_headline(metrics, outputs, findings, judged=judged),
        judged=judged,
        findings=tuple(findings),
        facts=(*_rows(papers), *bias.facts_of(papers, metrics), *attribution.facts_of(outputs)),
        notes=tuple(note for part in _parts(papers) for note in part.get("notes", ())),
        tests=(*bias.tests_of(metrics, judged=judged), *attribution.tests_of(outputs, judged=judged)),
        sections=partial(_sections, metrics, outputs, judged=judged),
        about=papers.about,
    )


def _kind(metrics: Sequence[bias.Figure], outputs: Sequence[attribution.Output]) -> Kind:
    if metrics and outputs:
        return "analysis"
    return "bias" if metrics else "attribution"


def _headline(
    metrics: Sequence[bias.Figure],
    outputs: Sequence[attribution.Output],
    findings: Sequence[Finding],
    *,
    judged: bool,
) -> str:
    done = [counted(len(metrics), "bias metric")] if metrics else []
    done += [f"attributions of {counted(len(outputs), 'output')}"] if outputs else []
    what = " and ".join(done) or "nothing"
    if not judged:
        return f"Measured: {what}; nothing to compare with was given"
    if not findings:
        return f"No violations: {what} compared with the baseline"
    return f"{counted(len(findings), 'violation')} in {what}"


def _parts(papers: Papers) -> Iterator[Mapping[str, Any]]:
    """Give what profile.json says of each half."""
    return (part for part in (papers.profile or {}).values() if isinstance(part, Mapping))


def _rows(papers: Papers) -> Iterator[Fact]:
    rows = [part["rows"] for part in _parts(papers) if "rows" in part]
    if rows:
        yield Fact("Rows", figure(max(rows)))


def _sections(metrics: Sequence[bias.Figure], outputs: Sequence[attribution.Output], *, judged: bool) -> list[Section]:
    return [*bias.sections_of(metrics, judged=judged), *attribution.sections_of(outputs, judged=judged)]
