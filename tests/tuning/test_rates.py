"""Intervals and quantiles against SciPy's, and the promise that they are for: a wanted rate is kept on new windows."""

from __future__ import annotations

import math
from itertools import starmap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.tuning.rates import Rate, extreme_quantile, interval_of, limit_for, sidak

stats = pytest.importorskip("scipy.stats")


@settings(max_examples=50)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_are_those_of_clopper_and_pearson(case):
    hits, trials = case
    exact = stats.binomtest(hits, trials).proportion_ci(0.95, "exact")
    assert interval_of(hits, trials) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_no_windows_say_nothing_about_a_rate():
    assert interval_of(0, 0) == (0.0, 1.0)
    assert math.isnan(Rate(0, 0).value)
    assert Rate(0, 0).to_dict()["rate"] is None


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.1, 0.25])
def test_the_tail_is_that_of_the_distribution_that_the_maxima_are_from(shape):
    law = stats.genextreme(shape, 3, 2)
    sample = law.rvs(20_000, random_state=3)
    for share in (0.9, 0.99, 0.999):
        assert extreme_quantile(sample, share) == pytest.approx(law.ppf(share), rel=0.05)


def test_equal_maxima_have_no_tail():
    assert extreme_quantile(np.full(60, 2.5), 0.99) == 2.5


@pytest.mark.parametrize(("count", "way"), [(1200, "observed"), (60, "tail")])
def test_the_limit_is_exceeded_at_the_wanted_rate(count, way):
    random = np.random.default_rng(9)
    rates = []
    for _ in range(200):
        worst = random.normal(size=(count, 40)).max(axis=1)
        limit, found = limit_for(worst, 0.01)
        assert found == way
        rates.append(1 - stats.norm.cdf(limit) ** 40)
    assert np.mean(rates) == pytest.approx(0.01, abs=0.004)


def test_sidak_shares_a_rate_out():
    for rate, checks in [(0.01, 50), (0.05, 1)]:
        assert 1 - (1 - sidak(rate, checks)) ** checks == pytest.approx(rate)
    assert list(starmap(sidak, [(0.1, 0)])) == [0.1]


def test_a_rate_holds_where_it_lies_in_the_interval():
    assert Rate(2, 200).holds(0.01)
    assert not Rate(9, 200).holds(0.01)
