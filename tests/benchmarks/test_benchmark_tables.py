from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PLOTS = TOP / "benchmarks" / ".venvs" / "plots" / "bin" / "python"
COMPARISON = "from benchmarks.comparison import Comparison as C\n"
NO_PLOTS = (
    "from benchmarks import report; from benchmarks.measure import Skipped\n"
    "def none(peer): raise Skipped('matplotlib cannot be installed: no network')\n"
    "report.environment_of = none\n"
)


def python(program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=TOP, check=True, capture_output=True, text=True
    ).stdout


def table(*lines: str) -> list[list[str]]:
    """The rows of the table that has these comparisons, as cells, and below them the notes, a cell each."""
    made = python(f"{COMPARISON}from benchmarks.report import as_table\nprint(as_table([{','.join(lines)}]))")
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in made.splitlines()[2:] if row]


def test_table_says_which_limits_were_met() -> None:
    good, bad, fast, slow, absent, note = table(
        "C('csv', 'good', 4, 'peer', [1.0], [2.0], at_most=0.7)",
        "C('csv', 'bad', 4, 'peer', [3.0], [2.0], at_most=0.7)",
        "C('cores', 'fast', 4, 'peer', [3.8], [2.0], at_least=1.8)",
        "C('cores', 'slow', 4, 'peer', [3.0], [2.0], at_least=1.8)",
        "C('csv', 'absent', 4, 'peer', at_most=0.15, note='no Java')",
    )
    assert (good[6], good[8], good[9]) == ("0.50", "at most 0.7", "yes")
    assert (bad[6], bad[8], bad[9]) == ("1.50", "at most 0.7", "NO")
    assert (fast[6], fast[8], fast[9]) == ("1.90", "at least 1.8", "yes")
    assert (slow[6], slow[8], slow[9]) == ("1.50", "at least 1.8", "NO")
    assert (absent[6], absent[8], absent[9]) == ("-", "at most 0.15", "-")
    assert note == ["- csv, absent, against peer: no Java"]


def test_table_shows_medians_and_how_far_single_runs_strayed() -> None:
    (line,) = table("C('csv', 'x', 4, 'peer', [1.0, 9.0, 2.0], [4.0, 6.0, 5.0])")
    assert line[3] == "2.00 s (1.00-9.00)"
    assert line[5] == "5.00 s (4.00-6.00)"
    assert (line[6], line[7]) == ("0.40", "0.25-1.50")


def test_peer_that_was_stopped_bounds_the_ratio() -> None:
    program = (
        "from benchmarks.comparison import compare, compare_memory\n"
        "from benchmarks.measure import Run, Series, Unfinished\n"
        "ours = Series((Run(7.0, 'phase analyze took 6.0', {'all': 2_000_000}),))\n"
        "theirs = Unfinished(Run(100.0, 'phase start took 40.0', {'all': 4_000_000}))\n"
        "line = dict(rows=4, peer_name='peer', ours=ours, theirs=theirs)\n"
        "whole, phase = compare('csv', 'x', **line), compare('csv', 'x', at_most=0.15, phase='analyze', **line)\n"
        "memory = compare_memory('csv', 'x', roles=('all',), at_most=1.0, **line)\n"
        "print(whole.ratio, phase.ratio, phase.met, memory.ratio)\nprint(whole.note)"
    )
    figures, note = python(program).splitlines()
    assert figures == "0.07 0.1 True 0.5"
    assert note == "it was stopped unfinished after 100 s, so the ratio is smaller than that"


def test_table_names_the_versions_of_the_peers() -> None:
    lines = table("C('csv', 'x', 4, 'peer', [1.0], [4.0], versions=['pyspark 3.5.9', 'deequ-2.1.0-spark-3.5'])")
    assert lines[-1] == ["Versions: deequ-2.1.0-spark-3.5, pyspark 3.5.9."]


@pytest.mark.parametrize(
    ("line", "missed"),
    [
        ("C('c', 's', 4, 'p', [1.0], [2.0], at_most=0.7)", False),
        ("C('c', 's', 4, 'p', [3.0], [2.0], at_most=0.7)", True),
        ("C('c', 's', 4, 'p', [3.0], [2.0])", False),
        ("C('c', 's', 4, 'p', at_most=0.7, note='failed')", True),
        ("C('c', 's', 4, 'p', at_most=0.7, note='skipped: no docker', skipped=True)", False),
    ],
)
def test_limit_is_missed_by_what_failed_but_not_by_what_is_not_there(line: str, missed: bool) -> None:
    assert python(f"{COMPARISON}print({line}.missed)").strip() == str(missed)


def test_nanoseconds_a_row_come_from_seconds_and_rows() -> None:
    (line,) = table("C('rows', 's', 40, 'p', [4.0, 8.0], [0.1, 0.3]).per(40_000_000, 1_000_000)")
    assert (line[3], line[5], line[6]) == ("150 ns (100-200)", "200 ns (100-300)", "0.75")


def test_results_replace_only_what_is_between_the_marks(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    program = (
        "import sys, pathlib; from benchmarks import report; page = pathlib.Path(sys.argv[1])\n"
        "page.write_text(f'before\\n{report.START}\\nold\\n{report.END}\\nafter\\n')\n"
        "report.insert(page, 'new\\n'); print(page.read_text())"
    )
    lines = python(program, str(document)).splitlines()
    assert (lines[0], lines[2], lines[4]) == ("before", "new", "after")
    assert "old" not in lines


def test_published_page_has_the_marks() -> None:
    program = (
        "from benchmarks import report; t = report.DOCUMENT.read_text(); print(report.START in t, report.END in t)"
    )
    assert python(program).split() == ["True", "True"]


def test_results_are_written_without_plots_where_these_cannot_be_drawn(tmp_path: Path) -> None:
    program = (
        f"{NO_PLOTS}{COMPARISON}import sys, pathlib; folder = pathlib.Path(sys.argv[1])\n"
        "report.publish([C('csv', 'x', 4, 'peer', [1.0], [2.0])], 2, report.Published(folder, None))"
    )
    assert "No plots: matplotlib cannot be installed: no network" in python(program, str(tmp_path))
    assert "| csv  | x " in (tmp_path / "results.md").read_text()
    assert json.loads((tmp_path / "results.json").read_text())["cases"]["csv"][0]["ours"] == [1.0]


def test_results_keep_the_other_cases_of_this_machine_only(tmp_path: Path) -> None:
    program = (
        f"{NO_PLOTS}{COMPARISON}import sys, pathlib; folder = pathlib.Path(sys.argv[1])\n"
        "def publish(case, cores): report.publish([C(case, 'x', 4, 'p', [1.0], [2.0])], cores, "
        "report.Published(folder, None))\n"
        "publish('csv', 2); publish('wide', 2); first = (folder / 'results.md').read_text()\n"
        "publish('cores', 8); second = (folder / 'results.md').read_text()\n"
        "print(*(sum(f'| {c} ' in t for c in ('csv ', 'wide', 'cores')) for t in (first, second)))"
    )
    assert python(program, str(tmp_path)).splitlines()[-1] == "2 1"


@pytest.mark.skipif(not PLOTS.exists(), reason="the environment of the plots has not been made")
def test_plots_show_what_there_are_figures_for(tmp_path: Path) -> None:
    line = {"case": "small", "subject": "auto, whole process", "rows": 9, "peer": "DuckDB", "ours": [1.0, 2.0]}
    line |= {"theirs": [2.0, 3.0], "at_most": 0.7, "at_least": None, "our_memory": 10**8, "their_memory": None}
    (tmp_path / "results.json").write_text(json.dumps({"cases": {"small": [line]}}))
    (tmp_path / "growth.png").write_text("from a run before")
    subprocess.run(
        [PLOTS, TOP / "benchmarks" / "plots.py", tmp_path / "results.json", tmp_path], check=True, cwd=tmp_path
    )
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["limits.png", "profilers.png"]
    assert (tmp_path / "limits.png").read_bytes().startswith(b"\x89PNG")
