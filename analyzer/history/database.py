"""The database of the history: a file of SQLite, made, opened and kept whole; on S3 a copy of it is worked on."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from analyzer.errors import InputError, OutputError
from analyzer.stores import read_whole, scheme_of
from analyzer.stores.store import cure_of, reason_of

log = logging.getLogger(__name__)
VERSION = 1
HISTORY_FILE = "history.sqlite"
SCHEMA = Path(__file__).with_name("schema.sql")
PATIENCE = 60.0
"""Seconds that one writer waits for another."""
MOST_ROUNDS = 8
"""How often work on a copy is done again because another run has replaced the database meanwhile."""
Connection = sqlite3.Connection
_T = TypeVar("_T")


def work_on(place: str, work: Callable[[Connection], _T]) -> _T:
    """Open the database at a path or S3 URI, made where there is none, do some work and keep what it changed.

    All changes are kept, or none where the work fails. On S3 the work may be done more than once: where others have
    replaced the database meanwhile, it is done again on theirs. Raises InputError, OutputError.
    """
    if scheme_of(place):
        return _work_far(place, work)
    path = Path(place)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The history {place} cannot be written: {reason_of(error)}.", _CURE) from error
    with _named(place), closing(_opened(path)) as connection:
        return _done(connection, work)


def _done(connection: Connection, work: Callable[[Connection], _T]) -> _T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        _prepare(connection)
        found = work(connection)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    return found


def _work_far(place: str, work: Callable[[Connection], _T]) -> _T:
    from analyzer.stores.s3 import read_version, replace_version

    for _ in range(MOST_ROUNDS):
        try:
            seen = read_version(place)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / HISTORY_FILE
                path.write_bytes(seen[0] if seen else b"")
                with _named(place), closing(_opened(path)) as connection:
                    found = _done(connection, work)
                    changed = connection.total_changes > 0
                if not changed or replace_version(place, path.read_bytes(), seen[1] if seen else None):
                    return found
        except OSError as error:
            raise OutputError(
                f"The history {place} cannot be kept: {reason_of(error)}.", cure_of(error, _CURE)
            ) from error
        log.info("The history %s was replaced by another run; the work on it is done again.", place)
    raise OutputError(f"The history {place} is replaced by others all the time.", "Give each schedule a history.")


@contextmanager
def read_only(place: str) -> Iterator[Connection]:
    """Open a database that is there for reading; a statement that would change it fails.

    Raises InputError.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(place)
        try:
            if scheme_of(place):
                path = Path(folder) / HISTORY_FILE
                path.write_bytes(read_whole(place))
            elif not path.is_file():
                raise FileNotFoundError(2, "there is no such file")
        except OSError as error:
            raise InputError(
                f"The history {place} cannot be read: {reason_of(error)}.",
                cure_of(error, "Make it with `analyzer history import FOLDER`."),
            ) from error
        with _named(place), closing(_opened(path, "ro")) as connection:
            _refuse_others(connection)
            connection.execute("PRAGMA query_only = 1")
            yield connection


def _opened(path: Path, mode: str = "rwc") -> Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = 1")
    return connection


def _prepare(connection: Connection) -> None:
    """Make the tables of a new database, in the transaction that is open."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0 and not _tables(connection):
        for statement in _statements():
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    _refuse_others(connection)


def _statements() -> Iterator[str]:
    """Split the schema: executescript would end the transaction."""
    held = ""
    for line in SCHEMA.read_text("utf-8").splitlines(keepends=True):
        held += line
        if sqlite3.complete_statement(held):
            yield held
            held = ""


def _tables(connection: Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _refuse_others(connection: Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise sqlite3.DatabaseError(
            f"its version is {version}, not {VERSION}" if version else "it is another kind of database"
        )


@contextmanager
def _named(place: str) -> Iterator[None]:
    """Name the file in what the database complains of."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise
        cure = "Free some space, or wait for the other writer." if "locked" in str(error) else _CURE
        raise InputError(f"The history {place} cannot be used: {error}.", cure) from error


_CURE = "Name another file, or take this one away: a history is made again by `analyzer history import FOLDER`."
