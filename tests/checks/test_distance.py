from __future__ import annotations

import importlib.util
import time
from collections import Counter
from typing import Any

import numpy as np
import pytest
from cases import SHARED
from hypothesis import given
from hypothesis import strategies as st

from analyzer.checks.distance import Gap, categorical_gap, chi_squared, chi_squared_survival, numeric_gaps
from analyzer.documents import Sketch

ORACLE = SHARED / "reference" / "oracle.py"


@pytest.fixture(scope="module")
def oracle() -> Any:
    if not ORACLE.exists():
        pytest.skip("the reference model is not beside the checkout")
    spec = importlib.util.spec_from_file_location("oracle", ORACLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sketch(*levels: list[float]) -> Sketch:
    return Sketch(tuple(np.array(level, dtype=np.float64) for level in levels))


def weighted(levels: list[list[float]]) -> list[tuple[float, int]]:
    return [(value, 2**height) for height, level in enumerate(levels) for value in level]


values = st.one_of(st.integers(-3, 3).map(float), st.floats(-10, 10), st.just(-0.0))
all_levels = st.lists(st.lists(values, max_size=30), min_size=1, max_size=4).filter(any)


def test_the_distance_of_the_original_is_the_reference_s_bit_for_bit(oracle):
    @given(all_levels, all_levels)
    def law(baseline, current):
        gap, _ = numeric_gaps(sketch(*baseline), sketch(*current))
        assert gap.size == oracle.numeric_distance(weighted(baseline), weighted(current), robust=False)
        assert gap.robust() == oracle.numeric_distance(weighted(baseline), weighted(current), robust=True)

    law()


def test_large_sketches_equal_the_reference_too(oracle):
    random = np.random.default_rng(5)
    a, b = oracle.Kll(), oracle.Kll()
    for value in random.normal(size=9000).round(2):
        a.update(float(value))
    for value in random.normal(0.3, size=2500).round(2):
        b.update(float(value))
    gap, true = numeric_gaps(sketch(*a.levels), sketch(*b.levels))
    assert gap.robust() == oracle.numeric_distance(a.weighted(), b.weighted())
    assert (true.baseline_size, true.current_size) == (9000, 2500)
    assert gap.baseline_size < 9000


@given(all_levels, all_levels)
def test_the_true_distance_is_that_of_all_weighted_values(baseline, current):
    def share(levels: list[list[float]], x: float) -> float:
        total = sum(weight for _, weight in weighted(levels))
        return sum(weight for value, weight in weighted(levels) if value <= x) / total

    points = {value for value, _ in weighted(baseline) + weighted(current)}
    _, true = numeric_gaps(sketch(*baseline), sketch(*current))
    assert true.size == pytest.approx(max(abs(share(baseline, x) - share(current, x)) for x in points), abs=1e-12)
    assert share(baseline, true.at) == pytest.approx(true.baseline_share)
    assert share(current, true.at) == pytest.approx(true.current_share)


@given(all_levels)
def test_equal_data_has_no_distance(levels):
    original, true = numeric_gaps(sketch(*levels), sketch(*levels))
    assert (original.size, true.size, original.robust(), true.robust()) == (0, 0, 0, 0)


def test_the_figure_of_a_real_run_comes_out_to_the_last_digit():
    """A column of 1,002 distinct values against weights of 67,124: 1001/1002 - 832/67124 less the correction."""
    gap = Gap(
        1001 / 1002 - 832 / 67124, at=0.0, baseline_share=0.0, current_share=1.0, baseline_size=67124, current_size=1002
    )
    assert gap.robust() == 0.9293200129316993


def test_repeated_values_count_once_for_the_original_only():
    original, true = numeric_gaps(sketch([0.0] * 900 + [1.0] * 100), sketch([0.0] * 100 + [1.0] * 900))
    assert (original.size, original.robust()) == (0.0, 0.0)
    assert true.size == pytest.approx(0.8)
    assert true.robust() == pytest.approx(0.8 - 1.8 * (2000 / 1e6) ** 0.5)


def test_two_thousand_columns_take_about_a_second():
    random = np.random.default_rng(1)
    pairs = [
        (sketch(random.normal(size=400), random.normal(size=2100)), sketch(random.normal(size=2000)))
        for _ in range(200)
    ]
    start = time.process_time()
    for baseline, current in pairs:
        numeric_gaps(baseline, current)
    assert time.process_time() - start < 1


def test_categories_differ_by_the_share_of_the_one_that_moved_most():
    gap = categorical_gap({"a": 50, "b": 50}, {"a": 10, "b": 50, "c": 40})
    assert (gap.at, gap.baseline_share, gap.current_share) in {("a", 0.5, 0.1), ("c", 0.0, 0.4)}
    assert gap.size == pytest.approx(0.4)
    assert gap.robust() == pytest.approx(0.4 - 1.8 * (200 / 10_000) ** 0.5)


@pytest.mark.parametrize(
    ("statistic", "degrees", "p"),
    [
        (3.841458820694124, 1, 0.05),
        (5.991464547107979, 2, 0.05),
        (18.307038053275146, 10, 0.05),
        (6.6348966010212145, 1, 0.01),
        (0.0, 3, 1.0),
        (124.342113404004, 100, 0.05),
    ],
)
def test_the_chi_squared_tail_has_its_tabled_values(statistic, degrees, p):
    assert chi_squared_survival(statistic, degrees) == pytest.approx(p, rel=1e-12)


@given(st.floats(0, 2000), st.integers(1, 150))
def test_the_chi_squared_tail_equals_scipy_s(statistic, degrees):
    stats = pytest.importorskip("scipy.stats")
    expected = stats.chi2.sf(statistic, degrees)
    assert chi_squared_survival(statistic, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@given(st.lists(st.tuples(st.integers(100, 500), st.integers(0, 500)), min_size=3, max_size=20))
def test_the_statistic_equals_scipy_s_where_all_categories_are_large(counts):
    stats = pytest.importorskip("scipy.stats")
    baseline = {str(i): before for i, (before, _) in enumerate(counts)}
    current = {str(i): 200 + now for i, (_, now) in enumerate(counts)}
    expected = [before / sum(baseline.values()) * sum(current.values()) for before in baseline.values()]
    statistic, degrees = chi_squared(baseline, current)
    assert statistic == pytest.approx(stats.chisquare(list(current.values()), expected).statistic, rel=1e-9)
    assert degrees == len(counts) - 1


def test_small_categories_are_joined_until_the_test_is_valid():
    baseline = {"a": 500, "b": 480, "c": 10, "d": 6, "e": 4}
    current = {"a": 50, "b": 48, "c": 1, "d": 1, "e": 0}
    statistic, degrees = chi_squared(baseline, current)
    assert degrees == 1
    assert statistic < 0.1


@pytest.mark.parametrize(
    ("baseline", "current"),
    [
        ({"a": 100}, {"a": 100}),
        ({"a": 60, "b": 40}, {"c": 100}),
        ({"a": 500, "b": 500}, {"a": 3, "b": 4}),
        ({"a": 100, "b": 0}, {"a": 50, "b": 50}),
        ({"a": 93, "b": 7}, {"a": 90, "b": 10}),
    ],
)
def test_no_test_is_possible_with_fewer_than_two_categories_of_some_size(baseline, current):
    assert chi_squared(Counter(baseline), Counter(current)) is None


def test_a_fifth_of_many_categories_may_be_small():
    baseline = {"a": 40, "b": 30, "c": 20, "d": 7, "e": 3}
    statistic, degrees = chi_squared(baseline, {"a": 40, "b": 30, "c": 20, "d": 7, "e": 3, "new": 900})
    assert (statistic, degrees) == (pytest.approx(0.0, abs=1e-12), 4)
