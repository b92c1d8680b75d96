from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.analyzers.row_sample import RowSample
from analyzer.analyzers.table import Batch, Run

ROWS = st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 3)), st.sampled_from(["x", "y", None])), max_size=60)


def sample_of(rows, first=1, most=7, seed=0, file="/in/a.csv"):
    state = RowSample(most, seed)
    if rows:
        numbers, texts = zip(*rows, strict=True)
        batch = pa.record_batch([pa.array(numbers, pa.int64()), pa.array(texts, pa.string())], names=["n", "t"])
        state.update(Batch(batch, [Run(0, file, first)]), {})
    return state


@given(ROWS, st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=100)
def test_rows_split_anywhere_give_the_sample_of_the_whole(rows, one, other):
    first, second = sorted((min(one, len(rows)), min(other, len(rows))))
    parts = [(0, first), (first, second), (second, len(rows))]
    merged = RowSample(7)
    for start, end in parts:
        merged.merge(pickle.loads(pickle.dumps(sample_of(rows[start:end], start + 1))))
    whole = sample_of(rows)
    assert merged.table().to_pylist() == whole.table().to_pylist()
    assert merged.rows == whole.rows == len(rows)
    assert whole.table().num_rows == min(7, len(rows))


def test_the_sample_is_in_the_order_of_the_data_and_by_seed():
    rows = [(i, "x") for i in range(1000)]
    first = sample_of(rows, most=50).table().column("n").to_pylist()
    assert first == sorted(first)
    assert first == sample_of(rows, most=50, file="s3://bucket/other/a.csv").table().column("n").to_pylist()
    assert first != sample_of(rows, most=50, seed=1).table().column("n").to_pylist()


def test_every_row_has_the_same_chance_in_one_file_and_in_many_small_ones():
    """Records of the same number in many files, and rows that are alike, must not be drawn together."""
    met = Counter()
    for seed in range(200):
        state = RowSample(20, seed)
        for number in range(100):
            state.merge(sample_of([(number % 2, "x")] * 2, most=20, seed=seed, file=f"/in/{number}.jsonl"))
        met.update(state.table().column("n").to_pylist())
    assert sum(met.values()) == 200 * 20
    assert abs(met[0] - met[1]) < 5 * np.sqrt(4000)
    single = sample_of([(1, "x")] * 1000 + [(2, "x")] * 1000, most=200).table().column("n").to_pylist()
    assert 60 < single.count(1) < 140, "1,000 equal rows are neither all in nor all out"


def test_columns_that_come_and_go_or_change_their_type_are_kept():
    state = RowSample(10)
    for i, batch in enumerate(
        [
            pa.record_batch({"a": pa.array([1, 2])}),
            pa.record_batch({"a": pa.array(["x"]), "b": pa.array([1.5])}),
            pa.record_batch({"b": pa.array([None], pa.null())}),
        ]
    ):
        state.update(Batch(batch, [Run(0, f"{i}.json", 1)]), {})
    assert state.table().to_pydict() == {"a": ["1", "2", "x", None], "b": [None, None, 1.5, None]}


@pytest.mark.parametrize("most", [1, 5, 10_000])
def test_what_is_held_is_bounded(most):
    state = RowSample(most)
    for i in range(30):
        state.merge(sample_of([(j, "x") for j in range(100)], first=100 * i + 1, most=most))
    assert state._held <= 2 * most
    assert state.table().num_rows == min(most, 3000)
