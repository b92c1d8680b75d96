"""The line: the whole data-quality job, from the configuration to the files, top to bottom.

Model quality has a line of its own, `model_quality.py`, of the same steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.analyze import Folded, State, Task, finish_analysis, fold_settled, merge_all
from analyzer.analyzers.table import Domains, TableState
from analyzer.apply_rules import NO_RULING, Open, Ruling, apply_rules, open_rules, with_rules
from analyzer.check import check
from analyzer.checks.added import added_checks
from analyzer.config import JobConfig, utc_text
from analyzer.dataset_formats import AddedFormat, SparkFormat
from analyzer.decode import read_constraints, read_statistics
from analyzer.documents import NULL_VALUE, Analysis, Constraints, Quirk, Statistics, Verdict
from analyzer.encode import encode_constraints, encode_statistics, encode_violations
from analyzer.engine.rows import Source
from analyzer.errors import BaselineError, InputError
from analyzer.fetch_scripts import Scripts, fetched_scripts
from analyzer.install_requirements import has_requirements, install_requirements
from analyzer.jsonlayout import dump
from analyzer.metrics import check_schedule, metric_records, write_metrics
from analyzer.name_columns import Naming, name_columns, rename_by_baseline, resolve_excluded
from analyzer.postprocess import postprocess
from analyzer.profile_document import left_out_notes, profile_document
from analyzer.publish import check_publishing, publish
from analyzer.read import Partition, list_files, plan_partitions
from analyzer.readers.reading import Reading
from analyzer.stores import read_whole
from analyzer.stores.peers import Peers
from analyzer.stores.store import File, cure_of, reason_of
from analyzer.suggest import suggest
from analyzer.write import (
    CONSTRAINTS_FILE,
    PROFILE_FILE,
    REPORT_FILES,
    RULES_FILE,
    STATE_FILE,
    STATISTICS_FILE,
    VIOLATIONS_FILE,
    check_writable,
    write_files,
    write_stream,
)

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader
    from analyzer.engine.spark import Deployment
    from analyzer.report import Document, Kind

log = logging.getLogger(__name__)
quirk_log = logging.getLogger("analyzer.quirks")
"""A logger of its own: people who know of the flaws silence it."""
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
    suggested_rules: str | None = None


def run(config: JobConfig, leader: Leader | None = None) -> int:
    """Do what the configuration says and return the number of violations.

    `leader` knows the other hosts, where there are several; they do a share of the work, all else is done here.

    Raises AnalyzerError for whatever is wrong with configuration, data, baseline, scripts or output; the files of an
    earlier run are untouched unless all of this one's could be written.
    """
    if config.analysis_type == "MODEL_QUALITY":
        from analyzer.model_quality import run_quality

        return run_quality(config, leader)
    if config.analysis is not None:
        from analyzer.model_analysis import run_analysis

        return run_analysis(config, leader)
    return run_data_quality(config, leader)


def run_data_quality(config: JobConfig, leader: Leader | None = None) -> int:
    """Profile the data, suggest or check constraints, and write all of it; returns and raises as `run`."""
    check_schedule(config)
    check_publishing(config)
    check_writable(config.output_path)
    baseline = read_baseline(config)
    with fetched_scripts(config) as scripts:
        if baseline.is_given:
            added_checks()
        prepare_extensions(config, scripts)
        with _opened_rules(config, leader) as rules:
            state, source = analyze_source(config, baseline, scripts.record, leader)
            ruling = apply_rules(rules, state, source)
        verdict = report(state, baseline, config, ruling)
        if scripts.post_analytics:
            postprocess(scripts.post_analytics)
    return len(verdict.violations)


def prepare_extensions(config: JobConfig, scripts: Scripts) -> None:
    """Load what packages add and install what scripts require: what fails there is to fail before data is read."""
    if isinstance(config.dataset_format, AddedFormat):
        from analyzer.readers.added_files import reader_of

        reader_of(config.dataset_format)
    for script in filter(None, (scripts.record, scripts.post_analytics)):
        if config.install_requirements and has_requirements(script):
            install_requirements(script)


@contextmanager
def _opened_rules(config: JobConfig, leader: Leader | None) -> Iterator[Open | None]:
    """Open the rules, if there are any, on the Spark that the analysis then finds and uses too."""
    if not config.needs_deequ:
        yield None
        return
    with deployed(leader) as deployment, open_rules(config, deployment) as rules:
        yield rules


def report(state: TableState, baseline: Baseline, config: JobConfig, ruling: Ruling = NO_RULING) -> Verdict:
    """Make everything of a state that is made of it: statistics, suggested constraints, verdict, and their files.

    Raises OutputError where the files cannot be written; then none of them is.
    """
    for note in left_out_notes(state):
        log.warning("%s", note)
    baseline = _without_excluded(baseline, config, tuple(state.columns))
    analysis = finish_analysis(state, domains_of(baseline.constraints), config.compatibility, evidence=config.evidence)
    constraints = suggest(analysis.statistics, config.categorical_drift_method)
    verdict = with_rules(_judge(analysis, baseline, config), ruling.outcomes)
    _write(config, baseline, Findings(state, analysis, constraints, verdict, ruling.suggested))
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


def analyze_source(
    config: JobConfig, baseline: Baseline, script: Path | None = None, leader: Leader | None = None
) -> tuple[TableState, Source]:
    """Fold the whole source into one state, on the engine that fits its size, and tell how to read it again.

    `script` is the record script's file.

    Raises InputError where there is nothing to read.
    """
    if isinstance(config.dataset_format, SparkFormat):
        return _analyze_frame(config, config.dataset_format, baseline, leader)
    files, peers = list_inputs(config, leader)
    if not files:
        return _nothing(config), Source()
    naming = name_columns(files, config, baseline.constraints)
    task = Task(reading_of(config, naming, script), domains_of(baseline.constraints), peers)
    state, partitions = fold_files(files, config, task, leader)
    assert isinstance(state, TableState)
    key_of = {id(column): key for key, column in state.columns.items()}
    rename_by_baseline(state, config, baseline.constraints)
    if not state.rows:
        return _nothing(config), Source()
    _exclude(state, config)
    keys = {name: key_of[id(column)] for name, column in state.columns.items()}
    log.info("The number of columns in the dataframe is %d, rows %d", len(state.columns), state.rows)
    return state, Source(partitions, task, keys)


def list_inputs(config: JobConfig, leader: Leader | None) -> tuple[list[File], Peers | None]:
    """List the files of the source, those of other hosts too, and tell where these are to be had."""
    return leader.list_inputs(config.dataset_source) if leader else (list_files(config.dataset_source), None)


def reading_of(config: JobConfig, naming: Naming, script: Path | None = None) -> Reading:
    """Say how the source is to be read; `script` is the record script's file."""
    return Reading(
        dataset_format=config.dataset_format,
        columns=naming.columns,
        header=naming.header,
        widths=naming.widths,
        script=script,
        requirements=config.install_requirements,
        seed=config.preprocess_seed,
        strict=config.strict_capture,
        surplus=config.surplus_fields,
        start=config.start_time,
        end=config.end_time,
        excluded=frozenset(str(each) for each in config.exclude_features_attribute),
    )


def fold_files(
    files: Sequence[File], config: JobConfig, task: Task, leader: Leader | None
) -> tuple[State, list[Partition]]:
    """Fold files into the state of the task's analysis, and tell how their partitions are to be read again."""
    partitions = plan_partitions(list(files), config.dataset_format)
    if not partitions:
        return task.new_state(), []
    engine = pick_engine(sum(file.size for file in files), config)
    log.info("Reading %d files in %d partitions on %s", len(files), len(partitions), engine)
    if engine == "local":
        from analyzer.engine.local import fold_locally

        with phase("analyze"):
            return fold_settled(partitions, lambda some: fold_locally(some, task, config.cores))
    from analyzer.engine.spark import fold_on_spark, spark_session

    with ExitStack() as stack:
        with phase("session"):
            deployment = stack.enter_context(deployed(leader))
            session = stack.enter_context(spark_session(config, deployment))
        with phase("analyze"):
            return fold_settled(partitions, lambda some: fold_on_spark(session, some, task, deployment.patience))


@contextmanager
def deployed(leader: Leader | None) -> Iterator[Deployment]:
    """Have the hosts of this run form a cluster, unless there are none, or the job was told of another cluster."""
    from analyzer.engine.spark import NO_DEPLOYMENT, has_master

    if leader is None or has_master():
        yield NO_DEPLOYMENT
        return
    with leader.spark() as deployment:
        yield deployment


def pick_engine(size: int, config: JobConfig) -> str:
    """Pick the engine for so many bytes: `auto` takes Spark where its start-up pays, and where there is Java."""
    if config.engine != "auto":
        return config.engine
    if size < config.spark_threshold:
        return "local"
    from analyzer.engine.spark import has_java

    if has_java():
        return "spark"
    log.warning("There is no Java; %d bytes are analyzed by the local engine.", size)
    return "local"


def _analyze_frame(
    config: JobConfig, source: SparkFormat, baseline: Baseline, leader: Leader | None
) -> tuple[TableState, Source]:
    task = Task(reading_of(config, Naming()), domains_of(baseline.constraints))
    groups, frame, columns = fold_source(config, source, task, leader)
    state = merge_all(groups)
    assert isinstance(state, TableState)
    state.columns = {column: state.columns[column] for column in columns if column in state.columns}
    if not state.rows:
        return _nothing(config), Source()
    _exclude(state, config)
    return state, Source(frame=frame)


def fold_source(
    config: JobConfig, source: SparkFormat, task: Task, leader: Leader | None
) -> tuple[list[Folded], Any, list[str]]:
    """Fold a source that only Spark reads; returns the groups, the data frame and its columns."""
    from analyzer.engine.spark import fold_frame, open_source, spark_session

    if leader:
        leader.require_all_everywhere(config.dataset_source if source.format else "")
    with deployed(leader) as deployment, spark_session(config, deployment) as session:
        frame = open_source(session, source, str(config.dataset_source))
        name = source.table or str(config.dataset_source)
        return fold_frame(session, frame, name, task), frame, list(frame.columns)


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
    added = added_checks() if baseline.is_given else {}
    verdict = check(analysis, baseline.constraints, baseline.statistics, config.compatibility, added)
    for note in verdict.notes:
        log.info("%s", note)
    log_quirks(verdict.quirks)
    return verdict


def log_quirks(quirks: Sequence[Quirk]) -> None:
    """Say in the log which flaws of the original mattered."""
    for quirk in quirks[:MOST_LOGGED]:
        quirk_log.warning(
            "%s (%s): %s. Original: %s, corrected: %s.",
            quirk.name, quirk.feature_name, quirk.effect, quirk.original, quirk.corrected,
        )  # fmt: skip
    if len(quirks) > MOST_LOGGED:
        quirk_log.warning("... and %d more quirks of the original; profile.json lists all.", len(quirks) - MOST_LOGGED)


def _write(config: JobConfig, baseline: Baseline, findings: Findings) -> None:
    """Write all files at once: complete, or none of them."""
    documents = {
        CONSTRAINTS_FILE: encode_constraints(findings.constraints),
        STATISTICS_FILE: encode_statistics(findings.analysis.statistics),
        PROFILE_FILE: _profile(config, findings),
    }
    if baseline.is_given or config.rules is not None:
        documents[VIOLATIONS_FILE] = encode_violations(findings.verdict.violations)
    files: dict[str, str | bytes] = {name: dump(document) for name, document in documents.items()}
    files[STATE_FILE] = findings.state.to_bytes()
    if findings.suggested_rules is not None:
        files[RULES_FILE] = findings.suggested_rules
    if VIOLATIONS_FILE in files:
        log.info("Constraint and Stats violations: %s", files[VIOLATIONS_FILE])
    files |= reports_for_people(config, "data_quality", documents, _documents_of(baseline))
    write_reports(config, files, _metrics(config, baseline, findings))


def reports_for_people(
    config: JobConfig, kind: Kind, documents: Mapping[str, Document], baseline: Mapping[str, Document]
) -> dict[str, str]:
    """Make the reports that are wanted of a run's documents and its baseline's; all go by the names of their files.

    A report that cannot be made is logged and left out.
    """
    if not config.report:
        return {}
    from analyzer.report import make_reports, papers_of

    papers = papers_of(kind, documents, baseline, about=about_run(config), examples=config.evidence)
    return {REPORT_FILES[form]: text for form, text in make_reports(papers, config.report).items()}


def _documents_of(baseline: Baseline) -> dict[str, Document]:
    return {
        **({STATISTICS_FILE: encode_statistics(baseline.statistics)} if baseline.statistics else {}),
        **({CONSTRAINTS_FILE: encode_constraints(baseline.constraints)} if baseline.constraints else {}),
    }


def about_run(config: JobConfig) -> dict[str, str]:
    """Tell of a run what stands in none of its documents: the endpoint, the schedule and the window."""
    told = {
        "Endpoint": config.sagemaker_endpoint_name,
        "Schedule": config.sagemaker_monitoring_schedule_name,
        "From": utc_text(config.start_time) if config.start_time else None,
        "To": utc_text(config.end_time) if config.end_time else None,
    }
    return {name: text for name, text in told.items() if text}


def write_reports(config: JobConfig, files: Mapping[str, str | bytes], records: Sequence[dict[str, Any]]) -> None:
    """Write the files of a run and its metrics; what an earlier run left and this one does not write is removed.

    But a junit.xml that nobody asked for: others write files of that name, too.
    """
    ours = [VIOLATIONS_FILE, *(name for form, name in REPORT_FILES.items() if form in {"html", "md", *config.report})]
    stale = [name for name in ours if name not in files]
    if any("/" in name for name in files):
        parts = ((name, text.encode() if isinstance(text, str) else text) for name, text in files.items())
        write_stream(config.output_path, parts, stale)
    else:
        write_files(config.output_path, files, stale)
    for name in files:
        log.info("Write to file %s at path %s.", name, config.output_path)
    if config.publish_cloudwatch_metrics:
        write_metrics(records, config.cloudwatch_metrics_directory)
    publish(config, files, records)


def _profile(config: JobConfig, findings: Findings) -> dict[str, Any]:
    return profile_document(findings.analysis, findings.state, findings.verdict, config.compatibility)


def _metrics(config: JobConfig, baseline: Baseline, findings: Findings) -> list[dict[str, Any]]:
    drifts = findings.verdict.drifts
    return metric_records(findings.analysis, drifts, baseline.constraints, config, datetime.now(UTC))


@contextmanager
def phase(name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    log.info("phase %s took %.3f", name, time.perf_counter() - began)
