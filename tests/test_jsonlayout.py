from __future__ import annotations

import importlib.util
import json
import math
import time
from typing import Any

import numpy as np
import pytest
from cases import SHARED
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.jsonlayout import dump, java_double, parse

PAIR = chr(0xD83D) + chr(0xDE00)
"""An emoji whose two halves Python kept apart."""
ORACLE = SHARED / "reference" / "oracle.py"

borders = [
    1e-3,
    math.nextafter(1e-3, 0),
    1e7,
    math.nextafter(1e7, 0),
    5e-324,
    2.2250738585072014e-308,
    1e16,
    1e-4,
    9e15,
]
doubles = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(1e-5, 1e-2),
    st.floats(1e6, 1e18),
    st.integers(-(10**18), 10**18).map(float),
    st.sampled_from([sign * x for x in [*borders, 0.0] for sign in (1, -1)]),
)


@pytest.fixture(scope="module")
def oracle() -> Any:
    if not ORACLE.exists():
        pytest.skip("the reference model is not beside the checkout")
    spec = importlib.util.spec_from_file_location("oracle", ORACLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.001, "0.001"),
        (0.0009, "9.0E-4"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (15200000.0, "1.52E7"),
        (-1234567890.5, "-1.2345678905E9"),
        (5e-324, "5.0E-324"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (1e-7, "1.0E-7"),
        (1e16, "1.0E16"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_doubles_are_written_as_java_writes_them(x, text):
    assert java_double(x) == text


@given(doubles)
def test_a_double_reads_back_as_itself(x):
    assert float(java_double(x)).hex() == x.hex()


def test_doubles_equal_the_reference(oracle):
    @given(doubles)
    def law(x):
        assert java_double(x) == oracle.java_double(x)
        assert dump(np.array([x])) == f"[ {oracle.java_double(x)} ]"

    law()


@given(st.lists(st.one_of(doubles, st.just(math.nan), st.just(math.inf), st.just(-math.inf))))
@example([])
@example([1.0])
@example([1.0, 1e9])
def test_an_array_is_written_like_the_list_of_its_values(values):
    assert dump(np.array(values, dtype=np.float64)) == dump(values)


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), doubles, st.text(st.characters(exclude_categories=["Cc", "Cs"]))
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text("abc ä"), inner)),
)


def test_layout_equals_the_reference(oracle):
    @given(json_values)
    def law(value):
        assert dump(value) == oracle.dump(value)

    law()


@given(st.recursive(st.one_of(st.booleans(), doubles, st.text()), lambda v: st.dictionaries(st.text(), v)))
def test_the_text_is_json_and_reads_back(value):
    assert parse(dump(value)) == value


def test_the_layout_by_example():
    value = {
        "version": 0.0,
        "features": [{"name": "a"}, {"name": "b"}],
        "none": [],
        "nothing": {},
        "data": np.ones((2, 1)),
    }
    assert dump(value) == (
        '{\n  "version" : 0.0,\n  "features" : [ {\n    "name" : "a"\n  }, {\n    "name" : "b"\n  } ],\n'
        '  "none" : [ ],\n  "nothing" : { },\n  "data" : [ [ 1.0 ], [ 1.0 ] ]\n}'
    )


def test_not_a_number_and_infinities_are_texts_never_bare_tokens():
    text = dump({"list": [math.nan], "array": np.array([math.inf, 1.0, -math.inf, math.nan])})
    assert '[ "NaN" ]' in text
    assert '[ "Infinity", 1.0, "-Infinity", "NaN" ]' in text


def test_characters_are_escaped_as_jackson_escapes_them():
    assert dump('é"\\/\b\f\n\r\t\x00\x1f\x7f😀') == '"é\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001F\x7f😀"'


@pytest.mark.parametrize("text", [chr(0xD800), "a" + chr(0xDFFF), chr(0xDC00) + chr(0xD800), PAIR, PAIR + chr(0xD800)])
def test_lone_surrogates_neither_crash_nor_get_lost(text):
    written = dump({text: text}).encode("utf-8")
    whole = text.replace(PAIR, "😀")
    assert parse(written) == {whole: whole}


def test_numpy_scalars_and_tuples_are_json_values():
    values = (np.int64(3), np.float64(2.5), np.bool_(True), np.array([1, 2]), None, True)
    assert dump(values) == "[ 3, 2.5, true, [ 1, 2 ], null, true ]"


def test_anything_else_is_refused_by_name():
    with pytest.raises(TypeError, match="complex"):
        dump({"a": 1j})


def test_parse_accepts_what_json_dumps_writes():
    assert parse("\ufeff" + json.dumps({"a": 1})) == {"a": 1}
    assert math.isnan(parse(b'{"a": NaN}')["a"])


def test_a_wide_sketch_is_written_in_seconds():
    sketches = [np.random.default_rng(i).normal(size=2500) * 100 for i in range(400)]
    start = time.process_time()
    text = dump(sketches)
    assert time.process_time() - start < 2
    assert text.count(",") == 400 * 2500 - 1
