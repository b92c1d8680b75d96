from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.analyzers.table import Batch, Run
from analyzer.readers.batches import RowBuilder, as_text, coalesce, runs_of
from analyzer.scripts import text_of

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from(["", "a", "\n", "\x1f", "\r", '"', "é", "\ud800"]),
)
TEXTS = st.sampled_from(["", "a", "b,c", "\n", "\x1f", "\r\n", '"', "é", "\ud800"])
NAMES = st.sampled_from(["a", "b", "c", "d"])


@given(st.lists(st.dictionaries(NAMES, VALUES | TEXTS, min_size=1), min_size=1, max_size=8))
def test_rows_come_back_as_texts_whatever_their_keys_and_values(rows) -> None:
    builder = RowBuilder("f")
    for number, row in enumerate(rows):
        builder.add(row, number)
    batch = builder.take()
    names = list(dict.fromkeys(name for row in rows for name in row))
    assert batch.rows.schema.names == names
    assert batch.rows.to_pylist() == [{name: text_of(row.get(name)) for name in names} for row in rows]


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_rows_of_texts_under_the_same_keys_come_back_too(rows) -> None:
    builder = RowBuilder("f")
    for number, (a, b) in enumerate(rows):
        builder.add({"a": a, "b": b}, number)
    assert builder.take().rows.to_pylist() == [{"a": text_of(a), "b": text_of(b)} for a, b in rows]


def test_a_builder_goes_on_after_a_batch() -> None:
    builder = RowBuilder("f")
    builder.add({"a": "1", "b": None}, 5)
    assert builder.take().rows.to_pylist() == [{"a": "1", "b": None}]
    builder.add({"a": "2", "b": "3"}, 6)
    builder.add({"b": "4", "c": 5}, 9)
    batch = builder.take()
    assert batch.rows.to_pylist() == [{"a": "2", "b": "3", "c": None}, {"a": None, "b": "4", "c": "5"}]
    assert batch.runs == [Run(0, "f", 6), Run(1, "f", 9)]


@pytest.mark.parametrize("values", [[1, None, -5], [True, None, False], [2**70, 1], [1.0, 1e-7, None], [1, "a", True]])
def test_values_are_written_as_a_csv_file_has_them(values) -> None:
    assert as_text(values).to_pylist() == [text_of(value) for value in values]


def test_runs_begin_where_record_numbers_jump() -> None:
    assert runs_of("f", [3, 4, 5, 9, 9, 10]) == [Run(0, "f", 3), Run(3, "f", 9), Run(4, "f", 9)]


def test_small_batches_are_joined_and_keep_their_places() -> None:
    def small(names: str, file: str, record: int) -> Batch:
        return Batch(pa.record_batch([pa.array(["x"])] * len(names), names=list(names)), [Run(0, file, record)])

    joined = list(coalesce([small("ab", "f", 1), small("ab", "f", 2), small("ab", "g", 1), small("a", "g", 2)]))
    assert [batch.rows.num_rows for batch in joined] == [3, 1]
    assert joined[0].runs == [Run(0, "f", 1), Run(2, "g", 1)]
