"""Shares of a sample of rows, through the model, to Shapley values: what one task does."""

from __future__ import annotations

import atexit
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analyzer.attributions.features import Block, Features
from analyzer.attributions.shapley import Game, shapley_values
from analyzer.errors import AnalyzerError
from analyzer.install_requirements import has_requirements, install_requirements
from analyzer.models.model import Model, ModelAccess, open_model

log = logging.getLogger(__name__)
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
    """What every share is explained with; picklable. `script` is the content of the model's script, sent along."""

    access: ModelAccess
    features: Features
    game: Game
    script: bytes = b""
    requirements: bool = False


@dataclass(frozen=True, slots=True)
class Explained:
    """Shapley values (R, P, K) of a share's rows, and what the model was asked for them; or why there are none."""

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
    try:
        model = model_of(task)
        values = shapley_values(share.rows, task.game, model.predict)
    except AnalyzerError as error:
        last = share.first + len(share.rows)
        place = f"while rows {share.first + 1:,} to {last:,} of the sample were explained"
        told = type(error)(f"{error.message.rstrip('.')}, {place}.", error.hint)
        return Explained(np.empty((0, 0, 0)), error=told)
    return Explained(values, model.seconds, model.calls, model.rows)


def model_of(task: ExplainTask) -> Model:
    """Open the model where the task runs, from a copy of its script where that is not there.

    Raises AnalyzerError as `open_model` and the installation of what a script requires do.
    """
    access, script = task.access, task.access.script
    if script is not None and not script.is_file() and task.script:
        access = replace(access, script=_copy(task.script, script.name))
    if access.script is not None and task.requirements and has_requirements(access.script):
        install_requirements(access.script)
    return open_model(access, task.features)


@lru_cache
def _copy(content: bytes, name: str) -> Path:
    """Write a script once a process, so that its model is loaded once, too."""
    folder = tempfile.mkdtemp(prefix=f"analyzer-model-{hashlib.sha256(content).hexdigest()[:8]}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, name)
    path.write_bytes(content)
    return path


def put_together(parts: Sequence[Explained]) -> NDArray[np.float64]:
    """Put the values of all shares together.

    Raises the first error of them in the order of the rows.
    """
    for part in parts:
        if part.error is not None:
            raise part.error
    return np.concatenate([part.values for part in parts])
