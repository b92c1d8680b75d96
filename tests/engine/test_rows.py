"""Rows as Spark gets them: typed as the kernel inferred, missing values null."""

from __future__ import annotations

import pyarrow as pa
import pytest

from analyzer.analyzers.column import ColumnState
from analyzer.engine.rows import convert, kind_of


@pytest.mark.parametrize(
    ("array", "kind", "expected"),
    [
        (pa.array(["1", None, "-7", "+5", "9223372036854775807"]), "long", [1, None, -7, 5, 2**63 - 1]),
        (pa.array(["- 5"]), "long", [None]),
        (pa.array(["1.5", "2", None, ".", "1e3"]), "double", [1.5, 2.0, None, None, 1000.0]),
        (pa.array([1.5, float("nan"), None]), "double", [1.5, None, None]),
        (pa.array([1, None], pa.int8()), "long", [1, None]),
        (pa.array([1, 2]), "double", [1.0, 2.0]),
        (pa.array([1.0, None]), "string", ["1.0", None]),
        (pa.array([True, None]), "string", ["true", None]),
        (pa.array(["", "x", None], pa.large_string()), "string", ["", "x", None]),
        (pa.nulls(2), "long", [None, None]),
    ],
)
def test_values_become_what_spark_shall_see(array, kind, expected):
    found = convert(array, kind)
    assert found.to_pylist() == expected
    assert found.type == {"long": pa.int64(), "double": pa.float64(), "string": pa.string()}[kind]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2"], "long"), (["1", "2.5"], "double"), (["1", "x"], "string"), ([None], "string"),
        ([str(2**63)], "double"), ([str(-(2**63))], "long"), (["9" * 400, "1"], "double"), (["- 5"], "string"),
        (["true"], "string"),
    ],
)  # fmt: skip
def test_a_column_has_the_type_that_holds_its_values(values, kind):
    column = ColumnState()
    column.update(pa.array(values, pa.string()), lambda row: ("f", row + 1))
    assert kind_of(column) == kind
