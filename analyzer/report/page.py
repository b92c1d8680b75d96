"""report.html: one file for a browser that loads nothing from anywhere and shows nothing but what the report says."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from analyzer.report.findings import SEVERITIES, TITLES, Finding, Report, Section, Severity, check_of
from analyzer.report.markup import Content, joined, tag
from analyzer.report.tables import MARKS, WORDS, Cell, badge, cell, data_table, details, filter_form, jump, mark, value
from analyzer.report.wording import bytes_free, clipped, counted

MOST_INLINE = 120_000
"""Bytes of parts that open which are written as they are; the rest is packed, and unpacked by the page's script."""
MOST_TOLD = 150
"""Violations that are told with examples and the words of the violations file, the worst ones."""
MOST_LISTED = 1000
FEW_ROWS = 8
"""Tables of fewer rows need no filter."""
HERE = Path(__file__).parent


def page_of(report: Report) -> str:
    """Write the whole page; what comes from data is escaped, and a policy forbids all scripts but the page's own."""
    style, script = (Markup((HERE / name).read_text("utf-8")) for name in ("page.css", "page.js"))  # noqa: S704
    sections = report.sections()
    inline, packed = _split(sections)
    body = [
        tag("a", "Skip to what was found", href="#main", class_="skip"),
        _header(report),
        tag("main", *_main(report, sections, inline), id="main"),
        _footer(),
        pack("packed", packed) if packed else None,
    ]
    return whole_page(f"{TITLES[report.kind]}: {report.headline}", style, script, body)


def whole_page(title: str, style: Markup, script: Markup, body: Content) -> str:
    """Write a page that loads nothing from anywhere, its script at the end."""
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy_of(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("title", title),
        tag("style", style),
    ]
    page = tag("html", tag("head", *head), tag("body", body, tag("script", script)), lang="en")
    return bytes_free(f"<!DOCTYPE html>\n{page}\n")


def _policy_of(style: str, script: str) -> str:
    """Allow this style and this script and nothing else: no requests, no handlers, no forms, no frames."""
    return (
        f"default-src 'none'; script-src 'sha256-{_hash(script)}'; style-src 'sha256-{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _split(sections: Sequence[Section]) -> tuple[set[str], dict[str, str]]:
    """Choose which items are written as they are: the worst first, while there is room."""
    items = sorted(
        (item for section in sections for item in section.items), key=lambda item: SEVERITIES.index(item.severity)
    )
    room, inline, packed = MOST_INLINE, set(), {}
    for item in items:
        room -= len(item.body)
        if room >= 0:
            inline.add(item.anchor)
        else:
            packed[item.anchor] = str(item.body)
    return inline, packed


def pack(identity: str, parts: Mapping[str, Any]) -> Markup:
    """Compress what the page's script unpacks; its text is base64, in which nothing can end the element around it."""
    content = json.dumps(parts, separators=(",", ":")).encode("ascii")
    text = base64.b64encode(zlib.compress(content, 6)).decode("ascii")
    return tag("script", text, type="text/plain", id=identity)


# --- the first screen ---


def _state(report: Report) -> str:
    if report.findings:
        return min((finding.severity for finding in report.findings), key=SEVERITIES.index)
    return "medium" if report.concern else "ok" if report.judged else "none"


def _header(report: Report) -> Markup:
    about = [tag("span", f"{key}: ", tag("b", told)) for key, told in report.about.items()]
    state = _state(report)
    sign = {"none": "i"}.get(state) or MARKS[state]  # type: ignore[index]
    return tag(
        "header",
        tag("p", TITLES[report.kind], class_="kind"),
        tag("div", tag("span", sign, class_="sign", aria_hidden="true"), tag("h1", report.headline), class_="verdict"),
        tag("p", *_how_bad(report)),
        tag("p", *about, class_="about") if about else None,
        class_=f"top {state}",
    )


def _how_bad(report: Report) -> Iterator[Markup]:
    if report.findings:
        for severity in SEVERITIES:
            found = sum(finding.severity == severity for finding in report.findings)
            if found:
                yield tag("span", mark(severity), f" {found:,} ", class_="count")
    elif report.concern:
        yield joined([report.concern])
    elif report.judged:
        yield joined(["All that the baseline asks for holds."])
    else:
        yield joined(["Nothing was judged."])


def _main(report: Report, sections: Sequence[Section], inline: set[str]) -> Iterator[Markup]:
    yield tag(
        "dl",
        *(
            tag("div", tag("dt", fact.label), tag("dd", fact.value, tag("small", fact.hint) if fact.hint else None))
            for fact in report.facts
        ),
        class_="tiles",
    )
    rows = max(len(report.findings), sum(len(section.items) for section in sections))
    if rows >= FEW_ROWS:
        yield _filters(report)
    if report.findings:
        yield _section(Section("violations", "What is wrong", _violations(report.ordered)), inline)
    if report.notes:
        notes = tag("ul", *(tag("li", clipped(note, 2000)) for note in report.notes))
        yield _section(Section("notes", "Worth knowing", notes), inline)
    for section in sections:
        yield _section(section, inline)


def _filters(report: Report) -> Markup:
    found = {finding.severity for finding in report.findings}
    shown: list[Severity] = [each for each in SEVERITIES if each in found] + (["ok"] if found else [])
    return filter_form({each: mark(each) for each in shown}, "severity", "all tables")


def _violations(findings: Sequence[Finding]) -> Markup:
    shown = findings[:MOST_LISTED]
    rows = [(each.severity, "", _violation(each, brief=at >= MOST_TOLD)) for at, each in enumerate(shown)]
    table = data_table("violations-table", "What is wrong", ["Severity", "Where", "What", "Check"], rows)
    rest = len(findings) - len(shown)
    return joined([table, tag("p", f"... and {rest:,} more in constraint_violations.json.") if rest else None])


def _violation(finding: Finding, *, brief: bool) -> list[Cell]:
    said = [tag("div", finding.says)]
    if finding.examples and not brief:
        examples = joined(joined([" ", value(each, 40)]) for each in finding.examples[:3])
        said.append(tag("div", "for example", examples, class_="quiet"))
    if finding.description.strip() != finding.says and not brief:
        said.append(tag("div", f"{finding.check}: {finding.description}", class_="original"))
    return [
        badge(finding.severity),
        cell(jump(finding.subject, finding.anchor)),
        cell(joined(said)),
        cell(tag("span", check_of(finding.check), class_="check")),
    ]


def _section(section: Section, inline: set[str]) -> Markup:
    packed = sum(item.anchor not in inline for item in section.items)
    return tag(
        "section",
        tag("h2", section.title),
        tag("p", section.explanation, class_="quiet") if section.explanation else None,
        tag("noscript", tag("p", f"{counted(packed, 'part')} of this section need JavaScript to open."))
        if packed
        else None,
        tag("button", "Open all", type="button", class_="all", hidden=True, aria_controls=section.anchor)
        if len(section.items) > 1
        else None,
        section.content,
        *(details(item, packed=item.anchor not in inline) for item in section.items),
        id=section.anchor,
    )


def _footer() -> Markup:
    words = ", ".join(f"{WORDS[each]} {MARKS[each]}" for each in SEVERITIES)
    return tag(
        "footer",
        tag("p", f"Severity, worst first: {words}. Made of the JSON files beside it; it loads nothing from elsewhere."),
    )
