"""Figures, shares and foreign text as people read them, and markup that is safe by construction."""

from __future__ import annotations

import math
from html import unescape

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from analyzer.report.distributions import categories, histogram
from analyzer.report.markup import tag
from analyzer.report.wording import HIDDEN, NONE, figure, percent, visible


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (None, NONE), (0, "0"), (12345, "12,345"), (0.1, "0.1"), (0.28520514, "0.2852"), (1234.5678, "1,235"),
        (-3.25, "\u22123.25"), (1e-9, "1.000e-09"), (1.5e15, "1.500e+15"), (math.inf, "∞"), ("-Infinity", "\u2212∞"),
        ("NaN", "NaN"), (math.nan, "NaN"), (99999.96, "100,000"),
    ],
)  # fmt: skip
def test_figures(found, shown) -> None:
    assert figure(found) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50 %"),
        (0.99965, "99.97 %"),
        (0.0001, "0.01 %"),
        (1 / 3, "33.3 %"),
        (None, NONE),
    ],
)
def test_what_is_not_all_is_never_shown_as_all(share, shown) -> None:
    assert percent(share) == shown


@given(st.text())
def test_any_text_is_content_and_nothing_else(text) -> None:
    made = tag("td", text, title=text)
    inner = made.removeprefix("<td").removesuffix("</td>")
    assert "<" not in inner
    assert inner.count('"') == 2
    assert unescape(made.partition(">")[2].removesuffix("</td>")) == unescape(str(Markup.escape(visible(text))))
    assert not HIDDEN.search(made)


def test_markup_is_kept_and_nothing_is_left_out() -> None:
    assert tag("p", tag("b", "a & b"), None, ["x", 3], class_="c", hidden=True, id=None) == (
        '<p class="c" hidden><b>a &amp; b</b>x3</p>'
    )


def numeric(values, low=None, high=None):
    kept = np.asarray(values, dtype=float)
    return {
        "min": float(kept.min()), "max": float(kept.max()), "sum": float(kept.sum()),
        "distribution": {"kll": {"buckets": [], "sketch": {"data": [kept]}}},
    }  # fmt: skip


def test_both_sides_are_put_on_one_scale() -> None:
    found = histogram(numeric(np.linspace(0, 10, 1001)), numeric(np.linspace(5, 15, 1001)))
    assert (found.edges[0], found.edges[-1]) == (0, 15)
    assert sum(found.current) == pytest.approx(1)
    assert sum(found.baseline) == pytest.approx(1)
    assert found.baseline[0] == 0
    assert found.current[-1] == 0


def test_one_far_value_does_not_flatten_the_rest() -> None:
    found = histogram(numeric([*np.linspace(0, 1, 999), 1e12]), None)
    assert found.open_above
    assert not found.open_below
    assert found.edges[-1] < 2
    assert sum(found.current) == pytest.approx(1)


def test_few_whole_numbers_have_a_bin_each() -> None:
    found = histogram(numeric([1, 1, 2, 3]), numeric([1, 2, 2, 5]))
    assert found.edges == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert found.current == [0.5, 0.25, 0.25, 0, 0]
    assert found.baseline == [0.25, 0.5, 0, 0, 0.25]


def test_levels_of_a_sketch_weigh_twice_each() -> None:
    block = numeric([0, 9]) | {"distribution": {"kll": {"sketch": {"data": [[0.0], [9.0]]}}}}
    assert histogram(block, None).current[0] == pytest.approx(1 / 3)


def test_buckets_stand_in_where_old_files_have_no_sketch() -> None:
    buckets = [{"lower_bound": 0.5 * i, "upper_bound": 0.5 * i + 0.5, "count": 3.0 * (i == 0)} for i in range(10)]
    old = {"min": 0.5, "max": 4.5, "sum": 9.25, "distribution": {"kll": {"buckets": buckets}}}
    found = histogram(numeric(np.linspace(0, 5, 100)), old)
    assert sum(found.baseline) == pytest.approx(1)
    assert found.baseline[-1] == 0


@pytest.mark.parametrize("values", [[7.25], [1e-310, 2e-310], [-1e308, 1e308]])
def test_odd_ranges_are_drawn(values) -> None:
    found = histogram(numeric(values), None)
    assert sum(found.current) == pytest.approx(1)
    assert all(map(math.isfinite, found.edges))


def test_a_column_without_values_has_no_histogram() -> None:
    assert histogram({"distribution": {"kll": {"sketch": {"data": [[]]}}}}, None) is None


def test_rare_categories_are_put_together_and_new_ones_kept() -> None:
    now = [{"value": f"v{i}", "count": 100 - i} for i in range(20)] + [{"value": "new", "count": 500}]
    found = categories(now, [{"value": f"v{i}", "count": 1} for i in range(20)])
    assert (found[0].value, found[0].baseline) == ("new", 0)
    assert found[-1].others == 13
    assert sum(each.current for each in found) == pytest.approx(1)
