"""Records with payloads, or JSON objects, to rows of predictions: attributes are indices, keys or JMESPaths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from analyzer.analyzers.predictions import LABEL, PREDICTION, SCORE, SEGMENT, Roles
from analyzer.analyzers.table import Batch
from analyzer.dataset_formats import CaptureFormat
from analyzer.errors import InputError, ScriptError
from analyzer.jsonlayout import parse
from analyzer.preprocess import CaptureFlattener, Half, Row, Script
from analyzer.readers.batches import as_text, runs_of
from analyzer.readers.capture_files import captured_records, flattener_of, window_of
from analyzer.readers.csv_text import join_fields, split_fields
from analyzer.readers.json_files import json_objects, json_values, line_blocks
from analyzer.readers.json_paths import at_index, find_value, search
from analyzer.readers.pieces import Piece
from analyzer.readers.prediction_columns import asked_for, place_of, typed, variable_of
from analyzer.readers.reading import ROWS_AT_ONCE, PieceReport, Place, Reading
from analyzer.records import CapturedData
from analyzer.scripts import script_error

Values = Mapping[str, Any]
"""One value a role, or a list of them when a record holds several rows."""


def read_prediction_records(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a piece of captures, merged records or JSON objects, with the columns the roles name.

    Raises InputError for a record that lacks a column, or whose labels are not as many as its predictions.
    """
    roles = reading.roles
    assert roles is not None
    rows = _Rows(roles, report)
    if isinstance(reading.dataset_format, CaptureFormat):
        found = _of_captures(piece, reading, report, roles)
    else:
        found = _of_objects(piece, reading, report, roles)
    for values in found:
        rows.add(values)
        if rows.count >= ROWS_AT_ONCE:
            yield rows.take(reading)
    if rows.count:
        yield rows.take(reading)
    rows.refuse_nothing_found()


# --- rows -------------------------------------------------------------------------------------------------------------


class _Rows:
    """Collects the values of each role, a record after the other."""

    def __init__(self, roles: Roles, report: PieceReport) -> None:
        self.roles = roles
        self.report = report
        self.count = 0
        self._attributes = dict(asked_for(roles)) | {LABEL: roles.label or "groundTruthData"}
        self._columns: dict[str, list[Any]] = {role: [] for role in self._attributes}
        self._records: list[int] = []
        self._met = dict.fromkeys((role for role in (PREDICTION, SCORE) if role in self._attributes), 0)

    def add(self, values: Values) -> None:
        """Take the rows of a record.

        Raises InputError where its columns are of different lengths.
        """
        several = {role: value for role, value in values.items() if isinstance(value, list)}
        rows = len(next(iter(several.values()))) if several else 1
        for role, column in self._columns.items():
            value = values.get(role)
            alone = rows > 1 and value is not None and not role.startswith(SEGMENT)
            if len(value) != rows if isinstance(value, list) else alone:
                raise self._uneven(role, values)
            column.extend(value if isinstance(value, list) else [value] * rows)
            if role in self._met:
                self._met[role] += value is not None
        self._records.extend([self.report.records] * rows)
        self.count += rows

    def take(self, reading: Reading) -> Batch:
        assert reading.roles is not None
        columns = {role: _array(values) for role, values in self._columns.items()}
        bare = Batch(pa.record_batch(columns), runs_of(self.report.piece.path, self._records))
        self._columns = {role: [] for role in self._columns}
        self.count, self._records = 0, []
        return typed(columns, bare, reading.roles, self.report.name_record)

    def refuse_nothing_found(self) -> None:
        """Refuse an attribute that no record of the piece has."""
        for role, met in self._met.items():
            if not met and self.report.records and len(self._met) == 1:
                raise InputError(
                    f"{variable_of(role)}: {self._attributes[role]!r} is in no record of {self.report.piece.path}.",
                    "Look at a record and name the value by its key or JMESPath.",
                )

    def _uneven(self, role: str, values: Values) -> InputError:
        counts = {variable_of(each): len(v) if isinstance(v, list) else 1 for each, v in values.items()}
        return InputError(
            f"{self.report.name_last_line()} does not hold as many values for {variable_of(role)} as for the others: "
            f"{', '.join(f'{name} {count}' for name, count in counts.items())}.",
            "Every prediction needs a label of its own; pair them in a record_preprocessor_script.",
        )


def _array(values: Sequence[Any]) -> pa.Array:
    if all(isinstance(value, float) for value in values):
        return pa.array(values, pa.float64())
    return as_text(values)


# --- JSON objects -----------------------------------------------------------------------------------------------------


def _of_objects(piece: Piece, reading: Reading, report: PieceReport, roles: Roles) -> Iterator[Values]:
    wanted = [(role, attribute, variable_of(role)) for role, attribute in asked_for(roles)]
    for value in json_objects(piece, reading, report):
        yield {role: find_value(value, attribute, variable) for role, attribute, variable in wanted}


# --- captured and merged records --------------------------------------------------------------------------------------


def _of_captures(piece: Piece, reading: Reading, report: PieceReport, roles: Roles) -> Iterator[Values]:
    window = window_of(reading, report)
    extractor = _Extractor(flattener_of(reading, report), roles)
    place = report.name_last_line
    blocks = (captured_records(json_values(block, report), window, report) for block in line_blocks(piece, report))
    records = (record for block in blocks for record in block)
    if reading.script is None:
        for record in records:
            yield extractor.values(record, place)
    else:
        yield from _through_script(records, reading, report, extractor)


class _Extractor:
    """Finds prediction, score, segments and label in a captured or merged record."""

    def __init__(self, flattener: CaptureFlattener, roles: Roles) -> None:
        self._flattener = flattener
        self._wanted = [(role, attribute) for role, attribute in asked_for(roles) if role != LABEL]
        self._indices = [(role, int(name)) for role, name in self._wanted if name.isdecimal()]
        self._plain = len(self._indices) == len(self._wanted) and len(flattener.index_names) == 1
        self.label = roles.label

    def values(self, record: Mapping[str, Any], place: Place) -> Values:
        values = self._plain_values(record) if self._plain else None
        found = dict(self._found(record, place) if values is None else values)
        found[LABEL] = self.label_of(record.get("groundTruthData"), place)
        return found

    def _plain_values(self, record: Mapping[str, Any]) -> Values | None:
        """Take fields of one line of CSV, the usual case, at once."""
        try:
            event = record["captureData"][self._flattener.index_names[0]]
            text = event["data"].rstrip("\r\n")
            if event["encoding"] != "CSV" or '"' in text or "\n" in text:
                return None
            fields = text.split(",")
            return {role: fields[index].strip() or None for role, index in self._indices}
        except (KeyError, TypeError, AttributeError, IndexError):
            return None

    def _found(self, record: Mapping[str, Any], place: Place) -> Values:
        halves = self._flattener.halves(record, place)
        if not halves:
            raise InputError(
                f"{place()} holds none of {', '.join(self._flattener.index_names)}.",
                "Name a payload that was captured in captureIndexNames of dataset_format.",
            )
        return {role: self._find(attribute, role, halves, record, place) for role, attribute in self._wanted}

    def _find(self, attribute: str, role: str, halves: Sequence[Half], record: Mapping[str, Any], place: Place) -> Any:
        rows = _side_by_side(halves)
        if all(isinstance(row, list) for row in rows):
            return _one_or_all([_field(row, attribute, role, place) for row in rows])
        keyed = [row for row in rows if isinstance(row, dict) and attribute in row]
        if len(keyed) == len(rows):
            return _one_or_all([row[attribute] for row in keyed])
        if attribute.isdecimal():
            return _one_or_all([at_index(row, int(attribute)) for row in rows])
        for half in halves:
            raw = _payload(record["captureData"][half.index])
            if raw is not None and (value := search(raw, attribute, variable_of(role))) is not None:
                return value
        return None

    def label_of(self, event: Any, place: Place) -> Any:
        """Find the label in a record's ground truth; None where the record has none."""
        if not isinstance(event, dict) or event.get("data") is None:
            return None
        encoding, data = str(event.get("encoding", "CSV")).upper(), event["data"]
        if encoding == "CSV" and isinstance(data, str):
            return self._label_in_line(data, place)
        value = parse(data) if isinstance(data, str) else data
        if self.label is not None and isinstance(value, dict | list):
            return find_value(value, self.label, variable_of(LABEL))
        return _only_values(value, place)

    def _label_in_line(self, data: str, place: Place) -> Any:
        plain = data.strip()
        if "," not in plain and '"' not in plain and "\n" not in plain:
            return plain or None
        lines = [split_fields(line) for line in plain.splitlines()]
        if self.label is not None:
            return _one_or_all([_field(line, self.label, LABEL, place) for line in lines])
        if any(len(line) > 1 for line in lines):
            raise InputError(
                f"{place()}: groundTruthData holds {len(lines[0])} columns: {plain[:80]}.",
                "Name the one that is the label by its 0-based index in ground_truth_attribute.",
            )
        return _one_or_all([line[0] for line in lines])


def _side_by_side(halves: Sequence[Half]) -> list[Any]:
    """Give a list of fields for each row of CSV, or a dict of named values."""
    count = max(len(half.rows) for half in halves)
    rows: list[Any] = []
    for i in range(count):
        parts = [half.rows[i] if i < len(half.rows) else half.rows[-1] for half in halves]
        if all(isinstance(part, str) for part in parts):
            rows.append([field for part in parts for field in split_fields(str(part))])
        else:
            rows.append({key: value for part in parts if isinstance(part, Mapping) for key, value in part.items()})
    return rows


def _field(fields: Sequence[str | None], attribute: str, role: str, place: Place) -> str | None:
    try:
        return (fields[place_of(attribute, [f"_c{i}" for i in range(len(fields))], role)] or "").strip() or None
    except InputError:
        line = join_fields([each or "" for each in fields])[:80]
        raise InputError(
            f"{variable_of(role)} is {attribute!r}, but {place()} holds {len(fields)} fields: {line}.",
            f"Payloads of CSV have no names: expected a 0-based index from 0 to {len(fields) - 1}.",
        ) from None


def _one_or_all(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _payload(event: Any) -> Any:
    """Parse a payload for a JMESPath; None where it is no JSON."""
    data = event.get("data") if isinstance(event, dict) else None
    try:
        return parse(data) if isinstance(data, str) else data
    except ValueError:
        return None


def _only_values(value: Any, place: Place) -> Any:
    """Take the only value of each object of a label in JSON, wrapped as it may be."""
    if isinstance(value, dict):
        if len(value) == 1:
            return _only_values(next(iter(value.values())), place)
        raise InputError(
            f"{place()}: groundTruthData holds several values: {', '.join(value)}.",
            "Name the label by its key or JMESPath in ground_truth_attribute.",
        )
    return _one_or_all([_only_values(each, place) for each in value]) if isinstance(value, list) else value


# --- scripts ----------------------------------------------------------------------------------------------------------


def _through_script(
    records: Iterable[dict[str, Any]], reading: Reading, report: PieceReport, extractor: _Extractor
) -> Iterator[Values]:
    """Hand records to the script; a row that it returns without a label keeps the record's."""
    roles, place = reading.roles, report.name_last_record
    assert reading.script is not None
    assert roles is not None
    script = Script(reading.script, _unchanged, report.left_out)
    for raw in records:
        record = CapturedData(raw)
        answer = _answer(script, record, place)
        for row in script.rows(answer, record, place):
            if isinstance(row, _Unchanged):
                yield extractor.values(record.as_dict(), place)
            else:
                label = extractor.label_of(record.as_dict().get("groundTruthData"), place)
                yield _row_values(row, roles, label, place)


class _Unchanged(dict[str, Any]):
    """Stands for the rows of a record that came back as it was."""


def _unchanged(_record: Any) -> Sequence[Row]:
    return (_Unchanged(),)


def _answer(script: Script, record: CapturedData, place: Callable[[], str]) -> Any:
    try:
        return script.call(record)
    except (Exception, SystemExit) as error:
        raise script_error(script.path, error, place()) from error


def _row_values(row: Row, roles: Roles, label: Any, place: Place) -> Values:
    """Pick the columns of a row that a script returned."""
    if isinstance(row, str):
        fields = split_fields(row)
        values = {role: _field(fields, name, role, place) for role, name in asked_for(roles) if role != LABEL}
        return values | {
            LABEL: label if label is not None or not roles.label else _field(fields, roles.label, LABEL, place)
        }
    names = list(row)
    values = {}
    for role, attribute in asked_for(roles):
        if role == LABEL and attribute not in row:
            continue
        try:
            values[role] = row[names[place_of(attribute, names, role)]]
        except InputError as error:
            raise ScriptError(f"{error.message} (a row of the script for {place()})", error.hint) from error
    return {LABEL: label} | values
