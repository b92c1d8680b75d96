"""How values of a column are spread now and in the baseline, on one scale, from statistics.json alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.report.wording import number

BINS = 20
MOST_CATEGORIES = 8
TAIL = 0.005
"""Share of values at each end that may be gathered in one open bin, so that one outlier does not flatten the rest."""
FAR = 1.5
"""The end bins are opened only where the whole range is so many times that of the bulk."""
Doubles = NDArray[np.float64]


class Weighted(NamedTuple):
    """Values in order, and the share of all values up to and including each."""

    values: Doubles
    cumulated: Doubles

    def below(self, edges: Doubles) -> Doubles:
        """Give the share of values below each edge."""
        if not self.values.size:
            return np.zeros(len(edges))
        at = np.searchsorted(self.values, edges, side="left")
        return np.where(at > 0, self.cumulated[np.maximum(at - 1, 0)], 0.0)

    def quantile(self, q: float) -> float:
        at = int(np.searchsorted(self.cumulated, q, side="left"))
        return float(self.values[min(at, len(self.values) - 1)])


class Histogram(NamedTuple):
    """Shares by bin; the first and last bins also hold what lies beyond where they are open."""

    edges: list[float]
    current: list[float]
    baseline: list[float] | None
    open_below: bool
    open_above: bool


class Category(NamedTuple):
    """A value's share; None: there is no baseline. `others` is how many values were put together, if any."""

    value: str
    current: float
    baseline: float | None
    others: int = 0


def histogram(current: Mapping[str, Any], baseline: Mapping[str, Any] | None) -> Histogram | None:
    """Put the sketches of two numeric blocks into the same bins; None where the current one holds no values."""
    now = _weighted(current)
    before = _weighted(baseline) if baseline else None
    if now is None:
        return None
    both = [each for each in (now, before) if each]
    whole = bool(_is_whole(current) and (baseline is None or _is_whole(baseline)))
    edges, low, high = _edges(both, whole=whole)
    return Histogram(
        edges.tolist(), _shares(now, edges), _shares(before, edges) if before else None, open_below=low, open_above=high
    )


def _weighted(block: Mapping[str, Any]) -> Weighted | None:
    kll = (block.get("distribution") or {}).get("kll") or {}
    levels = [np.asarray(level, np.float64) for level in (kll.get("sketch") or {}).get("data") or ()]
    if any(level.size for level in levels):
        values = np.concatenate(levels)
        weights = np.repeat([2.0**i for i in range(len(levels))], [level.size for level in levels])
    else:
        values, weights = _midpoints(kll.get("buckets") or ())
    keep = np.isfinite(values)
    values, weights = values[keep], weights[keep]
    if not weights.sum():
        return None
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order])
    return Weighted(values[order], cumulated / cumulated[-1])


def _midpoints(buckets: Sequence[Mapping[str, Any]]) -> tuple[Doubles, Doubles]:
    """Stand in for a sketch, which old files lack, by buckets: each count spread evenly."""
    parts = [np.linspace(each["lower_bound"], each["upper_bound"], 12)[1:-1] for each in buckets]
    weights = [np.full(10, float(each["count"]) / 10) for each in buckets]
    return (np.concatenate(parts), np.concatenate(weights)) if parts else (np.zeros(0), np.zeros(0))


def _is_whole(block: Mapping[str, Any]) -> bool:
    low, high, total = (number(block.get(name)) for name in ("min", "max", "sum"))
    return all(value is not None and float(value).is_integer() for value in (low, high, total))


def _edges(spreads: Sequence[Weighted], *, whole: bool) -> tuple[Doubles, bool, bool]:
    low, high = min(float(each.values[0]) for each in spreads), max(float(each.values[-1]) for each in spreads)
    if whole and high - low < BINS and all(_only_whole(each.values) for each in spreads):
        return np.arange(low - 0.5, high + 1), False, False
    inner_low = min(each.quantile(TAIL) for each in spreads)
    inner_high = max(each.quantile(1 - TAIL) for each in spreads)
    room = max(inner_high - inner_low, np.finfo(np.float64).tiny)
    below, above = (inner_low - low) > FAR * room, (high - inner_high) > FAR * room
    low, high = inner_low if below else low, inner_high if above else high
    if low == high:
        low, high = low - 0.5, high + 0.5
    steps = np.arange(BINS + 1) / BINS  # linspace would overflow where the range is the whole of the doubles
    return low * (1 - steps) + high * steps, below, above


def _only_whole(values: Doubles) -> bool:
    return bool((values == np.rint(values)).all())


def _shares(spread: Weighted, edges: Doubles) -> list[float]:
    below = spread.below(edges)
    below[0], below[-1] = 0.0, 1.0
    shares: list[float] = np.diff(below).tolist()
    return shares


def categories(
    current: Sequence[Mapping[str, Any]] | None, baseline: Sequence[Mapping[str, Any]] | None
) -> list[Category]:
    """Line up the buckets of two string columns, most frequent first, the rest put together."""
    now, before = _counted(current), _counted(baseline)
    rows, rows_before = sum(now.values()) or 1, sum(before.values()) or 1
    values = list(dict.fromkeys((*now, *before)))
    found = [
        Category(value, now.get(value, 0) / rows, before.get(value, 0) / rows_before if baseline else None)
        for value in values
    ]
    found.sort(key=lambda each: -max(each.current, each.baseline or 0.0))
    if len(found) <= MOST_CATEGORIES + 1:
        return found
    rest = found[MOST_CATEGORIES:]
    others = sum(each.baseline or 0.0 for each in rest) if baseline else None
    return [*found[:MOST_CATEGORIES], Category("", sum(each.current for each in rest), others, len(rest))]


def _counted(buckets: Sequence[Mapping[str, Any]] | None) -> dict[str, float]:
    counts: dict[str, float] = {}
    for each in buckets or ():
        counts[each["value"]] = counts.get(each["value"], 0) + each["count"]
    return counts
