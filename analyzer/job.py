"""The line: the whole data-quality job, from the configuration to the files, top to bottom.

Model quality has a line of its own, `model_quality.py`, of the same steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analyzer.analyze import State, Task, finish_analysis, fold_all, merge_all
from analyzer.analyzers.table import Domains, TableState
from analyzer.check import check
from analyzer.config import JobConfig, SparkFormat
from analyzer.decode import read_constraints, read_statistics
from analyzer.documents import NULL_VALUE, Analysis, Constraints, Quirk, Statistics, Verdict
from analyzer.encode import encode_constraints, encode_statistics, encode_violations
from analyzer.errors import BaselineError, InputError
from analyzer.fetch_scripts import fetched_scripts
from analyzer.jsonlayout import dump
from analyzer.metrics import check_schedule, metric_records, write_metrics
from analyzer.name_columns import Naming, name_columns, rename_by_baseline, resolve_excluded
from analyzer.postprocess import postprocess
from analyzer.profile_document import left_out_notes, profile_document
from analyzer.read import list_files, plan_partitions
from analyzer.readers.reading import Reading
from analyzer.stores import read_whole
from analyzer.stores.store import File, cure_of, reason_of
from analyzer.suggest import suggest
from analyzer.write import (
    CONSTRAINTS_FILE,
    PROFILE_FILE,
    STATE_FILE,
    STATISTICS_FILE,
    VIOLATIONS_FILE,
    check_writable,
    write_files,
)

log = logging.getLogger(__name__)
MOST_LOGGED = 20
"""Quirks that are logged one by one."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a monitoring run compares with; both parts are None in a baseline job."""

    constraints: Constraints | None = None
    statistics: Statistics | None = None

    @property
    def is_given(self) -> bool:
        return self.constraints is not None or self.statistics is not None


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a run has to write."""

    state: TableState
    analysis: Analysis
    constraints: Constraints
    verdict: Verdict


def run(config: JobConfig) -> int:
    """Do what the configuration says and return the number of violations.

    Raises AnalyzerError for whatever is wrong with configuration, data, baseline, scripts or output; the files of an
    earlier run are untouched unless all of this one's could be written.
    """
    if config.analysis_type == "MODEL_QUALITY":
        from analyzer.model_quality import run_quality

        return run_quality(config)
    check_schedule(config)
    check_writable(config.output_path)
    baseline = read_baseline(config)
    with fetched_scripts(config) as scripts:
        state = analyze_source(config, baseline, scripts.record)
        verdict = report(state, baseline, config)
        if scripts.post_analytics:
            postprocess(scripts.post_analytics)
    return len(verdict.violations)


def report(state: TableState, baseline: Baseline, config: JobConfig) -> Verdict:
    """Make everything of a state that is made of it: statistics, suggested constraints, verdict, and their files.

    Raises OutputError where the files cannot be written; then none of them is.
    """
    for note in left_out_notes(state):
        log.warning("%s", note)
    baseline = _without_excluded(baseline, config, tuple(state.columns))
    analysis = finish_analysis(state, domains_of(baseline.constraints), config.compatibility, evidence=config.evidence)
    constraints = suggest(analysis.statistics, config.categorical_drift_method)
    verdict = _judge(analysis, baseline, config)
    _write(config, baseline, Findings(state, analysis, constraints, verdict))
    return verdict


def read_baseline(config: JobConfig) -> Baseline:
    """Read the baseline's files, of whatever name.

    Raises BaselineError where one is missing or makes no sense.
    """
    constraints, statistics = config.baseline_constraints, config.baseline_statistics
    return Baseline(
        read_constraints(baseline_content("baseline_constraints", constraints), str(constraints))
        if constraints
        else None,
        read_statistics(baseline_content("baseline_statistics", statistics), str(statistics)) if statistics else None,
    )


def baseline_content(variable: str, path: Path | str) -> bytes:
    """Read a baseline file.

    Raises BaselineError, naming the variable, where it cannot be read.
    """
    try:
        return read_whole(path)
    except OSError as error:
        raise BaselineError(
            f"{variable}: {path} cannot be read: {reason_of(error)}.",
            cure_of(error, "Mount the file that a baseline job wrote."),
        ) from error


def domains_of(constraints: Constraints | None) -> Domains:
    """List the values that the baseline allows, by column; how it writes missing values is not one of them."""
    return {
        feature.name: frozenset(feature.domains) - {NULL_VALUE}
        for feature in (constraints.features if constraints else ())
        if feature.domains
    }


def analyze_source(config: JobConfig, baseline: Baseline, script: Path | None = None) -> TableState:
    """Fold the whole source into one state, on the engine that fits its size; `script` is the record script's file.

    Raises InputError where there is nothing to read.
    """
    if isinstance(config.dataset_format, SparkFormat):
        return _analyze_frame(config, config.dataset_format, baseline)
    files = list_files(config.dataset_source)
    if not files:
        return _nothing(config)
    naming = name_columns(files, config, baseline.constraints)
    state = fold_files(files, config, Task(reading_of(config, naming, script), domains_of(baseline.constraints)))
    assert isinstance(state, TableState)
    rename_by_baseline(state, config, baseline.constraints)
    if not state.rows:
        return _nothing(config)
    _exclude(state, config)
    log.info("The number of columns in the dataframe is %d, rows %d", len(state.columns), state.rows)
    return state


def reading_of(config: JobConfig, naming: Naming, script: Path | None = None) -> Reading:
    return Reading(
        dataset_format=config.dataset_format,
        columns=naming.columns,
        header=naming.header,
        widths=naming.widths,
        script=script,
        seed=config.preprocess_seed,
        strict=config.strict_capture,
        surplus=config.surplus_fields,
        start=config.start_time,
        end=config.end_time,
        excluded=frozenset(str(each) for each in config.exclude_features_attribute),
    )


def fold_files(files: Sequence[File], config: JobConfig, task: Task) -> State:
    """Fold files into the state of the task's analysis, on the engine that fits their size."""
    partitions = plan_partitions(list(files), config.dataset_format)
    if not partitions:
        return task.new_state()
    engine = _engine(files, config)
    log.info("Reading %d files in %d partitions on %s", len(files), len(partitions), engine)
    if engine == "local":
        from analyzer.engine.local import fold_locally

        with _phase("analyze"):
            return fold_all(partitions, lambda some: fold_locally(some, task, config.cores))
    from analyzer.engine.spark import fold_on_spark, spark_session

    with ExitStack() as stack:
        with _phase("session"):
            session = stack.enter_context(spark_session(config))
        with _phase("analyze"):
            return fold_all(partitions, lambda some: fold_on_spark(session, some, task))


def _engine(files: Sequence[File], config: JobConfig) -> str:
    """`auto` takes Spark where its start-up pays, and where there is Java."""
    if config.engine != "auto":
        return config.engine
    size = sum(file.size for file in files)
    if size < config.spark_threshold:
        return "local"
    from analyzer.engine.spark import has_java

    if has_java():
        return "spark"
    log.warning("There is no Java; %d bytes are analyzed by the local engine.", size)
    return "local"


def _analyze_frame(config: JobConfig, source: SparkFormat, baseline: Baseline) -> TableState:
    from analyzer.engine.spark import fold_frame, open_source, spark_session

    with spark_session(config) as session:
        name = source.table or str(config.dataset_source)
        frame = open_source(session, source, str(config.dataset_source))
        task = Task(reading_of(config, Naming()), domains_of(baseline.constraints))
        state = merge_all(fold_frame(session, frame, name, task))
        assert isinstance(state, TableState)
        state.columns = {column: state.columns[column] for column in frame.columns if column in state.columns}
    if not state.rows:
        return _nothing(config)
    _exclude(state, config)
    return state


def _exclude(state: TableState, config: JobConfig) -> None:
    for name in resolve_excluded(config.exclude_features_attribute, list(state.columns)):
        state.columns.pop(name, None)


def _nothing(config: JobConfig) -> TableState:
    """Refuse an empty source, or return a state without rows when that is wanted."""
    refuse_nothing(config)
    return TableState()


def refuse_nothing(config: JobConfig) -> None:
    """Refuse an empty source, unless ANALYZER_EMPTY_INPUT says that it is no fault.

    Raises InputError.
    """
    if config.empty_input == "error":
        raise InputError(
            f"dataset_source: {config.dataset_source} holds no data: there are no rows in it.",
            "Check the path and the window, or set ANALYZER_EMPTY_INPUT=succeed if empty windows are normal.",
        )
    log.warning("There are no rows in %s.", config.dataset_source)


def _without_excluded(baseline: Baseline, config: JobConfig, current: Sequence[str]) -> Baseline:
    """Leave columns that this run excludes out of the baseline too."""
    if not config.exclude_features_attribute or baseline.constraints is None:
        return baseline
    names = [feature.name for feature in baseline.constraints.features]
    known = [each for each in config.exclude_features_attribute if str(each) in names or isinstance(each, int)]
    excluded = resolve_excluded([each for each in known if not isinstance(each, int) or each < len(names)], names)
    excluded -= set(current)
    kept = tuple(feature for feature in baseline.constraints.features if feature.name not in excluded)
    return Baseline(Constraints(kept, baseline.constraints.config), baseline.statistics)


def _judge(analysis: Analysis, baseline: Baseline, config: JobConfig) -> Verdict:
    if baseline.constraints is not None:
        log.info("Evaluating constraints")
    if baseline.statistics is not None:
        log.info("Evaluating stats")
    if not analysis.statistics.item_count:
        return Verdict(notes=("There were no rows, so nothing was judged.",))
    verdict = check(analysis, baseline.constraints, baseline.statistics, config.compatibility)
    for note in verdict.notes:
        log.info("%s", note)
    log_quirks(verdict.quirks)
    return verdict


def log_quirks(quirks: Sequence[Quirk]) -> None:
    """Say in the log which flaws of the original mattered."""
    for quirk in quirks[:MOST_LOGGED]:
        log.warning(
            "%s (%s): %s. Original: %s, corrected: %s.",
            quirk.name, quirk.feature_name, quirk.effect, quirk.original, quirk.corrected,
        )  # fmt: skip
    if len(quirks) > MOST_LOGGED:
        log.warning("... and %d more quirks of the original; profile.json lists all.", len(quirks) - MOST_LOGGED)


def _write(config: JobConfig, baseline: Baseline, findings: Findings) -> None:
    """Write all files at once: complete, or none of them."""
    violations = dump(encode_violations(findings.verdict.violations))
    files: dict[str, str | bytes] = {
        CONSTRAINTS_FILE: dump(encode_constraints(findings.constraints)),
        STATISTICS_FILE: dump(encode_statistics(findings.analysis.statistics)),
        PROFILE_FILE: dump(_profile(config, findings)),
        STATE_FILE: findings.state.to_bytes(),
    }
    if baseline.is_given:
        files[VIOLATIONS_FILE] = violations
        log.info("Constraint and Stats violations: %s", violations)
    records = _metrics(config, baseline, findings)
    write_files(config.output_path, files, stale=() if baseline.is_given else (VIOLATIONS_FILE,))
    for name in files:
        log.info("Write to file %s at path %s.", name, config.output_path)
    write_metrics(records, config.cloudwatch_metrics_directory)


def _profile(config: JobConfig, findings: Findings) -> dict[str, Any]:
    return profile_document(findings.analysis, findings.state, findings.verdict, config.compatibility)


def _metrics(config: JobConfig, baseline: Baseline, findings: Findings) -> list[dict[str, Any]]:
    drifts = findings.verdict.drifts
    return metric_records(findings.analysis, drifts, baseline.constraints, config, datetime.now(UTC))


@contextmanager
def _phase(name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    log.info("phase %s took %.3f", name, time.perf_counter() - began)
