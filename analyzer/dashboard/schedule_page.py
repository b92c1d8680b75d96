"""The page of a schedule: what changed together, executions over time, violations by feature, any figure's history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from analyzer.dashboard.charts import bars, day_of, line
from analyzer.dashboard.collect import DIMENSIONS, Execution, Schedule, Series, counted_by_time, subject_of
from analyzer.dashboard.frame import INDEX, SEVERITY, Links, section, top, verdict_mark, whole_page
from analyzer.dashboard.index_page import EXPLANATION, cause_cells, cause_table
from analyzer.dashboard.rank_causes import Group
from analyzer.report.findings import check_of
from analyzer.report.markup import joined, tag
from analyzer.report.tables import Cell, cell, data_table, figure_cell, name_of, scrolled
from analyzer.report.wording import NONE, counted, figure, percent, visible

MOST_VALUES = 400_000
"""Values of figures that a page carries; the history has all."""
MOST_ROWS = 300
"""Executions in the table, the last ones."""
MOST_DRAWN = 3
"""Figures that are drawn without a script."""
DIGITS = 7
TICKS = 40


def schedule_page(schedule: Schedule, groups: Sequence[Group], links: Links) -> str:
    """Write the page of a schedule; `groups` are the causes of its model."""
    last = schedule.last
    some = [group for group in groups if any(cause.schedule == schedule.name for cause in group.causes)]
    kind = [tag("a", "All models", href=INDEX), " / ", name_of(schedule.endpoint or "Batch transforms")]
    main = [
        _tiles(schedule, links),
        _causes(some),
        _over_time(schedule, links),
        _violations(schedule),
        _figures(schedule, some),
    ]
    title = f"{schedule.endpoint} {schedule.name}".strip()
    about = joined([tag("span", "Last execution ", tag("b", day_of(last.time)))])
    header = top(kind, schedule.name, schedule.verdict, about)
    return whole_page(title, header, main, packed_figures(schedule, next(_worth_drawing(schedule, some), None)))


def _tiles(schedule: Schedule, links: Links) -> Markup:
    bad = sum(each.verdict == "violations" for each in schedule.executions)
    facts: list[tuple[str, Any, Any]] = []
    for each, words in DIMENSIONS.items():
        if each in schedule.verdicts:
            verdict, count, execution = schedule.verdicts[each]
            facts.append((words, verdict_mark(verdict, count), _linked(day_of(execution.time), links.to(execution))))
    facts.append(("Executions", f"{len(schedule.executions):,}", f"since {day_of(schedule.executions[0].time)}"))
    facts.append(("With violations", f"{bad:,}", f"{percent(bad / len(schedule.executions))} of all"))
    facts.append(("Rows", figure(schedule.last.rows), "in the last execution"))
    parts = (tag("div", tag("dt", term), tag("dd", told, tag("small", hint))) for term, told, hint in facts)
    return tag("dl", *parts, class_="tiles")


def _linked(words: str, address: str | None) -> Markup:
    return tag("a", "report of ", words, href=address) if address else joined([words])


# --- what changed together --------------------------------------------------------------------------------------------


def _causes(groups: Sequence[Group]) -> Markup | None:
    if not groups:
        return None
    return section("causes", "What changed together", *(_group(each) for each in groups), explanation=EXPLANATION)


def _group(group: Group) -> Markup:
    rows = [tag("tr", tag("th", name_of(cause.feature), scope="row"), *cause_cells(cause)) for cause in group.causes]
    words, since = counted(len(group.causes), "feature"), day_of(group.since)
    others = tag("p", "At the same hour: ", ", ".join(group.others), class_="quiet") if group.others else None
    label = f"Features that went wrong at {since}"
    table = cause_table(("Feature",), joined(rows), f"{words} since {since}", label)
    return joined([tag("h3", f"{since}: {words}"), others, table])


# --- executions and violations ----------------------------------------------------------------------------------------


def _over_time(schedule: Schedule, links: Links) -> Markup:
    rows: list[tuple[Any, str, list[Cell]]] = [
        (SEVERITY[each.verdict], each.time, _execution_cells(each, links))
        for each in reversed(schedule.executions[-MOST_ROWS:])
    ]
    more = len(schedule.executions) - len(rows)
    table = data_table("executions-table", "Executions", ["Verdict", "Time", "Violations", "Rows", "Report"], rows)
    words = "Violations of each execution"
    return section(
        "executions", "Executions over time",
        tag("figure", scrolled(bars(schedule.executions), words, wide=True), tag("figcaption", words)),
        tag("details", tag("summary", "Table of executions"), table,
            tag("p", f"... and {more:,} earlier ones in the history", class_="quiet") if more else None),
    )  # fmt: skip


def _execution_cells(execution: Execution, links: Links) -> list[Cell]:
    address = links.to(execution)
    words = "report" if address else "gone" if not execution.present else NONE
    link = tag("a", words, tag("span", f" of {day_of(execution.time)}", class_="unseen"), href=address)
    return [
        cell(verdict_mark(execution.verdict, execution.violations)),
        cell(day_of(execution.time)),
        cell(f"{execution.violations:,}", execution.violations),
        figure_cell(execution.rows),
        cell(link if address else words),
    ]


def _violations(schedule: Schedule) -> Markup:
    if not schedule.violations:
        text = "None in any execution." if schedule.verdict != "not judged" else "Nothing was judged."
        return section("violations", "Violations by feature and kind", tag("p", text))
    by_subject: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for (subject, check), places in schedule.violations.items():
        by_subject[subject][check] = places
    checks = sorted({check for _, check in schedule.violations})
    size = len(schedule.executions)
    most = max(len(places) for places in schedule.violations.values())
    rows: list[tuple[Any, str, list[Cell]]] = [
        ("high", "", _matrix_cells(schedule, subject, [found.get(check, []) for check in checks], most, size))
        for subject, found in sorted(by_subject.items(), key=lambda each: -sum(map(len, each[1].values())))
    ]
    heads = ["When", "Of", "Executions", *map(check_of, checks), "Last"]
    table = data_table("violations-by-feature", "Violations by feature and kind", heads, rows)
    return section(
        "violations", "Violations by feature and kind", table,
        explanation="How many executions had the violation, and when: the first execution left, the last one right.",
    )  # fmt: skip


def _matrix_cells(schedule: Schedule, subject: str, found: Sequence[Sequence[int]], most: int, size: int) -> list[Cell]:
    every = sorted({place for places in found for place in places})
    last = schedule.executions[every[-1]].time
    counts = [
        cell(tag("span", f"{len(each):,}", class_=f"heat h{_heat(len(each), most)}"), len(each))
        if each
        else cell(NONE, 0)
        for each in found
    ]
    return [
        cell(_ticks(every, size), every[0]),
        cell(name_of(subject)),
        cell(f"{len(every):,}", len(every)),
        *counts,
        cell(day_of(last)),
    ]


def _heat(count: int, most: int) -> int:
    return 1 + min(3, 4 * count // (most + 1))


def _ticks(places: Sequence[int], size: int) -> Markup:
    """Draw when something was: as many columns as there is room for, the higher the more executions of it."""
    columns = min(TICKS, size)
    found = counted_by_time((place * columns // size for place in places), columns)
    full = counted_by_time((place * columns // size for place in range(size)), columns)
    bars = "".join(
        f"M{3 * at} 14V{14 - max(2, round(14 * count / of))}h2V14z"
        for at, (count, of) in enumerate(zip(found, full, strict=True))
        if count
    )
    base = tag("path", class_="rule", d=f"M0 13.5H{3 * columns}")
    return tag(
        "svg",
        base,
        tag("path", class_="bad", d=bars),
        width=3 * columns,
        height=14,
        class_="spark ticks",
        aria_hidden="true",
    )


# --- figures ----------------------------------------------------------------------------------------------------------


def _figures(schedule: Schedule, groups: Sequence[Group]) -> Markup:
    drawn = list(_worth_drawing(schedule, groups))[:MOST_DRAWN]
    times = [each.time for each in schedule.executions]
    charts = [
        tag("figure", line(each, times, f"{title_of(each)} over time"), tag("figcaption", title_of(each)))
        for each in drawn
    ]
    chooser = tag(
        "form",
        tag("label", "Of ", tag("select", id="of")),
        tag("label", "Figure ", tag("select", id="metric")),
        tag("output", id="reading", aria_live="polite"),
        id="chooser", class_="chooser", hidden=True,
    )  # fmt: skip
    chart = tag("figure", id="history", class_="history", hidden=True)
    return section(
        "figures", "Figures over time", tag("div", *charts, class_="grid3 few"), chooser, chart,
        tag("noscript", tag("p", "JavaScript is needed to choose another figure.")),
        explanation="The dashed line is the threshold. Arrow keys move along a chart that has the focus.",
    )  # fmt: skip


def title_of(series: Series) -> str:
    """Name a figure for people."""
    of = subject_of(series.feature, series.part, "")
    words = series.metric.replace("_", " ")
    return f"{words} of {of}" if of else words


def _worth_drawing(schedule: Schedule, groups: Sequence[Group]) -> Iterator[Series]:
    """Give what is wrong first, then the quality of the model, then what has a threshold."""
    features = [cause.feature for group in groups for cause in group.causes if cause.schedule == schedule.name]
    by_rank = {feature: at for at, feature in reversed(list(enumerate(features)))}
    judged = [series for series in schedule.series if series.threshold_known and len(series.points) > 1]
    causes = [series for series in judged if series.feature in by_rank and series.dimension == "data_quality"]
    yield from sorted(causes, key=lambda each: (by_rank[each.feature], each.metric != "drift"))
    yield from (each for each in judged if each not in causes)
    yield from (each for each in schedule.series if each.dimension == "model_quality" and not each.threshold_known)


def packed_figures(schedule: Schedule, shown: Series | None) -> dict[str, Any]:
    """Give all figures to the page's script, of as many of the last executions as there is room for.

    `shown` is the one that is drawn first.
    """
    total = sum(len(series.points) for series in schedule.series)
    size = len(schedule.executions)
    first = 0 if total <= MOST_VALUES else max(0, size - max(1, size * MOST_VALUES // total))
    return {
        "times": [day_of(each.time) for each in schedule.executions[first:]],
        "left_out": first,
        "start": next((at for at, series in enumerate(schedule.series) if series is shown), 0),
        "series": [_packed(series, first, size) for series in schedule.series],
    }


def _packed(series: Series, first: int, size: int) -> dict[str, Any]:
    points = [point for point in series.points if point.at >= first]
    found: dict[str, Any] = {
        "of": visible(subject_of(series.feature, series.part, "") or DIMENSIONS[series.dimension]),
        "metric": visible(series.metric.replace("_", " ")),
        "worse": series.worse,
        "v": [_short(point.value) for point in points],
    }
    if len(points) != size - first:
        found["i"] = [point.at - first for point in points]
    if any(point.threshold is not None for point in points):
        found["t"] = [_short(point.threshold) for point in points]
    if any(point.low is not None and point.high is not None for point in points):
        found |= {"l": [_short(point.low) for point in points], "h": [_short(point.high) for point in points]}
    return found


def _short(value: float | None) -> float | str | None:
    """Write a figure with the digits that a chart can tell; JSON knows no infinities."""
    if value is None:
        return None
    if abs(value) == float("inf"):
        return "Infinity" if value > 0 else "-Infinity"
    return float(f"{value:.{DIGITS}g}")
