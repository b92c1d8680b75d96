from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]


def python(program: str, *arguments: str, **variables: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=TOP,
        env=os.environ | variables,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_measured_process_shows_time_memory_phases_and_versions() -> None:
    program = (
        "import sys; from benchmarks.measure import Series, run\n"
        "work = \"import time; x = bytearray(150_000_000); time.sleep(0.6); print('phase analyze took 1.25')\\n"
        "print('version tool 1.2')\"\n"
        "done = run([sys.executable, '-c', work]); one = Series((done,))\n"
        "print(done.seconds, one.peak('main'), *one.seconds('analyze'), *one.versions)"
    )
    seconds, peak, phase, *version = python(program).split()
    assert float(seconds) >= 0.6
    assert 150e6 < float(peak) < 300e6
    assert float(phase) == 1.25
    assert version == ["tool", "1.2"]


def test_failing_subject_is_reported_and_does_not_stop_the_others() -> None:
    program = (
        "import sys; from functools import partial; from benchmarks.measure import interleaved, run\n"
        "runs = interleaved({'bad': partial(run, [sys.executable, '-c', 'import nowhere']),\n"
        "                    'good': partial(run, [sys.executable, '-c', 'pass'])}, 2)\n"
        "print(len(runs['good'].runs)); print(str(runs['bad']).splitlines()[-1])"
    )
    assert python(program).splitlines() == ["2", "ModuleNotFoundError: No module named 'nowhere'"]


def test_subjects_take_turns_and_a_slow_one_is_not_run_again() -> None:
    program = (
        "from benchmarks.measure import Run, interleaved\n"
        "order = []\n"
        "def one(name, seconds): order.append(name); return Run(seconds, '', {})\n"
        "runs = interleaved({'slow': lambda: one('slow', 60.0), 'quick': lambda: one('quick', 1.0)}, 3, patience=50)\n"
        "print(*order); print(*(len(each.runs) for each in runs.values()))"
    )
    assert python(program).splitlines() == ["slow quick quick quick", "1 3"]


def test_run_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    started = tmp_path / "child"
    program = (
        "import sys; from benchmarks.measure import Unfinished, run\n"
        "script = 'echo phase start took 0.4; sleep 60 & echo $! > ' + sys.argv[1] + '; wait'\n"
        "try: run(['sh', '-c', script], limit=1)\n"
        "except Unfinished as failure: print(failure, *(round(each) for each in failure.seconds()))\n"
        "else: sys.exit(1)"
    )
    begun = time.monotonic()
    assert python(program, str(started)).strip() == "was stopped unfinished after 1 s 1"
    assert time.monotonic() - begun < 30
    state = Path(f"/proc/{started.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_peer_that_cannot_be_installed_is_skipped_with_the_reason(tmp_path: Path) -> None:
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
    program = (
        "import sys; from pathlib import Path; from benchmarks import environments, subjects\n"
        "environments.VENVS = Path(sys.argv[1])\n"
        "try: subjects.peer(subjects.Setup(Path(sys.argv[1])), 'duckdb', Path('x'))\n"
        "except environments.Skipped as failure: print(failure)"
    )
    said = python(program, str(tmp_path), PATH=str(tmp_path), PYTHON="").splitlines()[-1]
    assert said.startswith("duckdb cannot be installed: setup: ")
    assert not (tmp_path / "duckdb" / ".installed").exists()


def test_without_maven_and_jar_deequ_is_skipped_and_says_so(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from benchmarks import environments\n"
        "environments.TOP = environments.VENVS = Path(sys.argv[1])\n"
        "try: environments.environment_of('deequ-profiler')\n"
        "except environments.Skipped as failure: print(failure)"
    )
    assert "mvn, which would fetch it, is not installed" in python(program, str(tmp_path), PATH=str(tmp_path))


def test_containers_are_skipped_with_a_word_where_there_is_no_engine(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from benchmarks.cases import containers\n"
        "from benchmarks.subjects import Setup\n"
        "for line in containers(Setup(Path(sys.argv[1]), 100)): print(line.skipped, line.missed, line.note)"
    )
    lines = python(program, str(tmp_path), PATH=str(tmp_path)).splitlines()
    assert lines == ["True False skipped: docker is not installed"] * 2


def test_containers_that_each_did_the_whole_job_are_no_cluster(tmp_path: Path) -> None:
    for host in ("algo-1", "algo-2"):
        (tmp_path / host / "output").mkdir(parents=True)
        (tmp_path / host / "output" / "statistics.json").write_text("{}")
    program = (
        "import sys; from pathlib import Path; from benchmarks.cases.containers import _check_reports as check\n"
        "check(Path(sys.argv[1]), ['algo-1'])\n"
        "try: check(Path(sys.argv[1]), ['algo-1', 'algo-2'])\n"
        "except Exception as failure: print(failure)"
    )
    assert python(program, str(tmp_path)).strip().endswith("not by algo-1 alone: no cluster")


@pytest.mark.skipif(shutil.which("taskset") is None, reason="taskset is not installed")
def test_pinned_run_has_only_its_cores() -> None:
    program = (
        "import sys; from benchmarks.measure import run; from benchmarks.subjects import pinned\n"
        "print(run([*pinned(1), sys.executable, '-c', 'import os; print(len(os.sched_getaffinity(0)))']).output)"
    )
    assert python(program).strip() == "1"


def test_case_runs_alone_at_small_size_and_then_writes_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "wide", "--rows", "4000", "--repeats", "1", "--cores", "1"),
            *("--data", str(tmp_path / "data")),
        ],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "local, per value of 2,000 columns" in done.stdout
    assert "nothing was written" in done.stdout
    assert done.returncode in {0, 1}, done.stderr  # timings decide no test
