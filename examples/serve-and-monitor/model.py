"""The model: whether the diabetes of a patient will progress more than that of most, learned from real patients."""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import patients

COLUMNS = [*patients.NUMBERS, *patients.CATEGORIES]
LABEL, SCORE = "progresses", "probability"


class Trained(NamedTuple):
    """A model, and the patients that it has learned from with the label and its cross-validated score of each."""

    model: Pipeline
    rows: pd.DataFrame


def as_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """Read numbers; what is none is missing."""
    return rows.apply(pd.to_numeric, errors="coerce")


def with_label(people: pd.DataFrame, median: float) -> pd.DataFrame:
    return people.assign(**{LABEL: (people[patients.TARGET] > median).astype(int)})


def train(split: patients.Split) -> Trained:
    """Fit the model; it copes with missing numbers and categories that it has never seen."""
    numbers = make_pipeline(FunctionTransformer(as_numbers), SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore")
    parts = [("numbers", numbers, list(patients.NUMBERS)), ("categories", categories, list(patients.CATEGORIES))]
    model = make_pipeline(ColumnTransformer(parts), LogisticRegression(max_iter=1000))
    rows = with_label(split.training, split.training[patients.TARGET].median())
    scores = cross_val_predict(model, rows[COLUMNS], rows[LABEL], cv=5, method="predict_proba")[:, 1]
    return Trained(model.fit(rows[COLUMNS], rows[LABEL]), rows.assign(**{SCORE: scores}))


def write(trained: Trained, folder: Path) -> None:
    """Write the model for the service, and the data of the baselines as the service would see it."""
    (folder / "training").mkdir(parents=True)
    (folder / "validation").mkdir()
    joblib.dump((trained.model, COLUMNS), folder / "model.joblib")
    lines = [f"{row[SCORE]:.6f},{patients.as_csv(row)}" for _, row in trained.rows.iterrows()]
    (folder / "training" / "training.csv").write_text("\n".join([",".join([SCORE, *COLUMNS]), *lines]) + "\n")
    (folder / "features").mkdir()
    rows = [patients.as_csv(row) for _, row in trained.rows.iterrows()]
    (folder / "features" / "features.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    labelled = [f"{line},{label}" for line, label in zip(lines, trained.rows[LABEL], strict=True)]
    names = ",".join([SCORE, *COLUMNS, LABEL])
    (folder / "validation" / "validation.csv").write_text("\n".join([names, *labelled]) + "\n")
