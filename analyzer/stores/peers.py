"""Files of the other hosts of a run: read where they are on this host, else fetched in byte ranges over HTTP.

A file is named everywhere by the path that it has on the leader; on another host the part below the leader's root lies
below that host's own. Which hosts have it is known from the beginning of the run.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from analyzer.errors import EngineError
from analyzer.stores import files
from analyzer.stores.files import check_writable, list_files, survey_files, write_files, write_stream
from analyzer.stores.ranges import RangeStream
from analyzer.stores.store import StoreError

if TYPE_CHECKING:
    from http.client import HTTPConnection

__all__ = [
    "Held", "Peers", "check_writable", "list_files", "open_file", "path_here", "reach_peers", "survey_files",
    "write_files", "write_stream",
]  # fmt: skip

TRIED_SECONDS = 30.0
"""How long a host that does not answer is asked again."""
ANSWER_SECONDS = 30.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 3.0
PARTIAL = 206
NO_USE = frozenset({401, 404, 409, 416})
"""Answers that asking again does not change: no right, not there, another size, no such range."""


@dataclass(frozen=True, slots=True)
class Held:
    """A file that not all hosts have: its size, its name on the servers of files, and the hosts that have it."""

    size: int
    name: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Peers:
    """What a task needs to know to read every file of a run; picklable.

    `root` is the leader's root, `own_root` that of the host on which the task runs, `servers` are addresses and ports
    by host, `token` is what they ask for.
    """

    root: Path
    own_root: Path
    held: Mapping[str, Held] = field(default_factory=dict)
    servers: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    token: str = field(default="", repr=False)

    def seen_from(self, own_root: Path) -> Peers:
        return replace(self, own_root=own_root)

    def path_here(self, path: str) -> str | None:
        """Give the path under which a file lies on this host, whatever its root; None: only others have it."""
        held, here = self.held.get(path), path
        if self.root != self.own_root:
            with suppress(ValueError):
                here = str(self.own_root / Path(path).relative_to(self.root))
        return here if held is None or _is_here(here, held.size) else None


def _is_here(path: str, size: int) -> bool:
    with suppress(OSError):
        return os.stat(path).st_size == size  # noqa: PTH116 (once a piece, a Path would only be thrown away)
    return False


class _Fetcher:
    """Fetches ranges of a file from the hosts that have it, over one connection for as long as that lasts."""

    def __init__(self, path: str, peers: Peers) -> None:
        self._path = path
        self._held = peers.held[path]
        self._peers = peers
        self._asked = list(self._held.hosts)
        self._connection: HTTPConnection | None = None
        self._in_turn = threading.Lock()

    def fetch(self, start: int, end: int) -> bytes:
        """Ask for a range, again and of other hosts where there are some, with longer and longer pauses.

        Raises EngineError where none of the hosts answers in time, StoreError where one has the file no more or has
        another.
        """
        with self._in_turn:
            return self._fetch(start, end)

    def _fetch(self, start: int, end: int) -> bytes:
        from http.client import HTTPException

        end = min(end, self._held.size)
        until, pause = time.monotonic() + TRIED_SECONDS, FIRST_PAUSE
        while start < end:
            try:
                return self._ask(start, end)
            except StoreError:
                raise
            except (OSError, HTTPException) as error:
                self._hang_up()
                if time.monotonic() + pause > until:
                    raise self._unreachable(error) from error
            self._asked.append(self._asked.pop(0))
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        return b""

    def _ask(self, start: int, end: int) -> bytes:
        from http.client import HTTPConnection, HTTPException
        from urllib.parse import quote

        if self._connection is None:
            self._connection = HTTPConnection(*self._peers.servers[self._asked[0]], timeout=ANSWER_SECONDS)
        headers = {"Range": f"bytes={start}-{end - 1}", "Authorization": f"Bearer {self._peers.token}"}
        self._connection.request("GET", quote("/" + self._held.name), headers=headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status in NO_USE:
            reason = f"host {self._asked[0]} refuses it, {answer.status} {answer.reason}"
            raise StoreError(reason, "Input files must not change while the job runs.")
        if answer.status != PARTIAL or len(data) != end - start:
            raise HTTPException(f"{self._asked[0]} answered {answer.status} {answer.reason} with {len(data)} bytes")
        return data

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _unreachable(self, error: Exception) -> EngineError:
        return EngineError(
            f"{self._path} is only on {' and '.join(self._held.hosts)}, "
            f"which gave no answer for {TRIED_SECONDS:.0f} s: {error}.",
            "See how that host ended, in its log; data that all hosts have (FullyReplicated) outlives the loss of one.",
        )


_peers: Peers | None = None


def reach_peers(peers: Peers | None) -> None:
    """Have files opened from now on in this process looked for on all hosts of a run."""
    global _peers  # noqa: PLW0603 (readers are told paths; who is asked for them is the process's affair)
    _peers = peers


def path_here(path: str) -> str | None:
    """Give the path under which this host has a file; None: only other hosts of the run have it."""
    return path if _peers is None else _peers.path_here(path)


def open_file(path: str, until: int | None = None) -> IO[bytes]:
    """Open a file where it is, as `Store.open_file` says: here, or on the hosts that have it."""
    here = path_here(path)
    if here is not None or _peers is None:
        return files.open_file(here or path, until)
    size = _peers.held[path].size
    return cast("IO[bytes]", RangeStream(_Fetcher(path, _peers).fetch, lambda: size, until))
