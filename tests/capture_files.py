"""Capture files as readers see them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def files(folder: Path) -> list[Path]:
    """The capture files that readers see."""
    return sorted(path for path in folder.rglob("*.jsonl") if not path.name.startswith("."))


def records(folder: Path) -> list[dict[str, Any]]:
    """All captured records, none of which may be half a line."""
    return [json.loads(line) for path in files(folder) for line in path.read_text().splitlines()]


def payload(record: dict[str, Any], half: str = "endpointInput") -> tuple[str, str]:
    found = record["captureData"][half]
    return found["data"], found["encoding"]
