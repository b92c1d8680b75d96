"""Figures, shares and foreign text as people read them."""

from __future__ import annotations

import math
import re
from typing import Any

NONE = "\u2013"
"""A dash where there is no figure."""
MINUS = "\u2212"
MOST_SHOWN = 120
"""Characters of a value or name that are shown."""
HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
"""Characters that cannot be seen, that turn the direction of what stands beside them, or that XML does not have."""
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def visible(text: str) -> str:
    """Show what cannot be seen or would play with its surroundings: controls, marks of direction, lone surrogates."""
    return HIDDEN.sub(_picture, text) if HIDDEN.search(text) else text


def _picture(match: re.Match[str]) -> str:
    return SHORT.get(match.group()) or f"⟨U+{ord(match.group()):04X}⟩"


def clipped(text: str, most: int = MOST_SHOWN) -> str:
    """Cut a long text, and say by an ellipsis that it was cut."""
    return text if len(text) <= most else text[: most - 1] + "…"


def number(found: Any) -> float | None:
    """Read a figure of a document, where what is no number is written as a text; None where there is none."""
    if isinstance(found, str):
        return SPECIAL.get(found)
    return None if found is None or isinstance(found, bool) else float(found)


def figure(found: Any) -> str:
    """Write a figure with four digits that count, whole numbers whole and in groups of three."""
    value = number(found)
    if value is None:
        return NONE
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else f"{MINUS}∞"
    if value == int(value) and abs(value) < 1e15:
        return _signed(f"{int(value):,}")
    if 1e-4 <= abs(value) < 1e6:
        digits = max(0, 3 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{digits}f}"
        return _signed(text.rstrip("0").rstrip(".") if "." in text else text)
    return _signed(f"{value:.3e}")


def _signed(text: str) -> str:
    return text.replace("-", MINUS) if text.startswith("-") else text


def percent(found: Any) -> str:
    """Write a share as percent; what is not all is never rounded to all, nor something to nothing."""
    share = number(found)
    if share is None or not math.isfinite(share):
        return NONE
    value = share * 100
    for digits in (1, 2, 3, 4):
        text = f"{value:.{digits}f}"
        if (float(text) not in {0.0, 100.0}) or value in {0.0, 100.0}:
            break
    return _signed(f"{int(value)} %" if value == int(value) else f"{text} %")


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Write `1 row`, `2,000 rows`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def bytes_free(text: str) -> str:
    """Make any text encode as UTF-8: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
