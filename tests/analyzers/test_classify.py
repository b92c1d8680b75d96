from __future__ import annotations

import itertools
import re

import polars as pl
import pyarrow as pa
import pytest
from columns import VALUES, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.analyzers.classify import KINDS, STRING_KIND, judge, kinds_of, numbers_of

INTEGRAL = re.compile(r"[-+]? ?[0-9]+")
FRACTIONAL = re.compile(r"[-+]? ?[0-9]*\.[0-9]*|[-+]? ?[0-9]+(\.[0-9]+)?[Ee][-+]?[0-9]+")
SHORT = ["".join(parts) for length in range(6) for parts in itertools.product("+- .05e\t", repeat=length)]
"""Every text of up to five such characters: all that looks like a number and hardly is one."""


def kind_of(text: str) -> str:
    if INTEGRAL.fullmatch(text):
        return "integral"
    if FRACTIONAL.fullmatch(text):
        return "fractional"
    return "boolean" if text in {"true", "false"} else "string"


def java_number(text: str) -> list[float]:
    try:
        return [float(text.strip(" "))]
    except ValueError:
        return []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("5", "integral"),
        ("- 5", "integral"),
        (" 5", "integral"),
        ("+007", "integral"),
        ("5 ", "string"),
        ("5\n", "string"),
        ("  5", "string"),
        ("٣", "string"),
        ("3.0", "fractional"),
        (".", "fractional"),
        ("-.", "fractional"),
        ("1e-5", "fractional"),
        ("1.5E+300", "fractional"),
        ("1.e5", "string"),
        (".5e1", "string"),
        ("true", "boolean"),
        ("True", "string"),
        ("", "string"),
        ("nan", "string"),
        ("1,000", "string"),
        ("1_000", "string"),
    ],
)
def test_what_a_text_reads_as(text: str, kind: str) -> None:
    assert KINDS[kinds_of(pl.Series([text]))[0]] == kind


def test_every_short_text_is_judged_by_the_rules() -> None:
    found = kinds_of(pl.Series(SHORT))

    assert [KINDS[kind] for kind in found] == [kind_of(text) for text in SHORT]


@settings(max_examples=150)
@given(values=st.one_of(*(st.lists(values, min_size=1, max_size=20) for values in VALUES.values())))
def test_a_text_of_any_kind_is_judged_by_the_rules(values: list[str]) -> None:
    assert [KINDS[kind] for kind in kinds_of(pl.Series(values))] == [kind_of(value) for value in values]


@settings(max_examples=300)
@given(
    values=st.one_of(*(st.lists(values, min_size=1, max_size=8) for values in VALUES.values()))
    | st.lists(st.sampled_from(SHORT), min_size=1, max_size=4),
    guess=st.integers(0, 3),
    before=st.integers(0, 2),
)
def test_the_short_cuts_never_say_anything_else(values: list[str], guess: int, before: int) -> None:
    """Each value is judged by the rules whatever was guessed; also where the column is cut from a larger one."""
    array = texts([*["1.5", "x", "22"][:before], *values, "0.5", "y"])[before : before + len(values)]

    sole, kinds, numbers = judge(pl.Series(array), array, guess)

    judged = [sole] * len(values) if sole is not None else kinds.tolist()
    assert [KINDS[kind] for kind in judged] == [kind_of(value) for value in values]
    if numbers is not None:
        assert list(map(repr, numbers.tolist())) == list(map(repr, numbers_of(pl.Series(values)).tolist()))


@settings(max_examples=100)
@given(
    values=st.lists(st.sampled_from(["1", "-2.5", "3e5", "4.5E-3", "+7", ".5", "5."]), min_size=1, max_size=20),
    strays=st.lists(st.sampled_from([".5e1", "1.e5", "- 5", "inf", "nan", "abc", "true", "12"]), max_size=2),
    guess=st.integers(0, 3),
)
def test_columns_of_many_rows_are_judged_by_the_rules(values: list[str], strays: list[str], guess: int) -> None:
    many = values * 100 + strays
    array = texts(many)

    sole, kinds, numbers = judge(pl.Series(array), array, guess)

    judged = [sole] * len(many) if sole is not None else kinds.tolist()
    assert [KINDS[kind] for kind in judged] == [kind_of(value) for value in many]
    if numbers is not None:
        assert numbers.tolist() == numbers_of(pl.Series(many)).tolist()


@pytest.mark.parametrize("values", [["1.5", "2.25"], ["17", "-4"], ["a", "b c"]])
def test_the_short_cut_is_taken_for_plain_columns(values: list[str]) -> None:
    array = texts(values)

    assert judge(pl.Series(array), array, int(kinds_of(pl.Series(values))[0])).sole is not None


def test_the_short_cut_reads_long_offsets_too() -> None:
    array = pa.array(["1.5", "2.5"], pa.large_string())

    assert judge(pl.Series(array), array, 1).sole is not None


def test_numbers_of_short_texts_are_javas() -> None:
    numeric = [text for text in SHORT if kind_of(text) in {"integral", "fractional"}]

    found = numbers_of(pl.Series(numeric))

    expected = [number for text in numeric for number in java_number(text)]
    assert list(map(repr, found.tolist())) == list(map(repr, expected))


@settings(max_examples=150)
@given(values=st.lists(VALUES["numbers"], min_size=1, max_size=20))
def test_numbers_are_rounded_correctly(values: list[str]) -> None:
    assert numbers_of(pl.Series(values)).tolist() == [float(value) for value in values]


def test_an_empty_text_is_a_string() -> None:
    assert kinds_of(pl.Series([""])).tolist() == [STRING_KIND]
