"""`analyzer monitor`: data compared with a baseline."""

from __future__ import annotations

from typing import Any, Final

from analyzer.commands.judging import DATA_TEXT, REPORT, command_of, perform_command
from analyzer.commands.options import Sectioned

ABOUT: Final = f"""Compare data with a baseline, and list what does not meet it: missing values, other types, values
that were never seen, columns that are gone or new, distributions that drifted.

{DATA_TEXT}"""
EXAMPLES: Final = (
    "analyzer monitor new.csv",
    "analyzer monitor new.csv --baseline normal --fail-on-violations",
    "analyzer monitor captures/ --start 2025-02-16T11:00:00Z --end 2025-02-16T12:00:00Z",
    "analyzer monitor new.parquet --format json | jq '.violations[].feature'",
)


def command() -> Sectioned:
    return command_of("monitor", ABOUT, EXAMPLES, _compare, output=REPORT, baseline="required", rules=True)


def _compare(**told: Any) -> int:
    return perform_command("monitor", **told)
