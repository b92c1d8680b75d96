"""What all pages of the dashboard share: head, style, scripts, the policy, and links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from analyzer.dashboard.collect import Execution
from analyzer.report import page
from analyzer.report.markup import Content, joined, tag
from analyzer.report.tables import MARKS
from analyzer.report.wording import NONE, counted

HERE = Path(__file__).parent
SEVERITY: Mapping[str, Any] = {"violations": "high", "unreadable": "medium", "ok": "ok", "not judged": "none"}
WORDS: Mapping[str, str] = {"ok": "OK", "unreadable": "Unreadable", "not judged": "Not judged"}
SIGNS: Mapping[str, str] = {**{str(each): sign for each, sign in MARKS.items()}, "none": NONE}
INDEX = "index.html"
PAGE = re.compile(r"[A-Za-z0-9.-]+\.html")
"""What names of pages look like."""


@dataclass(frozen=True, slots=True)
class Links:
    """From the pages to the executions: what stands before a folder by source; None where no browser gets there."""

    bases: Mapping[str, str | None]

    def to(self, execution: Execution) -> str | None:
        """Give the address of an execution's report, if it has one that can be reached."""
        base = self.bases.get(execution.source)
        if base is None or execution.report is None or not execution.present:
            return None
        return base + quote(f"{execution.folder}/{execution.report}".lstrip("/"))


def page_name(endpoint: str, schedule: str) -> str:
    """Name the page of a schedule: readable, and no other's."""
    told = f"{endpoint}--{schedule}" if endpoint else schedule
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", told).strip("-.")[:80] or "schedule"
    return f"{plain}-{sha256(f'{endpoint}/{schedule}'.encode()).hexdigest()[:8]}.html"


def verdict_mark(verdict: str, count: int = 0) -> Markup:
    """Say how something came out, in words, a colour and a sign."""
    words = counted(count, "violation") if verdict == "violations" else WORDS[verdict]
    return tag("span", words, class_=f"badge {SEVERITY[verdict]}")


@cache
def _assets() -> tuple[Markup, Markup]:
    """Give the style and the script: those of the reports, and what only these pages have."""
    report = Path(page.__file__).parent
    style = (report / "page.css").read_text("utf-8") + (HERE / "dashboard.css").read_text("utf-8")
    script = (report / "page.js").read_text("utf-8") + (HERE / "dashboard.js").read_text("utf-8")
    return Markup(style), Markup(script)  # noqa: S704 (our own files)


def whole_page(title: str, header: Markup, main: Content, packed: Mapping[str, Any] | None = None) -> str:
    """Write a page that loads nothing from anywhere; `packed` is what its script draws."""
    body = [
        tag("a", "Skip to the content", href="#main", class_="skip"),
        header,
        tag("main", main, id="main"),
        tag("footer", tag("p", "Times are UTC. Made of the history of executions; it loads nothing from elsewhere.")),
        page.pack("series", packed) if packed else None,
    ]
    return page.whole_page(title, *_assets(), body)


def top(kind: Content, headline: str, verdict: str, about: Content) -> Markup:
    """Write the first lines of a page: what it is of, and how that stands."""
    state = SEVERITY[verdict]
    sign = tag("span", SIGNS[state], class_="sign", aria_hidden="true")
    return tag(
        "header",
        tag("p", kind, class_="kind"),
        tag("div", sign, tag("h1", headline), class_="verdict"),
        tag("p", about, class_="about"),
        class_=f"top {state}",
    )


def section(anchor: str, title: str, *content: Content, explanation: str = "") -> Markup:
    return tag(
        "section",
        tag("h2", title),
        tag("p", explanation, class_="quiet") if explanation else None,
        joined(content),
        id=anchor,
    )
