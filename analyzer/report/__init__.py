"""Reports for people, from the documents alone: report.html, report.md and junit.xml."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from analyzer.report.findings import Document, Finding, Kind, Papers, Report

__all__ = ["Document", "Finding", "Kind", "Papers", "findings_of", "make_reports", "papers_of"]
log = logging.getLogger(__name__)


def papers_of(
    kind: Kind,
    documents: Mapping[str, Document],
    baseline: Mapping[str, Document],
    *,
    about: Mapping[str, str],
    examples: bool = True,
) -> Papers:
    """Sort the documents of a run and of its baseline, each by the name of its file, into papers."""
    return Papers(
        kind,
        statistics=documents.get("statistics.json"),
        constraints=documents.get("constraints.json"),
        violations=documents.get("constraint_violations.json"),
        profile=documents.get("profile.json"),
        analysis=documents.get("analysis.json"),
        baseline_statistics=baseline.get("statistics.json"),
        baseline_constraints=baseline.get("constraints.json"),
        baseline_analysis=baseline.get("analysis.json"),
        about=about,
        examples=examples,
    )


def findings_of(papers: Papers) -> tuple[Finding, ...]:
    """Give what was violated, how bad it is and in plain words, in the order of the violations file."""
    return _report(papers).findings


def make_reports(papers: Papers, forms: Sequence[str]) -> dict[str, str]:
    """Make the texts of these forms: `html`, `md`, `junit`.

    What fails is logged with its trace and left out: a report is never worth the documents that it is made from.
    Raises Stopped where the job is told to end meanwhile.
    """
    made: dict[str, str] = {}
    try:
        report = _report(papers)
    except Exception:
        log.exception("No report could be made; the other files are complete. Please report it with this trace.")
        return made
    for form in forms:
        try:
            made[form] = _writer(form)(report)
        except Exception:
            log.exception("The report as %s could not be made; the other files are complete. Please report it.", form)
    return made


def _report(papers: Papers) -> Report:
    """Load what knows the kind of report, and nothing of the others."""
    if papers.kind == "data_quality":
        from analyzer.report.data_quality import report_of
    elif papers.kind == "model_quality":
        from analyzer.report.model_quality import report_of
    else:
        from analyzer.report.analysis import report_of
    return report_of(papers)


def _writer(form: str) -> Callable[[Report], str]:
    if form == "html":
        from analyzer.report.page import page_of

        return page_of
    if form == "md":
        from analyzer.report.markdown import markdown_of

        return markdown_of
    from analyzer.report.junit import junit_of

    return junit_of
