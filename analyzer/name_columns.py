"""How columns get their names: from headers and keys, from the baseline by position, or `_c0`, `_c1`, ..."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analyzer.analyzers.table import TableState
from analyzer.config import CaptureFormat, CsvFormat, JobConfig
from analyzer.documents import Constraints
from analyzer.errors import AnalyzerError, ConfigError
from analyzer.read import File
from analyzer.readers.pieces import Piece
from analyzer.readers.reading import PieceReport, Reading

log = logging.getLogger(__name__)
LOOKED_AT = 1000
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
    expected = tuple(feature.name for feature in baseline.features) if baseline else ()
    if isinstance(config.dataset_format, CsvFormat):
        return _name_csv(files, config.dataset_format, expected)
    if isinstance(config.dataset_format, CaptureFormat):
        return _name_capture(files, config, expected)
    return Naming()


def _name_csv(files: Sequence[File], csv: CsvFormat, expected: tuple[str, ...]) -> Naming:
    from analyzer.readers.csv_files import first_record, header_names
    from analyzer.readers.csv_text import split_fields

    record = next((found for file in files if (found := first_record(file.path))), None)
    if record is None:
        return Naming()
    if not csv.header:
        return Naming(by_position(len(split_fields(record)), expected))
    header = header_names(record)
    if len(header) != len(expected) or set(header) == set(expected):
        return Naming(header, header)
    renamed = [f"{ours!r} is {theirs!r}" for ours, theirs in zip(header, expected, strict=True) if ours != theirs]
    log.warning(
        "The header differs from the baseline; columns take its names by position: %s.", ", ".join(renamed[:20])
    )
    return Naming(expected, header)


def by_position(width: int, expected: tuple[str, ...]) -> tuple[str, ...]:
    """Name columns without a header: as the baseline's where their number agrees."""
    if width == len(expected):
        log.info("Using baseline columns: %s", ", ".join(expected))
        return expected
    return tuple(f"_c{i}" for i in range(width))


def _name_capture(files: Sequence[File], config: JobConfig, expected: tuple[str, ...]) -> Naming:
    from analyzer.readers.capture_files import flattener_of, ordered
    from analyzer.readers.csv_text import split_fields

    assert isinstance(config.dataset_format, CaptureFormat)
    names = ordered(config.dataset_format)
    widths = _payload_widths(files, config, names)
    flattener = flattener_of(Reading(config.dataset_format, strict=config.strict_capture))
    for record in _first_captures(files, config):
        data = record.get("captureData")
        if not isinstance(data, dict) or not any(data.get(name) for name in names):
            continue
        try:
            row = flattener.rows(record, lambda: "the first record")[0]
        except AnalyzerError:
            break  # reading names file and line
        if not isinstance(row, str):
            return Naming(expected, (), widths)
        whole = sum(widths.values()) if widths else len(split_fields(row))
        return Naming(by_position(whole, expected), (), widths)
    return Naming()


def _first_captures(files: Sequence[File], config: JobConfig) -> list[Mapping[str, object]]:
    from analyzer.readers.capture_files import in_window
    from analyzer.readers.json_files import json_lines

    found: list[Mapping[str, object]] = []
    reading = Reading(config.dataset_format, start=config.start_time, end=config.end_time)
    for file in files:
        piece = Piece(file.path, 0, file.size, file.size)
        report = PieceReport(piece)
        try:
            for record in in_window(json_lines(piece, report), reading, report):
                found.append(record)
                if len(found) >= LOOKED_AT or (len(found) == 1 and _is_complete(record, config)):
                    return found
        except AnalyzerError:
            return found  # reading names file and line
    return found


def _is_complete(record: Mapping[str, object], config: JobConfig) -> bool:
    data = record.get("captureData")
    assert isinstance(config.dataset_format, CaptureFormat)
    return isinstance(data, dict) and all(data.get(name) for name in config.dataset_format.index_names)


def _payload_widths(files: Sequence[File], config: JobConfig, names: Sequence[str]) -> Mapping[str, int]:
    """Count the fields of each CSV payload, in the first record that has it."""
    from analyzer.readers.csv_text import split_fields

    widths: dict[str, int] = {}
    for record in _first_captures(files, config):
        data = record.get("captureData")
        for name in names if isinstance(data, dict) else ():
            event = data.get(name)  # type: ignore[union-attr]
            if name not in widths and isinstance(event, dict) and event.get("encoding") == "CSV":
                widths[name] = len(split_fields(str(event.get("data", "")).rstrip("\r\n").split("\n")[0]))
        if len(widths) == len(names):
            break
    return widths


def rename_by_baseline(state: TableState, config: JobConfig, baseline: Constraints | None) -> None:
    """Put columns that are named by keys in order, and give a script's the baseline's names by position.

    Keys are sorted as text, so `10` comes before `2`. Keys that are the baseline's names are matched by name, unless
    `strict_capture` asks for the original's way.
    """
    found = sorted(state.columns)
    expected = [feature.name for feature in baseline.features] if baseline else []
    if expected and set(found) == set(expected) and not (config.strict_capture and config.record_preprocessor_script):
        found = expected
    elif expected and len(found) == len(expected) and config.record_preprocessor_script:
        log.info("Using baseline columns: %s (for the sorted keys %s)", ", ".join(expected), ", ".join(found))
        state.columns = {name: state.columns[key] for name, key in zip(expected, found, strict=True)}
        return
    state.columns = {name: state.columns[name] for name in found}


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
