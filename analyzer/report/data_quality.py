"""Data quality: columns, what violates the baseline, how far distributions moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from markupsafe import Markup

from analyzer.report import charts
from analyzer.report.distributions import Category, Histogram, categories, histogram
from analyzer.report.findings import Document, Fact, Finding, Item, Papers, Report, Section, Severity, Judged, check_of, graded, worst
from analyzer.report.markup import joined, tag
from analyzer.report.tables import Cell, badge, cell, columns_cell, data_table, facts_list, quirks_section, small_table, value
from analyzer.report.wording import NONE, clipped, counted, figure, number, percent

HIGH_SHARE, MEDIUM_SHARE = 0.1, 0.01
"""Severity of rows that violate, by their share."""
HIGH_RATIO, MEDIUM_RATIO = 3.0, 1.5
"""Severity of drift, by how many times the threshold the distance is."""
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
MOST_NAMED = 10


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


def report_of(papers: Papers) -> Report:
    """Make the report of a data-quality run from its documents."""
    profile, statistics = papers.profile or {}, papers.statistics or {}
    anchors = {each["name"]: f"c{at}" for at, each in enumerate(statistics.get("features", ()))}
    findings = [_finding(each, anchors, papers) for each in _violations(papers)]
    by_name: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_name[finding.subject].append(finding)
    features = list(_features(papers, anchors, by_name))
    judged = papers.violations is not None
    return Report(
        kind="data_quality",
        headline=_headline(features, findings, papers),
        judged=judged,
        findings=tuple(findings),
        facts=tuple(_facts(features, papers)),
        notes=tuple((profile.get("dataset") or {}).get("notes", ())),
        tests=tuple(_tests(features, findings, profile, judged=judged)),
        sections=partial(_sections, features, papers),
        about=papers.about,
        concern=None if _rows(papers) else "There were no rows.",
    )


def _violations(papers: Papers) -> Sequence[Mapping[str, Any]]:
    """Take the violations with their evidence where the profile has them."""
    if papers.violations is None:
        return ()
    plain: Sequence[Mapping[str, Any]] = papers.violations.get("violations", ())
    told = (papers.profile or {}).get("violations", ())
    return told if len(told) == len(plain) else plain


def _rows(papers: Papers) -> int:
    return int(((papers.statistics or {}).get("dataset") or {}).get("item_count", 0))


def _headline(features: Sequence[Feature], findings: Sequence[Finding], papers: Papers) -> str:
    width = counted(len(features), "column")
    if papers.violations is None:
        return f"{width} described; nothing to compare with was given"
    if not _rows(papers):
        return "There were no rows, so nothing was judged"
    if not findings:
        return f"No violations: {width} as expected"
    touched = len({finding.subject for finding in findings if finding.anchor})
    where = f" in {touched} of {width}" if touched else ""
    return f"{counted(len(findings), 'violation')}{where}"


def _facts(features: Sequence[Feature], papers: Papers) -> Iterator[Fact]:
    dataset = (papers.profile or {}).get("dataset") or {}
    yield Fact("Rows", figure(_rows(papers)), f"from {counted(int(dataset.get('files', 0)), 'file')}")
    dropped = int(dataset.get("dropped_records", 0))
    if dropped:
        yield Fact("Left out", figure(dropped), "records, by the script or the window")
    yield Fact("Columns", figure(len(features)), _kinds_of(features))
    present = sum(_common(each)["num_present"] for each in features)
    total = _rows(papers) * len(features)
    yield Fact("Complete", percent(present / total) if total else NONE, "of all values are present")
    yield from _most_drifted(features)


def _kinds_of(features: Sequence[Feature]) -> str:
    numeric = sum("numerical_statistics" in each.statistics for each in features)
    return f"{numeric:,} numeric, {len(features) - numeric:,} other"


def _most_drifted(features: Sequence[Feature]) -> Iterator[Fact]:
    drifts = [(each, each.drift) for each in features if each.drift is not None]
    if not drifts:
        return
    over = sum(drift["distance"] > drift["threshold"] for _, drift in drifts)
    feature, drift = max(drifts, key=lambda each: _ratio(each[1]))
    hint = f"{over:,} of {len(drifts):,} compared columns beyond the threshold"
    if over:
        hint = f"{clipped(feature.name, 30)}; {hint}"
    yield Fact("Largest drift", f"{figure(drift['distance'])} of {figure(drift['threshold'])}", hint)


def _ratio(drift: Mapping[str, Any]) -> float:
    distance, threshold = number(drift["distance"]) or 0.0, number(drift["threshold"]) or 0.0
    return distance / threshold if threshold > 0 else float(distance > 0) * HIGH_RATIO


def _features(papers: Papers, anchors: Mapping[str, str], findings: Mapping[str, list[Finding]]) -> Iterator[Feature]:
    before = {each["name"]: each for each in (papers.baseline_statistics or {}).get("features", ())}
    profiles = {each["name"]: each for each in (papers.profile or {}).get("features", ())}
    drifts = {each["feature_name"]: each for each in (papers.profile or {}).get("drift", ())}
    for each in (papers.statistics or {}).get("features", ()):
        name = each["name"]
        yield Feature(
            anchors[name], name, each, before.get(name), profiles.get(name) or {}, drifts.get(name),
            findings.get(name, []),
        )  # fmt: skip


# --- findings ---


def _finding(violation: Mapping[str, Any], anchors: Mapping[str, str], papers: Papers) -> Finding:
    check, name = violation["constraint_check_type"], violation["feature_name"]
    evidence = violation.get("evidence") or {}
    severity, says = (_SAYINGS.get(check) or _added)(evidence)
    first = evidence.get("first") or {}
    examples = chain.from_iterable((evidence.get("examples") or {}).values()) if papers.examples else ()
    return Finding(
        severity=severity,
        subject=name,
        check=check,
        says=says or violation["description"],
        description=violation["description"],
        anchor=anchors.get(name),
        examples=tuple(dict.fromkeys(str(each) for each in examples))[:MOST_VALUES],
        place=f"{first['file']}, record {first['record']:,}" if first else "",
    )


Saying = tuple[Severity, str]


def _share_severity(evidence: Mapping[str, Any], of: str) -> Severity:
    return graded(evidence.get("rows", 0) / max(1, evidence.get(of, 0)), HIGH_SHARE, MEDIUM_SHARE)


def _say_type(evidence: Mapping[str, Any]) -> Saying:
    if "rows" not in evidence:
        return "medium", ""
    kinds = ", ".join(f"{count:,} {KINDS.get(kind, kind)}" for kind, count in evidence.get("types", {}).items())
    share = evidence["rows"] / max(1, evidence["present_rows"])
    return (
        _share_severity(evidence, "present_rows"),
        f"{percent(share)} of the values are not {evidence['expected_type']}: {kinds}",
    )


def _say_completeness(evidence: Mapping[str, Any]) -> Saying:
    if "share" not in evidence:
        return "medium", ""
    lost = evidence["threshold"] - evidence["share"]
    return (
        graded(lost, HIGH_SHARE, MEDIUM_SHARE),
        f"{evidence['rows']:,} of {evidence['all_rows']:,} values are missing; "
        f"{percent(evidence['share'])} are present, {percent(evidence['threshold'])} expected",
    )


def _say_domain(evidence: Mapping[str, Any]) -> Saying:
    if "rows" not in evidence:
        return "medium", ""
    share = evidence["rows"] / max(1, evidence["all_rows"])
    return (
        _share_severity(evidence, "all_rows"),
        f"{evidence['rows']:,} of {evidence['all_rows']:,} rows ({percent(share)}) hold values that the baseline "
        f"does not know",
    )


def _say_drift(evidence: Mapping[str, Any]) -> Saying:
    if "distance" not in evidence:
        return "medium", ""
    ratio = _ratio(evidence)
    says = f"Distance {figure(evidence['distance'])}, {ratio:.1f} times the threshold {figure(evidence['threshold'])}"
    before, now = evidence.get("baseline"), evidence.get("current")
    if before and now:
        says += f"; the mean went from {figure(before['mean'])} to {figure(now['mean'])}"
    return graded(ratio, HIGH_RATIO, MEDIUM_RATIO), says


def _say_columns(evidence: Mapping[str, Any]) -> Saying:
    if "current" not in evidence:
        return "high", ""
    parts = [f"{evidence['current']:,} columns instead of {evidence['baseline']:,}, so no column was judged"]
    for word, names in (("missing", evidence["missing"]), ("not in the baseline", evidence["surplus"])):
        if names:
            more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
            parts.append(f"{word}: {', '.join(clipped(name, 40) for name in names[:MOST_NAMED])}{more}")
    return "high", "; ".join(parts)


def _added(_evidence: Mapping[str, Any]) -> Saying:
    return "medium", ""


_SAYINGS: Mapping[str, Callable[[Mapping[str, Any]], Saying]] = {
    "data_type_check": _say_type,
    "completeness_check": _say_completeness,
    "categorical_values_check": _say_domain,
    "baseline_drift_check": _say_drift,
    "missing_column_check": _say_columns,
    "extra_column_check": _say_columns,
}


def _tests(
    features: Sequence[Feature], findings: Sequence[Finding], profile: Document, *, judged: bool
) -> Iterator[Judged]:
    failed = {finding.subject for finding in findings}
    yield from (Judged(finding.subject, finding.check, finding) for finding in findings)
    yield from (Judged(each.name, "column", judged=judged) for each in features if each.name not in failed)
    passed = (rule for rule in profile.get("rules", ()) if rule["outcome"] == "Passed")
    yield from (Judged(rule["rule"], "custom_rule_check") for rule in passed)


# --- the page ---


def _sections(features: Sequence[Feature], papers: Papers) -> list[Section]:
    profile = papers.profile or {}
    found = [_overview(features, papers)]
    if features:
        found.append(
            Section(
                "details",
                "Column by column",
                Markup(""),
                "Bars are this run, lines the baseline, as shares of the rows with a value. Open a column to see more.",
                tuple(_item(each, papers) for each in features),
            )
        )
    if profile.get("rules"):
        found.append(_rules(profile["rules"]))
    if profile.get("quirks"):
        found.append(quirks_section(profile["quirks"]))
    return found


def _overview(features: Sequence[Feature], papers: Papers) -> Section:
    compared = papers.baseline_statistics is not None
    heads = ["Verdict", "Column", "Type", "Missing", "Distinct", "Mean or most frequent"]
    heads += ["Drift and threshold"] if compared else []
    rows = [(each.severity, each.name, _overview_row(each, papers, compared=compared)) for each in features]
    return Section("columns", "All columns", data_table("columns-table", "All columns", heads, rows))


def _overview_row(feature: Feature, papers: Papers, *, compared: bool) -> list[Cell]:
    common = _common(feature)
    rows = common["num_present"] + common["num_missing"]
    missing = common["num_missing"] / rows if rows else 0.0
    cells = [
        badge(feature.severity, judged=papers.violations is not None),
        columns_cell(feature.name, feature.anchor),
        cell(_type_of(feature)),
        cell(percent(missing), missing),
        cell(figure(_distinct(feature)), number(_distinct(feature))),
        cell(_typical(feature)),
    ]
    return [*cells, _drift_cell(feature)] if compared else cells


def _drift_cell(feature: Feature) -> Cell:
    if feature.drift is None:
        return cell(NONE, -1)
    distance, threshold = number(feature.drift["distance"]) or 0.0, number(feature.drift["threshold"]) or 0.0
    meter = charts.meter(distance, threshold)
    words = tag("span", meter, f" {figure(distance)} of {figure(threshold)}", class_="drift")
    return cell(words, _ratio(feature.drift))


def _type_of(feature: Feature) -> str:
    now = str(feature.statistics.get("inferred_type", NONE))
    before = (feature.baseline or {}).get("inferred_type", now)
    return now if now == before else f"{now}, was {before}"


def _block(statistics: Mapping[str, Any]) -> Mapping[str, Any]:
    return statistics.get("numerical_statistics") or statistics.get("string_statistics") or {}


def _common(feature: Feature) -> Mapping[str, Any]:
    return _block(feature.statistics).get("common") or {"num_present": 0, "num_missing": 0}


def _distinct(feature: Feature) -> Any:
    block = _block(feature.statistics)
    return block.get("distinct_count", block.get("approximate_num_distinct_values"))


def _typical(feature: Feature) -> Markup | str:
    if "numerical_statistics" in feature.statistics:
        return figure(feature.statistics["numerical_statistics"].get("mean"))
    found = _categories(feature)
    return joined([value(found[0].value, 40)]) if found and not found[0].others else NONE


def _item(feature: Feature, papers: Papers) -> Item:
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
    rows = [
        [figure(found.edges[i]), figure(found.edges[i + 1]), percent(now)]
        + ([percent(found.baseline[i])] if found.baseline else [])
        for i, now in enumerate(found.current)
    ]
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
    name = f"{each.others:,} other values" if each.others else value(each.value)
    if is_new and not papers.examples:
        name = "a value that the baseline lacks"
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


def _both(
    now: Mapping[str, Any], before: Mapping[str, Any], take: Callable[[Mapping[str, Any]], str]
) -> list[str]:
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
    if not values or not papers.examples or "numerical_statistics" not in feature.statistics and _categories(feature):
        return None
    rows = [[value(str(each["value"])), figure(each["count"])] for each in values[:MOST_VALUES]]
    words = "Most frequent values" if found.get("exact") else "Most frequent values, estimated"
    return tag("details", tag("summary", words), small_table(["Value", "Rows"], rows))


def _rules(rules: Sequence[Mapping[str, Any]]) -> Section:
    rows: list[tuple[Severity, str, list[Cell]]] = [
        (
            "ok" if rule["outcome"] == "Passed" else "medium",
            str(rule["feature_name"]),
            [
                badge("ok" if rule["outcome"] == "Passed" else "medium"),
                cell(tag("code", clipped(rule["rule"], 300))),
                cell(joined(tag("div", f"{name}: {figure(each)}") for name, each in rule["metrics"].items())),
                cell(rule.get("failure") or ""),
            ],
        )
        for rule in rules
    ]
    return Section("rules", "Rules", data_table("rules-table", "Rules", ["Outcome", "Rule", "Metrics", "Why"], rows))
