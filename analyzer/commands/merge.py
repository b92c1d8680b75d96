"""`analyzer merge`: captured requests and the labels that came later, put together."""

from __future__ import annotations

from typing import Any, Final

import click

from analyzer.commands.answer import answer, answer_flags
from analyzer.commands.options import Sectioned, flag_of, given, place_argument

ABOUT: Final = """Merge captured records with labels that came later, for the monitoring of model quality.

A capture finds its label by its inferenceId, else its eventId. CAPTURES is the folder of the captures, LABELS that of
the labels. A window selects captures, labels come from any hour. Without arguments both are told by flags or by
variables of the environment, as in `run`: then the message of a job is written, too.
"""
EXAMPLES: Final = (
    "analyzer merge captures/ labels/ --output merged",
    "analyzer merge s3://bucket/captures s3://bucket/labels --output s3://bucket/merged --start-time-offset -P1D",
)
PLACES: Final = ("dataset_source", "ground_truth_source", "output_path")
MERGED: Final = "merged"
OF_JOBS: Final = ("dataset_source", "ground_truth_source", "output_message_file", "ANALYZER_LOG_LEVEL")
"""What is told only where flags and variables describe a job."""
OTHERS: Final = (
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


def command() -> Sectioned:
    both = [
        place_argument("captures", "[CAPTURES", required=False),
        place_argument("labels", "LABELS]", required=False),
    ]
    flags = [
        flag_of("dataset_source", required=False, text="CAPTURES, as a flag."),
        flag_of("ground_truth_source", required=False, text="LABELS, as a flag."),
        flag_of("output_path", "--output", "-o", required=False, text="Folder for the merged records.", default=MERGED),
        *(flag_of(name, required=False) for name in OTHERS),
    ]
    return Sectioned("merge", EXAMPLES, params=[*both, *flags, *answer_flags(judges=False)], callback=_join, help=ABOUT)


def _join(captures: str | None, labels: str | None, form: str, *, verbose: bool, **flags: Any) -> int:
    told = given(flags)
    if captures is None:
        if form != "text" or verbose:
            raise click.UsageError("--format and --verbose go with CAPTURES and LABELS; a job is told by --log-level.")
        from analyzer.__main__ import run_job

        return run_job(told, merges=True)
    if labels is None:
        raise click.UsageError("Missing argument 'LABELS'.")
    surplus = [flag_of(name).opts[0] for name in OF_JOBS if name in told]
    if surplus:
        raise click.UsageError(f"{surplus[0]} is for merges without CAPTURES and LABELS.")
    settings = {name: text for name, text in told.items() if name not in PLACES}
    answer(lambda _: _merged(captures, labels, told.get("output_path", MERGED), settings), form, verbose=verbose)
    return 0


def _merged(captures: str, labels: str, output: str, settings: dict[str, str]) -> Any:
    from analyzer.functions import merge_labels

    return merge_labels(captures, labels, output=output, **settings)
