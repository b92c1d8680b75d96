from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import ConfigError
from analyzer.name_columns import by_position, resolve_excluded
from analyzer.readers.csv_files import header_names


@pytest.mark.parametrize(
    ("width", "expected", "excluded", "names"),
    [
        (2, ("a", "b"), (), ("a", "b")),
        (3, ("a", "b"), (), None),
        (3, ("a", "b"), (1,), ("a", "_c1", "b")),
        (4, ("a", "b"), (0, 3), ("_c0", "a", "b", "_c3")),
        (2, ("a", "b"), (1,), ("a", "b")),
        (3, ("_c0", "_c1"), (0,), ("_c0_", "_c0", "_c1")),
        (3, ("a", "b"), ("x",), None),
        (3, ("a", "b"), (7,), None),
    ],
)
def test_columns_are_named_by_position_where_their_number_fits(width, expected, excluded, names) -> None:
    assert by_position(width, expected, excluded) == names


@pytest.mark.parametrize(
    ("excluded", "found"),
    [((), set()), (("b",), {"b"}), ((0, "b"), {"a", "b"}), ((2,), {"2"}), ((1, 1), {"b"})],
)
def test_columns_are_left_out_by_name_or_index(excluded, found) -> None:
    assert resolve_excluded(excluded, ["a", "b", "2"]) == found


@pytest.mark.parametrize("excluded", [("x",), (3,), ("A",)])
def test_columns_that_are_not_there_are_named(excluded) -> None:
    with pytest.raises(
        ConfigError, match=rf"names column {excluded[0]!r}, which is not in the data\..* index of: a, b\."
    ):
        resolve_excluded(excluded, ["a", "b"])


def test_a_long_list_of_columns_is_cut() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_excluded(("x",), [f"c{i}" for i in range(1000)])
    assert caught.value.hint.endswith("c19, ....")


@pytest.mark.parametrize(
    ("record", "names"),
    [
        ("a,b", ("a", "b")),
        (",b,", ("_c0", "b", "_c2")),
        ('"a,b","say ""x"""', ("a,b", 'say "x"')),
        ("a,A,b", ("a0", "A1", "b")),
        ("a,a,a0", ("a0", "a1", "a0_")),
        ('"",b', ("_c0", "b")),
    ],
)
def test_headers_name_columns(record, names) -> None:
    assert header_names(record) == names


@given(st.lists(st.sampled_from(["a", "A", "a0", "a1", "", "_c1", "a0_"]), min_size=1, max_size=8))
def test_no_two_columns_of_a_header_have_the_same_name(names) -> None:
    assert len(set(header_names(",".join(names)))) == len(names)
