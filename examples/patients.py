"""The demo's data: real patients, a real model, and the traffic that an endpoint would have captured.

The patients are scikit-learn's diabetes data set (442 people: ten measurements and the progression of the disease a
year later). A ridge regression learns from two thirds of them; the rest, drawn with replacement, are the requests.
"""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

if TYPE_CHECKING:
    from pathlib import Path

SEED = 11
ENDPOINT, VARIANT = "diabetes-progression", "AllTraffic"
WINDOW_START = datetime(2026, 1, 5, 10, tzinfo=UTC)
WINDOW_END = datetime(2026, 1, 5, 12, tzinfo=UTC)
PREDICTION = "predicted_progression"
TARGET = "progression"
NUMBERS = {
    "age": "age",
    "bmi": "bmi",
    "blood_pressure": "bp",
    "cholesterol": "s1",
    "ldl": "s2",
    "triglycerides_log": "s5",
    "glucose": "s6",
}
WHOLE_NUMBERS = ("age", "cholesterol", "glucose")
CATEGORIES = ("sex", "bmi_class")


class Split(NamedTuple):
    """Patients the model learns from and patients it has not seen, one row each."""

    training: pd.DataFrame
    unseen: pd.DataFrame


def load_patients() -> Split:
    """Read the data set under readable names and add the usual classes of the body mass index."""
    raw = load_diabetes(as_frame=True, scaled=False).frame
    patients = raw[list(NUMBERS.values())].set_axis(list(NUMBERS), axis=1)
    patients["sex"] = raw["sex"].map({1.0: "code-1", 2.0: "code-2"})  # the data set does not say which is which
    edges = [0, 25, 30, np.inf]
    patients["bmi_class"] = pd.cut(patients["bmi"], edges, right=False, labels=["normal", "overweight", "obese"])
    patients["bmi_class"] = patients["bmi_class"].astype(str)
    patients[TARGET] = raw["target"]
    training, unseen = train_test_split(patients, test_size=1 / 3, stratify=patients["bmi_class"], random_state=SEED)
    return Split(training, unseen)


def train(training: pd.DataFrame) -> Pipeline:
    """Fit a model that copes with what broken traffic brings: missing numbers and categories it has never seen."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = ColumnTransformer(
        [
            ("numbers", numbers, list(NUMBERS)),
            ("categories", OneHotEncoder(handle_unknown="ignore"), list(CATEGORIES)),
        ]
    )
    return make_pipeline(columns, Ridge()).fit(training, training[TARGET])


def predict(model: Pipeline, patients: pd.DataFrame) -> pd.Series:
    """Answer as the endpoint would; text in a number's place is a missing number to it."""
    readable = patients[list(NUMBERS)].apply(pd.to_numeric, errors="coerce")
    return pd.Series(model.predict(patients.assign(**readable)), index=patients.index)


def write_training_data(split: Split, model: Pipeline, folder: Path) -> None:
    """Write the baseline: the prediction first, as in captures, then the inputs; a header names them.

    Predictions are cross-validated: those on rows the model has seen would be better than any in production.
    """
    predictions = cross_val_predict(model, split.training, split.training[TARGET], cv=5)
    lines = [",".join((PREDICTION, *NUMBERS, *CATEGORIES))]
    lines += [
        f"{answer:.3f},{as_csv(row)}" for answer, (_, row) in zip(predictions, split.training.iterrows(), strict=True)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "training.csv").write_text("\n".join(lines) + "\n")


def clean_requests(split: Split, count: int = 900) -> pd.DataFrame:
    """Draw ordinary traffic: unseen patients, with replacement."""
    return split.unseen.sample(count, replace=True, random_state=SEED, ignore_index=True)


def broken_requests(split: Split, count: int = 900) -> pd.DataFrame:
    """Draw the traffic of a bad day, with five faults that monitoring has to see."""
    random = np.random.default_rng(SEED)
    old = split.unseen[split.unseen["age"] >= 58]  # the young have left
    requests = old.sample(count, replace=True, random_state=SEED, ignore_index=True).astype({"glucose": object})
    requests["blood_pressure"] *= 0.133322  # mmHg became kPa
    requests.loc[random.random(count) < 0.2, "ldl"] = np.nan  # a sensor is silent
    spelled_out = random.random(count) < 0.1
    requests.loc[spelled_out, "glucose"] = [f"{value:.0f} mg/dl" for value in requests.loc[spelled_out, "glucose"]]
    requests.loc[random.random(count) < 0.05, "bmi_class"] = "class-3"  # a new release has a new category
    return requests


def as_csv(patient: pd.Series) -> str:
    """Write one request: whole numbers without a point, others with three decimals, missing ones empty."""
    buffer = io.StringIO()
    fields = [as_text(name, patient[name]) for name in (*NUMBERS, *CATEGORIES)]
    csv.writer(buffer, lineterminator="").writerow(fields)
    return buffer.getvalue()


def as_text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    if np.isnan(number):
        return ""
    return f"{number:.0f}" if name in WHOLE_NUMBERS else f"{number:.3f}"


def write_captures(requests: pd.DataFrame, model: Pipeline, folder: Path, files: int = 6) -> None:
    """Write JSON Lines below folder/endpoint/variant/yyyy/mm/dd/hh, spread evenly over the window."""
    step = (WINDOW_END - WINDOW_START) / len(requests)
    answers = predict(model, requests)
    for chunk in np.array_split(np.arange(len(requests)), files):
        moments = [WINDOW_START + int(row) * step for row in chunk]
        records = [
            capture(as_csv(requests.loc[row]), f"{answers[row]:.3f}\n", moment)
            for row, moment in zip(chunk, moments, strict=True)
        ]
        path = capture_path(folder, moments[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records))


def capture(request: str, answer: str, moment: datetime) -> dict[str, object]:
    """Build one record as an endpoint's data capture writes it."""
    return {
        "captureData": {
            "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": request, "encoding": "CSV"},
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8",
                "mode": "OUTPUT",
                "data": answer,
                "encoding": "CSV",
            },
        },
        "eventMetadata": {"eventId": event_id(moment), "inferenceTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ")},
        "eventVersion": "0",
    }


def capture_path(folder: Path, moment: datetime) -> Path:
    hour = moment.strftime("%Y/%m/%d/%H")
    return (
        folder / ENDPOINT / VARIANT / hour / f"{moment:%M-%S}-000-{event_id(moment + timedelta(microseconds=1))}.jsonl"
    )


def event_id(moment: datetime) -> str:
    """Make an identifier that is the same in every run, so that the demo's files do not change."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{ENDPOINT}/{moment.isoformat()}"))
