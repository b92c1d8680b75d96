"""Rows as tables for terminals and notebooks; text from data is made harmless in both."""

from __future__ import annotations

import html
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

GAP: Final = "  "
NARROWEST: Final = 12
"""Characters that the last column gets at least, however narrow the terminal is."""
LONGEST_NAME: Final = 40


def text_table(head: Sequence[str], rows: Iterable[Sequence[str]], width: int = 100) -> str:
    """Lay rows out under their heads; the last column is wrapped to what is left of the width."""
    cells = [[_cut(cell) for cell in row[:-1]] + [printable(row[-1])] for row in rows]
    sizes = [max([_width(title), *(_width(row[i]) for row in cells)]) for i, title in enumerate(head[:-1])]
    left = max(NARROWEST, width - sum(sizes) - len(GAP) * len(sizes))
    lines = [_line([*head[:-1]], head[-1].upper(), sizes).upper()]
    for row in cells:
        first, *more = textwrap.wrap(row[-1], left, break_on_hyphens=False) or [""]
        lines.append(_line(row[:-1], first, sizes))
        lines += [" " * (sum(sizes) + len(GAP) * len(sizes)) + each for each in more]
    return "\n".join(line.rstrip() for line in lines)


def _line(cells: Sequence[str], last: str, sizes: Sequence[int]) -> str:
    padded = [cell + " " * (size - _width(cell)) for cell, size in zip(cells, sizes, strict=True)]
    return GAP.join([*padded, last])


def _cut(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 3] + "..."


def _width(text: str) -> int:
    """Count the columns of a terminal that a text takes: East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def printable(text: str) -> str:
    """Write what is no printable character as an escape: a name in the data must not command a terminal."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay rows out as HTML, everything escaped."""
    titles = "".join(f"<th style='text-align:left'>{html.escape(each)}</th>" for each in head)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def figure(value: object) -> str:
    """Write a figure as people read it: whole numbers in groups of three, others to four digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) or (abs(value) >= 10_000 and value.is_integer()) else f"{value:.4g}"
