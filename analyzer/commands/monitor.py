"""`analyzer monitor`: data compared with a baseline."""

from __future__ import annotations

from typing import Any, Final

from analyzer.commands.judging import (
    REPORT,
    baseline_flag,
    command_of,
    data_argument,
    flags_of_data,
    flags_of_runs,
    output_flag,
    perform_command,
)
from analyzer.commands.options import Sectioned

ABOUT: Final = """Compare data with a baseline, and list what does not meet it: missing values, other types, values
that were never seen, columns that are gone or new, distributions that drifted.

DATA is a file or folder, here or on S3 (s3://bucket/folder). Its format is found by names and first bytes: CSV with or
without a header, JSON lines or a document, Parquet, captured requests.

\b
Exit codes:
  0    done, with or without violations
  1    violations, with --fail-on-violations
  2    flags that make no sense
  255  an error, with what was found and the cure
"""
EXAMPLES: Final = (
    "analyzer monitor new.csv",
    "analyzer monitor new.csv --baseline normal --fail-on-violations",
    "analyzer monitor captures/ --start 2025-02-16T11:00:00Z --end 2025-02-16T12:00:00Z",
    "analyzer monitor new.parquet --format json | jq '.violations[].feature'",
)


def command() -> Sectioned:
    params = [data_argument(), baseline_flag(required=True), output_flag(REPORT), *flags_of_data()]
    return command_of("monitor", ABOUT, EXAMPLES, [*params, *flags_of_runs(rules=True)], callback=_compare)


def _compare(**told: Any) -> int:
    return perform_command("monitor", **told)
