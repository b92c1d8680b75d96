"""A stream of ranges reads as a file does, and fetches no more than it should."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.stores import ranges
from analyzer.stores.ranges import AHEAD, FIRST, RangeStream

CONTENT = bytes(i * 7 % 251 for i in range(3000))
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


@given(steps=st.lists(STEP, max_size=12), until=st.sampled_from([None, 0, 100, 2000, 5000]))
def test_it_reads_what_a_file_would_read_wherever_it_is_sought(steps, until):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "AHEAD", 700)
        patch.setattr(ranges, "FIRST", 50)
        file, stream = io.BytesIO(CONTENT), Remote(CONTENT).stream(until)
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
    assert remote.fetched == [(i * AHEAD, (i + 1) * AHEAD) for i in range(4)]


def test_a_look_at_a_few_bytes_fetches_few():
    remote = Remote(bytes(2 * AHEAD))
    stream = remote.stream()
    stream.read(10)
    stream.seek(AHEAD)
    stream.read(1)
    assert remote.fetched == [(0, FIRST), (AHEAD, AHEAD + FIRST)]


def test_nothing_is_fetched_ahead_behind_the_end_of_a_piece_or_for_who_jumps():
    remote = Remote(bytes(4 * AHEAD))
    stream = remote.stream(AHEAD + 5)
    while stream.tell() < AHEAD + 5:
        stream.read(1000)
    assert max(end for _, end in remote.fetched) < AHEAD + 5 + 1000
    remote.fetched.clear()
    jumping = remote.stream(0)
    jumping.seek(100)
    jumping.read(7)
    jumping.read(9)
    assert remote.fetched == [(100, 107), (107, 116)]
