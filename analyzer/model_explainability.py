"""The half of a run that explains a model's predictions: rows to attributions, their drift and violations."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analyzer.analysis_config import PredictorConfig, ShapConfig
from analyzer.analysis_documents import Part
from analyzer.analyzers.attributed_rows import MISSING
from analyzer.analyzers.row_sample import RowSample
from analyzer.attributions.background import computed_background, rows_of
from analyzer.attributions.coalitions import design
from analyzer.attributions.dependence import dependences, grid_of
from analyzer.attributions.features import Block, pick_features, read_features
from analyzer.attributions.figures import (
    LabelFigures,
    aggregate,
    baseline_values,
    explanations,
    name_labels,
)
from analyzer.attributions.given_rows import parse_rows, rows_in
from analyzer.attributions.shapley import new_game
from analyzer.checks.attribution import AttributionVerdict, check_attribution
from analyzer.errors import ConfigError, InputError
from analyzer.explain_rows import (
    Explained,
    ExplainTask,
    Share,
    added_up,
    explain_share,
    put_together,
    shares_of,
    vary_share,
)
from analyzer.fetch_scripts import beside
from analyzer.find_model import access_of, feature_names
from analyzer.given_attributions import figures_of, fold_attributions, profile_of
from analyzer.job import deployed, phase, refuse_nothing
from analyzer.metrics import attribution_records
from analyzer.models.carried import CarriedModel
from analyzer.models.model import ModelAccess
from analyzer.plan_analysis import Rows, engine_of, fold_rows
from analyzer.stores import read_whole
from analyzer.stores.store import cure_of, reason_of

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader

log = logging.getLogger(__name__)
NAME = "attribution"
LOCAL_VALUES, BACKGROUND_FILE = "explanations_shap/out.csv", "explanations_shap/baseline.csv"
FEW_SYNTHETIC_ROWS = 500_000
"""Below so many, starting processes beside this one costs more than they save."""
Work = Callable[[Share], Explained]
Engine = Callable[[Work, Sequence[Share], int], list[Explained]]
"""Does the work for all shares, in order; the number says how much it is."""


def explain(rows: Rows, baseline: Mapping[str, Any] | None, leader: Leader | None = None) -> Part:
    """Compute global attributions and judge them against the baseline's.

    Raises InputError where there are no rows or features, ConfigError for a baseline or features that do not fit,
    ModelError or ScriptError where the model fails.
    """
    shap = settings_of(rows)
    where = given_in(rows)
    if where is not None:
        return _given(rows, where, shap, baseline, leader)
    access = access_of(rows)
    with _opened(rows, leader) as engine:
        with phase("sample"):
            sample = fold_rows(rows, partial(RowSample, shap.max_rows, shap.seed or 0), leader)
        assert isinstance(sample, RowSample)
        table = sample.table()
        if not table.num_rows:
            refuse_nothing(rows.config)
            return Part(NAME, 0, {})
        task, block, explained = _prepared(table, rows, shap, access)
        with phase("explain"):
            values = _explained(block, task, engine)
        labels = name_labels(values.shape[2], _headers(rows))
        findings = _Findings(sample, task, explained, values, labels)
        plots = _varied(block, findings, rows, engine)
    return _part(findings, plots, rows, baseline)


@dataclass(frozen=True, slots=True)
class _Findings:
    """What came of the sample: values (R, P, K) of the features `explained` and, where those are not all, the rest."""

    sample: RowSample
    task: ExplainTask
    explained: Sequence[str]
    values: NDArray[np.float64]
    labels: Sequence[str]

    def figures(self, method: str) -> list[LabelFigures]:
        found = aggregate(self.values[:, : len(self.explained)], method)
        expected = self.task.game.empty
        return [
            LabelFigures(label, dict(zip(self.explained, found[:, k].tolist(), strict=True)), float(expected[k]))
            for k, label in enumerate(self.labels)
        ]


# --- what is asked for ------------------------------------------------------------------------------------------------


def settings_of(rows: Rows) -> ShapConfig:
    """Give the parameters of Kernel SHAP; variables win over analysis_config.json."""
    shap, config = rows.analysis.shap, rows.config
    assert shap is not None
    threshold, most = config.attribution_threshold, config.most_explained
    return replace(
        shap,
        threshold=shap.threshold if threshold is None else threshold,
        max_rows=shap.max_rows if most is None else most,
    )


def _headers(rows: Rows) -> Sequence[str]:
    return rows.analysis.predictor.label_headers if rows.analysis.predictor else ()


# --- explaining -------------------------------------------------------------------------------------------------------


def _prepared(
    table: pa.Table, rows: Rows, shap: ShapConfig, access: ModelAccess
) -> tuple[ExplainTask, Block, list[str]]:
    """Read the features, choose baseline and coalitions, and ask the model for the first time."""
    names = feature_names(table.column_names, rows)
    given = None
    if shap.baseline is not None:
        given = rows_of(_found_rows(shap.baseline, rows, names), names, table.column_names)
    features, block = read_features(table, names, given or ())
    seed = shap.seed or 0
    background = (
        computed_background(block, features, shap.num_clusters, seed) if given is None else features.encode(given)
    )
    chosen = pick_features(shap.features_to_explain, names, "methods.shap.features_to_explain") or range(len(names))
    explained = list(dict.fromkeys(chosen))
    players = len(explained) + (len(explained) < len(names))
    plan = design(players, shap.num_samples, seed)
    game = new_game(plan, len(names), explained, background, logit=shap.use_logit)
    task = ExplainTask(
        CarriedModel.of(access, requirements=rows.config.install_requirements, origin=rows.config.model_origin),
        features,
        game,
    )
    return _introduced(task, len(block)), block, [names[i] for i in explained]


def _found_rows(baseline: Any, rows: Rows, names: Sequence[str]) -> list[Any]:
    """Find the rows of a baseline that is written down, or lies in a file.

    Raises ConfigError where it cannot be read.
    """
    path = rows.analysis.features
    if not isinstance(baseline, str):
        return rows_in(baseline, path, names)
    place = str(beside(rows.analysis.where, baseline))
    try:
        return parse_rows(read_whole(place), place, path, names)
    except OSError as error:
        raise ConfigError(
            f"methods.shap.baseline: {place} cannot be read: {reason_of(error)}.",
            cure_of(error, "Name a file of rows, or write the rows into analysis_config.json."),
        ) from error


def _introduced(task: ExplainTask, rows: int) -> ExplainTask:
    """Ask the model for the baseline: what is wrong with it shows before the work is shared out."""
    game = task.game
    log.info(
        "Explaining %d rows by %d coalitions%s of %d players with a baseline of %d rows",
        *(rows, len(game.masks), " (all there are)" if game.design.exact else "", len(game.design.remainder)),
        len(game.background),
    )
    return replace(task, game=game.with_empty(task.model.open(task.features).predict))


def _explained(block: Block, task: ExplainTask, engine: Engine) -> NDArray[np.float64]:
    """Explain all shares, where the engine does its work."""
    found = engine(partial(explain_share, task=task), shares_of(block, task.game), _size(block, task))
    _log_model(found)
    return put_together(found)


def _varied(block: Block, findings: _Findings, rows: Rows, engine: Engine) -> list[Mapping[str, Any]]:
    """Compute partial dependence where it is asked for: of the features named, else of those that matter most."""
    pdp, task = rows.analysis.pdp, findings.task
    if pdp is None:
        return []
    names = task.features.names
    chosen = pick_features(pdp.features, names, "methods.pdp.features")
    if not chosen:
        first = findings.figures("mean_abs")[0].values
        chosen = [names.index(name) for name in sorted(first, key=first.__getitem__, reverse=True)]
        chosen = chosen[: pdp.top_k_features]
    grids = [grid_of(block, task.features, place, pdp.grid_resolution) for place in chosen]
    with phase("dependence"):
        work = partial(vary_share, task=task, grids=grids)
        found = engine(work, shares_of(block, task.game), len(block) * sum(len(grid.values) for grid in grids))
    _log_model(found)
    return dependences(added_up(found), len(block), grids, task.features, findings.labels)


def _size(block: Block, task: ExplainTask) -> int:
    """Count the synthetic rows; those of an endpoint weigh more than starting a process does."""
    is_remote = task.model.access.script is None
    return FEW_SYNTHETIC_ROWS if is_remote else len(block) * len(task.game.masks) * len(task.game.background)


@contextmanager
def _opened(rows: Rows, leader: Leader | None) -> Iterator[Engine]:
    """Have the engine that reads the rows explain them, too."""
    config = rows.config
    if engine_of(rows) == "spark":
        from analyzer.engine.spark import map_on_spark, spark_session

        with deployed(leader) as deployment, spark_session(config, deployment) as session:
            yield lambda work, shares, _: map_on_spark(session, work, shares, deployment.patience)
        return
    from analyzer.engine.local import beside as beside_this

    def locally(work: Work, shares: Sequence[Share], size: int) -> list[Explained]:
        with beside_this(work, shares, config.cores if size >= FEW_SYNTHETIC_ROWS else 1) as parts:
            return list(parts)

    yield locally


def _log_model(parts: Sequence[Explained]) -> None:
    log.info(
        "The model was called %d times with %d rows, which took %.3f s in all its processes",
        *(sum(part.calls for part in parts), sum(part.rows for part in parts), sum(part.seconds for part in parts)),
    )


# --- attributions in the data -----------------------------------------------------------------------------------------


def given_in(rows: Rows) -> str | None:
    """Say where attributions stand in the data; None where they do not."""
    config, predictor = rows.config, rows.analysis.predictor or PredictorConfig()
    found = config.attributions or predictor.attributions
    if found and (config.model_script or config.model_url or predictor.handler or predictor.endpoint_url):
        raise ConfigError(
            f"{rows.analysis.where}: both a model and attributions in the data are named.",
            "Leave out ANALYZER_ATTRIBUTIONS (predictor.attributions), or the model.",
        )
    return found


def _given(rows: Rows, where: str, shap: ShapConfig, baseline: Mapping[str, Any] | None, leader: Leader | None) -> Part:
    """Aggregate attributions that are there, and judge them as those that are computed."""
    state = fold_attributions(rows, where, shap, leader)
    if not state.rows:
        refuse_nothing(rows.config)
        return Part(NAME, 0, {})
    if not state.counted:
        raise InputError(f"dataset_source: none of the {state.rows:,} rows has all attributions.", f"See {where!r}.")
    figures = figures_of(state, shap.agg_method, _headers(rows))
    verdict = judged(figures, baseline, shap.threshold)
    lacking = state.left_out[MISSING]
    notes = [f"{lacking:,} of {state.rows:,} rows lack attributions and were left out."] if lacking else []
    return Part(
        NAME,
        state.rows,
        {"explanations": explanations(figures)},
        violations=verdict.violations,
        metrics=attribution_records(figures, verdict.scores, rows.config, datetime.now(UTC)),
        profile={**profile_of(state, figures), **_judgement(verdict, shap)},
        notes=(*notes, *verdict.notes),
    )


# --- what is written --------------------------------------------------------------------------------------------------


def _part(
    findings: _Findings, plots: Sequence[Mapping[str, Any]], rows: Rows, baseline: Mapping[str, Any] | None
) -> Part:
    shap = settings_of(rows)
    figures = findings.figures(shap.agg_method)
    verdict = judged(figures, baseline, shap.threshold)
    sample = findings.sample
    notes = [*_sampling_note(sample, len(findings.values)), *verdict.notes]
    return Part(
        NAME,
        sample.rows,
        {"explanations": explanations(figures) | ({"pdp": plots} if plots else {})},
        violations=verdict.violations,
        metrics=attribution_records(figures, verdict.scores, rows.config, datetime.now(UTC)),
        profile=_profile(findings, verdict, shap),
        files=_files(findings) if shap.save_local_shap_values else {},
        notes=tuple(notes),
    )


def judged(figures: Sequence[LabelFigures], baseline: Mapping[str, Any] | None, threshold: float) -> AttributionVerdict:
    """Judge attributions by those of the baseline, where it has some."""
    known = baseline_values(baseline) if baseline is not None else {}
    if not known:
        return AttributionVerdict()
    log.info("Evaluating constraints")
    verdict = check_attribution(known, {each.label: each.values for each in figures}, threshold)
    for label, score in verdict.scores.items():
        log.info("Attributions of %s rate %.6f against the baseline's order (threshold %g).", label, score, threshold)
    return verdict


def _sampling_note(sample: RowSample, explained: int) -> list[str]:
    if explained == sample.rows:
        return []
    note = (
        f"{explained:,} of {sample.rows:,} rows were explained, a sample with seed {sample.seed}; "
        "ANALYZER_MOST_EXPLAINED or methods.shap.max_rows sets how many."
    )
    return [note]


def _profile(findings: _Findings, verdict: AttributionVerdict, shap: ShapConfig) -> dict[str, Any]:
    game = findings.task.game
    return {
        "explained_rows": len(findings.values),
        "left_out": dict(sorted(findings.sample.left_out.items())),
        "coalitions": len(game.masks),
        "exact": game.design.exact,
        "baseline_rows": len(game.background),
        "features": list(findings.explained),
        "labels": list(findings.labels),
        "use_logit": shap.use_logit,
        "seed": shap.seed or 0,
        **_judgement(verdict, shap),
    }


def _judgement(verdict: AttributionVerdict, shap: ShapConfig) -> dict[str, Any]:
    return {"agg_method": shap.agg_method, "threshold": shap.threshold, "ndcg": dict(verdict.scores)}


def _files(findings: _Findings) -> dict[str, str | bytes]:
    explained, task = findings.explained, findings.task
    header = [f"{name}_{label}" for label in findings.labels for name in explained]
    values = findings.values[:, : len(explained)].transpose(0, 2, 1).reshape(len(findings.values), -1)
    return {
        LOCAL_VALUES: _csv(header, values.tolist()),
        BACKGROUND_FILE: _csv(task.features.names, task.features.values(task.game.background)),
    }


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    import csv

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
