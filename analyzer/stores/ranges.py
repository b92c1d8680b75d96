"""A file far away as a stream: bytes are fetched in ranges, a few ahead of the reader where it reads in sequence."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

AHEAD = 8 * 1024 * 1024
"""Bytes that are fetched at once where a reader reads in sequence: as many as a block of the readers has."""
FIRST = 64 * 1024
"""Bytes that are fetched where it is not known yet whether the reader goes on from there."""

Fetch = Callable[[int, int], bytes]
"""Gives bytes [start, end) of a file; fewer only where the file ends before."""


class RangeStream(io.RawIOBase):
    """A stream over `fetch`, which can be sought, and whose `read(n)` gives n bytes up to the end of the file.

    `size` is asked only by who seeks from the end. `until` as in `Store.open_file`. Holds one range at a time.
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

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(target) and self._hold(len(target) - filled):
            begin = self._at - self._held_from
            part = memoryview(self._held)[begin : begin + len(target) - filled]
            target[filled : filled + len(part)] = part
            filled += len(part)
            self._at += len(part)
        return filled

    def _hold(self, wanted: int) -> bool:
        """See to it that the byte at the position is held; False at the end of the file."""
        held_to = self._held_from + len(self._held)
        if self._held_from <= self._at < held_to:
            return True
        if self._end is not None and self._at >= self._end:
            return False
        end = self._at + max(wanted, self._ahead(AHEAD if self._held and self._at == held_to else FIRST))
        self._held, self._held_from = self._fetch(self._at, end), self._at
        if len(self._held) < end - self._at:
            self._end = self._at + len(self._held)
        return bool(self._held)

    def _ahead(self, most: int) -> int:
        return most if self._until is None else min(most, self._until - self._at)
