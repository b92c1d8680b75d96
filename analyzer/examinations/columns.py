"""The names of columns: those that Spark, Deequ, SQL or CloudWatch would stumble over, and why that matters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from analyzer.config import JobConfig
from analyzer.diagnosis import Finding
from analyzer.metrics import LONGEST_METRIC_NAME

CHECK: Final = "column names"
PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PARQUET: Final = re.compile(r"[ ,;{}()\n\t=]")
MOST: Final = 10
LONGEST_FAMILY: Final = len("feature_baseline_drift_")
RENAME: Final = "Rename them, best to small letters, digits and _, in the data and in the baseline alike."


def examine_columns(config: JobConfig, names: Sequence[str]) -> Iterator[Finding]:
    """Look at names; this project takes any of them, tools that read the same data do not."""
    findings = [*_odd(names), *_alike(names), *_unnamed(names), *_without_metrics(config, names)]
    plain = f"{len(names):,} columns, whose names every tool takes: {_listed(names)}"
    yield from findings or [Finding(CHECK, "ok", plain)]


def _odd(names: Sequence[str]) -> Iterator[Finding]:
    dotted = [name for name in names if "." in name or "`" in name]
    if dotted:
        text = f"{_listed(dotted)}: Spark takes a dot for a field of a struct, and a backtick for a quote."
        yield Finding(CHECK, "warning", text, f"Rules in DQDL and Spark SQL need such names quoted. {RENAME}")
    blank = [name for name in names if name not in dotted and PARQUET.search(name)]
    if blank:
        text = f"{_listed(blank)}: older versions of Spark write no Parquet with blanks or any of ,;{{}}()= in a name."
        yield Finding(CHECK, "warning", text, RENAME)
    others = [name for name in names if not PLAIN.fullmatch(name) and name not in (*dotted, *blank) and name.strip()]
    if others:
        text = (
            f"{_listed(others)}: not only letters, digits and _. The service's documentation asks for such names, and "
            "Spark SQL takes others only in backticks."
        )
        yield Finding(CHECK, "warning", text, RENAME)


def _alike(names: Sequence[str]) -> Iterator[Finding]:
    counts = Counter(name.lower() for name in names)
    alike = [name for name in names if counts[name.lower()] > 1]
    if alike:
        text = f"{_listed(alike)}: the same name to Spark, which does not tell small from capital letters."
        yield Finding(CHECK, "warning", text, RENAME)


def _unnamed(names: Sequence[str]) -> Iterator[Finding]:
    blank = [name for name in names if not name.strip()]
    if blank:
        text = f"{len(blank)} columns have a blank name."
        yield Finding(CHECK, "warning", text, RENAME)


def _without_metrics(config: JobConfig, names: Sequence[str]) -> Iterator[Finding]:
    longest = LONGEST_METRIC_NAME - LONGEST_FAMILY
    odd = [name for name in names if not name.isascii() or not name.isprintable() or len(name) > longest]
    if odd and config.publish_cloudwatch_metrics:
        text = f"{_listed(odd)}: no CloudWatch metrics, whose names are printable ASCII of up to 255 characters."
        yield Finding(CHECK, "warning", text, RENAME)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) if not PLAIN.fullmatch(name) else name for name in names[:MOST])
    return shown + (f" and {len(names) - MOST:,} more" if len(names) > MOST else "")
