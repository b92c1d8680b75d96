"""What changed, when, and what is likely to be behind it: features ranked by drift x attribution x quality change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from analyzer.dashboard.collect import Model, Schedule, Series, subject_of

RECENT = 24
"""Executions at the end of a schedule in which something must have been wrong to be looked at."""
GAP = 2
"""Good executions in a row that do not yet end what was wrong."""
LEAST_ALLOWED = 0.05
"""Shares that may fall short by less are taken as if they might by this much: ratios stay within reason."""
MOST = 10.0
"""Largest factor that a ratio or a change of quality is."""
AROUND = 24
"""Executions before and after a change between which quality is compared."""
LEAST_SPREAD = 0.01
"""Quality that hardly varied is taken to vary by this share of itself."""
OF_QUALITY = ("auc", "f1", "weighted_f1", "accuracy", "rmse", "mae", "mse", "r2")
"""Figures of which the first that a model has tells its quality."""
LOWER_IS_BETTER = frozenset({"rmse", "mae", "mse"})
SHARE = "attribution_share"
Quality = tuple[Schedule, Series]


class Spell(NamedTuple):
    """A time in which a figure was on the wrong side: places of its first and last execution, and by how much."""

    first: int
    last: int
    ratio: float
    ongoing: bool


@dataclass(frozen=True, slots=True)
class Change:
    """How the quality of the model changed with a cause: medians before and after, and how unusual that is."""

    metric: str
    before: float
    after: float
    factor: float


@dataclass(frozen=True, slots=True)
class Cause:
    """A feature that went wrong: since when, by how many times what is allowed, and what speaks for it."""

    feature: str
    schedule: str
    since: str
    until: str | None
    ratio: float
    what: str
    share: float | None
    importance: float
    change: Change | None

    @property
    def score(self) -> float:
        return self.ratio * self.importance * (self.change.factor if self.change else 1.0)


@dataclass(frozen=True, slots=True)
class Group:
    """Features that went wrong at the same hour, worst first, and what else of the model did."""

    since: str
    causes: tuple[Cause, ...]
    others: tuple[str, ...]

    @property
    def score(self) -> float:
        return max(cause.score for cause in self.causes)


def rank_causes(model: Model) -> list[Group]:
    """Group what went wrong lately by the hour in which it began; groups and their features come worst first.

    Drift is how many times the threshold the distance was (median of the time it lasted); shares of bad rows are
    compared with the share that is allowed. Attribution is the feature's share of all, as a multiple of the average
    share; 1 where none is known. Quality change is 1 + how many robust standard deviations quality was worse after
    the change than before; 1 where there are no labels.
    """
    shares, quality = _shares(model), _quality(model)
    causes: dict[str, list[Cause]] = {}
    others: dict[str, list[str]] = {}
    for schedule in model.schedules:
        for feature, spells in _spells_by_feature(schedule).items():
            cause = _cause(schedule, feature, spells, shares, quality)
            causes.setdefault(cause.since, []).append(cause)
        for since, told in _other_changes(schedule):
            others.setdefault(since, []).append(told)
    groups = [
        Group(since, tuple(sorted(some, key=lambda each: -each.score)), tuple(dict.fromkeys(others.get(since, ()))))
        for since, some in causes.items()
    ]
    return sorted(groups, key=lambda group: (-group.score, group.since))


def _cause(
    schedule: Schedule, feature: str, spells: Mapping[str, Spell], shares: Mapping[str, float], quality: Quality | None
) -> Cause:
    spell = max(spells.values(), key=lambda each: (each.ongoing, each.ratio))
    since = schedule.executions[spell.first].time
    share = shares.get(feature)
    return Cause(
        feature,
        schedule.name,
        since,
        None if spell.ongoing else schedule.executions[spell.last].time,
        max(each.ratio for each in spells.values()),
        ", ".join(spells),
        share,
        1.0 if share is None else share * len(shares),
        None if quality is None else _change(*quality, since),
    )


def _shares(model: Model) -> dict[str, float]:
    """Give the latest share of all attribution that each feature has, the largest of all labels."""
    latest: dict[str, tuple[str, float]] = {}
    for schedule in model.schedules:
        for series in schedule.series:
            if series.metric == SHARE:
                point = series.points[-1]
                told = (schedule.executions[point.at].time, point.value)
                latest[series.feature] = max(latest.get(series.feature, told), told)
    return {feature: share for feature, (_, share) in latest.items()}


# --- what went wrong --------------------------------------------------------------------------------------------------


def _spells_by_feature(schedule: Schedule) -> dict[str, dict[str, Spell]]:
    """Find what is, or lately was, wrong with each column, by metric or check."""
    found: dict[str, dict[str, Spell]] = {}
    size = len(schedule.executions)
    measured = set()
    for series in schedule.series:
        if series.dimension == "data_quality":
            spell = _spell(_ratios(series), size)
            if spell:
                found.setdefault(series.feature, {})[series.metric] = spell
                measured.add(series.feature)
    columns = {series.feature for series in schedule.series if series.dimension == "data_quality"} - measured
    for (feature, check), places in schedule.violations.items():
        spell = _spell(dict.fromkeys(places, 1.0), size)
        if spell and feature in columns:
            found.setdefault(feature, {})[check.removesuffix("_check").replace("_", " ")] = spell
    return found


def _ratios(series: Series) -> dict[int, float]:
    """Give, for executions in which a figure was on the wrong side, by how many times what is allowed."""
    found = {}
    for point in series.points:
        if point.threshold is not None and series.worse:
            ratio = ratio_of(point.value, point.threshold, series.worse)
            if ratio > 1:
                found[point.at] = min(MOST, ratio)
    return found


def ratio_of(value: float, threshold: float, worse: str) -> float:
    """Say how many times what is allowed a figure is; above 1 it is on the wrong side of its threshold."""
    if worse == "lower":
        if value >= threshold:
            return 0.0
        return 1 + (threshold - value) / max(1 - threshold, LEAST_ALLOWED)
    value, threshold = (abs(value), abs(threshold)) if worse == "away from 0" else (value, threshold)
    if value <= threshold:
        return 0.0
    return value / threshold if threshold > 0 else MOST


def _spell(ratios: Mapping[int, float], size: int) -> Spell | None:
    """Find the last time in which something was wrong without a longer break, unless that is long ago."""
    places = sorted(ratios)
    if not places or places[-1] < size - RECENT:
        return None
    first = places[-1]
    for place in reversed(places):
        if first - place > GAP + 1:
            break
        first = place
    within = [ratios[place] for place in places if place >= first]
    return Spell(first, places[-1], median(within), ongoing=places[-1] >= size - 1 - GAP)


def _other_changes(schedule: Schedule) -> Iterator[tuple[str, str]]:
    """Tell what of quality, bias and attributions went wrong, and since when."""
    for series in schedule.series:
        if series.dimension != "data_quality":
            spell = _spell(_ratios(series), len(schedule.executions))
            if spell:
                what = subject_of(series.feature, series.part, series.metric)
                yield schedule.executions[spell.first].time, f"{series.metric} of {what}" if series.feature else what


# --- quality ----------------------------------------------------------------------------------------------------------


def _quality(model: Model) -> Quality | None:
    """Find the figure that tells the quality of a model."""
    for metric in OF_QUALITY:
        for schedule in model.schedules:
            for series in schedule.series:
                if series.dimension == "model_quality" and series.metric == metric:
                    return schedule, series
    return None


def _change(schedule: Schedule, series: Series, since: str) -> Change | None:
    timed = [(schedule.executions[point.at].time, point.value) for point in series.points]
    before = [value for time, value in timed if time < since][-AROUND:]
    after = [value for time, value in timed if time >= since][:AROUND]
    if not before or not after:
        return None
    was, now = median(before), median(after)
    worse = now - was if series.metric in LOWER_IS_BETTER else was - now
    spread = max(_deviation(before, was), LEAST_SPREAD * abs(was))
    factor = 1 + min(MOST, max(0.0, worse / spread)) if spread else 1.0
    return Change(series.metric, was, now, factor)


def _deviation(values: Sequence[float], middle: float) -> float:
    """Estimate the standard deviation by the median of absolute deviations (Rousseeuw and Croux 1993)."""
    return 1.4826 * median(abs(value - middle) for value in values)
