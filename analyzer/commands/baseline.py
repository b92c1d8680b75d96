"""`analyzer baseline`: what is normal, learned from data."""

from __future__ import annotations

from typing import Any, Final

from analyzer.commands.judging import (
    BASELINE,
    command_of,
    data_argument,
    flags_of_data,
    flags_of_runs,
    output_flag,
    perform_command,
)
from analyzer.commands.options import Sectioned

ABOUT: Final = """Learn from data what is normal: statistics of every column, and constraints that later data has to
meet. Edit constraints.json where you know better.

DATA is a file or folder, here or on S3 (s3://bucket/folder). Its format is found by names and first bytes: CSV with or
without a header, JSON lines or a document, Parquet, captured requests.
"""
EXAMPLES: Final = (
    "analyzer baseline training.csv",
    "analyzer baseline training/ --output normal --exclude id,created_at",
    "analyzer baseline s3://bucket/training --output s3://bucket/baseline",
)


def command() -> Sectioned:
    drift = "categorical_drift_method"
    params = [data_argument(), output_flag(BASELINE), *flags_of_data(drift), *flags_of_runs(rules=True)]
    return command_of("baseline", ABOUT, EXAMPLES, params, callback=_learn, judges=False)


def _learn(**told: Any) -> int:
    return perform_command("baseline", **told)
