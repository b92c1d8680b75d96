"""Lines to files in folders of hours, of which readers never see a half.

A file is written under a hidden name, which readers skip, and renamed when it is complete. Its writer holds a lock on
it; one that nobody holds is what a process left that was killed, and is completed by the next.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)
ENDING = ".jsonl"
HOUR = 3600
SEARCHED_HOURS = 48
"""How far back files of killed processes are looked for."""
ATTEMPTS = 3


@dataclass(slots=True)
class _OpenFile:
    """A file that is being written, without a buffer, so that a fork has nothing to flush.

    `size` is in bytes, `due` the time (of the monotonic clock) at which it is published at the latest.
    """

    hidden: Path
    descriptor: int
    due: float
    size: int = 0

    def write(self, lines: bytes) -> None:
        """Add whole lines, all of them or none."""
        try:
            written = 0
            while written < len(lines):
                written += os.write(self.descriptor, memoryview(lines)[written:])
        except OSError:
            os.ftruncate(self.descriptor, self.size)
            os.lseek(self.descriptor, self.size, os.SEEK_SET)
            raise
        self.size += len(lines)

    def publish(self) -> None:
        """Let readers see the file; one without lines goes away."""
        try:
            if self.size:
                os.fsync(self.descriptor)
                self.hidden.rename(_visible(self.hidden))
            else:
                self.hidden.unlink(missing_ok=True)
        finally:
            os.close(self.descriptor)


@dataclass(eq=False)
class HourFiles:
    """The files of one process below `folder`: one open file an hour, published when it is large or old enough."""

    folder: Path
    file_bytes: int
    file_seconds: float
    _open: dict[str, _OpenFile] = field(default_factory=dict)

    def write(self, time_: float, lines: bytes) -> None:
        """Add whole lines to the file of the hour in which `time_` (seconds since 1970) lies.

        Raises OSError; what was written before is published then.
        """
        hour = _hour(time_)
        file = self._open.get(hour)
        if file is None:
            file = self._open[hour] = self._create(hour)
        try:
            file.write(lines)
        except OSError:
            self._publish(hour)
            raise
        if file.size >= self.file_bytes:
            self._publish(hour)

    def publish_due(self, *, all_of_them: bool = False) -> None:
        """Publish files that are old enough; raises OSError after it has tried all."""
        now = time.monotonic()
        failures = []
        for hour in [hour for hour, file in self._open.items() if all_of_them or file.due <= now]:
            try:
                self._publish(hour)
            except OSError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def seconds_left(self) -> float | None:
        """Say in how many seconds the next file is due; None where none is open."""
        dues = [file.due for file in self._open.values()]
        return max(0.0, min(dues) - time.monotonic()) if dues else None

    def abandon(self) -> None:
        """Forget the files of the process that this one was forked from: they are that one's to complete."""
        for file in self._open.values():
            os.close(file.descriptor)
        self._open.clear()

    def recover(self) -> int:
        """Publish what killed processes left behind, without a last line that is not whole; gives the number."""
        hours = {_hour(time.time() - HOUR * back) for back in range(SEARCHED_HOURS)}
        hidden = (path for hour in sorted(hours) for path in (self.folder / hour).glob(f".*{ENDING}"))
        return sum(_recovered(path) for path in hidden)

    def _publish(self, hour: str) -> None:
        self._open.pop(hour).publish()

    def _create(self, hour: str) -> _OpenFile:
        """Open a new file; the folder may be removed by who uploads its files between the two calls."""
        folder = self.folder / hour
        now = time.time()
        milliseconds = int(now * 1000) % 1000
        name = f".{time.strftime('%M-%S', time.gmtime(now))}-{milliseconds:03}-{uuid4()}{ENDING}"
        for attempt in range(ATTEMPTS):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
                break
            except FileNotFoundError:
                if attempt == ATTEMPTS - 1:
                    raise
        lock(descriptor)
        return _OpenFile(folder / name, descriptor, time.monotonic() + self.file_seconds)


def published_files(folder: Path) -> Iterator[Path]:
    """Give the files that can be seen below a folder, the oldest hour first."""
    yield from sorted(path for path in folder.rglob(f"*{ENDING}") if not path.name.startswith("."))


def _hour(time_: float) -> str:
    return time.strftime("%Y/%m/%d/%H", time.gmtime(time_))


def _visible(hidden: Path) -> Path:
    return hidden.with_name(hidden.name[1:])


def lock(descriptor: int) -> bool:
    """Take a file for this process alone, until it is closed; False where another has it or there are no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _recovered(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if not lock(descriptor) or not path.exists():
            return False
        whole = _whole_lines(path)
        if not whole:
            path.unlink()
            return False
        os.ftruncate(descriptor, whole)
        path.rename(_visible(path))
    except OSError as error:
        level = logging.DEBUG if error.errno == errno.ENOENT else logging.WARNING
        log.log(level, "%s, left by a process that was killed, could not be completed: %s", path, error)
        return False
    finally:
        os.close(descriptor)
    log.info("%s was left by a process that was killed; it is completed now.", _visible(path))
    return True


def _whole_lines(path: Path) -> int:
    """Give the number of bytes up to the end of the last whole line."""
    return path.read_bytes().rfind(b"\n") + 1
