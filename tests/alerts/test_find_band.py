"""Bands: they follow hours and days, outliers and gaps hardly move them, and false alarms are as rare as said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analyzer.alerts.find_band import expect

START = datetime(2026, 10, 5, tzinfo=UTC)
"""A Monday."""


def hours(days: int) -> list[datetime]:
    return [START + timedelta(hours=at) for at in range(24 * days)]


def seasonal(times: list[datetime], spread: float = 1.0, seed: int = 1) -> list[float]:
    """Low at night, high at noon; low on Saturday and Sunday; noise."""
    noise = np.random.default_rng(seed).normal(0, spread, len(times))
    wave = [20 * np.sin(np.pi * each.hour / 24) - (15 if each.weekday() > 4 else 0) for each in times]
    return [100 + float(a + b) for a, b in zip(wave, noise, strict=True)]


def test_a_band_follows_the_hour_of_the_day_and_the_day_of_the_week():
    times = hours(28)
    found = expect(times, seasonal(times), "auto")
    noon, night = START + timedelta(days=28, hours=12), START + timedelta(days=28)
    saturday = START + timedelta(days=33, hours=12)
    assert found.band(noon, 3, 0).middle == pytest.approx(120, abs=1)
    assert found.band(night, 3, 0).middle == pytest.approx(100, abs=1)
    assert found.band(saturday, 3, 0).middle == pytest.approx(105, abs=1)
    assert found.band(noon, 3, 0).high - found.band(noon, 3, 0).low == pytest.approx(6, rel=0.15)


def test_noise_alone_has_no_season():
    times = hours(14)
    values = list(np.random.default_rng(3).normal(5, 1, len(times)))
    found = expect(times, values, "auto")
    assert not found.hours.any()
    assert not found.days.any()


def test_past_alarms_and_gaps_hardly_move_the_band():
    times = hours(28)
    values = seasonal(times)
    clean = expect(times, values, "auto").band(START + timedelta(days=28, hours=12), 3, 0)
    kept = [at for at in range(len(times)) if at % 7]
    spoilt = [values[at] + (500 if at % 11 == 0 else 0) for at in kept]
    found = expect([times[at] for at in kept], spoilt, "auto").band(START + timedelta(days=28, hours=12), 3, 0)
    assert found.middle == pytest.approx(clean.middle, abs=1)
    assert found.high - found.low < 1.6 * (clean.high - clean.low)


@pytest.mark.parametrize("season", ["none", "hour-of-day", "auto"])
def test_false_alarms_of_three_deviations_are_rare(season):
    """0.27 % of normal values lie outside; what is estimated from 14 days makes it a little more."""
    outside = total = 0
    for seed in range(60):
        times = hours(15)
        draw = np.random.default_rng(seed).normal(0, 1, len(times))
        learned = 24 * 14
        found = expect(times[:learned], list(draw[:learned]), season)
        for time, value in zip(times[learned:], draw[learned:], strict=True):
            band = found.band(time, 3, 0)
            outside += not band.low <= value <= band.high
            total += 1
    assert outside / total < 0.015


def test_what_never_changed_has_a_band_of_its_least_width():
    times = hours(3)
    found = expect(times, [1.0] * len(times), "auto")
    assert found.band(times[0], 3, 0.01) == pytest.approx((0.99, 1.0, 1.01))
    low, middle, high = found.band(times[0], 3, 0)
    assert low < middle < high
    assert high - low < 1e-9


def test_a_few_other_values_still_count_where_most_are_alike():
    times = hours(4)
    values = [1.0 if at % 5 else 0.9 for at in range(len(times))]
    band = expect(times, values, "none").band(times[0], 3, 0)
    assert band.low < 0.95


def test_a_season_that_is_hardly_known_is_not_used():
    times = hours(2)
    assert not expect(times, seasonal(times), "hour-of-day").hours.any()
    assert expect([START], [4.0], "auto").band(START, 3, 1) == (3.0, 4.0, 5.0)
