"""Feature attribution: how much of a run is spent outside the user's model."""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmarks import generate
from benchmarks.comparison import Comparison
from benchmarks.measure import CommandFailed
from benchmarks.subjects import CSV, HERE, Setup, job, warm

ATTRIBUTION_ROWS = 100_000
COALITIONS = 100


def attribution(setup: Setup) -> list[Comparison]:
    """Time outside a model of scikit-learn, of a run that explains every row by 100 coalitions, start to exit.

    The model's time is that of loading it, with its libraries, and of its predictions.
    A logistic regression answers so fast that starting the job and reading the rows take longer: it has no limit.
    """
    return [
        _outside(setup, "gradient boosting", 0.2, linear=False),
        _outside(setup, "logistic regression", linear=True),
    ]


def _outside(setup: Setup, model: str, at_most: float | None = None, *, linear: bool) -> Comparison:
    rows = setup.scaled(ATTRIBUTION_ROWS)
    folder = generate.model_files(setup.data, rows, linear=linear)
    warm(folder / "rows")
    outside: list[float] = []
    whole: list[float] = []
    subject = f"local, outside of {model}, 1 core"
    line = {"case": "attribution", "subject": subject, "rows": rows, "peer": "the whole run", "at_most": at_most}
    for _ in range(setup.times(1)):
        try:
            took, inside = _explained(setup, folder, rows)
        except CommandFailed as error:
            return Comparison(**line, note=str(error))
        outside.append(took - inside)
        whole.append(took)
    return Comparison(**line, ours=outside, theirs=whole)


def _explained(setup: Setup, folder: Path, rows: int) -> tuple[float, float]:
    """Explain all rows on one core, so that the model's seconds and those of the run are those of one process."""
    shap = {"baseline": [[0.0] * generate.MODEL_FEATURES], "num_samples": COALITIONS, "max_rows": rows}
    config = folder / "analysis_config.json"
    config.write_text(json.dumps({"methods": {"shap": shap}}))
    told = folder / "seconds"
    told.unlink(missing_ok=True)
    settings = {
        "ANALYZER_ANALYSIS_CONFIG": str(config),
        "ANALYZER_MODEL_SCRIPT": str(HERE / "model.py"),
        "ANALYZER_MODEL_DIR": str(folder),
        "MODEL_SECONDS": str(told),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": os.environ["PATH"],
    }
    run = job(setup, folder / "rows", CSV, "local", cores=1, settings=settings)
    return run.seconds, float(told.read_text())
