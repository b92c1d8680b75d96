from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.analyzers.kll import Kll, buckets_of, quantiles_of, weighted_values
from analyzer.documents import Sketch

RANK_ERROR = 0.01
"""What a sketch of this size may be off by: measured, a few thousandths."""


def sketch_of(values: np.ndarray, *cuts: int) -> Kll:
    """One sketch, fed in batches cut at these rows."""
    kll = Kll()
    for part in np.split(values, sorted(cuts)):
        kll.update(part)
    return kll


def merged(values: np.ndarray, cuts: list[int]) -> Kll:
    whole = Kll()
    for part in np.split(values, sorted(cuts)):
        whole.merge(sketch_of(part))
    return whole


def levels(kll: Kll) -> list[list[float]]:
    return [level.tolist() for level in kll.sketch().levels]


@settings(max_examples=20)
@given(
    rows=st.sampled_from([1, 2049, 2050, 2051, 4101, 7000, 20_000]),
    seed=st.integers(0, 1000),
    spread=st.sampled_from([3, 10**6]),
    cuts=st.lists(st.integers(0, 20_000), max_size=5),
)
def test_retains_what_the_reference_retains(
    oracle: ModuleType, rows: int, seed: int, spread: int, cuts: list[int]
) -> None:
    values = np.random.default_rng(seed).integers(-spread, spread, rows).astype(np.float64)
    reference = oracle.Kll()
    for value in values.tolist():
        reference.update(value)

    assert levels(sketch_of(values, *(min(cut, rows) for cut in cuts))) == reference.levels


def test_is_the_column_itself_up_to_the_capacity_of_the_first_level() -> None:
    values = np.random.default_rng(1).normal(size=2050)

    assert levels(sketch_of(values)) == [values.tolist()]


@settings(max_examples=25)
@given(rows=st.sampled_from([10, 3000, 60_000]), cuts=st.lists(st.integers(0, 60_000), max_size=40), seed=st.integers())
def test_merged_parts_weigh_as_many_rows_and_find_the_quantiles(rows: int, cuts: list[int], seed: int) -> None:
    values = np.random.default_rng(abs(seed)).normal(size=rows)

    found = merged(values, [min(cut, rows) for cut in cuts]).sketch()

    retained, weights = weighted_values(found)
    assert weights.sum() == rows
    assert np.isin(retained, values).all()
    for fraction, value in quantiles_of(found, (0.01, 0.25, 0.5, 0.75, 0.99)).items():
        below = np.count_nonzero(values < value) / rows
        upto = np.count_nonzero(values <= value) / rows
        assert below - RANK_ERROR <= float(fraction) <= upto + RANK_ERROR


def test_merging_with_nothing_changes_nothing_now_or_later() -> None:
    """A sketch goes on compacting where it stopped: odd and even positions in turns."""
    first, later = np.random.default_rng(2).normal(size=(2, 9000))
    plain, behind, before = sketch_of(first), sketch_of(first), Kll()

    behind.merge(Kll())
    before.merge(sketch_of(first))
    for kll in (plain, behind, before):
        kll.update(later)

    assert levels(plain) == levels(behind) == levels(before)


def test_a_merged_sketch_is_independent_of_the_one_it_came_from() -> None:
    part = sketch_of(np.arange(100.0))
    whole = Kll()
    whole.merge(part)

    whole.update(np.arange(9000.0))

    assert levels(part) == [np.arange(100.0).tolist()]


def test_document_round_trip_goes_on_where_it_stopped() -> None:
    first, later = np.random.default_rng(3).normal(size=(2, 9000))
    kll = sketch_of(first)

    again = Kll.from_document(kll.to_document())
    for each in (kll, again):
        each.update(later)

    assert again.to_document() == kll.to_document()


@pytest.mark.parametrize("rows", [1, 500, 2051, 20_000])
def test_buckets_are_the_references(oracle: ModuleType, rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=rows)
    kll, reference = sketch_of(values), oracle.Kll()
    reference.levels = levels(kll)
    low, high = float(values.min()), float(values.max())

    found = buckets_of(kll.sketch(), low, high, closed_at_maximum=False)

    assert [(b.lower_bound, b.upper_bound, b.count) for b in found] == [
        (b["lower_bound"], b["upper_bound"], b["count"]) for b in oracle.buckets(reference, low, high)
    ]


def test_the_last_bound_may_fall_short_of_the_maximum_as_in_the_original_and_be_corrected() -> None:
    low, high = 0.0, 6.666666667
    values = np.array([low, 1.0, high, high, high])
    assert low + (high - low) * 10 / 10.0 <= high
    short = next(
        h for h in np.random.default_rng(0).uniform(0, 10, 100_000) if 0.1 + (h - 0.1) * 10 / 10.0 < h
    )  # a maximum that the formula misses
    values = np.array([0.1, short, short])
    sketch = sketch_of(values).sketch()

    original = buckets_of(sketch, 0.1, float(short), closed_at_maximum=False)
    corrected = buckets_of(sketch, 0.1, float(short), closed_at_maximum=True)

    assert sum(bucket.count for bucket in original) == 1.0
    assert sum(bucket.count for bucket in corrected) == 3.0
    assert corrected[-1].upper_bound == short


def test_quantiles_of_few_values_are_values() -> None:
    found = quantiles_of(Sketch((np.array([3.0, 1.0, 2.0]),)), (0.01, 0.5, 0.99))

    assert found == {"0.01": 1.0, "0.5": 2.0, "0.99": 3.0}
