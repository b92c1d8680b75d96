"""Memory: what this process may use, against what the job is likely to take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from analyzer.config import JobConfig
from analyzer.dataset_formats import JsonFormat
from analyzer.diagnosis import Finding
from analyzer.examinations.java import why_spark
from analyzer.stores.store import File

CHECK: Final = "memory"
LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
USED: Final = Path("/sys/fs/cgroup/memory.current")
MACHINE: Final = Path("/proc/meminfo")
MB: Final = 1_000_000
WORKER: Final = 350 * MB
"""What one worker process of the local engine takes, whatever the size of the data (docs/image.md)."""
SPARK: Final = 1000 * MB
DOCUMENT: Final = 8
"""How many times its own size a JSON document takes, which is held as a whole."""
PARTITION: Final = 64 * 1024 * 1024


def examine_memory(config: JobConfig | None, files: Sequence[File]) -> Iterator[Finding]:
    """Compare the memory that is free with an estimate of what is needed."""
    free = free_bytes()
    if free is None:
        yield Finding(CHECK, "skipped", "this system does not say how much memory is free")
        return
    if config is None:
        yield Finding(CHECK, "ok", f"{_text(free)} are free")
        return
    needed = _needed(config, files)
    if needed <= free:
        yield Finding(CHECK, "ok", f"{_text(free)} are free, about {_text(needed)} are needed")
        return
    text = f"{_text(free)} are free, but about {_text(needed)} are needed."
    yield Finding(CHECK, "warning", text, _cure(config, free))


def free_bytes() -> int | None:
    """Give the memory that is left to this process: of its container, or of the machine; None where nobody says."""
    found = [each for each in (_of_container(), _of_machine()) if each is not None]
    return min(found) if found else None


def _of_container() -> int | None:
    try:
        return int(LIMIT.read_text(encoding="ascii")) - int(USED.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no cgroup v2, or "max": no limit
        return None


def _of_machine() -> int | None:
    try:
        lines = MACHINE.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _needed(config: JobConfig, files: Sequence[File]) -> int:
    size = sum(file.size for file in files)
    workers = max(1, min(config.cores, -(-size // PARTITION)))
    needed = workers * WORKER + (SPARK if why_spark(config, size) else 0)
    if isinstance(config.dataset_format, JsonFormat) and not config.dataset_format.lines:
        needed += DOCUMENT * sum(sorted((file.size for file in files), reverse=True)[:workers])
    return needed


def _cure(config: JobConfig, free: int) -> str:
    if isinstance(config.dataset_format, JsonFormat) and not config.dataset_format.lines:
        return "A JSON document is read as a whole: write an object a line, or give the job more memory."
    fitting = max(1, (free - SPARK * config.needs_deequ) // WORKER)
    if fitting < config.cores:
        return f"Give the job more memory, or set ANALYZER_CORES to {fitting}."
    return "Give the job more memory."


def _text(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
