"""`analyzer quality`: predictions against labels."""

from __future__ import annotations

from typing import Any, Final

import click

from analyzer.commands.judging import command_of, perform_command
from analyzer.commands.options import DATA_SECTION, Flag, Sectioned, flag_of
from analyzer.perform import PROBLEMS

OUTPUT: Final = "quality"
ABOUT: Final = """Measure a model's predictions against the labels; with a baseline, list the metrics that became worse.

DATA holds predictions and labels: a table, or the records that `analyzer merge` wrote. Say where they stand by the name
of a column, its index, or in JSON a JMESPath; merged records need no --label. Without --baseline the run is one.
"""
EXAMPLES: Final = (
    "analyzer quality validation.csv --problem binary --label churned --score probability",
    "analyzer quality merged/ --problem binary --score 0 --baseline quality --output report",
    "analyzer quality prices.parquet --problem regression --label price --prediction estimate",
)
PLACES: Final = {
    "ground_truth_attribute": "--label",
    "inference_attribute": "--prediction",
    "probability_attribute": "--score",
    "probability_threshold_attribute": "--threshold",
    "positive_label": "--positive-label",
    "ANALYZER_SEGMENT_COLUMNS": "--segments",
}


def command() -> Sectioned:
    problem = Flag(
        ["--problem", "--problem-type", "problem_type"], DATA_SECTION, required=True,
        type=click.Choice(list(PROBLEMS), case_sensitive=False), help="What the model predicts.",
    )  # fmt: skip
    places = [flag_of(variable, flag, section=DATA_SECTION) for variable, flag in PLACES.items()]
    return command_of("quality", ABOUT, EXAMPLES, _measure, output=OUTPUT, own=[problem, *places])


def _measure(problem_type: str, **told: Any) -> int:
    told |= {"analysis_type": "MODEL_QUALITY", "problem_type": PROBLEMS[problem_type]}
    return perform_command("quality", **told)
