"""Parts of files, cut into blocks of whole records without trusting a newline inside quotes."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from analyzer.errors import InputError
from analyzer.readers.quotes import NEWLINE, QuoteStates, first_record_end, last_record_end
from analyzer.stores import path_here, read_whole, store_of
from analyzer.stores.ahead import fetched, fetched_ahead
from analyzer.stores.ranges import RangeStream
from analyzer.stores.store import cure_of

BLOCK = 8 * 1024 * 1024
TAIL_BLOCK = 64 * 1024
LONGEST_RECORD = 256 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NO_TEXT = {
    b"\xff\xfe": ("UTF-16 text", "Expected UTF-8; convert the file."),
    b"\xfe\xff": ("UTF-16 text", "Expected UTF-8; convert the file."),
    b"\x1f\x8b": ("compressed with gzip", "Give it a name that ends in .gz."),
    b"PAR1": ("a Parquet file", 'Set dataset_format to {"parquet":{}}, or take the file out of dataset_source.'),
}
"""How files begin that are no UTF-8 text, and the cure."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes [start, end) of a file; its records are those that begin there.

    `in_quotes` says whether `start` lies inside a quoted field. For Parquet, start and end count row groups.
    """

    path: str
    start: int
    end: int
    size: int
    in_quotes: bool = False

    @property
    def is_whole(self) -> bool:
        return self.start == 0 and self.end == self.size


def open_bytes(path: str, until: int | None = None) -> IO[bytes]:
    """Open a file for reading, through gzip where its name says so; `until` as in `Store.open_file`.

    Raises InputError where it cannot be opened.
    """
    with readable(path):
        if not is_gzip(path):
            return fetched(path) or store_of(path).open_file(path, until)
        stream: Any = gzip.GzipFile(fileobj=fetched(path) or store_of(path).open_file(path))
        stream.myfileobj = stream.fileobj  # closing the one closes the other
        return cast("IO[bytes]", stream)


def _begun(piece: Piece) -> IO[bytes]:
    """Open the file of a piece; far away it begins to be fetched where the piece does."""
    stream = open_bytes(piece.path, piece.end + TAIL_BLOCK)
    if isinstance(stream, RangeStream):
        stream.expect([(max(0, piece.start - 1), piece.start), (piece.start, min(piece.end + TAIL_BLOCK, piece.size))])
    return stream


def far_ahead(pieces: Iterable[Piece]) -> AbstractContextManager[None]:
    """Have small files that are not on this machine fetched before `open_bytes` opens them, in this order."""
    small = [each.path for each in pieces if each.is_whole and each.size <= BLOCK and path_here(each.path) is None]
    return fetched_ahead(small, read_whole)


def is_gzip(path: str) -> bool:
    return path.endswith(".gz")


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turn what can go wrong while a file is read into an InputError that names it."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from error


def without_mark(path: str, data: bytes) -> bytes:
    """Take the byte order mark off the beginning of a file.

    Raises InputError where the file is no UTF-8 text.
    """
    for mark, (found, cure) in NO_TEXT.items():
        if data.startswith(mark):
            raise InputError(f"{path} is {found}, not plain text.", cure)
    return data.removeprefix(BYTE_ORDER_MARK)


def unreadable(path: str, error: Exception) -> InputError:
    """Say which file cannot be read, why, and what to do."""
    if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
        return InputError(
            f"{path} is not a sound gzip file: {error}.",
            "Copy or compress the file again, or take it out of dataset_source.",
        )
    cure = "Check that the file exists and that the job may read it."
    return InputError(f"{path} cannot be read: {error}.", cure_of(error, cure) if isinstance(error, OSError) else cure)


class PieceReader:
    """Yields the records of a piece in blocks of about 8 MiB that end where a record ends.

    `quoted` is False for formats whose records are lines, whatever they hold. `states` follows what the bytes of the
    piece do to the quoting state, also where reading stopped early (`follow_rest`). `at` is the position in the file's
    (uncompressed) bytes of the block that was yielded last.
    """

    def __init__(self, piece: Piece, *, quoted: bool) -> None:
        self.states = QuoteStates()
        self._piece = piece
        self._quoted = quoted
        self._stream = _begun(piece)
        end = self._past_quotes(piece.end)
        self._start = self._past_quotes(piece.start)
        self._left = end - self._start
        self.at = self._start

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks of whole records.

        Raises InputError for bytes that cannot be read, that are no text, and for a record that does not end.
        """
        with readable(self._piece.path):
            rest = self._from_first_record()
            while rest is not None:
                if cut := self._last_end(rest):
                    yield rest[:cut]
                    self.at += cut
                    rest = rest[cut:]
                self._refuse_endless(rest)
                if not (data := self._next()):
                    break
                rest += data
            if rest and (last := self._to_record_end(rest)):
                yield last

    def follow_rest(self) -> None:
        """Read on to the end of the piece for the quoting state alone, and close the file."""
        if self._quoted and not self._piece.is_whole:
            while self._next():
                pass
        self._stream.close()

    def _next(self) -> bytes:
        """Read the piece's next bytes; a gzip file is one piece, whose size says nothing of its content."""
        data = self._stream.read(BLOCK if is_gzip(self._piece.path) else min(BLOCK, self._left))
        self._left -= len(data)
        if self._stream.tell() == len(data):
            self.at = len(data)
            data = without_mark(self._piece.path, data)
            self.at -= len(data)
        if self._quoted:
            self.states.follow(data)
        return data

    def _past_quotes(self, cut: int) -> int:
        """Move a cut behind the quotes that it follows: what they mean depends on what is in front of them."""
        if not self._quoted or self._piece.is_whole or cut in {0, self._piece.size}:
            return cut
        with readable(self._piece.path):
            self._stream.seek(cut - 1)
            while self._stream.read(1) == b'"':
                cut += 1
        return min(cut, self._piece.size)

    def _from_first_record(self) -> bytes | None:
        """Read up to the first record that begins in the piece and return what was read of it; None: there is none."""
        if self._start == 0:
            self._stream.seek(0)
            return self._next()
        self._stream.seek(self._start - 1)
        before = self._stream.read(1)[0]
        self.states.begin_after(before)
        inside = self._piece.in_quotes and self._quoted
        if before == NEWLINE and not inside:
            return b""
        data = b""
        while more := self._next():
            data += more
            cut = first_record_end(data, inside=inside, before=before) if self._quoted else data.find(b"\n") + 1
            if cut:
                self.at += cut
                return data[cut:]
        return None

    def _last_end(self, data: bytes) -> int:
        at = data.rfind(b"\n")
        if not self._quoted or (at >= 0 and not self._ends_inside() and data.find(b'"', at) < 0):
            return at + 1
        return last_record_end(data)

    def _ends_inside(self) -> bool:
        return self.states.ends[self._piece.in_quotes]

    def _to_record_end(self, rest: bytes) -> bytes:
        """Complete the last record, which began in the piece, from the bytes behind it."""
        while more := self._stream.read(TAIL_BLOCK):
            rest += more
            cut = first_record_end(rest) if self._quoted else rest.find(b"\n") + 1
            if cut:
                return rest[:cut]
            self._refuse_endless(rest)
        return rest

    def _refuse_endless(self, rest: bytes) -> None:
        if len(rest) > LONGEST_RECORD:
            raise InputError(
                f"{self._piece.path}: the record at byte {self.at} does not end within {LONGEST_RECORD} bytes.",
                "Look for a quotation mark that is opened and never closed.",
            )


def count_lines(path: str, upto: int) -> int:
    """Count the lines in front of a byte, to name a line of a piece by its number in the file."""
    count = 0
    with readable(path), open_bytes(path, upto) as stream:
        while upto > 0 and (data := stream.read(min(BLOCK, upto))):
            count += data.count(b"\n")
            upto -= len(data)
    return count
