from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest
from columns import (
    Expected,
    Texts,
    columns,
    domain_of,
    expect,
    left_to_right,
    profile_of,
    state_of,
    statistics_of,
    texts,
    welford,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.analyze import finish_analysis
from analyzer.documents import FeatureStatistics, NumericalStatistics

SLOW = settings(
    max_examples=60,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.large_base_example,
        HealthCheck.data_too_large,
    ],
)
FEW = settings(SLOW, max_examples=8)


# --- against the reference --------------------------------------------------------------------------------------------


@SLOW
@given(column=columns(), cuts=st.lists(st.integers(0, 5000), max_size=4))
def test_every_figure_is_the_references(oracle: ModuleType, column: Texts, cuts: list[int]) -> None:
    check_column(oracle, column, cuts)


@FEW
@given(column=columns(sizes=(20_000,)))
def test_every_figure_of_a_long_column_is_the_references(oracle: ModuleType, column: Texts) -> None:
    check_column(oracle, column, [16_384])


@pytest.mark.parametrize("rows", [2049, 2050, 2051, 4100, 20_000])
def test_epoch_milliseconds_keep_their_spread(oracle: ModuleType, rows: int) -> None:
    """A mean of 1.7e12 beside a spread of a second loses digits; they are the same digits as row by row."""
    generator = np.random.default_rng(rows)
    column = [str(1_700_000_000_000 + int(x)) for x in generator.integers(0, 2000, rows)]

    check_column(oracle, column, [16_384])


def check_column(oracle: ModuleType, column: Texts, cuts: list[int]) -> None:
    expected = expect(oracle, column)
    found = finish_analysis(state_of({"c": texts(column)}, cuts), {}, "original")
    statistics, counts = found.statistics.features[0], found.profiles[0].type_counts

    assert statistics.num_present == len(expected.present)
    assert statistics.num_missing == counts.missing == len(column) - len(expected.present)
    assert (counts.integral, counts.fractional, counts.boolean, counts.string) == tuple(
        expected.kinds[kind] for kind in ("integral", "fractional", "boolean", "string")
    )
    if expected.inferred_type in {"Integral", "Fractional"} and expected.numbers:
        assert statistics.inferred_type == expected.inferred_type
        assert statistics.numerical
        check_numbers(oracle, statistics.numerical, expected)
    else:
        check_strings(oracle, statistics, column, expected)


def check_numbers(oracle: ModuleType, found: NumericalStatistics, expected: Expected) -> None:
    numbers = expected.numbers
    low, high = min(numbers), max(numbers)
    assert found.sketch
    assert [level.tolist() for level in found.sketch.levels] == expected.levels
    assert (found.min, found.max) == (low, high)
    assert found.approximate_num_distinct_values == expected.distinct
    assert same(found.sum, left_to_right(numbers))
    assert close(found.mean, left_to_right(numbers) / len(numbers))
    assert close(found.std_dev, welford(numbers))
    if math.isfinite(high - low):
        kll = oracle.Kll()
        kll.levels = expected.levels
        assert [(b.lower_bound, b.upper_bound, b.count) for b in found.buckets] == [
            (b["lower_bound"], b["upper_bound"], b["count"]) for b in oracle.buckets(kll, low, high)
        ]


def check_strings(oracle: ModuleType, found: FeatureStatistics, column: Texts, expected: Expected) -> None:
    assert found.inferred_type == ("String" if expected.present else "Unknown")
    assert found.numerical is None
    assert found.string
    assert found.string.distinct_count == expected.distinct
    assert found.string.buckets == domain_of(oracle, "c", column, expected)


def same(ours: float, theirs: float) -> bool:
    return ours == theirs or (math.isnan(ours) and math.isnan(theirs))


def close(ours: float, theirs: float) -> bool:
    """Equal to twelve digits; a spread whose square is beyond the doubles is no figure on either side."""
    if not math.isfinite(theirs):
        return not math.isfinite(ours)
    return math.isclose(ours, theirs, rel_tol=1e-12)


# --- batches ----------------------------------------------------------------------------------------------------------


@SLOW
@given(column=columns(), cuts=st.lists(st.integers(0, 5000), min_size=1, max_size=6))
def test_batch_boundaries_make_no_difference(column: Texts, cuts: list[int]) -> None:
    whole, cut = (finish_analysis(state_of({"c": texts(column)}, c), {}, "original") for c in ([], cuts))
    ours, theirs = whole.statistics.features[0], cut.statistics.features[0]

    assert whole.profiles[0].type_counts == cut.profiles[0].type_counts
    assert (ours.num_present, ours.num_missing, ours.inferred_type) == (
        theirs.num_present, theirs.num_missing, theirs.inferred_type,
    )  # fmt: skip
    assert ours.string == theirs.string
    if ours.numerical:
        assert theirs.numerical
        assert levels(ours) == levels(theirs)
        assert same(ours.numerical.sum, theirs.numerical.sum)


def levels(feature: FeatureStatistics) -> list[list[float]]:
    assert feature.numerical
    assert feature.numerical.sketch
    return [level.tolist() for level in feature.numerical.sketch.levels]


@pytest.mark.parametrize("strange", ["5 ", " 1.50", "7\n", "1.2.3", "-", "", "true", "1e5", "٣"])
@pytest.mark.parametrize("usual", ["12", "3.25", "1e-5", "word"])
def test_one_strange_value_behind_thousands_of_one_kind_is_seen(oracle: ModuleType, usual: str, strange: str) -> None:
    """Once a column looks uniform each batch is judged as a whole; that must not swallow the exception."""
    many = [f"{i}{usual}" for i in range(6000)]

    check_column(oracle, [*many, strange, *many], [3000, 6000, 9000])


# --- hostile columns --------------------------------------------------------------------------------------------------


def test_a_column_of_nulls_is_unknown_and_has_no_domain() -> None:
    found = statistics_of(texts([None, None, None]))

    assert (found.inferred_type, found.num_present, found.num_missing, found.completeness) == ("Unknown", 0, 3, 0.0)
    assert found.string
    assert found.string.buckets is None


def test_a_constant_column_has_all_rows_in_the_last_bucket() -> None:
    found = statistics_of(texts(["0.1"] * 40_000)).numerical

    assert found
    assert (found.min, found.max, found.std_dev) == (0.1, 0.1, 0.0)
    assert [bucket.count for bucket in found.buckets] == [0.0] * 9 + [40_000.0]


def test_a_single_row() -> None:
    found = statistics_of(texts(["7"])).numerical

    assert found
    assert (found.mean, found.sum, found.std_dev, found.approximate_num_distinct_values) == (7.0, 7.0, 0.0, 1)


def test_integers_beyond_the_doubles_are_counted_apart_and_summed_as_doubles() -> None:
    values = [2**53, 2**53 + 1, 2**53 + 2]

    found = statistics_of(pa.array(values, pa.int64()))

    assert found.inferred_type == "Integral"
    assert found.numerical
    assert found.numerical.approximate_num_distinct_values == 3
    assert found.numerical.max == float(2**53 + 2)


def test_unsigned_integers_beyond_the_signed_ones() -> None:
    found = statistics_of(pa.array([2**64 - 1, 1], pa.uint64())).numerical

    assert found
    assert (found.min, found.max, found.approximate_num_distinct_values) == (1.0, float(2**64), 2)


def test_leading_zeros_are_numbers_whose_texts_differ() -> None:
    found = statistics_of(texts(["007", "7", "0007"]))

    assert found.inferred_type == "Integral"
    assert found.numerical
    assert found.numerical.approximate_num_distinct_values == 3
    assert found.numerical.std_dev == 0.0


def test_digits_that_no_parser_takes_make_a_string_column() -> None:
    found = statistics_of(texts(["- 5", "."]))

    assert found.inferred_type == "String"
    assert found.numerical is None


def test_digits_that_no_parser_takes_are_present_but_not_summed() -> None:
    found = statistics_of(texts(["- 5", "5", "."]))

    assert (found.inferred_type, found.num_present) == ("Fractional", 3)
    assert found.numerical
    assert (found.numerical.sum, found.numerical.min) == (5.0, 5.0)


def test_numbers_too_large_for_a_double_are_shown_as_infinite_and_not_summed() -> None:
    column = texts(["1e400", "-1e400", "2.5"])

    assert profile_of(column).infinite == 2
    found = statistics_of(column).numerical
    assert found
    assert (found.sum, found.max) == (2.5, 2.5)


@pytest.mark.parametrize("values", [["1e200"] * 5, ["1e308", "-1e308", "1e308"], ["1.7e308", "1.7e308"]])
def test_sums_that_overflow_do_not_end_the_job(values: list[str]) -> None:
    found = statistics_of(texts(values)).numerical

    assert found
    assert found.max == float(values[0])
    assert same(found.sum, left_to_right([float(value) for value in values]))


def test_negative_zero_is_a_number_that_is_not_negative() -> None:
    found = statistics_of(texts(["-0", "0"])).numerical

    assert found
    assert found.min == 0.0
    assert found.approximate_num_distinct_values == 2


def test_texts_of_nan_and_infinity_are_strings_and_told_apart() -> None:
    found = profile_of(texts(["nan", "NaN", "inf", "-Infinity", "banana", "infinite", "1.5"]))

    assert (found.nan, found.infinite) == (2, 2)
    assert found.type_counts.string == 6


def test_typed_nan_is_missing_and_infinity_is_present_but_not_summed() -> None:
    column = pa.array([1.0, math.nan, math.inf, None, -math.inf, 3.0], pa.float64())

    statistics, profile = statistics_of(column), profile_of(column)

    assert (statistics.num_present, statistics.num_missing, statistics.inferred_type) == (4, 2, "Fractional")
    assert (profile.nan, profile.infinite) == (1, 2)
    assert (profile.evidence["nan"].first_record, profile.evidence["infinite"].first_record) == (2, 3)
    assert statistics.numerical
    assert (statistics.numerical.sum, statistics.numerical.min, statistics.numerical.max) == (4.0, 1.0, 3.0)


def test_typed_nan_is_not_a_value() -> None:
    column = pa.array([1.5, math.nan, math.nan], pa.float64())
    state = state_of({"c": column}, domains={"c": frozenset({"1.5"})})

    found = finish_analysis(state, {"c": frozenset({"1.5"})}, "original").profiles[0]

    assert found.outside_domain == 0
    assert found.top_values.values == (("1.5", 1),)


def test_a_typed_column_of_nothing_but_nan_is_all_missing() -> None:
    found = statistics_of(pa.array([math.nan, math.nan], pa.float64()))

    assert (found.num_present, found.num_missing, found.inferred_type) == (0, 2, "Unknown")


def test_decimals_are_fractional_numbers() -> None:
    found = statistics_of(pa.array([Decimal("1.10"), Decimal("-2.25"), None], pa.decimal128(10, 2)))

    assert found.inferred_type == "Fractional"
    assert found.numerical
    assert (found.numerical.min, found.numerical.max) == (-2.25, 1.1)
    assert found.numerical.approximate_num_distinct_values == 2


@pytest.mark.parametrize(
    ("column", "first"),
    [
        (pa.array([date(2024, 2, 29), None]), "2024-02-29"),
        (pa.array([True, None]), "true"),
        (pa.array([datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC), None], pa.timestamp("s")), "2024-02-29 01:02:03"),
    ],
)
def test_dates_and_truth_values_are_texts(column: pa.Array, first: str) -> None:
    found = statistics_of(column)

    assert (found.inferred_type, found.num_missing) == ("String", 1)
    assert found.string
    assert dict(found.string.buckets or ()) == {first: 1, "NullValue": 1}


def test_empty_texts_and_missing_values_are_told_apart() -> None:
    column = texts(["", None, "a", "", None, None])

    statistics, profile = statistics_of(column), profile_of(column)

    assert (statistics.num_present, statistics.num_missing, profile.empty) == (3, 3, 2)
    assert (profile.evidence["empty"].first_record, profile.evidence["missing"].first_record) == (1, 2)
    assert profile.lengths == (0, 1 / 3, 1)


def test_a_text_beside_numbers_makes_a_string_column_wherever_it_stands(oracle: ModuleType) -> None:
    numbers = [str(i) for i in range(3000)]

    for column in (["x", *numbers], [*numbers, "x"], [*numbers[:1500], "x", *numbers[1500:]]):
        check_column(oracle, column, [1000, 2000])


def test_a_typed_negative_zero_is_no_value_of_its_own() -> None:
    found = statistics_of(pa.array([0.0, -0.0])).numerical

    assert found
    assert found.approximate_num_distinct_values == 1
