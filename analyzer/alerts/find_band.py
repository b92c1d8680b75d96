"""Values of the past to the band in which the next ones are expected, by hour of the day and day of the week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Season = Literal["auto", "hour-of-day", "day-of-week", "none"]
SEASONS: tuple[Season, ...] = ("auto", "hour-of-day", "day-of-week", "none")
LEAST_OF_SEASON = 3
"""Values that each hour, or each day of the week, must have before it is told from the others."""
LEAST_GAIN = 0.8
"""With `auto`, a season is kept where residuals shrink to less than this share: noise alone shrinks them a little."""
SWEEPS = 4
TO_DEVIATION = 1.4826
"""From the median of absolute deviations to a standard deviation, for normal data (Rousseeuw and Croux 1993)."""
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class Band(NamedTuple):
    """Bounds of what is expected, and the middle."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Expectation:
    """What past values say: a level, an effect of each hour and of each day of the week, and how far values stray."""

    level: float
    hours: Floats
    days: Floats
    deviation: float

    def band(self, time: datetime, width: float, least_width: float) -> Band:
        """Give the band at a time: so many robust standard deviations to each side, and at least `least_width`."""
        here = time.astimezone(UTC)
        middle = self.level + float(self.hours[here.hour]) + float(self.days[here.weekday()])
        half = max(width * self.deviation, least_width, 1e-12 * abs(middle))
        return Band(middle - half, middle, middle + half)


def expect(times: Sequence[datetime], values: Sequence[float], season: Season) -> Expectation:
    """Learn from past values, at least one, by median polish: effects are medians, taken in turn.

    Outliers, gaps and past alarms hardly move medians. Source: Tukey, Exploratory Data Analysis (1977), chapter 11.
    """
    found = np.asarray(values, dtype=np.float64)
    here = [time.astimezone(UTC) for time in times]
    hours = np.array([time.hour for time in here])
    days = np.array([time.weekday() for time in here])
    best = _polish(found, None, None, hours, days)
    for wanted in _tried(season):
        by_hour, by_day = (hours if "hour" in wanted else None), (days if "day" in wanted else None)
        if not _is_known(by_hour, 24) or not _is_known(by_day, 7):
            continue
        polished = _polish(found, by_hour, by_day, hours, days)
        if season != "auto" or polished.deviation < LEAST_GAIN * best.deviation:
            best = polished
    return best


def _tried(season: Season) -> tuple[tuple[str, ...], ...]:
    """List seasons to be tried, the simplest first."""
    if season == "auto":
        return (("hour",), ("day",), ("hour", "day"))
    return {"hour-of-day": (("hour",),), "day-of-week": (("day",),)}.get(season, ())


def _is_known(keys: Whole | None, size: int) -> bool:
    """Tell whether there are enough values of each hour or day that occurs, and more than one of these."""
    if keys is None:
        return True
    counts = np.bincount(keys, minlength=size)
    met = counts[counts > 0]
    return len(met) > 1 and int(np.median(met)) >= LEAST_OF_SEASON


def _polish(values: Floats, by_hour: Whole | None, by_day: Whole | None, hours: Whole, days: Whole) -> Expectation:
    level = float(np.median(values))
    effects = {"hour": np.zeros(24), "day": np.zeros(7)}
    for _ in range(SWEEPS):
        for name, keys, other in (("hour", by_hour, effects["day"][days]), ("day", by_day, effects["hour"][hours])):
            if keys is not None:
                effects[name] = _medians(values - level - other, keys, len(effects[name]))
        level += float(np.median(values - level - effects["hour"][hours] - effects["day"][days]))
    rest = values - level - effects["hour"][hours] - effects["day"][days]
    learned = sum(len(np.unique(keys)) for keys in (by_hour, by_day) if keys is not None)
    return Expectation(level, effects["hour"], effects["day"], _deviation(rest, learned))


def _medians(values: Floats, keys: Whole, size: int) -> Floats:
    found = np.zeros(size)
    for key in np.unique(keys):
        found[key] = np.median(values[keys == key])
    return found


def _deviation(rest: Floats, learned: int) -> float:
    """Estimate how far values stray, corrected for the effects that were learned from the same values."""
    typical = TO_DEVIATION * float(np.median(np.abs(rest)))
    if typical == 0.0:  # more than half are alike: what the others do still counts
        typical = float(np.mean(np.abs(rest))) * 1.2533
    size = len(rest)
    return typical * float(np.sqrt(size / max(1, size - 1 - learned))) if size > 1 else typical
