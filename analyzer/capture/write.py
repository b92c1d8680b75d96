"""The thread in the background: events out of the backlog into files."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from analyzer.capture.events import Counts, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from analyzer.capture.encode import Encoder
    from analyzer.capture.hour_files import HourFiles
    from analyzer.capture.upload import Uploader

log = logging.getLogger(__name__)
GATHER_SECONDS = 0.2
"""How long the first event of a round waits for others: a round costs more than an event."""
DISK_SECONDS = 1.0
"""How long one look at the disk holds."""
LOG_SECONDS = 60.0
"""Drops are logged when they begin, and then as often as this while they go on."""
CLOSE_SECONDS = 10.0


@dataclass(eq=False)
class Writer:
    """Takes events from any thread without waiting, and writes them in a thread of its own, begun with the first.

    A fork leaves the events of the parent to the parent; the child begins anew.
    """

    encoder: Encoder
    files: HourFiles
    uploader: Uploader | None
    queue_records: int
    queue_bytes: int
    disk_limit_percent: float
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.lock = threading.Lock()
        self._queue: deque[Event] = deque()
        self._bytes = 0
        self._thread: threading.Thread | None = None
        self._arrived = threading.Event()
        self._urgent = threading.Event()
        self._flushes: list[threading.Event] = []
        self._closing = False
        self._disk_seen = -DISK_SECONDS
        self._disk_full = False
        self._reported = 0
        self._reported_at = -LOG_SECONDS

    # --- called by requests ---

    def put(self, event: Event, size: int) -> bool:
        """Take an event with so many bytes in it; False, and it is counted as dropped, where too many wait already."""
        with self.lock:
            if len(self._queue) >= self.queue_records or self._bytes + size > self.queue_bytes:
                self.counts.queue_full += 1
                taken = False
            else:
                self._queue.append(event)
                self._bytes += size
                self.counts.queued += 1
                taken = True
            crowded = 2 * len(self._queue) > self.queue_records or 2 * self._bytes > self.queue_bytes
            if self._thread is None:
                self._begin()
        if crowded and not self._urgent.is_set():
            self._urgent.set()
        if not self._arrived.is_set():
            self._arrived.set()
        return taken

    def count(self, name: str) -> None:
        """Count a request that comes to nothing."""
        with self.lock:
            setattr(self.counts, name, getattr(self.counts, name) + 1)
            is_told = name in {"too_large", "failed"}
            if is_told and self._thread is None:
                self._begin()
        if is_told:
            self._arrived.set()

    def flush(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Write and publish what was taken so far; False where that took longer than so many seconds."""
        done = threading.Event()
        until = time.monotonic() + seconds
        with self.lock:
            if self._thread is None:
                return True
            self._flushes.append(done)
        self._urgent.set()
        self._arrived.set()
        written = done.wait(seconds)
        return written and (self.uploader is None or self.uploader.drain(until - time.monotonic()))

    def close(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Flush and end the thread; an event that comes later begins a new one."""
        until = time.monotonic() + seconds
        with self.lock:
            thread, self._closing = self._thread, True
        self._urgent.set()
        self._arrived.set()
        if thread is not None:
            thread.join(seconds)
        ended = thread is None or not thread.is_alive()
        if not ended:
            log.warning("Captured records could not all be written within %g s.", seconds)
        return ended and (self.uploader is None or self.uploader.close(until - time.monotonic()))

    # --- the thread ---

    def _begin(self) -> None:
        self._closing = False
        thread = threading.Thread(target=self._run, name="analyzer-capture", daemon=True)
        _RUNNING.add(self)
        _close_with_children()
        thread.start()
        self._thread = thread

    def _run(self) -> None:
        self._guarded(self._begin_files)
        while True:
            self._arrived.wait(self.files.seconds_left())
            if not self._urgent.is_set() and not self._closing:
                self._urgent.wait(GATHER_SECONDS)
            closing = self._closing
            self._guarded(self._round)
            with self.lock:
                if closing and not self._queue and not self._flushes:
                    self._thread = None
                    _RUNNING.discard(self)
                    break
        self._guarded(lambda: self._report(last=True))

    def _begin_files(self) -> None:
        self.files.recover()
        if self.uploader is not None:
            self.uploader.begin()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Do a step; whatever happens in it must not end the thread, which would end capturing in silence."""
        try:
            step()
        except Exception:
            log.exception("Capturing met with an error, and goes on.")

    def _round(self) -> None:
        with self.lock:
            events, self._queue, self._bytes = self._queue, deque(), 0
            flushes, self._flushes = self._flushes, []
            self._arrived.clear()
            self._urgent.clear()
        try:
            if events:
                self._write(events)
            self.files.publish_due(all_of_them=bool(flushes) or self._closing)
        finally:
            if self.uploader is not None:
                self.uploader.wake()
            for flush in flushes:
                flush.set()
            self._report()

    def _write(self, events: Sequence[Event]) -> None:
        if not self._has_room():
            self._add("disk_full", len(events))
            return
        for _, same_hour in groupby(events, key=lambda event: event.time // 3600):
            found = list(same_hour)
            lines = [line for event in found if (line := self._line(event)) is not None]
            self._write_lines(found[0].time, lines)

    def _line(self, event: Event) -> bytes | None:
        try:
            return self.encoder.line(event)
        except Exception:
            self._add("failed", 1)
            log.exception("A captured record could not be written as JSON.")
            return None

    def _write_lines(self, time_: float, lines: list[bytes]) -> None:
        if not lines:
            return
        try:
            self.files.write(time_, b"".join(lines))
        except OSError as error:
            self._add("failed", len(lines))
            log.warning("%d captured records could not be written: %s", len(lines), error)
        else:
            self._add("written", len(lines))

    def _add(self, name: str, number: int) -> None:
        with self.lock:
            setattr(self.counts, name, getattr(self.counts, name) + number)

    def _has_room(self) -> bool:
        """Look at the disk, at most once a second, and say when the limit is passed in either direction."""
        now = time.monotonic()
        if now - self._disk_seen < DISK_SECONDS:
            return not self._disk_full
        self._disk_seen = now
        percent = used_percent(self.files.folder)
        was_full, self._disk_full = self._disk_full, percent > self.disk_limit_percent
        if self._disk_full and not was_full:
            log.warning(
                "Capturing stops: the disk of %s is %.1f %% full, the limit is %g %%. It goes on when there is room.",
                self.files.folder, percent, self.disk_limit_percent,
            )  # fmt: skip
        if was_full and not self._disk_full:
            log.warning("Capturing goes on: the disk is %.1f %% full.", percent)
        return not self._disk_full

    def _report(self, *, last: bool = False) -> None:
        """Log how many records were dropped, at once when it begins and then once a minute."""
        with self.lock:
            counts = self.counts
            dropped = counts.dropped
            now = time.monotonic()
            if dropped == self._reported or not (last or now - self._reported_at >= LOG_SECONDS):
                return
            self._reported, self._reported_at = dropped, now
            told = (dropped, counts.queue_full, counts.too_large, counts.disk_full, counts.failed, counts.written)
        log.warning(
            "%d records were dropped so far: %d as the queue was full, %d as a body was too large, %d as the disk was "
            "too full, %d by errors. %d were written.", *told,
        )  # fmt: skip

    # --- forks ---

    def after_fork(self) -> None:
        """Begin anew in a child: thread, lock and files are the parent's."""
        self._reset()
        self.counts = Counts()
        self.files.abandon()
        if self.uploader is not None:
            self.uploader.after_fork()


def used_percent(folder: os.PathLike[str]) -> float:
    """Give how full the disk of a folder is, which need not be there yet; space that only root may use counts not."""
    from pathlib import Path

    there = Path(folder)
    while not there.exists():
        there = there.parent
    found = shutil.disk_usage(there)
    return 100 * found.used / max(1, found.used + found.free)


_RUNNING: set[Writer] = set()
"""Writers with a thread: what an ending process has to wait for, and a forked one must not touch."""


def _close_all() -> None:
    for writer in list(_RUNNING):
        writer.close()


def _begin_anew() -> None:
    for writer in list(_RUNNING):
        writer.after_fork()
    _RUNNING.clear()


def _close_with_children() -> None:
    """See to it that children of multiprocessing, which do not run what atexit has, close their writers too."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, _close_all, exitpriority=0)


atexit.register(_close_all)
os.register_at_fork(after_in_child=_begin_anew)
