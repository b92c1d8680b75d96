"""Captures and labels -> merged records, by buckets of ids, each small enough for one memory, whatever the whole is.

Both engines use the same two functions. `scatter` reads a share of one side and puts its records into buckets, by a
hash of their ids. `match` takes one bucket: it remembers the bucket's labels and lets its captures pass by.
"""

from __future__ import annotations

import marshal
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from zlib import crc32

from analyzer.plan_merge import AN_HOUR, Share
from analyzer.readers.joined_sides import Clock, Seen, read_captures, read_labels
from analyzer.readers.pieces import far_ahead
from analyzer.stores.peers import Peers, reach_peers

HELD_BYTES = 16 * 1024 * 1024
"""Bytes of records that a task holds before it hands them on, in buckets."""
WRITTEN_BYTES = 4 * 1024 * 1024
FIRST_CAPTURE = 1 << 60
FLUSH_BITS = 24
NO_REFERENCES = 2
"""The version of marshal that remembers nothing of what it has written: no two records share anything."""
ROW_BYTES = 300
"""What a record costs in memory beside its payload, about."""
A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Joining:
    """How records are joined; the same for all tasks, and picklable."""

    buckets: int
    start: datetime | None = None
    end: datetime | None = None
    peers: Peers | None = None
    """Where the files are that this host has not."""

    def seen_from(self, own_root: Path) -> Joining:
        """Let a task on another host find below its own root what lies there."""
        return replace(self, peers=self.peers.seen_from(own_root)) if self.peers else self


class Packed(NamedTuple):
    """Records of one bucket, on their way; `order` tells in which order those of a side count."""

    bucket: int
    order: int
    records: bytes


class Merged(NamedTuple):
    """Lines of merged records that belong into one file: that of their bucket in their folder."""

    bucket: int
    folder: int
    lines: bytes


@dataclass(slots=True)
class Tally:
    """What matching has counted; tallies of buckets add up.

    `delays` counts pairs by the minutes from the inference to the label's hour, `captured` and `labelled` records by
    their hour (None: unknown).
    """

    counts: Counter[str] = field(default_factory=Counter)
    delays: Counter[int] = field(default_factory=Counter)
    captured: Counter[int | None] = field(default_factory=Counter)
    labelled: Counter[int | None] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.counts.update(other.counts)
        self.delays.update(other.delays)
        self.captured.update(other.captured)
        self.labelled.update(other.labelled)


@dataclass(slots=True)
class Joined:
    """The outcome of a join: what was met and matched, and the merged lines, bucket by bucket, to be read once."""

    captures: Seen
    labels: Seen
    tally: Tally
    lines: Iterator[Merged]


Counted = TypeVar("Counted", Seen, Tally)


def added(parts: Iterable[Counted], total: Counted) -> Counted:
    """Add up what tasks have counted, in their order."""
    for part in parts:
        total.add(part)
    return total


# --- into buckets -----------------------------------------------------------------------------------------------------


def scatter(share: Share, joining: Joining, seen: Seen) -> Iterator[Packed]:
    """Read a share and yield its records in buckets; what was met on the way is added to `seen`.

    Raises InputError for what is no record.
    """
    reach_peers(joining.peers)
    buckets: dict[int, list[tuple[Any, ...]]] = {}
    held, flushed = 0, 0
    for row, size in _rows(share, joining, seen):
        number = crc32(row[0].encode("utf-8", "surrogatepass")) % joining.buckets
        buckets.setdefault(number, []).append(row)
        held += size
        if held >= HELD_BYTES:
            yield from _packed(buckets, share, flushed)
            held, flushed = 0, flushed + 1
            buckets.clear()
    yield from _packed(buckets, share, flushed)


def _packed(buckets: dict[int, list[tuple[Any, ...]]], share: Share, flushed: int) -> Iterator[Packed]:
    for number in sorted(buckets):
        yield Packed(number, order_of(share, flushed), marshal.dumps(buckets[number], NO_REFERENCES))


def order_of(share: Share, flushed: int) -> int:
    """Put labels in front of captures, then go by task and by what it has handed on before."""
    return (0 if share.is_labels else FIRST_CAPTURE) | share.partition.index << FLUSH_BITS | flushed


def task_of(order: int) -> int:
    """Give the part of an order that is the same for all records of a task."""
    return order >> FLUSH_BITS


def _rows(share: Share, joining: Joining, seen: Seen) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Yield (id, hour, data) of labels or (id, folder, hour, time, head, tail) of captures, with their sizes."""
    clock = Clock(joining.start, joining.end)
    with far_ahead(share.partition.pieces):
        for piece in share.partition.pieces:
            origin = share.origins[piece.path]
            if share.is_labels:
                for label in read_labels(piece, seen):
                    yield (label.key, origin.hour, label.data), ROW_BYTES + len(label.data)
                continue
            for key, time, head, tail in read_captures(piece, origin.kind, clock, seen):
                hour = origin.hour if origin.hour is not None or time is None else time // AN_HOUR
                yield (key, origin.folder, hour, time, head, tail), ROW_BYTES + len(tail)


# --- bucket by bucket -------------------------------------------------------------------------------------------------


def match(bucket: int, packed: Iterable[Packed], tally: Tally) -> Iterator[Merged]:
    """Yield the merged records of one bucket; `packed` are its labels, then its captures, each in their order.

    Every capture that has a label is merged with the last one of its id. Memory holds the labels, and the ids of the
    captures.
    """
    labels: dict[str, tuple[int | None, bytes]] = {}
    conflicting: set[str] = set()
    captured: set[str] = set()
    gathered = _Gathered(bucket)
    for each in packed:
        rows = marshal.loads(each.records)  # noqa: S302 (our own bytes)
        if _is_of_labels(each):
            _remember(rows, labels, conflicting)
            tally.counts["labels"] += len(rows)
        else:
            yield from _merged(rows, labels, captured, gathered, tally)
    yield from gathered.rest()
    tally.counts["label_ids"] += len(labels)
    tally.counts["conflicting_ids"] += len(conflicting)
    tally.counts["capture_ids"] += len(captured)
    tally.counts["matched_ids"] += len(labels.keys() & captured)


def _is_of_labels(packed: Packed) -> bool:
    return packed.order < FIRST_CAPTURE


def _remember(
    rows: Iterable[tuple[str, int | None, bytes]],
    labels: dict[str, tuple[int | None, bytes]],
    conflicting: set[str],
) -> None:
    for key, hour, data in rows:
        known = labels.get(key)
        if known is not None and known[1] != data:
            conflicting.add(key)
        labels[key] = hour, data


def _merged(
    rows: Iterable[tuple[str, int, int | None, int | None, bytes, bytes]],
    labels: dict[str, tuple[int | None, bytes]],
    captured: set[str],
    gathered: _Gathered,
    tally: Tally,
) -> Iterator[Merged]:
    for key, folder, hour, time, head, tail in rows:
        captured.add(key)
        tally.captured[hour] += 1
        label = labels.get(key)
        if label is None:
            continue
        tally.labelled[hour] += 1
        collected, data = label
        if collected is not None and time is not None:
            tally.delays[(collected * AN_HOUR - time) // A_MINUTE] += 1
        yield from gathered.add(folder, b"%b%b%b\n" % (head, data, tail))


class _Gathered:
    """Lines of one folder after the other, handed on when there are many."""

    def __init__(self, bucket: int) -> None:
        self._bucket = bucket
        self._folder = -1
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, folder: int, line: bytes) -> Iterator[Merged]:
        if folder != self._folder or self._size >= WRITTEN_BYTES:
            yield from self.rest()
            self._folder = folder
        self._lines.append(line)
        self._size += len(line)

    def rest(self) -> Iterator[Merged]:
        if self._lines:
            yield Merged(self._bucket, self._folder, b"".join(self._lines))
        self._lines, self._size = [], 0
