"""Tables, badges and foldable parts of the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from markupsafe import Markup

from analyzer.report.findings import Item, Section, Severity
from analyzer.report.markup import Content, joined, tag
from analyzer.report.wording import clipped, figure, number

WORDS: Mapping[Severity, str] = {"high": "High", "medium": "Medium", "low": "Low", "ok": "OK"}
RANKS: Mapping[Severity, int] = {"high": 3, "medium": 2, "low": 1, "ok": 0}
MARKS: Mapping[Severity, str] = {"high": "▲", "medium": "◆", "low": "●", "ok": "✓"}
"""Shapes beside the words: colour alone tells nothing to many. The page's style has the same."""

ROW, ROW_HEAD, CELL = Markup('<tr><th scope="row">'), Markup('<th scope="row">'), Markup("<td>")
TERM, FOUND, TOLD = Markup("<div><dt>"), Markup("</dt><dd>"), Markup("</dd></div>")
"""Rows and cells need no end in HTML, and large pages have many."""


class Cell(NamedTuple):
    """What a cell shows, and what it is sorted by if that is something else."""

    content: Content
    key: float | None = None


def cell(content: Content, key: float | None = None) -> Cell:
    return Cell(content, key)


def figure_cell(found: Any) -> Cell:
    """Show a figure; where there is none the row sorts as if it were below all."""
    value = number(found)
    return Cell(figure(found), -math.inf if value is None else value)


def badge(severity: Severity, *, judged: bool = True) -> Cell:
    """Say how bad something is."""
    if not judged:
        return Cell(tag("span", "not judged", class_="quiet"), -1)
    return Cell(mark(severity), RANKS[severity])


def mark(severity: Severity) -> Markup:
    return tag("span", WORDS[severity], class_=f"badge {severity}")


def value(text: str, most: int = 80) -> Markup:
    """Show a value of the data as it is, apart from the words around it."""
    if text == "":
        return tag("em", "empty", class_="quiet")
    return tag("code", tag("bdi", clipped(text, most)))


def name_of(text: str) -> Markup:
    """Show the name of a column or the like; its direction of writing stays its own."""
    return tag("bdi", clipped(text) or "(no name)")


def jump(text: str, anchor: str | None) -> Markup:
    return tag("a", name_of(text), href=f"#{anchor}") if anchor else name_of(text)


def data_table(
    identity: str, caption: str, heads: Sequence[str], rows: Iterable[tuple[Severity, str, Sequence[Cell]]]
) -> Markup:
    """Make a table that the page's script sorts and filters.

    A row is its severity, words that it is found by beside its head's, and cells, of which the second is its head.
    """
    head = tag("tr", *(tag("th", tag("button", each, type="button"), scope="col") for each in heads))
    body = [_data_row(severity, also, cells) for severity, also, cells in rows]
    table = tag(
        "table",
        tag("caption", caption, class_="unseen"),
        tag("thead", head),
        tag("tbody", *body),
        id=identity,
        class_="data",
    )
    return scrolled(table, caption)


def scrolled(content: Markup, label: str, *, wide: bool = False) -> Markup:
    """Let what is wider than the screen be moved, by keyboard too; `wide` keeps a chart from shrinking to it."""
    class_ = "scroll wide" if wide else "scroll"
    return tag("div", content, class_=class_, role="region", aria_label=label, tabindex=0)


def filter_form(marks: Mapping[Any, Markup], by: str, of: str) -> Markup:
    """Let people choose by name and by these marks; the page's script shows it, and without one all is shown."""
    buttons = [tag("button", each, type="button", aria_pressed="true", data_filter=key) for key, each in marks.items()]
    return tag(
        "form",
        tag("label", "Find", tag("input", type="search", id="find", placeholder="name", autocomplete="off")),
        tag("div", *buttons, role="group", aria_label=f"Show by {by}") if len(buttons) > 1 else None,
        tag("output", id="shown", aria_live="polite"),
        class_="filters",
        role="search",
        aria_label=f"Filter {of}",
        hidden=True,
    )


def _data_row(severity: Severity, also: str, cells: Sequence[Cell]) -> Markup:
    opened = [
        ROW_HEAD if at == 1 else CELL if each.key is None else Markup(f'<td data-k="{_key(each.key)}">')  # noqa: S704
        for at, each in enumerate(cells)
    ]
    row = tag("tr", data_s=severity, data_n=also or None).removesuffix("</tr>")
    return joined([row, *((before, each.content) for before, each in zip(opened, cells, strict=True))])


def _key(key: float) -> str:
    """Write a number as JavaScript reads it; NaN, which has no place in any order, as what is below all."""
    if math.isfinite(key):
        return f"{key:.6g}"
    return "Infinity" if key > 0 else "-Infinity"


def small_table(heads: Sequence[str], rows: Iterable[Sequence[Any]], caption: str | None = None) -> Markup:
    """Make a plain table; the first cell heads its row."""
    body = [joined([ROW, row[0], *((CELL, each) for each in row[1:])]) for row in rows]
    title = tag("caption", caption, class_="unseen") if caption else None
    return tag("table", title, _head(tuple(heads)), tag("tbody", *body), class_="small")


@lru_cache(64)
def _head(heads: tuple[str, ...]) -> Markup:
    return tag("thead", tag("tr", *(tag("th", each, scope="col") if each else tag("td") for each in heads)))


def facts_list(pairs: Iterable[tuple[Content, Content]]) -> Markup:
    return tag("dl", *((TERM, term, FOUND, found, TOLD) for term, found in pairs), class_="facts")


def details(item: Item, *, packed: bool = False) -> Markup:
    """Make a part that opens; one that is packed gets its content from the page's script when it is opened."""
    summary = tag(
        "summary",
        mark(item.severity) if item.severity != "ok" else None,
        tag("span", name_of(item.name), class_="name"),
        tag("span", item.hint, class_="quiet"),
    )
    inside = tag("div", None if packed else item.body, class_="body")
    return tag(
        "details", summary, inside, id=item.anchor, class_="item", open=item.severity != "ok" and not packed,
        data_s=item.severity, data_packed=packed,
    )  # fmt: skip


def quirks_section(quirks: Sequence[Mapping[str, Any]]) -> Section:
    """Show the original's flaws that mattered."""
    rows = [
        [value(each["feature_name"]), each["effect"], _either(each["original"]), _either(each["corrected"])]
        for each in quirks
    ]
    return Section(
        "quirks",
        "Flaws of the original that mattered",
        small_table(["Where", "What", "As written", "Corrected"], rows, "Flaws of the original that mattered"),
        "Figures and verdicts are the original's unless ANALYZER_COMPATIBILITY is corrected.",
    )


def _either(found: Any) -> str:
    return clipped(str(found)) if isinstance(found, bool | str) and number(found) is None else figure(found)
