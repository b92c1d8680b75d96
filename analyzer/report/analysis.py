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
    judged = bias.is_judged(papers), attribution.is_judged(papers)
    return Report(
        kind=_kind(papers, metrics, outputs),
        headline=_headline(metrics, outputs, findings, judged=any(judged)),
        judged=any(judged),
        findings=tuple(findings),
        facts=(*_rows(papers), *bias.facts_of(papers, metrics), *attribution.facts_of(papers, outputs)),
        notes=tuple(note for part in _parts(papers) for note in part.get("notes", ())),
        tests=(*bias.tests_of(metrics, judged=judged[0]), *attribution.tests_of(outputs, judged=judged[1])),
        sections=partial(_sections, papers, metrics, outputs, judged),
        about=papers.about,
        concern=None if metrics or outputs else "Nothing was measured.",
    )


def _kind(papers: Papers, metrics: Sequence[bias.Figure], outputs: Sequence[attribution.Output]) -> Kind:
    """Name the report by the halves that were done; profile.json tells of bias also where it found nothing."""
    halves = bool(metrics) or "bias" in (papers.profile or {}), bool(outputs)
    if all(halves):
        return "analysis"
    return "bias" if halves[0] else "attribution"


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


def _sections(
    papers: Papers,
    metrics: Sequence[bias.Figure],
    outputs: Sequence[attribution.Output],
    judged: tuple[bool, bool],
) -> list[Section]:
    sections = bias.sections_of(papers, metrics, judged=judged[0])
    return [*sections, *attribution.sections_of(outputs, judged=judged[1])]
