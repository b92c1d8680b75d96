"""The columns that model quality needs, picked from rows of any format and brought to their types."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from analyzer.analyzers.predictions import LABEL, PREDICTION, SCORE, SEGMENT, Roles
from analyzer.analyzers.table import Batch
from analyzer.errors import InputError

NameRecord = Callable[[int], str]
"""Names a record, by its number in the piece, for an error message."""
VARIABLES = {
    LABEL: "ground_truth_attribute",
    PREDICTION: "inference_attribute",
    SCORE: "probability_attribute",
}
MOST_SHOWN = 30
_BY_POSITION = re.compile(r"_c(\d+)", re.ASCII)


def pick_columns(batches: Iterable[Batch], roles: Roles, name_record: NameRecord) -> Iterator[Batch]:
    """Yield the same rows with the columns that the roles name.

    Raises InputError for a column that is not there, and for a number that is none or out of range.
    """
    for batch in batches:
        names = batch.rows.schema.names
        picked = {role: batch.rows.column(place_of(attribute, names, role)) for role, attribute in asked_for(roles)}
        yield typed(picked, batch, roles, name_record)


def asked_for(roles: Roles) -> list[tuple[str, str]]:
    """List role and attribute of every column that is wanted."""
    named = ((LABEL, roles.label), (PREDICTION, roles.prediction), (SCORE, roles.score))
    wanted = [(role, attribute) for role, attribute in named if attribute is not None]
    return [*wanted, *((f"{SEGMENT}{name}", name) for name in roles.segments)]


def variable_of(role: str) -> str:
    return VARIABLES.get(role, "ANALYZER_SEGMENT_COLUMNS")


def place_of(attribute: str, names: Sequence[str], role: str) -> int:
    """Find a column by its name, else by its 0-based index (`3`, or `_c3`).

    Raises InputError that says which columns there are.
    """
    if attribute in names:
        return names.index(attribute)
    found = _BY_POSITION.fullmatch(attribute)
    digits = found.group(1) if found else attribute
    if re.fullmatch(r"\d{1,9}", digits, re.ASCII) and int(digits) < len(names):
        return int(digits)
    raise no_such_column(attribute, names, role)


def no_such_column(attribute: str, names: Sequence[str], role: str) -> InputError:
    shown = ", ".join(names[:MOST_SHOWN]) + (", ..." if len(names) > MOST_SHOWN else "")
    return InputError(
        f"{variable_of(role)} names column {attribute!r}, which is not in the data.",
        f"Expected a name or a 0-based index of: {shown or 'no columns at all'}.",
    )


def typed(picked: dict[str, pa.Array], batch: Batch, roles: Roles, name_record: NameRecord) -> Batch:
    """Make a batch of picked columns: scores, and both sides of a regression, as numbers, missing where not given."""

    def place(row: int) -> str:
        run = batch.runs[bisect_right([run.row for run in batch.runs], row) - 1]
        return name_record(run.record + row - run.row)

    columns = {}
    for role, column in picked.items():
        numeric = role == SCORE or (roles.regression and role in {LABEL, PREDICTION})
        columns[role] = _numbers(column, role, place) if numeric else _texts(column)
    if SCORE in columns:
        _refuse_no_probability(columns[SCORE], place)
    return Batch(pa.record_batch(columns), batch.runs)


def _texts(column: pa.Array) -> pa.Array:
    """Keep labels as they are, without those that are missing: nothing, blanks, or NaN."""
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), None, column)
    if pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
    if not pa.types.is_string(column.type):
        return column if not pa.types.is_null(column.type) else column.cast(pa.string())
    if not pc.any(pc.equal(pc.binary_length(column), 0)).as_py():
        return column
    return pc.if_else(pc.equal(column, ""), None, column)


def _numbers(column: pa.Array, role: str, place: Callable[[int], str]) -> pa.Array:
    try:
        found = _texts(column).cast(pa.float64())
    except pa.ArrowInvalid:
        found = _trimmed_numbers(column, role, place)
    if pc.any(pc.is_nan(found)).as_py():
        found = pc.if_else(pc.is_nan(found), None, found)
    if pc.any(pc.is_inf(found)).as_py():
        row = pc.is_inf(found).fill_null(fill_value=False).to_pylist().index(True)
        raise _no_number(column, row, role, place)
    return found


def _trimmed_numbers(column: pa.Array, role: str, place: Callable[[int], str]) -> pa.Array:
    """Read numbers with blanks around them, one by one.

    Raises InputError for the first that is none.
    """
    values: list[float | None] = []
    for row, text in enumerate(column.cast(pa.string()).to_pylist()):
        try:
            values.append(float(text) if text is not None and text.strip() else None)
        except ValueError:
            raise _no_number(column, row, role, place) from None
    return pa.array(values, pa.float64())


def _no_number(column: pa.Array, row: int, role: str, place: Callable[[int], str]) -> InputError:
    return InputError(
        f"{variable_of(role)}: {str(column[row].as_py())[:80]!r} is no number ({place(row)}).",
        "Name the column that holds the numbers, or mend the record.",
    )


def _refuse_no_probability(scores: pa.Array, place: Callable[[int], str]) -> None:
    bounds = pc.min_max(scores).as_py()
    if bounds["min"] is None or (bounds["min"] >= 0 and bounds["max"] <= 1):
        return
    outside = pc.or_(pc.less(scores, 0), pc.greater(scores, 1)).fill_null(fill_value=False)
    row = outside.to_pylist().index(True)
    raise InputError(
        f"probability_attribute: {scores[row].as_py()} is no probability between 0 and 1 ({place(row)}).",
        "Name the column of the probability; scores on another scale have to be brought to it by a script.",
    )
