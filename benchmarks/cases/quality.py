"""Model quality beside scikit-learn, on the same file of labels, predictions and probabilities."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks import generate
from benchmarks.comparison import Comparison, compare, compare_memory
from benchmarks.measure import interleaved
from benchmarks.subjects import CSV, NAMES, Setup, job, peer, warm

if TYPE_CHECKING:
    from benchmarks.comparison import Runs

QUALITY_ROWS = 50_000_000
SETTINGS = {
    "analysis_type": "MODEL_QUALITY",
    "problem_type": "BinaryClassification",
    "inference_attribute": "prediction",
    "probability_attribute": "probability",
    "ground_truth_attribute": "label",
}


def quality(setup: Setup) -> list[Comparison]:
    """Time and memory of a binary baseline whose scores are all different, from start to exit."""
    rows = setup.scaled(QUALITY_ROWS)
    folder = generate.prediction_files(setup.data, rows)
    warm(folder)
    subjects = {
        "local": partial(job, setup, folder, CSV, "local", settings=SETTINGS),
        "scikit-learn": partial(peer, setup, "scikit-learn", folder),
    }
    runs: Runs = interleaved(subjects, setup.times(1))
    line = {
        "rows": rows,
        "peer_name": NAMES["scikit-learn"],
        "ours": runs["local"],
        "theirs": runs["scikit-learn"],
    }
    return [
        compare("quality", "local, whole process", at_most=0.5, **line),
        compare_memory("quality", "local, peak of all processes", roles=("all",), at_most=0.2, **line),
    ]
