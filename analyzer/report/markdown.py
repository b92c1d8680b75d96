"""report.md: the verdict and the worst of what is wrong, short enough for a chat message or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.report.findings import SEVERITIES, TITLES, Finding, Report
from analyzer.report.tables import MARKS, WORDS
from analyzer.report.wording import bytes_free, clipped, visible

MOST_FINDINGS = 10
MOST_NOTES = 5
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")
"""What Markdown gives a meaning to, here and there, in the middle of a line."""
LINKED = re.compile(r"(?<=@)|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
"""Where plain text would become a mention or a link."""


def markdown_of(report: Report) -> str:
    """Write the summary; names from data stand in code spans, in which nothing is a link, a mention or an image."""
    return bytes_free("\n".join(_lines(report)) + "\n")


def _lines(report: Report) -> Iterator[str]:
    yield f"### {TITLES[report.kind]}: {_plain(report.headline)}"
    yield ""
    if report.findings:
        yield ", ".join(_counts(report))
        yield ""
    elif report.concern:
        yield from (_plain(report.concern), "")
    facts = [f"{_plain(key)} {_code(told)}" for key, told in report.about.items()]
    facts += [f"{fact.label} {_plain(fact.value)}" for fact in report.facts]
    yield " · ".join(facts)
    if report.findings:
        yield from ("", "| Severity | Where | What |", "|---|---|---|")
        yield from (_row(each) for each in report.ordered[:MOST_FINDINGS])
    if len(report.findings) > MOST_FINDINGS:
        yield from ("", f"... and {len(report.findings) - MOST_FINDINGS:,} more in constraint_violations.json.")
    if report.notes:
        yield ""
        yield from (f"- {_plain(clipped(note, 300))}" for note in report.notes[:MOST_NOTES])
    if len(report.notes) > MOST_NOTES:
        yield f"- ... and {len(report.notes) - MOST_NOTES:,} more notes."


def _counts(report: Report) -> Iterator[str]:
    for severity in SEVERITIES:
        found = sum(finding.severity == severity for finding in report.findings)
        if found:
            yield f"{MARKS[severity]} {found:,} {WORDS[severity].lower()}"


def _row(finding: Finding) -> str:
    severity = f"{MARKS[finding.severity]} {WORDS[finding.severity]}"
    return f"| {severity} | {_code(clipped(finding.subject, 60))} | {_plain(clipped(finding.says, 160))} |"


def _code(text: str) -> str:
    """Put foreign text into a code span whose fence is longer than any row of backticks in it."""
    text = visible(text).replace("|", "\\|") or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{room}{text}{room}{fence}"


def _plain(text: str) -> str:
    """Take the meaning from what Markdown would read as more than text, links and mentions of people included."""
    return LINKED.sub("\u200b", SPECIAL.sub(r"\\\1", visible(text)))
