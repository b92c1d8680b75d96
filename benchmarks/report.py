"""Comparisons as a table: on the terminal, in benchmarks/results and between two marks of docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.cases import CASES
from benchmarks.comparison import Comparison, first_line
from benchmarks.environments import environment_of
from benchmarks.measure import CommandFailed, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
DOCUMENT = HERE.parent / "docs" / "benchmarks.md"
START, END = "<!-- results: start, written by `make bench` -->", "<!-- results: end -->"
HEADER = (
    *("case", "what", "rows", "ours", "against", "theirs", "ratio", "spread", "limit", "met"),
    *("our memory", "their memory"),
)
PLOTS = {
    "profilers": "Time and memory of all profilers on the same files",
    "large": "The large table, in seconds",
    "growth": "Cost of a row, memory and cores",
    "limits": "Every ratio that has a limit, as a part of its limit",
}
"""Pictures that plots.py draws, where there is something to draw, and what they show."""


class Published(NamedTuple):
    """Where results go: a folder, and the page with the marks, if any."""

    folder: Path = RESULTS
    document: Path | None = DOCUMENT


def as_table(comparisons: Iterable[Comparison]) -> str:
    """Lay the comparisons out as a Markdown table that also reads well on a terminal; notes follow below it."""
    comparisons = list(comparisons)
    cells = [HEADER, *(_cells(each) for each in comparisons)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADER))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {each.case}, {each.subject}, against {each.peer}: {each.note}" for each in comparisons if each.note]
    versions = sorted({version for each in comparisons for version in each.versions}, key=str.lower)
    if versions:
        notes += ([""] if notes else []) + [f"Versions: {', '.join(versions)}."]
    return "\n".join(lines + ([""] if notes else []) + notes) + "\n"


def _cells(line: Comparison) -> tuple[str, ...]:
    ratio, met, spread = line.ratio, line.met, line.ratios
    return (
        line.case,
        line.subject,
        f"{line.rows:,}",
        _figure(line.ours, line.unit),
        line.peer,
        _figure(line.theirs, line.unit),
        "-" if ratio is None else f"{ratio:.2f}",
        f"{min(spread):.2f}-{max(spread):.2f}" if len(spread) > 1 else "-",
        _limit(line),
        "-" if met is None else "yes" if met else "NO",
        _megabytes(line.our_memory),
        _megabytes(line.their_memory),
    )


def _limit(line: Comparison) -> str:
    sides = (("at most", line.at_most), ("at least", line.at_least))
    return ", ".join(f"{side} {limit:g}" for side, limit in sides if limit is not None) or "-"


def _figure(values: Sequence[float], unit: str) -> str:
    """Write a median, and how far single runs strayed from it."""
    if not values:
        return "-"
    digits = 2 if unit == "s" else 0
    middle, least, most = (f"{each(values):,.{digits}f}" for each in (statistics.median, min, max))
    return f"{middle} {unit}" if least == most else f"{middle} {unit} ({least}-{most})"


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:,.0f} MB"


def publish(comparisons: Sequence[Comparison], cores: int, target: Published) -> None:
    """Write table, figures and plots with this run's cases and the last ones of all others from this machine."""
    target.folder.mkdir(parents=True, exist_ok=True)
    kept = target.folder / "results.json"
    machine = _machine(cores)
    known = _known(kept, machine)
    for case in {each.case for each in comparisons}:
        known[case] = [each.as_dict() for each in comparisons if each.case == case]
    kept.write_text(json.dumps({"machine": machine, "cases": known}, indent=1) + "\n")
    drawn = draw(kept, target.folder)
    table = as_table(Comparison(**line) for case in CASES for line in known.get(case, []))
    text = f"{machine} Times are medians of whole rounds, with the range of single runs in brackets.\n\n{table}"
    page = f"# Results\n\nWritten by `make bench`; docs/benchmarks.md says what is measured.\n\n{text}"
    (target.folder / "results.md").write_text(page + _pictures(drawn, target.folder, target.folder))
    if target.document is not None:
        insert(target.document, text + _pictures(drawn, target.folder, target.document.parent))


def _known(kept: Path, machine: str) -> dict[str, list[dict[str, Any]]]:
    """Read the cases of earlier runs; those of another machine do not go together with this one's."""
    found = json.loads(kept.read_text()) if kept.exists() else {}
    return dict(found["cases"]) if found.get("machine") == machine else {}


def _machine(cores: int) -> str:
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cores} cores ({models[0] if models else 'of an unknown model'}), {memory:.0f} GiB of memory."


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def draw(kept: Path, folder: Path) -> list[str]:
    """Have the plots drawn in their own environment and return their names; without it say so and go on."""
    try:
        run([str(environment_of("plots").python), str(HERE / "plots.py"), str(kept), str(folder)])
    except CommandFailed as failure:
        print(f"No plots: {first_line(failure)}")
        return []
    return [name for name in PLOTS if (folder / f"{name}.png").exists()]


def _pictures(names: Iterable[str], folder: Path, seen_from: Path) -> str:
    place = os.path.relpath(folder, seen_from)
    return "".join(f"\n![{PLOTS[name]}]({Path(place, name).as_posix()}.png)\n" for name in names)


def insert(document: Path, text: str) -> None:
    """Put the text between the marks of a document that has them."""
    if not document.exists():
        return
    before, start, rest = document.read_text().partition(START)
    _, end, after = rest.partition(END)
    if start and end:
        document.write_text(f"{before}{START}\n{text}{END}{after}")
