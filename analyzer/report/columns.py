"""Columns of a data-quality report: one table of all, and what is known of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup

from analyzer.report import charts
from analyzer.report.distributions import Category, Histogram, categories, histogram
from analyzer.report.findings import Finding, Item, Papers, Section, Severity, check_of, worst
from analyzer.report.markup import joined, tag
from analyzer.report.tables import Cell, badge, cell, data_table, facts_list, figure_cell, jump, small_table, value
from analyzer.report.wording import NONE, figure, number, percent

KINDS = {
    "integral": "whole numbers",
    "fractional": "fractions",
    "boolean": "true or false",
    "string": "text",
    "missing": "missing",
    "empty": "empty text",
    "nan": "NaN",
    "infinite": "infinite",
    "outside_domain": "outside the baseline's values",
}
MOST_VALUES = 10
UNBOUNDED = 3.0
"""How many times its threshold a distance is said to be where that is 0."""


@dataclass(frozen=True, slots=True)
class Feature:
    """All that the documents say of one column; blocks are those of statistics.json."""

    anchor: str
    name: str
    statistics: Mapping[str, Any]
    baseline: Mapping[str, Any] | None
    profile: Mapping[str, Any]
    drift: Mapping[str, Any] | None
    findings: list[Finding]

    @property
    def severity(self) -> Severity:
        return worst(self.findings)


def ratio(drift: Mapping[str, Any]) -> float:
    distance, threshold = number(drift["distance"]) or 0.0, number(drift["threshold"]) or 0.0
    return distance / threshold if threshold > 0 else float(distance > 0) * UNBOUNDED


def overview(features: Sequence[Feature], papers: Papers, more: str = "") -> Section:
    compared = papers.baseline_statistics is not None
    heads = ["Verdict", "Column", "Type", "Missing", "Distinct", "Mean or most frequent"]
    heads += ["Drift and threshold"] if compared else []
    rows = [(each.severity, "", _overview_row(each, papers, compared=compared)) for each in features]
    return Section("columns", "All columns", data_table("columns-table", "All columns", heads, rows), more)


def _overview_row(feature: Feature, papers: Papers, *, compared: bool) -> list[Cell]:
    counts = common(feature)
    rows = counts["num_present"] + counts["num_missing"]
    missing = counts["num_missing"] / rows if rows else 0.0
    cells = [
        badge(feature.severity, judged=papers.violations is not None),
        cell(jump(feature.name, feature.anchor)),
        cell(_type_of(feature)),
        cell(percent(missing), missing),
        figure_cell(_distinct(feature)),
        cell(_typical(feature, papers)),
    ]
    return [*cells, _drift_cell(feature)] if compared else cells


def _drift_cell(feature: Feature) -> Cell:
    if feature.drift is None:
        return cell(NONE, -1)
    distance, threshold = number(feature.drift["distance"]) or 0.0, number(feature.drift["threshold"]) or 0.0
    meter = charts.meter(distance, threshold)
    words = tag("span", meter, f" {figure(distance)} of {figure(threshold)}", class_="drift")
    return cell(words, ratio(feature.drift))


def _type_of(feature: Feature) -> str:
    now = str(feature.statistics.get("inferred_type", NONE))
    before = (feature.baseline or {}).get("inferred_type", now)
    return now if now == before else f"{now}, was {before}"


def _block(statistics: Mapping[str, Any]) -> Mapping[str, Any]:
    return statistics.get("numerical_statistics") or statistics.get("string_statistics") or {}


def common(feature: Feature) -> Mapping[str, Any]:
    return _block(feature.statistics).get("common") or {"num_present": 0, "num_missing": 0}


def _distinct(feature: Feature) -> Any:
    block = _block(feature.statistics)
    return block.get("distinct_count", block.get("approximate_num_distinct_values"))


def _typical(feature: Feature, papers: Papers) -> Markup | str:
    if "numerical_statistics" in feature.statistics:
        return figure(feature.statistics["numerical_statistics"].get("mean"))
    found = _categories(feature)
    return NONE if not found or found[0].others else _shown(found[0], papers, 40)


def _shown(each: Category, papers: Papers, most: int = 80) -> Markup | str:
    """Show a value, but not one that only this run has where its values are not to be shown."""
    if not papers.examples and papers.baseline_statistics is not None and not each.baseline:
        return "a value that the baseline lacks"
    return value(each.value, most)


def item(feature: Feature, papers: Papers) -> Item:
    body = joined(
        [
            tag("div", _picture(feature, papers), _figures(feature), class_="two"),
            *[_finding_block(finding) for finding in feature.findings],
            _evidence(feature, papers),
            _quantiles(feature),
            _top_values(feature, papers),
        ]
    )
    return Item(feature.anchor, feature.name, str(feature.statistics.get("inferred_type", "")), feature.severity, body)


def _picture(feature: Feature, papers: Papers) -> Markup:
    if "numerical_statistics" in feature.statistics:
        before = (feature.baseline or {}).get("numerical_statistics")
        found = histogram(feature.statistics["numerical_statistics"], before)
        return _numeric(feature, found) if found else tag("p", "There are no values to draw.", class_="quiet")
    return _categorical(feature, papers)


def _numeric(feature: Feature, found: Histogram) -> Markup:
    label = f"Distribution of {feature.name}, {_summary(found)}"
    compared = found.baseline is not None
    heads = ["From", "To", "This run", *(["Baseline"] if compared else [])]
    edges = [figure(edge) for edge in found.edges]
    sides = [[percent(share) for share in side] for side in (found.current, found.baseline) if side]
    rows = list(zip(edges, edges[1:], *sides, strict=False))
    return tag(
        "figure",
        charts.histogram(found, label),
        tag("figcaption", _legend(compared=compared)),
        tag("details", tag("summary", "The figures of this chart"), small_table(heads, rows), class_="figures"),
    )


def _summary(found: Histogram) -> str:
    peak = max(range(len(found.current)), key=found.current.__getitem__)
    words = f"most values of this run lie from {figure(found.edges[peak])} to {figure(found.edges[peak + 1])}"
    if not found.baseline:
        return words
    peak = max(range(len(found.baseline)), key=found.baseline.__getitem__)
    return f"{words}, most of the baseline's from {figure(found.edges[peak])} to {figure(found.edges[peak + 1])}"


@cache
def _legend(*, compared: bool, baseline: str = "key-then") -> Markup:
    before = tag("span", tag("span", class_=baseline), "Baseline", class_="key") if compared else None
    return tag("span", tag("span", tag("span", class_="key-now"), "This run", class_="key"), before)


def _buckets(statistics: Mapping[str, Any] | None) -> Any:
    block = (statistics or {}).get("string_statistics") or {}
    return ((block.get("distribution") or {}).get("categorical") or {}).get("buckets")


def _categories(feature: Feature) -> list[Category]:
    now = _buckets(feature.statistics)
    return categories(now, _buckets(feature.baseline)) if now else []


def _categorical(feature: Feature, papers: Papers) -> Markup:
    found = _categories(feature)
    if not found:
        return tag("p", "Too many different values to count each, or none at all.", class_="quiet")
    compared = found[0].baseline is not None
    top = max(max(each.current, each.baseline or 0.0) for each in found if not each.others) or 1.0
    heads = ["Value", "This run", *(["Baseline"] if compared else []), "Share of the rows"]
    rows = [_category_row(each, top, papers, compared=compared) for each in found]
    return tag(
        "figure",
        small_table(heads, rows, f"Values of {feature.name}"),
        tag("figcaption", _legend(compared=compared, baseline="key-was")),
    )


def _category_row(each: Category, top: float, papers: Papers, *, compared: bool) -> list[Any]:
    is_new = compared and not each.baseline and not each.others
    name = f"{each.others:,} other values" if each.others else _shown(each, papers)
    shown = joined([name, tag("span", "new", class_="new") if is_new else None])
    shares = [percent(each.current), *([percent(each.baseline)] if compared else [])]
    return [shown, *shares, None if each.others else charts.pair(each.current, each.baseline, top)]


NUMERIC = {
    "mean": "Mean",
    "std_dev": "Standard deviation",
    "min": "Minimum",
    "max": "Maximum",
    "approximate_num_distinct_values": "Distinct, about",
}


def _figures(feature: Feature) -> Markup:
    now, before = _block(feature.statistics), _block(feature.baseline or {})
    rows = [
        ["Present", *_both(now, before, lambda block: figure((block.get("common") or {}).get("num_present")))],
        ["Missing", *_both(now, before, lambda block: figure((block.get("common") or {}).get("num_missing")))],
    ]
    if "numerical_statistics" in feature.statistics:
        rows += [[words, *_both(now, before, _taking(name))] for name, words in NUMERIC.items()]
    else:
        rows.append(["Distinct", *_both(now, before, _taking("distinct_count"))])
    heads = ["", "This run", *(["Baseline"] if before else [])]
    table = small_table(heads, rows, f"Figures of {feature.name}")
    if feature.drift is None:
        return table
    distance, threshold = figure(feature.drift["distance"]), figure(feature.drift["threshold"])
    return tag("div", table, tag("p", f"Drift distance {distance}, threshold {threshold}"))


def _taking(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda block: figure(block.get(name))


def _both(now: Mapping[str, Any], before: Mapping[str, Any], take: Callable[[Mapping[str, Any]], str]) -> list[str]:
    return [take(now), *([take(before)] if before else [])]


def _finding_block(finding: Finding) -> Markup:
    parts = [tag("p", tag("strong", check_of(finding.check), ": "), finding.says)]
    if finding.examples:
        parts.append(tag("p", "Offending values: ", joined(_listed(finding.examples))))
    if finding.place:
        parts.append(tag("p", f"First met in {finding.place}", class_="quiet"))
    return tag("div", *parts, class_=f"why {finding.severity}")


def _listed(examples: Sequence[str]) -> Iterator[Markup]:
    for at, each in enumerate(examples):
        yield joined([" " if at else None, value(each)])


def _evidence(feature: Feature, papers: Papers) -> Markup | None:
    found = {kind: each for kind, each in (feature.profile.get("evidence") or {}).items() if kind in KINDS}
    if not found:
        return None
    rows = [
        [
            KINDS[kind],
            figure(each["count"]),
            joined(_listed([str(example) for example in each.get("examples", ())])) if papers.examples else NONE,
            f"{each['first_file']}, record {each['first_record']:,}",
        ]
        for kind, each in found.items()
    ]
    return tag(
        "details",
        tag("summary", "What the values read as, and where each kind was met first"),
        small_table(["Kind", "Values", "Examples", "First met in"], rows),
    )


def _quantiles(feature: Feature) -> Markup | None:
    found = feature.profile.get("quantiles")
    if not found:
        return None
    listed = [(name, figure(each)) for name, each in found.items()]
    return tag("details", tag("summary", "Quantiles of this run"), facts_list(listed))


def _top_values(feature: Feature, papers: Papers) -> Markup | None:
    found = feature.profile.get("top_values") or {}
    values = found.get("values") or ()
    if not values or not papers.examples or ("numerical_statistics" not in feature.statistics and _categories(feature)):
        return None
    rows = [[value(str(each["value"])), figure(each["count"])] for each in values[:MOST_VALUES]]
    words = "Most frequent values" if found.get("exact") else "Most frequent values, estimated"
    return tag("details", tag("summary", words), small_table(["Value", "Rows"], rows))
