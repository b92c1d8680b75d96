"""What the steps need of a kind of place, and how it says what went wrong there."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Protocol

HIDDEN = (".", "_")
"""How names begin that are no data, by Hadoop's rule: `_SUCCESS`, `.crc` and the like."""


@dataclass(frozen=True, slots=True)
class File:
    """An input file and its size in bytes; the path is a whole path or URI, from which any process can open it."""

    path: str
    size: int
    version: str = field(default="", compare=False)
    """What changes when the content does: the time of the last change, or the tag of an object; where it is told."""


class StoreError(OSError):
    """What a store cannot do: the reason, which completes "... cannot be read: ", and the cure.

    `filename` is the path or URI concerned where it is not the one that was asked for.
    """

    def __init__(self, reason: str, cure: str, filename: str | None = None) -> None:
        super().__init__(errno.EIO, reason)
        self.cure = cure
        self.filename = filename

    def __str__(self) -> str:
        return str(self.strerror)


def cure_of(error: OSError, default: str) -> str:
    """Give the cure that an error brings along, or else the default."""
    return error.cure if isinstance(error, StoreError) else default


def reason_of(error: OSError) -> str:
    """Say what went wrong, without the number and the file name that an OSError shows."""
    return error.strerror or str(error)


class Store(Protocol):
    """The functions of a store; places are given as texts. All of them raise OSError, StoreError where there is a cure.

    Tasks on other hosts call `open_file`, all else is called where the job runs. Nothing may be kept that does not
    survive a fork, or that a task would have to be sent.
    """

    def list_files(self, source: str, *, everything: bool = False) -> list[File]:
        """List the files of a folder, nested ones included, or a single file, sorted by the parts of their paths.

        Names in it that begin as `HIDDEN` says are left out with all that is below them, and so are empty files, unless
        `everything` is wanted. Raises FileNotFoundError where nothing can have been meant.
        """

    def survey_files(self, source: str) -> list[File]:
        """List what lies in a folder for a look at it, versions told: like `list_files`, but empty files too.

        What cannot be looked at has the size -1. Raises FileNotFoundError where there is no such folder.
        """

    def open_file(self, path: str, until: int | None = None) -> IO[bytes]:
        """Open a file for reading from its beginning; the stream can `seek`, and `read(n)` gives n bytes up to the end.

        `until` is the byte up to which the reader is likely to read in sequence: a store far away fetches ahead so far
        and no farther. 0 says that the reader jumps, None that it reads to the end.
        """

    def check_writable(self, folder: str) -> None:
        """Find out whether files can be written into a folder; leaves nothing visible behind."""

    def write_files(self, folder: str, files: Mapping[str, bytes], stale: Iterable[str]) -> None:
        """Write all files, in this order and each complete, or none; then remove those that are stale."""

    def write_stream(self, folder: str, content: Iterable[tuple[str, bytes]], stale: Iterable[str]) -> None:
        """Write files as `write_files` does, however large: parts of each come one after the other, file by file.

        Names may lead into folders below, with `/`.
        """
