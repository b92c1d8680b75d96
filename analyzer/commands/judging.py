"""What the commands that learn from data and judge it have in common: flags, and the way from flags to an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import click

from analyzer.commands.answer import VIOLATED, answer, answer_flags
from analyzer.commands.options import DATA_SECTION, Flag, Sectioned, flag_of, given, place_argument

BASELINE: Final = "baseline"
REPORT: Final = "report"
"""Folders that commands write to, and look for, where no other is named."""
WORDS: Final = "csv, csv-no-header, jsonlines, json, parquet, capture or merged"
DATA_TEXT: Final = """DATA is a file or folder, here or on S3 (s3://bucket/folder). Its format is found by names and
first bytes: CSV with or without a header, JSON lines or a document, Parquet, captured requests.
"""
EXIT_CODES: Final = f"""
\b
Exit codes:
  0    done, with or without violations
  {VIOLATED}    violations, with --fail-on-violations
  2    flags that make no sense
  255  an error, with what was found and the cure
"""
OF_DATA: Final = (
    "exclude_features_attribute",
    "record_preprocessor_script",
    "post_analytics_processor_script",
    "start_time",
    "end_time",
    "start_time_offset",
    "end_time_offset",
)
OF_RUNS: Final = (
    "ANALYZER_SCHEDULE_TIME",
    "ANALYZER_ENGINE",
    "ANALYZER_CORES",
    "ANALYZER_SPARK_THRESHOLD",
    "ANALYZER_COMPATIBILITY",
    "ANALYZER_SURPLUS_FIELDS",
    "ANALYZER_STRICT_CAPTURE",
    "ANALYZER_EMPTY_INPUT",
    "ANALYZER_EVIDENCE",
    "ANALYZER_REPORT",
    "ANALYZER_PREPROCESS_SEED",
    "ANALYZER_INSTALL_REQUIREMENTS",
)
OF_RULES: Final = ("ANALYZER_RULES", "ANALYZER_SUGGEST_RULES", "ANALYZER_DEEQU_JAR")
SHORT: Final = {
    "exclude_features_attribute": "--exclude",
    "record_preprocessor_script": "--script",
    "post_analytics_processor_script": "--after-script",
    "start_time": "--start",
    "end_time": "--end",
}
"""Shorter names of flags, which people type."""


def data_argument() -> click.Argument:
    return place_argument("data", "DATA")


def flags_of_data(*more: str) -> list[click.Parameter]:
    """Make the flags that say which data is read and how."""
    form = flag_of(
        "dataset_format", section=DATA_SECTION, required=False,
        text=f"Format of the data, where it is not to be found out: {WORDS}, or JSON as a variable has it.",
    )  # fmt: skip
    names = (*OF_DATA, *more)
    return [form, *(flag_of(name, *filter(None, [SHORT.get(name)]), section=DATA_SECTION) for name in names)]


def flags_of_runs(*, rules: bool = False) -> list[click.Parameter]:
    """Make the flags that say how a run is to be done."""
    return [flag_of(name) for name in (*OF_RUNS, *(OF_RULES if rules else ()))]


def output_flag(default: str) -> click.Option:
    return Flag(
        ["--output", "-o", "--output-path", "output"], DATA_SECTION, metavar="FOLDER", default=default,
        type=click.Path(), help=f"Folder for the reports, here or on S3. Default: {default}.",
    )  # fmt: skip


def baseline_flag(*, required: bool) -> click.Option:
    """Make the flag that names a baseline; where one is needed, the folder that `analyzer baseline` writes is taken."""
    text = "Folder that a baseline was written to, or its constraints.json."
    return Flag(
        ["--baseline", "-b", "baseline"], DATA_SECTION, metavar="FOLDER", type=click.Path(),
        default=BASELINE if required else None, help=f"{text} Default: {BASELINE}." if required else text,
    )  # fmt: skip


def perform_command(
    command: str, data: str, output: str, form: str, *, baseline: str | None = None, verbose: bool = False,
    fail_on_violations: bool = False, analysis: Mapping[str, Any] | None = None, **flags: Any,
) -> int:  # fmt: skip
    """Do what a command says and answer; the exit code is 0 unless it is to tell of violations."""
    from analyzer.__main__ import load_job
    from analyzer.perform import Task, perform

    load_job()
    settings = given(flags)
    dataset_format = settings.pop("dataset_format", None)
    found = answer(
        lambda say: perform(
            Task(command, data, output, dataset_format, settings, baseline, say, analysis, names_quirks=verbose)
        ),
        form, verbose=verbose,
    )  # fmt: skip
    if form == "text":
        click.echo(f"\nReports: {_shown(output)}")
    return VIOLATED if fail_on_violations and not found.ok else 0


def _shown(folder: str) -> str:
    """Show a folder as it was named, with a mark that it is one."""
    return folder if folder.endswith("/") or "://" in folder else f"{Path(folder)}/"


def command_of(
    name: str, about: str, examples: tuple[str, ...], callback: Callable[..., int], *, output: str,
    baseline: Literal["required", "optional"] | None = "optional", own: Iterable[click.Parameter] = (),
    of_data: tuple[str, ...] = (), rules: bool = False,
) -> Sectioned:  # fmt: skip
    """Make a command of what is its own; one that takes no baseline has no violations to tell of."""
    judges = baseline is not None
    params = [
        data_argument(), *own, *([baseline_flag(required=baseline == "required")] if judges else []),
        output_flag(output), *flags_of_data(*of_data), *flags_of_runs(rules=rules), *answer_flags(judges=judges),
    ]  # fmt: skip
    return Sectioned(name, examples, params=params, callback=callback, help=about + EXIT_CODES * judges)
