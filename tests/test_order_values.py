from __future__ import annotations

from random import Random
from types import ModuleType

from columns import WORDS
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analyzer.order_values import scala_order


@settings(max_examples=150)
@given(column=WORDS, values=st.lists(WORDS, unique=True, max_size=130))
def test_the_order_is_the_references(oracle: ModuleType, column: str, values: list[str]) -> None:
    """The reference leaves values with equal hashes in the order in which it is given them."""
    assert scala_order(column, values) == oracle.bucket_order(column, sorted(values))


@settings(max_examples=100)
@given(values=st.lists(WORDS, unique=True, max_size=30), order=st.randoms())
@example(values=["BB", "Aa", "", "\0", "x", "y"], order=Random(5))
def test_the_order_does_not_depend_on_the_order_of_arrival(values: list[str], order: Random) -> None:
    shuffled = list(values)
    order.shuffle(shuffled)

    assert sorted(scala_order("c", shuffled)) == sorted(values)
    assert scala_order("c", shuffled) == scala_order("c", values)


def test_few_values_are_ordered_by_column_and_value_more_by_the_value_alone() -> None:
    """Turbine types of a public run of the original, and the same with two more values."""
    few, many = ["HAWT", "VAWT", "NullValue"], ["a", "b", "c", "d", "e"]

    assert scala_order("turbine_type", few) == ["HAWT", "VAWT", "NullValue"]
    assert any(scala_order(f"c{i}", few) != scala_order("turbine_type", few) for i in range(20))
    assert all(scala_order(f"c{i}", many) == scala_order("c", many) for i in range(20))


def test_texts_with_equal_hashes_are_all_kept() -> None:
    """`Aa` and `BB` have the same Java hash code."""
    values = ["Aa", "BB", "x", "y", "z"]

    assert sorted(scala_order("c", values)) == sorted(values)
