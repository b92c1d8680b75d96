"""Charts as inline SVG: shapes without colours, which the page's style gives them, and words for screen readers."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from analyzer.report.distributions import Histogram
from analyzer.report.markup import joined, tag
from analyzer.report.wording import figure, percent

WIDTH, HEIGHT = 480, 132
Point = tuple[float, float]


def histogram(found: Histogram, label: str) -> Markup:
    """Draw shares by bin: the current data as bars, the baseline as a line of steps."""
    top = max([*found.current, *(found.baseline or ())]) or 1.0
    at = [40 + i * (WIDTH - 40) / len(found.current) for i in range(len(found.current) + 1)]
    parts = [_grid(top), tag("path", class_="now", d=_bars(found.current, at, top))]
    if found.baseline:
        parts.append(tag("path", class_="then", d=_steps(found.baseline, at, top)))
    return _svg(WIDTH, HEIGHT + 20, label, *parts, _scale(found))


def _grid(top: float) -> Markup:
    return joined(
        [
            tag("path", class_="grid", d=f"M40 6H{WIDTH}M40 {HEIGHT / 2 + 3:g}H{WIDTH}"),
            tag("path", class_="axis", d=f"M40 {HEIGHT}H{WIDTH}"),
            _text(36, 10, percent(top), "end"),
            _text(36, HEIGHT / 2 + 7, percent(top / 2), "end"),
            _text(36, HEIGHT, "0", "end"),
        ]
    )


def _height(share: float, top: float) -> int:
    return round((HEIGHT - 6) * share / top)


def _bars(shares: Sequence[float], at: Sequence[float], top: float) -> str:
    return "".join(
        f"M{at[i] + 1:.0f} {HEIGHT}V{HEIGHT - max(1, _height(share, top))}H{at[i + 1] - 1:.0f}V{HEIGHT}z"
        for i, share in enumerate(shares)
        if share > 0
    )


def _steps(shares: Sequence[float], at: Sequence[float], top: float) -> str:
    path = "".join(f"V{HEIGHT - _height(share, top)}H{at[i + 1]:.0f}" for i, share in enumerate(shares))
    return f"M40 {HEIGHT}{path}V{HEIGHT}"


def _scale(found: Histogram) -> Markup:
    low, high = found.edges[0], found.edges[-1]
    whole = len(found.current) < 20 and (low + 0.5).is_integer()
    first, last = (low + 0.5, high - 0.5) if whole else (low, high)
    words = [("≤ " if found.open_below else "") + figure(first), ("≥ " if found.open_above else "") + figure(last)]
    if first == last:
        return _text((WIDTH + 40) / 2, HEIGHT + 16, words[0], "middle")
    middle = [] if whole else [_text((WIDTH + 40) / 2, HEIGHT + 16, figure((first + last) / 2), "middle")]
    return joined([_text(40, HEIGHT + 16, words[0], "start"), *middle, _text(WIDTH - 2, HEIGHT + 16, words[1], "end")])


def pair(current: float, baseline: float | None, top: float) -> Markup:
    """Draw two shares as bars above one another, for a cell beside their figures."""
    parts = [tag("rect", class_="now", x=0, y=1, width=round(118 * current / top) or (1 if current else 0), height=7)]
    if baseline is not None:
        width = round(118 * baseline / top) or (1 if baseline else 0)
        parts.append(tag("rect", class_="was", x=0, y=9, width=width, height=4))
    return _hidden(120, 14, *parts)


def meter(value: float, threshold: float) -> Markup:
    """Draw a distance against its threshold, which stands in the middle; what is above twice of it is cut."""
    share = min(1.0, value / (2 * threshold)) if threshold > 0 else float(value > 0)
    over = value > threshold
    bar = tag("path", class_="over" if over else "under", d=f"M0 5H{max(1, round(88 * share))}")
    return tag("svg", bar, width=88, height=10, class_="spark meter", aria_hidden="true")


def curve(points: Sequence[Point], label: str, across: str, up: str, *, diagonal: bool) -> Markup:
    """Draw a curve in the unit square; the diagonal is what chance would give."""
    return _square(label, across, up, tag("path", class_="curve", d=_path(points)), diagonal=diagonal)


def dots(points: Sequence[tuple[float, float, float]], label: str, across: str, up: str) -> Markup:
    """Draw points of the unit square (x, y, share of the rows), the larger the more rows; the diagonal is the ideal."""
    marks = [
        tag("circle", class_="dot", cx=f"{_x(x):.0f}", cy=f"{_y(y):.0f}", r=f"{3 + 9 * weight**0.5:.1f}")
        for x, y, weight in points
    ]
    line = tag("path", class_="thin", d=_path([(x, y) for x, y, _ in points]))
    return _square(label, across, up, line, *marks, diagonal=True)


def _x(value: float) -> float:
    return 34 + 206 * min(1.0, max(0.0, value))


def _y(value: float) -> float:
    return 214 - 206 * min(1.0, max(0.0, value))


def _path(points: Sequence[Point]) -> str:
    """Write a line through the points, those left out that would fall on the same dot of the screen."""
    rounded = dict.fromkeys((f"{_x(x):.1f}", f"{_y(y):.1f}") for x, y in points)
    return "M" + "L".join(f"{x} {y}" for x, y in rounded) if rounded else "M34 214"


def _square(label: str, across: str, up: str, *content: Markup, diagonal: bool) -> Markup:
    ticks = [
        joined([_text(_x(at), 228, f"{at:g}", "middle"), _text(30, _y(at) + 4, f"{at:g}", "end")]) for at in (0, 0.5, 1)
    ]
    return _svg(
        250, 250, label,
        tag("path", class_="grid", d="M34 8H240M34 111H240M137 8V214M240 8V214"),
        tag("path", class_="axis", d="M34 8V214H240"),
        tag("path", class_="ideal", d="M34 214L240 8") if diagonal else None,
        *content, *ticks,
        _text(137, 246, across, "middle"),
        tag("text", up, x=-111, y=10, transform="rotate(-90)", text_anchor="middle"),
        class_="square",
    )  # fmt: skip


def interval(value: float, bounds: tuple[float, float] | None, reference: float | None, span: Point) -> Markup:
    """Draw a figure as a dot, its interval as a line, and what it is compared with as a stroke, on a common scale."""
    low, high = span
    room = (high - low) or 1.0

    def at(x: float) -> int:
        return round(4 + 132 * min(1.0, max(0.0, (x - low) / room)))

    parts = [tag("path", class_="rule", d="M4 7H136")]
    if bounds:
        first, last = map(at, bounds)
        parts.append(tag("path", class_="whisker", d=f"M{first} 3V11M{first} 7H{last}M{last} 3V11"))
    if reference is not None:
        parts.append(tag("path", class_="limit", d=f"M{at(reference)} 0V14"))
    return _hidden(140, 14, *parts, tag("circle", class_="dot", cx=at(value), cy=7, r=3))


def signed(value: float, reference: float | None, reach: float) -> Markup:
    """Draw a signed figure as a bar from the middle, and the baseline's as a stroke."""

    def at(x: float) -> int:
        return round(70 + 66 * min(1.0, max(-1.0, x / (reach or 1.0))))

    left, right = sorted((70, at(value)))
    parts = [
        tag("path", class_="rule", d="M70 0V14"),
        tag("rect", class_="now", x=left, y=3, width=max(1, right - left), height=8),
    ]
    if reference is not None:
        parts.append(tag("path", class_="limit", d=f"M{at(reference)} 0V14"))
    return _hidden(140, 14, *parts)


def _text(x: float, y: float, words: str, anchor: str) -> Markup:
    return tag("text", words, x=f"{x:g}", y=f"{y:g}", text_anchor=anchor)


def _svg(width: int, height: int, label: str, *content: Markup | None, class_: str = "chart") -> Markup:
    return tag("svg", *content, viewBox=f"0 0 {width} {height}", class_=class_, role="img", aria_label=label)


def _hidden(width: int, height: int, *content: Markup) -> Markup:
    """Draw beside figures that say the same: screen readers pass it by."""
    return tag("svg", *content, width=width, height=height, class_="spark", aria_hidden="true")
