from __future__ import annotations

import math

import numpy as np
import pytest
from columns import left_to_right, welford
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.analyzers.moments import Moments

MEANS = (0.0, 1.0, 90.0, 110.0, 1e6, 1.7e12)


def moments_of(values: np.ndarray, *cuts: int) -> Moments:
    moments = Moments()
    for part in np.split(values, sorted(cuts)):
        moments.update(part)
    return moments


@settings(max_examples=40)
@given(
    rows=st.sampled_from([1, 2, 2499, 2501, 16_384, 20_000]),
    mean=st.sampled_from(MEANS),
    seed=st.integers(0, 999),
    cuts=st.lists(st.integers(0, 20_000), max_size=4),
)
def test_sums_are_those_of_row_by_row(rows: int, mean: float, seed: int, cuts: list[int]) -> None:
    values = np.random.default_rng(seed).normal(mean, 1, rows)

    found = moments_of(values, *(min(cut, rows) for cut in cuts))

    total = left_to_right(values.tolist())
    assert found.total == total
    assert found.mean() == total / rows
    assert found.std_dev() == pytest.approx(welford(values.tolist()), rel=1e-12, abs=0)
    assert (found.low, found.high) == (values.min(), values.max())


@settings(max_examples=40)
@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), cuts=st.lists(st.integers(0, 60), max_size=5))
def test_up_to_thousands_of_rows_every_digit_is_row_by_row(values: list[float], cuts: list[int]) -> None:
    found = moments_of(np.array(values), *(min(cut, len(values)) for cut in cuts))

    assert (found.total, found.std_dev()) == (left_to_right(values), welford(values))


@settings(max_examples=60)
@given(
    rows=st.sampled_from([3, 1000, 20_000, 50_000]),
    mean=st.sampled_from(MEANS),
    seed=st.integers(0, 999),
    cuts=st.lists(st.integers(0, 50_000), max_size=20),
)
def test_merged_parts_agree_with_the_whole(rows: int, mean: float, seed: int, cuts: list[int]) -> None:
    values = np.random.default_rng(seed).normal(mean, 1, rows)
    merged = Moments()
    for part in np.split(values, sorted(min(cut, rows) for cut in cuts)):
        merged.merge(moments_of(part))

    assert merged.count == rows
    assert (merged.low, merged.high) == (values.min(), values.max())
    assert merged.total == pytest.approx(math.fsum(values), rel=1e-12, abs=1e-9)
    # Doubles around a large mean are themselves so coarse.
    assert merged.std_dev() == pytest.approx(float(np.std(values - mean)), rel=1e-12 + 1e-15 * mean)


@pytest.mark.parametrize("value", [0.1, -7.0, 1e200, 1.7e12 + 0.3])
@pytest.mark.parametrize("rows", [1, 3000, 40_000])
def test_a_constant_has_no_spread(value: float, rows: int) -> None:
    values = np.full(rows, value)
    parts = Moments()
    for part in np.split(values, [rows // 3, rows // 2]):
        parts.merge(moments_of(part))

    assert moments_of(values).std_dev() == 0.0
    assert parts.std_dev() == 0.0


@pytest.mark.parametrize(
    "values", [[1e308] * 3, [1e308, -1e308], [1e200, -1e200, 5.0], [1.7976931348623157e308] * 5000]
)
def test_overflow_is_carried_and_not_raised(values: list[float]) -> None:
    found = moments_of(np.array(values))

    assert (found.low, found.high) == (min(values), max(values))
    assert found.total == left_to_right(values)


def test_merging_with_nothing_changes_nothing() -> None:
    values = np.array([1e200, 1e200 * 1.5, 3.0])
    left, right = Moments(), moments_of(values)

    left.merge(moments_of(values))
    right.merge(Moments())

    assert left.to_document() == right.to_document() == moments_of(values).to_document()


@pytest.mark.parametrize(
    "values", [[], [0.1, 0.2, -5e-324], [1e308, 1e308], [-1e308, -1e308, 2.0], [1e308, -1e308, 1e308]]
)
def test_document_round_trip_keeps_every_bit(values: list[float]) -> None:
    moments = moments_of(np.array(values))

    again = Moments.from_document(moments.to_document())

    assert again.to_document() == moments.to_document()
    assert again.count == len(values)
    assert np.array([again.total, again.m2]).tobytes() == np.array([moments.total, moments.m2]).tobytes()
