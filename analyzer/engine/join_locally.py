"""The join without a cluster: buckets lie in files of a scratch folder, tasks run here or in a few processes."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from analyzer.engine.local import beside
from analyzer.engine.progress import Progress
from analyzer.join import Joined, Joining, Merged, Packed, Tally, added, match, order_of, scatter, task_of
from analyzer.plan_merge import Plan, Share
from analyzer.readers.joined_sides import Seen


@dataclass(slots=True)
class Scattered:
    """What a task of the first phase leaves: which bytes of its file belong to which bucket.

    `segments` has four numbers each: bucket, order, start, end.
    """

    segments: array[int]
    seen: Seen = field(default_factory=Seen)


@dataclass(slots=True)
class Matched:
    """What a task of the second phase leaves: a file of merged lines, and (folder, length) of its parts."""

    bucket: int
    path: str
    parts: list[tuple[int, int]]
    tally: Tally


@contextmanager
def joined_locally(plan: Plan, joining: Joining, cores: int) -> Iterator[Joined]:
    """Join on this machine; the scratch folder, in the usual place for temporary files, is removed at the end.

    Raises InputError for what is no record, EngineError where a worker process dies.
    """
    with tempfile.TemporaryDirectory(prefix="analyzer-merge-", ignore_cleanup_errors=True) as scratch:
        shares = [*plan.labels, *plan.captures]
        progress = Progress(len(shares))
        with beside(partial(_scatter, joining=joining, scratch=scratch), shares, cores) as parts:
            scattered = list(progress.over(parts))
        work = list(enumerate(_by_bucket(scattered, joining.buckets)))
        with beside(partial(_match, scratch=scratch), work, cores) as done:
            matched = list(done)
        yield Joined(
            captures=added([each.seen for each in scattered[len(plan.labels) :]], Seen()),
            labels=added([each.seen for each in scattered[: len(plan.labels)]], Seen()),
            tally=added([each.tally for each in matched], Tally()),
            lines=_lines_of(matched),
        )


def _scatter(share: Share, joining: Joining, scratch: str) -> Scattered:
    found = Scattered(array("q"))
    at = 0
    with _file_of(scratch, order_of(share, 0)).open("wb") as file:
        for packed in scatter(share, joining, found.seen):
            file.write(packed.records)
            found.segments.extend((packed.bucket, packed.order, at, at + len(packed.records)))
            at += len(packed.records)
    return found


def _file_of(scratch: str, order: int) -> Path:
    """Name the file of the task whose records have this order."""
    return Path(scratch, f"scattered-{task_of(order)}")


def _by_bucket(scattered: Sequence[Scattered], buckets: int) -> list[array[int]]:
    """Give order, start and end of each bucket's segments, labels first; the driver holds 24 bytes for each."""
    found = [array("q") for _ in range(buckets)]
    for each in scattered:
        for at in range(0, len(each.segments), 4):
            found[each.segments[at]].extend(each.segments[at + 1 : at + 4])
    return found


def _match(work: tuple[int, array[int]], scratch: str) -> Matched:
    bucket, segments = work
    path = Path(scratch, f"merged-{bucket}")
    found = Matched(bucket, str(path), [], Tally())
    with path.open("wb") as file:
        for merged in match(bucket, _read(bucket, segments, scratch), found.tally):
            file.write(merged.lines)
            found.parts.append((merged.folder, len(merged.lines)))
    return found


def _read(bucket: int, segments: array[int], scratch: str) -> Iterator[Packed]:
    for at in range(0, len(segments), 3):
        order, start, end = segments[at : at + 3]
        with _file_of(scratch, order).open("rb") as file:
            file.seek(start)
            yield Packed(bucket, order, file.read(end - start))


def _lines_of(matched: Sequence[Matched]) -> Iterator[Merged]:
    for each in matched:
        with Path(each.path).open("rb") as file:
            for folder, length in each.parts:
                yield Merged(each.bucket, folder, file.read(length))
        Path(each.path).unlink()
