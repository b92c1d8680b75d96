"""Captures and labels for the tests of merges, and what a merge left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from traffic import record, write_lines

ENDPOINT = "captures/churn/AllTraffic"
HOUR = "2025/02/16/11"


def label(event: Any, data: str = "1", encoding: str = "CSV") -> dict[str, Any]:
    return {
        "groundTruthData": {"data": data, "encoding": encoding},
        "eventMetadata": {"eventId": event},
        "eventVersion": "0",
    }


def capture(
    event: str = "e-1", inference: str | None = None, time: str | None = "2025-02-16T11:19:01Z"
) -> dict[str, Any]:
    found = record("1,2", "0.7\n", time, event)
    return (
        found if inference is None else {**found, "eventMetadata": {**found["eventMetadata"], "inferenceId": inference}}
    )


def write_sides(
    root: Path, captures: Mapping[str, Iterable[Any]], labels: Mapping[str, Iterable[Any]]
) -> tuple[Path, Path]:
    """Write both sides, by the names of their files, and give their folders."""
    for name, values in captures.items():
        write_lines(root / "captures" / name, values)
    for name, values in labels.items():
        write_lines(root / "labels" / name, values)
    (root / "captures").mkdir(parents=True, exist_ok=True)
    (root / "labels").mkdir(parents=True, exist_ok=True)
    return root / "captures", root / "labels"


def variables(root: Path, **settings: Any) -> dict[str, str]:
    """The merger's environment, for sides that `write_sides` wrote below `root`."""
    return {
        "ANALYZER_ROOT": str(root),
        "ANALYZER_ENGINE": "local",
        "ANALYZER_CORES": "1",
        "dataset_source": str(root / "captures"),
        "ground_truth_source": str(root / "labels"),
        "output_path": str(root / "merged"),
        **{name: str(value) for name, value in settings.items()},
    }


def merged(out: Path) -> list[dict[str, Any]]:
    """All merged records, file by file."""
    return [json.loads(line) for path in sorted(out.rglob("*.jsonl")) for line in path.read_text().splitlines()]


def report(out: Path) -> dict[str, Any]:
    return json.loads((out / "merge_report.json").read_text())


def files(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
