"""`analyzer explain`: which features a model's predictions rest on."""

from __future__ import annotations

from typing import Any, Final

import click

from analyzer.commands.bias import config_flag, refuse_both
from analyzer.commands.judging import command_of, perform_command
from analyzer.commands.options import DATA_SECTION, Flag, Sectioned, flag_of

OUTPUT: Final = "attributions"
MODEL_SECTION: Final = "Model"
ABOUT: Final = """Explain predictions: how much each feature contributes, by Kernel SHAP over a sample of the rows; with
a baseline, tell whether the order of the features has changed.

The model is a Python file with predict(df), or an endpoint; or the data holds attributions already. Columns that are no
features, such as the label, are named by --label and --exclude.
"""
EXAMPLES: Final = (
    "analyzer explain new.csv --model model.py --label churned",
    "analyzer explain new.csv --model-url http://localhost:8080/invocations --baseline attributions --output report",
    "analyzer explain new.csv --config analysis_config.json",
)
MODEL: Final = {
    "ANALYZER_MODEL_SCRIPT": "--model",
    "ANALYZER_MODEL_DIR": "--model-dir",
    "ANALYZER_MODEL_URL": "--model-url",
    "ANALYZER_ATTRIBUTIONS": "--attributions",
    "ANALYZER_MODEL_TIMEOUT": "--model-timeout",
    "ANALYZER_MODEL_RETRIES": "--model-retries",
    "ANALYZER_MODEL_BATCH_ROWS": "--model-batch-rows",
    "ANALYZER_MOST_EXPLAINED": "--rows",
    "ANALYZER_ATTRIBUTION_THRESHOLD": "--attribution-threshold",
}
NUMBERS: Final = {
    "samples": "Synthetic rows for each explained one; as many as the features ask for, if left out.",
    "clusters": "Rows of the background, found by clustering, in place of one mean.",
    "seed": "Seed of all that is drawn.",
}


def command() -> Sectioned:
    aggregations = click.Choice(["mean_abs", "median", "mean_sq"])
    own: list[click.Parameter] = [
        Flag(["--label"], DATA_SECTION, metavar="COLUMN", help="Column of the label, which is no feature."),
        config_flag(),
        *(flag_of(variable, flag, section=MODEL_SECTION) for variable, flag in MODEL.items()),
        *(Flag([f"--{name}"], MODEL_SECTION, type=click.IntRange(0), help=text) for name, text in NUMBERS.items()),
        Flag(["--aggregate"], MODEL_SECTION, type=aggregations, help="How rows become one figure a feature."),
    ]
    return command_of("explain", ABOUT, EXAMPLES, _explain, output=OUTPUT, own=own)


def _explain(label: str | None, config: str | None, **told: Any) -> int:
    from analyzer.ask_analysis import SAMPLES, ask_explanation, read_value, read_values

    shap = {name: told.pop(name) for name in SAMPLES}
    told["analysis_type"] = "MODEL_EXPLAINABILITY"
    if config is not None:
        refuse_both(config, label, *shap.values())
        return perform_command("explain", ANALYZER_ANALYSIS_CONFIG=config, **told)
    excluded = read_values(told.pop("exclude_features_attribute", None) or "")
    asked = ask_explanation(label=None if label is None else read_value(label), exclude=excluded, **shap)
    return perform_command("explain", analysis=asked, **told)
