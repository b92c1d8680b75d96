from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.analyzers import scores as scores_module
from analyzer.analyzers.labels import canonical_label, sorted_labels
from analyzer.analyzers.predictions import PredictionState, Roles
from analyzer.analyzers.residuals import Residuals
from analyzer.analyzers.scores import GRID, ScoreCounts, side_by_side
from analyzer.analyzers.table import Batch, Run
from analyzer.errors import BaselineError

BINARY = Roles("label", "prediction", "score", ("group",))
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["0", "1", "1.0", "true", None]),
        st.sampled_from(["0", "1", None]),
        st.one_of(st.none(), st.floats(0, 1)),
        st.sampled_from(["a", "b", None]),
    ),
    max_size=40,
)


def state_of(rows, roles=BINARY) -> PredictionState:
    state = PredictionState(roles)
    if rows:
        names = ["label", "prediction", "score", "segment:group"]
        kinds = [pa.string(), pa.string(), pa.float64(), pa.string()]
        columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
        state.update(Batch(pa.record_batch(columns, names=names), [Run(0, "x.csv", 1)]), {})
    return state


@given(ROWS, st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=150)
def test_rows_split_anywhere_and_merged_give_the_state_of_the_whole(rows, first, second) -> None:
    first, second = sorted((min(first, len(rows)), min(second, len(rows))))
    merged = state_of(rows[:first])
    merged.merge(state_of(rows[first:second]))
    merged.merge(state_of(rows[second:]))
    assert merged.to_bytes() == state_of(rows).to_bytes()


@given(ROWS)
@settings(max_examples=50)
def test_a_state_reads_back_as_it_was_written(rows) -> None:
    content = state_of(rows).to_bytes()
    assert PredictionState.from_bytes(content).to_bytes() == content


def test_what_is_no_state_of_model_quality_is_refused() -> None:
    from analyzer.analyzers.table import TableState

    with pytest.raises(BaselineError, match="kind DATA_QUALITY"):
        PredictionState.from_bytes(TableState().to_bytes(), "hour/state.json.gz")


@given(st.lists(st.floats(0, 1), max_size=60), st.integers(0, 60), st.integers(1, 20))
@settings(max_examples=150)
def test_scores_take_the_grid_by_their_number_alone(values, cut, most) -> None:
    def table(part) -> ScoreCounts:
        found = ScoreCounts(most)
        found.update(np.array(part))
        return found

    whole, merged = table(values), table(values[:cut])
    merged.merge(table(values[cut:]))
    assert whole.to_document() == merged.to_document()
    assert whole.coarse == (len({v + 0.0 for v in values}) > most)
    distinct, counts = whole.table()
    assert counts.sum() == len(values)
    expected = np.unique(np.rint(np.array(values) * GRID) / GRID if whole.coarse else np.array(values))
    assert distinct.tolist() == expected.tolist()


def test_many_small_batches_are_counted_as_one(monkeypatch) -> None:
    monkeypatch.setattr(scores_module, "WAITING", 100)
    values = np.random.default_rng(1).random(5_000).round(3)
    found = ScoreCounts()
    for part in np.array_split(values, 97):
        found.update(part)
    distinct, counts = np.unique(values, return_counts=True)
    assert found.table()[0].tolist() == distinct.tolist()
    assert found.table()[1].tolist() == counts.tolist()


@pytest.mark.parametrize("most", [3, 1000])
def test_two_tables_stand_side_by_side(most) -> None:
    first, second = ScoreCounts(most), ScoreCounts(most)
    first.update(np.array([0.25, 0.5, 0.5, 1.0, 0.125]))
    second.update(np.array([0.5, 0.75]))
    values, ours, theirs = side_by_side(first, second)
    assert values.tolist() == [0.125, 0.25, 0.5, 0.75, 1.0]
    assert (ours.tolist(), theirs.tolist()) == ([1, 1, 2, 0, 1], [0, 0, 1, 1, 0])


@given(
    st.lists(st.tuples(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6)), max_size=250), st.integers(0, 250)
)
@settings(max_examples=60)
def test_residuals_split_anywhere_agree_with_the_whole(pairs, cut) -> None:
    def of(part) -> Residuals:
        found = Residuals()
        table = np.array(part, dtype=float).reshape(-1, 2) / 8
        found.update(table[:, 0], table[:, 1])
        return found

    whole, merged = of(pairs), of(pairs[:cut])
    merged.merge(of(pairs[cut:]))
    assert merged.rows == whole.rows
    assert merged.absolute == pytest.approx(whole.absolute, rel=1e-12)
    assert merged.labels.m2 == pytest.approx(whole.labels.m2, rel=1e-6, abs=1e-3)
    assert merged.blocks[:, 0].tolist() == whole.blocks[:, 0].tolist()
    scale = max(float(np.abs(whole.blocks).max()), 1.0)
    assert np.abs(merged.blocks - whole.blocks).max() <= scale * 1e-9
    assert Residuals.from_document(merged.to_document()).to_document() == merged.to_document()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("1e0", "1"),
        (" 01 ", "1"),
        ("-0", "0"),
        ("0.10", "0.1"),
        ("TRUE", "true"),
        ("a b", "a b"),
        ("1_000", "1_000"),
        ("nan", "nan"),
        ("1e400", "1e400"),
        ("0123456789012345678", "123456789012345678"),
    ],
)
def test_equal_labels_have_equal_names(text, name) -> None:
    assert canonical_label(text) == name


def test_labels_are_ordered_by_size_then_as_text() -> None:
    assert sorted_labels(["b", "10", "9", "a", "-1"]) == ["-1", "9", "10", "a", "b"]
