from __future__ import annotations

import pytest

from analyzer.analyzers.evidence import EXAMPLES, LONGEST_EXAMPLE, Sightings


def seen(kind: str, count: int, file: str, record: int, *examples: str) -> Sightings:
    sightings = Sightings()
    sightings.met(kind, count, lambda: ((file, record), examples))
    return sightings


def test_the_first_place_stays_and_counts_add_up() -> None:
    sightings = seen("string", 2, "a.csv", 7, "x")

    sightings.met("string", 3, lambda: (("b.csv", 1), ["y"]))

    found = sightings.evidence(examples=True)["string"]
    assert (found.count, found.first_file, found.first_record, found.examples) == (5, "a.csv", 7, ("x",))


def test_what_was_not_met_is_not_evidence_and_is_not_looked_for() -> None:
    sightings = Sightings()

    sightings.met("nan", 0, lambda: pytest.fail("there is no place to look for"))

    assert sightings.evidence(examples=True) == {}


def test_places_in_the_file_that_the_earlier_part_ended_in_count_on() -> None:
    ours, theirs = seen("missing", 1, "a.csv", 9), seen("string", 1, "a.csv", 4, "x")

    ours.merge(theirs, ("a.csv", 100))

    assert ours.evidence(examples=True)["string"].first_record == 104
    assert ours.evidence(examples=True)["missing"].first_record == 9


def test_places_in_a_file_of_its_own_stay() -> None:
    ours = Sightings()

    ours.merge(seen("string", 1, "b.csv", 4, "x"), ("a.csv", 100))

    assert ours.evidence(examples=True)["string"].first_record == 4


def test_examples_are_distinct_few_and_short() -> None:
    sightings = seen("string", 9, "a.csv", 1, "x" * 1000, "x" * 1000, *map(str, range(9)))

    examples = sightings.evidence(examples=True)["string"].examples

    assert examples == ("x" * LONGEST_EXAMPLE, "0", "1", "2", "3")
    assert len(examples) == EXAMPLES


def test_merged_examples_are_those_of_both_the_earlier_first() -> None:
    ours = seen("string", 1, "a.csv", 1, "x", "y")

    ours.merge(seen("string", 2, "b.csv", 1, "y", "z"), ("a.csv", 1))

    found = ours.evidence(examples=True)["string"]
    assert (found.count, found.examples) == (3, ("x", "y", "z"))


def test_examples_can_be_kept_out() -> None:
    assert seen("string", 1, "a.csv", 1, "secret").evidence(examples=False)["string"].examples == ()


def test_document_round_trip() -> None:
    sightings = seen("string", 3, "a.csv", 2, "ü", "")

    again = Sightings.from_document(sightings.to_document())

    assert again.evidence(examples=True) == sightings.evidence(examples=True)
