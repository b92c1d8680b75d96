"""The documents of one execution, ours or the original's, to what the history keeps of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from analyzer.write import ANALYSIS_FILE, PROFILE_FILE, STATISTICS_FILE, VIOLATIONS_FILE

Dimension = Literal["data_quality", "model_quality", "bias", "attribution"]
DIMENSIONS: tuple[Dimension, ...] = ("data_quality", "model_quality", "bias", "attribution")
Worse = Literal["higher", "lower", "away from 0"]
Document = Mapping[str, Any]
BLOCK = "_metrics"
STAGES = ("post_training_bias_metrics", "pre_training_bias_metrics")
EXPLANATIONS = "explanations"
INTERVAL_95 = 1.959963984540054
SPECIAL = {"Infinity": math.inf, "-Infinity": -math.inf}
MOST_WHOLE = 2.0**63
"""Beyond it a database holds no whole number."""
COLUMNS_CHECKS = ("missing_column_check", "extra_column_check")
SKETCH, NO_SKETCH = b'"data"', b'"data":[]'
OF_CHECKS = {
    "completeness_check": "completeness",
    "baseline_drift_check": "drift",
    "categorical_values_check": "in_domain",
    "data_type_check": "in_type",
}
"""The metrics that checks of data quality are of."""


def _number(name: str) -> str:
    return rf"(?P<{name}>[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|Infinity))"


VALUE, THRESHOLD = _number("value"), _number("threshold")
COMPLETENESS = re.compile(rf"Expected: {THRESHOLD}%.*?Observed: Only {VALUE}%", re.DOTALL)
IN_TYPE = re.compile(rf"Expected match: {THRESHOLD}%\. Observed: Only {VALUE}%")
IN_DOMAIN = re.compile(rf"Value: {VALUE} does not meet")
DRIFT = re.compile(rf"distance: {VALUE} exceeds threshold: {THRESHOLD}")
QUALITY = re.compile(rf"with {VALUE}(?: \+/- \S+)? was \w+Threshold '{THRESHOLD}'")
BIAS = re.compile(
    rf"value {VALUE} do(?:esn't|es not) meet the (?:baseline )?constraint requirement {THRESHOLD}", re.IGNORECASE
)
ATTRIBUTION = re.compile(rf"drift {VALUE} exceeds threshold {THRESHOLD}")


class Unusable(Exception):  # noqa: N818 (it is told, not raised further)
    """A document that is truncated, or not what its name says."""


class Key(NamedTuple):
    """Which figure a value is of; see the table `series`."""

    dimension: Dimension
    feature: str
    part: str
    metric: str


@dataclass(slots=True)
class Value:
    """A figure of one execution."""

    value: float
    low: float | None = None
    high: float | None = None
    threshold: float | None = None
    worse: Worse | None = None


class Violation(NamedTuple):
    """A member of constraint_violations.json."""

    dimension: Dimension
    feature: str
    part: str
    metric: str
    check_type: str
    description: str


@dataclass(slots=True)
class Contents:
    """All that the documents of an execution say."""

    rows: int | None = None
    values: dict[Key, Value] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    dimensions: dict[Dimension, bool] = field(default_factory=dict)
    """Those that the execution is about, and whether it judged them."""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """Names of files that could not be used, and why."""

    @property
    def kind(self) -> str:
        """Name the kind of analysis; that of both bias and attribution is `analysis`."""
        found = [each for each in DIMENSIONS if each in self.dimensions]
        return found[0] if len(found) == 1 else "analysis" if found else "unknown"

    def verdict(self, dimension: Dimension) -> str:
        """Say how a dimension came out; where a file is broken nothing is said to be well."""
        if any(each.dimension == dimension for each in self.violations):
            return "violations"
        if any(name in {VIOLATIONS_FILE, ANALYSIS_FILE} for name, _ in self.unreadable):
            return "unreadable"
        return "ok" if self.dimensions.get(dimension) else "not judged"

    def put(self, key: Key, value: Any, **more: Any) -> None:
        """Keep a figure, unless it is none."""
        found = number(value)
        if found is not None:
            self.values[key] = Value(found, **more)


Reader = Callable[[Contents, Mapping[str, Document]], None]
"""Takes what one document says into the contents."""


def number(value: Any) -> float | None:
    """Read a figure as the files write them; NaN and what is none are None."""
    kind = type(value)
    if kind is float:
        return None if math.isnan(value) else value
    if kind is int:
        return float(value)
    return SPECIAL.get(value) if kind is str else None


def read_contents(files: Mapping[str, bytes | OSError]) -> Contents:
    """Read the documents of an execution, by the names of their files; those that cannot be used are named."""
    contents = Contents()
    documents: dict[str, Document] = {}
    for name, content in files.items():
        try:
            documents[name] = parse(content)
        except Unusable as error:
            contents.unreadable.append((name, str(error)))
    for name, read in _READERS:
        if name in documents:
            _use(contents, name, read, documents)
    _mend_kind(contents, documents)
    return contents


def parse(content: bytes | OSError) -> Document:
    """Parse a document; Unusable says in which way it is none."""
    if isinstance(content, OSError):
        raise Unusable(content.strerror or str(content))
    if not content.strip():
        raise Unusable("empty")
    try:
        found = _loads(content)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"truncated or no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Unusable("no JSON object")
    return found


def _loads(content: bytes) -> Any:
    for some in (_without_sketches(content), content):
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(some)
    found = json.loads(content)  # takes NaN, Infinity and lone surrogates, which a database cannot hold
    return json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))


def _without_sketches(content: bytes) -> bytes:
    """Cut the items of KLL sketches, lists of numbers in a list: nine tenths of statistics.json, and not asked for."""
    close = b"]]" if b"]]" in content else b"] ]"
    parts, at = [], 0
    while (begin := content.find(SKETCH, at)) >= 0:
        end = content.find(close, begin)
        is_sketch = end >= 0 and content.find(b'"', begin + len(SKETCH), end) < 0
        parts.append(content[at:begin] + (NO_SKETCH if is_sketch else SKETCH))
        at = end + len(close) if is_sketch else begin + len(SKETCH)
    return b"".join([*parts, content[at:]])


def _use(contents: Contents, name: str, read: Reader, documents: Mapping[str, Document]) -> None:
    try:
        read(contents, documents)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        contents.unreadable.append((name, f"not of the form that it should have: {type(error).__name__} {error}"))


# --- statistics.json --------------------------------------------------------------------------------------------------


def _statistics(contents: Contents, documents: Mapping[str, Document]) -> None:
    document = documents[STATISTICS_FILE]
    contents.rows = _whole((document.get("dataset") or {}).get("item_count"))
    blocks = [name for name in document if name.endswith(BLOCK)]
    if blocks:
        contents.dimensions["model_quality"] = VIOLATIONS_FILE in documents
        _quality(contents, document[blocks[0]])
        return
    features = document["features"]
    contents.dimensions["data_quality"] = VIOLATIONS_FILE in documents
    for feature in features:
        _feature(contents, feature)


def _whole(value: Any) -> int | None:
    found = number(value)
    return None if found is None or abs(found) >= MOST_WHOLE else int(found)


def _feature(contents: Contents, feature: Document) -> None:
    name = str(feature["name"])
    numeric, texts = feature.get("numerical_statistics"), feature.get("string_statistics")
    found = numeric or texts or {}
    common = found.get("common") or {}
    present, missing = number(common.get("num_present")), number(common.get("num_missing"))
    complete = number(found.get("completeness"))
    if complete is None and present is not None and missing is not None and present + missing:
        complete = present / (present + missing)
    figures = {
        "completeness": complete,
        "missing": missing,
        "distinct": found.get("approximate_num_distinct_values", found.get("distinct_count")),
        "mean": found.get("mean") if numeric else None,
        "standard_deviation": found.get("std_dev") if numeric else None,
        "minimum": found.get("min") if numeric else None,
        "maximum": found.get("max") if numeric else None,
    }
    for metric, value in figures.items():
        if not (numeric and metric != "completeness" and not present and metric != "missing"):
            contents.put(Key("data_quality", name, "", metric), value)


def _quality(contents: Contents, block: Document) -> None:
    for name, member in block.items():
        value = number(member.get("value")) if isinstance(member, dict) else None
        if value is not None:
            spread = number(member.get("standard_deviation"))
            low, high = (None, None) if spread is None else (value - INTERVAL_95 * spread, value + INTERVAL_95 * spread)
            contents.put(Key("model_quality", "", "", name), value, low=low, high=high)


# --- analysis.json ----------------------------------------------------------------------------------------------------


def _analysis(contents: Contents, documents: Mapping[str, Document]) -> None:
    document = documents[ANALYSIS_FILE]
    stages = [document[stage] for stage in STAGES if stage in document]
    if stages:
        contents.dimensions["bias"] = _judged(documents, "bias")
    for stage in stages:
        for facet, entries in stage["facets"].items():
            for entry in entries:
                for metric in entry["metrics"]:
                    key = Key("bias", str(facet), _lower_bound(entry["value_or_threshold"]), str(metric["name"]))
                    contents.put(key, metric.get("value"), worse="away from 0")
    if EXPLANATIONS in document:
        contents.dimensions["attribution"] = _judged(documents, "attribution")
        for label, found in document[EXPLANATIONS].get("kernel_shap", {}).items():
            _attributions(contents, str(label), found["global_shap_values"])


def _judged(documents: Mapping[str, Document], half: str) -> bool:
    """Tell whether an execution judged; of the original, which writes no file where all is well, it is assumed."""
    profile = documents.get(PROFILE_FILE, {}).get(half)
    return not isinstance(profile, dict) or profile.get("judged") is not False


def _lower_bound(told: Any) -> str:
    """Name a group of a continuous facet by its threshold: the other end is the largest value of that window."""
    found = re.fullmatch(r"\(\s*([^,]+?)\s*,[^,]*\]", str(told))
    return found[1] if found else str(told)


def _attributions(contents: Contents, label: str, values: Document) -> None:
    known = {str(name): abs(value) for name, each in values.items() if (value := number(each)) is not None}
    total = sum(known.values())
    for name, value in values.items():
        contents.put(Key("attribution", str(name), label, "attribution"), value)
        if total and str(name) in known:
            contents.put(Key("attribution", str(name), label, "attribution_share"), known[str(name)] / total)


# --- profile.json -----------------------------------------------------------------------------------------------------


def _profile(contents: Contents, documents: Mapping[str, Document]) -> None:
    """Take what only our runs tell: all distances, what figures were compared with, and intervals."""
    document = documents[PROFILE_FILE]
    if contents.rows is None:
        contents.rows = _whole((document.get("dataset") or {}).get("item_count"))
    for each in document.get("drift", ()):
        key = Key("data_quality", str(each["feature_name"]), "", "drift")
        contents.put(key, each["distance"], threshold=number(each["threshold"]), worse="higher")
    for name, bounds in ((document.get("model_quality") or {}).get("confidence") or {}).items():
        found = contents.values.get(Key("model_quality", "", "", name))
        if found:
            found.low, found.high = number(bounds[0]), number(bounds[1])
    for part in ("bias", "attribution"):
        if isinstance(document.get(part), dict) and contents.rows is None:
            contents.rows = _whole(document[part].get("rows"))
    scores = (document.get("attribution") or {}).get("ndcg")
    if scores == {}:
        contents.dimensions["attribution"] = False
    _order_scores(contents, document.get("attribution") or {})


def _order_scores(contents: Contents, profile: Document) -> None:
    for label, score in (profile.get("ndcg") or {}).items():
        key = Key("attribution", "", str(label), "ndcg")
        contents.put(key, score, threshold=number(profile.get("threshold")), worse="lower")


# --- constraint_violations.json ---------------------------------------------------------------------------------------


def _violations(contents: Contents, documents: Mapping[str, Document]) -> None:
    for member in documents[VIOLATIONS_FILE]["violations"]:
        violation = _violation(member)
        contents.violations.append(violation)
        contents.dimensions[violation.dimension] = True
        _learn(contents, violation)


def _violation(member: Document) -> Violation:
    check, text = str(member["constraint_check_type"]), str(member["description"])
    if check == "bias_drift_check":
        part = _lower_bound(member["facet_value"])
        return Violation("bias", str(member["facet"]), part, str(member["metric_name"]), check, text)
    if check == "feature_attribution_drift_check":
        return Violation("attribution", "", str(member["label"]), "ndcg", check, text)
    if check in {"LessThanThreshold", "GreaterThanThreshold"}:
        return Violation("model_quality", "", "", _snake_case(str(member["metric_name"])), check, text)
    return Violation("data_quality", str(member["feature_name"]), "", OF_CHECKS.get(check, ""), check, text)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _learn(contents: Contents, violation: Violation) -> None:
    """Take the figure and its threshold from the words of a violation: the original says them nowhere else."""
    if violation.check_type in COLUMNS_CHECKS:
        return
    key = Key(violation.dimension, violation.feature, violation.part, violation.metric)
    told = _told(violation)
    if told is None:
        return
    value, threshold, worse = told
    known = contents.values.setdefault(key, Value(value))
    known.threshold = threshold if known.threshold is None else known.threshold
    known.worse = worse


def _told(violation: Violation) -> tuple[float, float | None, Worse] | None:
    """Give value, threshold and the side that violates, where the description is worded as known."""
    pattern, scale, worse = _WORDED.get(violation.check_type, (None, 1.0, "higher"))
    found = pattern.search(violation.description) if pattern else None
    if found is None:
        return None
    asked = found.groupdict().get("threshold")
    return float(found["value"]) / scale, None if asked is None else float(asked) / scale, worse


_WORDED: dict[str, tuple[re.Pattern[str] | None, float, Worse]] = {
    "completeness_check": (COMPLETENESS, 100.0, "lower"),
    "data_type_check": (IN_TYPE, 100.0, "lower"),
    "categorical_values_check": (IN_DOMAIN, 1.0, "lower"),
    "baseline_drift_check": (DRIFT, 1.0, "higher"),
    "LessThanThreshold": (QUALITY, 1.0, "lower"),
    "GreaterThanThreshold": (QUALITY, 1.0, "higher"),
    "bias_drift_check": (BIAS, 1.0, "away from 0"),
    "feature_attribution_drift_check": (ATTRIBUTION, 1.0, "lower"),
}
"""By check: its wording, what makes shares of its numbers, and the side that violates."""
_READERS: tuple[tuple[str, Reader], ...] = (
    (STATISTICS_FILE, _statistics),
    (ANALYSIS_FILE, _analysis),
    (PROFILE_FILE, _profile),
    (VIOLATIONS_FILE, _violations),
)


def _mend_kind(contents: Contents, documents: Mapping[str, Document]) -> None:
    """Where the document that tells the kind is broken, take it from the profile."""
    if contents.dimensions or PROFILE_FILE not in documents:
        return
    profile = documents[PROFILE_FILE]
    for dimension in DIMENSIONS:
        if dimension in profile or (dimension == "data_quality" and "features" in profile):
            contents.dimensions[dimension] = VIOLATIONS_FILE in documents
