"""The state of bias and what it is made of: split anywhere, folded apart and merged, it is the state of the whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.analyzers import bias_counts
from analyzer.analyzers.bias_counts import BiasRoles, BiasState, Divided, Listed, interval_of
from analyzer.analyzers.row_sample import RowSample
from analyzer.analyzers.table import Batch, Run, TableState
from analyzer.analyzers.typed_values import Coded, DistinctNumbers, Facts
from analyzer.errors import BaselineError

ROLES = BiasRoles(
    label=Listed("y", (1,)),
    facets=(Listed("a", (40,)), Listed("b"), Listed(2, ("x", "z"))),
    prediction="p",
    group="g",
    segments=(Divided("a", (("[0, 3]",), (40, "(50, 60]"))),),
)
NAMES = ["a", "b", "c", "y", "p", "g"]
value = st.sampled_from(["", "0", "1", "40", "55", "x", "z", "1.5", "true", "NaN", " 7 "])
rows_of = st.lists(st.tuples(*[value] * len(NAMES)), max_size=40)


def batch(rows, first: int = 1) -> Batch:
    columns = [pa.array([row[i] for row in rows], pa.string()) for i in range(len(NAMES))]
    return Batch(pa.record_batch(columns, names=NAMES), [Run(0, "f.csv", first)])


def state_of(rows, first: int = 1, roles: BiasRoles = ROLES, step: int = 1_000) -> BiasState:
    state = BiasState(roles)
    for start in range(0, len(rows), step):
        state.update(batch(rows[start : start + step], first + start), {})
    state.tail = ("f.csv", len(rows))
    return state


@given(rows_of, st.lists(st.integers(0, 40), max_size=4), st.integers(1, 7))
@settings(max_examples=120)
def test_rows_split_anywhere_give_the_state_of_the_whole(rows, cuts, step) -> None:
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    merged = BiasState(ROLES)
    for low, high in pairwise(bounds):
        merged.merge(state_of(rows[low:high], low + 1, step=step))
    whole = state_of(rows)
    assert merged.to_bytes() == whole.to_bytes()
    assert BiasState.from_bytes(whole.to_bytes()).to_bytes() == whole.to_bytes()


@given(rows_of)
@settings(max_examples=60)
def test_values_and_groups_that_are_too_many_are_given_up_alike(rows) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bias_counts, "MOST_VALUES", 3)
        patch.setattr(bias_counts, "MOST_GROUPS", 4)
        merged = state_of(rows[:20])
        merged.merge(state_of(rows[20:], 21))
        whole = state_of(rows, step=3)
    assert merged.to_bytes() == whole.to_bytes()
    assert (whole.values[1].numbers is None) == (len({name_of(row[1]) for row in rows} - {None}) > 3)


def name_of(text: str) -> str | None:
    return next(iter(Coded.of(pa.array([text])).texts()), None)


@given(rows_of)
@settings(max_examples=80)
def test_counts_are_those_of_a_loop(rows) -> None:
    cells = state_of(rows, step=5).cells(0)
    counted: dict[tuple[bool, bool, bool], int] = {}
    for row in rows:
        numbers = [float(text) if text.strip() and text not in {"NaN", "x", "z", "true"} else None for text in row]
        above = numbers[0] is not None and numbers[0] > 40
        key = (numbers[0] == 40, above, numbers[3] == 1 or row[3] == "true")
        counted[key] = counted.get(key, 0) + 1
    found: dict[tuple[bool, bool, bool], int] = {}
    for facet, label, count in zip(cells.facet.tolist(), cells.label.tolist(), cells.count.tolist(), strict=True):
        key = (bool(facet & 1), bool(facet & 2), bool(label & 1))
        found[key] = found.get(key, 0) + count
    assert found == counted


def test_a_column_that_is_not_there_counts_as_missing() -> None:
    state = BiasState(ROLES)
    state.update(Batch(pa.record_batch([pa.array(["1", "0"])], names=["y"]), [Run(0, "f", 1)]), {})
    assert (state.facts["label"].met, state.facts["facet 0"].met, state.facts["facet 0"].missing) == (True, False, 2)
    assert state.cells(0).count.sum() == 2


@pytest.mark.parametrize("content", [b"", TableState().to_bytes()])
def test_another_state_is_refused(content) -> None:
    with pytest.raises(BaselineError, match="is not a bias state of this version"):
        BiasState.from_bytes(content, "hour/state.json.gz")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 4]", (1, 4, True, True)),
        ("(0,40)", (0, 40, False, False)),
        ("( -1.5 , 1e3 ]", (-1.5, 1000, False, True)),
        ("[a, b]", None),
        ("1, 4", None),
        (7, None),
    ],
)
def test_intervals_are_read(text, expected) -> None:
    assert interval_of(text) == expected


# --- types ------------------------------------------------------------------------------------------------------------


def facts_of(array: pa.Array) -> Facts:
    facts = Facts()
    facts.update(Coded.of(array))
    return facts


@pytest.mark.parametrize(
    ("array", "continuous"),
    [
        (pa.array([str(i % 2) for i in range(40)]), True),
        (pa.array([str(i % 2) for i in range(41)]), False),
        (pa.array([i % 5 for i in range(100)]), True),
        (pa.array([i % 5 for i in range(101)]), False),
        (pa.array([0.0, 1.0] * 500), True),
        (pa.array(["0.0", "1"] * 500), True),
        (pa.array(["True", "False"]), False),
        (pa.array(["1", "a"]), False),
        (pa.array([], pa.string()), False),
        (pa.array(["", None, "NA"]), False),
    ],
)
def test_the_type_rule_is_the_originals(array, continuous) -> None:
    assert facts_of(array).is_continuous() == continuous


@pytest.mark.parametrize(
    ("array", "high"),
    [
        (pa.array(["7", "12", ""]), 12),
        (pa.array([7, 12]), 12),
        (pa.array(["7.5", "3"]), 7.5),
        (pa.array(["7", "x"]), 7.0),
        (pa.array(["x"]), None),
    ],
)
def test_the_largest_number_keeps_its_kind(array, high) -> None:
    found = facts_of(array).maximum()
    assert (found, type(found)) == (high, type(high))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=300), st.integers(0, 300), st.integers(1, 40))
@example([1, 0, 1], 1, 1)
@settings(max_examples=150)
def test_distinct_numbers_are_a_set_whatever_their_order(numbers, cut, most) -> None:
    def of(part) -> DistinctNumbers:
        found = DistinctNumbers(most)
        for start in range(0, len(part), 13):
            found.add(np.unique(np.array(part[start : start + 13], dtype=np.int64)))
        return found

    whole, merged = of(numbers), of(numbers[:cut])
    merged.merge(of(numbers[cut:]))
    assert whole.to_document() == merged.to_document()
    if whole.exact:
        assert whole.estimate() == len(set(numbers))


def test_many_distinct_numbers_are_counted_up() -> None:
    found = DistinctNumbers(10_000)
    for start in range(0, 1_000_000, 50_000):
        found.add(np.arange(start, start + 50_000))
    assert not found.exact
    assert found.estimate() == pytest.approx(1_000_000, rel=0.05)


# --- the sample -------------------------------------------------------------------------------------------------------


def sample_of(rows, most: int, seed: int = 0, step: int = 7) -> RowSample:
    sample = RowSample(most, seed)
    for start in range(0, len(rows), step):
        sample.update(batch(rows[start : start + step], start + 1), {})
    return sample


@given(rows_of, st.integers(0, 40))
@settings(max_examples=60)
def test_few_rows_are_all_kept_in_their_order(rows, cut) -> None:
    merged = sample_of(rows[:cut], 100)
    merged.merge(sample_of(rows[cut:], 100))
    assert [tuple(row.values()) for row in merged.table().to_pylist()] == rows
    assert merged.rows == len(rows)


@given(st.integers(1, 30), st.integers(1, 50), st.integers(0, 3))
@settings(max_examples=60)
def test_the_sample_does_not_depend_on_the_batches(most, step, seed) -> None:
    rows = [(str(i),) * len(NAMES) for i in range(200)]
    found = sample_of(rows, most, seed, step).table().column("a").to_pylist()
    assert found == sample_of(rows, most, seed).table().column("a").to_pylist()
    assert len(found) == most
    assert [int(each) for each in found] == sorted(map(int, found))


def test_the_sample_is_even() -> None:
    rows = [(str(i),) * len(NAMES) for i in range(20_000)]
    numbers = np.array(sample_of(rows, 2_000, step=1_000).table().column("a").to_pylist(), dtype=int)
    assert np.histogram(numbers, bins=10, range=(0, 20_000))[0] == pytest.approx(200, abs=70)
    assert numbers.mean() == pytest.approx(10_000, abs=700)
