"""The line of bias and attribution: both halves of a run, and the one analysis.json that they write.

How the halves plug in. `run_analysis` opens the rows once (`plan_analysis.open_rows`), hands them to
`model_bias.analyze_bias` where `config.analysis.bias` is set and to `model_explainability.explain` where
`config.analysis.shap` is, each with the baseline's document (an analysis.json, or None) and the leader, and gets a
`analysis_documents.Part` of each. A half folds rows with `plan_analysis.fold_rows(rows, blank, leader)`, where `blank`
is a picklable function without arguments (a `functools.partial` of a state's class) that makes an empty state with the
operations of `analyze.State`; `analyzers.row_sample.RowSample` is such a state for a seeded, bounded sample of rows.
Batches have one column for each feature, and `rows.outcome` names or numbers the columns that are none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from analyzer.analysis_config import AnalysisConfig
from analyzer.analysis_documents import VERSION, Part, Violation, dump_analysis
from analyzer.config import JobConfig
from analyzer.errors import AnalyzerError, BaselineError
from analyzer.fetch_scripts import fetched_model, fetched_scripts
from analyzer.job import baseline_content, prepare_extensions, reports_for_people, write_reports
from analyzer.join_datasets import joined_datasets
from analyzer.jsonlayout import dump, parse
from analyzer.metrics import check_schedule
from analyzer.plan_analysis import Rows, open_rows, opened_engine
from analyzer.postprocess import postprocess
from analyzer.publish import check_publishing
from analyzer.write import ANALYSIS_FILE, PROFILE_FILE, VIOLATIONS_FILE, check_writable

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader

log = logging.getLogger(__name__)
BIAS_SECTIONS = ("post_training_bias_metrics", "pre_training_bias_metrics")
EXPLANATIONS = "explanations"


def run_analysis(config: JobConfig, leader: Leader | None = None) -> int:
    """Do what the configuration says and return the number of violations; `leader` knows the other hosts, if several.

    Raises AnalyzerError as the line of data quality does.
    """
    analysis = config.analysis
    assert analysis is not None
    for note in analysis.notes:
        log.info("%s", note)
    check_schedule(config)
    check_publishing(config)
    check_writable(config.output_path)
    baseline = read_analysis_baseline(config)
    with fetched_scripts(config) as scripts, ExitStack() as stack:
        config = stack.enter_context(fetched_model(config))
        prepare_extensions(config, scripts)
        source = stack.enter_context(joined_datasets(config, scripts.record, leader))
        rows = open_rows(source, scripts.record if source is config else None, leader)
        with opened_engine(rows, leader):
            parts, failures = analyze_halves(rows, baseline, leader)
        violations = write_analysis(parts, config, baseline)
        if failures:
            raise failures[0]
        if scripts.post_analytics:
            postprocess(scripts.post_analytics)
    return len(violations)


def analyze_halves(
    rows: Rows, baseline: Mapping[str, Any] | None, leader: Leader | None = None
) -> tuple[list[Part], list[AnalyzerError]]:
    """Do both halves of a run as far as they are asked for; what one finds is not lost for a failure of the other.

    Raises the failure where nothing was found.
    """
    parts: list[Part] = []
    failures: list[AnalyzerError] = []
    for half in _halves(rows.analysis):
        try:
            part = half(rows, baseline, leader)
            parts.append(part)
            if part.failure is not None:
                failures.append(part.failure)
        except AnalyzerError as error:
            log.error("%s", error)  # noqa: TRY400 (the entry point tells of it with its traceback)
            failures.append(error)
    if failures and not parts:
        raise failures[0]
    return parts, failures


def _halves(analysis: AnalysisConfig) -> Iterator[Callable[[Rows, Mapping[str, Any] | None, Leader | None], Part]]:
    if analysis.bias:
        from analyzer.model_bias import analyze_bias

        yield analyze_bias
    if analysis.shap:
        from analyzer.model_explainability import explain

        yield explain


def read_analysis_baseline(config: JobConfig) -> Mapping[str, Any] | None:
    """Read the analysis.json of a baseline.

    Raises BaselineError where it cannot be read, or has no figures of what this job does.
    """
    path, analysis = config.baseline_constraints, config.analysis
    assert analysis is not None
    if config.baseline_statistics is not None:
        log.info("baseline_statistics is not used: analyses are judged by baseline_constraints alone.")
    if path is None:
        return None
    document = _document(baseline_content("baseline_constraints", path), str(path))
    lacking = _unjudged(analysis, document)
    if len(lacking) == (analysis.bias is not None) + (analysis.shap is not None):
        raise BaselineError(
            f"baseline_constraints: {path} has {', '.join(document) or 'nothing'}, but no {lacking[0]}.",
            f"Name the {ANALYSIS_FILE} of a baseline job with the same analysis.",
        )
    for section in lacking:
        log.warning("The baseline %s has no %s, so these figures of this run are not judged.", path, section)
    return document


def _unjudged(analysis: AnalysisConfig, baseline: Mapping[str, Any]) -> list[str]:
    """Name what this job computes and the baseline has no figures of."""
    bias = analysis.bias is not None and not any(name in baseline for name in BIAS_SECTIONS)
    shap = analysis.shap is not None and EXPLANATIONS not in baseline
    return [BIAS_SECTIONS[0]] * bias + [EXPLANATIONS] * shap


def _document(content: bytes, path: str) -> Mapping[str, Any]:
    try:
        found = parse(content)
    except ValueError as error:
        raise BaselineError(f"baseline_constraints: {path} is not JSON: {error}.", _CURE) from error
    if not isinstance(found, dict):
        raise BaselineError(f"baseline_constraints: {path} is {type(found).__name__}, not an object.", _CURE)
    return found


_CURE = f"Name the {ANALYSIS_FILE} that a baseline job wrote."


def write_analysis(
    parts: Sequence[Part], config: JobConfig, baseline: Mapping[str, Any] | None = None
) -> Sequence[Violation]:
    """Write one analysis.json of all parts, violations where there are any, profile, further files and metrics.

    Raises OutputError where they cannot be written; then none of them is.
    """
    for note in (note for part in parts for note in part.notes):
        log.warning("%s", note)
    violations = [violation for part in parts for violation in part.violations]
    sections = {name: section for part in parts for name, section in part.sections.items()}
    documents: dict[str, Mapping[str, Any]] = {
        ANALYSIS_FILE: {"version": VERSION, **sections},
        PROFILE_FILE: {"version": 1, **{part.name: _profile(part, baseline) for part in parts}},
    }
    if violations:
        documents[VIOLATIONS_FILE] = {"version": VERSION, "violations": violations}
    files: dict[str, str | bytes] = {
        name: dump(document) if name == PROFILE_FILE else dump_analysis(document)
        for name, document in documents.items()
    }
    if violations:
        log.info("Constraint violations: %s", files[VIOLATIONS_FILE])
    for part in parts:
        files |= part.files
    before = {} if baseline is None else {ANALYSIS_FILE: baseline}
    files |= reports_for_people(config, "analysis", documents, before)
    write_reports(config, files, [dict(record) for part in parts for record in part.metrics])
    return violations


def _profile(part: Part, baseline: Mapping[str, Any] | None) -> Mapping[str, Any]:
    judged = any(section in (baseline or {}) for section in part.sections)
    return {"rows": part.rows, "judged": judged, **part.profile, "notes": list(part.notes)}
