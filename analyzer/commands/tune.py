"""`analyzer tune`: thresholds from past windows, for the rate of false alarms that is wanted."""

from __future__ import annotations

from typing import Any, Final

import click

from analyzer.commands.answer import answer, answer_flags
from analyzer.commands.judging import baseline_flag
from analyzer.commands.options import DATA_SECTION, Flag, Sectioned, flag_of, given
from analyzer.config import Location, read_command, read_location

ABOUT: Final = """Replay the states of past windows against a baseline: how often every check alarms with the thresholds
as they are. With --rate, propose thresholds with which so many windows alarm by chance, all checks of a window taken
together, and write a baseline that has them: constraints.json with the edited thresholds, statistics.json as it was,
tuning.json with what was found.

STATES are state.json.gz files or folders of them, here or on S3. The windows count as normal: leave out those with
known incidents by --without. Nothing but their states is read.
"""
EXAMPLES: Final = (
    "analyzer tune runs/my-endpoint/my-schedule",
    "analyzer tune runs/my-endpoint/my-schedule --rate 0.01 --output tuned",
    "analyzer tune s3://bucket/runs --rate 0.05 --without 2026/02/03 --without 2026/02/04",
    "analyzer tune runs --constraints edited.json --format json | jq .now",
)
TUNED: Final = "tuned"


def command() -> Sectioned:
    states = click.Argument(["states"], metavar="STATES...", nargs=-1, required=True, type=read_location)
    params = [
        states,
        baseline_flag(required=True),
        Flag(
            ["--constraints"], DATA_SECTION, metavar="FILE", type=read_location,
            help="Thresholds to replay instead of those of the baseline.",
        ),
        Flag(
            ["--rate"], DATA_SECTION, metavar="SHARE", type=float,
            help="Share of windows that may alarm by chance, such as 0.01. Without it nothing is proposed or written.",
        ),
        Flag(
            ["--without"], DATA_SECTION, metavar="TEXT", multiple=True,
            help="Leave out states whose path holds this text; may be given again.",
        ),
        Flag(
            ["--output", "-o"], DATA_SECTION, metavar="FOLDER", default=TUNED, type=read_location,
            help=f"Folder for the baseline with other thresholds, here or on S3. Default: {TUNED}.",
        ),
        flag_of("ANALYZER_COMPATIBILITY"),
        flag_of("ANALYZER_CORES"),
        *answer_flags(judges=False),
    ]  # fmt: skip
    return Sectioned("tune", EXAMPLES, params=params, callback=_tune, help=ABOUT)


def _tune(
    *, states: tuple[Location, ...], baseline: str, constraints: Location | None, rate: float | None,
    without: tuple[str, ...], output: Location, form: str, verbose: bool, **flags: str | None,
) -> int:  # fmt: skip
    from analyzer.perform import WANTED, baseline_places
    from analyzer.tune import Tuning, tune

    def work(_say: Any) -> Any:
        config = read_command(_placeholders(states, output) | given(flags))
        found = baseline_places(baseline, WANTED["data_quality"])
        before = found.get("baseline_statistics")
        return tune(
            Tuning(
                states, constraints or read_location(found["baseline_constraints"]),
                read_location(before) if before else None, output, rate, without, config.compatibility, config.cores,
            )
        )  # fmt: skip

    answer(work, form, verbose=verbose)
    return 0


def _placeholders(states: tuple[Location, ...], output: Location) -> dict[str, str]:
    """Name what every configuration has to have; no data is read."""
    return {"dataset_format": '{"csv":{}}', "dataset_source": str(states[0]), "output_path": str(output)}
