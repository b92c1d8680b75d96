"""Small files far away are fetched while others are read, each once, and nobody waits for what will never come."""

from __future__ import annotations

import gzip
import threading
import time

import pytest
from s3_service import Request
from traffic import environment

from analyzer import job
from analyzer.config import read_config
from analyzer.errors import InputError
from analyzer.stores.ahead import AT_ONCE, HELD, fetched, fetched_ahead
from analyzer.write import STATISTICS_FILE

CSV = {"csv": {"header": True}}


def names(count: int) -> list[str]:
    return [f"far://{number}" for number in range(count)]


def test_each_file_is_fetched_once_and_given_once():
    asked: list[str] = []

    def fetch(path: str) -> bytes:
        asked.append(path)
        return path.encode()

    with fetched_ahead(names(3), fetch):
        read = [stream.read() if (stream := fetched(path)) else b"" for path in names(3)]
        assert {path for path, content in zip(names(3), read, strict=True) if content} <= set(asked)
        assert all(content in {b"", path.encode()} for path, content in zip(names(3), read, strict=True))
        assert fetched("far://0") is None
    assert len(asked) == len(set(asked))
    assert fetched("far://1") is None


def test_a_single_file_is_left_to_whoever_opens_it():
    with fetched_ahead(["far://0"], lambda _: pytest.fail("nothing to gain")):
        assert fetched("far://0") is None


def test_what_goes_wrong_is_raised_where_the_file_is_opened():
    begun = threading.Event()

    def fail(path: str) -> bytes:
        begun.set()
        raise OSError(path)

    with fetched_ahead(names(2), fail):
        begun.wait(10)
        with pytest.raises(OSError, match="far://"):
            [fetched(path) for path in names(2)]


def test_no_more_is_held_than_there_is_room_for_and_files_that_are_passed_over_block_nobody():
    asked: list[str] = []

    def fetch(path: str) -> bytes:
        asked.append(path)
        return b"x"

    with fetched_ahead(names(100), fetch):
        for _ in range(100):
            time.sleep(0.01)
            if len(asked) >= HELD:
                break
        assert len(asked) == HELD
        assert fetched("far://99") is None  # its turn has not come
        assert fetched("far://0") is not None


@pytest.fixture
def windows(put):
    """A window of many small files, one of them compressed."""
    for number in range(20):
        put(f"in/{number:02}.csv", f"n,s\n{number},{'ab'[number % 2]}\n")
    put("in/20.csv.gz", gzip.compress(b"n,s\n20,a\n"))
    return "s3://data/in"


def run(tmp_path, source: str) -> bytes:
    job.run(read_config(environment(tmp_path, source, CSV)))
    return (tmp_path / "output-folder" / STATISTICS_FILE).read_bytes()


def test_small_objects_are_asked_for_at_the_same_time_and_once_each(tmp_path, windows, service):
    alone = run(tmp_path / "alone", windows)
    service.forget()
    lock, at_work, most = threading.Lock(), [0], [0]

    def watch(request: Request) -> str | None:
        if request.range:
            with lock:
                at_work[0] += 1
                most[0] = max(most[0], at_work[0])
            time.sleep(0.05)
            with lock:
                at_work[0] -= 1
        return None

    service.refusal = watch
    assert run(tmp_path / "watched", windows) == alone
    assert 1 < most[0] <= AT_ONCE + 1
    asked = [request.path for request in service.gets()]
    assert len(asked) <= len(set(asked)) + 2  # the first one's header was looked at before


def test_an_object_that_cannot_be_fetched_is_the_one_that_is_named(tmp_path, windows, service):
    service.refusal = lambda request: "403 Forbidden|AccessDenied" if request.path.endswith("/07.csv") else None
    with pytest.raises(InputError, match=r"s3://data/in/07\.csv cannot be read: access is denied"):
        run(tmp_path, windows)
