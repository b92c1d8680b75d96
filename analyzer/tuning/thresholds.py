"""Scores of windows that count as normal to limits that all checks of a window together exceed at a wanted rate.

Scores of one check and feature are put on a common scale: how many of their own spreads above their usual value. A
window alarms when its worst score does, so the limit is a quantile of the worst; all checks get it in their own unit.
That is the single-step max-T procedure of Westfall and Young (1993): it corrects for the number of checks, like
Bonferroni's and Sidak's, but knows which of them move together (docs/decisions/threshold-tuning.md).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.tuning.rates import Way, limit_for
from analyzer.tuning.scores import CHECKS, DRIFT, Scores, Yardstick, exceeded

Floats = NDArray[np.float64]
LEAST_P = 1e-16
"""Doubles tell 1 - p from 1 down to here."""
CROSSED = 10
"""Parts that few windows are cut into, each scaled by the others."""
MANY = 1000
"""Windows from which on the part of one of them in what is usual is of no account."""
FOLDS = 5
LIVE_SHARE = 0.5
"""Windows in which a drift check has to be made for its threshold to be tuned."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """Limits by check and feature, how they were found, and which of them were."""

    limits: Mapping[str, Floats]
    way: Way
    live: Mapping[str, NDArray[np.bool_]]

    @property
    def checks(self) -> int:
        return sum(int(live.sum()) for live in self.live.values())


def alarms_of(scores: Scores, limits: Mapping[str, Floats]) -> NDArray[np.bool_]:
    """Say of each window whether any check is violated."""
    found = exceeded(scores, limits)
    return np.asarray(np.any([each.any(axis=1) for each in found.values()], axis=0) | scores.misshapen)


def live_checks(
    scores: Scores, limits: Mapping[str, Floats], drawn: Scores | None = None
) -> dict[str, NDArray[np.bool_]]:
    """Say which checks have a threshold to be tuned.

    Of drift, those that are made and vary. A requirement on types, completeness or values is touched only where it
    fails now and then: what never fails is no false alarm, and what always fails is no chance.
    """
    found, live = exceeded(scores, limits), {}
    for check in CHECKS:
        values = (drawn or scores).by_check[check]
        share = found[check].sum(0), (~np.isnan(scores.by_check[check])).sum(0)
        varies = _spread(values) > 0
        if check == DRIFT:
            live[check] = varies & ((~np.isnan(values)).mean(0) >= LIVE_SHARE)
        else:
            live[check] = (share[0] > 0) & (share[0] < share[1]) & ~np.isnan(limits[check])
    return live


def _spread(values: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without a single score
        return np.asarray(np.nan_to_num(np.nanmax(values, axis=0) - np.nanmin(values, axis=0)))


def failing_always(scores: Scores, limits: Mapping[str, Floats]) -> dict[str, NDArray[np.bool_]]:
    """Say which checks fail in every window in which they are made: no threshold cures that, a new baseline does."""
    found = exceeded(scores, limits)
    made = {check: ~np.isnan(scores.by_check[check]) for check in CHECKS}
    return {check: (found[check].sum(0) == made[check].sum(0)) & made[check].any(0) for check in CHECKS}


def tune_limits(
    scores: Scores, limits: Mapping[str, Floats], yardsticks: Sequence[Yardstick],
    live: Mapping[str, NDArray[np.bool_]], rate: float,
) -> Tuned:  # fmt: skip
    """Find the limits at which a window alarms by chance at `rate`; checks that are not live keep theirs.

    Requirements are never made stricter than they are; distances may get a lower threshold as well as a higher one.
    """
    columns = [(check, int(i)) for check in CHECKS for i in np.flatnonzero(live[check])]
    usable = ~scores.misshapen
    if not columns or not usable.any():
        return Tuned(limits, "observed", live)
    rows = scores.rows[usable]
    stretched = [_stretched(scores.by_check[check][usable, i], check, yardsticks[i]) for check, i in columns]
    worst = _worst(stretched, rows, [check for check, _ in columns])
    at, way = limit_for(worst[np.isfinite(worst)], rate)
    proposed = {check: values.copy() for check, values in limits.items()}
    for (check, i), values in zip(columns, stretched, strict=True):
        scale = _scale_of(values, rows, check)
        proposed[check][i] = _limit(scale.usual + at * scale.spread, limits[check][i], check, yardsticks[i])
    return Tuned(proposed, way, live)


def _worst(stretched: Sequence[Floats], rows: NDArray[np.int64], checks: Sequence[str]) -> Floats:
    """Give the worst score of every window on the common scale.

    Where windows are few, each is scaled by what is usual among the others: by itself it would look too usual.
    """
    count = len(rows)
    folds = min(CROSSED, count) if count < MANY else 1
    worst = np.full(count, -np.inf)
    for fold in np.array_split(np.arange(count), folds):
        others = np.setdiff1d(np.arange(count), fold) if folds > 1 else fold
        for values, check in zip(stretched, checks, strict=True):
            scale = _scale_of(values[others], rows[others], check)
            np.fmax(worst[fold], (values[fold] - scale.usual) / scale.spread, out=worst[fold.min() : fold.max() + 1])
    return worst


@dataclass(frozen=True, slots=True)
class _Scale:
    usual: float
    spread: float


def _scale_of(values: Floats, rows: NDArray[np.int64], check: str) -> _Scale:
    """Tell the usual value and the spread above it; of shares no less than rows drawn at random would give."""
    known = values[~np.isnan(values)]
    if not known.size:
        return _Scale(0.0, 1.0)
    if check == DRIFT:
        usual = float(np.median(known))
        above = known[known > usual]
        spread = float(np.sqrt(((above - usual) ** 2).mean())) if above.size else float(known.std())
    else:
        usual, size = float(known.mean()), max(1.0, float(np.median(rows)))
        share = min(1.0, max(0.0, -usual))
        by_chance = float(np.sqrt(share * (1 - share) / size + 1 / size**2))
        spread = max(float(known.std()), by_chance)
    return _Scale(usual, spread or 1.0)


def _stretched(values: Floats, check: str, yardstick: Yardstick) -> Floats:
    return _unbounded(values, yardstick) if check == DRIFT else values


def _unbounded(values: Floats, yardstick: Yardstick) -> Floats:
    """Stretch 1 - p, which crowds below 1, to -ln p."""
    return -np.log(np.maximum(1 - values, LEAST_P)) if yardstick.is_p_value else values


def _limit(scaled: float, now: float, check: str, yardstick: Yardstick) -> float:
    if check != DRIFT:
        return min(0.0, max(scaled, now))
    return max(0.0, float(-np.expm1(-scaled)) if yardstick.is_p_value else scaled)


def held_out_alarms(
    scores: Scores, limits: Mapping[str, Floats], yardsticks: Sequence[Yardstick], rate: float
) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.bool_]]]:
    """Judge every window by limits from the others: fifths of the time, one left out after the other.

    Fifths are consecutive, for windows beside each other are alike. Gives alarms by window, and violations by check.
    """
    count = len(scores.rows)
    alarms = np.zeros(count, dtype=np.bool_)
    violations = {check: np.zeros_like(scores.by_check[check], dtype=np.bool_) for check in CHECKS}
    for fold in np.array_split(np.arange(count), FOLDS):
        kept = np.setdiff1d(np.arange(count), fold)
        others = part_of(scores, kept)
        found = tune_limits(others, limits, yardsticks, live_checks(others, limits), rate).limits
        left_out = part_of(scores, fold)
        alarms[fold] = alarms_of(left_out, found)
        for check, each in exceeded(left_out, found).items():
            violations[check][fold] = each
    return alarms, violations


def part_of(scores: Scores, which: NDArray[np.int64] | NDArray[np.bool_]) -> Scores:
    by_check = {check: values[which] for check, values in scores.by_check.items()}
    return Scores(scores.rows[which], scores.misshapen[which], by_check)
