"""How often something happens by chance: quantiles of the worst score of a window, and intervals of observed rates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Way = Literal["observed", "tail", "resampled"]
OFTEN = 10
"""Windows beyond the wanted quantile from which on that quantile is read off; below, the tail is fitted."""
FEWEST = 50
"""Windows from which a tail can be fitted; with fewer, windows are drawn from the rows of those there are."""
CONFIDENCE = 0.95
EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many windows, with the 95 % interval of what is behind it."""

    alarms: int
    windows: int

    @property
    def value(self) -> float:
        return self.alarms / self.windows if self.windows else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        return interval_of(self.alarms, self.windows)

    def holds(self, rate: float) -> bool:
        """Say whether a promised rate lies in the interval."""
        low, high = self.interval
        return low <= rate <= high

    def to_dict(self) -> dict[str, float | int | None]:
        low, high = self.interval
        return {
            "alarms": self.alarms, "windows": self.windows,
            "rate": self.value if self.windows else None, "low": low, "high": high,
        }  # fmt: skip


def interval_of(hits: int, trials: int) -> tuple[float, float]:
    """Give the exact interval of a binomial rate (Clopper and Pearson 1934); 0 to 1 without trials."""
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if not hits else _root(lambda p: 1 - at_most(hits - 1, trials, p) - tail)
    high = 1.0 if hits >= trials else _root(lambda p: tail - at_most(hits, trials, p))
    return low, high


def at_most(hits: int, trials: int, p: float) -> float:
    """Give the chance of at most so many hits."""
    if p <= 0:
        return 1.0
    if p >= 1:
        return float(hits >= trials)
    logs = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(p) + (trials - k) * math.log1p(-p)
        for k in range(hits + 1)
    )  # fmt: skip
    return min(1.0, math.fsum(map(math.exp, logs)))


def _root(rising: Callable[[float], float]) -> float:
    """Find where a rising function of a probability is 0."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def limit_for(worst: Floats, rate: float) -> tuple[float, Way]:
    """Find what the worst score of a window exceeds at this rate, and say how it was found.

    With ten windows or more beyond it, it is the order statistic that a further window of the same kind exceeds at no
    more than `rate` (split conformal prediction: Vovk 2005). With fewer it is the quantile of an extreme-value
    distribution: the worst of many scores is a maximum, and its tail is smoother than a handful of windows.
    """
    count = len(worst)
    if count * rate >= OFTEN:
        return float(np.sort(worst)[min(count, math.ceil((count + 1) * (1 - rate))) - 1]), "observed"
    return extreme_quantile(worst, 1 - rate), "tail"


def extreme_quantile(maxima: Floats, share: float) -> float:
    """Fit a generalised extreme-value distribution by L-moments (Hosking, Wallis, Wood 1985) and give its quantile."""
    ordered = np.sort(maxima)
    count = len(ordered)
    ranks = np.arange(count)
    b0, b1 = ordered.mean(), float((ranks * ordered).sum() / (count * (count - 1)))
    b2 = float((ranks * (ranks - 1) * ordered).sum() / (count * (count - 1) * (count - 2)))
    mean, spread, skew = float(b0), 2 * b1 - float(b0), 6 * b2 - 6 * b1 + float(b0)
    if spread <= 0:
        return float(ordered[-1])
    c = 2 / (3 + skew / spread) - math.log(2) / math.log(3)
    shape: float = 7.859 * c + 2.9554 * c * c
    unlikely = -math.log(share)
    if abs(shape) < 1e-6:  # the limit: Gumbel's distribution
        scale = spread / math.log(2)
        return mean - EULER * scale - scale * math.log(unlikely)
    gamma = math.gamma(1 + shape)
    scale = spread * shape / ((1 - math.exp(-shape * math.log(2))) * gamma)
    return mean - scale * (1 - gamma) / shape + scale * (1 - math.exp(shape * math.log(unlikely))) / shape


def sidak(rate: float, checks: int) -> float:
    """Give the rate of each of so many independent checks at which all of them keep to `rate` (Sidak 1967)."""
    return -math.expm1(math.log1p(-rate) / checks) if checks else rate
