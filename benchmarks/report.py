"""Comparisons as a table: on the terminal, in benchmarks/results.md and between two marks of docs/benchmarks.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cases import CASES, Comparison

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.md"
DOCUMENT = HERE.parent / "docs" / "benchmarks.md"
START, END = "<!-- results: start, written by `make benchmark` -->", "<!-- results: end -->"
HEADER = ("case", "what", "rows", "ours", "against", "theirs", "ratio", "at most", "met", "our memory", "their memory")


def as_table(comparisons: Iterable[Comparison]) -> str:
    """Lay the comparisons out as a Markdown table that also reads well on a terminal; notes follow below it."""
    comparisons = list(comparisons)
    cells = [HEADER, *(_cells(each) for each in comparisons)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADER))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {each.case}, {each.subject}, against {each.peer}: {each.note}" for each in comparisons if each.note]
    return "\n".join(lines + ([""] if notes else []) + notes) + "\n"


def _cells(line: Comparison) -> tuple[str, ...]:
    ratio, limit = line.ratio, line.limit
    return (
        line.case,
        line.subject,
        f"{line.rows:,}",
        _figure(line.ours, line.unit),
        line.peer,
        _figure(line.theirs, line.unit),
        "-" if ratio is None else f"{ratio:.2f}",
        "-" if limit is None else f"{limit:.1f}",
        "-" if ratio is None or limit is None else "yes" if ratio <= limit else "NO",
        _megabytes(line.our_memory),
        _megabytes(line.their_memory),
    )


def _figure(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:,.{0 if unit == 'MB' else 2}f} {unit}"


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:,.0f} MB"


def publish(comparisons: Sequence[Comparison], cores: int, kept: Path) -> str:
    """Write the table with this run's cases and the last ones of all others, which `kept` (JSON) remembers."""
    known: dict[str, list[dict[str, Any]]] = json.loads(kept.read_text()) if kept.exists() else {}
    for case in {each.case for each in comparisons}:
        known[case] = [each.as_dict() for each in comparisons if each.case == case]
    kept.write_text(json.dumps(known, indent=1))
    table = as_table(Comparison(**line) for case in CASES for line in known.get(case, []))
    text = f"{cores} cores; seconds are wall-clock medians; memory is the peak of all processes of a run.\n\n{table}"
    RESULTS.write_text(f"# Results\n\nWritten by `make benchmark`; docs/benchmarks.md says what is measured.\n\n{text}")
    insert(DOCUMENT, text)
    return text


def insert(document: Path, text: str) -> None:
    """Put the text between the marks of a document that has them."""
    if not document.exists():
        return
    before, start, rest = document.read_text().partition(START)
    _, end, after = rest.partition(END)
    if start and end:
        document.write_text(f"{before}{START}\n{text}{END}{after}")
