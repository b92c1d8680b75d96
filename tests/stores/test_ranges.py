"""A stream of ranges reads as a file does, and fetches no more than it should."""

from __future__ import annotations

import io
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.stores import ranges
from analyzer.stores.ranges import AHEAD, FIRST, PARTS, RangeStream

CONTENT = bytes(i * 7 % 251 for i in range(3000))
EXPECTED = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), max_size=4)
STEP = st.one_of(
    st.tuples(st.just("read"), st.integers(-1, 1500), st.none()),
    st.tuples(st.just("seek"), st.integers(0, 3500), st.sampled_from([os.SEEK_SET])),
    st.tuples(st.just("seek"), st.integers(-3000, 10), st.sampled_from([os.SEEK_CUR, os.SEEK_END])),
)


class Remote:
    """Bytes elsewhere, and which of them were fetched."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.fetched: list[tuple[int, int]] = []

    def fetch(self, start: int, end: int) -> bytes:
        assert start < end
        self.fetched.append((start, end))
        return self.content[start:end]

    def stream(self, until: int | None = None) -> RangeStream:
        return RangeStream(self.fetch, lambda: len(self.content), until)


@given(steps=st.lists(STEP, max_size=12), until=st.sampled_from([None, 0, 100, 2000, 5000]), expected=EXPECTED)
def test_it_reads_what_a_file_would_read_wherever_it_is_sought(steps, until, expected):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "AHEAD", 700)
        patch.setattr(ranges, "FIRST", 50)
        file, stream = io.BytesIO(CONTENT), Remote(CONTENT).stream(until)
        stream.expect(expected)
        for step, number, whence in steps:
            if step == "read":
                assert stream.read(number) == file.read(number)
            else:
                where = max(0, number if whence == os.SEEK_SET else number + (file.tell() if whence == 1 else 3000))
                assert stream.seek(number, whence) == file.seek(where)
            assert stream.tell() == file.tell()


def test_blocks_are_fetched_at_once_and_none_twice():
    remote = Remote(bytes(3 * AHEAD + 10))
    stream = remote.stream()
    while stream.read(AHEAD):
        pass
    assert sorted(remote.fetched) == [(i * AHEAD, (i + 1) * AHEAD) for i in range(3)] + [(3 * AHEAD, 3 * AHEAD + 10)]


def test_while_a_block_is_read_the_next_two_are_on_their_way():
    remote = Remote(bytes(5 * AHEAD))
    together = threading.Barrier(3)

    def fetch(start: int, end: int) -> bytes:
        if start:
            together.wait(60)
        return remote.fetch(start, end)

    stream = RangeStream(fetch, lambda: 5 * AHEAD)
    stream.read(AHEAD)
    together.wait(60)
    assert not together.broken
    stream.close()


def test_what_is_expected_begins_to_come_at_once_the_first_block_in_parts_side_by_side():
    remote, first = Remote(bytes(4 * AHEAD)), threading.Barrier(PARTS + 1)

    def fetch(start: int, end: int) -> bytes:
        if start < AHEAD:
            first.wait(60)
        return remote.fetch(start, end)

    stream = RangeStream(fetch, lambda: 4 * AHEAD, 0)
    stream.expect([(10, AHEAD - 6), (2 * AHEAD, 3 * AHEAD)])
    first.wait(60)
    stream.seek(10)
    assert stream.read(AHEAD - 16) == bytes(AHEAD - 16)
    stream.seek(2 * AHEAD + 5)
    assert stream.read(3) == bytes(3)
    found = sorted(remote.fetched)
    assert [found[0][0], found[PARTS - 1][1]] == [10, AHEAD - 6]
    assert found[PARTS:] == [(2 * AHEAD, 3 * AHEAD)]


def test_a_look_elsewhere_does_not_lose_what_is_on_its_way():
    remote = Remote(bytes(4 * AHEAD))
    stream = remote.stream(3 * AHEAD)
    stream.expect([(AHEAD, 3 * AHEAD)])
    stream.seek(3 * AHEAD - 1)
    stream.read(1)
    stream.seek(AHEAD)
    assert len(stream.read(2 * AHEAD)) == 2 * AHEAD
    assert sum(end - start for start, end in remote.fetched) < 2 * AHEAD + FIRST


def test_a_range_that_cannot_be_fetched_is_told_who_reads_it_and_nobody_else():
    remote = Remote(bytes(3 * AHEAD))

    def fetch(start: int, end: int) -> bytes:
        if start >= AHEAD:
            raise OSError("gone")
        return remote.fetch(start, end)

    stream = RangeStream(fetch, lambda: 3 * AHEAD)
    assert len(stream.read(AHEAD)) == AHEAD
    stream.seek(10)
    assert stream.read(10) == bytes(10)
    stream.seek(AHEAD)
    with pytest.raises(OSError, match="gone"):
        stream.read(10)


def test_a_look_at_a_few_bytes_fetches_few():
    remote = Remote(bytes(2 * AHEAD))
    stream = remote.stream()
    stream.read(10)
    stream.seek(AHEAD)
    stream.read(1)
    assert remote.fetched == [(0, FIRST), (AHEAD, AHEAD + FIRST)]


def test_nothing_is_fetched_ahead_behind_the_end_of_a_piece_or_for_who_jumps():
    remote = Remote(bytes(4 * AHEAD))
    stream = remote.stream(2 * AHEAD + 5)
    while stream.tell() < 2 * AHEAD + 5:
        stream.read(1000)
    assert max(end for _, end in remote.fetched) < 2 * AHEAD + 5 + 1000
    remote.fetched.clear()
    jumping = remote.stream(0)
    jumping.seek(100)
    jumping.read(7)
    jumping.read(9)
    assert remote.fetched == [(100, 107), (107, 116)]
