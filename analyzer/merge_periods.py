"""Executions, hour by hour -> their days, weeks or months, of which only those that changed are made anew."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from analyzer.config import JobConfig, Location
from analyzer.engine.local import beside
from analyzer.errors import InputError
from analyzer.merge_states import find_states, merge_states
from analyzer.stores import read_whole, scheme_of, store_of
from analyzer.stores.store import cure_of, reason_of
from analyzer.write import STATE_FILE, check_writable, write_files

log = logging.getLogger(__name__)
Period = Literal["day", "week", "month"]
Action = Literal["new", "added to", "made anew", "unchanged"]
MANIFEST: Final = "merged.json"
VERSION: Final = 1
TRAILER: Final = 8
"""Bytes at the end of a gzip file: the checksum of its content and its size."""
HOUR: Final = re.compile(r"(?P<before>.*)/(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)/(?P<hour>\d\d)(?:/.*)?")
LABELS: Final[Mapping[Period, str]] = {"day": "%Y/%m/%d", "week": "%G/W%V", "month": "%Y/%m"}
"""Folders of periods; weeks are those of ISO 8601, which begin on Monday and may begin in the year before."""


@dataclass(frozen=True, slots=True)
class Group:
    """The states of one period of one schedule, in order, and the folder for their reports."""

    place: str
    states: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a period; `violations` is None where nothing was done."""

    place: str
    states: int
    action: Action
    rows: int | None = None
    violations: int | None = None


def merge_periods(sources: Sequence[Location], period: Period, config: JobConfig) -> list[Done]:
    """Merge the states of every period into `<output_path>/<period>/<endpoint>/<schedule>/yyyy/...`.

    States are those in folders `yyyy/mm/dd/hh`; what stands before is kept, so that schedules stay apart. A period
    whose states are the same as last time is left as it is; one that has got further hours at its end is added to;
    else, or where settings differ, it is made anew.

    Raises InputError where there is no such state, else as `merge_states`.
    """
    groups = group_states(sources, period, config.output_path)
    check_writable(config.output_path)
    with beside(partial(merge_group, config=config), groups, config.cores) as done:
        return list(done)


def group_states(sources: Sequence[Location], period: Period, output: Location) -> list[Group]:
    """Find the states of each period.

    Raises InputError where none lies in a folder of an hour, or where two schedules would become one.
    """
    found: dict[str, list[Location]] = {}
    above: dict[str, str] = {}
    own = f"{_text(output)}/"
    paths = [path for path in find_states(sources, output) if not _text(path).startswith(own)]
    for path in paths:
        match = HOUR.fullmatch(_text(path).rpartition("/")[0])
        day = match and _date(match)
        if match and day:
            schedule = _schedule(match["before"], sources)
            if above.setdefault(schedule, match["before"]) != match["before"]:
                raise _mixed(above[schedule], match["before"])
            place = "/".join(filter(None, (str(output), period, schedule, day.strftime(LABELS[period]))))
            found.setdefault(place, []).append(path)
    if not found:
        raise InputError(
            f"No {STATE_FILE} lies in a folder yyyy/mm/dd/hh below {', '.join(map(str, sources))}.",
            "Name the folder above the years, such as <endpoint>/<schedule>; without --by all states are merged.",
        )
    left = len(paths) - sum(map(len, found.values()))
    if left:
        log.warning("States that lie in no folder yyyy/mm/dd/hh, which were left out: %d", left)
    return [Group(place, tuple(states)) for place, states in sorted(found.items())]


def _schedule(before: str, sources: Sequence[Location]) -> str:
    """Give the folders between a source and its years; none where the source is one of the years or lies in it."""
    roots = [text for source in sources if f"{before}/".startswith(f"{(text := _text(source))}/")]
    return before.removeprefix(max(roots, key=len)).strip("/") if roots else ""


def _mixed(one: str, other: str) -> InputError:
    return InputError(f"The states below {one} and {other} are of different schedules.", "Name the folder above both.")


def _date(match: re.Match[str]) -> date | None:
    try:
        return date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None


def _text(place: Location) -> str:
    return place.rstrip("/") if isinstance(place, str) else os.path.normpath(place.absolute())


# --- one period -------------------------------------------------------------------------------------------------------


def merge_group(group: Group, config: JobConfig) -> Done:
    """Merge the states of one period, as far as that was not done before."""
    place: Location = group.place if scheme_of(group.place) else Path(group.place)
    settings = _settings(config)
    states = [{"path": str(path), **_mark_of(path)} for path in group.states]
    before = _manifest(place, settings)
    count = len(states)
    if before == states:
        return Done(group.place, count, "unchanged")
    goes_on = bool(before) and before == states[: len(before)]
    sources: list[Location] = [_state_in(place), *group.states[len(before) :]] if goes_on else list(group.states)
    state, verdict = merge_states(sources, replace(config, output_path=place))
    manifest = {"version": VERSION, "settings": settings, "states": states}
    write_files(place, {MANIFEST: json.dumps(manifest, indent=1)})
    action: Action = "added to" if goes_on else "made anew" if before else "new"
    return Done(group.place, count, action, state.rows, len(verdict.violations))


def _settings(config: JobConfig) -> dict[str, Any]:
    """Name what the reports of a period depend on beside its states."""
    return {
        "baseline_constraints": _stamp(config.baseline_constraints),
        "baseline_statistics": _stamp(config.baseline_statistics),
        "categorical_drift_method": config.categorical_drift_method,
        "analysis_type": config.analysis_type,
        "problem_type": config.problem_type,
        "positive_label": config.positive_label,
        "analysis_config": _stamp(config.analysis_config) if config.analysis else None,
        "compatibility": config.compatibility,
        "evidence": config.evidence,
        "report": list(config.report),
    }


def _stamp(path: Location | None) -> str | None:
    """Tell one version of a file of settings from the next."""
    if path is None:
        return None
    from zlib import crc32

    try:
        return f"{path} {crc32(read_whole(path)):08x}"
    except OSError:
        return str(path)  # said where the file is read


def _mark_of(path: Location) -> dict[str, Any]:
    """Give the size of a state file and the checksum that it ends with, without reading the rest."""
    try:
        with store_of(path).open_file(str(path)) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - TRAILER))
            return {"size": size, "ends_with": stream.read(TRAILER).hex()}
    except OSError as error:
        cure = cure_of(error, f"Name folders with the {STATE_FILE} of runs.")
        raise InputError(f"The state {path} cannot be read: {reason_of(error)}.", cure) from error


def _state_in(place: Location) -> Location:
    return place / STATE_FILE if isinstance(place, Path) else f"{place.rstrip('/')}/{STATE_FILE}"


def _manifest(place: Location, settings: Mapping[str, Any]) -> list[Any]:
    """List the states that the reports in a folder are of; none where that is not known, or settings differ."""
    names = [str(place / name) if isinstance(place, Path) else f"{place}/{name}" for name in (MANIFEST, STATE_FILE)]
    try:
        found = json.loads(read_whole(names[0]))
        _mark_of(names[1])
        usable = found["version"] == VERSION and found["settings"] == dict(settings)
        return list(found["states"]) if usable else []
    except (OSError, InputError, ValueError, LookupError, TypeError):
        return []
