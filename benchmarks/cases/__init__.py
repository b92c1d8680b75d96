"""What is compared: each case makes its data, runs the job and its peers in turn, and returns comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.cases.attribution import attribution
from benchmarks.cases.biases import biases
from benchmarks.cases.capturing import capturing
from benchmarks.cases.containers import containers
from benchmarks.cases.far import far
from benchmarks.cases.growth import cores, memory, rows
from benchmarks.cases.merges import merges
from benchmarks.cases.past import dashboard
from benchmarks.cases.profilers import csv, parquet, profilers, small
from benchmarks.cases.quality import quality
from benchmarks.cases.shapes import capture, wide
from benchmarks.cases.tuning import backtest, tuned

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.comparison import Comparison
    from benchmarks.subjects import Setup

CASES: dict[str, Callable[[Setup], list[Comparison]]] = {
    "small": small,
    "profilers": profilers,
    "csv": csv,
    "parquet": parquet,
    "rows": rows,
    "memory": memory,
    "cores": cores,
    "containers": containers,
    "s3": far,
    "wide": wide,
    "capture": capture,
    "merge": merges,
    "quality": quality,
    "capturing": capturing,
    "attribution": attribution,
    "bias": biases,
    "backtest": backtest,
    "tuned": tuned,
    "dashboard": dashboard,
}
"""In the order of the table."""
