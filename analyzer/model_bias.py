"""The half of a run that measures bias: rows to counts, metrics, their drift and violations."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from analyzer.analysis_config import AnalysisConfig, PredictorConfig
from analyzer.analysis_documents import Part, Violation
from analyzer.analyzers.bias_counts import BiasRoles, BiasState, Divided, Listed
from analyzer.ask_predictions import ColumnKinds, PredictedBias, Question
from analyzer.checks.bias import STAGES, Measured, check_bias, types_of
from analyzer.config import JobConfig
from analyzer.dataset_formats import ParquetFormat
from analyzer.errors import AnalyzerError, ConfigError, ModelError, ScriptError
from analyzer.find_model import access_of, feature_names
from analyzer.job import phase, refuse_nothing
from analyzer.measure_bias import BiasAnalysis, Types, measure_bias
from analyzer.measures.bias import DESCRIPTIONS
from analyzer.metrics import BIAS_METRIC, analysis_records
from analyzer.models.carried import CarriedModel
from analyzer.models.model import ModelAccess
from analyzer.plan_analysis import PREDICTED, Rows, fold_rows
from analyzer.profile_document import left_out_notes
from analyzer.write import STATE_FILE

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader

log = logging.getLogger(__name__)
STAGE_NAMES = {"post_training": "Post-Training", "pre_training": "Pre-training"}
"""What the stages are called in dimensions of metrics."""


def analyze_bias(
    rows: Rows, baseline: Mapping[str, Any] | None, leader: Leader | None = None, *, asks: bool = True
) -> Part:
    """Measure bias and judge it against the baseline's; a model is asked for predictions that are not in the data.

    Without `asks` it is not, and what is computed of its predictions is left out. Raises InputError where there is
    nothing to read, or a column is nowhere in the data; ConfigError where metrics of predictions are asked for and
    there are neither predictions nor a model; ModelError or ScriptError where the model fails.
    """
    access = _model_to_ask(rows)
    if access is not None and asks:
        state, failure = _fold_predicted_or_not(rows, access, leader)
    else:
        state, failure = _fold_given(rows, leader, has_model=access is not None), None
    if not state.rows:
        refuse_nothing(rows.config)
        return Part("bias", 0, {}, notes=("There were no rows, so nothing was measured.",))
    log.info("Rows: %d", state.rows)
    return replace(report_bias(state, rows.config, baseline), failure=failure)


def _fold_given(rows: Rows, leader: Leader | None, *, has_model: bool) -> BiasState:
    roles = roles_of(rows, has_model=has_model)
    state = fold_rows(_only_needed(rows, roles), partial(BiasState, roles), leader)
    assert isinstance(state, BiasState)
    return state


def _fold_predicted_or_not(
    rows: Rows, access: ModelAccess, leader: Leader | None
) -> tuple[BiasState, AnalyzerError | None]:
    """Fold rows with predictions; where the model fails, without them, as far as that was asked for, and say why."""
    assert rows.analysis.bias is not None
    try:
        return _fold_predicted(rows, access, leader), None
    except (ModelError, ScriptError) as error:
        if not rows.analysis.bias.pre_training:
            raise
        log.error("%s", error)  # noqa: TRY400 (the entry point tells of it with its traceback)
        return _fold_given(rows, leader, has_model=True), error


def _model_to_ask(rows: Rows) -> ModelAccess | None:
    """Find the model where predictions are needed and not in the data."""
    asked = rows.analysis.bias
    assert asked is not None
    access = access_of(rows)
    if rows.prediction is None and rows.score is None:
        return access if asked.post_training and access.is_given else None
    if access.is_given and rows.analysis.shap is None:
        log.info("Predictions are in the data: the model is not asked for them.")
    return None


def _fold_predicted(rows: Rows, access: ModelAccess, leader: Leader | None) -> BiasState:
    """Fold rows with the predictions of the model: once to see of what kind its features are, and once to ask it."""
    blank, question = BiasState(roles_of(rows, has_model=True)), _question(rows, access)
    question.introduce()
    with phase("kinds"):
        seen = fold_rows(rows, ColumnKinds, leader)
    assert isinstance(seen, ColumnKinds)
    if not seen.rows:
        return blank
    names = feature_names(list(seen.kinds), rows)
    column = PREDICTED if PREDICTED not in seen.kinds else f"{PREDICTED}_of_model"
    question = replace(question, kinds={name: seen.kinds[name] for name in names}, column=column)
    log.info("The model is asked for predictions of %d rows with %d features", seen.rows, len(names))
    predicted = replace(rows, prediction=column)
    state = fold_rows(predicted, partial(PredictedBias, roles_of(predicted), question), leader)
    assert isinstance(state, PredictedBias)
    log.info(
        "The model was called %d times with %d rows, which took %.3f s in all its processes",
        *(state.calls, state.asked, state.seconds),
    )
    return state


def _question(rows: Rows, access: ModelAccess) -> Question:
    """Say what the model answers: labels where predictor.label tells where they stand, else scores."""
    predictor = rows.analysis.predictor or PredictorConfig()
    labels = predictor.label is not None
    if labels:
        access = replace(access, requests=replace(access.requests, probability=None, texts=True))
    model = CarriedModel.of(access, requirements=rows.config.install_requirements, origin=rows.config.model_origin)
    return Question(model, PREDICTED, {}, rows.threshold, predictor.label_headers, labels)


def roles_of(rows: Rows, *, has_model: bool = False) -> BiasRoles:
    """Say which columns are what; `has_model` says that predictions could be asked for.

    Raises ConfigError where the label, or a prediction that is needed, is not told.
    """
    analysis, asked = rows.analysis, rows.analysis.bias
    assert asked is not None
    if rows.label is None:
        raise ConfigError(
            f"{analysis.where}: label is not given.", "Name the column of the label, or its 0-based index."
        )
    predicts = rows.prediction is not None or rows.score is not None
    if asked.named and asked.post_training and not predicts and not has_model:
        raise _unpredicted(analysis)
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


def _unpredicted(analysis: AnalysisConfig) -> ConfigError:
    return ConfigError(
        f"{analysis.where}: methods.post_training_bias needs predictions, and neither predicted_label nor a model "
        "is given.",
        "Name the column of the predicted label, or have the model asked: set ANALYZER_MODEL_SCRIPT to a Python "
        "file with predict(df), ANALYZER_MODEL_URL to an endpoint, or predictor.endpoint_name.",
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
    return check_bias(found.measured, baseline, analysis.bias.violation_rule, analysis.bias.allowed_ranges)


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
