"""Charts of executions over time, as inline SVG without colours of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from analyzer.dashboard.collect import Execution, Point, Series
from analyzer.report.markup import joined, tag
from analyzer.report.wording import figure

CLASSES: Mapping[str, str] = {"violations": "bad", "unreadable": "odd", "ok": "good", "not judged": "dull"}
MOST_CELLS = 60
WIDE, NARROW = 1080, 360
"""Widths of charts, in the units of which texts have 11: what is drawn small must not be drawn wide."""
HEIGHT, LEFT = 150, 54
MOST_POINTS = 400
"""Points of a line that are drawn; of more only some are, worst and best of each few kept."""


def strip(executions: Sequence[Execution]) -> Markup:
    """Draw the last executions as cells: low ones were well, high ones violated, so that no colour has to be seen."""
    some = executions[-MOST_CELLS:]
    cells = [
        tag(
            "rect", class_=CLASSES[each.verdict], x=5 * at, y=0 if each.verdict == "violations" else 9, width=4,
            height=20 if each.verdict == "violations" else 11,
        )
        for at, each in enumerate(some)
    ]  # fmt: skip
    bad = sum(each.verdict == "violations" for each in some)
    label = f"Last {len(some)} executions: {bad} with violations"
    return tag("svg", *cells, viewBox=f"0 0 {5 * MOST_CELLS} 20", class_="strip", role="img", aria_label=label)


def bars(executions: Sequence[Execution]) -> Markup:
    """Draw the violations of each execution as bars; a dot on the axis is an execution without."""
    top = max((each.violations for each in executions), default=0) or 1
    step = (WIDE - LEFT - 6) / max(1, len(executions))
    parts = [_axes(0.0, float(top), [each.time for each in executions], WIDE)]
    for at, each in enumerate(executions):
        x, width = LEFT + at * step, max(1.0, step * 0.8)
        height = round((HEIGHT - 12) * each.violations / top, 1)
        kind = CLASSES[each.verdict]
        y, tall = (HEIGHT - height, height) if height else (HEIGHT - 2.5, 2.5)
        parts.append(tag("rect", class_=kind, x=f"{x:.1f}", y=f"{y:.1f}", width=f"{width:.1f}", height=f"{tall:.1f}"))
    bad = sum(each.verdict == "violations" for each in executions)
    label = f"Violations of {len(executions)} executions over time; {bad} have some, at most {top}"
    return _chart(label, parts, WIDE)


def line(series: Series, times: Sequence[str], label: str) -> Markup:
    """Draw a figure over time with its threshold as a dashed line, and what is beyond it as dots."""
    points = thinned(series)
    shown = [point.value for point in points] + [p.threshold for p in points if p.threshold is not None]
    low, high = span_of(shown)
    across = max(1, len(times) - 1)

    def place(at: int, value: float) -> tuple[float, float]:
        x = LEFT + 4 + (NARROW - LEFT - 14) * (at / across)
        shown = min(high, max(low, value))  # what is infinite lies on the edge
        return round(x, 1), round(HEIGHT - 4 - (HEIGHT - 16) * (shown - low) / (high - low), 1)

    path = "M" + "L".join("{} {}".format(*place(p.at, p.value)) for p in points)
    parts = [_axes(low, high, times, NARROW), tag("path", class_="curve", d=path)]
    if limits := [(p.at, p.threshold) for p in points if p.threshold is not None]:
        parts.append(
            tag("path", class_="threshold", d="M" + "L".join("{} {}".format(*place(*each)) for each in limits))
        )
    for point in points:
        if is_wrong(series, point.value, point.threshold):
            x, y = place(point.at, point.value)
            parts.append(tag("circle", class_="beyond", cx=x, cy=y, r=3))
    return _chart(label, parts, NARROW)


def is_wrong(series: Series, value: float, threshold: float | None) -> bool:
    """Tell whether a figure is on the wrong side of its threshold."""
    if threshold is None or series.worse is None:
        return False
    if series.worse == "away from 0":
        return abs(value) > abs(threshold)
    return value > threshold if series.worse == "higher" else value < threshold


def thinned(series: Series) -> list[Point]:
    """Keep at most so many points as can be told apart: of each few the lowest and the highest."""
    points = series.points
    if len(points) <= MOST_POINTS:
        return list(points)
    size = 2 * len(points) / MOST_POINTS
    kept = set()
    for begin in range(MOST_POINTS // 2):
        some = range(round(begin * size), max(round(begin * size) + 1, round((begin + 1) * size)))
        some = range(some.start, min(some.stop, len(points)))
        kept |= {min(some, key=lambda at: points[at].value), max(some, key=lambda at: points[at].value)}
    return [points[at] for at in sorted(kept)]


def span_of(values: Sequence[float]) -> tuple[float, float]:
    """Give the ends of a scale with some room; infinities are left out."""
    finite = [value for value in values if abs(value) < float("inf")] or [0.0]
    low, high = min(finite), max(finite)
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _axes(low: float, high: float, times: Sequence[str], width: int) -> Markup:
    parts = [tag("path", class_="grid", d=f"M{LEFT} 12H{width}M{LEFT} {(HEIGHT + 12) / 2:g}H{width}")]
    parts.append(tag("path", class_="axis", d=f"M{LEFT} {HEIGHT}H{width}"))
    for y, value in ((16, high), ((HEIGHT + 12) / 2 + 4, (low + high) / 2), (HEIGHT, low)):
        parts.append(tag("text", figure(float(f"{value:.3g}")), x=LEFT - 6, y=y, text_anchor="end"))
    if times:
        parts.append(tag("text", day_of(times[0]), x=LEFT, y=HEIGHT + 16, text_anchor="start"))
    if len(times) > 1:
        parts.append(tag("text", day_of(times[-1]), x=width - 2, y=HEIGHT + 16, text_anchor="end"))
    return joined(parts)


def day_of(time: str) -> str:
    """Write a time for people: `2026-11-23 05:00`."""
    return time[:16].replace("T", " ")


def _chart(label: str, parts: Sequence[Markup], width: int) -> Markup:
    return tag("svg", *parts, viewBox=f"0 0 {width} {HEIGHT + 22}", class_="over-time", role="img", aria_label=label)
