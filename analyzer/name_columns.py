"""How columns get their names: from headers and keys, from the baseline by position, or `_c0`, `_c1`, ..."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from analyzer.analyzers.table import TableState
from analyzer.config import JobConfig
from analyzer.dataset_formats import CaptureFormat, CsvFormat
from analyzer.documents import Constraints
from analyzer.errors import AnalyzerError, ConfigError
from analyzer.preprocess import Row
from analyzer.readers.pieces import Piece
from analyzer.readers.reading import KEYED_ROWS, PieceReport, Reading
from analyzer.stores.store import File

log = logging.getLogger(__name__)
LOOKED_AT = 10_000
"""Captured records that are looked at for one that holds all payloads."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What the first records say: names by position, names in header lines, widths of captured payloads."""

    columns: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)


def name_columns(files: Sequence[File], config: JobConfig, baseline: Constraints | None) -> Naming:
    """Look at the first records and name the columns that are known by position.

    Columns of JSON, Parquet and script results are named by their keys; `rename_by_baseline` sees to those.
    """
    expected = _names_of(baseline)
    if isinstance(config.dataset_format, CsvFormat):
        return _name_csv(files, config, expected)
    if isinstance(config.dataset_format, CaptureFormat):
        return _name_capture(files, config, expected)
    return Naming()


def _names_of(baseline: Constraints | None) -> tuple[str, ...]:
    return tuple(feature.name for feature in baseline.features) if baseline else ()


def by_position(width: int, expected: Sequence[str], excluded: Sequence[str | int]) -> tuple[str, ...] | None:
    """Name columns as the baseline does, where their number agrees; None where it does not.

    A baseline that lacks the columns excluded by index names the others.
    """
    gaps = {each for each in excluded if isinstance(each, int) and each < width}
    if width == len(expected):
        gaps = set()
    elif width != len(expected) + len(gaps):
        return None
    log.info("Using baseline columns: %s", ", ".join(expected))
    names = iter(expected)
    return tuple(_placeholder(i, expected) if i in gaps else next(names) for i in range(width))


def _placeholder(index: int, taken: Collection[str]) -> str:
    name = f"_c{index}"
    while name in taken:
        name += "_"
    return name


def _positions(width: int) -> tuple[str, ...]:
    return tuple(f"_c{i}" for i in range(width))


# --- CSV --------------------------------------------------------------------------------------------------------------


def _name_csv(files: Sequence[File], config: JobConfig, expected: tuple[str, ...]) -> Naming:
    from analyzer.readers.csv_files import first_record, header_names
    from analyzer.readers.csv_text import split_fields

    assert isinstance(config.dataset_format, CsvFormat)
    record = next((found for file in files if (found := first_record(file.path))), None)
    if record is None:
        return Naming()
    if not config.dataset_format.header:
        width = len(split_fields(record))
        return Naming(by_position(width, expected, config.exclude_features_attribute) or _positions(width))
    header = header_names(record)
    if len(header) != len(expected) or set(header) == set(expected):
        return Naming(header, header)
    renamed = [f"{ours!r} is {theirs!r}" for ours, theirs in zip(header, expected, strict=True) if ours != theirs]
    log.warning(
        "The header differs from the baseline; columns take its names by position: %s.", ", ".join(renamed[:20])
    )
    return Naming(expected, header)


# --- captured traffic -------------------------------------------------------------------------------------------------


def _name_capture(files: Sequence[File], config: JobConfig, expected: tuple[str, ...]) -> Naming:
    """Learn from the first records how many fields each payload has, and name those that have no names of their own."""
    rows = _first_payloads(files, config)
    widths = {index: _width(row) for index, row in rows.items()}
    if not widths:
        return Naming()
    positional = sum(widths.values())
    if all(widths.values()):
        names = by_position(positional, expected, config.exclude_features_attribute)
    else:
        keys = {key for row in rows.values() if not isinstance(row, str) for key in row}
        free = tuple(name for name in expected if name not in keys)
        names = free if len(free) == positional else None
    return Naming(_positions(positional) if names is None else names, (), widths)


def _width(row: Row) -> int:
    """Count the fields of a line of CSV; 0 for named values."""
    from analyzer.readers.csv_text import split_fields

    return len(split_fields(row)) if isinstance(row, str) else 0


def _first_payloads(files: Sequence[File], config: JobConfig) -> Mapping[str, Row]:
    """Find the first row of each payload, in the order in which payloads stand side by side."""
    from analyzer.readers.capture_files import flattener_of, ordered

    assert isinstance(config.dataset_format, CaptureFormat)
    names = ordered(config.dataset_format)
    reading = Reading(config.dataset_format, strict=config.strict_capture, start=config.start_time, end=config.end_time)
    flattener = flattener_of(reading, PieceReport(Piece("", 0, 0, 0)))
    found: dict[str, Row] = {}
    # What is wrong with a file or a record is told when it is read, where a script may know what to do with it.
    with suppress(AnalyzerError):
        for record in islice(_captures(files, reading), LOOKED_AT):
            found = {**flattener.first_rows(record, lambda: "a record"), **found}
            if len(found) == len(names):
                break
    return {name: found[name] for name in names if name in found}


def _captures(files: Sequence[File], reading: Reading) -> Iterator[Mapping[str, Any]]:
    from analyzer.readers.capture_files import window_of
    from analyzer.readers.json_files import json_lines

    for file in files:
        report = PieceReport(Piece(file.path, 0, file.size, file.size))
        window = window_of(reading, report)
        for value in json_lines(report.piece, report):
            if isinstance(value, dict) and (window is None or window.holds(value)):
                yield value


# --- columns that are named by keys -----------------------------------------------------------------------------------


def rename_by_baseline(state: TableState, config: JobConfig, baseline: Constraints | None) -> None:
    """Put columns that are named by keys in order, and give a script's the baseline's names by position.

    Keys are sorted as text, so `10` comes before `2`. Keys that are the baseline's names are matched by name, unless
    `strict_capture` asks for the original's way. Columns that were named by position stay as they are.
    """
    if not state.left_out.pop(KEYED_ROWS, 0):
        return
    found, expected = sorted(state.columns), _names_of(baseline)
    script = config.record_preprocessor_script
    if expected and set(found) == set(expected) and not (config.strict_capture and script):
        state.columns = {name: state.columns[name] for name in expected}
        return
    names = by_position(len(found), expected, config.exclude_features_attribute) if expected and script else None
    state.columns = {name: state.columns[key] for name, key in zip(names or found, found, strict=True)}


def resolve_excluded(excluded: Sequence[str | int], names: Sequence[str]) -> frozenset[str]:
    """Name the columns to leave out, by name or 0-based index.

    Raises ConfigError for one that there is not.
    """
    found = set()
    for each in excluded:
        if isinstance(each, int) and str(each) not in names:
            if each >= len(names):
                raise _no_such_column(each, names)
            found.add(names[each])
        elif str(each) in names:
            found.add(str(each))
        else:
            raise _no_such_column(each, names)
    return frozenset(found)


def _no_such_column(each: str | int, names: Sequence[str]) -> ConfigError:
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return ConfigError(
        f"exclude_features_attribute names column {each!r}, which is not in the data.",
        f"Expected a name or a 0-based index of: {shown}.",
    )
