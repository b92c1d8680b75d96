"""Rows without predictions, through the model, to rows with them: what a task of bias does where the model is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analyzer.analyzers.bias_counts import BiasRoles, BiasState
from analyzer.analyzers.folded_rows import FoldedRows
from analyzer.analyzers.table import Batch, Domains, locator
from analyzer.attributions.features import TEXTS, Features, kind_of, read_as
from analyzer.attributions.figures import name_labels
from analyzer.errors import AnalyzerError
from analyzer.models.carried import CarriedModel
from analyzer.models.model import Read, as_labels, as_predictions, as_scores


class ColumnKinds(FoldedRows):
    """The columns of all rows and their kinds: a feature is one of numbers for the model only if it is everywhere."""

    __slots__ = ("kinds",)

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[str, int] = {}

    def update(self, batch: Batch, _domains: Domains) -> None:
        self.rows += batch.rows.num_rows
        for name, column in zip(batch.rows.schema.names, batch.rows.columns, strict=True):
            known = self.kinds.get(name, 0)
            self.kinds[name] = TEXTS if known == TEXTS else max(known, kind_of(pa.chunked_array([column])))

    def merge(self, other: ColumnKinds) -> None:
        """Take in the state of the rows that follow ours."""
        self.go_on(other)
        for name, kind in other.kinds.items():
            self.kinds[name] = max(kind, self.kinds.get(name, 0))


@dataclass(frozen=True, slots=True)
class Question:
    """What the model is asked of each row, and how its answer becomes a prediction; picklable.

    `kinds` are the features and their kinds, in the order of the model's input; `column` is what predictions are
    called. Answers are labels where `labels` says so, else scores: one predicts 1 above `threshold`, of several the
    largest gives the class, named by `headers`.
    """

    model: CarriedModel
    column: str
    kinds: Mapping[str, int]
    threshold: float = 0.5
    headers: Sequence[str] = ()
    labels: bool = False

    @property
    def read(self) -> Read:
        if self.labels:
            return as_labels
        return as_scores if self.model.access.script is None else as_predictions

    def introduce(self) -> None:
        """Load the model: what is wrong with it shows before data is read. Raises AnalyzerError."""
        self.model.open(Features(()), self.read)


class PredictedBias(BiasState):
    """The state of bias of rows that get their predictions from a model on the way.

    `seconds` is the time spent in the model, `calls` how often it was called and `asked` for how many rows.
    """

    __slots__ = ("asked", "calls", "question", "seconds")

    def __init__(self, roles: BiasRoles, question: Question) -> None:
        super().__init__(roles)
        self.question = question
        self.seconds = 0.0
        self.calls = 0
        self.asked = 0

    def update(self, batch: Batch, domains: Domains) -> None:
        """Ask for predictions of rows and take them in.

        Raises ModelError or ScriptError, naming the rows, where the model fails.
        """
        try:
            answers = self._answers(batch.rows)
            predictions = predictions_of(answers, self.question)
        except AnalyzerError as error:
            file, record = locator(batch.runs)(0)
            place = f"while predictions were asked for, from record {record} of {file} on"
            raise type(error)(f"{error.message.rstrip('.')}, {place}.", error.hint) from error
        rows = batch.rows.append_column(self.question.column, predictions)
        super().update(replace(batch, rows=rows), domains)

    def merge(self, other: BiasState) -> None:
        super().merge(other)
        assert isinstance(other, PredictedBias)
        self.seconds += other.seconds
        self.calls += other.calls
        self.asked += other.asked

    def _answers(self, rows: pa.RecordBatch) -> NDArray[Any]:
        features, block = read_as(pa.Table.from_batches([rows]), self.question.kinds)
        model = self.question.model.open(features, self.question.read)
        try:
            return model.predict(block)
        finally:
            self.seconds += model.seconds
            self.calls += model.calls
            self.asked += model.rows


def predictions_of(answers: NDArray[Any], question: Question) -> pa.Array:
    """Make predicted labels of what the model answered (N, K).

    Raises ConfigError where label_headers are of another number than the scores.
    """
    if answers.dtype == np.object_:
        return _labels(answers[:, 0].tolist())
    if answers.shape[1] == 1:
        return pa.array((answers[:, 0] > question.threshold).astype(np.int64))
    best = pa.array(answers.argmax(axis=1))
    if not question.headers:
        return best
    return pa.array(name_labels(answers.shape[1], question.headers), pa.string()).take(best)


def _labels(values: Sequence[str | int | float]) -> pa.Array:
    """Make one column of labels; numbers beside texts, which a model may mix, are texts, too."""
    if any(isinstance(value, str) for value in values):
        return pa.array([str(value) for value in values], pa.string())
    return pa.array(values)
