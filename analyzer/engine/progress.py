"""How far the job is: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

log = logging.getLogger(__name__)
EVERY = 5.0
WIDTH = 40
T = TypeVar("T")


class Progress:
    """Counts partitions as they are done."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._shown = time.monotonic()
        self._bar = sys.stderr.isatty() and total > 1

    def over(self, parts: Iterable[T]) -> Iterator[T]:
        """Pass parts on and count each."""
        for part in parts:
            self.reach(self._done + 1)
            yield part

    def reach(self, done: int) -> None:
        """Say that so many partitions are done."""
        if done == self._done:
            return
        self._done = done
        if self._bar:
            self._draw()
        elif time.monotonic() - self._shown >= EVERY:
            self._shown = time.monotonic()
            log.info("Analyzed %d of %d partitions (%d%%)", done, self._total, 100 * done // self._total)

    def _draw(self) -> None:
        filled = WIDTH * self._done // self._total
        end = "\n" if self._done == self._total else ""
        sys.stderr.write(f"\r\x1b[K[{'#' * filled}{'.' * (WIDTH - filled)}] {self._done}/{self._total} partitions{end}")
        sys.stderr.flush()
