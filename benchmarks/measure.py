"""Run a command as its own process and learn how long it took and how much memory its processes held (Linux)."""

from __future__ import annotations

import math
import os
import re
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

POLL_SECONDS = 0.1
PAGE = os.sysconf("SC_PAGE_SIZE")
PHASE = re.compile(r"phase (\w+) took ([0-9.]+)")
VERSION = re.compile(r"^version (.+)$", re.MULTILINE)
ERROR_TAIL = 1_500


class CommandFailed(Exception):  # noqa: N818 (reads as a sentence where it is caught)
    """A measured command ended with something other than 0; the text is the end of what it said."""


@dataclass(frozen=True)
class Run:
    """One finished process: wall-clock seconds from start to exit, its output, and peaks of resident memory in bytes.

    `peaks` has `all` (the whole process tree at one moment), `main` (the process itself), `java` and `workers`
    (everything else), each at its own worst moment. Pages that processes share are counted in each of them.
    """

    seconds: float
    output: str
    peaks: Mapping[str, int]

    @property
    def phases(self) -> dict[str, float]:
        """Seconds of each `phase NAME took SECONDS` that the process logged."""
        return {name: float(seconds) for name, seconds in PHASE.findall(self.output)}

    def phase(self, name: str) -> float:
        if name not in self.phases:
            raise CommandFailed(f"logged no time of the phase {name!r}: {sorted(self.phases) or 'none at all'}")
        return self.phases[name]


class Unfinished(CommandFailed):
    """A measured command was stopped because it took too long: what it would have needed is more than `run` says."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"was stopped unfinished after {run.seconds:,.0f} s")
        self.run = run

    def seconds(self, phase: str = "") -> list[float]:
        """Give what the whole process took at the least, or the phase that it was in when it was stopped."""
        return [self.run.seconds - sum(self.run.phases.values()) if phase else self.run.seconds]

    def peak(self, *roles: str) -> int:
        """Give the peak of these roles until then."""
        return sum(self.run.peaks[role] for role in roles)

    @property
    def versions(self) -> list[str]:
        return VERSION.findall(self.run.output)


class Skipped(CommandFailed):
    """What was to be measured is not on this machine; the text says what is missing."""


@dataclass(frozen=True)
class Series:
    """All runs of one subject, in the order of the rounds."""

    runs: tuple[Run, ...]

    def seconds(self, phase: str = "") -> list[float]:
        """Time of each whole process, or of a phase of it; raises CommandFailed where a run logged no such phase."""
        return [run.phase(phase) if phase else run.seconds for run in self.runs]

    def peak(self, *roles: str) -> int | None:
        """Median over the runs of the peaks of these roles together; None where memory was not watched."""
        peaks = [sum(run.peaks[role] for role in roles) for run in self.runs if run.peaks]
        return statistics.median_low(peaks) if peaks else None

    @property
    def versions(self) -> list[str]:
        return VERSION.findall(self.runs[0].output)


def run(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    limit: float | None = None,
) -> Run:
    """Run the command to its end.

    Raises CommandFailed unless it exits with 0, Unfinished unless it does so within `limit` seconds.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(command),
            env={**os.environ, **(environment or {})},
            cwd=cwd,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        watch = _Watch(process.pid)
        code = _wait(process, limit)
        seconds = time.perf_counter() - started
        peaks = watch.stop()
        output.seek(0)
        text = output.read()
    if code is None:
        raise Unfinished(Run(seconds, text, peaks))
    if code != 0:
        raise CommandFailed(f"{' '.join(command)} ended with {code}:\n{text[-ERROR_TAIL:]}")
    return Run(seconds, text, peaks)


def _wait(process: subprocess.Popen[str] | subprocess.Popen[bytes], limit: float | None) -> int | None:
    """Wait for the process; where it takes too long, or this one is interrupted, end it with all that it started."""
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def interleaved(
    subjects: Mapping[str, Callable[[], Run]], repeats: int, patience: float = math.inf
) -> dict[str, Series | CommandFailed]:
    """Run all subjects in turn, `repeats` times over, so that a slow minute hits them alike.

    A subject that fails is not run again; its failure stands in the place of its runs. Neither is one whose runs took
    more than `patience` seconds together.
    """
    runs: dict[str, list[Run]] = {name: [] for name in subjects}
    failures: dict[str, CommandFailed] = {}
    for _ in range(repeats):
        for name, subject in subjects.items():
            if name in failures or sum(each.seconds for each in runs[name]) > patience:
                continue
            try:
                runs[name].append(subject())
            except CommandFailed as failure:
                failures[name] = failure
    return {name: failures.get(name) or Series(tuple(runs[name])) for name in subjects}


@dataclass
class _Watch:
    """Polls the process tree below `pid` in a thread until stopped."""

    pid: int
    _peaks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("all", "main", "java", "workers"), 0))
    _ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, int]:
        self._ended.set()
        self._thread.join()
        return self._peaks

    def _poll(self) -> None:
        while not self._ended.is_set():
            now = _resident(self.pid)
            self._peaks = {role: max(peak, now[role]) for role, peak in self._peaks.items()}
            self._ended.wait(POLL_SECONDS)


def _resident(root: int) -> dict[str, int]:
    """Sum resident bytes of the tree below `root` by role; processes that end meanwhile count nothing."""
    found = {"main": 0, "java": 0, "workers": 0}
    children: dict[int, list[tuple[int, str, int]]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (seen := _read(entry)):
            children.setdefault(seen[0], []).append((int(entry.name), *seen[1:]))
            if int(entry.name) == root:
                found["main"] = seen[2]
    waiting = [root]
    while waiting:
        for pid, name, resident in children.get(waiting.pop(), []):
            found["java" if name == "java" else "workers"] += resident
            waiting.append(pid)
    return {**found, "all": sum(found.values())}


def _read(entry: Path) -> tuple[int, str, int] | None:
    """Read one process: its parent, its name and its resident bytes (fields 4, 2 and 24 of stat)."""
    try:
        stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    name, _, rest = stat.partition("(")[2].rpartition(")")
    fields = rest.split()
    return int(fields[1]), name, int(fields[21]) * PAGE
