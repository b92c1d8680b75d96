"""`analyzer merge-states`: states of earlier runs to the reports of all their rows, or of every period."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import click

from analyzer.commands.options import BY_NAME, Flag, Sectioned, flag_of, given
from analyzer.config import JobConfig, Location, read_command, read_location
from analyzer.finish import Outcome, message_of

if TYPE_CHECKING:
    from analyzer.merge_states import MergedState

ABOUT: Final = """Merge states of earlier runs, in the order given, into the reports of all their rows together:
hours into a day, days into a baseline, without reading data again.

A STATE is a state.json.gz or a folder, in which all files of that name are taken in the order of their paths. With a
baseline the merged rows are judged as well. Of the environment only variables with the prefix ANALYZER_ count.
"""
EXAMPLES: Final = (
    "analyzer merge-states monday tuesday wednesday --output week",
    "analyzer merge-states runs/my-endpoint/my-schedule --by day --output merged",
    "analyzer merge-states runs/my-endpoint/my-schedule/2026/02 --baseline --output normal",
    "analyzer merge-states early --late late --analysis-type MODEL_QUALITY --problem-type Regression --output now",
)
OUTPUT: Final = "output_path"
MERGING: Final = (
    "baseline_constraints",
    "baseline_statistics",
    "categorical_drift_method",
    "analysis_type",
    "problem_type",
    "positive_label",
    "ANALYZER_ANALYSIS_CONFIG",
    "ANALYZER_COMPATIBILITY",
    "ANALYZER_CORES",
    "ANALYZER_EVIDENCE",
    "ANALYZER_REPORT",
    "ANALYZER_LOG_LEVEL",
)
"""What merging is told beside states and output; the rest concerns the reading of data."""
WITHOUT: Final = "Either --by, --baseline or --late: they cannot be combined."


def command() -> Sectioned:
    states = click.Argument(["states"], metavar="STATE...", nargs=-1, required=True, type=read_location)
    output = Flag(["--output", OUTPUT], "Job", metavar="FOLDER", required=True, help=BY_NAME[OUTPUT].help)
    ways = [
        Flag(
            ["--by", "period"], "Job", type=click.Choice(["day", "week", "month"]),
            help="Merge each period of folders yyyy/mm/dd/hh on its own; what did not change is left as it is.",
        ),
        Flag(["--baseline", "as_baseline"], "Job", is_flag=True, help="Write a baseline: statistics and constraints."),
        Flag(
            ["--late"], "Job", metavar="STATE", multiple=True, type=read_location,
            help="State of rows whose labels came after the states before it were made; may be given again.",
        ),
    ]  # fmt: skip
    flags = [flag_of(name) for name in MERGING]
    return Sectioned("merge-states", EXAMPLES, params=[states, output, *ways, *flags], callback=_merge, help=ABOUT)


def _merge(
    states: tuple[Location, ...], *, period: Any, as_baseline: bool, late: tuple[Location, ...], **flags: str | None
) -> int:
    if bool(period) + as_baseline + bool(late) > 1:
        raise click.UsageError(WITHOUT)
    # Merging reads no data, so format, source and columns are of no account; they have to be named all the same.
    placeholders = {
        "dataset_format": '{"sagemakerMergeJson":{}}',
        "dataset_source": str(states[0]),
        "inference_attribute": "0",
    }
    from analyzer.stores import read_whole

    config = read_command(placeholders | given(flags), read=read_whole)
    logging.getLogger().setLevel(config.log_level)
    if period:
        return _by_period(states, period, config)
    return _as_baseline(states, config) if as_baseline else _together(states, late, config)


def _together(states: tuple[Location, ...], late: tuple[Location, ...], config: JobConfig) -> int:
    from analyzer.merge_states import merge_states

    state, verdict = merge_states(states, config, late)
    _say_rows(state, config)
    click.echo(message_of(Outcome(len(verdict.violations))))
    return 0


def _as_baseline(states: tuple[Location, ...], config: JobConfig) -> int:
    from analyzer.merge_states import merge_states, write_baseline

    judging = config.baseline_constraints or config.baseline_statistics
    if judging:
        raise click.UsageError("A baseline is not judged: leave out --baseline-constraints and --baseline-statistics.")
    if config.analysis_type == "MODEL_QUALITY":
        state, _ = merge_states(states, config)
    else:
        state = write_baseline(states, config)
    _say_rows(state, config)
    return 0


def _say_rows(state: MergedState, config: JobConfig) -> None:
    from analyzer.analyzers.table import TableState

    width = f" of {len(state.columns)} columns" if isinstance(state, TableState) else ""
    click.echo(f"{state.rows:,} rows{width}: {config.output_path}")


def _by_period(states: tuple[Location, ...], period: Any, config: JobConfig) -> int:
    from analyzer.merge_periods import merge_periods

    done = merge_periods(states, period, config)
    changed = [each for each in done if each.action != "unchanged"]
    for each in changed:
        found = f", {each.violations:,} violations" if each.violations else ""
        click.echo(f"{each.place}: {each.action}, {each.states} states, {each.rows:,} rows{found}")
    click.echo(f"{len(done):,} of them in all, {len(done) - len(changed):,} unchanged: {config.output_path}")
    return 0
