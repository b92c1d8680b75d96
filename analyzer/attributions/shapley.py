"""Rows to their Shapley values: synthetic rows in blocks, through the model, onto the projection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.attributions.coalitions import Design, Masks
from analyzer.attributions.features import Block
from analyzer.errors import ModelError

Predict = Callable[[Block], NDArray[np.float64]]
"""Rows of features (N, M) to scores (N, K); a model may change the rows, so it never gets those of others."""
BLOCK_ROWS = 32_768
"""Synthetic rows in a block: enough for a model call to be worth it, few enough to stay near the processor."""
LEAST_PROBABILITY = 1e-15
"""Probabilities are moved so far from 0 and 1 before they become log-odds."""


@dataclass(frozen=True, slots=True)
class Game:
    """What all rows are explained with; picklable.

    `masks` (n, M) are the coalitions by features, `background` (B, M) the rows that stand for features that are out,
    `empty` (K) the linked score of nobody. The last player is all other features where only some are explained.
    """

    design: Design
    masks: Masks
    background: Block
    empty: NDArray[np.float64]
    logit: bool = False
    block_rows: int = BLOCK_ROWS

    def with_empty(self, predict: Predict) -> Game:
        """Ask the model for the rows of the background, whose mean score is the expected value."""
        empty = linked(predict(self.background.copy()).mean(axis=0), logit=self.logit)
        return Game(self.design, self.masks, self.background, empty, self.logit, self.block_rows)


def new_game(
    design: Design, features: int, explained: list[int], background: Block, *, logit: bool, block_rows: int = BLOCK_ROWS
) -> Game:
    """Lay coalitions of players out over features: a player for each explained feature, one for all others."""
    player_of = np.full(features, len(explained))
    player_of[explained] = np.arange(len(explained))
    return Game(design, design.masks[:, player_of], background, np.zeros(0), logit, block_rows)


def linked(scores: NDArray[np.float64], *, logit: bool) -> NDArray[np.float64]:
    """Give the scores, or their log-odds.

    Raises ModelError where log-odds are wanted of what is no probability.
    """
    if not logit:
        return scores
    if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
        raise ModelError(
            f"use_logit is true, but the model answered {scores.min():.6g} to {scores.max():.6g}.",
            "Log-odds need probabilities between 0 and 1: set use_logit to false, or have the model return them.",
        )
    held = np.clip(scores, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    found: NDArray[np.float64] = np.log(held / (1 - held))
    return found


def shapley_values(rows: Block, game: Game, predict: Predict) -> NDArray[np.float64]:
    """Explain rows (R, M): Shapley values (R, P, K) of the P players for the K scores of the model.

    Raises ModelError as the model and `linked` do.
    """
    whole = linked(_scores(rows, game, predict), logit=game.logit) - game.empty
    parts = [_worths(rows, masks, game, predict) for masks in _parts(game)]
    gained = _gained(parts, game) if parts else _nothing(whole)
    # Not by matrix multiplication, whose last digits depend on the number of threads.
    columns = np.ascontiguousarray(gained.transpose(0, 2, 1))
    found: NDArray[np.float64] = np.einsum("pn,rkn->rpk", game.design.projection, columns)
    return found + whole[:, None, :] * game.design.remainder[None, :, None]


def _gained(parts: list[NDArray[np.float64]], game: Game) -> NDArray[np.float64]:
    """Put the worths of coalitions together, less that of nobody; the only part is used as it is and not copied."""
    worths = linked(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1), logit=game.logit)
    worths -= game.empty
    return worths


def _nothing(whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.empty((len(whole), 0, whole.shape[1]))


def _scores(rows: Block, game: Game, predict: Predict) -> NDArray[np.float64]:
    step = game.block_rows
    return np.concatenate([predict(rows[i : i + step].copy()) for i in range(0, len(rows), step)])


def _parts(game: Game) -> Iterator[Masks]:
    """Cut the coalitions so that those of one row fit into a block."""
    step = max(1, game.block_rows // len(game.background))
    for i in range(0, len(game.masks), step):
        yield game.masks[i : i + step]


def _worths(rows: Block, masks: Masks, game: Game, predict: Predict) -> NDArray[np.float64]:
    """Ask for the mean score of each coalition (R, n, K): features that are in are the row's, others the background's.

    A block is gathered from the row and the background side by side, which is much faster than choosing by mask.
    """
    others, features = game.background.shape
    sources = features + np.arange(others * features).reshape(others, features)
    places = np.where(masks[:, None, :], np.arange(features), sources).ravel()
    step = max(1, game.block_rows // (len(masks) * others))
    beside = np.empty((step, features * (1 + others)))
    beside[:, features:] = game.background.ravel()
    block = np.empty((step, len(places)))
    found: NDArray[np.float64] | None = None
    for i in range(0, len(rows), step):
        some = rows[i : i + step]
        beside[: len(some), :features] = some
        np.take(beside[: len(some)], places, axis=1, out=block[: len(some)], mode="clip")
        scores = predict(block[: len(some)].reshape(-1, features))
        if found is None:
            found = np.empty((len(rows), len(masks), scores.shape[1]))
        worths = scores.reshape(len(some), len(masks), others, -1)
        # A mean of one is slow: it costs more than gathering the rows did.
        found[i : i + step] = worths[:, :, 0] if others == 1 else worths.mean(axis=2)
    assert found is not None
    return found
