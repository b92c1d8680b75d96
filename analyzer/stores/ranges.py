"""A file far away as a stream: bytes are fetched in ranges, a few ahead of the reader where it reads in sequence."""

from __future__ import annotations

import io
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

AHEAD = 8 * 1024 * 1024
"""Bytes that are fetched at once where a reader reads in sequence: as many as a block of the readers has."""
FIRST = 64 * 1024
"""Bytes that are fetched where it is not known yet whether the reader goes on from there."""
PARTS = 4
"""Ranges that the first `AHEAD` bytes are fetched in, side by side, because somebody waits for them."""
COMING = 2
"""Ranges that are on their way while the reader is at one: a connection gives less than a core takes in."""

Fetch = Callable[[int, int], bytes]
"""Gives bytes [start, end) of a file; fewer only where the file ends before. Several threads may ask at once."""


class _Coming:
    """A range that a thread fetches for a reader who is likely to want it next."""

    def __init__(self, fetch: Fetch, start: int, end: int) -> None:
        self.start, self.end = start, end
        self._fetch = fetch
        self._promised: Future[bytes] = Future()
        # A daemon: a request that hangs must not keep a job that was stopped from ending.
        threading.Thread(target=self._run, name="range", daemon=True).start()

    def _run(self) -> None:
        try:
            self._promised.set_result(self._fetch(self.start, self.end))
        except BaseException as error:  # noqa: BLE001 (it belongs to whoever reads the range)
            self._promised.set_exception(error)

    def take(self) -> bytes:
        return self._promised.result()


class RangeStream(io.RawIOBase):
    """A stream over `fetch`, which can be sought, and whose `read(n)` gives n bytes up to the end of the file.

    `size` is asked by who seeks from the end or reads in sequence. `until` as in `Store.open_file`. Holds the range
    that is read, and those that are likely to come after it.
    """

    def __init__(self, fetch: Fetch, size: Callable[[], int], until: int | None = None) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._until = until
        self._end: int | None = None
        self._at = 0
        self._held = b""
        self._held_from = 0
        self._coming: deque[_Coming] = deque()
        self._to_come: Iterator[tuple[int, int]] = iter(())

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: lambda: 0, os.SEEK_CUR: self.tell, os.SEEK_END: self._size}[whence]()
        self._at = max(0, start + offset)
        return self._at

    def expect(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Have bytes [start, end) fetched from now on that will be read, in the order in which they will be."""
        self._set_out(_cut(ranges, chain(repeat(AHEAD // PARTS, PARTS), repeat(AHEAD))), PARTS + COMING)

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(AHEAD), b""))

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        data = self.read(len(target))
        target[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return self.readall()
        parts: list[bytes | memoryview] = []
        while size and self._hold(size):
            begin = self._at - self._held_from
            whole = begin == 0 and len(self._held) <= size  # handed on as it is: a block is large
            parts.append(self._held if whole else memoryview(self._held)[begin : begin + size])
            self._at += len(parts[-1])
            size -= len(parts[-1])
        return b"".join(parts)

    def _hold(self, wanted: int) -> bool:
        """See to it that the byte at the position is held; False at the end of the file."""
        held_to = self._held_from + len(self._held)
        if self._held_from <= self._at < held_to:
            return True
        if self._end is not None and self._at >= self._end:
            return False
        if not self._take():
            self._fetch_here(wanted, goes_on=bool(self._held) and self._at == held_to)
        return bool(self._held)

    def _take(self) -> bool:
        """Hold the range with the position where that is on its way, and send for one more."""
        if not self._coming or not self._coming[0].start <= self._at < self._coming[0].end:
            return False
        coming = self._coming.popleft()
        self._send_for_more(COMING)
        self._held, self._held_from = coming.take(), coming.start
        return self._at < coming.start + len(self._held)

    def _send_for_more(self, most: int) -> None:
        for start, end in islice(self._to_come, max(0, most - len(self._coming))):
            self._coming.append(_Coming(self._fetch, start, end))

    def _fetch_here(self, wanted: int, *, goes_on: bool) -> None:
        end = self._at + max(wanted, self._likely(AHEAD if goes_on else FIRST))
        self._held, self._held_from = self._fetch(self._at, end), self._at
        if len(self._held) < end - self._at:
            self._end = self._at + len(self._held)
        elif self._until != 0 and (goes_on or wanted >= AHEAD):
            self._end = self._size()
            last = self._end if self._until is None else min(self._until, self._end)
            self._set_out(_cut([(end, last)], repeat(AHEAD)), COMING)

    def _set_out(self, ranges: Iterator[tuple[int, int]], most: int) -> None:
        self._coming.clear()
        self._to_come = ranges
        self._send_for_more(most)

    def _likely(self, most: int) -> int:
        return most if self._until is None else min(most, self._until - self._at)


def _cut(ranges: Iterable[tuple[int, int]], sizes: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Cut ranges into what is fetched at once."""
    for start, end in ranges:
        at = start
        while at < end:
            until = min(end, at + next(sizes))
            yield at, until
            at = until
