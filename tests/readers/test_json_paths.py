"""Values of JSON are found by key before index, and by index before path."""

from __future__ import annotations

import pytest

from analyzer.errors import ConfigError
from analyzer.readers.json_paths import find_value

VALUE = {"a": 1, "0": 2, "b.c": 3, "b": {"c": 4}, "list": [5, 6]}


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        (VALUE, "a", 1),
        (VALUE, "0", 2),
        (VALUE, "1", 2),
        (VALUE, "b.c", 3),
        (VALUE, "list[-1]", 6),
        (VALUE, "$.list[0]", 5),
        ([7, 8], "1", 8),
        (9, "0", 9),
        (VALUE, "9", None),
        (VALUE, "nowhere", None),
        ([7, 8], "2", None),
    ],
)
def test_a_value_is_found_by_key_index_or_path(value, path, found) -> None:
    assert find_value(value, path, "label") == found


def test_what_is_no_path_is_told_with_its_variable() -> None:
    with pytest.raises(ConfigError, match=r"^ground_truth_attribute: 'a\[\[' is neither a key of the data nor a JMES"):
        find_value(VALUE, "a[[", "ground_truth_attribute")
