"""Merged records and model-quality jobs, for the tests of whole jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BINARY = {"analysis_type": "MODEL_QUALITY", "problem_type": "BinaryClassification"}
MULTICLASS = {"analysis_type": "MODEL_QUALITY", "problem_type": "MulticlassClassification"}
REGRESSION = {"analysis_type": "MODEL_QUALITY", "problem_type": "Regression"}
MERGED = {"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}}
MERGED_BATCH = {
    "sagemakerMergeJson": {
        "captureIndexNames": ["batchTransformOutput"],
        "originalDatasetFormat": {"csv": {"header": False}},
    }
}


def merged(output: Any, label: Any, event: str = "e-1", index: str = "endpointOutput", request: str = "1,2") -> dict:
    """A merged record; a text is CSV, anything else is written as JSON; no label: ground truth is left out."""
    record = {
        "eventVersion": "0",
        "groundTruthData": payload(label),
        "captureData": {index: payload(output) | {"mode": "OUTPUT", "observedContentType": "text/csv"}},
        "eventMetadata": {"eventId": event, "inferenceTime": "2025-02-16T11:19:01Z"},
    }
    if index == "endpointOutput":
        record["captureData"]["endpointInput"] = payload(request)
    if label is None:
        del record["groundTruthData"]
    return record


def payload(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"data": value, "encoding": "CSV"}
    return {"data": json.dumps(value), "encoding": "JSON"}


def metrics(out: Path) -> dict[str, Any]:
    """The metrics block of statistics.json: figures as numbers, the rest as it is."""
    document = json.loads((out / "statistics.json").read_text())
    (block,) = (value for key, value in document.items() if key.endswith("_metrics"))
    return {name: part.get("value", part) if isinstance(part, dict) else part for name, part in block.items()}


def deviations(out: Path) -> dict[str, Any]:
    document = json.loads((out / "statistics.json").read_text())
    (block,) = (value for key, value in document.items() if key.endswith("_metrics"))
    return {name: part["standard_deviation"] for name, part in block.items() if "standard_deviation" in part}


def quality(out: Path) -> dict[str, Any]:
    return json.loads((out / "profile.json").read_text())["model_quality"]
