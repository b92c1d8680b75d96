"""Bias beside plain pandas that computes the same metrics, each by a function of its own over the rows."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import generate
from benchmarks.comparison import Comparison, compare, compare_memory
from benchmarks.measure import Run, interleaved
from benchmarks.subjects import CSV, NAMES, Setup, job, peer, warm

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.comparison import Runs

BIAS_ROWS = 20_000_000
TIMES = 4
"""How many times as many rows the larger run has, of those by which growth of memory is told."""
CONFIG = {
    "label": "label",
    "predicted_label": "predicted",
    "label_values_or_threshold": [1],
    "facet": [
        {"name_or_index": "sex", "value_or_threshold": [0]},
        {"name_or_index": "income", "value_or_threshold": [40000]},
        {"name_or_index": "relationship", "value_or_threshold": ["Wife", "Husband"]},
        {"name_or_index": "origin"},
    ],
    "group_variable": "age",
}
"""Four facets: by value, by threshold, by several values, and each of five values against all others."""


def biases(setup: Setup) -> list[Comparison]:
    """Time of all metrics against pandas, and peak memory against a quarter of the rows."""
    rows = setup.scaled(BIAS_ROWS)
    many, few = (generate.bias_files(setup.data, each) for each in (rows, rows // TIMES))
    for folder in (many, few):
        warm(folder)
    subjects = {
        "local": partial(bias, setup, many),
        "pandas": partial(peer, setup, "pandas", many),
        "few": partial(bias, setup, few),
    }
    runs: Runs = interleaved(subjects, setup.times(1))
    line = {"rows": rows, "peer_name": NAMES["pandas"], "ours": runs["local"], "theirs": runs["pandas"]}
    itself = line | {"peer_name": f"itself at {rows // TIMES:,} rows", "theirs": runs["few"]}
    return [
        compare("bias", "local, whole process", at_most=0.1, **line),
        compare_memory("bias", "local, peak of all processes", roles=("all",), at_most=1.2, **itself),
    ]


def bias(setup: Setup, source: Path) -> Run:
    """Run a job of bias, flip test included."""
    config = setup.data / "analysis_config.json"
    config.write_text(json.dumps(CONFIG))
    return job(setup, source, CSV, "local", settings={"ANALYZER_ANALYSIS_CONFIG": str(config)})
