"""Files far away, of which a few threads fetch what is wanted: waiting for each in turn takes longest."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import IO, Generic, TypeVar

T = TypeVar("T")
Fetch = Callable[[str], T]
"""Gives what is wanted of a file; what it raises is raised where that is taken."""
AT_ONCE = 8
HELD = 16
"""Files that may be fetched and not yet taken."""

_running: list[Ahead[bytes]] = []


class Ahead(Generic[T]):
    """Threads that fetch files in the order in which they will be taken.

    A file whose turn has not come when it is to be taken is left to whoever wants it, so nobody ever waits for a thread
    that waits for room.
    """

    def __init__(self, paths: Sequence[str], fetch: Fetch[T]) -> None:
        self._fetch = fetch
        self._waiting = iter(paths)
        self._next = threading.Lock()
        self._promised: dict[str, Future[T]] = {path: Future() for path in paths}
        self._room = threading.Semaphore(HELD)
        self._ended = False

    def begin(self) -> None:
        # Daemons: a request that hangs must not keep a job that was stopped from ending.
        for _ in range(min(AT_ONCE, len(self._promised))):
            threading.Thread(target=self._run, name="ahead", daemon=True).start()

    def end(self) -> None:
        """Have the threads end, each after the file that it is at."""
        self._ended = True
        self._room.release(AT_ONCE)

    def _run(self) -> None:
        while True:
            self._room.acquire()
            with self._next:
                path = next(self._waiting, None)
            if path is None or self._ended:
                return
            promised = self._promised.get(path)
            if promised is None or not promised.set_running_or_notify_cancel():
                self._room.release()
                continue
            try:
                promised.set_result(self._fetch(path))
            except BaseException as error:  # noqa: BLE001 (it belongs to whoever takes the file)
                promised.set_exception(error)

    def take(self, path: str) -> T | None:
        """Give what was fetched of a file, once, waiting for it if need be; None where it has not been asked for."""
        promised = self._promised.pop(path, None)
        if promised is None or promised.cancel():
            return None
        try:
            return promised.result()
        finally:
            self._room.release()


def each_ahead(paths: Sequence[str], fetch: Fetch[T]) -> Iterator[T]:
    """Yield what is wanted of each file, in this order."""
    ahead = Ahead(paths, fetch)
    ahead.begin()
    try:
        for path in paths:
            found = ahead.take(path)
            yield fetch(path) if found is None else found
    finally:
        ahead.end()


@contextmanager
def fetched_ahead(paths: Sequence[str], fetch: Fetch[bytes]) -> Iterator[None]:
    """Have files fetched that will be opened inside, in this order, each as a whole and once."""
    if len(paths) < 2:
        yield
        return
    ahead = Ahead(paths, fetch)
    _running.append(ahead)
    ahead.begin()
    try:
        yield
    finally:
        _running.remove(ahead)
        ahead.end()


def fetched(path: str) -> IO[bytes] | None:
    """Open a file that has been fetched, or is just being so; None where that is still to be done."""
    for ahead in _running:
        content = ahead.take(path)
        if content is not None:
            return io.BytesIO(content)
    return None
