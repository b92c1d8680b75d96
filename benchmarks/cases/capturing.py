"""What capturing costs a web server: an app with the middleware, beside itself without."""

from __future__ import annotations

import importlib.util
import sys
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.comparison import Comparison, compare
from benchmarks.measure import Run, Skipped, interleaved, run
from benchmarks.subjects import HERE, Setup

if TYPE_CHECKING:
    from benchmarks.comparison import Runs

REQUESTS = 20_000
WITHOUT = -1
LINES = (
    ("every request captured, time of its thread", 100, "answer", 1.6),
    ("every request captured, time of all threads", 100, "work", 1.9),
    ("1 of 10 requests captured, time of all threads", 10, "work", 1.3),
    ("no request captured, time of all threads", 0, "work", 1.15),
)
"""What is measured: the percentage, whose CPU time, and how much more it may be than without the middleware."""


def capturing(setup: Setup) -> list[Comparison]:
    """CPU time of a request to an app of FastAPI in one process, with the capture middleware and without."""
    requests = setup.scaled(REQUESTS)
    percentages = [WITHOUT, *dict.fromkeys(percentage for _, percentage, _, _ in LINES)]
    runs: Runs
    if importlib.util.find_spec("fastapi") is None:
        runs = {str(each): Skipped("skipped: FastAPI is not installed") for each in percentages}
    else:
        subjects = {str(each): partial(_serve, setup, requests, each) for each in percentages}
        runs = interleaved(subjects, setup.times(5))
    return [
        compare(
            "capturing",
            subject,
            rows=requests,
            peer_name="without the middleware",
            ours=runs[str(percentage)],
            theirs=runs[str(WITHOUT)],
            at_most=at_most,
            phase=phase,
        ).per(requests, requests)
        for subject, percentage, phase, at_most in LINES
    ]


def _serve(setup: Setup, requests: int, percentage: float) -> Run:
    command = [sys.executable, str(HERE / "serve.py"), str(setup.data), str(requests), str(percentage)]
    return run(command, cwd=HERE.parent)
