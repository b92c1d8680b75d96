"""A folder of past executions in the original's layout, with the documents of all four dimensions."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 1, tzinfo=UTC)
BREAKS = 30
"""The execution with which income drifts and plan has new values, and the model's quality falls."""
HOURS = 48
SHARES = {"income": 0.55, "age": 0.25, "plan": 0.15, "noise": 0.05}


def folder_of(top: Path, endpoint: str, schedule: str, hour: int) -> Path:
    folder = top / endpoint / schedule / (START + timedelta(hours=hour)).strftime("%Y/%m/%d/%H")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write(folder: Path, **documents: Any) -> Path:
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def violation(feature: str, check: str, description: str) -> dict[str, str]:
    return {"feature_name": feature, "constraint_check_type": check, "description": description}


def drifted(feature: str, distance: float, threshold: float = 0.1) -> dict[str, str]:
    told = f"Baseline drift distance: {distance} exceeds threshold: {threshold}"
    return violation(feature, "baseline_drift_check", told)


def incomplete(feature: str, observed: float, expected: float = 100.0) -> dict[str, str]:
    told = f"Data completeness requirement is not met. Expected: {expected}%. Observed: Only {observed}%."
    return violation(feature, "completeness_check", told)


def numeric(name: str, mean: float, missing: int = 0, rows: int = 500) -> dict[str, Any]:
    return {
        "name": name,
        "inferred_type": "Fractional",
        "numerical_statistics": {
            "common": {"num_present": rows - missing, "num_missing": missing},
            "mean": mean, "sum": mean * (rows - missing), "std_dev": 3.5, "min": mean - 9, "max": mean + 9,
            "approximate_num_distinct_values": 140, "completeness": 1 - missing / rows,
            "distribution": {"kll": {"buckets": []}},
        },
    }  # fmt: skip


def text(name: str, distinct: int = 2, rows: int = 500) -> dict[str, Any]:
    common = {"num_present": rows, "num_missing": 0}
    return {
        "name": name,
        "inferred_type": "String",
        "string_statistics": {"common": common, "distinct_count": float(distinct), "completeness": 1.0},
    }


def statistics(*features: dict[str, Any], rows: int = 500) -> dict[str, Any]:
    return {"version": 0.0, "dataset": {"item_count": rows}, "features": list(features)}


def profile(distances: dict[str, float], rows: int = 500) -> dict[str, Any]:
    drift = [{"feature_name": each, "distance": found, "threshold": 0.1} for each, found in distances.items()]
    return {"version": "1.0", "dataset": {"item_count": rows, "notes": []}, "features": [], "drift": drift}


def data_quality(folder: Path, draw: random.Random, *, broken: bool, ours: bool = True) -> None:
    distances = {name: round(abs(draw.gauss(0.03, 0.015)), 6) for name in SHARES}
    found = []
    if broken:
        distances |= {"income": round(draw.uniform(0.35, 0.45), 6), "plan": round(draw.uniform(0.2, 0.28), 6)}
        found = [incomplete("income", 70.0), drifted("income", distances["income"]), drifted("plan", distances["plan"])]
    moved = 20 if broken else 0
    features = [
        numeric("income", 50 + draw.gauss(0, 0.5) + moved, missing=150 if broken else 0),
        numeric("age", 48 + draw.gauss(0, 0.5)), text("plan", 3 if broken else 2), numeric("noise", draw.gauss(0, 1)),
    ]  # fmt: skip
    write(folder, statistics=statistics(*features), constraint_violations={"violations": found})
    if ours:
        write(folder, profile=profile(distances))
        (folder / "report.html").write_text("<!DOCTYPE html><title>A report</title>", encoding="utf-8")


def model_quality(folder: Path, draw: random.Random, *, broken: bool) -> None:
    auc = (0.78 if broken else 0.85) + draw.gauss(0, 0.004)
    block = {
        "confusion_matrix": {"0": {"0": 1, "1": 2}},
        "auc": {"value": auc, "standard_deviation": 0.006},
        "f1": {"value": auc - 0.09, "standard_deviation": "NaN"},
    }
    told = f"Metric auc with {auc} +/- 0.006 was LessThanThreshold '0.82'"
    found = [{"constraint_check_type": "LessThanThreshold", "description": told, "metric_name": "auc"}]
    document = {"version": 0.0, "dataset": {"item_count": 480}, "binary_classification_metrics": block}
    write(folder, statistics=document, constraint_violations={"violations": found if broken else []})


def bias(folder: Path, draw: random.Random, *, broken: bool) -> None:
    recall = (0.21 if broken else 0.1) + draw.gauss(0, 0.01)
    metrics = [
        {"name": "DPPL", "description": "d", "value": draw.gauss(0.1, 0.01)},
        {"name": "RD", "description": "d", "value": recall},
        {"name": "CDDPL", "description": "d", "value": None, "error": "Group variable is empty or not provided"},
        {"name": "TE", "description": "d", "value": "Infinity"},
    ]
    facets = {"sex": [{"value_or_threshold": "0", "metrics": metrics}]}
    section = {"label": "target", "facets": facets, "label_value_or_threshold": "1"}
    write(folder, analysis={"version": "1.0", "post_training_bias_metrics": section})
    if broken:
        told = f"Metric value {recall} doesn't meet the baseline constraint requirement 0.1308103661044837"
        found = {
            "facet": "sex", "facet_value": "0", "metric_name": "RD", "constraint_check_type": "bias_drift_check",
            "description": told,
        }  # fmt: skip
        write(folder, constraint_violations={"version": "1.0", "violations": [found]})


def attribution(folder: Path, *, broken: bool, shares: dict[str, float] = SHARES) -> None:
    shap = {"label0": {"global_shap_values": shares, "expected_value": 0.2}}
    write(folder, analysis={"version": "1.0", "explanations": {"kernel_shap": shap}})
    if broken:
        told = "Feature attribution drift 0.7639720923277322 exceeds threshold 0.9"
        check = "feature_attribution_drift_check"
        found = {"label": "label0", "metric_name": "shap", "constraint_check_type": check, "description": told}
        write(folder, constraint_violations={"version": "1.0", "violations": [found]})


def write_model(top: Path, endpoint: str = "churn", hours: int = HOURS, breaks: int = BREAKS) -> Path:
    """A model with a schedule of each dimension, in which something goes wrong at one hour."""
    draw = random.Random(endpoint)
    for hour in range(hours):
        broken = hour >= breaks
        data_quality(folder_of(top, endpoint, "data-hourly", hour), draw, broken=broken)
        model_quality(folder_of(top, endpoint, "quality-hourly", hour), draw, broken=broken)
        if hour % 6 == 0:
            bias(folder_of(top, endpoint, "bias", hour), draw, broken=broken)
            attribution(folder_of(top, endpoint, "attribution", hour), broken=broken)
    return top
