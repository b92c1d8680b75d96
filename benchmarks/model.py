"""The model of the case `attribution`, as a user would write it, whichever is saved; it also times itself."""

from __future__ import annotations

import atexit
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib

if TYPE_CHECKING:
    import pandas as pd

_spent = 0.0


def load(model_dir: str) -> Any:
    global _spent  # noqa: PLW0603 (a script keeps its state in the module)
    atexit.register(_tell, Path(os.environ["MODEL_SECONDS"]))
    began = time.perf_counter()
    model = joblib.load(Path(model_dir, "model.joblib"))  # which imports scikit-learn
    _spent += time.perf_counter() - began
    return model


def predict(df: pd.DataFrame, model: Any) -> Any:
    global _spent  # noqa: PLW0603 (a script keeps its state in the module)
    began = time.perf_counter()
    scores = model.predict_proba(df)[:, 1]
    _spent += time.perf_counter() - began
    return scores


def _tell(path: Path) -> None:
    path.write_text(str(_spent))
