"""A model in a Python file of the user: `predict(df)`, and `load(model_dir)` once a process."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from analyzer.attributions.features import Block, Features
from analyzer.errors import ScriptError
from analyzer.scripts import PREDICT_HANDLER, VARIABLE_OF_MODEL, load_handler, required_arguments, script_error

LOAD_HANDLER = "load"
CURE = "The traceback is in the log; predict gets a data frame of the features, numbers as float64 and texts as str."


class ScriptCaller:
    """Calls `predict` of a script with a data frame of the features.

    A process loads a script once. Where the script defines `load`, that is called first, with the folder of the model
    if it takes one; what it returns is the second argument of a `predict` that takes two.
    Raises ScriptError where the script or its `load` fails, and when called, where `predict` does.
    """

    def __init__(self, path: Path, model_dir: Path | None, features: Features) -> None:
        self._path = path
        self._features = features
        self._handler = _loaded(path, path.stat().st_mtime_ns if path.is_file() else 0, model_dir)

    def prepare(self, block: Block) -> Any:
        return self._features.frame(block)

    def call(self, prepared: Any) -> Any:
        try:
            return self._handler(prepared)
        except (Exception, SystemExit) as error:
            told = script_error(self._path, error, f"{len(prepared):,} rows", VARIABLE_OF_MODEL)
            raise ScriptError(told.message, CURE) from error


@lru_cache(maxsize=4)
def _loaded(path: Path, _version: int, model_dir: Path | None) -> Callable[[Any], Any]:
    handler = load_handler(path, PREDICT_HANDLER)
    load = getattr(handler, "__globals__", {}).get(LOAD_HANDLER)
    if not callable(load):
        return handler
    model = _call_load(load, path, model_dir)
    if required_arguments(handler) == 2:
        return lambda frame: handler(frame, model)
    return handler


def _call_load(load: Callable[..., Any], path: Path, model_dir: Path | None) -> Any:
    takes_folder = required_arguments(load) == 1
    if takes_folder and model_dir is None:
        raise ScriptError(
            f"{VARIABLE_OF_MODEL} {path.name}: load takes the folder of the model, which is not set.",
            "Set ANALYZER_MODEL_DIR to the folder with the model's files.",
        )
    try:
        return load(str(model_dir)) if takes_folder else load()
    except (Exception, SystemExit) as error:
        raise script_error(path, error, "load", VARIABLE_OF_MODEL) from error
