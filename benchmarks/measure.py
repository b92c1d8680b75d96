"""Run a command as its own process and learn how long it took and how much memory its processes held (Linux)."""

from __future__ import annotations

import os
import re
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


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> Run:
    """Run the command to its end; raises CommandFailed unless it exits with 0."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(command), env={**os.environ, **(environment or {})}, cwd=cwd, stdout=output, stderr=subprocess.STDOUT
        )
        watch = _Watch(process.pid)
        code = process.wait()
        seconds = time.perf_counter() - started
        peaks = watch.stop()
        output.seek(0)
        text = output.read()
    if code != 0:
        raise CommandFailed(f"{' '.join(command)} ended with {code}:\n{text[-ERROR_TAIL:]}")
    return Run(seconds, text, peaks)


def interleaved(subjects: Mapping[str, Callable[[], Run]], repeats: int) -> dict[str, Run | CommandFailed]:
    """Run all subjects in turn, `repeats` times over, so that a slow minute hits them alike; keep each one's median.

    A subject that fails is not run again; its failure stands in the median's place.
    """
    runs: dict[str, list[Run]] = {name: [] for name in subjects}
    failures: dict[str, CommandFailed] = {}
    for _ in range(repeats):
        for name in [name for name in subjects if name not in failures]:
            try:
                runs[name].append(subjects[name]())
            except CommandFailed as failure:
                failures[name] = failure
    return {name: failures[name] if name in failures else _median(runs[name]) for name in subjects}


def _median(runs: list[Run]) -> Run:
    middle = statistics.median_low(run.seconds for run in runs)
    return next(run for run in runs if run.seconds == middle)


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
