"""What the functions for notebooks, and the commands, give back: the files of a run, and the sight of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from analyzer.finish import Outcome, message_of
from analyzer.tables import figure, html_table, text_table
from analyzer.write import (
    CONSTRAINTS_FILE,
    PROFILE_FILE,
    STATISTICS_FILE,
    VIOLATIONS_FILE,
    write_files,
)

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["high", "medium", "low"]
SEVERITIES: Final[Mapping[str, Severity]] = {
    "missing_column_check": "high",
    "data_type_check": "high",
    "LessThanThreshold": "high",
    "GreaterThanThreshold": "high",
    "extra_column_check": "low",
}
"""How bad a violation is where nothing else is known; all others are of medium severity."""
ORDER: Final = ("high", "medium", "low")
HEAD: Final = ("severity", "feature", "check", "description")
MOST_SHOWN: Final = 40
"""Rows of a table that are shown; the files have all."""
Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ViolationRow:
    """One violation, of whatever kind of monitoring: `feature` is the column, or the metric of a model."""

    feature: str
    check: str
    description: str
    severity: Severity

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> ViolationRow:
        """Read an entry of constraint_violations.json."""
        names = [entry.get(key) for key in ("feature_name", "facet", "label", "metric_name")]
        check = str(entry.get("constraint_check_type", ""))
        shown = " ".join(str(name) for name in names if name)
        return cls(shown, check, " ".join(str(entry.get("description", "")).split()), SEVERITIES.get(check, "medium"))

    @property
    def cells(self) -> tuple[str, str, str, str]:
        return self.severity, self.feature, self.check, self.description


@dataclass(frozen=True)
class Result:
    """What a run wrote, file by file, and where; it can be handed to a later run as its baseline.

    `folder` is None where the caller named none: then the files are in memory alone, until `save`.
    """

    command: str
    source: str
    files: Mapping[str, bytes] = field(repr=False)
    folder: str | None = None
    baseline: str | None = None

    def _document(self, name: str) -> dict[str, Any]:
        found = json.loads(self.files[name]) if name in self.files else {}
        return found if isinstance(found, dict) else {}

    @cached_property
    def statistics(self) -> dict[str, Any]:
        """Give the content of statistics.json."""
        return self._document(STATISTICS_FILE)

    @cached_property
    def constraints(self) -> dict[str, Any]:
        """Give the content of constraints.json: what this data meets."""
        return self._document(CONSTRAINTS_FILE)

    @cached_property
    def profile(self) -> dict[str, Any]:
        """Give the content of profile.json: the evidence."""
        return self._document(PROFILE_FILE)

    @cached_property
    def violations(self) -> tuple[ViolationRow, ...]:
        """Give what does not meet the baseline, the worst first; empty in a baseline run."""
        found = [ViolationRow.of(each) for each in self._document(VIOLATIONS_FILE).get("violations", ())]
        return tuple(sorted(found, key=lambda each: ORDER.index(each.severity)))

    @property
    def is_judged(self) -> bool:
        """Tell whether the data was compared with anything."""
        return VIOLATIONS_FILE in self.files

    @property
    def ok(self) -> bool:
        """Tell whether nothing was violated."""
        return not self.violations

    @property
    def rows(self) -> int:
        """Count the rows: those that were judged, of model quality."""
        return int(self.statistics.get("dataset", {}).get("item_count", 0))

    @property
    def message(self) -> str:
        """Word the outcome as a job does."""
        return message_of(Outcome(len(self.violations)))

    def violations_frame(self) -> pd.DataFrame:
        """Give the violations as a data frame, a row each."""
        import pandas as pd

        return pd.DataFrame([each.cells for each in self.violations], columns=list(HEAD))

    def save(self, folder: Path | str) -> None:
        """Write the files into a folder, complete or not at all.

        Raises OutputError.
        """
        stale = () if self.is_judged else (VIOLATIONS_FILE,)
        write_files(folder if "://" in str(folder) else Path(folder), self.files, stale)

    # --- the sight of it ---

    @property
    def summary(self) -> str:
        """Say in one sentence what was seen and what came of it."""
        width = f" of {len(self.statistics['features']):,} columns" if "features" in self.statistics else ""
        if not self.is_judged:
            return f"{self.rows:,} rows{width} learned from {self.source}."
        count = len(self.violations)
        found = "no violations" if not count else "1 violation" if count == 1 else f"{count:,} violations"
        return f"{self.rows:,} rows{width} of {self.source} compared with {self.baseline or 'rules'}: {found}."

    def tables(self) -> Iterator[tuple[Sequence[str], Rows]]:
        """Give the tables that say the most: figures of a model, violations, or the features of a baseline."""
        metrics = metric_rows(self.statistics)
        if metrics:
            yield ("metric", "value", "standard deviation"), metrics
        if self.violations:
            yield HEAD, [each.cells for each in self.violations]
        elif not self.is_judged and not metrics:
            yield FEATURE_HEAD, feature_rows(self.statistics)

    def text(self, width: int = 100, most: int = MOST_SHOWN) -> str:
        """Write summary and tables for a terminal."""
        parts = [self.summary]
        for head, rows in self.tables():
            parts.append(text_table(head, rows[:most], width) + _more(rows, most))
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Give what `--format json` writes (schemas/command-answer.json)."""
        return {
            "command": self.command,
            "status": self.message.partition(":")[0],
            "source": self.source,
            "baseline": self.baseline,
            "output": self.folder,
            "rows": self.rows,
            "violations": [dict(zip(HEAD, each.cells, strict=True)) for each in self.violations],
            "files": sorted(self.files),
        }

    def _repr_html_(self) -> str:
        import html

        parts = [f"<p>{html.escape(self.summary)}</p>"]
        for head, rows in self.tables():
            parts.append(html_table(head, rows[:MOST_SHOWN]) + f"<p>{html.escape(_more(rows, MOST_SHOWN))}</p>")
        return "".join(parts)


def _more(rows: Sequence[object], most: int) -> str:
    return f"\n... and {len(rows) - most:,} more." if len(rows) > most else ""


FEATURE_HEAD: Final = ("feature", "type", "present", "distinct", "min", "mean", "max")


def feature_rows(statistics: Mapping[str, Any]) -> Rows:
    """Write the features of statistics.json as rows of `FEATURE_HEAD`."""
    return [_feature_row(feature) for feature in statistics.get("features", ())]


def _feature_row(feature: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = feature.get("numerical_statistics") or {}
    texts = feature.get("string_statistics") or {}
    common = (numbers or texts).get("common") or {}
    present, missing = common.get("num_present", 0), common.get("num_missing", 0)
    share = f"{present / (present + missing):.1%}" if present + missing else ""
    distinct = numbers.get("approximate_num_distinct_values", texts.get("distinct_count"))
    spread = (figure(numbers.get(name)) for name in ("min", "mean", "max"))
    kind = str(feature.get("inferred_type", ""))
    return str(feature.get("name")), kind, share, figure(distinct and int(distinct)), *spread


def metric_rows(statistics: Mapping[str, Any]) -> Rows:
    """Write the metrics of a model, where there are any, as rows of name, value and standard deviation."""
    blocks = [block for name, block in statistics.items() if name.endswith("_metrics") and isinstance(block, dict)]
    return [
        (name, figure(part["value"]), figure(part.get("standard_deviation")))
        for block in blocks
        for name, part in block.items()
        if isinstance(part, dict) and "value" in part
    ]


@dataclass(frozen=True)
class Merged:
    """What came of putting captures and labels together; `report` is the content of merge_report.json."""

    captures: str
    labels: str
    folder: str
    report: dict[str, Any] = field(repr=False)

    @property
    def summary(self) -> str:
        """Say in one sentence how many captures have labels."""
        counts = self.report["captures"]
        share = f" ({counts['share_matched']:.1%})" if counts["share_matched"] is not None else ""
        return f"{counts['matched']:,} of {counts['records']:,} captures{share} have labels: {self.folder}"

    def text(self, width: int = 100) -> str:
        """Write the summary, the hours and what should be known for a terminal."""
        hours = [
            (str(each["hour"] or "without a time"), f"{each['captures']:,}", f"{each['matched']:,}")
            for each in self.report["hours"]
        ]
        parts = [self.summary, text_table(("hour", "captures", "with labels"), hours[:MOST_SHOWN], width)]
        return "\n\n".join([*parts, *(f"Note: {note}" for note in self.report["notes"])]) + _more(hours, MOST_SHOWN)

    def to_dict(self) -> dict[str, Any]:
        """Give what `--format json` writes (schemas/command-answer.json)."""
        return {
            "command": "merge",
            "status": "Completed",
            "source": self.captures,
            "labels": self.labels,
            "output": self.folder,
            "report": self.report,
        }

    def _repr_html_(self) -> str:
        import html

        return f"<p>{html.escape(self.summary)}</p>"
