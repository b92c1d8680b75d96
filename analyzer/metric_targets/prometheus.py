"""Figures to a text file in Prometheus' exposition format, for the textfile collector of its node exporter."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from analyzer.metric_targets.figures import Figure, by_name
from analyzer.write import write_files

SUFFIX: Final = ".prom"
"""What files are called that the collector reads."""
HELP: Final[Mapping[str, str]] = {
    "analyzer_violations": "Violations of the last execution.",
    "analyzer_rows": "Rows of the last execution.",
    "analyzer_window_timestamp_seconds": "The time that the figures of the last execution are of.",
    "analyzer_run_timestamp_seconds": "When the last execution ended.",
}


def write_prometheus(place: str, figures: Sequence[Figure], owner: str) -> str:
    """Write the figures of one execution to a file, complete or not at all, and give its name.

    A place that ends in .prom is the file; any other is a folder, in which each schedule and kind, told by `owner`,
    has a file of its own: the collector puts all together. No times are written: it refuses files that have some.
    Raises OutputError.
    """
    path = Path(place)
    if path.suffix != SUFFIX:
        path /= f"analyzer_{re.sub(r'[^A-Za-z0-9]+', '_', owner).strip('_') or 'run'}{SUFFIX}"
    write_files(path.parent, {path.name: text_of(figures)})
    return str(path)


def text_of(figures: Sequence[Figure]) -> str:
    """Write figures in the exposition format 0.0.4. Source: prometheus.io, "Exposition formats"."""
    lines = []
    for name, some in by_name(figures).items():
        if name in HELP:
            lines.append(f"# HELP {name} {HELP[name]}")
        lines.append(f"# TYPE {name} gauge")
        for each in some:
            labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sorted(each.labels.items()))
            lines.append(f"{name}{{{labels}}} {_number(each.value)}" if labels else f"{name} {_number(each.value)}")
    return "\n".join([*lines, ""])


def _escaped(text: str) -> str:
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return clean.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)
