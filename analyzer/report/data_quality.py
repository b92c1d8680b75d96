"""Data quality: columns, what violates the baseline, how far distributions moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from markupsafe import Markup

from analyzer.report.columns import KINDS, MOST_VALUES, Feature, common, item, overview, ratio
from analyzer.report.findings import Document, Fact, Finding, Judged, Papers, Report, Section, Severity, graded
from analyzer.report.markup import joined, tag
from analyzer.report.tables import Cell, badge, cell, data_table, quirks_section
from analyzer.report.wording import NONE, clipped, counted, figure, percent

HIGH_SHARE, MEDIUM_SHARE = 0.1, 0.01
"""Severity of rows that violate, by their share."""
HIGH_RATIO, MEDIUM_RATIO = 3.0, 1.5
"""Severity of drift, by how many times the threshold the distance is."""
MOST_NAMED = 10
MOST_COLUMNS = 1000
"""Columns of a page; more would make it slow to open."""


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
        notes=tuple(papers.part("dataset").get("notes", ())),
        tests=tuple(_tests(features, findings, profile, judged=judged)),
        sections=partial(_sections, features, papers),
        about=papers.about,
        concern=None if papers.rows else "There were no rows.",
    )


def _violations(papers: Papers) -> Sequence[Mapping[str, Any]]:
    """Take the violations with their evidence where the profile has them."""
    if papers.violations is None:
        return ()
    plain: Sequence[Mapping[str, Any]] = papers.violations.get("violations", ())
    told = (papers.profile or {}).get("violations", ())
    return told if len(told) == len(plain) else plain


def _headline(features: Sequence[Feature], findings: Sequence[Finding], papers: Papers) -> str:
    width = counted(len(features), "column")
    if papers.violations is None:
        return f"{width} described; nothing to compare with was given"
    if not papers.rows:
        return "There were no rows, so nothing was judged"
    if not findings:
        return f"No violations: {width} as expected"
    touched = len({finding.subject for finding in findings if finding.anchor})
    where = f" in {touched} of {width}" if touched else ""
    return f"{counted(len(findings), 'violation')}{where}"


def _facts(features: Sequence[Feature], papers: Papers) -> Iterator[Fact]:
    dataset = papers.part("dataset")
    yield Fact("Rows", figure(papers.rows), f"from {counted(int(dataset.get('files', 0)), 'file')}")
    dropped = int(dataset.get("dropped_records", 0))
    if dropped:
        yield Fact("Left out", figure(dropped), "records, by the script or the window")
    yield Fact("Columns", figure(len(features)), _kinds_of(features))
    present = sum(common(each)["num_present"] for each in features)
    total = papers.rows * len(features)
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
    feature, drift = max(drifts, key=lambda each: ratio(each[1]))
    hint = f"{over:,} of {len(drifts):,} compared columns beyond the threshold"
    if over:
        hint = f"{clipped(feature.name, 30)}; {hint}"
    yield Fact("Largest drift", f"{figure(drift['distance'])} of {figure(drift['threshold'])}", hint)


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
    place = _place(evidence.get("first"))
    examples = _examples(evidence.get("examples")) if papers.examples else ()
    return Finding(
        severity=severity,
        subject=name,
        check=check,
        says=says or violation["description"],
        description=violation["description"],
        anchor=anchors.get(name),
        examples=tuple(dict.fromkeys(examples))[:MOST_VALUES],
        place=place,
    )


def _examples(found: Any) -> list[str]:
    """List examples of all kinds; checks of packages may call something else by that name, which is left alone."""
    lists = found.values() if isinstance(found, Mapping) else ()
    return [str(each) for some in lists if isinstance(some, list | tuple) for each in some]


def _place(found: Any) -> str:
    return f"{found['file']}, record {found['record']:,}" if isinstance(found, Mapping) and "record" in found else ""


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
    missing = f"{evidence['rows']:,} of {evidence['all_rows']:,} values are missing"
    shares = f"{percent(evidence['share'])} are present, {percent(evidence['threshold'])} expected"
    return graded(lost, HIGH_SHARE, MEDIUM_SHARE), f"{missing}; {shares}"


def _say_domain(evidence: Mapping[str, Any]) -> Saying:
    if "rows" not in evidence:
        return "medium", ""
    share = evidence["rows"] / max(1, evidence["all_rows"])
    return (
        _share_severity(evidence, "all_rows"),
        f"{evidence['rows']:,} of {evidence['all_rows']:,} rows ({percent(share)}) hold values new to the baseline",
    )


def _say_drift(evidence: Mapping[str, Any]) -> Saying:
    if "distance" not in evidence:
        return "medium", ""
    times = ratio(evidence)
    says = f"Distance {figure(evidence['distance'])}, {times:.1f} times the threshold {figure(evidence['threshold'])}"
    before, now = evidence.get("baseline"), evidence.get("current")
    if before and now:
        says += f"; the mean went from {figure(before['mean'])} to {figure(now['mean'])}"
    return graded(times, HIGH_RATIO, MEDIUM_RATIO), says


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
    shown = _shown(features)
    rest = len(features) - len(shown)
    more = f"{counted(rest, 'more column')} without violations stand in profile.json." if rest else ""
    found = [overview(shown, papers, more)]
    if features:
        found.append(
            Section(
                "details",
                "Column by column",
                Markup(""),
                "Bars are this run, lines the baseline, as shares of the rows with a value. Open a column to see more.",
                tuple(item(each, papers) for each in shown),
            )
        )
    if profile.get("rules"):
        found.append(_rules(profile["rules"]))
    if profile.get("quirks"):
        found.append(quirks_section(profile["quirks"]))
    return found


def _shown(features: Sequence[Feature]) -> Sequence[Feature]:
    """Choose the columns of the page where there are very many: first those that violate something."""
    if len(features) <= MOST_COLUMNS:
        return features
    ordered = sorted(range(len(features)), key=lambda at: features[at].severity == "ok")
    return [features[at] for at in sorted(ordered[:MOST_COLUMNS])]


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
