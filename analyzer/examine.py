"""The examination of a job: everything it will need, looked at in the order in which it would fail, and nothing run."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from analyzer.analyzers.table import TableState
from analyzer.config import JobConfig, process_environment
from analyzer.diagnosis import Diagnosis, Finding
from analyzer.errors import AnalyzerError, BaselineError
from analyzer.examinations.baseline import CHECK as BASELINE
from analyzer.examinations.baseline import examine_baseline, examine_fit
from analyzer.examinations.columns import examine_columns
from analyzer.examinations.environment import CHECK as ENVIRONMENT
from analyzer.examinations.environment import examine_config, examine_environment, read_all
from analyzer.examinations.formats import CHECK as FORMAT
from analyzer.examinations.formats import examine_format
from analyzer.examinations.java import examine_java
from analyzer.examinations.memory import examine_memory
from analyzer.examinations.places import CHECK as MOUNTS
from analyzer.examinations.places import examine_places
from analyzer.examinations.records import examine_records
from analyzer.examinations.s3 import examine_s3
from analyzer.examinations.scripts import CHECK as SCRIPTS
from analyzer.examinations.scripts import RECORDS, examine_scripts
from analyzer.examinations.subject import Sample, inputs, is_foreign, take_sample
from analyzer.fetch_scripts import Scripts, fetched_scripts
from analyzer.job import Baseline
from analyzer.perform import Task, described
from analyzer.stores.store import File

THE_JOB = "the job"


def examine_job(flags: Mapping[str, str]) -> Diagnosis:
    """Examine the job that the variables of the environment describe; flags win over them."""
    environment = process_environment()
    config, findings = read_all(environment, flags)
    findings += examine_environment(environment, flags, config)
    return Diagnosis(THE_JOB, (*findings, *_all(config, is_job=True)))


def examine_task(task: Task) -> Diagnosis:
    """Examine the run that a command or function would start; a baseline that is none does not hide the rest."""
    try:
        with described(task) as config:
            return Diagnosis("the run", (*examine_config(config), *_all(config, is_job=False)))
    except BaselineError as error:
        fault = Finding(BASELINE, "failure", error.message, error.hint)
        rest = examine_task(replace(task, baseline=None))
        return Diagnosis(rest.subject, (fault, *(each for each in rest.findings if each.check != BASELINE)))
    except AnalyzerError as error:
        fault = Finding(ENVIRONMENT, "failure", error.message, error.hint)
        return Diagnosis("the run", (fault, *_all(None, is_job=False)))


def _all(config: JobConfig | None, *, is_job: bool) -> Iterator[Finding]:
    package = logging.getLogger("analyzer")
    level = package.level
    package.setLevel(logging.ERROR)  # what the steps would log are findings here; tracebacks of scripts are not
    try:
        yield from _looks(config, is_job=is_job)
    finally:
        package.setLevel(level)


def _looks(config: JobConfig | None, *, is_job: bool) -> Iterator[Finding]:
    files: list[File] = []
    if config is not None:
        yield from examine_places(config, is_job=is_job)
        yield from examine_s3(config)
        files = inputs(config)
        if not config.merges:
            yield from _data(config, files)
    yield from examine_java(config, sum(file.size for file in files))
    yield from examine_memory(config, files)


def _data(config: JobConfig, files: list[File]) -> Iterator[Finding]:
    """Look at what lies in the data, as far as it is there."""
    baseline, found = examine_baseline(config)
    yield from found
    with ExitStack() as stack:
        try:
            scripts = stack.enter_context(fetched_scripts(config))
        except AnalyzerError as error:
            yield Finding(SCRIPTS, "failure", error.message, error.hint)
            return
        if is_foreign(config):
            yield Finding(FORMAT, "skipped", "only the job itself can read this format")
            yield from examine_scripts(config, scripts, None, None)
        elif files:
            yield from examine_format(config, files, _names_of(baseline))
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="analyzer-doctor-")))
            yield from _sampled(Examined(config, files, baseline, scripts, scratch))
        else:
            yield from examine_scripts(config, scripts, None, None)


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known when the records are looked at."""

    config: JobConfig
    files: list[File]
    baseline: Baseline
    scripts: Scripts
    scratch: Path


def _sampled(job: Examined) -> Iterator[Finding]:
    """Try the steps of the job on the first records."""
    try:
        few = take_sample(job.config, job.files[:1], job.scratch / "few", RECORDS)
        many = take_sample(job.config, job.files, job.scratch / "many")
    except AnalyzerError as error:
        yield Finding(MOUNTS, "failure", error.message, error.hint)
        return
    scripts = list(examine_scripts(job.config, job.scripts, few, job.baseline.constraints))
    yield from scripts
    if all(each.status != "failure" for each in scripts):
        yield from _read(job, many)


def _read(job: Examined, sample: Sample) -> Iterator[Finding]:
    state, findings = examine_records(job.config, sample, job.baseline, job.scripts.record)
    yield from findings
    if isinstance(state, TableState):
        yield from examine_columns(job.config, list(state.columns))
        yield from examine_fit(job.config, job.baseline, state)


def _names_of(baseline: Baseline) -> list[str]:
    return [feature.name for feature in baseline.constraints.features] if baseline.constraints else []
