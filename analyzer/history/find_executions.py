"""A place to the executions in it: the original's layout <endpoint>/<schedule>/yyyy/mm/dd/hh/ taken apart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from analyzer.errors import InputError
from analyzer.history.database import HISTORY_FILE
from analyzer.stores import scheme_of, store_of
from analyzer.stores.store import File, cure_of, reason_of
from analyzer.write import (
    ANALYSIS_FILE,
    CONSTRAINTS_FILE,
    PROFILE_FILE,
    REPORT_FILES,
    RULES_FILE,
    STATE_FILE,
    STATISTICS_FILE,
    VIOLATIONS_FILE,
)

DOCUMENTS = (STATISTICS_FILE, VIOLATIONS_FILE, ANALYSIS_FILE, PROFILE_FILE)
"""What is read of an execution."""
COMPANIONS = frozenset({CONSTRAINTS_FILE, STATE_FILE, RULES_FILE, *REPORT_FILES.values(), "report.ipynb", "report.pdf"})
"""What else runs write, the original's among them."""
OF_RUNS = (".csv", ".jsonl", ".parquet", ".txt", ".log")
"""Ends of further files that a run may leave beside its documents, as local attributions and captures."""
OURS = re.compile(rf"{re.escape(HISTORY_FILE)}.*|dashboard/[^/]+")
"""What this package itself may have put into the place; an endpoint may be called as the dashboard's folder is."""
DATE_PARTS = 4
LAYOUT = "Name the folder that holds <endpoint>/<schedule>/yyyy/mm/dd/hh/."


class Skipped(NamedTuple):
    """A file or folder that cannot be used, by its path in the place, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Found:
    """One execution that was found: whose, when, and its files by name."""

    endpoint: str
    schedule: str
    time: datetime
    folder: str
    files: dict[str, File] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Tell one content from another: names, sizes and versions of all files."""
        told = "\n".join(f"{name} {file.size} {file.version}" for name, file in sorted(self.files.items()))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    @property
    def report(self) -> str | None:
        return next((name for name in ("report.html", "report.pdf", "report.md") if name in self.files), None)


def require_place(place: str) -> None:
    """Refuse a folder that is not there before anything is made in its place.

    Raises InputError.
    """
    if not scheme_of(place) and not Path(place).is_dir():
        raise InputError(f"{place} is no folder.", LAYOUT)


def find_executions(place: str) -> tuple[list[Found], list[Skipped]]:
    """List the executions in a folder or below a prefix of S3, oldest first, and what lies there beside them.

    Raises InputError where the place itself cannot be looked at.
    """
    top = place.rstrip("/") or place
    try:
        files = store_of(place).survey_files(top)
    except OSError as error:
        raise InputError(
            f"{place} cannot be looked at: {reason_of(error)}.",
            cure_of(error, LAYOUT),
        ) from error
    named = [(file.path[len(top) :].lstrip("/"), file) for file in files]
    return sort_files([each for each in named if not OURS.fullmatch(each[0])], name_of(top))


def name_of(place: str) -> str:
    """Give the last part of a place: it names the schedule where the layout begins below it."""
    return place.rstrip("/").rsplit("/", 1)[-1] if not scheme_of(place) or place.count("/") > 2 else ""


def sort_files(files: Iterable[tuple[str, File]], top: str) -> tuple[list[Found], list[Skipped]]:
    """Sort files, named by their paths in the place, into executions and what is none; `top` names the place."""
    by_folder: dict[str, dict[str, File]] = {}
    for path, file in files:
        folder, _, name = path.rpartition("/")
        by_folder.setdefault(folder, {})[name] = file
    found: list[Found] = []
    skipped: list[Skipped] = []
    for folder, members in by_folder.items():
        execution = place_execution(folder, top)
        if isinstance(execution, str):
            skipped += _outside(folder, members, execution)
        else:
            execution.files.update(members)
            skipped += _foreign(folder, members)
            if any(name in members for name in DOCUMENTS):
                found.append(execution)
    return sorted(found, key=lambda each: (each.time, each.folder)), skipped


def place_execution(folder: str, top: str = "") -> Found | str:
    """Take the path of a folder apart; what is not of the layout is told in words."""
    parts = [part for part in folder.split("/") if part]
    date = parts[-DATE_PARTS:]
    if len(date) < DATE_PARTS or not all(part.isascii() and part.isdigit() for part in date):
        return "not in a folder yyyy/mm/dd/hh"
    try:
        year, month, day, hour = map(int, date)
        time = datetime(year, month, day, hour, tzinfo=UTC)
    except ValueError:
        return f"{'/'.join(date)} is no date and hour"
    owners = parts[:-DATE_PARTS] or [top]
    return Found("/".join(owners[:-1]), owners[-1], time, folder)


def _outside(folder: str, members: Mapping[str, File], why: str) -> Iterator[Skipped]:
    """Name documents one by one, and all else by its folder: it may be thousands of captured records."""
    prefix = f"{folder}/" if folder else ""
    yield from (Skipped(prefix + name, why) for name in members if name in DOCUMENTS)
    others = [name for name in members if name not in DOCUMENTS]
    if len(others) == 1:
        yield Skipped(prefix + others[0], why)
    elif others:
        yield Skipped(prefix or ".", f"{len(others):,} files, {why}")


def _foreign(folder: str, members: Mapping[str, File]) -> Iterator[Skipped]:
    for name in members:
        if name not in DOCUMENTS and name not in COMPANIONS and not name.endswith(OF_RUNS):
            yield Skipped(f"{folder}/{name}", "no file of an execution")
