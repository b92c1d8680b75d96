"""Real jobs that write reports, and what is read of their files."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from analyzer import job
from analyzer.config import read_config


def run_into(top: Path, name: str, source: Path, **settings: str | Path) -> Path:
    """Run a whole job in this process over CSV with a header; returns the folder with its files."""
    environment = {
        "ANALYZER_ROOT": str(top), "ANALYZER_ENGINE": "local", "ANALYZER_CORES": "1",
        "ANALYZER_REPORT": "html,md,junit", "dataset_format": '{"csv":{"header":true}}',
        "dataset_source": str(source), "output_path": str(top / name),
    }  # fmt: skip
    job.run(read_config(environment | {key: str(value) for key, value in settings.items()}))
    return top / name


def baseline_of(folder: Path) -> dict[str, Path]:
    return {f"baseline_{kind}": folder / f"{kind}.json" for kind in ("constraints", "statistics")}


def document(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def write_predictions(folder: Path, *, broken: bool, rows: int = 600) -> Path:
    draw = random.Random(5)
    folder.mkdir(parents=True)
    lines = ["label,prediction,score,country"]
    for i in range(rows):
        score = draw.random()
        positive = draw.random() < (0.3 + 0.4 * score if broken else score)
        lines.append(f"{int(positive)},{int(score > 0.5)},{score:.4f},{('de', '<b>fr</b>')[i % 2]}")
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    return folder
