"""Executions that were found to rows of the history: only those that are new or changed are read."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from analyzer.config import utc_text
from analyzer.history.database import Connection
from analyzer.history.find_executions import DOCUMENTS, Found, Skipped, find_executions
from analyzer.history.read_documents import Contents, Key, Value, read_contents
from analyzer.stores import read_whole, scheme_of
from analyzer.stores.store import reason_of

log = logging.getLogger(__name__)
FAR_READERS = 16
"""Requests at once to a place far away."""
AT_ONCE = 64
"""Executions whose documents are held in memory."""
MOST_LOGGED = 20


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: executions that are new, changed, the same as before, or gone, and all that was skipped."""

    new: int
    changed: int
    same: int
    gone: int
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Whose execution it is, when, and where its files lie."""

    endpoint: str
    schedule: str
    time: datetime
    source: str
    folder: str
    report: str | None


def import_executions(connection: Connection, place: str, history: str) -> Imported:
    """Bring a history up to date with a place; doing so again changes nothing.

    Raises InputError where the place cannot be looked at.
    """
    source = source_of(place, history)
    found, skipped = find_executions(place)
    known = dict(connection.execute("SELECT folder, fingerprint FROM folders WHERE source = ?", (source,)))
    fresh = [each for each in found if known.get(each.folder) != each.digest]
    skipped += _kept_skips(connection, source, {each.folder for each in found} - {each.folder for each in fresh})
    writer = Writer(connection)
    for each, contents in _read(fresh):
        skipped += [Skipped(f"{each.folder}/{name}", why) for name, why in contents.unreadable]
        writer.put(Run(each.endpoint, each.schedule, each.time, source, each.folder, each.report), contents)
    gone = _mark_gone(connection, source, set(known) - {each.folder for each in found})
    _note(connection, source, fresh, skipped)
    new = sum(each.folder not in known for each in fresh)
    return Imported(new, len(fresh) - new, len(found) - len(fresh), gone, tuple(skipped))


def source_of(place: str, history: str) -> str:
    """Name a place in the database: '' where the database lies in it, so that both can be moved together."""
    if scheme_of(place) or scheme_of(history):
        return "" if history.rpartition("/")[0] == place.rstrip("/") else place.rstrip("/")
    top = Path(place).resolve()
    return "" if Path(history).resolve().parent == top else str(top)


def _kept_skips(connection: Connection, source: str, unread: set[str]) -> list[Skipped]:
    """Take over what is known of folders that are not read again: broken documents are named every time."""
    rows = connection.execute("SELECT path, reason FROM skipped WHERE source = ?", (source,)).fetchall()
    return [
        Skipped(path, reason)
        for path, reason in rows
        if path.rpartition("/")[0] in unread and path.rpartition("/")[2] in DOCUMENTS
    ]


def _read(found: Sequence[Found]) -> Iterator[tuple[Found, Contents]]:
    """Read the documents of executions, those far away many at once; a few at a time, so that memory stays small."""
    far = bool(found) and scheme_of(next(iter(found[0].files.values())).path) != ""
    if not far:
        yield from ((each, read_contents(_documents(each))) for each in found)
        return
    with ThreadPoolExecutor(FAR_READERS) as readers:
        for begin in range(0, len(found), AT_ONCE):
            some = found[begin : begin + AT_ONCE]
            for each, files in zip(some, readers.map(_documents, some), strict=True):
                yield each, read_contents(files)


def _documents(found: Found) -> dict[str, bytes | OSError]:
    return {name: _content(found.files[name].path, found.files[name].size) for name in DOCUMENTS if name in found.files}


def _content(path: str, size: int) -> bytes | OSError:
    if size <= 0:
        return b"" if size == 0 else OSError(0, "it cannot be looked at")
    try:
        return read_whole(path)
    except OSError as error:
        return OSError(0, reason_of(error))


def _mark_gone(connection: Connection, source: str, folders: Iterable[str]) -> int:
    """Keep what is known of executions whose folders were removed, as buckets do by age."""
    marked = [(source, folder) for folder in folders]
    connection.executemany("UPDATE executions SET present = 0 WHERE source = ? AND folder = ?", marked)
    connection.executemany("DELETE FROM folders WHERE source = ? AND folder = ?", marked)
    return len(marked)


def _note(connection: Connection, source: str, fresh: Sequence[Found], skipped: Sequence[Skipped]) -> None:
    rows = [(source, each.folder, each.digest) for each in fresh]
    connection.executemany("INSERT OR REPLACE INTO folders VALUES (?, ?, ?)", rows)
    before = set(connection.execute("SELECT path, reason FROM skipped WHERE source = ?", (source,)))
    if before != {tuple(each) for each in skipped}:
        connection.execute("DELETE FROM skipped WHERE source = ?", (source,))
        connection.executemany("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)", [(source, *each) for each in skipped])
    for each in skipped[:MOST_LOGGED]:
        log.warning("Skipped %s: %s.", each.path, each.reason)
    if len(skipped) > MOST_LOGGED:
        log.warning("... and %d more; the table skipped of the history has all.", len(skipped) - MOST_LOGGED)


class Writer:
    """Puts executions into a history; one that is there already is replaced."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._series: dict[tuple[str, ...], tuple[int, str | None]] = {
            row[1:7]: (row[0], row[7])
            for row in connection.execute(
                "SELECT id, endpoint, schedule, dimension, feature, part, metric, worse FROM series"
            )
        }

    def put(self, run: Run, contents: Contents) -> int:
        """Put one execution in and give its number."""
        self._remove(run, contents.kind)
        verdicts = {each: contents.verdict(each) for each in contents.dimensions}
        row = (
            run.endpoint, run.schedule, utc_text(run.time), contents.kind, _worst(list(verdicts.values())),
            len(contents.violations), contents.rows, run.source, run.folder, run.report,
        )  # fmt: skip
        execution = self._connection.execute(
            "INSERT INTO executions (endpoint, schedule, time, kind, verdict, violations, rows, source, folder, "
            "report, present) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
            row,
        ).lastrowid
        assert execution is not None
        counts = {each: sum(found.dimension == each for found in contents.violations) for each in verdicts}
        many = self._connection.executemany
        many("INSERT INTO verdicts VALUES (?, ?, ?, ?)", [(execution, k, v, counts[k]) for k, v in verdicts.items()])
        many("INSERT INTO violations VALUES (?, ?, ?, ?, ?, ?, ?)", [(execution, *v) for v in contents.violations])
        points = [
            (self._series_of(run, key, found), execution, found.value, found.low, found.high, found.threshold)
            for key, found in contents.values.items()
        ]
        many("INSERT INTO points VALUES (?, ?, ?, ?, ?, ?)", points)
        return execution

    def _remove(self, run: Run, kind: str) -> None:
        self._connection.execute(
            "DELETE FROM executions WHERE (source = ? AND folder = ? AND endpoint = ? AND schedule = ? AND time = ?) "
            "OR (endpoint = ? AND schedule = ? AND time = ? AND kind = ?)",
            (run.source, run.folder, *(of := (run.endpoint, run.schedule, utc_text(run.time))), *of, kind),
        )

    def _series_of(self, run: Run, key: Key, found: Value) -> int:
        name = (run.endpoint, run.schedule, *key)
        number, worse = self._series.get(name, (None, None))
        if number is None:
            number = self._connection.execute(
                "INSERT INTO series (endpoint, schedule, dimension, feature, part, metric, worse) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*name, found.worse),
            ).lastrowid
            assert number is not None
            self._series[name] = (number, found.worse)
        elif found.worse and worse != found.worse:
            self._connection.execute("UPDATE series SET worse = ? WHERE id = ?", (found.worse, number))
            self._series[name] = (number, found.worse)
        return number


def _worst(verdicts: Sequence[str]) -> str:
    for each in ("violations", "unreadable", "ok"):
        if each in verdicts:
            return each
    return "not judged" if verdicts else "unreadable"
