"""`analyzer doctor`: what would fail and how to mend it, without running the job."""

from __future__ import annotations

from typing import Any, Final

import click

from analyzer.commands.answer import VIOLATED, answer, answer_flags
from analyzer.commands.judging import REPORT, SHORT, baseline_flag
from analyzer.commands.options import Sectioned, flag_of, given, place_argument
from analyzer.config import SETTINGS

ABOUT: Final = """Say what would fail, and how to mend it, without running the job: variables, mounts, formats, names
of columns, the baseline against the data, scripts on the first records, S3, Java, memory.

With DATA the run of `analyzer monitor` (or `baseline`, without --baseline) is examined. Without it the job that
variables and flags describe is, as in a container: docker run IMAGE doctor.

\b
Exit codes:
  0    nothing would end the job; there may be warnings
  1    something would
  2    flags that make no sense
"""
EXAMPLES: Final = (
    "analyzer doctor new.csv --baseline normal",
    "analyzer doctor new.csv --script preprocess.py",
    "docker run --env-file job.env -v $PWD/ml:/opt/ml model-monitor-analyzer doctor",
)
NAMED: Final = ("--output", "-o")


def command() -> Sectioned:
    shorts = {name: [flag] for name, flag in SHORT.items()} | {"output_path": list(NAMED)}
    flags = [flag_of(each.variable, *shorts.get(each.variable, ()), required=False) for each in SETTINGS]
    data: list[click.Parameter] = [place_argument("data", "[DATA]", required=False), baseline_flag(required=False)]
    params = [*data, *flags, *answer_flags(judges=False)]
    return Sectioned("doctor", EXAMPLES, params=params, callback=_examine, help=ABOUT)


def _examine(data: str | None, baseline: str | None, form: str, *, verbose: bool, **flags: Any) -> int:
    from analyzer.examine import examine_job, examine_task
    from analyzer.perform import Task

    told = given(flags)
    if data is None and baseline is not None:
        raise click.UsageError("--baseline goes with DATA; a job is told by --baseline-constraints and -statistics.")
    if data is None:
        found = answer(lambda _: examine_job(told), form, verbose=verbose)
    else:
        output, form_of_data = told.pop("output_path", REPORT), told.pop("dataset_format", None)
        found = answer(
            lambda say: examine_task(Task("doctor", data, output, form_of_data, told, baseline, say)),
            form, verbose=verbose,
        )  # fmt: skip
    return 0 if found.ok else VIOLATED
