"""The nouns: what a job learns from data and what it says about it, free of files, engines and formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analyzer.drift_methods import CategoricalMethod, DriftMethod, NumericMethod

InferredType = Literal["Integral", "Fractional", "String", "Unknown"]
NULL_VALUE = "NullValue"
"""How the original writes a missing value of a string column into buckets and domains."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One of the ten equal-width buckets of a numeric column: [lower, upper), the last one closed."""

    lower_bound: float
    upper_bound: float
    count: float


@dataclass(frozen=True, slots=True)
class Sketch:
    """The retained values of a KLL quantile sketch; values of level i weigh 2**i."""

    levels: tuple[NDArray[np.float64], ...]
    c: float = 0.64
    k: float = 2048.0


@dataclass(frozen=True, slots=True)
class NumericalStatistics:
    """What statistics.json says about a numeric column; the last two are absent in files before 2023."""

    mean: float
    sum: float
    std_dev: float
    min: float
    max: float
    buckets: tuple[Bucket, ...]
    sketch: Sketch | None
    approximate_num_distinct_values: int | None = None


@dataclass(frozen=True, slots=True)
class StringStatistics:
    """What statistics.json says about a string column; buckets are None above 120 distinct values."""

    distinct_count: float
    buckets: tuple[tuple[str, int], ...] | None


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """One feature of statistics.json: exactly one of `numerical` and `string` is set."""

    name: str
    inferred_type: InferredType
    num_present: int
    num_missing: int
    completeness: float | None
    numerical: NumericalStatistics | None = None
    string: StringStatistics | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """statistics.json of a data-quality job, features in column order."""

    item_count: int
    features: tuple[FeatureStatistics, ...]


@dataclass(frozen=True, slots=True)
class TypeCounts:
    """How many values of a column read as what, judged value by value on their text; the five sum to the rows."""

    integral: int = 0
    fractional: int = 0
    boolean: int = 0
    string: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a kind of value was met: how often, where first (file and 1-based record number), and a few examples."""

    count: int
    first_file: str
    first_record: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopValues:
    """The most frequent values, most frequent first; estimated from `counted_rows` rows when not `exact`."""

    values: tuple[tuple[str, int], ...]
    exact: bool
    counted_rows: int


@dataclass(frozen=True, slots=True)
class FeatureProfile:
    """What profile.json says about a column beyond the original: the evidence behind any verdict on it.

    `evidence` is keyed by kind: integral, fractional, boolean, string, missing, empty, nan, infinite and
    outside_domain (the last only when the baseline names domains for the column).
    """

    name: str
    type_counts: TypeCounts
    empty: int
    nan: int
    infinite: int
    lengths: tuple[int, float, int] | None
    quantiles: Mapping[str, float] | None
    top_values: TopValues
    outside_domain: int | None
    evidence: Mapping[str, Evidence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that one pass over the data found; `profiles` has one entry a feature, in the order of `statistics`."""

    statistics: Statistics
    profiles: tuple[FeatureProfile, ...]


@dataclass(frozen=True, slots=True)
class DistributionConfig:
    """`monitoring_config.distribution_constraints`: how the drift check measures, and its thresholds.

    `comparison_method` also says how the original's categorical methods treat small samples: as Robust unless Simple.
    """

    perform_comparison: bool = True
    comparison_threshold: float = 0.1
    comparison_method: NumericMethod = "Robust"
    categorical_comparison_threshold: float = 0.1
    categorical_drift_method: CategoricalMethod = "LInfinity"


@dataclass(frozen=True, slots=True)
class MonitoringConfig:
    """`monitoring_config` of constraints.json, for the data set or, overridden, for one feature."""

    evaluate_constraints: bool = True
    emit_metrics: bool = True
    datatype_check_threshold: float = 1.0
    domain_content_threshold: float = 1.0
    distribution: DistributionConfig = field(default_factory=DistributionConfig)


@dataclass(frozen=True, slots=True)
class FeatureConstraints:
    """One feature of constraints.json; what a user deleted is None and is not checked."""

    name: str
    inferred_type: InferredType | None = None
    completeness: float | None = None
    is_non_negative: bool | None = None
    domains: tuple[str, ...] | None = None
    config: MonitoringConfig | None = None
    """The feature's own configuration, the data set's with its overrides laid over it; None: no overrides."""


@dataclass(frozen=True, slots=True)
class Constraints:
    """constraints.json of a data-quality job, features in column order."""

    features: tuple[FeatureConstraints, ...]
    config: MonitoringConfig = field(default_factory=MonitoringConfig)

    def config_of(self, feature: FeatureConstraints) -> MonitoringConfig:
        return feature.config or self.config


CheckType = Literal[
    "data_type_check",
    "completeness_check",
    "baseline_drift_check",
    "missing_column_check",
    "extra_column_check",
    "categorical_values_check",
    "custom_rule_check",
]


@dataclass(frozen=True, slots=True)
class Violation:
    """One entry of constraint_violations.json, with the evidence that only profile.json shows."""

    feature_name: str
    constraint_check_type: CheckType
    description: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quirk:
    """A known flaw of the original that changed a figure or a verdict of this run, with the corrected figure."""

    name: str
    feature_name: str
    effect: str
    original: float | str | bool
    corrected: float | str | bool


@dataclass(frozen=True, slots=True)
class Drift:
    """A distance between baseline and current data that was computed, whether or not it exceeded its threshold.

    `p_value` is that of a test, for the methods that are one.
    """

    feature_name: str
    distance: float
    threshold: float
    method: DriftMethod = "Robust"
    p_value: float | None = None


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What became of one of the user's rules, with the metrics that it was judged by; `failure` says why it failed."""

    rule: str
    line: int
    feature_name: str
    passed: bool
    metrics: Mapping[str, float]
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that the checks found: violations in the order they are written, distances, and quirks that mattered."""

    violations: tuple[Violation, ...] = ()
    drifts: tuple[Drift, ...] = ()
    quirks: tuple[Quirk, ...] = ()
    rules: tuple[RuleOutcome, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences for the log: comparisons that were skipped and why."""
