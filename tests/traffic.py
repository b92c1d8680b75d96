"""Captured traffic and what a job said about it, for the tests of whole jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BOTH = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
INPUT = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}
OUTPUT = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointOutput"]}}
TYPES = {"CSV": "text/csv", "JSON": "application/json"}


def half(data: Any, encoding: str = "CSV", content_type: str | None = None) -> dict[str, Any]:
    """One payload; text is put into BASE64 when that is the encoding."""
    if encoding == "BASE64":
        data = b64encode(data.encode() if isinstance(data, str) else data).decode()
    return {
        "observedContentType": content_type or TYPES.get(encoding),
        "mode": "INPUT",
        "data": data,
        "encoding": encoding,
    }


def record(
    request: Any = None, response: Any = None, time: str | None = "2025-02-16T11:19:01Z", event: str = "e-1"
) -> dict[str, Any]:
    """A captured record; text is a payload of CSV, None one that was not captured."""
    parts = {"endpointInput": request, "endpointOutput": response}
    captured = {name: half(part) if isinstance(part, str) else part for name, part in parts.items() if part is not None}
    metadata = {"eventId": event} | ({"inferenceTime": time} if time else {})
    return {"captureData": captured, "eventMetadata": metadata, "eventVersion": "0"}


def write_lines(path: Path, values: Iterable[Any]) -> Path:
    """Write a JSON Lines file and give its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path.parent


def write_csv(path: Path, header: str, rows: Iterable[Sequence[Any]]) -> Path:
    """Write a CSV file and give its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path.parent


def document(out: Path, name: str) -> dict[str, Any]:
    return json.loads((out / f"{name}.json").read_text())


def columns(out: Path) -> dict[str, Any]:
    """The values of each column, in the order of the columns: numbers in the order of their rows, texts counted.

    Missing values are not shown; a column of nothing else is `Unknown`.
    """
    return {feature["name"]: _values(feature) for feature in document(out, "statistics")["features"]}


def _values(feature: dict[str, Any]) -> Any:
    if "numerical_statistics" in feature:
        return [
            value
            for level in feature["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"]
            for value in level
        ]
    distribution = feature["string_statistics"].get("distribution")
    if distribution is None:
        return feature["inferred_type"]
    return {each["value"]: each["count"] for each in distribution["categorical"]["buckets"]}


def missing(out: Path) -> dict[str, int]:
    """How many values of each column are missing."""
    kinds = ("numerical_statistics", "string_statistics")
    return {
        feature["name"]: next(feature[kind] for kind in kinds if kind in feature)["common"]["num_missing"]
        for feature in document(out, "statistics")["features"]
    }


def violations(out: Path) -> list[tuple[str, str, str]]:
    found = document(out, "constraint_violations")["violations"]
    return [(each["feature_name"], each["constraint_check_type"], each["description"]) for each in found]


def notes(out: Path) -> list[str]:
    return document(out, "profile")["dataset"]["notes"]


def environment(root: Path, source: Path | str, dataset_format: Any, **settings: Any) -> dict[str, str]:
    """The variables of a job below `root`, on top of what a process needs to start."""
    text = dataset_format if isinstance(dataset_format, str) else json.dumps(dataset_format)
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "ANALYZER_ROOT": str(root),
        "ANALYZER_ENGINE": "local",
        "ANALYZER_CORES": "1",
        "dataset_source": str(source),
        "dataset_format": text,
        "output_path": str(root / "output-folder"),
        **{name: str(value) for name, value in settings.items()},
    }


def run_process(variables: dict[str, str]) -> tuple[int, str, str]:
    """Run the analyzer as the container does; gives exit code, exit message and log."""
    done = subprocess.run(
        [sys.executable, "-m", "analyzer"], env=variables, capture_output=True, text=True, check=False, timeout=120
    )
    message = Path(variables.get("output_message_file", Path(variables["ANALYZER_ROOT"]) / "output" / "message"))
    return done.returncode, message.read_text() if message.is_file() else "", done.stderr + done.stdout
