"""What an examination of a job finds, before the job is run: the nouns, and the sight of them."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from analyzer.tables import html_table, printable, text_table

Status = Literal["ok", "skipped", "warning", "failure"]
MARKS: Final[Mapping[Status, str]] = {"ok": "ok", "skipped": "-", "warning": "warning", "failure": "FAILS"}
HEAD: Final = ("", "check", "found")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `failure` would end the job, `warning` makes its reports doubtful.

    `text` says what was found, `cure` what to do, `shown` are lines of evidence, such as what a script returned.
    """

    check: str
    status: Status
    text: str
    cure: str = ""
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """All findings, in the order in which the job would meet them."""

    subject: str
    findings: tuple[Finding, ...]

    def of(self, status: Status) -> tuple[Finding, ...]:
        """Give the findings of one status."""
        return tuple(each for each in self.findings if each.status == status)

    @property
    def ok(self) -> bool:
        """Tell whether nothing would end the job."""
        return not self.of("failure")

    @property
    def summary(self) -> str:
        """Say in one sentence how it stands."""
        failures, warnings = len(self.of("failure")), len(self.of("warning"))
        looks = f" {warnings} {'thing is' if warnings == 1 else 'things are'} worth a look." if warnings else ""
        if not failures:
            return f"Nothing was found that would end {self.subject}.{looks}"
        found = f"{failures} {'thing' if failures == 1 else 'things'} would end {self.subject}."
        return found + looks

    def text(self, width: int = 100) -> str:
        """Write a table of what was looked at, then every cure, for a terminal."""
        rows = [(MARKS[each.status], each.check, each.text) for each in self.findings]
        details = [_details(each, width) for each in self.findings if each.cure or each.shown]
        return "\n\n".join([text_table(HEAD, rows, width), *details, self.summary])

    def to_dict(self) -> dict[str, Any]:
        """Give what `--format json` writes (schemas/diagnosis.json)."""
        findings = [asdict(each) | {"shown": list(each.shown)} for each in self.findings]
        return {"command": "doctor", "ok": self.ok, "subject": self.subject, "findings": findings}

    def _repr_html_(self) -> str:
        rows = [(MARKS[each.status], each.check, each.text, each.cure) for each in self.findings]
        return f"<p>{html.escape(self.summary)}</p>" + html_table((*HEAD, "cure"), rows)


def _details(finding: Finding, width: int) -> str:
    lines = [f"{finding.check}: {MARKS[finding.status]}"]
    if finding.cure:
        lines += [printable(finding.text), finding.cure]
    wrapped = [each for line in lines[1:] for each in textwrap.wrap(line, width - 4, break_on_hyphens=False)]
    shown = [printable(line)[: width - 4] for line in finding.shown]
    return "\n    ".join([lines[0], *wrapped, *shown])
