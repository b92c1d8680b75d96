"""`analyzer merge-states`: states of earlier runs to the reports of all their rows."""

from __future__ import annotations

import logging
from typing import Final

import click

from analyzer.commands.options import BY_NAME, Flag, Sectioned, flag_of, given
from analyzer.config import Location, read_command, read_location
from analyzer.finish import Outcome, message_of

ABOUT: Final = """Merge states of earlier runs, in the order given, into the reports of all their rows together:
hours into a day, days into a baseline, without reading data again.

A STATE is a state.json.gz or a folder, in which all files of that name are taken in the order of their paths. With a
baseline the merged rows are judged as well. Of the environment only variables with the prefix ANALYZER_ count.
"""
EXAMPLES: Final = ("analyzer merge-states monday tuesday wednesday --output week",)
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
    "ANALYZER_EVIDENCE",
    "ANALYZER_REPORT",
    "ANALYZER_LOG_LEVEL",
)
"""What merging is told beside states and output; the rest concerns the reading of data."""


def command() -> Sectioned:
    states = click.Argument(["states"], metavar="STATE...", nargs=-1, required=True, type=read_location)
    output = Flag(["--output", OUTPUT], "Job", metavar="FOLDER", required=True, help=BY_NAME[OUTPUT].help)
    flags = [flag_of(name) for name in MERGING]
    return Sectioned("merge-states", EXAMPLES, params=[states, output, *flags], callback=_merge, help=ABOUT)


def _merge(states: tuple[Location, ...], **flags: str | None) -> int:
    # Merging reads no data, so format, source and columns are of no account; they have to be named all the same.
    placeholders = {
        "dataset_format": '{"sagemakerMergeJson":{}}',
        "dataset_source": str(states[0]),
        "inference_attribute": "0",
    }
    from analyzer.stores import read_whole

    config = read_command(placeholders | given(flags), read=read_whole)
    logging.getLogger().setLevel(config.log_level)
    from analyzer.analyzers.table import TableState
    from analyzer.merge_states import merge_states

    state, verdict = merge_states(states, config)
    width = f" of {len(state.columns)} columns" if isinstance(state, TableState) else ""
    click.echo(f"{state.rows:,} rows{width}: {config.output_path}")
    click.echo(message_of(Outcome(len(verdict.violations))))
    return 0
