from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import SHARED, analysis, column, plain
from hypothesis import given
from hypothesis import strategies as st

from analyzer.decode import read_constraints, read_statistics
from analyzer.documents import (
    Bucket,
    Constraints,
    DistributionConfig,
    FeatureConstraints,
    FeatureStatistics,
    MonitoringConfig,
    NumericalStatistics,
    Sketch,
    Statistics,
    StringStatistics,
    Violation,
)
from analyzer.encode import encode_constraints, encode_statistics, encode_violations
from analyzer.errors import BaselineError
from analyzer.jsonlayout import dump
from analyzer.suggest import suggest

GOLDEN = SHARED / "golden"
PAIRS = {
    "data-quality-sdk": "statistics.json",
    "data-quality-boston": "statistics.json",
    "data-quality-churn": "statistics.first-29-features.json",
}
NEWER = '      "comparison_method" : "Robust",\n      "categorical_comparison_threshold" : 0.1,\n'
NEWER += '      "categorical_drift_method" : "LInfinity"\n'

# --- Laws ---------------------------------------------------------------------------------------------------------

finite = st.floats(allow_nan=False)
fraction = st.floats(0, 1)
threshold = st.floats(0, allow_nan=False)
count = st.integers(0, 10**12)
levels = st.lists(st.lists(finite).map(np.array), max_size=3).map(tuple)
sketches = st.builds(Sketch, levels, c=fraction, k=st.floats(1, 5000))
buckets = st.lists(st.builds(Bucket, finite, finite, finite), max_size=3).map(tuple)
numericals = st.builds(
    NumericalStatistics,
    **dict.fromkeys(("mean", "sum", "std_dev", "min", "max"), finite),
    buckets=buckets,
    sketch=st.none() | sketches,
    approximate_num_distinct_values=st.none() | count,
)
strings = st.builds(StringStatistics, finite, st.none() | st.lists(st.tuples(st.text(), count)).map(tuple))
blocks = st.one_of(
    st.fixed_dictionaries({"inferred_type": st.sampled_from(["Integral", "Fractional"]), "numerical": numericals}),
    st.fixed_dictionaries({"inferred_type": st.sampled_from(["String", "Unknown"]), "string": strings}),
)
features = st.builds(
    lambda block, **common: FeatureStatistics(**block, **common),
    blocks,
    name=st.text(),
    num_present=count,
    num_missing=count,
    completeness=st.none() | fraction,
)
unique = {"unique_by": lambda feature: feature.name, "max_size": 4}
all_statistics = st.builds(Statistics, count, st.lists(features, **unique).map(tuple))
configs = st.builds(
    MonitoringConfig,
    datatype_check_threshold=fraction,
    domain_content_threshold=fraction,
    distribution=st.builds(
        DistributionConfig, comparison_threshold=threshold, categorical_comparison_threshold=threshold
    ),
)
asked = st.builds(
    FeatureConstraints,
    name=st.text(),
    completeness=st.none() | fraction,
    domains=st.none() | st.lists(st.text()).map(tuple),
    config=st.none() | configs,
)
all_constraints = st.builds(Constraints, st.lists(asked, **unique).map(tuple), configs)


@given(all_statistics)
def test_statistics_read_back_as_written(statistics):
    assert plain(read_statistics(dump(encode_statistics(statistics)), "s")) == plain(statistics)


@given(all_constraints)
def test_constraints_read_back_as_written(constraints):
    assert read_constraints(dump(encode_constraints(constraints)).encode(), "c") == constraints


# --- The original's own files ----------------------------------------------------------------------------------------


def golden(*parts: str) -> bytes:
    path = GOLDEN.joinpath(*parts)
    if not path.exists():
        pytest.skip("the original's outputs are not beside the checkout")
    return path.read_bytes().removesuffix(b"\n")  # one pair was cut out of a log, which ends in a newline


@pytest.mark.golden
@pytest.mark.parametrize(("folder", "file"), PAIRS.items())
def test_statistics_of_the_original_come_out_byte_for_byte(folder, file):
    text = golden(folder, file)
    assert dump(encode_statistics(read_statistics(text, file))).encode() == text


@pytest.mark.golden
@pytest.mark.parametrize("folder", PAIRS)
def test_constraints_of_the_original_come_out_byte_for_byte_but_for_the_newer_keys(folder):
    text = golden(folder, "constraints.json").decode()
    written = dump(encode_constraints(read_constraints(text, "constraints.json")))
    if "categorical_drift_method" not in text:
        text = text.replace('      "comparison_method" : "Robust"\n', NEWER)
    assert written == text


@pytest.mark.golden
@pytest.mark.parametrize(("folder", "file"), PAIRS.items())
def test_the_original_suggested_the_same_constraints(folder, file):
    statistics = read_statistics(golden(folder, file), file)
    constraints = read_constraints(golden(folder, "constraints.json"), "constraints.json")
    suggested = suggest(statistics)
    assert suggested.features == constraints.features[: len(suggested.features)]
    assert suggested.config == constraints.config


# --- The shapes we write ---------------------------------------------------------------------------------------------

DATA = analysis(3, column("n", ["1", "2", "2"]), column("s", ["a", None, "b"]), column("u", [None] * 3)).statistics


def test_keys_are_in_the_order_of_the_newest_container():
    number, text, nothing = encode_statistics(DATA)["features"]
    assert list(number) == ["name", "inferred_type", "numerical_statistics"]
    assert list(number["numerical_statistics"]) == [
        *("common", "mean", "sum", "std_dev", "min", "max"),
        *("approximate_num_distinct_values", "completeness", "distribution"),
    ]
    assert list(text["string_statistics"]) == ["common", "distinct_count", "completeness", "distribution"]
    assert list(nothing["string_statistics"]) == ["common", "distinct_count", "completeness"]
    assert nothing["inferred_type"] == "Unknown"


def test_constraints_have_the_newest_shape():
    encoded = json.loads(dump(encode_constraints(suggest(DATA))))
    assert encoded == {
        "version": 0.0,
        "features": [
            {
                "name": "n",
                "inferred_type": "Integral",
                "completeness": 1.0,
                "num_constraints": {"is_non_negative": True},
            },
            {
                "name": "s",
                "inferred_type": "String",
                "completeness": 2 / 3,
                "string_constraints": {"domains": ["a", "NullValue", "b"]},
            },
            {"name": "u", "inferred_type": "Unknown", "completeness": 0.0},
        ],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Robust",
                "categorical_comparison_threshold": 0.1,
                "categorical_drift_method": "LInfinity",
            },
        },
    }


def test_violations_have_three_keys_and_no_evidence():
    violation = Violation("a", "completeness_check", "Too few.", {"rows": 3})
    entry = {"feature_name": "a", "constraint_check_type": "completeness_check", "description": "Too few."}
    assert encode_violations([violation]) == {"violations": [entry]}


def test_no_violations_are_24_bytes():
    assert dump(encode_violations([])).encode() == b'{\n  "violations" : [ ]\n}'


# --- Constraints as others leave them --------------------------------------------------------------------------------


def constraints_of(monitoring_config: Any = None, **feature: Any) -> Constraints:
    document = {"monitoring_config": monitoring_config, "features": [{"name": "a", **feature}]}
    return read_constraints(json.dumps(document), "c.json")


def test_constraints_of_2019_have_the_defaults_for_what_they_lack():
    old = {"enable_comparisons": True, "min_domain_mass": 1.0, "comparison_threshold": 1.0}
    config = constraints_of({"evaluate_constraints": "Enabled", "distribution_constraints": old}).config
    assert config.distribution == DistributionConfig(comparison_threshold=1.0, categorical_comparison_threshold=1.0)
    assert config.datatype_check_threshold == 1.0
    old["enable_comparisons"] = False
    assert not constraints_of({"distribution_constraints": old}).config.distribution.perform_comparison


def test_constraints_without_any_configuration_have_the_defaults():
    assert constraints_of() == Constraints((FeatureConstraints("a"),), MonitoringConfig())


def test_compact_files_with_other_key_order_and_whole_numbers_are_the_same():
    original = suggest(DATA)
    document = json.loads(dump(encode_constraints(original)))
    document = {key: document[key] for key in reversed(document)}
    text = json.dumps(document, separators=(",", ":")).replace("1.0", "1").replace("0.0", "0")
    assert read_constraints(text, "c") == original


@pytest.mark.parametrize(
    ("spelling", "method"),
    [("Simple", "Simple"), ("robust", "Robust"), ("linf_simple", "Simple"), ("LINF_ROBUST", "Robust")],
)
def test_all_spellings_of_the_comparison_method(spelling, method):
    config = constraints_of({"distribution_constraints": {"comparison_method": spelling}}).config
    assert config.distribution.comparison_method == method


@pytest.mark.parametrize(
    ("value", "on"), [("Enabled", True), ("disabled", False), ("true", True), (False, False), ("False", False)]
)
def test_all_spellings_of_a_switch(value, on):
    config = constraints_of({"evaluate_constraints": value, "emit_metrics": value}).config
    assert (config.evaluate_constraints, config.emit_metrics) == (on, on)


def test_the_categorical_threshold_follows_the_numeric_one_unless_named():
    follows = constraints_of({"distribution_constraints": {"comparison_threshold": 0.3}}).config.distribution
    assert follows.categorical_comparison_threshold == 0.3
    both = {"comparison_threshold": 0.3, "categorical_comparison_threshold": 0.2}
    named = constraints_of({"distribution_constraints": both}).config.distribution
    assert named.categorical_comparison_threshold == 0.2


@pytest.mark.parametrize("spelling", ["monitoringConfigOverrides", "monitoring_config_overrides"])
def test_overrides_of_a_feature_are_laid_over_the_configuration_of_the_data_set(spelling):
    general = {"datatype_check_threshold": 0.9, "distribution_constraints": {"comparison_threshold": 0.2}}
    override = {"evaluate_constraints": "Disabled", "distribution_constraints": {"comparison_method": "Simple"}}
    constraints = constraints_of(general, **{spelling: override})
    config = constraints.config_of(constraints.features[0])
    assert not config.evaluate_constraints
    assert config.emit_metrics
    assert config.datatype_check_threshold == 0.9
    assert config.distribution == DistributionConfig(
        comparison_threshold=0.2, comparison_method="Simple", categorical_comparison_threshold=0.2
    )
    assert constraints.config.evaluate_constraints


def test_empty_overrides_are_none():
    assert constraints_of(monitoringConfigOverrides={}).features[0].config is None


def test_what_was_deleted_by_hand_is_not_checked():
    feature = constraints_of(completeness=None, num_constraints={}, string_constraints={}).features[0]
    assert feature == FeatureConstraints("a")


def test_domains_without_quotes_are_texts():
    feature = constraints_of(string_constraints={"domains": ["x", 1, 1.5, True, None]}).features[0]
    assert feature.domains == ("x", "1", "1.5", "true", "NullValue")


def test_a_setting_nobody_knows_is_named_in_the_log(caplog):
    constraints_of({"colour": "blue"})
    assert "c.json: $.monitoring_config.colour is not a known setting and has no effect." in caplog.text


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (b"", "c.json is empty", "Create"),
        (b'{"features": [\n  {"name": }]}', "c.json is not JSON: Expecting value at line 2, column 12", "Correct"),
        (b'{"features": "\xff"}', "c.json is not JSON: 'utf-8' codec", "Correct"),
        (b"[]", "$ is [], expected an object", "Correct"),
        (b'{"regression_constraints": {}}', "$ has no features (it has: regression_constraints)", "Correct"),
        (b'{"features": {}}', "$.features is {}, expected a list", "Correct"),
        (b'{"features": [{"inferred_type": "String"}]}', "$.features[0] has no name", "Correct"),
        (b'{"features": [{"name": "a"}, {"name": "a"}]}', 'two features named "a"', "Correct"),
        (b'{"dataset": {}, "features": []}', "$ has a key dataset", "looks like a statistics.json"),
    ],
)
def test_constraints_that_cannot_be_read_say_where_what_and_how_to_cure_it(text, message, hint):
    with pytest.raises(BaselineError) as caught:
        read_constraints(text, "c.json")
    assert message in caught.value.message
    assert caught.value.message.startswith("c.json")
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("feature", "message", "hint"),
    [
        ({"inferred_type": "Boolean"}, '.inferred_type is "Boolean", expected one of Integral, Fractional, String', ""),
        ({"completeness": 95}, ".completeness is 95, expected a fraction between 0 and 1", "Write 95 % as 0.95"),
        ({"completeness": "all"}, '.completeness is "all", expected a number', ""),
        ({"completeness": True}, ".completeness is true, expected a number", ""),
        ({"num_constraints": {"is_non_negative": 1}}, ".num_constraints.is_non_negative is 1, expected true or", ""),
        ({"string_constraints": {"domains": [["a"]]}}, '.string_constraints.domains[0] is ["a"], expected a text', ""),
        ({"monitoringConfigOverrides": []}, ".monitoringConfigOverrides is [], expected an object", ""),
        ({"numerical_statistics": {}}, "(a) holds statistics, expected constraints", "looks like a statistics.json"),
    ],
)
def test_a_feature_that_makes_no_sense_is_named_with_its_place(feature, message, hint):
    with pytest.raises(BaselineError) as caught:
        constraints_of(**feature)
    assert caught.value.message.startswith("c.json: $.features[0]")
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("config", "message", "hint"),
    [
        ({"evaluate_constraints": "yes"}, 'evaluate_constraints is "yes", expected Enabled or Disabled', ""),
        ({"datatype_check_threshold": 2}, "datatype_check_threshold is 2, expected a fraction", ""),
        ({"distribution_constraints": {"comparison_threshold": -1}}, "comparison_threshold is -1, expected", ""),
        ({"distribution_constraints": {"comparison_method": "KS"}}, 'is "KS", expected Robust, Simple, PSI, J', ""),
        (
            {"distribution_constraints": {"categorical_drift_method": "Wasserstein"}},
            "expected LInfinity, ChiSquared, PSI, JensenShannon, Hellinger or TotalVariation",
            "",
        ),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_its_place(config, message, hint):
    with pytest.raises(BaselineError) as caught:
        constraints_of(config)
    assert caught.value.message.startswith("c.json: $.monitoring_config.")
    assert message in caught.value.message
    assert hint in caught.value.hint


# --- Statistics as others leave them ---------------------------------------------------------------------------------


def test_statistics_saved_again_with_whole_numbers_and_bare_nan_are_the_same():
    document = json.loads(dump(encode_statistics(DATA)))
    document["features"][0]["numerical_statistics"].update(mean=math.nan, min=1)
    read = read_statistics(json.dumps(document, separators=(",", ":")), "s").features[0].numerical
    assert math.isnan(read.mean)
    assert read.min == 1.0
    assert read.sketch.levels[0].dtype == np.float64


def test_statistics_before_2023_lack_two_figures():
    feature = replace(DATA.features[0], completeness=None)
    feature = replace(feature, numerical=replace(feature.numerical, approximate_num_distinct_values=None))
    text = dump(encode_statistics(Statistics(3, (feature,))))
    assert "completeness" not in text
    assert plain(read_statistics(text, "s").features[0]) == plain(feature)


def test_a_column_of_type_unknown_needs_no_figures():
    text = b'{"dataset": {"item_count": 7}, "features": [{"name": "a", "inferred_type": "Unknown"}]}'
    feature = read_statistics(text, "s").features[0]
    assert (feature.num_present, feature.num_missing, feature.string.buckets) == (0, 7, None)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (b'{"features": []}', "$ has no dataset.item_count", "is it constraints?"),
        (b'{"dataset": {"item_count": 1.5}, "features": []}', "item_count is 1.5, expected a whole number", ""),
        (
            b'{"dataset": {"item_count": 1}, "features": [{"name": "a", "inferred_type": "String"}]}',
            "$.features[0] (a) has neither numerical_statistics nor string_statistics",
            "",
        ),
    ],
)
def test_statistics_that_cannot_be_read_say_where_what_and_how_to_cure_it(text, message, hint):
    with pytest.raises(BaselineError) as caught:
        read_statistics(text, "s.json")
    assert message in caught.value.message
    assert caught.value.message.startswith("s.json")
    assert hint in caught.value.hint


def test_a_broken_sketch_is_named_to_the_single_value():
    document = json.loads(dump(encode_statistics(DATA)))
    document["features"][0]["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"][0][1] = None
    with pytest.raises(BaselineError, match=r"sketch\.data\[0\]\[1\] is null, expected a number"):
        read_statistics(json.dumps(document), "s.json")
