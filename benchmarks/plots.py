"""Results as pictures: `python plots.py RESULTS.json FOLDER` draws what it finds figures for.

Runs in an environment of its own, with matplotlib, and imports nothing of this project.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

OURS, THEIRS, GOOD, BAD, GREY = "#1b6ca8", "#b9c2cc", "#3a8f5c", "#c0392b", "#5f6b76"
SECOND = "#e08e2b"
WHOLE, START = "whole process", "without session start"
Line = dict[str, Any]
Cases = dict[str, list[Line]]
Measured = dict[str, tuple[list[float], int | None]]
"""By label: the values of all runs and the peak of memory."""


def profilers(cases: Cases) -> Any:
    """All profilers on the same files: seconds and memory side by side."""
    shown = [
        (case, title) for case, title in (("small", "one file"), ("profilers", "8 files")) if _measured(cases, case)
    ]
    if not shown:
        return None
    figure, axes = plt.subplots(len(shown), 2, figsize=(11, 0.6 + 3.2 * len(shown)), squeeze=False)
    for (case, title), (time_axis, memory_axis) in zip(shown, axes, strict=True):
        measured = _by_label([line for line in cases[case] if line["subject"].endswith(WHOLE)])
        rows = cases[case][0]["rows"]
        labels = sorted(measured, key=lambda label: statistics.median(measured[label][0]), reverse=True)
        _bars(time_axis, labels, {label: measured[label][0] for label in labels}, "{:,.2f} s")
        time_axis.set_title(f"{rows:,} rows of CSV in {title}: seconds, start to exit")
        memory = {label: [(measured[label][1] or 0) / 1e6] for label in labels}
        _bars(memory_axis, labels, memory, "{:,.0f} MB", names=False)
        memory_axis.set_title("peak memory of all processes, MB")
    return figure


def large(cases: Cases) -> Any:
    """The large table: the engines beside DuckDB and Deequ, with and without the start of a session."""
    shown = [case for case in ("csv", "parquet") if _measured(cases, case)]
    if not shown:
        return None
    panels = [(case, phase) for case in shown for phase in (WHOLE, START)]
    figure, axes = plt.subplots(len(shown), 2, figsize=(11, 0.6 + 2.6 * len(shown)), squeeze=False)
    for (case, phase), axis in zip(panels, axes.flat, strict=True):
        measured = _by_label([line for line in cases[case] if line["subject"].endswith(phase)])
        labels = sorted(measured, key=lambda label: statistics.median(measured[label][0]), reverse=True)
        _bars(axis, labels, {label: measured[label][0] for label in labels}, "{:,.1f} s")
        axis.set_title(f"{case}, {cases[case][0]['rows']:,} rows: seconds, {phase}")
    return figure


def growth(cases: Cases) -> Any:
    """Cost of a row and memory against rows, and speed-up against cores."""
    drawers = {"rows": _draw_rows, "memory": _draw_memory, "cores": _draw_cores}
    shown = [case for case in drawers if _measured(cases, case)]
    if not shown:
        return None
    figure, axes = plt.subplots(1, len(shown), figsize=(4.6 * len(shown), 3.6), squeeze=False)
    for case, axis in zip(shown, axes.flat, strict=True):
        drawers[case](axis, _measured(cases, case))
    return figure


def _draw_rows(axis: Any, lines: list[Line]) -> None:
    for (engine, measured), colour in zip(_by_engine(lines).items(), (OURS, SECOND), strict=False):
        once = int(measured[0]["peer"].split(" at ")[1].split(" ")[0].replace(",", ""))
        points = {once: measured[0]["theirs"]} | {line["rows"]: line["ours"] for line in measured}
        _points(axis, engine, points, colour)
    axis.set_title("analysis: nanoseconds a row (limit: 1.2 x the first)")
    axis.legend(frameon=False, loc="upper left", ncols=2)


def _draw_memory(axis: Any, lines: list[Line]) -> None:
    chosen = {"local, all processes": OURS, "Spark, driver (Python and JVM)": SECOND, "Spark, Python workers": GREY}
    for line in [line for line in lines if line["subject"] in chosen]:
        usual = int(line["peer"].split(" at ")[1].split(" ")[0].replace(",", ""))
        _points(axis, line["subject"], {usual: line["theirs"], line["rows"]: line["ours"]}, chosen[line["subject"]])
    axis.set_title("peak memory, MB")
    axis.legend(frameon=False, loc="upper left", fontsize=8)


def _points(axis: Any, label: str, points: dict[int, list[float]], colour: str) -> None:
    """A line through the medians over a logarithmic scale of rows; single runs as whiskers."""
    rows = sorted(points)
    middle = [statistics.median(points[count]) for count in rows]
    below = [value - min(points[count]) for count, value in zip(rows, middle, strict=True)]
    above = [max(points[count]) - value for count, value in zip(rows, middle, strict=True)]
    axis.errorbar(rows, middle, [below, above], label=label, color=colour, marker="o", capsize=3)
    axis.set_xscale("log")
    seen = sorted({*rows, *getattr(axis, "rows_seen", ())})
    axis.rows_seen = seen
    axis.set_xticks(seen, [_short(count) for count in seen])
    axis.set_xticks([], minor=True)
    axis.set_xlabel("rows")
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.highest = max(getattr(axis, "highest", 0), *(max(values) for values in points.values()))
    axis.set_ylim(0, 1.35 * axis.highest)  # room for the legend


def _short(count: int) -> str:
    return f"{count / 1e6:g} M" if count >= 1_000_000 else f"{count:,}"


def _draw_cores(axis: Any, lines: list[Line]) -> None:
    names = [line["subject"].replace(", 1 core,", ",").replace(", ", ",\n", 1) for line in lines]
    spreads = [[one / two for one, two in zip(line["ours"], line["theirs"], strict=False)] for line in lines]
    ratios = [statistics.median(line["ours"]) / statistics.median(line["theirs"]) for line in lines]
    places = range(len(lines))
    axis.bar(places, ratios, color=[OURS if line["at_least"] else THEIRS for line in lines], width=0.6)
    for place, ratio, spread in zip(places, ratios, spreads, strict=True):
        axis.vlines(place, min(spread), max(spread), color="black", linewidth=1)
        axis.annotate(f"{ratio:.2f} x", (place, max(ratio, *spread)), (0, 3), textcoords="offset points", ha="center")
    axis.axhline(2, color=GREY, linewidth=0.8, linestyle=":")
    axis.axhline(1.8, color=BAD, linewidth=1, linestyle="--")
    axis.set_ylim(0, max(2.4, 1.15 * max(ratios)))
    axis.set_xticks(places, names, fontsize=7.5)
    axis.set_title("faster on 2 cores than on 1 (dashed: limit)")


def limits(cases: Cases) -> Any:
    """Every ratio that has a limit, as a part of what is allowed: left of 1 is good."""
    lines = [line for case in cases.values() for line in case if line["ours"] and (line["at_most"] or line["at_least"])]
    if not lines:
        return None
    figure, axis = plt.subplots(figsize=(11, 0.9 + 0.3 * len(lines)))
    lines.reverse()
    for place, line in enumerate(lines):
        parts = [_part(line, ratio) for ratio in _ratios(line)]
        middle = _part(line, statistics.median(line["ours"]) / statistics.median(line["theirs"]))
        colour = GOOD if middle <= 1 else BAD
        axis.hlines(place, min(parts), max(parts), color=colour, linewidth=3, alpha=0.35)
        axis.plot(middle, place, "o", color=colour)
    axis.axvline(1, color=GREY, linewidth=1, linestyle="--")
    axis.set_xlim(0, max(1.3, axis.get_xlim()[1]))
    axis.set_yticks(range(len(lines)), [_limit_label(line) for line in lines], fontsize=8)
    axis.set_ylim(-0.7, len(lines) - 0.3)
    axis.grid(axis="y", color="#eeeeee")
    axis.set_axisbelow(True)
    axis.set_title("ratio as a part of its limit: left of the dashed line is good; the bar is the spread")
    return figure


def _ratios(line: Line) -> list[float]:
    return [ours / theirs for ours, theirs in zip(line["ours"], line["theirs"], strict=False)]


def _part(line: Line, ratio: float) -> float:
    return float(ratio / line["at_most"] if line["at_most"] else line["at_least"] / ratio)


def _limit_label(line: Line) -> str:
    limit = f"at most {line['at_most']:g}" if line["at_most"] else f"at least {line['at_least']:g}"
    return f"{line['case']}: {line['subject']} / {line['peer']} ({limit})"


# --- pieces ---


def _measured(cases: Cases, case: str) -> list[Line]:
    return [line for line in cases.get(case, []) if line["ours"] and line["theirs"]]


def _by_label(lines: list[Line]) -> Measured:
    """Sort the runs by who was run; ours stand in each line that they were compared in."""
    found: Measured = {}
    for line in [line for line in lines if line["ours"] and line["theirs"]]:
        engine = line["subject"].split(",")[0]
        found[f"this project, {engine}"] = (line["ours"], line["our_memory"])
        found[line["peer"]] = (line["theirs"], line["their_memory"])
    return found


def _by_engine(lines: list[Line]) -> dict[str, list[Line]]:
    return {
        engine: [line for line in lines if line["subject"].split(",")[0] == engine]
        for engine in dict.fromkeys(line["subject"].split(",")[0] for line in lines)
    }


def _bars(axis: Any, labels: list[str], values: dict[str, list[float]], text: str, *, names: bool = True) -> None:
    """Horizontal bars of medians with single runs as whiskers, ours in colour, each with its figure."""
    middle = [statistics.median(values[label]) for label in labels]
    most = max((max(each) for each in values.values()), default=1.0)
    axis.barh(range(len(labels)), middle, color=[OURS if label.startswith("this") else THEIRS for label in labels])
    for place, (label, value) in enumerate(zip(labels, middle, strict=True)):
        axis.hlines(place, min(values[label]), max(values[label]), color="black", linewidth=1)
        end = max(values[label])
        axis.annotate(text.format(value), (end, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axis.set_xlim(0, 1.22 * most)
    axis.set_yticks(range(len(labels)), labels if names else [""] * len(labels))


def _style() -> None:
    plt.rcParams.update(
        {
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.facecolor": "white",
            "savefig.dpi": 110,
            "figure.constrained_layout.use": True,
        }
    )


def main(results: str, folder: str) -> None:
    """Draw every picture that there are figures for; one without any is removed if it was there."""
    cases: Cases = json.loads(Path(results).read_text(encoding="utf-8"))["cases"]
    _style()
    for draw in (profilers, large, growth, limits):
        figure, path = draw(cases), Path(folder) / f"{draw.__name__}.png"
        if figure is None:
            path.unlink(missing_ok=True)
            continue
        figure.savefig(path, metadata={"Software": None})
        plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:])
