"""analysis_config.json: every key is read, or refused by name with a cure."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from analyzer.analysis_config import (
    POST_TRAINING,
    PRE_TRAINING,
    FacetConfig,
    PredictorConfig,
    SegmentConfig,
    ShapConfig,
    parse_analysis_config,
)
from analyzer.config import read_config
from analyzer.describe_config import describe
from analyzer.errors import ConfigError

BIAS = {"label_values_or_threshold": [1], "facet": [{"name_or_index": "Sex", "value_or_threshold": [0]}]}


def parse(document: Any) -> Any:
    return parse_analysis_config(json.dumps(document).encode(), "c.json")


def test_every_key_of_the_schema_is_read() -> None:
    found = parse(
        {
            "version": "1.0",
            "dataset_type": "text/csv",
            "dataset_uri": "s3://bucket/data",
            "headers": ["a", "b", "y", "p"],
            "label": "y",
            "predicted_label": 3,
            "features": "instances[*]",
            "label_values_or_threshold": 0.5,
            "probability_threshold": 0.7,
            "facet": [
                {"name_or_index": "a", "value_or_threshold": ["x", 1, True]},
                {"name_or_index": 1, "value_or_threshold": [40], "data_type": "continuous"},
            ],
            "group_variable": "b",
            "facet_dataset_uri": "s3://bucket/facets",
            "facet_headers": ["id", "a"],
            "predicted_label_dataset_uri": "s3://bucket/predictions",
            "predicted_label_headers": ["id", "p"],
            "joinsource_name_or_index": 0,
            "excluded_columns": [0, "b"],
            "segment_config": [{"config_name": "n", "name_or_index": "b", "segments": [["[1, 4]"], [5]]}],
            "methods": {
                "pre_training_bias": {"methods": ["KL", "CI"]},
                "post_training_bias": {"methods": "all"},
                "shap": {
                    "baseline": [[1, 2]], "num_samples": 100, "agg_method": "median", "use_logit": True,
                    "save_local_shap_values": True, "seed": 3, "features_to_explain": ["a"], "threshold": 0.8,
                    "max_rows": 10,
                },
                "report": {"name": "report", "title": "Analysis Report"},
            },
            "predictor": {
                "model_name": "m", "instance_type": "ml.m5.large", "initial_instance_count": 1,
                "accelerator_type": "none", "endpoint_name_prefix": "p", "endpoint_name": "e", "target_model": "t",
                "content_type": "text/csv", "accept_type": "application/json", "label": 0, "probability": "scores",
                "label_headers": ["no", "yes"], "content_template": "$features", "record_template": "$features",
                "custom_attributes": "c", "handler": "predict.py", "model_dir": "/m", "endpoint_url": "http://h",
                "timeout": 5, "retries": 0, "attributions": "shap_",
            },
        }
    )  # fmt: skip
    assert (found.label_values, found.probability_threshold, found.predicted_label) == ((0.5,), 0.7, 3)
    assert found.facets == (FacetConfig("a", ("x", 1, True)), FacetConfig(1, (40,), "continuous"))
    assert found.segments == (SegmentConfig("b", (("[1, 4]",), (5,)), "n"),)
    assert (found.bias.pre_training, found.bias.post_training) == (("KL", "CI"), POST_TRAINING)
    assert found.shap == ShapConfig(([1, 2],), None, 100, "median", True, True, 3, ("a",), 0.8, 10)
    assert found.predictor == PredictorConfig(
        "e", "t", "text/csv", "application/json", 0, "scores", ("no", "yes"), "$features", "$features", "c",
        "predict.py", "/m", "http://h", 5.0, 0, "shap_",
    )  # fmt: skip
    assert found.joinsource == 0
    assert found.notes == (
        "c.json: methods.report: no report is rendered; the figures are in analysis.json",
        (
            "c.json: predictor.model_name, predictor.instance_type, predictor.initial_instance_count, "
            "predictor.accelerator_type, predictor.endpoint_name_prefix: concerns resources of the service and is not "
            "heeded; no endpoint is made"
        ),
    )


def test_the_monitors_config_asks_for_all_metrics() -> None:
    found = parse({**BIAS, "group_variable": "Age"})
    assert (found.bias.pre_training, found.bias.post_training) == (PRE_TRAINING, POST_TRAINING)
    assert (found.bias.named, found.bias.violation_rule, found.shap) == (False, "abs_value", None)
    explained = parse({"methods": {"shap": {}}, "predictor": {"model_name": "m"}})
    assert (explained.bias, explained.shap) == (None, ShapConfig())


def test_settings_of_bias_are_said_not_to_be_heeded_where_it_is_not_asked_for() -> None:
    found = parse({"methods": {"shap": {}}, "violation_rule": "bootstrap", "allowed_ranges": {"DPPL": [-0.1, 0.1]}})
    assert found.notes == (
        "c.json: violation_rule, allowed_ranges: concerns bias, which is not asked for, and is not heeded",
    )


def test_allowed_ranges_are_read_with_their_open_ends() -> None:
    found = parse({**BIAS, "allowed_ranges": {"DPPL": [-0.1, 0.1], "DI": [0.8, None], "GE": [None, 0]}})
    assert found.bias.allowed_ranges == {"DPPL": (-0.1, 0.1), "DI": (0.8, math.inf), "GE": (-math.inf, 0.0)}


@pytest.mark.parametrize(
    ("change", "message", "cure"),
    [
        ({"facets": []}, "The key facets is not known", "Did you mean facet?"),
        ({"methods": {"shap": {"num_sample": 1}}}, "The key methods.shap.num_sample is not known", "num_samples?"),
        ({"facet": [{"name_or_index": "a", "value_or_thresholds": 1}]}, "facet[0].value_or_thresholds", "value_or_"),
        ({"version": "2.0"}, 'version is "2.0"', "Expected one of 1.0"),
        ({"dataset_type": "csv"}, 'dataset_type is "csv"', "text/csv"),
        ({"dataset_type": "application/x-image"}, "is for images", "Use tabular data"),
        ({"headers": ["a", 1]}, "headers[1] is 1", "Expected a text"),
        ({"label": -1}, "label is -1", "0-based index"),
        ({"probability_threshold": 2}, "probability_threshold is 2", "a number from 0 to 1"),
        ({"facet": [{}]}, "facet[0] is {}", "Name the column of the facet"),
        ({"facet": {}}, "facet is {}", "Expected a list"),
        (
            {"facet": [{"name_or_index": "a", "value_or_threshold": [1, 2], "data_type": "continuous"}]},
            "facet[0].value_or_threshold is [1, 2]", "exactly one threshold",
        ),
        (
            {"facet": [{"name_or_index": "a", "value_or_threshold": ["x"], "data_type": "continuous"}]},
            'facet[0].value_or_threshold is ["x"]', "a number",
        ),
        ({"label_values_or_threshold": [[1]]}, "label_values_or_threshold is [[1]]", "a list of numbers and texts"),
        ({"methods": {"pre_training_bias": {"methods": ["AD"]}}}, 'methods[0] is "AD"', "one of CI, DPL, KL"),
        ({"methods": {"pre_training_bias": {"methods": "some"}}}, 'methods is "some"', '"all" or a list'),
        ({"methods": {"pdp": {"grid_resolution": 5}}}, "methods.pdp is given without shap", "Ask for shap, too"),
        ({"methods": {"asymmetric_shapley_value": {}}}, "is for the explanation of forecasts", "Leave it out"),
        ({"time_series_data_config": {}}, "time_series_data_config is for the explanation", "Leave it out"),
        ({"predictor": {"time_series_predictor_config": {}}}, "is for forecasts", "Leave it out"),
        ({"methods": {"shap": {"text_config": {}}}}, "text_config is for texts", "Leave it out"),
        ({"methods": {"shap": {"image_config": {}}}}, "image_config is for images", "Leave it out"),
        ({"methods": {"shap": {"num_clusters": 2, "baseline": [[1]]}}}, "are both given", "Leave one of them out"),
        ({"methods": {"shap": {"agg_method": "mean"}}}, 'agg_method is "mean"', "mean_abs, median, mean_sq"),
        ({"methods": {"shap": {"use_logit": "yes"}}}, 'use_logit is "yes"', "true or false"),
        ({"methods": {"shap": {"baseline": []}}}, "baseline is []", "rows of features"),
        ({"segment_config": [{"name_or_index": "a"}]}, "segment_config[0] is", "[0, 40)"),
        ({"facet_headers": ["a"]}, "facet_headers is given without facet_dataset_uri", "leave it out"),
        ({"violation_rule": "nice"}, 'violation_rule is "nice"', "abs_value, distance_from_parity, bootstrap"),
        ({"allowed_ranges": {"DPP": [0, 1]}}, "The key allowed_ranges.DPP is not known", "Did you mean DPPL?"),
        ({"allowed_ranges": {"DI": [1]}}, "allowed_ranges.DI is [1]", "such as [-0.1, 0.1]"),
        ({"allowed_ranges": {"DI": [1, 0.8]}}, "allowed_ranges.DI is [1, 0.8]", "lowest and the highest"),
        ({"allowed_ranges": {"DI": [None, None]}}, "allowed_ranges.DI is [null, null]", "an open end"),
        ({"allowed_ranges": {"DI": ["a", 1]}}, 'allowed_ranges.DI[0] is "a"', "a number"),
        ({"allowed_ranges": {"DI": None}}, "allowed_ranges.DI is null", "such as [-0.1, 0.1]"),
        ({"skip_flip_test": 1}, "skip_flip_test is 1", "true or false"),
        ({"predictor": {"timeout": 0}}, "predictor.timeout is 0", "a number from"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_place_and_cure(change, message, cure) -> None:
    with pytest.raises(ConfigError) as caught:
        parse({**BIAS, **change})
    assert caught.value.message.startswith("c.json: ")
    assert message in caught.value.message
    assert cure in caught.value.hint


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"facet": BIAS["facet"]}, "label_values_or_threshold is not given"),
        ({"methods": {"pre_training_bias": {"methods": "all"}}}, "facet is not given, but methods asks for bias"),
        ([], "the document is []"),
    ],
)
def test_half_a_config_is_refused(document, message) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(document)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"facet": [}'])
def test_what_is_no_json_is_refused(content) -> None:
    with pytest.raises(ConfigError, match=r"c\.json is not JSON"):
        parse_analysis_config(content, "c.json")


def test_a_processing_job_has_fixed_places(tmp_path) -> None:
    folder = tmp_path / "processing" / "input" / "config"
    folder.mkdir(parents=True)
    (folder / "analysis_config.json").write_text(json.dumps({**BIAS, "dataset_type": "application/jsonlines"}))
    found = read_config({"ANALYZER_ROOT": str(tmp_path)})
    assert found.dataset_source == tmp_path / "processing" / "input" / "data"
    assert found.output_path == tmp_path / "processing" / "output"
    assert found.analysis_type == "MODEL_BIAS"
    assert json.loads(describe(found))["ANALYZER_ANALYSIS_CONFIG"] == str(folder / "analysis_config.json")
    (folder / "analysis_config.json").write_text(
        json.dumps({**BIAS, "dataset_uri": "s3://b/k", "dataset_type": "text/csv"})
    )
    found = read_config({"ANALYZER_ROOT": str(tmp_path)})
    assert (found.dataset_source, found.finds_header) == ("s3://b/k", True)
    told = {"dataset_source": "/data", "output_path": "/out", "dataset_format": '{"csv":{"header":false}}'}
    found = read_config({"ANALYZER_ROOT": str(tmp_path), **told})
    assert (str(found.dataset_source), found.finds_header) == ("/data", False)
    (folder / "analysis_config.json").write_text(json.dumps(BIAS))
    with pytest.raises(ConfigError, match="dataset_format"):
        read_config({"ANALYZER_ROOT": str(tmp_path)})
