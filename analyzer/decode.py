"""Baseline files, of any generation and edited by hand or not, to documents; what makes no sense is named by place."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from analyzer.documents import (
    NULL_VALUE,
    Bucket,
    Constraints,
    DistributionConfig,
    FeatureConstraints,
    FeatureStatistics,
    InferredType,
    MonitoringConfig,
    NumericalStatistics,
    Sketch,
    Statistics,
    StringStatistics,
)
from analyzer.drift_methods import CategoricalMethod, NumericMethod
from analyzer.errors import BaselineError
from analyzer.jsonlayout import parse
from analyzer.quality_documents import BLOCKS, MetricConstraint, Operator, ProblemType, QualityConstraints

logger = logging.getLogger(__name__)

OVERRIDES = ("monitoringConfigOverrides", "monitoring_config_overrides")
"""The key of a feature's own settings, as documented and as the SDK writes it; where both say something, the latter."""

_T = TypeVar("_T")
_Json = dict[str, Any]
_CURE = "Correct the file, or create a new one with a baseline job."
_MOST_SHOWN = 60


def read_statistics(text: bytes | str, where: str) -> Statistics:
    """Read statistics.json of a data-quality job as a baseline; `where` is the file's name for messages.

    Files before 2023 lack completeness and approximate_num_distinct_values (None). Numbers may be whole, or the texts
    "NaN", "Infinity" and "-Infinity". Unknown keys are ignored and named in the log. Raises BaselineError.
    """
    place = _Place(where)
    document = _document(text, place)
    dataset = _may(document, "dataset", place, _object) or {}
    if dataset.get("item_count") is None:
        raise place.fault("has no dataset.item_count.", _NOT_STATISTICS)
    place.expect(document, {"version", "dataset", "features"})
    place.at("dataset").expect(dataset, {"item_count", "evaluation_time"})
    rows = _need(dataset, "item_count", place.at("dataset"), _count)
    features = _features(document, place, partial(_feature_statistics, rows))
    place.warn("figure")
    return Statistics(rows, tuple(features))


def read_constraints(text: bytes | str, where: str) -> Constraints:
    """Read constraints.json of a data-quality job as a baseline; `where` is the file's name for messages.

    What is left out (or null) is not checked, or has its default; the categorical threshold defaults to the numeric
    one. The settings of a feature are laid over those of the data set key by key. Unknown keys are ignored and named
    in the log. Raises BaselineError.
    """
    place = _Place(where)
    document = _document(text, place)
    if "dataset" in document:
        raise place.fault("has a key dataset, which constraints do not have.", _NOT_CONSTRAINTS)
    place.expect(document, {"version", "features", "monitoring_config"})
    settings = _may(document, "monitoring_config", place, _settings) or {}
    features = _features(document, place, partial(_feature_constraints, settings))
    place.warn("setting")
    return Constraints(tuple(features), _config(settings))


def read_quality_constraints(text: bytes | str, where: str, problem_type: ProblemType) -> QualityConstraints:
    """Read constraints.json of a model-quality job; metrics that were deleted are not judged.

    Raises BaselineError for a file of another analysis or another kind of problem.
    """
    place = _Place(where)
    document = _document(text, place)
    key = f"{BLOCKS[problem_type]}_constraints"
    if key not in document:
        raise place.fault(
            f"has no {key} (it has: {', '.join(map(_printable, document)) or 'nothing'}).",
            f"Name the constraints.json that a model-quality job with problem_type {problem_type} wrote.",
        )
    place.expect(document, {"version", key})
    block, at = _need(document, key, place, _object), place.at(key)
    found = {name: _metric_constraint(value, at.at(name)) for name, value in block.items() if value is not None}
    place.warn("setting")
    return QualityConstraints(problem_type, found)


_OPERATORS: tuple[Operator, ...] = ("LessThanThreshold", "GreaterThanThreshold")


def _metric_constraint(value: Any, place: _Place) -> MetricConstraint:
    block = _object(value, place)
    place.expect(block, {"threshold", "comparison_operator"})
    operator = _one_of({word.lower(): word for word in _OPERATORS}, f"one of {', '.join(_OPERATORS)}")
    return MetricConstraint(
        _need(block, "threshold", place, _number), _need(block, "comparison_operator", place, operator)
    )


_NOT_STATISTICS = "Name a statistics.json of a data-quality job as baseline_statistics; or is it constraints?"
_NOT_CONSTRAINTS = "It looks like a statistics.json: name a constraints.json as baseline_constraints."


# --- Places and messages ---------------------------------------------------------------------------------------------


class _Place:
    """Where in a file a value stands, as a JSON path; the places of one file share their list of strange keys."""

    __slots__ = ("feature", "file", "path", "strange")

    def __init__(
        self,
        file: str,
        path: str = "$",
        feature: str | None = None,
        strange: dict[tuple[str, str], list[str]] | None = None,
    ) -> None:
        self.file, self.path, self.feature = file, path, feature
        self.strange = {} if strange is None else strange

    def at(self, key: str | int) -> _Place:
        return _Place(self.file, self.path + _step(key), self.feature, self.strange)

    def of(self, feature: str) -> _Place:
        return _Place(self.file, self.path, feature, self.strange)

    def fault(self, sentence: str, hint: str = _CURE) -> BaselineError:
        """Say something about the value as a whole."""
        name = "" if self.feature is None else f" ({_named(self.feature)})"
        return BaselineError(f"{self.file}: {self.path}{name} {sentence}", hint)

    def wrong(self, found: Any, expected: str, hint: str = _CURE) -> BaselineError:
        """Say what was found and what was expected instead."""
        name = "" if self.feature is None else f" (feature {_named(self.feature)})"
        return BaselineError(f"{self.file}: {self.path} is {_shown(found)}, expected {expected}{name}.", hint)

    def expect(self, block: _Json, known: AbstractSet[str]) -> None:
        """Remember keys that are not known; the same key of many features counts as one."""
        if block.keys() <= known:
            return
        for key in block.keys() - known:
            path = self.path + _step(key)
            self.strange.setdefault((re.sub(r"\[\d+\]", "[]", path), _similar(key, known)), []).append(path)

    def warn(self, noun: str) -> None:
        for (_, hint), paths in sorted(self.strange.items()):
            more = f", here and in {len(paths) - 1:,} more places" if len(paths) > 1 else ""
            path = _printable(paths[0])
            logger.warning("%s: %s is not a known %s and has no effect%s.%s", self.file, path, noun, more, hint)


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isidentifier() else f"[{json.dumps(key, ensure_ascii=False)}]"


def _similar(key: str, known: AbstractSet[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, sorted(known), 1)
    return f" Did you mean {close[0]}?" if close else ""


def _shown(value: Any) -> str:
    return _shortened(_printable(json.dumps(value, ensure_ascii=False)))


def _named(feature: str) -> str:
    """Show a name without quotes, yet on one line."""
    return _shortened(_printable(json.dumps(feature, ensure_ascii=False)[1:-1]))


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


# --- Plain values ----------------------------------------------------------------------------------------------------

_Read = Callable[[Any, _Place], _T]


def _need(block: _Json, key: str, place: _Place, read: _Read[_T]) -> _T:
    value = block.get(key)
    if value is None:
        raise place.fault(f"has no {key}.")
    return read(value, place.at(key))


def _may(block: _Json, key: str, place: _Place, read: _Read[_T]) -> _T | None:
    """Read a value that may be left out; null, the mark of a deletion by program, is the same."""
    value = block.get(key)
    return None if value is None else read(value, place.at(key))


def _object(value: Any, place: _Place) -> _Json:
    if not isinstance(value, dict):
        raise place.wrong(value, "an object")
    return value


def _list(value: Any, place: _Place) -> list[Any]:
    if not isinstance(value, list):
        raise place.wrong(value, "a list")
    return value


def _text(value: Any, place: _Place) -> str:
    if not isinstance(value, str):
        raise place.wrong(value, "a text")
    return value


def _flag(value: Any, place: _Place) -> bool:
    if not isinstance(value, bool):
        raise place.wrong(value, "true or false")
    return value


_NUMBERS_AS_TEXT = ("NaN", "Infinity", "-Infinity")


def _number(value: Any, place: _Place) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with suppress(OverflowError):  # a whole number of more than 308 digits
            return float(value)
    elif value in _NUMBERS_AS_TEXT:
        return float(value)
    raise place.wrong(value, "a number")


def _count(value: Any, place: _Place) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole or isinstance(value, bool) or value < 0:
        raise place.wrong(value, "a whole number from 0")
    return int(value)


def _fraction(value: Any, place: _Place) -> float:
    number = _number(value, place)
    if not 0 <= number <= 1:
        hint = f"Write {number:g} % as {number / 100:g}." if 1 < number <= 100 else _CURE
        raise place.wrong(value, "a fraction between 0 and 1", hint)
    return number


def _distance(value: Any, place: _Place) -> float:
    number = _number(value, place)
    if not number >= 0:
        raise place.wrong(value, "a number from 0")
    return number


def _one_of(meanings: Mapping[str, _T], expected: str) -> _Read[_T]:
    """Read one of a few words in any case; true and false count as words."""

    def read(value: Any, place: _Place) -> _T:
        word = str(value).lower() if isinstance(value, (str, bool)) else ""
        if word not in meanings:
            raise place.wrong(value, expected)
        return meanings[word]

    return read


_switch = _one_of({"enabled": True, "disabled": False, "true": True, "false": False}, "Enabled or Disabled")
_TYPES: tuple[InferredType, ...] = ("Integral", "Fractional", "String", "Unknown")
_inferred_type = _one_of({kind.lower(): kind for kind in _TYPES}, f"one of {', '.join(_TYPES)}")


# --- Whole files -----------------------------------------------------------------------------------------------------


def _document(text: bytes | str, place: _Place) -> _Json:
    if not text.strip():
        raise BaselineError(f"{place.file} is empty.", "Create it with a baseline job.")
    return _object(_parsed(text, place.file), place)


def _parsed(text: bytes | str, file: str) -> Any:
    try:
        return parse(text)
    except json.JSONDecodeError as error:
        found = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError) as error:
        found = str(error)
    raise BaselineError(f"{file} is not JSON: {found}.", _CURE)


def _features(document: _Json, place: _Place, read: Callable[[str, _Json, _Place], _T]) -> list[_T]:
    """Read the features, each by `read` from its name, its block and its place."""
    if "features" not in document:
        raise place.fault(f"has no features (it has: {', '.join(map(_printable, document)) or 'nothing'}).")
    found: dict[str, _T] = {}
    for i, item in enumerate(_need(document, "features", place, _list)):
        at = place.at("features").at(i)
        block = _object(item, at)
        name = _need(block, "name", at, _text)
        if name in found:
            raise at.fault(f"is one of two features named {_shown(name)}.", f"{_CURE} Names must differ.")
        found[name] = read(name, block, at.of(name))
    return list(found.values())


# --- Statistics ------------------------------------------------------------------------------------------------------

_NUMERICAL, _STRING = "numerical_statistics", "string_statistics"
_NUMERICAL_KEYS = {
    *("common", "mean", "sum", "std_dev", "min", "max"),
    *("approximate_num_distinct_values", "completeness", "distribution"),
}
_STRING_KEYS = {"common", "distinct_count", "completeness", "distribution"}


class _Common(NamedTuple):
    num_present: int
    num_missing: int
    completeness: float | None


def _feature_statistics(rows: int, name: str, block: _Json, place: _Place) -> FeatureStatistics:
    place.expect(block, {"name", "inferred_type", _NUMERICAL, _STRING})
    kind = _need(block, "inferred_type", place, _inferred_type)
    numeric = kind in ("Integral", "Fractional")
    key = _NUMERICAL if numeric else _STRING
    figures = _may(block, key, place, _object)
    if figures is None:
        return _without_figures(rows, name, kind, block, place)
    common = _common(figures, place.at(key))
    if numeric:
        return FeatureStatistics(name, kind, *common, numerical=_numerical(figures, place.at(key)))
    return FeatureStatistics(name, kind, *common, string=_string(figures, place.at(key)))


def _without_figures(rows: int, name: str, kind: InferredType, block: _Json, place: _Place) -> FeatureStatistics:
    """Take a column without a single value as it is; any other has lost its figures."""
    needed, other = (_STRING, _NUMERICAL) if kind in ("String", "Unknown") else (_NUMERICAL, _STRING)
    if block.get(other) is not None:
        raise place.fault(f"is {kind} but has {other} in place of {needed}.")
    if kind != "Unknown":
        raise place.fault(f"has neither {_NUMERICAL} nor {_STRING}.")
    return FeatureStatistics(name, kind, 0, rows, None, string=StringStatistics(0.0, None))


def _common(figures: _Json, place: _Place) -> _Common:
    common, at = _need(figures, "common", place, _object), place.at("common")
    at.expect(common, {"num_present", "num_missing"})
    return _Common(
        num_present=_need(common, "num_present", at, _count),
        num_missing=_need(common, "num_missing", at, _count),
        completeness=_may(figures, "completeness", place, _number),
    )


def _numerical(figures: _Json, place: _Place) -> NumericalStatistics:
    place.expect(figures, _NUMERICAL_KEYS)
    buckets, sketch = _may(figures, "distribution", place, _numerical_distribution) or ((), None)
    return NumericalStatistics(
        mean=_need(figures, "mean", place, _number),
        sum=_need(figures, "sum", place, _number),
        std_dev=_need(figures, "std_dev", place, _number),
        min=_need(figures, "min", place, _number),
        max=_need(figures, "max", place, _number),
        buckets=buckets,
        sketch=sketch,
        approximate_num_distinct_values=_may(figures, "approximate_num_distinct_values", place, _count),
    )


_Distribution = tuple[tuple[Bucket, ...], Sketch | None]


def _numerical_distribution(value: Any, place: _Place) -> _Distribution:
    distribution = _object(value, place)
    place.expect(distribution, {"kll"})
    return _may(distribution, "kll", place, _kll) or ((), None)


def _kll(value: Any, place: _Place) -> _Distribution:
    kll = _object(value, place)
    place.expect(kll, {"buckets", "sketch"})
    at = place.at("buckets")
    buckets = _may(kll, "buckets", place, _list) or []
    return tuple(_bucket(bucket, at.at(i)) for i, bucket in enumerate(buckets)), _may(kll, "sketch", place, _sketch)


def _bucket(value: Any, place: _Place) -> Bucket:
    bucket = _object(value, place)
    place.expect(bucket, {"lower_bound", "upper_bound", "count"})
    return Bucket(
        _need(bucket, "lower_bound", place, _number),
        _need(bucket, "upper_bound", place, _number),
        _need(bucket, "count", place, _number),
    )


def _sketch(value: Any, place: _Place) -> Sketch:
    sketch = _object(value, place)
    place.expect(sketch, {"parameters", "data"})
    parameters = _may(sketch, "parameters", place, _parameters) or {}
    at = place.at("data")
    levels = [_level(level, at.at(i)) for i, level in enumerate(_need(sketch, "data", place, _list))]
    return Sketch(tuple(levels), **parameters)


def _parameters(value: Any, place: _Place) -> dict[str, float]:
    parameters = _object(value, place)
    place.expect(parameters, {"c", "k"})
    return _read_all(parameters, {"c": _number, "k": _number}, place)


def _level(value: Any, place: _Place) -> NDArray[np.float64]:
    """Take a level as it is when all of it are numbers; else value by value, to name the one that is none."""
    values = _list(value, place)
    if {float, int}.issuperset(map(type, values)):
        with suppress(OverflowError):
            return np.array(values, dtype=np.float64)
    return np.array([_number(item, place.at(i)) for i, item in enumerate(values)], dtype=np.float64)


def _string(figures: _Json, place: _Place) -> StringStatistics:
    place.expect(figures, _STRING_KEYS)
    return StringStatistics(
        distinct_count=_need(figures, "distinct_count", place, _number),
        buckets=_may(figures, "distribution", place, _categories),
    )


def _categories(value: Any, place: _Place) -> tuple[tuple[str, int], ...] | None:
    distribution = _object(value, place)
    place.expect(distribution, {"categorical"})
    at = place.at("categorical")
    categorical = _may(distribution, "categorical", place, _object) or {}
    at.expect(categorical, {"buckets"})
    buckets = _may(categorical, "buckets", at, _list)
    if buckets is None:
        return None
    return tuple(_category(bucket, at.at("buckets").at(i)) for i, bucket in enumerate(buckets))


def _category(value: Any, place: _Place) -> tuple[str, int]:
    bucket = _object(value, place)
    place.expect(bucket, {"value", "count"})
    return _need(bucket, "value", place, _text), _need(bucket, "count", place, _count)


# --- Constraints -----------------------------------------------------------------------------------------------------

_FEATURE_KEYS = {"name", "inferred_type", "completeness", "num_constraints", "string_constraints", *OVERRIDES}


def _feature_constraints(settings: _Json, name: str, block: _Json, place: _Place) -> FeatureConstraints:
    """Read what is asked of a feature; `settings` are those of the data set that the file names."""
    if block.keys() & {_NUMERICAL, _STRING}:
        raise place.fault("holds statistics, expected constraints.", _NOT_CONSTRAINTS)
    place.expect(block, _FEATURE_KEYS)
    own: _Json = {}
    for key in OVERRIDES:
        own |= _may(block, key, place, _settings) or {}
    return FeatureConstraints(
        name=name,
        inferred_type=_may(block, "inferred_type", place, _inferred_type),
        completeness=_may(block, "completeness", place, _fraction),
        is_non_negative=_may(block, "num_constraints", place, _sign),
        domains=_may(block, "string_constraints", place, _domains),
        config=_config(settings | own) if own else None,
    )


def _sign(value: Any, place: _Place) -> bool | None:
    block = _object(value, place)
    place.expect(block, {"is_non_negative"})
    return _may(block, "is_non_negative", place, _flag)


def _domains(value: Any, place: _Place) -> tuple[str, ...] | None:
    block = _object(value, place)
    place.expect(block, {"domains"})
    domains, at = _may(block, "domains", place, _list), place.at("domains")
    return None if domains is None else tuple(_domain(domain, at.at(i)) for i, domain in enumerate(domains))


def _domain(value: Any, place: _Place) -> str:
    """Take what stands there without quotes as the text it is in the data; null is the mark of missing values."""
    if value is None:
        return NULL_VALUE
    return json.dumps(value) if isinstance(value, (bool, int, float)) else _text(value, place)


# --- Settings: monitoring_config and the overrides of a feature, flat, by the names of the fields they become ---------


def _method(meanings: Mapping[str, str]) -> _Read[str]:
    """Read the name of a distance; one that is not known is refused with all that are."""
    *others, last = meanings
    return _one_of({word.lower(): meaning for word, meaning in meanings.items()}, f"{', '.join(others)} or {last}")


_GENERAL: dict[str, _Read[Any]] = {
    "evaluate_constraints": _switch,
    "emit_metrics": _switch,
    "datatype_check_threshold": _fraction,
    "domain_content_threshold": _fraction,
}
_DISTRIBUTION: dict[str, _Read[Any]] = {
    "perform_comparison": _switch,
    "comparison_threshold": _distance,
    "comparison_method": _method(
        {word: word for word in get_args(NumericMethod)} | {"linf_simple": "Simple", "linf_robust": "Robust"}
    ),
    "categorical_comparison_threshold": _distance,
    "categorical_drift_method": _method({word: word for word in get_args(CategoricalMethod)}),
}
_OF_2019 = {"enable_comparisons", "min_domain_mass"}
"""The former name of perform_comparison, and a threshold that has no successor and no effect."""


def _read_all(block: _Json, readers: Mapping[str, _Read[_T]], place: _Place) -> dict[str, _T]:
    found = {key: _may(block, key, place, read) for key, read in readers.items()}
    return {key: value for key, value in found.items() if value is not None}


def _settings(value: Any, place: _Place) -> _Json:
    """Read those settings that are named."""
    block = _object(value, place)
    place.expect(block, _GENERAL.keys() | {"distribution_constraints"})
    distribution = _may(block, "distribution_constraints", place, _distribution_settings) or {}
    return _read_all(block, _GENERAL, place) | distribution


def _distribution_settings(value: Any, place: _Place) -> _Json:
    block = _object(value, place)
    place.expect(block, _DISTRIBUTION.keys() | _OF_2019)
    former = _may(block, "enable_comparisons", place, _switch)
    found = {} if former is None else {"perform_comparison": former}
    return found | _read_all(block, _DISTRIBUTION, place)


def _config(settings: _Json) -> MonitoringConfig:
    """Fill in the defaults; the categorical threshold is the numeric one unless it is named."""
    general = {key: settings[key] for key in settings.keys() & _GENERAL.keys()}
    distribution = {key: settings[key] for key in settings.keys() & _DISTRIBUTION.keys()}
    if "comparison_threshold" in distribution:
        distribution.setdefault("categorical_comparison_threshold", distribution["comparison_threshold"])
    return MonitoringConfig(**general, distribution=DistributionConfig(**distribution))
