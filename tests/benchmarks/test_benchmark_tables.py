from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def python(program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=TOP, check=True, capture_output=True, text=True
    ).stdout


def test_table_says_which_limits_were_met() -> None:
    program = (
        "from benchmarks.cases import Comparison as C; from benchmarks.report import as_table\n"
        "print(as_table([C('csv', 'good', 4, 'peer', 1.0, 2.0, 0.7), C('csv', 'bad', 4, 'peer', 3.0, 2.0, 0.7),\n"
        "                C('csv', 'absent', 4, 'peer', limit=0.7, note='no Java')]))"
    )
    good, bad, absent = python(program).splitlines()[2:5]
    assert [cell.strip() for cell in good.split("|")][7:10] == ["0.50", "0.7", "yes"]
    assert [cell.strip() for cell in bad.split("|")][7:10] == ["1.50", "0.7", "NO"]
    assert [cell.strip() for cell in absent.split("|")][7:10] == ["-", "0.7", "-"]
    assert "- csv, absent, against peer: no Java" in python(program)


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


def test_measured_process_shows_time_memory_and_phases() -> None:
    program = (
        "import sys; from benchmarks.measure import run\n"
        "work = \"import time; x = bytearray(150_000_000); time.sleep(0.6); print('phase analyze took 1.25')\"\n"
        "done = run([sys.executable, '-c', work]); print(done.seconds, done.peaks['main'], done.phase('analyze'))"
    )
    seconds, peak, phase = map(float, python(program).split())
    assert seconds >= 0.6
    assert 150e6 < peak < 300e6
    assert phase == 1.25


def test_failing_subject_is_reported_and_does_not_stop_the_others() -> None:
    program = (
        "import sys; from functools import partial; from benchmarks.measure import interleaved, run\n"
        "runs = interleaved({'bad': partial(run, [sys.executable, '-c', 'import nowhere']),\n"
        "                    'good': partial(run, [sys.executable, '-c', 'pass'])}, 2)\n"
        "print(type(runs['good']).__name__); print(str(runs['bad']).splitlines()[-1])"
    )
    assert python(program).splitlines() == ["Run", "ModuleNotFoundError: No module named 'nowhere'"]
