"""`analyzer bias`: whether data and predictions treat groups alike."""

from __future__ import annotations

from typing import Any, Final

import click

from analyzer.commands.judging import command_of, perform_command
from analyzer.commands.options import DATA_SECTION, Flag, Sectioned, flag_of

OUTPUT: Final = "bias"
ABOUT: Final = """Measure bias: whether labels, and predictions where there are some, treat groups alike; with a
baseline, list the metrics that moved away from parity.

A facet is a column and the group in it that is looked after: its values (sex=0), a threshold (age>40), or nothing: then
each value is looked at. Or give --config, an analysis_config.json that says all of that.
"""
EXAMPLES: Final = (
    "analyzer bias training.csv --label hired --positive 1 --facet sex=0",
    "analyzer bias scored.csv --label hired --positive 1 --prediction guess --facet sex=0 --facet 'age>40'",
    "analyzer bias new.csv --config analysis_config.json --baseline bias --output report",
)
PLACES: Final = {
    "inference_attribute": "--prediction",
    "probability_attribute": "--score",
    "probability_threshold_attribute": "--threshold",
}


def command() -> Sectioned:
    own: list[click.Parameter] = [
        _own("--label", "COLUMN", "Column of the label."),
        _own("--positive", "VALUES", "Labels that are the good outcome, comma-separated, or a threshold (>0.5)."),
        Flag(["--facet"], DATA_SECTION, metavar="FACET", multiple=True, help="A facet, as above; may come repeatedly."),
        _own("--group", "COLUMN", "Column of groups for the metrics that are conditional on one."),
        *(flag_of(variable, flag, section=DATA_SECTION) for variable, flag in PLACES.items()),
        config_flag(),
    ]
    return command_of("bias", ABOUT, EXAMPLES, _measure, output=OUTPUT, own=own)


def _own(flag: str, metavar: str, text: str) -> Flag:
    return Flag([flag], DATA_SECTION, metavar=metavar, help=text)


def config_flag() -> Flag:
    return Flag(
        ["--config", "--analysis-config", "config"], DATA_SECTION, metavar="FILE", type=click.Path(),
        help="analysis_config.json, in place of the flags that say the same.",
    )  # fmt: skip


def _measure(
    label: str | None, positive: str | None, facet: tuple[str, ...], group: str | None, config: str | None, **told: Any
) -> int:
    from analyzer.ask_analysis import ask_bias, read_facets, read_group, read_value, read_values

    told["analysis_type"] = "MODEL_BIAS"
    if config is not None:
        refuse_both(config, label, positive, facet, group)
        return perform_command("bias", ANALYZER_ANALYSIS_CONFIG=config, **told)
    if label is None or positive is None or not facet:
        raise click.UsageError("--label, --positive and --facet are needed, or --config.")
    excluded = read_values(told.pop("exclude_features_attribute", None) or "")
    asked = ask_bias(
        label=read_value(label), positive=read_group(positive), facets=read_facets(facet),
        group=None if group is None else read_value(group), exclude=excluded,
    )  # fmt: skip
    return perform_command("bias", analysis=asked, **told)


def refuse_both(config: str, *others: Any) -> None:
    """Refuse flags beside a file that says the same."""
    if any(others):
        raise click.UsageError(f"--config {config} says all that is asked: leave the flags beside it out.")
