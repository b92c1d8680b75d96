from __future__ import annotations

from cases import analysis, column

from analyzer.documents import MonitoringConfig
from analyzer.suggest import suggest

DATA = analysis(
    4,
    column("age", ["3", None, "0", "5"]),
    column("change", ["-0.5", "1.5", "2.0", "3.0"]),
    column("colour", ["red", None, "blue", "red"]),
    column("nothing", [None] * 4),
)


def test_suggestions_are_what_the_data_meets():
    age, change, colour, nothing = suggest(DATA.statistics).features
    assert (age.name, age.inferred_type, age.completeness, age.is_non_negative) == ("age", "Integral", 0.75, True)
    assert (change.inferred_type, change.is_non_negative, change.domains) == ("Fractional", False, None)
    assert (colour.inferred_type, colour.completeness, colour.is_non_negative) == ("String", 0.75, None)
    assert colour.domains == ("red", "NullValue", "blue")
    assert (nothing.inferred_type, nothing.completeness, nothing.domains) == ("Unknown", 0.0, None)


def test_zero_is_not_negative_and_neither_is_minus_zero():
    data = analysis(1, column("a", ["0"]), column("b", ["-0.0"]))
    assert [feature.is_non_negative for feature in suggest(data.statistics).features] == [True, True]


def test_the_configuration_is_the_default_but_for_the_drift_method():
    assert suggest(DATA.statistics).config == MonitoringConfig()
    config = suggest(DATA.statistics, "ChiSquared").config
    assert config.distribution.categorical_drift_method == "ChiSquared"
    assert config.distribution.categorical_comparison_threshold == 0.1
