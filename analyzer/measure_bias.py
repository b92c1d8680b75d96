"""The state of bias to metrics: types of columns decided, classes put together to two groups, formulas applied."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analyzer.analysis_config import AnalysisConfig, BiasConfig, Column, FacetConfig, Scalar
from analyzer.analyzers.bias_counts import (
    ABOVE,
    GROUP,
    LABEL,
    LISTED,
    MOST_GROUPS,
    MOST_VALUES,
    PREDICTION,
    BiasState,
    Cells,
    classes_of,
    find_column,
    number_of_values,
    predicted_by,
    threshold_of,
)
from analyzer.analyzers.labels import TRUTH, sorted_labels
from analyzer.analyzers.typed_values import TRUE_OR_FALSE, Coded, Facts
from analyzer.checks.bias import Measured
from analyzer.errors import InputError
from analyzer.measures.bias import NO_GROUP, NO_PREDICTION, Counts, Outcomes, Value, metric
from analyzer.measures.flip_test import flip_test

FLIP_TEST = "FT"
NO_THRESHOLD = "Threshold values must be provided for continuous features"
OTHER_TYPE = "Predicted Label Column series datatype is not the same as Label Column series"
RESAMPLES = 1000
WIDTH = 1.959963984540054
"""Standard deviations to each side of a normal interval of 95 %."""
DEFAULT_SEGMENT = "__default__"
Matrix = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Types:
    """How the baseline took the label and the facets, by name; this run takes them the same way."""

    label: str | None = None
    facets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BiasAnalysis:
    """The metrics of all facets and stages, in the order in which they are written.

    `segments` holds the same for each segment, by the names of the division and the segment.
    """

    label: str
    label_text: str
    measured: tuple[Measured, ...]
    segments: tuple[tuple[str, str, tuple[Measured, ...]], ...]
    notes: tuple[str, ...]
    profile: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Group:
    """One sensitive group: how the file and the configuration call it, and which facet codes belong to it."""

    text: str
    told: str
    holds: Callable[[NDArray[np.int64]], NDArray[np.bool_]]
    fault: str | None = None


def measure_bias(state: BiasState, config: AnalysisConfig, types: Types) -> BiasAnalysis:
    """Compute all metrics that are asked for.

    Raises InputError where the column of the label or of a facet is nowhere in the data, or no row has a label.
    """
    return _Measuring(state, config, types).analysis()


class _Measuring:
    """One measuring: what is known of the state while metrics are computed."""

    def __init__(self, state: BiasState, config: AnalysisConfig, types: Types) -> None:
        assert config.bias is not None
        self.state, self.config, self.types = state, config, types
        self.asked: BiasConfig = config.bias
        self.notes: list[str] = []
        self.label_fault: str | None = None
        self._refuse_unmet()
        self._refuse_unlabelled()
        self.label_bit = self._label_bit(LABEL)
        self.prediction_bit = self._prediction_bit()
        self.table = state.sample.table() if state.sample is not None else None

    def analysis(self) -> BiasAnalysis:
        measured: dict[str, list[Measured]] = {"post_training": [], "pre_training": []}
        kinds = {}
        for i, facet in enumerate(self.config.facets):
            kinds[self._name(facet.column)] = self._type_of_facet(i, facet)
            for group in self._groups(i, facet):
                for found in self._measure(i, group, self.state.cells(i), flips=True):
                    measured[found.stage].append(found)
        return BiasAnalysis(
            label=self._name(self.state.roles.label.column),
            label_text=self._text_of(self.state.roles.label.values, LABEL, continuous=self.label_bit == ABOVE),
            measured=(*measured["post_training"], *measured["pre_training"]),
            segments=tuple(self._segments()),
            notes=(*self.notes, *self._missing_notes(), *self._sample_notes()),
            profile=self._profile(kinds),
        )

    # --- columns and their types

    def _name(self, column: Column) -> str:
        if isinstance(column, int) and str(column) not in self.state.columns:
            return self.state.columns[column] if column < len(self.state.columns) else str(column)
        return str(column)

    def _refuse_unmet(self) -> None:
        wanted = [(LABEL, "label", self.state.roles.label.column)]
        wanted += [(f"facet {i}", "facet", facet.column) for i, facet in enumerate(self.config.facets)]
        if self.state.roles.prediction is not None:
            wanted.append((PREDICTION, "predicted_label", self.state.roles.prediction))
        for role, what, column in wanted:
            if not self.state.facts[role].met:
                raise InputError(
                    f"{self.config.where}: {what} names column {column!r}, which is not in the data.",
                    f"Expected a name or a 0-based index of: {', '.join(self.state.columns[:30]) or 'no columns'}.",
                )

    def _refuse_unlabelled(self) -> None:
        if not self.state.facts[LABEL].count:
            raise InputError(
                f"None of the {self.state.rows:,} rows has a label, without which bias is not measured.",
                "Merge captures with labels first; merged records have groundTruthData.",
            )

    def _label_bit(self, role: str) -> int:
        """Tell which bit of a class says that a label is positive."""
        values = self.state.roles.label.values
        told = self.config.label_data_type or self.types.label
        inferred = "continuous" if len(values) == 1 and self.state.facts[role].is_continuous() else "categorical"
        if told is not None and told != inferred and role == LABEL:
            self._differs("label", self._name(self.state.roles.label.column), told, inferred)
        if (told or inferred) == "categorical":
            return LISTED
        if threshold_of(values) is None:
            raise InputError(
                f"{self.config.where}: the label is continuous, and label_values_or_threshold is {list(values)}.",
                "Give one number as threshold, or say label_data_type: categorical.",
            )
        return ABOVE

    def _prediction_bit(self) -> int:
        """As for the label; a prediction that is of another type spoils what is computed of it."""
        if not self.state.roles.predicts or self.config.label_data_type or self.types.label:
            return self.label_bit
        bit = self._label_bit(PREDICTION)
        if bit != self.label_bit:
            self.label_fault = OTHER_TYPE
        return bit

    def _type_of_facet(self, i: int, facet: FacetConfig) -> str:
        name, facts = self._name(facet.column), self.state.facts[f"facet {i}"]
        inferred = "continuous" if len(facet.values) <= 1 and facts.is_continuous() else "categorical"
        told = facet.data_type or self.types.facets.get(name)
        if told is None or (told == "continuous" and facet.values and threshold_of(facet.values) is None):
            return inferred
        if told != inferred:
            self._differs("facet", name, told, inferred)
        return told

    def _differs(self, what: str, name: str, told: str, inferred: str) -> None:
        said = (
            f"The {what} {name} is taken as {told}, as it was told or in the baseline; its values would be {inferred}."
        )
        if said not in self.notes:
            self.notes.append(said)

    def _text_of(self, values: tuple[Scalar, ...], role: str, *, continuous: bool) -> str:
        if not continuous:
            return ",".join(map(str, values))
        return interval_text(values[0], self.state.facts[role].maximum())

    # --- groups

    def _groups(self, i: int, facet: FacetConfig) -> Iterator[_Group]:
        kind = self._type_of_facet(i, facet)
        if kind == "continuous":
            yield self._above(i, facet)
        elif facet.values:
            text = ",".join(map(str, facet.values))
            yield _Group(text, text, lambda codes: codes & LISTED > 0)
        else:
            yield from self._each(i)

    def _above(self, i: int, facet: FacetConfig) -> _Group:
        if not facet.values:
            return _Group("", "", lambda codes: codes < 0, fault=NO_THRESHOLD)
        text = interval_text(facet.values[0], self.state.facts[f"facet {i}"].maximum())
        return _Group(text, str(facet.values[0]), lambda codes: codes & ABOVE > 0)

    def _each(self, i: int) -> Iterator[_Group]:
        """Set each value against all others, in the order in which they appeared."""
        names = self.state.values[i]
        if names.numbers is None:
            fault = f"There are more than {MOST_VALUES:,} values; list those of the sensitive group"
            yield _Group("", "", lambda codes: codes < 0, fault=fault)
            return
        for text, number in names.numbers.items():
            shown = text.capitalize() if self._is_truth(i) and text in TRUTH else text
            yield _Group(shown, shown, lambda codes, number=number: codes == number)  # type: ignore[misc]

    def _is_truth(self, i: int) -> bool:
        return self.state.facts[f"facet {i}"].kinds == {TRUE_OR_FALSE}

    # --- metrics

    def _measure(self, i: int, group: _Group, cells: Cells, *, flips: bool) -> Iterator[Measured]:
        counts, matrix = self._counts(cells, group)
        facet = self._name(self.config.facets[i].column)
        if flips and not group.fault:
            self._note_nobody(f"is in the sensitive group {group.text} of {facet}", counts.d.rows)
            self._note_nobody("has a positive label", counts.a.labels[1] + counts.d.labels[1])
        for stage, names in (("post_training", self._post_training()), ("pre_training", self.asked.pre_training)):
            if not names:
                continue
            fault = group.fault or self._fault(stage, counts)
            found: dict[str, Value] = {}
            for name in sorted(names):
                if fault is not None:
                    found[name] = fault
                elif name == FLIP_TEST:
                    found[name] = self._flip_test(i, group, flips=flips)
                else:
                    found[name] = metric(name, counts)
            intervals = self._intervals(found, matrix, counts)
            yield Measured(stage, facet, group.text, group.told, found, intervals)

    def _note_nobody(self, what: str, rows: int) -> None:
        if not rows and (said := f"No row {what}.") not in self.notes:
            self.notes.append(said)

    def _post_training(self) -> tuple[str, ...]:
        return self.asked.post_training if self.state.roles.predicts else ()

    def _fault(self, stage: str, counts: Counts) -> str | None:
        if stage == "pre_training":
            return None
        nobody = not counts.a.predictions[1] + counts.d.predictions[1]
        return self.label_fault or (NO_PREDICTION if nobody else None)

    def _counts(self, cells: Cells, group: _Group) -> tuple[Counts, Matrix]:
        """Put cells together: a row for each stratum, and eight columns by facet, label and prediction."""
        sensitive = group.holds(cells.facet).astype(np.int64)
        label, prediction = cells.label & self.label_bit > 0, cells.prediction & self.prediction_bit > 0
        places = sensitive * 4 + label * 2 + prediction
        order = self._order_of_groups()
        matrix = np.zeros((len(order) + 1, 8), dtype=np.int64)
        rows = np.zeros(max(order, default=0) + 1, dtype=np.int64)
        rows[list(order)] = np.arange(1, len(order) + 1)
        np.add.at(matrix, (rows[cells.group], places), cells.count)
        return self._told_apart(matrix), matrix

    def _order_of_groups(self) -> list[int]:
        numbers = self.state.groups.numbers or {}
        return [numbers[name] for name in sorted_labels(numbers)]

    def _told_apart(self, matrix: Matrix) -> Counts:
        crowded = f"Group variable has more than {MOST_GROUPS:,} values"
        return counts_of(matrix, crowded if self.state.groups.numbers is None else NO_GROUP)

    def _flip_test(self, i: int, group: _Group, *, flips: bool) -> Value:
        if self.asked.skip_flip_test:
            return "FlipTest was skipped, as skip_flip_test asks"
        if not flips:
            return "FlipTest is computed for all rows together only"
        if self.table is None:
            return "FlipTest needs rows, which states of earlier runs do not hold"
        return self._flipped(i, group, self.table)

    def _flipped(self, i: int, group: _Group, table: pa.Table) -> Value:
        rows = table.to_batches()[0] if table.num_rows else pa.RecordBatch.from_pylist([])
        facet, roles = self.config.facets[i], self.state.roles
        codes = self._codes(i, rows)
        predicted = self._predicted(rows)
        left = [facet.column, roles.label.column, roles.prediction, roles.score, *self.config.excluded_columns]
        dropped = {self._name(column) for column in left if column is not None}
        columns = [number_of_values(rows.column(name)) for name in rows.schema.names if name not in dropped]
        numbers = [column for column in columns if column is not None]
        features = np.column_stack(numbers) if numbers and len(numbers) == len(columns) else None
        return flip_test(features, group.holds(codes), predicted)

    def _codes(self, i: int, rows: pa.RecordBatch) -> NDArray[np.int64]:
        facet = self.config.facets[i]
        array = find_column(rows, facet.column)
        coded = None if array is None else Coded.of(array, apart=not facet.values)
        if facet.values or coded is None:
            return classes_of(coded, facet.values, rows.num_rows)
        known = self.state.values[i].numbers or {}
        return np.array([*(known.get(text, 0) for text in coded.texts()), 0], dtype=np.int64)[coded.codes]

    def _predicted(self, rows: pa.RecordBatch) -> NDArray[np.bool_]:
        roles = self.state.roles
        column = roles.prediction if roles.prediction is not None else roles.score
        assert column is not None
        array = find_column(rows, column)
        if array is None:
            coded = None
        else:
            coded = Coded.of(array) if roles.prediction is not None else predicted_by(array, roles.threshold)
        return classes_of(coded, roles.label.values, rows.num_rows) & self.prediction_bit > 0

    # --- intervals

    def _intervals(self, found: Mapping[str, Value], matrix: Matrix, counts: Counts) -> dict[str, tuple[float, float]]:
        """Resample the rows, which is resampling their counts, and give the normal interval of each metric."""
        total = int(matrix.sum())
        names = [name for name, value in found.items() if name != FLIP_TEST and not isinstance(value, str)]
        if self.asked.violation_rule != "bootstrap" or not total or not names:
            return {}
        generator = np.random.default_rng(self.asked.seed)
        drawn = generator.multinomial(total, matrix.ravel() / total, size=RESAMPLES)
        resampled = [counts_of(each.reshape(matrix.shape), counts.no_strata) for each in drawn]
        values = {name: [metric(name, each) for each in resampled] for name in names}
        return {name: interval for name in names if (interval := _normal_interval(float(found[name]), values[name]))}

    # --- segments, notes and profile

    def _segments(self) -> Iterator[tuple[str, str, tuple[Measured, ...]]]:
        for number, segment in enumerate(self.config.segments):
            for place in range(len(segment.segments) + 1):
                found = [
                    each
                    for i, facet in enumerate(self.config.facets)
                    for group in self._groups(i, facet)
                    for each in self._measure(i, group, self.state.cells(i, number, place), flips=False)
                ]
                ordered = sorted(found, key=lambda each: each.stage)
                yield segment.name or self._name(segment.column), _segment_name(segment, place), tuple(ordered)

    def _missing_notes(self) -> Iterator[str]:
        named = {LABEL: "label", PREDICTION: "predicted label", GROUP: "group variable"}
        named |= {f"facet {i}": f"facet {self._name(each.column)}" for i, each in enumerate(self.config.facets)}
        for role, what in named.items():
            facts = self.state.facts[role]
            if facts.missing and (facts.met or role != GROUP):
                taken = "left out of the strata" if role == GROUP else "negative, or not in the sensitive group"
                yield f"{facts.missing:,} rows have no {what}; they count as {taken}."
        if self.state.roles.group is not None and not self.state.facts[GROUP].met:
            yield f"group_variable names column {self.state.roles.group!r}, which is not in the data."

    def _sample_notes(self) -> Iterator[str]:
        sample = self.state.sample
        if sample is not None and sample.rows > sample.most:
            yield (
                f"The flip test looked at a sample of {sample.most:,} of {sample.rows:,} rows, drawn evenly "
                f"with seed {sample.seed}."
            )

    def _profile(self, kinds: Mapping[str, str]) -> Mapping[str, Any]:
        state = self.state
        facets = {
            self._name(each.column): _facts_document(state.facts[f"facet {i}"], kinds[self._name(each.column)])
            for i, each in enumerate(self.config.facets)
        }
        bits = {LISTED: "categorical", ABOVE: "continuous"}
        sample = state.sample
        return {
            "files": state.files,
            "violation_rule": self.asked.violation_rule,
            "label": _facts_document(state.facts[LABEL], bits[self.label_bit]),
            "predicted_label": _facts_document(state.facts[PREDICTION], bits[self.prediction_bit])
            if state.roles.predicts
            else None,
            "facets": facets,
            "groups": len(state.groups.listed()) if state.roles.group is not None else None,
            "flip_test_rows": None if sample is None else min(sample.most, sample.rows),
        }


def counts_of(matrix: Matrix, no_strata: str = NO_GROUP) -> Counts:
    """Make counts of a matrix: the first row holds what is in no stratum, each other row a stratum."""
    whole = matrix.sum(axis=0).tolist()
    strata = [_sides(row) for row in matrix[1:].tolist() if any(row)]
    counts = Counts.of(*_sides(whole), strata or None)
    return Counts(counts.a, counts.d, counts.strata, no_strata)


def _sides(row: Sequence[int]) -> tuple[Outcomes, Outcomes]:
    return (row[0], row[1], row[2], row[3]), (row[4], row[5], row[6], row[7])


def interval_text(threshold: Scalar, high: float | None) -> str:
    """Write what lies above a threshold as pandas writes an interval, up to the largest number of the data."""
    low = threshold if isinstance(threshold, int | float) else float(threshold)
    if isinstance(low, int) and isinstance(high, int):
        return f"({low}, {high}]"
    return f"({float(low)}, {math.nan if high is None else float(high)}]"


def _normal_interval(value: float, resampled: Sequence[Value]) -> tuple[float, float] | None:
    """Give value +/- 1.96 standard deviations; None where the figures are not finite, or too few are."""
    finite = [each for each in resampled if not isinstance(each, str) and math.isfinite(each)]
    if not math.isfinite(value) or 2 * len(finite) < len(resampled):
        return None
    spread = WIDTH * float(np.std(finite, ddof=1))
    return value - spread, value + spread


def _segment_name(segment: Any, place: int) -> str:
    if place < len(segment.aliases):
        return str(segment.aliases[place])
    return ",".join(map(str, segment.segments[place])) if place < len(segment.segments) else DEFAULT_SEGMENT


def _facts_document(facts: Facts, kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "count": facts.count,
        "missing": facts.missing,
        "distinct": facts.distinct.estimate() if facts.is_whole and facts.count else None,
        "maximum": facts.maximum(),
    }
