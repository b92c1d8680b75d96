"""Partitions to one mergeable state, and the state to statistics and profiles."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from analyzer.analyzers.column import ColumnState
from analyzer.analyzers.evidence import Place
from analyzer.analyzers.kll import buckets_of, quantiles_of, weighted_values
from analyzer.analyzers.predictions import PredictionState
from analyzer.analyzers.table import Batch, Domains, TableState
from analyzer.analyzers.value_counts import SHOWN
from analyzer.documents import (
    NULL_VALUE,
    Analysis,
    FeatureProfile,
    FeatureStatistics,
    NumericalStatistics,
    Sketch,
    Statistics,
    StringStatistics,
    TopValues,
    TypeCounts,
)
from analyzer.errors import AnalyzerError
from analyzer.infer_type import MOST_DOMAIN_VALUES, type_of
from analyzer.install_requirements import has_requirements, install_requirements
from analyzer.jsonlayout import java_double
from analyzer.order_values import scala_order
from analyzer.read import Partition, fetching_ahead, read_piece, restarted
from analyzer.readers.batches import coalesce
from analyzer.readers.reading import PieceReport, Reading
from analyzer.start_arrow import start_arrow_alone
from analyzer.stores.peers import Peers, reach_peers

GROUP = 16
"""Partitions whose states are merged before they go further: the shape of the tree is the number of partitions'."""
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


# --- folding ----------------------------------------------------------------------------------------------------------


class State(Protocol):
    """What one pass leaves of the rows: the states of all analyses fold and merge alike."""

    rows: int
    files: int
    left_out: Counter[str]
    tail: Place

    def update(self, batch: Batch, domains: Domains, /) -> None: ...

    def merge(self, other: Any, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Task:
    """What every task of a job needs to know; picklable. `peers` are the hosts whose files it reads, if several.

    `blank` makes the empty state of an analysis other than that of data or model quality.
    """

    reading: Reading
    domains: Domains
    peers: Peers | None = None
    blank: Callable[[], State] | None = None

    def new_state(self) -> State:
        """Make the empty state of the analysis: that of a table, or of predictions where their roles are given."""
        if self.blank is not None:
            return self.blank()
        return TableState() if self.reading.roles is None else PredictionState(self.reading.roles)


@dataclass(frozen=True, slots=True)
class QuoteReport:
    """What a piece of a file does to the quoting state, and the state it was taken to begin in."""

    path: str
    start: int
    end: int
    began: bool
    ends: tuple[bool, bool]


@dataclass(slots=True)
class Folded:
    """The state of some neighbouring partitions, or why there is none."""

    first: int
    last: int
    state: State
    quotes: list[QuoteReport]
    error: AnalyzerError | None = None


Fold = Callable[[Sequence[Partition]], list[Folded]]
"""An engine: folds partitions in groups of neighbours and returns the groups in order."""


def fold_partition(partition: Partition, task: Task) -> Folded:
    """Read a partition and fold its rows; a fault of the data comes back as `error`, with the quoting states."""
    folded = Folded(partition.index, partition.index, task.new_state(), [])
    try:
        _prepare(partition, task)
        fold_batches(_batches(partition, task.reading, folded), task, folded.state)
    except AnalyzerError as error:
        folded.error = error
    return folded


def read_rows(partition: Partition, task: Task) -> Iterator[Batch]:
    """Read the rows of a partition that was folded before, the same ones in the same order."""
    _prepare(partition, task)
    return coalesce(_batches(partition, task.reading, Folded(partition.index, partition.index, task.new_state(), [])))


def _prepare(partition: Partition, task: Task) -> None:
    script = task.reading.script
    if script:
        random.seed(f"{task.reading.seed}:{partition.index}")
    reach_peers(task.peers)
    start_arrow_alone(script)
    if script and task.reading.requirements and has_requirements(script):
        install_requirements(script)


def fold_batches(batches: Iterable[Batch], task: Task, state: State) -> None:
    for batch in coalesce(batches):
        if batch.rows.num_rows:
            state.update(batch, task.domains)


def _batches(partition: Partition, reading: Reading, folded: Folded) -> Iterator[Batch]:
    with fetching_ahead(partition, reading.dataset_format):
        for piece in partition.pieces:
            report = PieceReport(piece)
            try:
                yield from read_piece(piece, reading, report)
            finally:
                quotes = QuoteReport(piece.path, piece.start, piece.end, piece.in_quotes, report.quote_ends)
                folded.quotes.append(quotes)
            folded.state.left_out.update(report.left_out)
            folded.state.files += piece.start == 0
            folded.state.tail = (piece.path, report.records)


def merge_folded(parts: Iterable[Folded]) -> Folded:
    """Merge neighbours from left to right; the first fault is kept."""
    merged: Folded | None = None
    for part in parts:
        if merged is None:
            merged = part
            continue
        merged.last = part.last
        merged.quotes += part.quotes
        merged.error = merged.error or part.error
        if merged.error is None:
            merged.state.merge(part.state)
    assert merged is not None
    return merged


def grouped(partitions: Sequence[Partition]) -> list[Sequence[Partition]]:
    return [partitions[i : i + GROUP] for i in range(0, len(partitions), GROUP)]


def fold_all(partitions: Sequence[Partition], fold: Fold) -> State:
    """Fold all partitions and merge their states in order; see `fold_settled`."""
    return fold_settled(partitions, fold)[0]


def fold_settled(partitions: Sequence[Partition], fold: Fold) -> tuple[State, list[Partition]]:
    """Fold all partitions, merge their states in order, and tell how the partitions are to be read from now on.

    Pieces of one file are read at the same time, each as if it began outside quotes; where that proves wrong, the
    groups concerned are folded again with what is now known. Raises the first fault of the data in reading order.
    """
    groups = fold(partitions)
    wrong = _wrong_states([report for group in groups for report in group.quotes])
    if wrong:
        again = [i for i, group in enumerate(groups) if any((q.path, q.start) in wrong for q in group.quotes)]
        mended = {g: fold([restarted(p, wrong) for p in grouped(partitions)[g]])[0] for g in again}
        groups = [mended.get(i, group) for i, group in enumerate(groups)]
    return merge_all(groups), [restarted(partition, wrong) for partition in partitions]


def merge_all(groups: Sequence[Folded]) -> State:
    """Merge the states of all groups in order.

    Raises the first fault of the data in reading order.
    """
    for group in groups:
        if group.error is not None:
            raise group.error
    return merge_folded(groups).state if groups else TableState()


def _wrong_states(reports: Sequence[QuoteReport]) -> Mapping[tuple[str, int], bool]:
    """Follow each file from piece to piece and return the pieces that begin inside quotes.

    Pieces end in a state of their own whichever they began in, so one look at all of them tells where each begins.
    """
    wrong: dict[tuple[str, int], bool] = {}
    path, inside = "", False
    for report in reports:
        if report.path != path:
            path, inside = report.path, False
        if inside != report.began:
            wrong[report.path, report.start] = inside
        inside = report.ends[inside]
    return wrong


# --- finishing --------------------------------------------------------------------------------------------------------


def finish_analysis(state: TableState, domains: Domains, compatibility: str, *, evidence: bool = True) -> Analysis:
    """Turn a state into statistics.json's figures and the profiles behind them, columns in the state's order."""
    corrected = compatibility == "corrected"
    return Analysis(
        Statistics(
            state.rows,
            tuple(_statistics(name, column, state.rows, corrected=corrected) for name, column in state.columns.items()),
        ),
        tuple(_profile(name, column, domains, evidence=evidence) for name, column in state.columns.items()),
    )


def _statistics(name: str, column: ColumnState, rows: int, *, corrected: bool) -> FeatureStatistics:
    kind = type_of(column.kinds)
    numeric = kind in {"Integral", "Fractional"} and column.moments.count > 0
    if kind in {"Integral", "Fractional"} and not numeric:
        kind = "String"  # digits that no parser takes, such as "- 5" alone
    present = rows - column.missing
    return FeatureStatistics(
        name=name,
        inferred_type=kind,
        num_present=present,
        num_missing=column.missing,
        completeness=present / rows if rows else 0.0,
        numerical=_numerical(column, corrected=corrected) if numeric else None,
        string=None if numeric else _string(name, column),
    )


def _numerical(column: ColumnState, *, corrected: bool) -> NumericalStatistics:
    moments, sketch = column.moments, column.numbers.sketch()
    return NumericalStatistics(
        mean=moments.mean(),
        sum=moments.total,
        std_dev=moments.std_dev(),
        min=moments.low,
        max=moments.high,
        buckets=buckets_of(sketch, moments.low, moments.high, closed_at_maximum=corrected),
        sketch=sketch,
        approximate_num_distinct_values=column.distinct.estimate(),
    )


def _string(name: str, column: ColumnState) -> StringStatistics:
    distinct = column.distinct.estimate()
    counts = column.counts
    if not column.kinds.any() or distinct > MOST_DOMAIN_VALUES or not counts.exact:
        return StringStatistics(float(distinct), None)
    values = dict(counts.counts)
    if column.missing:
        values[NULL_VALUE] = values.get(NULL_VALUE, 0) + column.missing
    return StringStatistics(float(distinct), tuple((value, values[value]) for value in scala_order(name, list(values))))


def _profile(name: str, column: ColumnState, domains: Domains, *, evidence: bool) -> FeatureProfile:
    kind = type_of(column.kinds)
    numeric = kind in {"Integral", "Fractional"} and column.moments.count > 0
    sketch = column.numbers.sketch()
    integral, fractional, boolean, string = (int(count) for count in column.kinds)
    top = _top_values(column, sketch if numeric else None)
    return FeatureProfile(
        name=name,
        type_counts=TypeCounts(integral, fractional, boolean, string, column.missing),
        empty=column.empty,
        nan=column.nan,
        infinite=column.infinite + (0 if string else column.overflowed),
        lengths=(column.length[0], column.length[1] / column.length[2], column.length[3]) if column.length else None,
        quantiles=quantiles_of(sketch, QUANTILES) if numeric else None,
        top_values=top if evidence else TopValues((), top.exact, top.counted_rows),
        outside_domain=_outside(name, column, domains),
        evidence=column.sightings.evidence(examples=evidence),
    )


def _top_values(column: ColumnState, sketch: Sketch | None) -> TopValues:
    """List the most frequent values; those of a numeric column with many are estimated from its sketch."""
    if column.counts.exact or sketch is None:
        return column.counts.top()
    values, weights = weighted_values(sketch)
    starts = np.flatnonzero(np.diff(values, prepend=-np.inf))
    counts = np.add.reduceat(weights, starts)
    ranked = np.argsort(-counts, kind="stable")[:SHOWN]
    top = zip(values[starts][ranked].tolist(), counts[ranked].tolist(), strict=True)
    return TopValues(
        tuple((java_double(value), count) for value, count in top), exact=False, counted_rows=int(weights.sum())
    )


def _outside(name: str, column: ColumnState, domains: Domains) -> int | None:
    """Count values outside the domain; of a column that was renamed after reading, from the counts of its values."""
    domain = domains.get(name)
    if domain is None:
        return None
    counts = column.counts
    if column.outside and not counts.exact:
        return column.outside
    outside = sum(count for value, count in counts.counts.items() if value not in domain)
    return outside if counts.exact else round(outside / max(counts.counted, 1) * int(column.kinds.sum()))
