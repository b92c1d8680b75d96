"""A model of scikit-learn for jobs of attribution: ANALYZER_MODEL_SCRIPT is this file, ANALYZER_MODEL_DIR its folder.

`load` is called once in each process, `predict` with a data frame of many rows at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def load(model_dir: str) -> Any:
    return joblib.load(Path(model_dir) / "model.joblib")


def predict(df: pd.DataFrame, model: Any) -> np.ndarray:
    """Give one column of scores for each class; label_headers of analysis_config.json names them."""
    return model.predict_proba(df)
