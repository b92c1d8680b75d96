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
            _measure(ours, script)
            state, _ = analyze_source(ours, baseline, script)
    except ScriptError:
        return None, []  # a finding of its own
    except AnalyzerError as error:
        return None, [Finding(CHECK, "failure", sample.real(error.message), sample.real(error.hint))]
    return state, list(_notes(state))


def _measure(config: JobConfig, script: Path | None) -> None:
    """Find the columns of an analysis, and measure bias; a model is not asked.

    Raises AnalyzerError as the job would.
    """
    if config.analysis is None:
        return
    from analyzer.join_datasets import joined_datasets
    from analyzer.model_bias import analyze_bias
    from analyzer.plan_analysis import open_rows

    with joined_datasets(config, script, None) as source:
        rows = open_rows(source, script if source is config else None)
        if config.analysis.bias is not None:
            analyze_bias(rows, None, asks=False)


def _notes(state: TableState | PredictionState) -> Iterator[Finding]:
    for note in left_out_notes(state):
        yield Finding(CHECK, "warning", f"Of the first records: {note}", NOTES_CURE)
    if isinstance(state, PredictionState):
        text = f"the first {state.rows:,} records were read, {state.figures.rows:,} with prediction and label"
    else:
        text = f"the first {state.rows:,} records were read: {len(state.columns):,} columns"
    yield Finding(CHECK, "ok", text)
