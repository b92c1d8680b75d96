"""The half of a run that measures bias: rows to counts, metrics, their drift and violations."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from analyzer.analysis_config import AnalysisConfig
from analyzer.analysis_documents import Part, Violation
from analyzer.analyzers.bias_counts import BiasRoles, BiasState, Divided, Listed
from analyzer.checks.bias import STAGES, Measured, check_bias, types_of
from analyzer.config import JobConfig
from analyzer.dataset_formats import ParquetFormat
from analyzer.errors import ConfigError
from analyzer.job import refuse_nothing
from analyzer.measure_bias import BiasAnalysis, Types, measure_bias
from analyzer.measures.bias import DESCRIPTIONS
from analyzer.metrics import BIAS_METRIC, analysis_records
from analyzer.plan_analysis import Rows, fold_rows
from analyzer.profile_document import left_out_notes
from analyzer.write import STATE_FILE

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader

log = logging.getLogger(__name__)
STAGE_NAMES = {"post_training": "Post-Training", "pre_training": "Pre-training"}
"""What the stages are called in dimensions of metrics."""


def analyze_bias(rows: Rows, baseline: Mapping[str, Any] | None, leader: Leader | None = None) -> Part:
    """Measure bias and judge it against the baseline's.

    Raises InputError where there is nothing to read, or a column is nowhere in the data; ConfigError where metrics of
    predictions are asked for and there are no predictions.
    """
    roles = roles_of(rows)
    state = fold_rows(_only_needed(rows, roles), partial(BiasState, roles), leader)
    assert isinstance(state, BiasState)
    if not state.rows:
        refuse_nothing(rows.config)
        return Part("bias", 0, {}, notes=("There were no rows, so nothing was measured.",))
    log.info("Rows: %d", state.rows)
    return report_bias(state, rows.config, baseline)


def roles_of(rows: Rows) -> BiasRoles:
    """Say which columns are what.

    Raises ConfigError where the label, or a prediction that is needed, is not told.
    """
    analysis, asked = rows.analysis, rows.analysis.bias
    assert asked is not None
    if rows.label is None:
        raise ConfigError(
            f"{analysis.where}: label is not given.", "Name the column of the label, or its 0-based index."
        )
    predicts = rows.prediction is not None or rows.score is not None
    if asked.named and asked.post_training and not predicts:
        raise ConfigError(
            f"{analysis.where}: methods.post_training_bias needs predictions, and predicted_label is not given.",
            "Name the column of the predicted label; predictions are not asked of a model for metrics of bias.",
        )
    flips = predicts and "FT" in asked.post_training and not asked.skip_flip_test
    return BiasRoles(
        label=Listed(rows.label, analysis.label_values),
        facets=tuple(Listed(facet.column, facet.values) for facet in analysis.facets),
        prediction=rows.prediction,
        score=rows.score,
        threshold=rows.threshold,
        group=analysis.group_variable,
        segments=tuple(Divided(each.column, each.segments) for each in analysis.segments),
        sampled=asked.flip_test_rows if flips else 0,
        seed=asked.seed,
    )


def fits(roles: BiasRoles, analysis: AnalysisConfig) -> bool:
    """Tell whether a state with these roles answers what this configuration asks."""
    facets = tuple((facet.column, facet.values) for facet in roles.facets)
    segments = tuple((each.column, each.segments) for each in roles.segments)
    return (facets, segments, roles.group, roles.label.values) == (
        tuple((facet.column, facet.values) for facet in analysis.facets),
        tuple((each.column, each.segments) for each in analysis.segments),
        analysis.group_variable,
        analysis.label_values,
    )


def _only_needed(rows: Rows, roles: BiasRoles) -> Rows:
    """Leave columns of Parquet files unread that no role names, where no row is looked at as a whole."""
    if roles.sampled or not isinstance(rows.config.dataset_format, ParquetFormat) or rows.reading.script:
        return rows
    from analyzer.readers.parquet_files import open_parquet

    found = (roles.label.column, roles.prediction, roles.score, roles.group)
    others = [*(each.column for each in roles.facets), *(each.column for each in roles.segments)]
    names = [name for file in rows.files for name in open_parquet(file.path).schema_arrow.names]
    indices = {column for column in (*found, *others) if isinstance(column, int)}
    needed = {str(column) for column in (*found, *others)} | {names[i] for i in indices if i < len(names)}
    return replace(rows, reading=replace(rows.reading, excluded=frozenset(names) - needed))


def report_bias(state: BiasState, config: JobConfig, baseline: Mapping[str, Any] | None) -> Part:
    """Make everything of a state that is made of it."""
    analysis = config.analysis
    assert analysis is not None
    assert analysis.bias is not None
    label, facets = types_of(baseline)
    found = measure_bias(state, analysis, Types(label, facets))
    violations, unjudged = _judged(found, baseline, analysis)
    notes = [*left_out_notes(state), *found.notes, *unjudged]
    if not state.roles.predicts and analysis.bias.post_training:
        notes.append("There are no predictions, so metrics after training were left out.")
    return Part(
        name="bias",
        rows=state.rows,
        sections=_sections(found),
        violations=violations,
        metrics=list(_metrics(found, config)),
        profile=dict(found.profile),
        files={STATE_FILE: state.to_bytes()},
        notes=tuple(notes),
    )


def _judged(
    found: BiasAnalysis, baseline: Mapping[str, Any] | None, analysis: AnalysisConfig
) -> tuple[Sequence[Violation], Sequence[str]]:
    assert analysis.bias is not None
    if baseline is None or not any(section in baseline for section in STAGES.values()):
        return (), ()
    log.info("Evaluating constraints")
    return check_bias(found.measured, baseline, analysis.bias.violation_rule)


# --- analysis.json ----------------------------------------------------------------------------------------------------


def _sections(found: BiasAnalysis) -> dict[str, Any]:
    sections: dict[str, Any] = _stages(found, found.measured)
    if found.segments:
        sections["segments"] = [
            {"name": name, "segment": segment, **_stages(found, measured)} for name, segment, measured in found.segments
        ]
    return sections


def _stages(found: BiasAnalysis, measured: Sequence[Measured]) -> dict[str, Any]:
    return {
        section: _section(found, [each for each in measured if each.stage == stage])
        for stage, section in STAGES.items()
        if any(each.stage == stage for each in measured)
    }


def _section(found: BiasAnalysis, measured: Sequence[Measured]) -> dict[str, Any]:
    facets: dict[str, list[dict[str, Any]]] = {}
    for each in measured:
        entry = {"value_or_threshold": each.value, "metrics": [_member(*pair) for pair in each.metrics.items()]}
        facets.setdefault(each.facet, []).append(entry)
    return {"label": found.label, "facets": facets, "label_value_or_threshold": found.label_text}


def _member(name: str, value: float | str) -> dict[str, Any]:
    document = {"name": name, "description": DESCRIPTIONS[name], "value": None if isinstance(value, str) else value}
    return document | ({"error": value} if isinstance(value, str) else {})


# --- metrics ----------------------------------------------------------------------------------------------------------


def _metrics(found: BiasAnalysis, config: JobConfig) -> Iterator[Mapping[str, Any]]:
    for each in found.measured:
        dimensions = {
            "BiasStage": STAGE_NAMES[each.stage],
            "Label": found.label,
            "LabelValue": found.label_text,
            "Facet": each.facet,
            "FacetValue": each.told,
        }
        values = {f"{BIAS_METRIC}{name}": v for name, v in each.metrics.items() if not isinstance(v, str)}
        yield from analysis_records(values, dimensions, config, datetime.now(UTC))
