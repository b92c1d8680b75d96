"""Elements of HTML and SVG as text that is safe by construction: whatever is not markup already is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

from analyzer.report.wording import HIDDEN, visible

VOID = frozenset({"br", "circle", "hr", "input", "line", "meta", "path", "polyline", "rect"})
"""Elements without content."""
Content = str | int | float | Iterable["Content"] | None
"""What may stand in an element: texts are escaped, Markup is not, None is nothing."""
UNSAFE = re.compile(f"[&<>\"']|{HIDDEN.pattern}")
"""What has to be looked at closer; most texts hold none of it, and a page has a hundred thousand of them."""


def tag(name: str, /, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """Make one element; `class_` is `class`, `aria_label` is `aria-label`, None leaves an attribute out."""
    given = "".join([_attribute(key, each) for key, each in attributes.items() if each is not None])
    if name in VOID:
        return Markup(f"<{name}{given}/>")  # noqa: S704 (names are ours, the rest is escaped)
    return Markup(f"<{name}{given}>{_text(content)}</{name}>")  # noqa: S704


def joined(content: Iterable[Content]) -> Markup:
    """Put contents side by side, escaped where they are not markup."""
    return Markup(_text(content))  # noqa: S704 (each part was escaped)


def _text(content: Iterable[Content]) -> str:
    return "".join([each if type(each) is Markup else _escaped(each) for each in content])


def _escaped(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return str(escape(visible(content))) if UNSAFE.search(content) else content
    return str(content) if isinstance(content, int | float) else _text(content)


def _attribute(key: str, found: str | float | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    if isinstance(found, bool):
        return f" {name}" if found else ""
    return f' {name}="{_escaped(found)}"'
