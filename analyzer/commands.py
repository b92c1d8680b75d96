"""The command line for people: sub-commands and flags; loaded only where there are arguments."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import click

from analyzer.config import MERGING as JOINED
from analyzer.config import SETTINGS, Location, Setting, read_command, read_location
from analyzer.finish import Outcome, message_of

OF_ALL_COMMANDS: Final = ("--help", "-h", "--version")
HELP: Final = {"help_option_names": ["-h", "--help"]}
ABOUT: Final = """Data-quality monitoring for models: statistics, constraints and checks.

Without arguments a job is described by the variables of the environment, as in a container. Flags without a command
are those of `run`.
"""
ABOUT_RUN: Final = """Run a job: analyze data, suggest constraints, and check them against a baseline if there is one.

Each flag is a variable of the environment, too: --dataset-source is dataset_source, and --engine, as all that stand
under Settings, has the prefix ANALYZER_. Flags win over variables.
"""
ABOUT_MERGE: Final = """Merge states of earlier runs, in the order given, into the reports of all their rows together:
hours into a day, days into a baseline, without reading data again.

A STATE is a state.json.gz or a folder, in which all files of that name are taken in the order of their paths. With a
baseline the merged rows are judged as well. Of the environment only variables with the prefix ANALYZER_ count.
"""
ABOUT_JOIN: Final = """Merge captured records with labels that came later, for the monitoring of model quality.

A capture finds its label by its inferenceId, else its eventId. Told by flags or by variables of the environment, as
`run`: --dataset-source is the folder of the captures, --ground-truth-source that of the labels. A window selects
captures, labels come from any hour.
"""
ABOUT_PREPARE: Final = """Write an archive of the Java classes that Spark loads, beside PySpark's own files.

Sessions on this machine start with it in about half the time. Does nothing where there is one already, no Java, or no
right to write.
"""
OUTPUT: Final = "output_path"
JOINING: Final = (
    "dataset_source",
    "ground_truth_source",
    OUTPUT,
    "dataset_format",
    "start_time",
    "end_time",
    "start_time_offset",
    "end_time_offset",
    "output_message_file",
    "ANALYZER_SCHEDULE_TIME",
    "ANALYZER_LEAST_LABELLED",
    "ANALYZER_EMPTY_INPUT",
    "ANALYZER_ROOT",
    "ANALYZER_ENGINE",
    "ANALYZER_CORES",
    "ANALYZER_SPARK_THRESHOLD",
    "ANALYZER_LOG_LEVEL",
)
"""What merging captures with labels is told; the rest concerns analyses."""
MERGING: Final = (
    "baseline_constraints",
    "baseline_statistics",
    "categorical_drift_method",
    "analysis_type",
    "problem_type",
    "positive_label",
    "ANALYZER_ANALYSIS_CONFIG",
    "ANALYZER_COMPATIBILITY",
    "ANALYZER_EVIDENCE",
    "ANALYZER_LOG_LEVEL",
)
"""What merging is told beside that; the rest concerns the reading of data."""


def run_command(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit code, 2 where they make no sense.

    Raises AnalyzerError where a command other than `run` fails; `run` reports its failures as a job does.
    """
    if arguments and arguments[0].startswith("-") and arguments[0] not in OF_ALL_COMMANDS:
        arguments = ["run", *arguments]
    try:
        return int(_commands().main(arguments, "analyzer", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code


def _commands() -> click.Group:
    version = click.version_option(package_name="model-monitor-analyzer")
    commands = [_run_command(), _join_command(), _merge_command(), _prepare_command()]
    return version(click.Group("analyzer", commands, help=ABOUT, context_settings=HELP))


class _Sectioned(click.Command):
    """A command whose help lists the description of the job and our settings apart."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        settings = {setting.variable for setting in SETTINGS if setting.own}
        for title, own in (("Job", False), ("Settings", True)):
            flags = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
            records = [each.get_help_record(ctx) for each in flags if (each.name in settings) == own]
            with formatter.section(title):
                formatter.write_dl([record for record in records if record])


def _run_command() -> click.Command:
    flags: list[click.Parameter] = [_option(setting) for setting in SETTINGS]
    return _command("run", "Run a job; the default.", ABOUT_RUN, _run, flags)


def _join_command() -> click.Command:
    settings = {setting.variable: setting for setting in SETTINGS}
    flags: list[click.Parameter] = [_option(settings[name], required=name in JOINED) for name in JOINING]
    return _command("merge", "Merge captures with labels.", ABOUT_JOIN, _join, flags)


def _merge_command() -> click.Command:
    settings = {setting.variable: setting for setting in SETTINGS}
    states = click.Argument(["states"], metavar="STATE...", nargs=-1, required=True, type=read_location)
    output = click.Option(["--output", OUTPUT], metavar="FOLDER", required=True, help=settings[OUTPUT].help)
    flags = [_option(settings[name]) for name in MERGING]
    brief = "Merge states of runs: hours into a day or a baseline."
    return _command("merge-states", brief, ABOUT_MERGE, _merge, [states, output, *flags])


def _prepare_command() -> click.Command:
    brief = "Have later Spark sessions on this machine start in half the time."
    return click.Command("prepare-spark", callback=_prepare, help=ABOUT_PREPARE, short_help=brief)


def _prepare() -> int:
    from analyzer.engine.class_archive import archive_path, can_be_written
    from analyzer.engine.spark import has_java, prepare

    if archive_path().is_file() or not has_java() or not can_be_written():
        return 0
    click.echo(f"Written: {prepare()}")
    return 0


def _command(
    name: str, brief: str, about: str, callback: Callable[..., int], params: list[click.Parameter]
) -> click.Command:
    return _Sectioned(name, params=params, callback=callback, help=about, short_help=brief, context_settings=dict(HELP))


def _option(setting: Setting, *, required: bool | None = None) -> click.Option:
    """Make a flag of a setting; its value is read where variables are read, with the same messages."""
    text = setting.help + (f" Default: {setting.default}." if setting.default else "")
    if setting.required if required is None else required:
        text += " Required."
    return click.Option([setting.flag, setting.variable], metavar=_metavar(setting), help=text)


def _metavar(setting: Setting) -> str:
    if setting.allowed:
        return "|".join(setting.allowed)
    return "NUMBER" if setting.takes.startswith("whole number") else setting.takes.split()[0].upper()


def _run(**given: str | None) -> int:
    from analyzer.__main__ import run_job

    return run_job(_flags(given))


def _join(**given: str | None) -> int:
    from analyzer.__main__ import run_job

    return run_job(_flags(given), merges=True)


def _merge(states: tuple[Location, ...], **given: str | None) -> int:
    # Merging reads no data, so format, source and columns are of no account; they have to be named all the same.
    placeholders = {
        "dataset_format": '{"sagemakerMergeJson":{}}',
        "dataset_source": str(states[0]),
        "inference_attribute": "0",
    }
    config = read_command(placeholders | _flags(given))
    logging.getLogger().setLevel(config.log_level)
    from analyzer.analyzers.table import TableState
    from analyzer.merge_states import merge_states

    state, verdict = merge_states(states, config)
    width = f" of {len(state.columns)} columns" if isinstance(state, TableState) else ""
    click.echo(f"{state.rows:,} rows{width}: {config.output_path}")
    click.echo(message_of(Outcome(len(verdict.violations))))
    return 0


def _flags(given: dict[str, str | None]) -> dict[str, str]:
    return {variable: text for variable, text in given.items() if text is not None}
