"""A model as the rest sees it: rows of features to scores, checked and timed."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analyzer.attributions.features import Block, Features
from analyzer.errors import ConfigError, ModelError

log = logging.getLogger(__name__)
SCORES_CURE = "It has to return a score for each row, or a list of scores, one for each output."
LABELS_CURE = "It has to return a label for each row; see predictor.label and predictor.probability."


class Caller(Protocol):
    """One way to ask a model: `prepare` makes of a block of rows what it takes, `call` asks for their scores."""

    def prepare(self, block: Block) -> Any: ...

    def call(self, prepared: Any, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Requests:
    """How rows are written for an endpoint and scores found in its answers; the keys of `predictor`, by their names."""

    content_type: str = "text/csv"
    accept_type: str | None = None
    content_template: str | None = None
    record_template: str | None = None
    label: str | int | None = None
    probability: str | int | None = None
    custom_attributes: str | None = None
    target_model: str | None = None
    texts: bool = False
    """Whether what is found in answers of CSV may be texts, as labels are."""


@dataclass(frozen=True, slots=True)
class ModelAccess:
    """Where the model is: a `script`, a `url`, or the name of an endpoint of SageMaker; picklable.

    `timeout` are the seconds that an endpoint may take to answer, `retries` how often it is asked again, `batch_rows`
    the most rows that it gets at once.
    """

    script: Path | None = None
    model_dir: Path | None = None
    url: str | None = None
    endpoint_name: str | None = None
    requests: Requests = field(default_factory=Requests)
    timeout: float = 60.0
    retries: int = 3
    batch_rows: int = 1_000

    @property
    def is_given(self) -> bool:
        return any((self.script, self.url, self.endpoint_name))


class Model:
    """The user's model: `predict` gives answers (N, K) for rows (N, M), and refuses what `read` finds to be none.

    `seconds` is the time spent in it, `calls` how often it was called and `rows` for how many rows.
    """

    def __init__(self, caller: Caller, name: str, batch_rows: int | None = None, read: Read | None = None) -> None:
        self._caller = caller
        self._name = name
        self._batch_rows = batch_rows
        self._read = read or as_scores
        self.outputs: int | None = None
        self.seconds = 0.0
        self.calls = 0
        self.rows = 0

    def predict(self, block: Block) -> NDArray[Any]:
        """Ask for scores, in batches where the model takes only so many rows at once.

        Raises ModelError that names the batch for a model that fails, or answers with what are no finite scores.
        """
        step = self._batch_rows or max(1, len(block))
        found = [self._ask(block[i : i + step]) for i in range(0, len(block), step)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _ask(self, block: Block) -> NDArray[Any]:
        prepared = self._caller.prepare(block)
        began = time.perf_counter()
        batch = f"batch {self.calls + 1} of {len(block):,} rows"
        try:
            answer = self._caller.call(prepared)
        except ModelError as error:
            raise ModelError(f"{error.message.rstrip('.')} ({batch}).", error.hint) from error
        finally:
            self.seconds += time.perf_counter() - began
            self.calls += 1
            self.rows += len(block)
        scores = self._read(answer, len(block), f"{self._name} ({batch})")
        if self.outputs not in {None, scores.shape[1]}:
            raise ModelError(
                f"{self._name} ({batch}) answered {scores.shape[1]} scores a row, and {self.outputs} before.",
                SCORES_CURE,
            )
        self.outputs = scores.shape[1]
        return scores


Read = Callable[[Any, int, str], NDArray[Any]]
"""Makes an array (rows, K) of what a model answered for so many rows; the text names the model in errors."""


def as_scores(answer: Any, rows: int, name: str) -> NDArray[np.float64]:
    """Make an array (rows, K) of what a model answered: an array, a data frame, or lists.

    Raises ModelError, which begins with `name`, for another length, texts, and numbers that are not finite.
    """
    try:
        found = np.atleast_1d(np.asarray(answer, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ModelError(f"{name} answered with what are no numbers: {_shown(answer)}.", SCORES_CURE) from error
    if rows == 1 and found.ndim < 2:
        found = found.reshape(1, -1)
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2 or len(found) != rows or not found.shape[1]:
        shape = " x ".join(map(str, found.shape))
        raise ModelError(f"{name} answered {shape} scores for {rows:,} rows.", SCORES_CURE)
    _refuse_not_finite(found, name)
    return found


def _refuse_not_finite(found: NDArray[np.float64], name: str) -> None:
    if math.isfinite(float(found.sum())):  # a sum that overflows is looked at closely
        return
    wrong = ~np.isfinite(found).all(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise ModelError(
            f"{name} answered {found[row][~np.isfinite(found[row])][0]} for row {row + 1}, and for {int(wrong.sum())} "
            "rows in all.",
            "Scores have to be finite numbers; see how the model treats missing or unusual values.",
        )


def as_labels(answer: Any, rows: int, name: str) -> NDArray[np.object_]:
    """Make an array (rows, 1) of the labels that a model answered: texts, truth values or numbers, whole ones as such.

    Raises ModelError, which begins with `name`, for another number of them, and for missing ones.
    """
    found = np.asarray(answer)
    if found.size != rows:
        shape = " x ".join(map(str, found.shape)) or "1"
        raise ModelError(f"{name} answered {shape} labels for {rows:,} rows.", LABELS_CURE)
    labels = [_plain_label(each) for each in found.ravel().tolist()]
    if None in labels:
        raise ModelError(f"{name} answered no label for row {labels.index(None) + 1}.", LABELS_CURE)
    column = np.empty((rows, 1), dtype=object)
    column[:, 0] = labels
    return column


def _plain_label(value: Any) -> str | int | float | None:
    if isinstance(value, float):
        return None if not math.isfinite(value) else int(value) if value.is_integer() else value
    return value if isinstance(value, str | int) and value != "" else None


def as_predictions(answer: Any, rows: int, name: str) -> NDArray[Any]:
    """Make labels of what a model answered where it is texts, truth values or a whole number a row, else scores.

    Raises ModelError as `as_labels` and `as_scores` do.
    """
    found = np.asarray(answer)
    texts = found.dtype.kind in "US" or (found.dtype.kind == "O" and any(isinstance(v, str) for v in found.ravel()))
    whole = found.dtype.kind in "biu" and found.size == rows
    return as_labels(found, rows, name) if texts or whole else as_scores(answer, rows, name)


def _shown(answer: Any) -> str:
    return repr(answer)[:80]


def open_model(access: ModelAccess, features: Features, read: Read = as_scores) -> Model:
    """Load or connect to the model, of which `features` are the input and whose answers `read` understands.

    Raises ConfigError where there is none, ModelError or ScriptError where it does not load.
    """
    if access.script is not None:
        from analyzer.models.script import ScriptCaller

        caller: Caller = ScriptCaller(access.script, access.model_dir, features)
        return Model(caller, f"predict of {access.script.name}", read=read)
    if access.url is None and access.endpoint_name is None:
        raise ConfigError(
            "Attributions need the model, and none is given.",
            "Set ANALYZER_MODEL_SCRIPT to a Python file with predict(df), ANALYZER_MODEL_URL to an endpoint, or "
            "ANALYZER_ATTRIBUTIONS to where attributions already stand in the data.",
        )
    from analyzer.models.endpoint import endpoint_caller

    asker = endpoint_caller(access, features, read)
    return Model(asker, asker.name, access.batch_rows, read)
