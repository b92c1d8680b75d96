"""`analyzer baseline`: what is normal, learned from data."""

from __future__ import annotations

from typing import Any, Final

from analyzer.commands.judging import BASELINE, DATA_TEXT, command_of, perform_command
from analyzer.commands.options import Sectioned

ABOUT: Final = f"""Learn from data what is normal: statistics of every column, and constraints that later data has to
meet. Edit constraints.json where you know better.

{DATA_TEXT}"""
EXAMPLES: Final = (
    "analyzer baseline training.csv",
    "analyzer baseline training/ --output normal --exclude id,created_at",
    "analyzer baseline s3://bucket/training --output s3://bucket/baseline",
)


def command() -> Sectioned:
    drift = ("categorical_drift_method",)
    return command_of("baseline", ABOUT, EXAMPLES, _learn, output=BASELINE, baseline=None, of_data=drift, rules=True)


def _learn(**told: Any) -> int:
    return perform_command("baseline", **told)
