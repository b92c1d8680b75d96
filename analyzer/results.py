"""What the functions for notebooks, and the commands, give back: the files of a run, and the sight of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from analyzer.finish import Outcome, message_of
from analyzer.tables import figure, html_table, text_table
from analyzer.write import (
    ANALYSIS_FILE,
    CONSTRAINTS_FILE,
    PROFILE_FILE,
    STATISTICS_FILE,
    VIOLATIONS_FILE,
    write_files,
)

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.report import Finding

Severity = Literal["high", "medium", "low"]
Kind = Literal["data_quality", "model_quality", "analysis"]
"""Kinds of monitoring as reports call them; the last one is bias, attribution, or both."""
ORDER: Final = ("high", "medium", "low")
HEAD: Final = ("severity", "feature", "check", "description")
MOST_SHOWN: Final = 40
"""Rows of a table that are shown; the files have all."""
QUIRKS: Final = (
    "Figures with known flaws of the original: {count}. profile.json has the corrected ones; --compatibility corrected "
    "writes them."
)
Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ViolationRow:
    """One violation, of whatever kind of monitoring.

    `feature` is the column, or the metric or output of a model; `description` are the words of the violations file,
    `explanation` plain ones with figures. The severity is that of the reports: by how far the baseline is missed.
    """

    feature: str
    check: str
    description: str
    severity: Severity
    explanation: str

    def to_dict(self) -> dict[str, str]:
        """Give it for a program."""
        return asdict(self)


class FilesBelow(Mapping[str, bytes]):
    """The files of a folder by name, each read when it is first asked for."""

    def __init__(self, folder: str, names: Sequence[str]) -> None:
        self._folder = folder.rstrip("/")
        self._names = tuple(names)
        self._read: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> bytes:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            from analyzer.stores import read_whole

            self._read[name] = read_whole(f"{self._folder}/{name}")
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def document_of(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """Read a JSON file among others; an empty document where there is none."""
    from analyzer.jsonlayout import parse

    found = parse(files[name]) if name in files else {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Result:
    """What a run wrote, file by file, and where; it can be handed to a later run as its baseline.

    `folder` is None where the caller named none: then the files are in memory alone, until `save`. `against` are the
    small files of the baseline, which violations are explained by.
    """

    command: str
    source: str
    files: Mapping[str, bytes] = field(repr=False)
    folder: str | None = None
    baseline: str | None = None
    kind: Kind = "data_quality"
    against: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def _document(self, name: str) -> dict[str, Any]:
        return document_of(self.files, name)

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
    def analysis(self) -> dict[str, Any]:
        """Give the content of analysis.json, of a run of bias or attribution."""
        return self._document(ANALYSIS_FILE)

    @cached_property
    def violations(self) -> tuple[ViolationRow, ...]:
        """Give what does not meet the baseline, the worst first; empty in a baseline run."""
        if not self._document(VIOLATIONS_FILE).get("violations"):
            return ()
        from analyzer.report import findings_of, papers_of

        before = {name: document_of(self.against, name) for name in self.against}
        documents = {name: self._document(name) for name in self.files if name.endswith(".json")}
        found = [_row_of(each) for each in findings_of(papers_of(self.kind, documents, before, about={}))]
        return tuple(sorted(found, key=lambda each: ORDER.index(each.severity)))

    @property
    def is_judged(self) -> bool:
        """Tell whether the data was compared with anything."""
        return self.baseline is not None or VIOLATIONS_FILE in self.files

    @property
    def ok(self) -> bool:
        """Tell whether nothing was violated."""
        return not self.violations

    @property
    def rows(self) -> int:
        """Count the rows: those that were judged, of model quality."""
        if self.kind == "analysis":
            return max((part["rows"] for part in self.profile.values() if isinstance(part, dict)), default=0)
        dataset = self.profile.get("dataset", {})
        return int(dataset.get("judged_rows", dataset.get("item_count", 0)))

    @property
    def quirks(self) -> int:
        """Count the figures that have a known flaw of the original; profile.json has the corrected ones."""
        return len(self.profile.get("quirks", ()))

    @property
    def message(self) -> str:
        """Word the outcome as a job does."""
        return message_of(Outcome(len(self.violations)))

    def violations_frame(self) -> pd.DataFrame:
        """Give the violations as a data frame, a row each."""
        import pandas as pd

        columns = [each.name for each in fields(ViolationRow)]
        return pd.DataFrame([each.to_dict() for each in self.violations], columns=columns)

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
        columns = self.profile.get("dataset", {}).get("columns")
        width = f" of {columns:,} columns" if columns is not None else ""
        if not self.is_judged:
            return f"{self.rows:,} rows{width} learned from {self.source}."
        count = len(self.violations)
        found = "no violations" if not count else "1 violation" if count == 1 else f"{count:,} violations"
        return f"{self.rows:,} rows{width} of {self.source} compared with {self.baseline or 'rules'}: {found}."

    def tables(self) -> Iterator[tuple[Sequence[str], Rows]]:
        """Give the tables that say the most: figures of a model, violations, or the features of a baseline."""
        if self.kind == "model_quality":
            yield ("metric", "value", "standard deviation"), metric_rows(self.statistics)
        elif self.kind == "analysis" and not self.is_judged:
            yield from analysis_tables(self.analysis)
        elif not self.is_judged:
            yield FEATURE_HEAD, feature_rows(self.statistics)
        if self.violations:
            yield HEAD, [(each.severity, each.feature, each.check, each.explanation) for each in self.violations]

    def text(self, width: int = 100, most: int = MOST_SHOWN) -> str:
        """Write summary and tables for a terminal."""
        parts = [self.summary]
        for head, rows in self.tables():
            parts.append(text_table(head, rows[:most], width) + _more(rows, most))
        if self.quirks:
            parts.append(QUIRKS.format(count=f"{self.quirks:,}"))
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
            "violations": [each.to_dict() for each in self.violations],
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


BIAS_SECTIONS: Final = ("pre_training_bias_metrics", "post_training_bias_metrics")
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


def analysis_tables(analysis: Mapping[str, Any]) -> Iterator[tuple[Sequence[str], Rows]]:
    """Write the figures of analysis.json as tables: metrics of bias, and attributions of each output."""
    metrics = [row for name in BIAS_SECTIONS for row in _bias_rows(analysis.get(name) or {})]
    if metrics:
        yield ("facet", "value", "metric", "description", "figure"), metrics
    labels = (analysis.get("explanations") or {}).get("kernel_shap") or {}
    attributions: Rows = [
        (str(label), str(feature), figure(value))
        for label, each in labels.items()
        if isinstance(each, dict)
        for feature, value in sorted((each.get("global_shap_values") or {}).items(), key=_by_size)
    ]
    if attributions:
        yield ("output", "feature", "attribution"), attributions


def _by_size(item: tuple[str, Any]) -> float:
    return -abs(item[1]) if isinstance(item[1], int | float) else 0.0


def _bias_rows(section: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for facet, entries in (section.get("facets") or {}).items():
        for entry in entries:
            for each in entry["metrics"]:
                shown = figure(each["value"]) or str(each.get("error", ""))
                yield facet, str(entry["value_or_threshold"]), each["name"], each["description"], shown


def metric_rows(statistics: Mapping[str, Any]) -> Rows:
    """Write the metrics of a model, where there are any, as rows of name, value and standard deviation."""
    blocks = [block for name, block in statistics.items() if name.endswith("_metrics") and isinstance(block, dict)]
    return [
        (name, figure(part["value"]), figure(part.get("standard_deviation")))
        for block in blocks
        for name, part in block.items()
        if isinstance(part, dict) and "value" in part
    ]


def _row_of(finding: Finding) -> ViolationRow:
    words, plain = " ".join(finding.description.split()), " ".join(finding.says.split())
    severity: Severity = "low" if finding.severity == "ok" else finding.severity
    return ViolationRow(finding.subject, finding.check, words, severity, plain)


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
