"""The state of model quality: labels met with predictions and scores, for all rows and for each segment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analyzer.analyzers.codec import StateForm
from analyzer.analyzers.folded_rows import FoldedRows
from analyzer.analyzers.labels import canonical_label, truth_as_numbers
from analyzer.analyzers.residuals import Residuals
from analyzer.analyzers.scores import MOST_DISTINCT, ScoreCounts
from analyzer.analyzers.table import Batch, Domains
from analyzer.errors import InputError

FORM = StateForm("model-quality state", "model-quality run", "MODEL_QUALITY")
LABEL, PREDICTION, SCORE, SEGMENT = "label", "prediction", "score", "segment:"
"""Names of the columns that the state is given; those of segments have the attribute behind them."""
MOST_CLASSES = 1_000
MOST_SEGMENTS = 1_000
"""Values of a segment column that are kept apart; a column with more is no segment column."""
MOST_SCORES_OF_SEGMENT = 100_000
MISSING_SEGMENT = "(missing)"
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Roles:
    """Which columns are what, by name, 0-based index or JMESPath; picklable.

    `label` is None where it is the only value of a record's ground truth. A score above `threshold` predicts the
    positive class where there is no predicted label.
    """

    label: str | None
    prediction: str | None
    score: str | None
    segments: tuple[str, ...] = ()
    regression: bool = False
    threshold: float = 0.5


class Classes:
    """Counts of a classification: rows by (label, predicted label), and of scores by label.

    `above` counts by label the rows whose score is above and not above the threshold; `unlabelled` holds the scores
    of rows without a label, from which performance is estimated.
    """

    __slots__ = ("above", "most", "pairs", "scores", "unlabelled")

    def __init__(self, most: int = MOST_DISTINCT) -> None:
        self.most = most
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.above: dict[str, list[int]] = {}
        self.scores: dict[str, ScoreCounts] = {}
        self.unlabelled = ScoreCounts(most)

    @property
    def rows(self) -> int:
        return sum(self.pairs.values()) or sum(map(sum, self.above.values()))

    def count_pairs(self, labels: _Coded, predictions: _Coded) -> None:
        width = len(predictions.names)
        found = np.bincount(labels.codes * width + predictions.codes, minlength=len(labels.names) * width)
        for code in np.flatnonzero(found).tolist():
            pair = labels.names[code // width], predictions.names[code % width]
            self.pairs[pair] += int(found[code])
        self._refuse_many()

    def count_scores(self, labels: _Coded, scores: NDArray[np.float64], threshold: float) -> None:
        for code, name in enumerate(labels.names):
            own = scores[labels.codes == code]
            if len(own):
                self._add_scores(name, own, int((own > threshold).sum()))
        self._refuse_many()

    def merge(self, other: Classes) -> None:
        self.pairs.update(other.pairs)
        for name, (above, below) in other.above.items():
            ours = self.above.setdefault(name, [0, 0])
            ours[0] += above
            ours[1] += below
        for name, scores in other.scores.items():
            self.scores.setdefault(name, ScoreCounts(self.most)).merge(scores)
        self.unlabelled.merge(other.unlabelled)
        self._refuse_many()

    def labels(self) -> set[str]:
        return {label for label, _ in self.pairs} | set(self.above)

    def predicted(self) -> set[str]:
        return {predicted for _, predicted in self.pairs}

    def called(self) -> dict[str, str]:
        """Give what each label and predicted label is called beside the others."""
        return truth_as_numbers(self.labels() | self.predicted())

    def to_document(self) -> dict[str, Any]:
        return {
            "pairs": [[label, predicted, count] for (label, predicted), count in sorted(self.pairs.items())],
            "above": dict(sorted(self.above.items())),
            "scores": {name: scores.to_document() for name, scores in sorted(self.scores.items())},
            "unlabelled": self.unlabelled.to_document(),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any], most: int = MOST_DISTINCT) -> Classes:
        classes = cls(most)
        classes.pairs = Counter({(label, predicted): count for label, predicted, count in document["pairs"]})
        classes.above = {name: list(counts) for name, counts in document["above"].items()}
        classes.scores = {name: ScoreCounts.from_document(each, most) for name, each in document["scores"].items()}
        classes.unlabelled = ScoreCounts.from_document(document["unlabelled"], most)
        return classes

    def _add_scores(self, name: str, scores: NDArray[np.float64], above: int) -> None:
        counts = self.above.setdefault(name, [0, 0])
        counts[0] += above
        counts[1] += len(scores) - above
        if name not in self.scores:
            self.scores[name] = ScoreCounts(self.most)
        self.scores[name].update(scores)

    def _refuse_many(self) -> None:
        for what, found in (("labels", self.labels()), ("predicted labels", self.predicted())):
            if len(found) > MOST_CLASSES:
                raise InputError(
                    f"There are more than {MOST_CLASSES:,} different {what}, such as {', '.join(sorted(found)[:3])}.",
                    "Name the column of the class as attribute, or set problem_type to Regression.",
                )


@dataclass(frozen=True, slots=True)
class _Coded:
    """A column of labels: `codes` into their canonical `names`."""

    codes: Codes
    names: list[str]

    def of(self, rows: NDArray[Any]) -> _Coded:
        return _Coded(self.codes[rows], self.names)


class PredictionState(FoldedRows):
    """A mergeable summary of predictions and their labels, with the operations of a table's state.

    `rows` are all rows read, `figures` summarise those that have all that is asked for, and `segments` the same by
    the values of each segment column. `dense` segment columns are those that were given up for too many values.
    """

    __slots__ = ("figures", "roles", "segments")

    def __init__(self, roles: Roles) -> None:
        super().__init__()
        self.roles = roles
        self.figures: Classes | Residuals = self._new_figures()
        self.segments: dict[str, dict[str, Classes | Residuals] | None] = {name: {} for name in roles.segments}

    def update(self, batch: Batch, _domains: Domains) -> None:
        """Take in rows with the columns `label`, `prediction` and `score`, as far as the roles name them."""
        rows = batch.rows
        self.rows += rows.num_rows
        taken = _Taken.of(rows, self)
        taken.add_to(self.figures, np.arange(taken.rows), self.roles)
        for name in self.roles.segments:
            self._update_segment(name, taken.texts(rows.column(f"{SEGMENT}{name}")), taken)

    def merge(self, other: PredictionState) -> None:
        """Take in the state of the rows that follow ours."""
        self.figures.merge(other.figures)  # type: ignore[arg-type]
        for name, theirs in other.segments.items():
            self._merge_segments(name, theirs)
        self.go_on(other)

    def merge_late(self, late: PredictionState, *, waits: bool) -> None:
        """Take in rows whose labels came late; where ours `waits` for labels, they are counted here already.

        That is to be told before the first of several late states: the last row may have its label after one of them.
        What the late state says of rows without a label or a prediction is of no account: ours knows of them. Raises
        InputError where more rows have got a label than were without one.
        """
        if waits:
            self._stop_waiting(late)
        else:
            self.rows += late.figures.rows
            self.files += late.files
        if isinstance(late.figures, Classes):
            late.figures.unlabelled = ScoreCounts(late.figures.most)
        self.figures.merge(late.figures)  # type: ignore[arg-type]
        for name, theirs in late.segments.items():
            self._merge_segments(name, theirs)

    def _stop_waiting(self, late: PredictionState) -> None:
        labelled, waiting = late.figures.rows, self.left_out["missing_labels"]
        cure = "Late states are to hold only rows whose labels had not come; merge captures with the new labels alone."
        if labelled > waiting:
            raise InputError(f"{labelled:,} rows have got a label, but only {waiting:,} were without one.", cure)
        self.left_out["missing_labels"] -= labelled
        if isinstance(self.figures, Classes) and isinstance(late.figures, Classes):
            try:
                for scores in late.figures.scores.values():
                    self.figures.unlabelled.remove(scores)
            except ValueError as error:
                raise InputError(f"The late rows are not those that were without a label: {error}.", cure) from error

    def to_bytes(self) -> bytes:
        """Write the state, compressed, the same bytes for the same state."""
        document = {
            "roles": _roles_document(self.roles),
            **self.rows_document(),
            "figures": self.figures.to_document(),
            "segments": {
                name: None if found is None else {value: found[value].to_document() for value in sorted(found)}
                for name, found in self.segments.items()
            },
        }
        return FORM.pack(document)

    @classmethod
    def from_bytes(cls, content: bytes, where: str = "state") -> PredictionState:
        """Read what `to_bytes` wrote.

        Raises BaselineError where it is not such a state.
        """
        return FORM.unpack(content, cls._from_document, where)

    @classmethod
    def _from_document(cls, document: dict[str, Any]) -> PredictionState:
        state = cls(Roles(**document["roles"] | {"segments": tuple(document["roles"]["segments"])}))
        state.read_rows(document)
        state.figures = state._read_figures(document["figures"], MOST_DISTINCT)
        for name, found in document["segments"].items():
            read = state._read_figures
            state.segments[name] = (
                None if found is None else {value: read(each, MOST_SCORES_OF_SEGMENT) for value, each in found.items()}
            )
        return state

    def _read_figures(self, document: dict[str, Any], most: int) -> Classes | Residuals:
        return Residuals.from_document(document) if self.roles.regression else Classes.from_document(document, most)

    def _new_figures(self, most: int = MOST_DISTINCT) -> Classes | Residuals:
        return Residuals() if self.roles.regression else Classes(most)

    def _update_segment(self, name: str, values: list[str], taken: _Taken) -> None:
        found = self.segments[name]
        if found is None or not values:
            return
        known, codes = np.unique(np.array(values, dtype=object), return_inverse=True)
        if len(known) > MOST_SEGMENTS:
            self.segments[name] = None
            return
        order = np.argsort(codes, kind="stable")
        for value, rows in zip(known.tolist(), np.split(order, np.cumsum(np.bincount(codes))[:-1]), strict=True):
            taken.add_to(found.setdefault(value, self._new_figures(MOST_SCORES_OF_SEGMENT)), rows, self.roles)
        self._give_up_many(name)

    def _merge_segments(self, name: str, theirs: dict[str, Classes | Residuals] | None) -> None:
        ours = self.segments.get(name)
        if ours is None or theirs is None:
            self.segments[name] = None
            return
        for value, figures in theirs.items():
            ours.setdefault(value, self._new_figures(MOST_SCORES_OF_SEGMENT)).merge(figures)  # type: ignore[arg-type]
        self._give_up_many(name)

    def _give_up_many(self, name: str) -> None:
        if len(self.segments[name] or ()) > MOST_SEGMENTS:
            self.segments[name] = None


@dataclass(frozen=True, slots=True)
class _Taken:
    """The rows of a batch that count, as arrays; `kept` marks them among the batch's, None: all of them."""

    rows: int
    kept: pa.Array | None
    labels: Any = None
    predictions: Any = None
    scores: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, rows: pa.RecordBatch, state: PredictionState) -> _Taken:
        roles = state.roles
        columns = {name: rows.column(name) for name in (LABEL, PREDICTION, SCORE) if name in rows.schema.names}
        present = {name: column.is_valid() for name, column in columns.items()}
        state.left_out["missing_predictions"] += _missing(rows, present, PREDICTION, SCORE)
        guessed = [present[name] for name in (PREDICTION, SCORE) if name in present]
        usable = guessed[0] if len(guessed) == 1 else pc.and_(*guessed)
        unlabelled = pc.and_(usable, pc.invert(present[LABEL]))
        state.left_out["missing_labels"] += int(pc.sum(unlabelled).as_py() or 0)
        if isinstance(state.figures, Classes) and SCORE in columns:
            state.figures.unlabelled.update(_floats(columns[SCORE].filter(unlabelled)))
        kept = pc.and_(usable, present[LABEL])
        if pc.all(kept).as_py():
            kept = None
        chosen = columns if kept is None else {name: column.filter(kept) for name, column in columns.items()}
        return cls._typed(len(chosen[LABEL]), kept, chosen, roles)

    @classmethod
    def _typed(cls, rows: int, kept: pa.Array | None, columns: dict[str, pa.Array], roles: Roles) -> _Taken:
        if roles.regression:
            return cls(rows, kept, _floats(columns[LABEL]), _floats(columns[PREDICTION]))
        predictions = _coded(columns[PREDICTION]) if PREDICTION in columns else None
        scores = _floats(columns[SCORE]) if SCORE in columns else None
        return cls(rows, kept, _coded(columns[LABEL]), predictions, scores)

    def texts(self, column: pa.Array) -> list[str]:
        """Give the values of a segment column for the rows that count."""
        own = column if self.kept is None else column.filter(self.kept)
        return [MISSING_SEGMENT if text is None else text for text in own.cast(pa.string()).to_pylist()]

    def add_to(self, figures: Classes | Residuals, rows: NDArray[Any], roles: Roles) -> None:
        if isinstance(figures, Residuals):
            figures.update(self.labels[rows], self.predictions[rows])
            return
        labels = self.labels.of(rows)
        if self.predictions is not None:
            figures.count_pairs(labels, self.predictions.of(rows))
        if self.scores is not None:
            figures.count_scores(labels, self.scores[rows], roles.threshold)


def _missing(rows: pa.RecordBatch, present: dict[str, pa.Array], *names: str) -> int:
    """Count rows that lack one of these columns' values."""
    known = [present[name] for name in names if name in present]
    full = known[0] if len(known) == 1 else pc.and_(*known)
    return int(rows.num_rows) - int(pc.sum(full).as_py() or 0)


def _floats(column: pa.Array) -> NDArray[np.float64]:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _coded(column: pa.Array) -> _Coded:
    """Encode labels by their canonical names."""
    found = column.dictionary_encode()
    if len(found.dictionary) > MOST_CLASSES * 10:
        raise InputError(
            f"There are more than {MOST_CLASSES:,} different labels, such as {found.dictionary[0].as_py()!r}.",
            "Name the column of the class as attribute, or set problem_type to Regression.",
        )
    names = [canonical_label(text) for text in found.dictionary.cast(pa.string()).to_pylist()]
    distinct = sorted(set(names))
    place = {name: i for i, name in enumerate(distinct)}
    table = np.array([place[name] for name in names], dtype=np.int64)
    codes = np.asarray(found.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    return _Coded(table[codes] if len(table) else codes, distinct)


def _roles_document(roles: Roles) -> dict[str, Any]:
    return {
        "label": roles.label,
        "prediction": roles.prediction,
        "score": roles.score,
        "segments": list(roles.segments),
        "regression": roles.regression,
        "threshold": roles.threshold,
    }
