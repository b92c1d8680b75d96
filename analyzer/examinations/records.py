"""The first records of the data, read by the job's own steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from analyzer.analyzers.predictions import PredictionState
from analyzer.analyzers.table import TableState
from analyzer.config import JobConfig
from analyzer.diagnosis import Finding
from analyzer.errors import AnalyzerError, ScriptError
from analyzer.examinations.subject import Sample
from analyzer.job import Baseline, analyze_source
from analyzer.model_quality import analyze_predictions
from analyzer.profile_document import left_out_notes

CHECK: Final = "records"
NOTES_CURE: Final = "Look at how the data was written; profile.json counts such rows."


def examine_records(
    config: JobConfig, sample: Sample, baseline: Baseline, script: Path | None
) -> tuple[TableState | PredictionState | None, list[Finding]]:
    """Read and count the sample as the job would; what fails there would fail in the job."""
    ours = sample.config_of(config)
    try:
        if config.analysis_type == "MODEL_QUALITY":
            state: TableState | PredictionState = analyze_predictions(ours, script)
        else:
            state, _ = analyze_source(ours, baseline, script)
    except ScriptError:
        return None, []  # a finding of its own
    except AnalyzerError as error:
        return None, [Finding(CHECK, "failure", sample.real(error.message), sample.real(error.hint))]
    return state, list(_notes(state))


def _notes(state: TableState | PredictionState) -> Iterator[Finding]:
    for note in left_out_notes(state):
        yield Finding(CHECK, "warning", f"Of the first records: {note}", NOTES_CURE)
    if isinstance(state, PredictionState):
        text = f"the first {state.rows:,} records were read, {state.figures.rows:,} with prediction and label"
    else:
        text = f"the first {state.rows:,} records were read: {len(state.columns):,} columns"
    yield Finding(CHECK, "ok", text)
