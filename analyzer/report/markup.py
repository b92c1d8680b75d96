"""Elements of HTML and SVG as text that is safe by construction: whatever is not markup already is escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from analyzer.report.wording import visible

VOID = frozenset({"br", "circle", "hr", "input", "line", "meta", "path", "polyline", "rect"})
"""Elements without content."""
Content = str | int | float | Iterable["Content"] | None
"""What may stand in an element: texts are escaped, Markup is not, None is nothing."""


def tag(name: str, /, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """Make one element; `class_` is `class`, `aria_label` is `aria-label`, None leaves an attribute out."""
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if name in VOID:
        return Markup(f"<{name}{given}/>")  # noqa: S704 (both parts are ours or escaped)
    return Markup(f"<{name}{given}>{joined(content)}</{name}>")  # noqa: S704


def joined(content: Iterable[Content]) -> Markup:
    """Put contents side by side, escaped where they are not markup."""
    return Markup("".join(_safe(each) for each in content))  # noqa: S704 (each part is safe)


def _safe(content: Content) -> Markup:
    if isinstance(content, Markup):
        return content
    if content is None:
        return Markup("")
    if isinstance(content, str | int | float):
        return escape(visible(str(content)))
    return joined(content)


def _attribute(key: str, value: str | float | bool) -> str:  # noqa: FBT001 (the value of an attribute)
    name = key.rstrip("_").replace("_", "-")
    if isinstance(value, bool):
        return f" {name}" if value else ""
    return f' {name}="{escape(visible(str(value)))}"'
