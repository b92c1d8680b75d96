"""Small analyses and baselines from plain Python values, for the tests of everything that judges them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from analyzer.documents import (
    NULL_VALUE,
    Analysis,
    Bucket,
    Evidence,
    FeatureProfile,
    FeatureStatistics,
    NumericalStatistics,
    Sketch,
    Statistics,
    StringStatistics,
    TopValues,
    TypeCounts,
)

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared"
KINDS = {
    "integral": re.compile(r"[-+]? ?\d+"),
    "fractional": re.compile(r"[-+]? ?\d*\.\d*"),
    "boolean": re.compile(r"true|false"),
}


def kind_of(value: str | None) -> str:
    if value is None:
        return "missing"
    return next((kind for kind, pattern in KINDS.items() if pattern.fullmatch(value)), "string")


def column(
    name: str, texts: Sequence[str | None], domains: Sequence[str] | None = None
) -> tuple[FeatureStatistics, FeatureProfile]:
    """What one pass over these texts finds: statistics and profile of the column."""
    kinds = Counter(map(kind_of, texts))
    present = [text for text in texts if text is not None]
    outside = None if domains is None else [i for i, t in enumerate(texts) if t is not None and t not in domains]
    evidence = {kind: _evidence([i for i, t in enumerate(texts) if kind_of(t) == kind], texts) for kind in kinds}
    if outside:
        evidence["outside_domain"] = _evidence(outside, texts)
    profile = FeatureProfile(
        name=name,
        type_counts=TypeCounts(**kinds),
        empty=0,
        nan=0,
        infinite=0,
        lengths=None,
        quantiles=None,
        top_values=TopValues((), exact=True, counted_rows=len(texts)),
        outside_domain=None if outside is None else len(outside),
        evidence=evidence,
    )
    return _statistics(name, texts, present, kinds), profile


def _evidence(places: list[int], texts: Sequence[str | None]) -> Evidence:
    examples = tuple(dict.fromkeys(text for i in places if (text := texts[i]) is not None))[:3]
    return Evidence(len(places), "a.csv", places[0] + 1, examples)


def _statistics(name: str, texts: Sequence[str | None], present: list[str], kinds: Counter[str]) -> FeatureStatistics:
    counts: dict[str, Any] = {
        "name": name,
        "num_present": len(present),
        "num_missing": kinds["missing"],
        "completeness": len(present) / len(texts),
    }
    if not present:
        return FeatureStatistics(inferred_type="Unknown", string=StringStatistics(0.0, None), **counts)
    if kinds["string"] or kinds["boolean"]:
        buckets = tuple(Counter(NULL_VALUE if text is None else text for text in texts).items())
        string = StringStatistics(float(len(set(present))), buckets)
        return FeatureStatistics(inferred_type="String", string=string, **counts)
    inferred = "Fractional" if kinds["fractional"] else "Integral"
    return FeatureStatistics(inferred_type=inferred, numerical=numbers([float(t) for t in present]), **counts)


def numbers(values: Sequence[float], levels: Sequence[Sequence[float]] | None = None) -> NumericalStatistics:
    low, high = min(values), max(values)
    bounds = [low + (high - low) * i / 10.0 for i in range(11)]
    inside = [sum(low <= v < high for v in values) for low, high in pairwise(bounds)]
    inside[-1] = sum(bounds[9] <= v <= bounds[10] for v in values)
    return NumericalStatistics(
        mean=math.fsum(values) / len(values),
        sum=math.fsum(values),
        std_dev=float(np.std(values)),
        min=low,
        max=high,
        buckets=tuple(Bucket(bounds[i], bounds[i + 1], float(inside[i])) for i in range(10)),
        sketch=Sketch(tuple(np.array(level, dtype=np.float64) for level in levels or [values])),
        approximate_num_distinct_values=len(set(values)),
    )


def analysis(rows: int, *columns: tuple[FeatureStatistics, FeatureProfile]) -> Analysis:
    features, profiles = zip(*columns, strict=True)
    return Analysis(Statistics(rows, features), profiles)


def plain(value: Any) -> Any:
    """Make a document comparable: NumPy arrays, which refuse ==, become lists, dataclasses tuples of their fields."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if hasattr(value, "__dataclass_fields__"):
        return type(value).__name__, *(plain(getattr(value, field)) for field in value.__dataclass_fields__)
    return value
