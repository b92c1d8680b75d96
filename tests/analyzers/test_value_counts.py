from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.analyzers.value_counts import MOST_VALUES, SHOWN, ValueCounts


def counted(values: list[str]) -> ValueCounts:
    counts = ValueCounts()
    found = Counter(values)
    counts.add(found.keys(), found.values())
    return counts


@settings(max_examples=60)
@given(values=st.lists(st.text(max_size=2), max_size=100), cuts=st.lists(st.integers(0, 100), max_size=4))
def test_merged_parts_are_the_whole(values: list[str], cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(values)]
    merged = ValueCounts()
    for start, end in pairwise(bounds):
        merged.merge(counted(values[start:end]))

    assert merged.counts == Counter(values)
    assert (merged.exact, merged.counted) == (True, len(values))


def test_counts_are_exact_up_to_the_limit_and_say_so_beyond() -> None:
    most = [str(i) for i in range(MOST_VALUES)]

    assert counted(most).exact
    beyond = counted([*most, "one more", "0"])
    assert not beyond.exact
    assert beyond.counts["0"] == 2
    assert beyond.counted == MOST_VALUES + 2


def test_exactness_does_not_depend_on_how_parts_are_cut() -> None:
    first, second = counted([str(i) for i in range(600)]), counted([str(i) for i in range(500, 1200)])

    first.merge(second)

    assert not first.exact


def test_rare_values_are_dropped_before_they_take_much_memory() -> None:
    counts = ValueCounts()
    for start in range(0, 100_000, 1000):
        counts.add(["often", *map(str, range(start, start + 1000))], [2, *[1] * 1000])

    assert len(counts.counts) < 10 * MOST_VALUES
    assert counts.top().values[0] == ("often", 200)
    assert counts.counted == 100_200


def test_the_most_frequent_come_first_and_equals_in_order_of_their_text() -> None:
    top = counted(["b", "a", "c", "c", *map(str, range(20))]).top()

    assert top.values == (("c", 2), *((str(i), 1) for i in sorted(map(str, range(20)))))[:SHOWN]
    assert (top.exact, top.counted_rows) == (True, 24)


def test_an_estimate_says_from_how_many_rows_it_is() -> None:
    counts = counted(["a", "a", "b"])
    counts.give_up()

    top = counts.top()

    assert (top.exact, top.counted_rows, top.values) == (False, 3, (("a", 2), ("b", 1)))


def test_merging_with_nothing_changes_nothing() -> None:
    left, right = ValueCounts(), counted(["a", "b", "a"])

    left.merge(counted(["a", "b", "a"]))
    right.merge(ValueCounts())

    assert left.to_document() == right.to_document() == counted(["a", "b", "a"]).to_document()


def test_document_round_trip() -> None:
    counts = counted(["", "ß", "🙂", "🙂"])
    counts.give_up()

    again = ValueCounts.from_document(counts.to_document())

    assert again.top() == counts.top()
