"""Files of the other hosts of a run: read where they are on this host, else fetched in byte ranges over HTTP.

A file is named everywhere by the path that it has on the leader; on another host the part below the leader's root lies
below that host's own. Which hosts have it is known from the beginning of the run.
"""

from __future__ import annotations

import http.client
import io
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from analyzer.errors import EngineError, InputError

TRIED_SECONDS = 30.0
"""How long a host that does not answer is asked again."""
ANSWER_SECONDS = 30.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 3.0
RANGE_BYTES = 8 * 1024 * 1024
NO_USE = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
}
"""Answers that asking again does not change."""


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

    def path_here(self, path: str) -> str:
        """Give the path on this host of a file that is named as on the leader."""
        if self.root == self.own_root:
            return path
        with suppress(ValueError):
            return str(self.own_root / Path(path).relative_to(self.root))
        return path

    def open(self, path: str) -> io.RawIOBase:
        """Open a file where it is: here, or on the hosts that have it.

        Raises OSError where it should be here and cannot be read.
        """
        here, held = self.path_here(path), self.held.get(path)
        if held is None or _is_here(here, held.size):
            return io.FileIO(here)
        return RemoteFile(path, held, {host: self.servers[host] for host in held.hosts}, self.token)


def _is_here(path: str, size: int) -> bool:
    with suppress(OSError):
        return os.stat(path).st_size == size  # noqa: PTH116 (once a piece, a Path would only be thrown away)
    return False


class RemoteFile(io.RawIOBase):
    """A file on other hosts as a stream that can be read and moved in; each read asks for a range of its bytes.

    Raises EngineError where none of the hosts answers in time, InputError where they have the file no more or have
    another.
    """

    def __init__(self, path: str, held: Held, servers: Mapping[str, tuple[str, int]], token: str) -> None:
        super().__init__()
        self._path = path
        self._held = held
        self._servers = servers
        self._asked: list[str] = list(held.hosts)
        self._token = token
        self._at = 0
        self._connection: http.client.HTTPConnection | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._held.size}[whence]
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # (typeshed's Buffer is 3.12's)
        view = memoryview(buffer).cast("B")
        end = min(self._at + min(len(view), RANGE_BYTES), self._held.size)
        if end <= self._at:
            return 0
        data = self._fetch(self._at, end)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _fetch(self, start: int, end: int) -> bytes:
        """Ask for a range, again and of other hosts where there are some, with longer and longer pauses."""
        until, pause = time.monotonic() + TRIED_SECONDS, FIRST_PAUSE
        while True:
            try:
                return self._ask(start, end)
            except (OSError, http.client.HTTPException) as error:
                self._hang_up()
                if time.monotonic() + pause > until:
                    raise self._unreachable(error) from error
            self._asked.append(self._asked.pop(0))
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _ask(self, start: int, end: int) -> bytes:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self._servers[self._asked[0]], timeout=ANSWER_SECONDS)
        headers = {"Range": f"bytes={start}-{end - 1}", "Authorization": f"Bearer {self._token}"}
        self._connection.request("GET", quote("/" + self._held.name), headers=headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status in NO_USE:
            raise self._refused(answer.status, answer.reason)
        if answer.status != HTTPStatus.PARTIAL_CONTENT or len(data) != end - start:
            raise http.client.HTTPException(f"answered {answer.status} {answer.reason} with {len(data)} bytes")
        return data

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _refused(self, status: int, reason: str) -> InputError:
        return InputError(
            f"{self._path} cannot be read from host {self._asked[0]}: {status} {reason}.",
            "Input files must not change while the job runs.",
        )

    def _unreachable(self, error: Exception) -> EngineError:
        hosts: Sequence[str] = self._held.hosts
        return EngineError(
            f"{self._path} is only on {' and '.join(hosts)}, which gave no answer for {TRIED_SECONDS:.0f} s: {error}.",
            "See how that host ended, in its log; data that all hosts have (FullyReplicated) outlives the loss of one.",
        )


_peers: Peers | None = None


def reach_peers(peers: Peers | None) -> None:
    """Have files opened from now on in this process looked for on all hosts of a run."""
    global _peers  # noqa: PLW0603 (readers are told paths; who is asked for them is the process's affair)
    _peers = peers


def open_shared(path: str) -> io.RawIOBase | None:
    """Open a file of a run on several hosts; None: this is none.

    Raises OSError as `Peers.open`.
    """
    return None if _peers is None else _peers.open(path)
