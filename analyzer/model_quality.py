"""The line of model quality: predictions and their labels to metrics, constraints and violations, top to bottom."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.analyze import Task, merge_all
from analyzer.analyzers.predictions import PredictionState, Roles
from analyzer.checks.quality import check_quality
from analyzer.config import JobConfig
from analyzer.dataset_formats import CaptureFormat, SparkFormat
from analyzer.decode import read_quality_constraints
from analyzer.encode import encode_quality_constraints, encode_quality_statistics, encode_quality_violations
from analyzer.errors import InputError
from analyzer.fetch_scripts import fetched_scripts
from analyzer.job import (
    baseline_content,
    fold_files,
    fold_source,
    list_inputs,
    log_quirks,
    prepare_extensions,
    reading_of,
    refuse_nothing,
    reports_for_people,
    write_reports,
)
from analyzer.jsonlayout import dump
from analyzer.measure import Asked, measure
from analyzer.metrics import check_schedule, quality_records
from analyzer.name_columns import Naming, name_columns
from analyzer.postprocess import postprocess
from analyzer.profile_document import left_out_notes, quality_profile
from analyzer.publish import check_publishing
from analyzer.quality_documents import QualityAnalysis, QualityConstraints, QualityVerdict
from analyzer.suggest import suggest_quality
from analyzer.write import (
    CONSTRAINTS_FILE,
    PROFILE_FILE,
    STATE_FILE,
    STATISTICS_FILE,
    VIOLATIONS_FILE,
    check_writable,
)

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader
    from analyzer.report import Document

log = logging.getLogger(__name__)
NONE_EXCLUDED: frozenset[str] = frozenset()
"""Columns are picked by their roles, so none need to be left out."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a run has to write; `baseline` is None where nothing was to be judged."""

    state: PredictionState
    analysis: QualityAnalysis
    suggested: QualityConstraints
    verdict: QualityVerdict
    baseline: QualityConstraints | None


def run_quality(config: JobConfig, leader: Leader | None = None) -> int:
    """Do what the configuration says and return the number of violations; `leader` knows the other hosts, if several.

    Raises AnalyzerError as the line of data quality does.
    """
    check_schedule(config)
    check_publishing(config)
    check_writable(config.output_path)
    baseline = read_quality_baseline(config)
    with fetched_scripts(config) as scripts:
        prepare_extensions(config, scripts)
        state = analyze_predictions(config, scripts.record, leader)
        verdict = report_quality(state, baseline, config)
        if scripts.post_analytics:
            postprocess(scripts.post_analytics)
    return len(verdict.violations)


def read_quality_baseline(config: JobConfig) -> QualityConstraints | None:
    """Read the baseline's constraints; statistics of a baseline are not compared with.

    Raises BaselineError where the file is missing or makes no sense.
    """
    if config.baseline_statistics is not None:
        log.info("baseline_statistics is not used: model quality is judged by baseline_constraints alone.")
    if config.exclude_features_attribute:
        log.warning("exclude_features_attribute is not used: model quality reads only the columns that it is told.")
    path = config.baseline_constraints
    if path is None:
        return None
    assert config.problem_type is not None
    return read_quality_constraints(baseline_content("baseline_constraints", path), str(path), config.problem_type)


def roles_of(config: JobConfig) -> Roles:
    """Say which columns are what."""
    binary = config.problem_type == "BinaryClassification"
    return Roles(
        label=config.ground_truth_attribute,
        prediction=config.inference_attribute,
        score=config.probability_attribute if binary else None,
        segments=config.segment_columns,
        regression=config.problem_type == "Regression",
        threshold=config.probability_threshold_attribute,
    )


def analyze_predictions(config: JobConfig, script: Path | None = None, leader: Leader | None = None) -> PredictionState:
    """Fold the whole source into one state.

    Raises InputError where there is nothing to read, or nothing to judge and nothing to estimate from.
    """
    state = _fold(config, script, leader)
    if not state.rows:
        refuse_nothing(config)
    elif not state.figures.rows:
        _refuse_unjudged(state, config)
    log.info("Rows: %d, with prediction and label: %d", state.rows, state.figures.rows)
    return state


def _fold(config: JobConfig, script: Path | None, leader: Leader | None) -> PredictionState:
    roles = roles_of(config)
    if isinstance(config.dataset_format, SparkFormat):
        return _fold_frame(config, config.dataset_format, roles, leader)
    files, peers = list_inputs(config, leader)
    if not files:
        return PredictionState(roles)
    naming = name_columns(files, config, None)
    reading = replace(reading_of(config, naming, script), roles=roles, excluded=NONE_EXCLUDED)
    state, _ = fold_files(files, config, Task(reading, {}, peers), leader)
    assert isinstance(state, PredictionState)
    return state


def _fold_frame(config: JobConfig, source: SparkFormat, roles: Roles, leader: Leader | None) -> PredictionState:
    task = Task(replace(reading_of(config, Naming()), roles=roles, excluded=NONE_EXCLUDED), {})
    folded, _, _ = fold_source(config, source, task, leader)
    state = merge_all(folded) if folded else PredictionState(roles)
    assert isinstance(state, PredictionState)
    return state


def _refuse_unjudged(state: PredictionState, config: JobConfig) -> None:
    """Refuse data of which no row can be judged, unless performance can be estimated from probabilities."""
    captured = isinstance(config.dataset_format, CaptureFormat)
    if state.left_out["missing_labels"] and captured and config.probability_attribute:
        log.warning("There are no labels; the metrics in profile.json are estimated from the probabilities.")
        return
    what = "label" if state.left_out["missing_labels"] else "prediction"
    raise InputError(
        f"dataset_source: none of the {state.rows:,} rows has a {what}.",
        "Check the attributes; merged records have groundTruthData, and with a probability_attribute the performance "
        "on captures without labels is estimated."
        if what == "label"
        else "Check inference_attribute and probability_attribute.",
    )


def report_quality(state: PredictionState, baseline: QualityConstraints | None, config: JobConfig) -> QualityVerdict:
    """Make everything of a state that is made of it, and write the files.

    Raises InputError for labels and predictions that cannot belong together, OutputError where files cannot be written.
    """
    now = datetime.now(UTC)
    analysis = measure(state, _asked(config, state), now)
    suggested = suggest_quality(analysis.statistics)
    verdict = _judge(analysis, baseline, config)
    for note in (*left_out_notes(state), *analysis.notes, *verdict.notes):
        log.warning("%s", note)
    log_quirks((*analysis.quirks, *verdict.quirks))
    _write(config, Findings(state, analysis, suggested, verdict, baseline), now)
    return verdict


def _asked(config: JobConfig, state: PredictionState) -> Asked:
    assert config.problem_type is not None
    return Asked(config.problem_type, config.positive_label, config.compatibility, state.roles.threshold)


def _judge(analysis: QualityAnalysis, baseline: QualityConstraints | None, config: JobConfig) -> QualityVerdict:
    if baseline is None:
        return QualityVerdict()
    if not analysis.statistics.item_count:
        return QualityVerdict(notes=("There were no rows with labels, so nothing was judged.",))
    log.info("Evaluating constraints")
    return check_quality(analysis.statistics, baseline, config.compatibility)


def _write(config: JobConfig, findings: Findings, now: datetime) -> None:
    """Write all files at once: complete, or none of them."""
    analysis, verdict = findings.analysis, findings.verdict
    documents = {
        CONSTRAINTS_FILE: encode_quality_constraints(findings.suggested),
        STATISTICS_FILE: encode_quality_statistics(analysis.statistics),
        PROFILE_FILE: _profile(config, findings),
    }
    before: dict[str, Document] = {}
    if findings.baseline is not None:
        documents[VIOLATIONS_FILE] = encode_quality_violations(verdict.violations)
        before[CONSTRAINTS_FILE] = encode_quality_constraints(findings.baseline)
    files: dict[str, str | bytes] = {name: dump(document) for name, document in documents.items()}
    files[STATE_FILE] = findings.state.to_bytes()
    if before:
        log.info("Constraint violations: %s", files[VIOLATIONS_FILE])
    files |= reports_for_people(config, "model_quality", documents, before)
    records = quality_records(analysis.statistics, len(verdict.violations) if before else None, config, now)
    write_reports(config, files, records)


def _profile(config: JobConfig, findings: Findings) -> dict[str, Any]:
    return quality_profile(findings.analysis, findings.state, findings.verdict, config.compatibility)
