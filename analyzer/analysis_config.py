"""analysis_config.json, which says what bias and attribution are about: its keys, and reading it.

Every key of version 1.0 of the original's schema is read or refused by name; some keys are ours (`data_type` of a
facet, `violation_rule`, `allowed_ranges`, `skip_flip_test`, `threshold`, `max_rows`, `handler`, `endpoint_url` and so
on).
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from analyzer.errors import ConfigError

Scalar = str | int | float | bool
Column = str | int
"""A column by its name, 0-based index or, in JSON, JMESPath."""
DataType = Literal["continuous", "categorical"]
ViolationRule = Literal["abs_value", "distance_from_parity", "bootstrap"]
Aggregation = Literal["mean_abs", "median", "mean_sq"]

CSV, JSON_LINES, JSON, CAPTURES, PARQUET, IMAGES = (
    "text/csv",
    "application/jsonlines",
    "application/json",
    "application/sagemakercapturejson",
    "application/x-parquet",
    "application/x-image",
)
PRE_TRAINING = ("CI", "DPL", "KL", "JS", "LP", "TVD", "KS", "CDDL")
POST_TRAINING = ("DPPL", "DI", "DCA", "DCR", "SD", "RD", "DAR", "DRR", "AD", "TE", "CDDPL", "FT", "GE")
NDCG_THRESHOLD = 0.9
MOST_FLIPPED = 10_000
MOST_EXPLAINED = 5_000
GRID_RESOLUTION = 15
TOP_FEATURES = 10
SCHEMA_ERROR = "Analysis configuration schema validation error."
"""The words with which the original refuses a configuration."""


@dataclass(frozen=True, slots=True)
class FacetConfig:
    """A sensitive attribute: its column, the values of the sensitive group or one threshold, and its type if told."""

    column: Column
    values: tuple[Scalar, ...] = ()
    data_type: DataType | None = None


@dataclass(frozen=True, slots=True)
class SegmentConfig:
    """A column by whose values metrics are computed apart; each segment lists values or intervals (`[1, 4]`)."""

    column: Column
    segments: tuple[tuple[Scalar, ...], ...]
    name: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BiasConfig:
    """Which metrics are asked for, and how they are judged."""

    pre_training: tuple[str, ...] = PRE_TRAINING
    post_training: tuple[str, ...] = POST_TRAINING
    violation_rule: ViolationRule = "abs_value"
    allowed_ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Metrics that are judged by a range of their own instead of the baseline; an end may be infinite."""
    skip_flip_test: bool = False
    flip_test_rows: int = MOST_FLIPPED
    seed: int = 0
    named: bool = False
    """Whether `methods` names the metrics; else all are computed that can be."""


@dataclass(frozen=True, slots=True)
class ShapConfig:
    """Parameters of Kernel SHAP.

    `baseline` is a list of rows, objects in the shape of the data, or a place to read them from; None: it is computed,
    of `num_clusters` rows. `threshold` and `max_rows` are ours: the NDCG below which attributions have drifted, and
    the number of rows that are explained at the most.
    """

    baseline: tuple[Any, ...] | Mapping[str, Any] | str | None = None
    num_clusters: int | None = None
    num_samples: int | None = None
    agg_method: Aggregation = "mean_abs"
    use_logit: bool = False
    save_local_shap_values: bool = False
    seed: int | None = None
    features_to_explain: tuple[Column, ...] = ()
    threshold: float = NDCG_THRESHOLD
    max_rows: int = MOST_EXPLAINED


@dataclass(frozen=True, slots=True)
class PdpConfig:
    """Of which features partial dependence is computed, by so many values: those named, else the first by SHAP."""

    grid_resolution: int = GRID_RESOLUTION
    features: tuple[Column, ...] = ()
    top_k_features: int = TOP_FEATURES


@dataclass(frozen=True, slots=True)
class PredictorConfig:
    """How to ask the model.

    `handler` (a Python file with `predict`), `model_dir` (which its `load` is given), `endpoint_url`, `timeout`
    (seconds), `retries` and `attributions` (prefix or JMESPath of attributions that are in the data) are ours.
    """

    endpoint_name: str | None = None
    target_model: str | None = None
    content_type: str | None = None
    accept_type: str | None = None
    label: Column | None = None
    probability: Column | None = None
    label_headers: tuple[str, ...] = ()
    content_template: str | None = None
    record_template: str | None = None
    custom_attributes: str | None = None
    handler: str | None = None
    model_dir: str | None = None
    endpoint_url: str | None = None
    timeout: float = 60.0
    retries: int = 3
    attributions: str | None = None


@dataclass(frozen=True, slots=True)
class AnalysisConfig:
    """All that analysis_config.json says; `where` is its path, `notes` are lines for the log.

    `bias` is None where no bias is asked for, `shap` where no attributions are.
    """

    where: str
    dataset_type: str | None = None
    dataset_uri: str | None = None
    headers: tuple[str, ...] = ()
    label: Column | None = None
    predicted_label: Column | None = None
    features: str | None = None
    label_values: tuple[Scalar, ...] = ()
    label_data_type: DataType | None = None
    probability_threshold: float | None = None
    facets: tuple[FacetConfig, ...] = ()
    group_variable: Column | None = None
    facet_dataset_uri: str | None = None
    facet_headers: tuple[str, ...] = ()
    predicted_label_dataset_uri: str | None = None
    predicted_label_headers: tuple[str, ...] = ()
    joinsource: Column | None = None
    excluded_columns: tuple[Column, ...] = ()
    segments: tuple[SegmentConfig, ...] = ()
    bias: BiasConfig | None = None
    shap: ShapConfig | None = None
    pdp: PdpConfig | None = None
    predictor: PredictorConfig | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)


def parse_analysis_config(content: bytes, where: str) -> AnalysisConfig:
    """Read analysis_config.json.

    Raises ConfigError that names the file, the key by its path, what was found, what was expected, and the cure.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise ConfigError(f"{where} is not JSON: {error}.", "Write the analysis configuration as one object.") from None
    notes: list[str] = []
    return _config(_At(where, "", document, notes), notes)


# --- one value and its place ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _At:
    """A value of the document and the path of its key; None counts as absent."""

    where: str
    path: str
    value: Any
    notes: list[str]

    def wrong(self, expected: str, cure: str = "") -> ConfigError:
        shown = json.dumps(self.value, ensure_ascii=False)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        place = f"{self.path} is {shown}" if self.path else f"the document is {shown}"
        return ConfigError(f"{self.where}: {SCHEMA_ERROR} {place}.", cure or f"Expected {expected}.")

    def refused(self, reason: str, cure: str) -> ConfigError:
        return ConfigError(f"{self.where}: {self.path} {reason}.", cure)

    def keys(self, *known: str) -> _At:
        """Check that this is an object with no other keys."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        for key in self.value:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                meant = f"Did you mean {close[0]}? " if close else ""
                place = f"{self.path}.{key}" if self.path else key
                raise ConfigError(
                    f"{self.where}: {SCHEMA_ERROR} The key {place} is not known.", f"{meant}Known: {', '.join(known)}."
                )
        return self

    def at(self, key: str) -> _At:
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return _At(self.where, f"{self.path}.{key}" if self.path else key, value, self.notes)

    @property
    def is_given(self) -> bool:
        return self.value is not None

    def items(self) -> Iterator[_At]:
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        for i, value in enumerate(self.value):
            yield _At(self.where, f"{self.path}[{i}]", value, self.notes)

    def text(self) -> str | None:
        if self.is_given and (not isinstance(self.value, str) or not self.value.strip()):
            raise self.wrong("a text")
        return cast("str | None", self.value)

    def texts(self) -> tuple[str, ...]:
        return tuple(str(each.text()) for each in self.items()) if self.is_given else ()

    def choice(self, *allowed: str) -> str | None:
        if self.is_given and self.value not in allowed:
            raise self.wrong(f"one of {', '.join(allowed)}")
        return cast("str | None", self.value)

    def boolean(self) -> bool:
        if self.is_given and not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return bool(self.value)

    def integer(self, least: int) -> int | None:
        if self.is_given and (not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < least):
            raise self.wrong(f"a whole number from {least}")
        return cast("int | None", self.value)

    def number(self, least: float, most: float, default: float) -> float:
        if not self.is_given:
            return default
        number = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        if not number or not least <= self.value <= most:
            raise self.wrong(
                f"a number from {least:g} to {most:g}" if math.isfinite(most) else f"a number of {least:g}"
            )
        return float(self.value)

    def column(self) -> Column | None:
        """Read a column: a name, or a 0-based index."""
        if self.is_given and (isinstance(self.value, bool) or not isinstance(self.value, str | int)):
            raise self.wrong("the name or the 0-based index of a column")
        if self.value == "" or (isinstance(self.value, int) and self.value < 0):
            raise self.wrong("the name or the 0-based index of a column")
        return cast("Column | None", self.value)

    def columns(self) -> tuple[Column, ...]:
        found = (each.column() for each in self.items()) if self.is_given else ()
        return tuple(each for each in found if each is not None)

    def scalars(self) -> tuple[Scalar, ...]:
        """Read values or a threshold; a bare value is a list of one."""
        if not self.is_given:
            return ()
        listed = self.value if isinstance(self.value, list) else [self.value]
        if not all(isinstance(each, str | int | float) for each in listed):
            raise self.wrong("a list of numbers and texts")
        if not all(math.isfinite(each) for each in listed if isinstance(each, float)):
            raise self.wrong("finite numbers")
        return tuple(listed)

    def heedless(self, *names: str, why: str) -> None:
        """Note keys that are accepted and mean nothing here."""
        given = [self.at(name).path for name in names if self.at(name).is_given]
        if given:
            self.notes.append(f"{self.where}: {', '.join(given)}: {why}")


# --- the document -----------------------------------------------------------------------------------------------------

_KEYS = (
    "version",
    "dataset_type",
    "dataset_uri",
    "headers",
    "label",
    "predicted_label",
    "features",
    "label_values_or_threshold",
    "label_data_type",
    "probability_threshold",
    "facet",
    "group_variable",
    "facet_dataset_uri",
    "facet_headers",
    "predicted_label_dataset_uri",
    "predicted_label_headers",
    "joinsource_name_or_index",
    "excluded_columns",
    "segment_config",
    "time_series_data_config",
    "methods",
    "predictor",
    "violation_rule",
    "allowed_ranges",
    "skip_flip_test",
    "flip_test_rows",
    "seed",
)


def _config(top: _At, notes: list[str]) -> AnalysisConfig:
    top.keys(*_KEYS)
    top.at("version").choice("1.0")
    if top.at("time_series_data_config").is_given:
        raise top.at("time_series_data_config").refused(
            "is for the explanation of forecasts, which is not supported", "Leave it out and use tabular data."
        )
    methods = _methods(top.at("methods"))
    facets = _facets(top.at("facet"))
    return AnalysisConfig(
        where=top.where,
        **_dataset_fields(top),
        **_joined_fields(top),
        facets=facets,
        segments=_segments(top.at("segment_config")),
        bias=_bias(top, methods, facets),
        shap=_shap(methods.at("shap")) if methods.at("shap").is_given else None,
        pdp=_pdp(methods.at("pdp")) if methods.at("pdp").is_given else None,
        predictor=_predictor(top.at("predictor")) if top.at("predictor").is_given else None,
        notes=tuple(notes),
    )


def _dataset_fields(top: _At) -> dict[str, Any]:
    kind = top.at("dataset_type")
    if kind.value == IMAGES:
        raise kind.refused("is for images, which are not supported", "Use tabular data: CSV, JSON or Parquet.")
    threshold = top.at("probability_threshold")
    return {
        "dataset_type": kind.choice(CSV, JSON_LINES, JSON, CAPTURES, PARQUET),
        "dataset_uri": top.at("dataset_uri").text(),
        "headers": top.at("headers").texts(),
        "label": top.at("label").column(),
        "predicted_label": top.at("predicted_label").column(),
        "features": top.at("features").text(),
        "label_values": top.at("label_values_or_threshold").scalars(),
        "label_data_type": top.at("label_data_type").choice("continuous", "categorical"),
        "probability_threshold": threshold.number(0, 1, 0.5) if threshold.is_given else None,
        "group_variable": top.at("group_variable").column(),
    }


def _joined_fields(top: _At) -> dict[str, Any]:
    fields = {
        "facet_dataset_uri": top.at("facet_dataset_uri").text(),
        "facet_headers": top.at("facet_headers").texts(),
        "predicted_label_dataset_uri": top.at("predicted_label_dataset_uri").text(),
        "predicted_label_headers": top.at("predicted_label_headers").texts(),
        "joinsource": top.at("joinsource_name_or_index").column(),
        "excluded_columns": top.at("excluded_columns").columns(),
    }
    for name in ("facet", "predicted_label"):
        if fields[f"{name}_headers"] and not fields[f"{name}_dataset_uri"]:
            raise top.at(f"{name}_headers").refused(
                f"is given without {name}_dataset_uri", f"Name that data set in {name}_dataset_uri, or leave it out."
            )
    return fields


def _facets(facets: _At) -> tuple[FacetConfig, ...]:
    return tuple(_facet(each) for each in facets.items()) if facets.is_given else ()


def _facet(facet: _At) -> FacetConfig:
    facet.keys("name_or_index", "value_or_threshold", "data_type")
    column = facet.at("name_or_index").column()
    if column is None:
        raise facet.wrong("", 'Name the column of the facet: {"name_or_index": "Sex", "value_or_threshold": [0]}.')
    kind = facet.at("data_type").choice("continuous", "categorical")
    values = facet.at("value_or_threshold").scalars()
    if kind == "continuous" and (len(values) > 1 or not all(map(_is_number, values))):
        raise facet.at("value_or_threshold").wrong("", "A continuous facet takes exactly one threshold, a number.")
    return FacetConfig(column, values, cast("DataType | None", kind))


def _is_number(value: Scalar) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _segments(segments: _At) -> tuple[SegmentConfig, ...]:
    return tuple(_segment(each) for each in segments.items()) if segments.is_given else ()


def _segment(segment: _At) -> SegmentConfig:
    segment.keys("config_name", "name_or_index", "segments", "display_aliases")
    column = segment.at("name_or_index").column()
    if column is None or not segment.at("segments").is_given:
        raise segment.wrong("", 'Write {"name_or_index": "Age", "segments": [["[0, 40)"], ["[40, 120]"]]}.')
    found = tuple(each.scalars() for each in segment.at("segments").items())
    aliases = segment.at("display_aliases").texts()
    if aliases and len(aliases) not in {len(found), len(found) + 1}:
        raise segment.at("display_aliases").wrong(f"{len(found)} names, or one more for the rest")
    return SegmentConfig(column, found, segment.at("config_name").text(), aliases)


# --- methods ----------------------------------------------------------------------------------------------------------


def _methods(methods: _At) -> _At:
    if not methods.is_given:
        return methods
    methods.keys("pre_training_bias", "post_training_bias", "shap", "pdp", "asymmetric_shapley_value", "report")
    if methods.at("pdp").is_given and not methods.at("shap").is_given:
        raise methods.at("pdp").refused("is given without shap", "Ask for shap, too; both need the model.")
    if methods.at("asymmetric_shapley_value").is_given:
        raise methods.at("asymmetric_shapley_value").refused(
            "is for the explanation of forecasts, which is not supported", "Leave it out, or use shap on tabular data."
        )
    if methods.at("report").is_given:
        methods.at("report").keys("name", "title")
        methods.heedless("report", why="no report is rendered; the figures are in analysis.json")
    return methods


_OF_BIAS = ("segment_config", "violation_rule", "allowed_ranges", "skip_flip_test", "flip_test_rows", "seed")


def _bias(top: _At, methods: _At, facets: tuple[FacetConfig, ...]) -> BiasConfig | None:
    """Read what bias is asked for: all metrics where there are facets and no methods, as the monitors' have none."""
    found = BiasConfig(
        pre_training=_asked_metrics(methods, "pre_training_bias", PRE_TRAINING),
        post_training=_asked_metrics(methods, "post_training_bias", POST_TRAINING),
        violation_rule=cast(
            "ViolationRule",
            top.at("violation_rule").choice("abs_value", "distance_from_parity", "bootstrap") or "abs_value",
        ),
        allowed_ranges=_ranges(top.at("allowed_ranges")),
        skip_flip_test=top.at("skip_flip_test").boolean(),
        flip_test_rows=top.at("flip_test_rows").integer(1) or MOST_FLIPPED,
        named=methods.is_given,
        seed=top.at("seed").integer(0) or 0,
    )
    if _asks_for_bias(methods, facets):
        _refuse_half_of_bias(top, facets)
        return found
    top.heedless(*_OF_BIAS, why="concerns bias, which is not asked for, and is not heeded")
    return None


def _asks_for_bias(methods: _At, facets: tuple[FacetConfig, ...]) -> bool:
    if methods.is_given:
        return methods.at("pre_training_bias").is_given or methods.at("post_training_bias").is_given
    return bool(facets)


def _refuse_half_of_bias(top: _At, facets: tuple[FacetConfig, ...]) -> None:
    if not facets:
        raise top.at("facet").refused(
            "is not given, but methods asks for bias metrics", 'Name the facets: "facet": [{"name_or_index": "Sex"}].'
        )
    if not top.at("label_values_or_threshold").is_given:
        raise top.at("label_values_or_threshold").refused(
            "is not given", "Say which labels are the positive outcome, such as [1], or give a threshold."
        )


def _ranges(ranges: _At) -> dict[str, tuple[float, float]]:
    """Read the allowed range of each metric; null is an open end."""
    if not ranges.is_given:
        return {}
    names = ranges.keys(*PRE_TRAINING, *POST_TRAINING).value
    return {name: _range(ranges.at(name)) for name in names}


def _range(ends: _At) -> tuple[float, float]:
    given = list(ends.items()) if isinstance(ends.value, list) else []
    if len(given) == 2:
        low = given[0].number(-math.inf, math.inf, -math.inf)
        high = given[1].number(-math.inf, math.inf, math.inf)
        if low <= high and not given[0].value == given[1].value is None:
            return low, high
    raise ends.wrong("", "Give the lowest and the highest allowed value, such as [-0.1, 0.1], or null for an open end.")


def _asked_metrics(methods: _At, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    return _metrics(methods.at(name), known) if methods.is_given else known


def _metrics(asked: _At, known: tuple[str, ...]) -> tuple[str, ...]:
    if not asked.is_given:
        return ()
    listed = asked.keys("methods").at("methods")
    if not listed.is_given or listed.value == "all":
        return known
    if not isinstance(listed.value, list):
        raise listed.wrong(f'"all" or a list of {", ".join(known)}')
    return tuple(dict.fromkeys(str(each.choice(*known)) for each in listed.items()))


def _shap(shap: _At) -> ShapConfig:
    shap.keys(
        "baseline", "num_clusters", "num_samples", "agg_method", "use_logit", "save_local_shap_values", "seed",
        "features_to_explain", "text_config", "image_config", "threshold", "max_rows",
    )  # fmt: skip
    for name, what in (("text_config", "texts"), ("image_config", "images")):
        if shap.at(name).is_given:
            raise shap.at(name).refused(
                f"is for {what}, which are not explained", "Leave it out; tables are explained."
            )
    if shap.at("baseline").is_given and shap.at("num_clusters").is_given:
        raise shap.at("num_clusters").refused("and baseline are both given", "Leave one of them out.")
    return ShapConfig(
        baseline=_shap_baseline(shap.at("baseline")),
        num_clusters=shap.at("num_clusters").integer(1),
        num_samples=shap.at("num_samples").integer(1),
        agg_method=cast("Aggregation", shap.at("agg_method").choice("mean_abs", "median", "mean_sq") or "mean_abs"),
        use_logit=shap.at("use_logit").boolean(),
        save_local_shap_values=shap.at("save_local_shap_values").boolean(),
        seed=shap.at("seed").integer(0),
        features_to_explain=shap.at("features_to_explain").columns(),
        threshold=shap.at("threshold").number(0, 1, NDCG_THRESHOLD),
        max_rows=shap.at("max_rows").integer(1) or MOST_EXPLAINED,
    )


def _pdp(pdp: _At) -> PdpConfig:
    pdp.keys("grid_resolution", "features", "top_k_features")
    return PdpConfig(
        grid_resolution=_or(pdp.at("grid_resolution").integer(2), GRID_RESOLUTION),
        features=pdp.at("features").columns(),
        top_k_features=_or(pdp.at("top_k_features").integer(1), TOP_FEATURES),
    )


def _shap_baseline(baseline: _At) -> tuple[Any, ...] | Mapping[str, Any] | str | None:
    found = baseline.value
    if isinstance(found, list) and found:
        return tuple(found)
    if found is not None and (not found or not isinstance(found, str | dict)):
        raise baseline.wrong("rows of features, an object in the shape of the data, or a place to read them from")
    return found


# --- the model --------------------------------------------------------------------------------------------------------

_SERVICE_ONLY = ("model_name", "instance_type", "initial_instance_count", "accelerator_type", "endpoint_name_prefix")
_PREDICTOR = (
    *_SERVICE_ONLY, "endpoint_name", "target_model", "content_type", "accept_type", "label", "probability",
    "label_headers", "content_template", "record_template", "custom_attributes", "time_series_predictor_config",
    "handler", "model_dir", "endpoint_url", "timeout", "retries", "attributions",
)  # fmt: skip
LONGEST_TIMEOUT = 3600.0


def _predictor(predictor: _At) -> PredictorConfig:
    predictor.keys(*_PREDICTOR)
    series = predictor.at("time_series_predictor_config")
    if series.is_given:
        raise series.refused("is for forecasts, which are not supported", "Leave it out.")
    predictor.heedless(*_SERVICE_ONLY, why="concerns resources of the service and is not heeded; no endpoint is made")
    texts = (
        "endpoint_name", "target_model", "content_type", "accept_type", "content_template", "record_template",
        "custom_attributes", "handler", "model_dir", "endpoint_url", "attributions",
    )  # fmt: skip
    return PredictorConfig(
        **{name: predictor.at(name).text() for name in texts},
        label=predictor.at("label").column(),
        probability=predictor.at("probability").column(),
        label_headers=predictor.at("label_headers").texts(),
        timeout=predictor.at("timeout").number(0.001, LONGEST_TIMEOUT, 60.0),
        retries=_or(predictor.at("retries").integer(0), 3),
    )


def _or(found: int | None, default: int) -> int:
    return default if found is None else found
