"""The state of bias: rows counted by facet, label, prediction and group, in one pass and before types are known.

A column with listed values can turn out to be categorical (a value counts when it is listed) or continuous (when it
is above the only listed value), and which of the two depends on all rows. So each value is put into one of four
classes, listed or not and above or not, and the counts of the classes serve both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analyzer.analysis_config import Column, Scalar
from analyzer.analyzers.codec import StateForm, pack, unpack
from analyzer.analyzers.folded_rows import FoldedRows
from analyzer.analyzers.labels import TRUTH, canonical_label, is_number
from analyzer.analyzers.row_sample import RowSample
from analyzer.analyzers.table import Batch, Domains
from analyzer.analyzers.typed_values import Coded, Codes, Facts, is_missing_text

FORM = StateForm("bias state", "bias run", "MODEL_BIAS")
MOST_VALUES = 1_000
"""Values of a facet without listed values that are set against all others; a facet with more is given up."""
MOST_GROUPS = 100_000
LISTED, ABOVE, CLASSES = 1, 2, 4
"""Bits of a value's class, and how many classes there are."""
LABEL, PREDICTION, GROUP = "label", "prediction", "group"
MOST_CELLS = 1 << 22
"""Cells up to which a batch is counted in a table; with more, keys are sorted."""
Keys = NDArray[np.int64]
_INTERVAL = re.compile(r"\s*([\[(])\s*([^,\s]+)\s*,\s*([^,\s]+)\s*([\])])\s*")


@dataclass(frozen=True, slots=True)
class Listed:
    """A column and the values, or the one threshold, that were listed for it."""

    column: Column
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Divided:
    """A column that divides the rows into segments, each with its values and intervals; the rest is one more."""

    column: Column
    segments: tuple[tuple[Scalar, ...], ...]


@dataclass(frozen=True, slots=True)
class BiasRoles:
    """Which columns are what; picklable. A score above `threshold` predicts 1 where there is no prediction.

    `sampled` rows are kept for the flip test, 0: none.
    """

    label: Listed
    facets: tuple[Listed, ...]
    prediction: Column | None = None
    score: Column | None = None
    threshold: float = 0.5
    group: Column | None = None
    segments: tuple[Divided, ...] = ()
    sampled: int = 0
    seed: int = 0

    @property
    def predicts(self) -> bool:
        return self.prediction is not None or self.score is not None


class Names:
    """Distinct values by their numbers, from 1 on in order of appearance; None where there were too many."""

    __slots__ = ("most", "numbers")

    def __init__(self, most: int) -> None:
        self.most = most
        self.numbers: dict[str, int] | None = {}

    def number(self, texts: Sequence[str]) -> Keys:
        """Give the numbers of values, new ones too; 0 for all once there are too many."""
        if self.numbers is None:
            return np.zeros(len(texts), dtype=np.int64)
        found = np.array([self.numbers.setdefault(text, len(self.numbers) + 1) for text in texts], dtype=np.int64)
        if len(self.numbers) > self.most:
            self.numbers = None
            found[:] = 0
        return found

    def merge(self, other: Names) -> Keys:
        """Take in the values of rows that follow; gives our number of each of theirs, by their number."""
        if other.numbers is None:
            self.numbers = None
        return np.concatenate([[0], self.number(list(other.numbers or ()))]).astype(np.int64)

    def listed(self) -> list[str]:
        return list(self.numbers or ())


class KeyedCounts:
    """Counts by key, few or many: keys are put together whenever those that wait have become as many."""

    __slots__ = ("_counts", "_keys", "_size")

    def __init__(self, keys: Keys | None = None, counts: Keys | None = None) -> None:
        self._keys = [] if keys is None else [keys]
        self._counts = [] if counts is None else [counts]
        self._size = 0 if keys is None else len(keys)

    def add(self, keys: Keys, counts: Keys) -> None:
        self._keys.append(keys)
        self._counts.append(counts)
        if sum(map(len, self._keys)) > 2 * self._size + 16_384:
            self.settled()

    def settled(self) -> tuple[Keys, Keys]:
        """Give the keys in their order, and the count of each."""
        if not self._keys:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        keys, places = np.unique(np.concatenate(self._keys), return_inverse=True)
        counts = np.zeros(len(keys), dtype=np.int64)
        np.add.at(counts, places, np.concatenate(self._counts))
        self._keys, self._counts, self._size = [keys], [counts], len(keys)
        return keys, counts


# A key is, from its upper end: value or class of the facet, class of the label, class of the prediction, group.
_GROUP_BITS, _CLASS_BITS = 24, 2
_FACET_SHIFT = _GROUP_BITS + 2 * _CLASS_BITS


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts taken apart again: for each cell the facet's value or class, the other classes, the group, the count."""

    facet: Keys
    label: Keys
    prediction: Keys
    group: Keys
    count: Keys

    @classmethod
    def of(cls, counts: KeyedCounts) -> Cells:
        keys, found = counts.settled()
        group = keys & ((1 << _GROUP_BITS) - 1)
        prediction = keys >> _GROUP_BITS & (CLASSES - 1)
        label = keys >> (_GROUP_BITS + _CLASS_BITS) & (CLASSES - 1)
        return cls(keys >> _FACET_SHIFT, label, prediction, group, found)


class BiasState(FoldedRows):
    """A mergeable summary of rows for all metrics of bias but the flip test, for which some rows are sampled.

    `facts` are those of each role's column; `values` number what facets without listed values hold, `groups` the
    group variable. `counts` are kept for each facet and each segment of each division, the whole being division -1.
    """

    __slots__ = ("columns", "counts", "facts", "groups", "roles", "sample", "values")

    def __init__(self, roles: BiasRoles) -> None:
        super().__init__()
        self.roles = roles
        self.columns: tuple[str, ...] = ()
        self.facts = {role: Facts() for role in _roles_of(roles)}
        self.groups = Names(MOST_GROUPS)
        self.values = {i: Names(MOST_VALUES) for i, facet in enumerate(roles.facets) if not facet.values}
        self.counts: dict[tuple[int, int, int], KeyedCounts] = {}
        self.sample = RowSample(roles.sampled, roles.seed) if roles.sampled else None

    def update(self, batch: Batch, domains: Domains) -> None:
        """Take in rows; a column that is named and not there counts as missing in them."""
        rows = batch.rows
        self.rows += rows.num_rows
        self.columns = self.columns or tuple(rows.schema.names)
        if self.sample is not None:
            self.sample.update(batch, domains)
        outcome, groups = self._outcome(rows)
        divisions = [(-1, 0, None), *self._divisions(rows)]
        for i, facet in enumerate(self.roles.facets):
            coded = self._coded(rows, facet.column, f"facet {i}", apart=not facet.values)
            classes, numbers = self._facet(i, facet, coded, rows.num_rows)
            for division, segment, chosen in divisions:
                counts = self.counts.setdefault((i, division, segment), KeyedCounts())
                own = (outcome, classes) if chosen is None else (outcome[chosen], classes[chosen])
                _count(counts, *own, numbers, groups)

    def merge(self, other: BiasState) -> None:
        """Take in the state of the rows that follow ours."""
        self.go_on(other)
        self.columns = self.columns or other.columns
        for role, facts in other.facts.items():
            self.facts[role].merge(facts)
        groups = self.groups.merge(other.groups)
        values = {i: self.values[i].merge(names) for i, names in other.values.items()}
        for place, counts in other.counts.items():
            ours = self.counts.setdefault(place, KeyedCounts())
            ours.add(*_renumbered(counts, values.get(place[0]), groups))
        if self.sample is not None and other.sample is not None:
            self.sample.merge(other.sample)

    def cells(self, facet: int, division: int = -1, segment: int = 0) -> Cells:
        """Give the counts of a facet, those of all rows or of a segment."""
        return Cells.of(self._counted((facet, division, segment)))

    def to_bytes(self) -> bytes:
        """Write the state without its sample, compressed, the same bytes for the same state."""
        places = {place: self._counted(place).settled() for place in sorted(self.counts)}
        document = {
            "roles": asdict(self.roles),
            **self.rows_document(),
            "columns": list(self.columns),
            "facts": {role: facts.to_document() for role, facts in self.facts.items()},
            "groups": self.groups.numbers and list(self.groups.numbers),
            "values": {str(i): names.numbers and list(names.numbers) for i, names in self.values.items()},
            "counts": [[*place, pack(keys), pack(counts)] for place, (keys, counts) in places.items()],
        }
        return FORM.pack(document)

    @classmethod
    def from_bytes(cls, content: bytes, where: str = "state") -> BiasState:
        """Read what `to_bytes` wrote.

        Raises BaselineError where it is not such a state.
        """
        return FORM.unpack(content, cls._from_document, where)

    @classmethod
    def _from_document(cls, document: dict[str, Any]) -> BiasState:
        state = cls(_read_roles(document["roles"]))
        state.sample = None
        state.read_rows(document)
        state.columns = tuple(document["columns"])
        state.facts = {role: Facts.from_document(each) for role, each in document["facts"].items()}
        state.groups.numbers = _numbered(document["groups"])
        for i, names in document["values"].items():
            state.values[int(i)].numbers = _numbered(names)
        for facet, division, segment, keys, counts in document["counts"]:
            found = KeyedCounts(unpack(keys, np.int64), unpack(counts, np.int64))
            state.counts[facet, division, segment] = found
        return state

    def _counted(self, place: tuple[int, int, int]) -> KeyedCounts:
        """Give counts without the numbers of values and groups that were given up on the way."""
        counts = self.counts.get(place, KeyedCounts())
        names = self.values.get(place[0])
        dense = names is not None and names.numbers is None
        if not dense and self.groups.numbers is not None:
            return counts
        values = np.zeros(1, dtype=np.int64) if dense else None
        groups = np.zeros(1, dtype=np.int64) if self.groups.numbers is None else None
        return KeyedCounts(*_renumbered(counts, values, groups))

    # --- columns

    def _coded(self, rows: pa.RecordBatch, column: Column, role: str, *, apart: bool = False) -> Coded | None:
        array = find_column(rows, column)
        if array is None:
            self.facts[role].missing += rows.num_rows
            return None
        coded = Coded.of(array, apart=apart)
        self.facts[role].update(coded)
        return coded

    def _outcome(self, rows: pa.RecordBatch) -> tuple[Codes, Keys]:
        """Give for each row one code of label, prediction and group, and the groups that the codes tell apart."""
        values = self.roles.label.values
        label = classes_of(self._coded(rows, self.roles.label.column, LABEL), values, rows.num_rows)
        prediction = np.zeros(rows.num_rows, dtype=np.int64)
        if self.roles.predicts:
            prediction = classes_of(self._predicted(rows), values, rows.num_rows)
        outcome = label * CLASSES + prediction
        if self.roles.group is None:
            return outcome, np.zeros(1, dtype=np.int64)
        coded = self._coded(rows, self.roles.group, GROUP, apart=True)
        if coded is None:
            return outcome, np.zeros(1, dtype=np.int64)
        groups = np.concatenate([[0], self.groups.number(coded.texts())]).astype(np.int64)
        return outcome * len(groups) + coded.codes + 1, groups

    def _predicted(self, rows: pa.RecordBatch) -> Coded | None:
        if self.roles.prediction is not None:
            return self._coded(rows, self.roles.prediction, PREDICTION)
        assert self.roles.score is not None
        scores = find_column(rows, self.roles.score)
        if scores is None:
            self.facts[PREDICTION].missing += rows.num_rows
            return None
        found = predicted_by(scores, self.roles.threshold)
        self.facts[PREDICTION].update(found)
        return found

    def _facet(self, i: int, facet: Listed, coded: Coded | None, rows: int) -> tuple[Codes, Keys]:
        """Give for each row a code of the facet, and the class or number that each code stands for."""
        if facet.values or coded is None:
            return classes_of(coded, facet.values, rows), np.arange(CLASSES)
        return coded.codes + 1, np.concatenate([[0], self.values[i].number(coded.texts())]).astype(np.int64)

    def _divisions(self, rows: pa.RecordBatch) -> list[tuple[int, int, NDArray[np.int64] | None]]:
        found: list[tuple[int, int, NDArray[np.int64] | None]] = []
        for number, divided in enumerate(self.roles.segments):
            segments = _segments(self._coded(rows, divided.column, f"segment {number}"), divided, rows.num_rows)
            for segment in range(len(divided.segments) + 1):
                chosen = np.flatnonzero(segments == segment)
                if len(chosen):
                    found.append((number, segment, chosen))
        return found


def find_column(rows: pa.RecordBatch, column: Column) -> pa.Array | None:
    """Find a column by its name, else by its 0-based index; None where there is none."""
    names = rows.schema.names
    if str(column) in names:
        return rows.column(names.index(str(column)))
    if isinstance(column, str) and not column.isdecimal():
        return None
    return rows.column(int(column)) if int(column) < len(names) else None


def predicted_by(scores: pa.Array, threshold: float) -> Coded:
    """Give the predictions that scores make: 1 above the threshold, else 0, missing where there is no score."""
    coded = Coded.of(scores)
    numbers = np.append(coded.numbers, np.nan)[coded.codes]
    return Coded.of(pa.array((numbers > threshold).astype(np.int64), mask=np.isnan(numbers)))


def _roles_of(roles: BiasRoles) -> list[str]:
    return [
        LABEL,
        PREDICTION,
        GROUP,
        *(f"facet {i}" for i in range(len(roles.facets))),
        *(f"segment {i}" for i in range(len(roles.segments))),
    ]


def _read_roles(document: dict[str, Any]) -> BiasRoles:
    listed = [Listed(each["column"], tuple(each["values"])) for each in (document["label"], *document["facets"])]
    divided = [Divided(each["column"], tuple(map(tuple, each["segments"]))) for each in document["segments"]]
    return BiasRoles(**document | {"label": listed[0], "facets": tuple(listed[1:]), "segments": tuple(divided)})


def _numbered(names: list[str] | None) -> dict[str, int] | None:
    return None if names is None else {name: i + 1 for i, name in enumerate(names)}


# --- classes ----------------------------------------------------------------------------------------------------------


def classes_of(coded: Coded | None, values: tuple[Scalar, ...], rows: int) -> Codes:
    """Give the class of each row's value; what is missing is neither listed nor above."""
    if coded is None:
        return np.zeros(rows, dtype=np.int64)
    classes = _listed(coded, values) * LISTED
    threshold = threshold_of(values)
    if threshold is not None:
        classes += (coded.numbers > threshold) * ABOVE
    return np.append(classes, 0).astype(np.int64)[coded.codes]


def threshold_of(values: tuple[Scalar, ...]) -> float | None:
    """Give the threshold that the values are if the column is continuous: the only one, if it is a number."""
    if len(values) != 1 or not is_number(name := canonical_label(str(values[0]))):
        return None
    return float(name)


def _listed(coded: Coded, values: tuple[Scalar, ...]) -> NDArray[np.int64]:
    names = {canonical_label(str(value)) for value in values}
    if coded.kind is not None:
        numbers = [float(name) for name in names if is_number(name)]
        return np.isin(coded.numbers, numbers).astype(np.int64)
    if names.isdisjoint(TRUTH):  # 1 and 0 are listed for truth values, too
        names |= {truth for truth, number in TRUTH.items() if number in names}
    return np.array([text in names for text in coded.texts()], dtype=np.int64)


def _segments(coded: Coded | None, divided: Divided, rows: int) -> Codes:
    """Give the segment of each row, the first that its value is in; what is in none, or missing, is in the last."""
    rest = len(divided.segments)
    if coded is None:
        return np.full(rows, rest, dtype=np.int64)
    found = np.full(len(coded.values) + 1, rest, dtype=np.int64)
    for segment in reversed(range(rest)):
        found[:-1][_within(coded, divided.segments[segment])] = segment
    return found[coded.codes]


def _within(coded: Coded, segment: tuple[Scalar, ...]) -> NDArray[np.bool_]:
    intervals = [found for each in segment if (found := interval_of(each)) is not None]
    inside = _listed(coded, tuple(each for each in segment if interval_of(each) is None)).astype(bool)
    for low, high, closed_low, closed_high in intervals:
        above = coded.numbers >= low if closed_low else coded.numbers > low
        below = coded.numbers <= high if closed_high else coded.numbers < high
        inside |= above & below
    return inside


def interval_of(value: Scalar) -> tuple[float, float, bool, bool] | None:
    """Read `[1, 4]` or `(0, 40)`: both ends, and whether each belongs to the interval; None for anything else."""
    found = _INTERVAL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        low, high = float(found[2]), float(found[3])
    except ValueError:
        return None
    return None if math.isnan(low) or math.isnan(high) else (low, high, found[1] == "[", found[4] == "]")


# --- counting ---------------------------------------------------------------------------------------------------------


def _count(counts: KeyedCounts, outcome: Codes, facet: Codes, numbers: Keys, groups: Keys) -> None:
    """Count rows by codes that are those of this batch, and put them under keys that are those of the state."""
    spread = len(groups)
    width = CLASSES * CLASSES * spread
    codes = facet * width + outcome
    if len(numbers) * width <= MOST_CELLS:
        table = np.bincount(codes)
        found = np.flatnonzero(table)
        amounts = table[found]
    else:
        found, amounts = np.unique(codes, return_counts=True)
    value, rest = np.divmod(found, width)
    classes, group = np.divmod(rest, spread)
    keys = (numbers[value] << _FACET_SHIFT) | (classes << _GROUP_BITS) | groups[group]
    counts.add(keys, amounts.astype(np.int64))


def _renumbered(counts: KeyedCounts, values: Keys | None, groups: Keys | None) -> tuple[Keys, Keys]:
    """Give counts of another state under our numbers."""
    keys, found = counts.settled()
    group = keys & ((1 << _GROUP_BITS) - 1)
    middle = keys & (((1 << 2 * _CLASS_BITS) - 1) << _GROUP_BITS)
    facet = keys >> _FACET_SHIFT
    own = facet if values is None else _looked_up(values, facet)
    return (own << _FACET_SHIFT) | middle | (group if groups is None else _looked_up(groups, group)), found


def _looked_up(numbers: Keys, found: Keys) -> Keys:
    """Translate numbers; one that is not known any more is that of none."""
    return np.where(found < len(numbers), numbers[np.minimum(found, len(numbers) - 1)], 0)


def number_of_values(column: pa.Array) -> NDArray[np.float64] | None:
    """Give a column as numbers, NaN where it is missing; None where a value is none (a feature of the flip test)."""
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    try:
        found = pc.if_else(is_missing_text(column), None, column) if _is_text(column) else column
        return np.asarray(found.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _is_text(column: Any) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))
