"""Shares of a sample of rows, through the model, to Shapley values: what one task does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.attributions.dependence import Grid, sums_over
from analyzer.attributions.features import Block, Features
from analyzer.attributions.shapley import Game, Predict, shapley_values
from analyzer.errors import AnalyzerError
from analyzer.models.carried import CarriedModel

SYNTHETIC_ROWS = 262_144
"""Synthetic rows in a share at the most: some seconds of a usual model, and little beside starting a task."""
SMALLEST_SHARES = 16
"""Shares that a sample is cut into at least, so that every core gets some."""


@dataclass(frozen=True, slots=True)
class Share:
    """Neighbouring rows of the sample, from `first` on."""

    first: int
    rows: Block


@dataclass(frozen=True, slots=True)
class ExplainTask:
    """What every share is explained with; picklable."""

    model: CarriedModel
    features: Features
    game: Game


@dataclass(frozen=True, slots=True)
class Explained:
    """Shapley values (R, P, K) of a share's rows, or sums of their scores, and what the model was asked for them.

    `error` says why there are none.
    """

    values: NDArray[np.float64]
    seconds: float = 0.0
    calls: int = 0
    rows: int = 0
    error: AnalyzerError | None = None


def shares_of(rows: Block, game: Game) -> list[Share]:
    """Cut a sample into shares; how depends on the sample and the coalitions alone, not on engine or cores."""
    each = max(1, len(game.masks) * len(game.background))
    most = max(1, min(SYNTHETIC_ROWS // each, -(-len(rows) // SMALLEST_SHARES)))
    return [Share(i, rows[i : i + most]) for i in range(0, len(rows), most)]


def explain_share(share: Share, task: ExplainTask) -> Explained:
    """Explain a share; what fails comes back as `error`, with the rows that it was about."""
    return _asked(share, task, lambda predict: shapley_values(share.rows, task.game, predict))


def vary_share(share: Share, task: ExplainTask, grids: Sequence[Grid]) -> Explained:
    """Sum the scores of a share over the values of each grid (V, K); fails as `explain_share` does."""
    return _asked(share, task, lambda predict: sums_over(share.rows, grids, predict))


def _asked(share: Share, task: ExplainTask, work: Callable[[Predict], NDArray[np.float64]]) -> Explained:
    try:
        model = task.model.open(task.features)
        values = work(model.predict)
    except AnalyzerError as error:
        last = share.first + len(share.rows)
        place = f"while rows {share.first + 1:,} to {last:,} of the sample were explained"
        told = type(error)(f"{error.message.rstrip('.')}, {place}.", error.hint)
        return Explained(np.empty((0, 0, 0)), error=told)
    return Explained(values, model.seconds, model.calls, model.rows)


def put_together(parts: Sequence[Explained]) -> NDArray[np.float64]:
    """Put the values of all shares together.

    Raises the first error of them in the order of the rows.
    """
    return np.concatenate(_values(parts))


def added_up(parts: Sequence[Explained]) -> NDArray[np.float64]:
    """Add the sums of all shares up, in order.

    Raises the first error of them in the order of the rows.
    """
    return np.asarray(sum(_values(parts)))


def _values(parts: Sequence[Explained]) -> list[NDArray[np.float64]]:
    for part in parts:
        if part.error is not None:
            raise part.error
    return [part.values for part in parts]
