"""Which newlines of a CSV file end a record: those that are not inside quotes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

QUOTE = ord('"')
NEWLINE = ord("\n")
PLAIN = ord("x")
"""Stands for a quote that was a plain character."""
FIELD_ENDS = (ord(","), NEWLINE, ord("\r"))
OPENS_AFTER = np.isin(np.arange(256), (*FIELD_ENDS, QUOTE))
"""By byte: whether a quote right behind it may open a field."""


def toggles(data: bytes, *, inside: bool = False, before: int = NEWLINE) -> NDArray[np.int64]:
    """Find the quotes that open or close a quoted field.

    A quote opens a field only at its start, and opens it again right after a closing one (`""`); any other quote
    outside is a plain character. `inside` is the state in front of `data`, `before` the byte in front of it, which
    is a quote only if that closed a field.
    """
    if b'"' not in data:
        return np.empty(0, dtype=np.int64)
    array = np.frombuffer(data, dtype=np.uint8)
    return _turning(array, np.flatnonzero(array == QUOTE), inside=inside, before=before)


def _turning(array: NDArray[np.uint8], quotes: NDArray[np.int64], *, inside: bool, before: int) -> NDArray[np.int64]:
    """Drop the quotes that are plain characters; mostly there are none, which is seen at once."""
    opening = quotes[1 if inside else 0 :: 2]
    previous = np.where(opening > 0, array[opening - 1], before)
    if OPENS_AFTER[previous].all():
        return quotes
    return _one_by_one(array, quotes, inside=inside, before=before)


def _one_by_one(array: NDArray[np.uint8], quotes: NDArray[np.int64], *, inside: bool, before: int) -> NDArray[np.int64]:
    found, closed_at = [], -1 if before == QUOTE and not inside else -2
    for at in quotes.tolist():
        previous = int(array[at - 1]) if at else before
        if inside:
            closed_at = at
        elif previous not in FIELD_ENDS and closed_at != at - 1:
            continue
        inside = not inside
        found.append(at)
    return np.array(found, dtype=np.int64)


class QuoteStates:
    """What a stretch of bytes does to the quoting state, whichever it began in.

    `ends[False]` and `ends[True]` tell whether the stretch ends inside quotes if it began outside and inside: with
    that, pieces of a file that were read at the same time are checked one after the other. The byte in front of the
    stretch must not be a quote.
    """

    __slots__ = ("_before", "ends")

    def __init__(self) -> None:
        self.ends = [False, True]
        self._before = [NEWLINE, NEWLINE]

    def begin_after(self, byte: int) -> None:
        self._before = [byte, byte]

    def follow(self, data: bytes) -> None:
        if not data:
            return
        last = [data[-1]] * 2
        if b'"' in data:
            array = np.frombuffer(data, dtype=np.uint8)
            quotes = np.flatnonzero(array == QUOTE)
            for i, (inside, before) in enumerate(zip(self.ends, self._before, strict=True)):
                turns = _turning(array, quotes, inside=inside, before=before)
                self.ends[i] = (len(turns) + inside) % 2 == 1
                if data[-1] == QUOTE and (not len(turns) or turns[-1] < len(data) - 1):
                    last[i] = PLAIN
        self._before = last


def first_record_end(data: bytes, *, inside: bool = False, before: int = NEWLINE) -> int:
    """Position after the first newline outside quotes, 0 where there is none."""
    turns = toggles(data, inside=inside, before=before)
    at = data.find(b"\n")
    while at >= 0:
        passed = int(np.searchsorted(turns, at))
        if (passed + inside) % 2 == 0:
            return at + 1
        if passed == len(turns):
            return 0
        at = data.find(b"\n", int(turns[passed]))
    return 0


def last_record_end(data: bytes) -> int:
    """Position after the last newline outside quotes of data that begins with a record, 0 where there is none."""
    at = data.rfind(b"\n")
    if at < 0 or b'"' not in data:
        return at + 1
    turns = toggles(data)
    while at >= 0 and (passed := int(np.searchsorted(turns, at))) % 2:
        at = data.rfind(b"\n", 0, int(turns[passed - 1]))
    return at + 1
