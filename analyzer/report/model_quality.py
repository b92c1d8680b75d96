"""Model quality: metrics with their intervals against the baseline's, curves, confusion matrix, classes, segments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from markupsafe import Markup

from analyzer.report import charts
from analyzer.report.findings import Fact, Finding, Judged, Papers, Report, Section, Severity, graded
from analyzer.report.markup import joined, tag
from analyzer.report.tables import (
    Cell,
    badge,
    cell,
    data_table,
    facts_list,
    figure_cell,
    quirks_section,
    scrolled,
    small_table,
    value,
)
from analyzer.report.wording import NONE, counted, figure, number, percent

HIGH_CHANGE = 0.1
"""A metric that became worse by this share of the baseline's, or more, is of high severity."""
LEADING = ("auc", "f1", "accuracy", "weighted_f1", "rmse", "mae", "r2", "recall", "precision")
"""Metrics of the first screen, the first four that there are."""
NAMES = {
    "auc": "Area under the ROC curve",
    "au_prc": "Area under the precision-recall curve",
    "mae": "Mean absolute error",
    "mse": "Mean squared error",
    "rmse": "Root mean squared error",
    "mape": "Mean absolute percentage error",
    "r2": "R²",
    "f0_5": "F0.5",
    "f1": "F1",
    "f2": "F2",
}
CONSTANT = "_best_constant_classifier"
OPERATORS = {"LessThanThreshold": "at least", "GreaterThanThreshold": "at most"}
MOST_CLASSES = 20
MOST_SEGMENTS = 50
Z = 1.959963984540054
"""Of 95 % intervals."""


class Figure(NamedTuple):
    """One metric: its value, 95 % interval and standard deviation, and what the baseline asks of it."""

    key: str
    value: float
    spread: float | None
    bounds: tuple[float, float] | None
    asked: Mapping[str, Any] | None
    finding: Finding | None

    @property
    def threshold(self) -> float | None:
        return number(self.asked["threshold"]) if self.asked else None


def report_of(papers: Papers) -> Report:
    """Make the report of a model-quality run from its documents."""
    findings = [_finding(each, papers) for each in (papers.violations or {}).get("violations", ())]
    figures = list(_figures(papers, {finding.subject: finding for finding in findings}))
    judged = papers.violations is not None
    return Report(
        kind="model_quality",
        headline=_headline(figures, findings, papers),
        judged=judged,
        findings=tuple(findings),
        facts=tuple(_facts(figures, papers)),
        notes=tuple(papers.part("dataset").get("notes", ())),
        tests=tuple(_tests(figures, judged=judged)),
        sections=partial(_sections, figures, papers),
        about=papers.about,
        concern=None if papers.rows else "No row had both a prediction and a label.",
    )


def _tests(figures: Sequence[Figure], *, judged: bool) -> Iterator[Judged]:
    for each in figures:
        if each.asked is not None or each.finding is not None or not judged:
            yield Judged(each.key, _check_of(each), each.finding, judged)


def _check_of(found: Figure) -> str:
    return str((found.asked or {}).get("comparison_operator", "metric"))


def name_of_metric(key: str) -> str:
    """Spell a metric's key as people do."""
    plain = key.removesuffix(CONSTANT)
    average, _, rest = plain.partition("_")
    if average in {"weighted", "macro"} and rest in NAMES:
        plain = f"{average} {NAMES[rest]}"
    name = NAMES.get(plain) or plain.replace("_", " ")
    name = name[0].upper() + name[1:]
    return f"{name}, best constant classifier" if key.endswith(CONSTANT) else name


def _block(document: Mapping[str, Any] | None, ending: str) -> Mapping[str, Any]:
    found = next((each for key, each in (document or {}).items() if key.endswith(ending)), None)
    return found or {}


def _figures(papers: Papers, findings: Mapping[str, Finding]) -> Iterator[Figure]:
    asked = _block(papers.baseline_constraints, "_constraints") if papers.violations is not None else {}
    bounds = papers.part("model_quality").get("confidence") or {}
    for key, found in _block(papers.statistics, "_metrics").items():
        value = number(found.get("value")) if isinstance(found, Mapping) else None
        if value is not None:
            yield Figure(
                key, value, _finite(found.get("standard_deviation")), _bounds(bounds, key), asked.get(key),
                findings.get(key),
            )  # fmt: skip


def _finite(found: Any) -> float | None:
    value = number(found)
    return value if value is not None and math.isfinite(value) else None


SAME_AS = {"true_positive_rate": "recall", "false_negative_rate": "recall"}


def _bounds(found: Mapping[str, Any], key: str) -> tuple[float, float] | None:
    """Look up an interval; what is one minus another figure has that one's, turned round."""
    ends = found.get(SAME_AS.get(key, key))
    low, high = (_finite(each) for each in ends) if ends else (None, None)
    if low is None or high is None:
        return None
    return (1 - high, 1 - low) if key == "false_negative_rate" else (low, high)


def _finding(violation: Mapping[str, Any], papers: Papers) -> Finding:
    key = violation.get("metric") or _key_of(violation["metric_name"], papers)
    found = _block(papers.statistics, "_metrics").get(key) or {}
    asked = _block(papers.baseline_constraints, "_constraints").get(key) or {}
    value, threshold = number(found.get("value")), number(asked.get("threshold"))
    bounds = _bounds(papers.part("model_quality").get("confidence") or {}, key)
    severity, says = _grade(value, threshold, bounds)
    return Finding(
        severity, key, violation["constraint_check_type"], says or violation["description"], violation["description"],
        anchor="metrics",
    )  # fmt: skip


def _key_of(name: str, papers: Papers) -> str:
    """Find the key that a violation means: the files name the same metric in two spellings."""
    plain = name.replace("_", "").lower()
    known = _block(papers.statistics, "_metrics")
    return next((key for key in known if key.replace("_", "") == plain), name)


def _grade(value: float | None, threshold: float | None, bounds: tuple[float, float] | None) -> tuple[Severity, str]:
    if value is None or threshold is None:
        return "medium", ""
    change = abs(value - threshold) / abs(threshold) if threshold else math.inf
    by = f" ({percent(change)} of it)" if math.isfinite(change) else ""
    says = f"{figure(value)}, the baseline's is {figure(threshold)}: worse by {figure(abs(value - threshold))}{by}"
    if bounds and bounds[0] <= threshold <= bounds[1]:
        return "low", f"{says}, which is within the 95 % interval {figure(bounds[0])} to {figure(bounds[1])}"
    return graded(change, HIGH_CHANGE, 0.0), says


def _headline(figures: Sequence[Figure], findings: Sequence[Finding], papers: Papers) -> str:
    asked = sum(each.asked is not None for each in figures)
    if papers.violations is None:
        return f"{counted(len(figures), 'metric')} measured; nothing to compare with was given"
    if not papers.rows:
        return "No rows with labels, so nothing was judged"
    if not findings:
        return f"No violations: {counted(asked, 'metric')} as good as the baseline's"
    return f"{counted(len(findings), 'metric')} of {asked:,} worse than the baseline's"


def _facts(figures: Sequence[Figure], papers: Papers) -> Iterator[Fact]:
    dataset = papers.part("dataset")
    rows = int(dataset.get("item_count", papers.rows))
    yield Fact("Rows judged", figure(papers.rows), f"of {counted(rows, 'row')} read")
    known = {each.key: each for each in figures}
    for key in [key for key in LEADING if key in known][:4]:
        found = known[key]
        within = f"95 % interval {figure(found.bounds[0])} to {figure(found.bounds[1])}" if found.bounds else ""
        was = f"baseline {figure(found.threshold)}" if found.threshold is not None else ""
        yield Fact(name_of_metric(key), figure(found.value), "; ".join(filter(None, (was, within))))


# --- the page ---


def _sections(figures: Sequence[Figure], papers: Papers) -> list[Section]:
    beyond, block = papers.part("model_quality"), _block(papers.statistics, "_metrics")
    found = [_metrics(figures, papers)] if figures else []
    if block.get("confusion_matrix"):
        found.append(_confusion(block["confusion_matrix"]))
    found += [section for section in (_curves(block, beyond), _classes(beyond), _segments(beyond)) if section]
    if beyond.get("estimates"):
        listed = [(name_of_metric(key), figure(each)) for key, each in beyond["estimates"].items()]
        words = "What the model's own probabilities promise; it holds as far as they are calibrated."
        found.append(Section("estimates", "Estimated without labels", facts_list(listed), words))
    found += [section for section in (_textbook(figures, beyond), _undefined(beyond)) if section]
    quirks = (papers.profile or {}).get("quirks")
    return [*found, quirks_section(quirks)] if quirks else found


def _metrics(figures: Sequence[Figure], papers: Papers) -> Section:
    judged = papers.violations is not None
    heads = ["Verdict", "Metric", "This run", "95 % interval", "Standard deviation", "Baseline asks", "On a scale"]
    rows = [(_severity(each), each.key, _metric_row(each)) for each in figures]
    words = "The dot is this run, the line its 95 % interval, the stroke the baseline." if judged else ""
    return Section("metrics", "Metrics", data_table("metrics-table", "Metrics", heads, rows), words)


def _severity(found: Figure) -> Severity:
    return found.finding.severity if found.finding else "ok"


def _metric_row(found: Figure) -> list[Cell]:
    asked = found.asked or {}
    wanted = f"{OPERATORS.get(asked.get('comparison_operator', ''), '')} {figure(found.threshold)}" if asked else NONE
    within = f"{figure(found.bounds[0])} to {figure(found.bounds[1])}" if found.bounds else NONE
    return [
        badge(_severity(found), judged=found.finding is not None or _holds(found)),
        cell(name_of_metric(found.key)),
        figure_cell(found.value),
        cell(tag("span", within, class_="drift")),
        figure_cell(found.spread),
        cell(tag("span", wanted.strip(), class_="drift"), found.threshold),
        cell(charts.interval(found.value, found.bounds, found.threshold, _span(found))),
    ]


def _holds(found: Figure) -> bool:
    """Tell whether what the baseline asks holds; the original asks some things that it never evaluates."""
    if found.asked is None or found.threshold is None:
        return False
    if found.asked["comparison_operator"] == "LessThanThreshold":
        return found.value >= found.threshold
    return found.value <= found.threshold


def _span(found: Figure) -> tuple[float, float]:
    """Choose the scale: 0 to 1 for what is a share, else from 0 to beyond the largest."""
    ends = [each for each in (found.value, found.threshold, *(found.bounds or ())) if each is not None]
    ends = [each for each in ends if math.isfinite(each)] or [0.0]
    low, high = min(ends), max(ends)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return min(0.0, low * 1.1), max(0.0, high * 1.1)


def _confusion(matrix: Mapping[str, Mapping[str, Any]]) -> Section:
    labels = list(matrix)
    if len(labels) > MOST_CLASSES:
        return Section("confusion", "Confusion matrix", _most_confused(matrix), _CONFUSED)
    heads = ["Actual, predicted →", *map(value, labels)]
    head = tag("tr", *(tag("th", each, scope="col") for each in heads))
    table = tag(
        "table",
        tag("caption", "Rows by actual and predicted label", class_="unseen"),
        tag("thead", head),
        tag("tbody", *(_matrix_row(label, matrix[label], labels) for label in labels)),
        class_="matrix",
    )
    words = "Rows are actual labels, columns predicted ones: how many, their share of the row, and its 95 % interval."
    return Section("confusion", "Confusion matrix", scrolled(table, "Confusion matrix"), words)


_CONFUSED = "The largest confusions; statistics.json has the whole matrix."


def _matrix_row(label: str, row: Mapping[str, Any], labels: Sequence[str]) -> Markup:
    counts = [int(number(row.get(each)) or 0) for each in labels]
    return tag("tr", tag("th", value(label), scope="row"), *(_matrix_cell(count, sum(counts)) for count in counts))


def _matrix_cell(count: int, rows: int) -> Markup:
    if not rows:
        return tag("td", "0")
    low, high = wilson(count, rows)
    share = tag("small", f"{percent(count / rows)}")
    within = tag("small", f"{percent(round(low, 3))} to {percent(round(high, 3))}")
    return tag("td", tag("b", figure(count)), share, within, class_=f"m{math.ceil(4 * count / rows)}")


def wilson(count: int, rows: int) -> tuple[float, float]:
    """Give the 95 % interval of a share by Wilson's formula, which stays within 0 and 1 and holds for few rows."""
    share, square = count / rows, Z * Z / rows
    middle = (share + square / 2) / (1 + square)
    reach = Z / (1 + square) * math.sqrt(share * (1 - share) / rows + square / (4 * rows))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _most_confused(matrix: Mapping[str, Mapping[str, Any]]) -> Markup:
    pairs = [(int(number(count) or 0), a, b) for a, row in matrix.items() for b, count in row.items() if a != b]
    most = sorted(pairs, key=lambda each: -each[0])[:MOST_CLASSES]
    rows = [[value(a), value(b), figure(count)] for count, a, b in most]
    return small_table(["Actual", "Predicted", "Rows"], rows, "Largest confusions")


def _curves(block: Mapping[str, Any], beyond: Mapping[str, Any]) -> Section | None:
    parts = [figure for figure in (_roc(block), _precision_recall(block), _calibration(beyond)) if figure]
    return Section("curves", "Curves", tag("div", *parts, class_="grid3")) if parts else None


def _pairs(curve: Mapping[str, Any] | None, across: str, up: str) -> list[charts.Point]:
    found = zip((curve or {}).get(across, ()), (curve or {}).get(up, ()), strict=False)
    points = [(_finite(x), _finite(y)) for x, y in found]
    return [(x, y) for x, y in points if x is not None and y is not None]


def _roc(block: Mapping[str, Any]) -> Markup | None:
    points = _pairs(block.get("receiver_operating_characteristic_curve"), "false_positive_rates", "true_positive_rates")
    if not points:
        return None
    area = figure((block.get("auc") or {}).get("value"))
    label = f"ROC curve, area {area}; the diagonal is chance"
    return _drawn(charts.curve(points, label, "False positive rate", "True positive rate", diagonal=True), label)


def _precision_recall(block: Mapping[str, Any]) -> Markup | None:
    points = _pairs(block.get("precision_recall_curve"), "recalls", "precisions")
    if not points:
        return None
    area = figure((block.get("au_prc") or {}).get("value"))
    label = f"Precision-recall curve, area {area}" if area != NONE else "Precision-recall curve"
    return _drawn(charts.curve(points, label, "Recall", "Precision", diagonal=False), label)


def _calibration(beyond: Mapping[str, Any]) -> Markup | None:
    found = beyond.get("calibration") or {}
    bins = [each for each in found.get("bins", ()) if each["rows"]]
    if not bins:
        return None
    most = max(each["rows"] for each in bins)
    points = [
        (number(each["mean_probability"]) or 0.0, number(each["share_positive"]) or 0.0, each["rows"] / most)
        for each in bins
    ]
    label = f"Calibration, expected error {figure(found['expected_calibration_error'])}; on the diagonal it is perfect"
    picture = charts.dots(points, label, "Mean probability", "Share of positives")
    rows = [[figure(x), figure(y), figure(each["rows"])] for (x, y, _), each in zip(points, bins, strict=True)]
    heads = ["Mean probability", "Share of positives", "Rows"]
    return _drawn(picture, label, tag("details", tag("summary", "The figures of this chart"), small_table(heads, rows)))


def _drawn(picture: Markup, label: str, *more: Markup) -> Markup:
    return tag("figure", picture, tag("figcaption", label), *more)


def _classes(beyond: Mapping[str, Any]) -> Section | None:
    if not beyond.get("classes"):
        return None
    heads = ["Label", "Rows", "Predicted", "Precision", "Recall", "F1"]
    rows = [
        [value(each["label"]), *(figure(each[key]) for key in ("rows", "predicted", "precision", "recall", "f1"))]
        for each in beyond["classes"]
    ]
    return Section("classes", "Class by class", small_table(heads, rows, "Class by class"))


def _segments(beyond: Mapping[str, Any]) -> Section | None:
    tables = [_segment(each) for each in beyond.get("segments") or () if each.get("values")]
    if not tables:
        return None
    words = "Each value of a column on its own, worst first; the stroke is the metric over all rows."
    return Section("segments", "Segments", joined(tables), words)


def _segment(found: Mapping[str, Any]) -> Markup:
    key = found.get("judged_by", "")
    names = [name for name in dict.fromkeys((key, *LEADING)) if name in found["values"][0]["metrics"]][:5]
    larger_is_worse = key in {"rmse", "mae", "mse"}
    ordered = sorted(found["values"], key=lambda each: _badness(each["metrics"].get(key), turned=not larger_is_worse))
    rows = [
        [value(each["value"]), figure(each["rows"]), *(figure(each["metrics"].get(name)) for name in names)]
        for each in ordered[:MOST_SEGMENTS]
    ]
    rest = len(ordered) - MOST_SEGMENTS
    heads = [found["column"], "Rows", *map(name_of_metric, names)]
    more = tag("p", f"... and {rest:,} more in profile.json", class_="quiet") if rest > 0 else None
    return joined([tag("h3", found["column"]), small_table(heads, rows, f"Segments of {found['column']}"), more])


def _badness(found: Any, *, turned: bool) -> float:
    value = _finite(found)
    if value is None:
        return math.inf
    return value if turned else -value


def _textbook(figures: Sequence[Figure], beyond: Mapping[str, Any]) -> Section | None:
    known = {each.key: each.value for each in figures}
    bounds = beyond.get("confidence") or {}
    rows = [
        [name_of_metric(key), figure(each), _within(bounds.get(key))]
        for key, each in (beyond.get("textbook") or {}).items()
        if key not in known or not _same(known[key], each)
    ]
    if not rows:
        return None
    words = "Figures that the original does not have, or has otherwise."
    table = small_table(["Metric", "This run", "95 % interval"], rows, "Further metrics")
    return Section("textbook", "Further metrics", table, words)


def _same(one: float, other: Any) -> bool:
    value = number(other)
    return value is not None and math.isclose(one, value, rel_tol=1e-9, abs_tol=1e-12)


def _within(ends: Sequence[Any] | None) -> str:
    return f"{figure(ends[0])} to {figure(ends[1])}" if ends else NONE


def _undefined(beyond: Mapping[str, Any]) -> Section | None:
    found = beyond.get("undefined")
    if not found:
        return None
    rows = [[name_of_metric(key), why] for key, why in found.items()]
    return Section("undefined", "What could not be had", small_table(["Metric", "Why"], rows, "What could not be had"))
