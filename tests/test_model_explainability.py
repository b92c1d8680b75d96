"""Jobs of attribution, from analysis_config.json to the files."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from textwrap import dedent

import pytest
from endpoint_service import endpoint, hang, sums
from jsonschema import Draft202012Validator
from traffic import half, record, write_lines

from analyzer.errors import AnalyzerError, BaselineError, ConfigError, InputError, ModelError, ScriptError

CSV = {"csv": {"header": True}}
LINEAR = "def predict(df): return 2 * df.a + df.b - 3 * df.c"
BASELINE = [[0, 0, 0]]


@pytest.fixture
def explain(tmp_path, run_job):
    """Run a job of attribution; `script` is the model's, None: there is none."""

    def run(rows, shap=None, predictor=None, script=LINEAR, into="out", top=None, **settings):
        data = rows
        if not isinstance(rows, Path):
            data = tmp_path / "rows.csv"
            data.write_text(rows)
        shap = {"baseline": BASELINE, **(shap or {})}
        document = {"methods": {"shap": {k: v for k, v in shap.items() if v is not None}}, **(top or {})}
        if predictor:
            document["predictor"] = predictor
        config = tmp_path / "analysis_config.json"
        config.write_text(json.dumps(document))
        if script is not None:
            (tmp_path / "model.py").write_text(dedent(script))
            settings["ANALYZER_MODEL_SCRIPT"] = tmp_path / "model.py"
        return run_job(data, settings.pop("dataset_format", CSV), into, ANALYZER_ANALYSIS_CONFIG=config, **settings)

    return run


def profile_in(folder):
    found = json.loads((folder / "profile.json").read_text())
    Draft202012Validator(json.loads((SCHEMAS / "analysis-profile.json").read_text())).validate(found)
    return found["attribution"]


def values_in(folder, label="label0"):
    return json.loads((folder / "analysis.json").read_text())["explanations"]["kernel_shap"][label]


def near(expected):
    return pytest.approx(expected, abs=1e-12)


SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
ROWS = "a,b,c\n1,2,3\n-2,4,0\n"


def test_a_baseline_job_writes_analysis_json_as_the_original_lays_it_out(explain):
    text = (explain(ROWS, script="def predict(df): return 2 * df.a + 4 * df.b") / "analysis.json").read_text()
    found = re.sub(r"\d\.\d{6,}(e-\d+)?", lambda number: str(round(float(number.group()), 6)), text)
    assert found == dedent(
        """\
        {
            "version": "1.0",
            "explanations": {
                "kernel_shap": {
                    "label0": {
                        "global_shap_values": {
                            "a": 3.0,
                            "b": 12.0,
                            "c": 0.0
                        },
                        "expected_value": 0.0
                    }
                }
            }
        }"""
    )


def test_local_values_and_the_baseline_are_saved_where_wanted(explain, tmp_path):
    folder = explain(ROWS, {"save_local_shap_values": True})
    with (folder / "explanations_shap" / "out.csv").open() as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["a_label0", "b_label0", "c_label0"]
    found = [float(each) for row in rows[1:] for each in row]
    assert found == pytest.approx([2, 2, -9, -4, 4, 0], abs=1e-12)
    assert (folder / "explanations_shap" / "baseline.csv").read_text() == "a,b,c\n0,0,0\n"
    assert not (explain(ROWS, into="without") / "explanations_shap").exists()


def test_label_prediction_and_excluded_columns_are_no_features(explain):
    rows = "id,a,label,b,c,guess\nx,1,1,2,3,0\ny,-2,0,4,0,1\n"
    top = {"label": "label", "predicted_label": "guess", "excluded_columns": [0]}
    assert list(values_in(explain(rows, top=top))["global_shap_values"]) == ["a", "b", "c"]


def test_facets_that_lie_apart_are_no_features(explain, tmp_path):
    (tmp_path / "facets.csv").write_text("sex\n0\n1\n")
    top = {
        "facet_dataset_uri": str(tmp_path / "facets.csv"), "label": "y", "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "sex", "value_or_threshold": [0]}],
        "methods": {"shap": {"baseline": BASELINE}, "pre_training_bias": {"methods": ["CI"]}},
    }  # fmt: skip
    folder = explain("a,b,c,y\n1,2,3,0\n-2,4,0,1\n", top=top)
    found = json.loads((folder / "analysis.json").read_text())
    assert list(found) == ["version", "pre_training_bias_metrics", "explanations"]
    assert values_in(folder)["global_shap_values"] == near({"a": 3, "b": 3, "c": 4.5})


@pytest.mark.parametrize(("method", "expected"), [("median", [-1, 3, -4.5]), ("mean_sq", [10, 10, 40.5])])
def test_other_aggregates(explain, method, expected):
    found = values_in(explain(ROWS, {"agg_method": method}))["global_shap_values"]
    assert list(found.values()) == pytest.approx(expected)


def test_several_outputs_have_labels_of_their_own(explain):
    script = "def predict(df): return df[['a', 'b']]"
    folder = explain(ROWS, script=script)
    assert values_in(folder)["global_shap_values"] == near({"a": 1.5, "b": 0, "c": 0})
    assert values_in(folder, "label1")["global_shap_values"] == near({"a": 0, "b": 3, "c": 0})
    folder = explain(ROWS, predictor={"label_headers": ["cat", "dog"]}, script=script, into="named")
    assert list(json.loads((folder / "analysis.json").read_text())["explanations"]["kernel_shap"]) == ["cat", "dog"]


def test_texts_and_numbers_are_explained_side_by_side(explain):
    script = "def predict(df): return df.n + 10 * (df.city == 'Ulm')"
    folder = explain("city,n\nUlm,1\nWien,3\n", {"baseline": [["Wien", 0]]}, script=script)
    assert values_in(folder)["global_shap_values"] == pytest.approx({"city": 5, "n": 2})


def test_some_features_are_explained(explain):
    folder = explain(ROWS, {"features_to_explain": ["c", 0]})
    assert values_in(folder)["global_shap_values"] == pytest.approx({"c": 4.5, "a": 3})


def test_the_baseline_is_computed_where_none_is_given(explain):
    pytest.importorskip("sklearn")
    folder = explain("a,b,c\n1,2,3\n1,2,3\n1,2,3\n", {"baseline": None, "num_clusters": 1})
    assert values_in(folder) == {"global_shap_values": near({"a": 0, "b": 0, "c": 0}), "expected_value": -5}


def test_the_baseline_is_read_from_a_file_beside_the_configuration(explain, tmp_path):
    (tmp_path / "middle.csv").write_text("a,b,c\n1,1,1\n")
    assert values_in(explain(ROWS, {"baseline": "middle.csv"}))["expected_value"] == 0
    with pytest.raises(ConfigError, match=r"methods.shap.baseline: .*gone.csv cannot be read"):
        explain(ROWS, {"baseline": "gone.csv"})


def test_the_model_may_be_named_in_the_configuration(explain, tmp_path):
    script = "def load(folder): return float(open(folder + '/x').read())\ndef predict(df, m): return df.a * m"
    (tmp_path / "own.py").write_text(script)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "x").write_text("4")
    folder = explain(ROWS, predictor={"handler": "own.py", "model_dir": "files"}, script=None)
    assert values_in(folder)["global_shap_values"]["a"] == pytest.approx(6)


def test_keys_about_the_service_are_accepted(explain, caplog):
    caplog.set_level("INFO")
    explain(ROWS, predictor={"model_name": "m", "instance_type": "ml.m5.xlarge", "initial_instance_count": 1})
    assert "predictor.model_name" in caplog.text


def test_partial_dependence_where_it_is_asked_for(explain):
    rows = "a,city,b\n" + "".join(f"{i},{'Ulm' if i % 4 else 'Wien'},{i % 2}\n" for i in range(100))
    script = "def predict(df): return df.a + 200 * (df.city == 'Ulm') + df.b"
    pdp = {"grid_resolution": 10, "features": ["a", "city"]}
    top = {"methods": {"shap": {"baseline": [[0, "Wien", 0]]}, "pdp": pdp}}
    found = json.loads((explain(rows, script=script, top=top) / "analysis.json").read_text())
    Draft202012Validator(json.loads((SCHEMAS / "analysis.json").read_text())).validate(found)
    a, city = found["explanations"]["pdp"]
    assert (a["feature_name"], a["data_type"], a["label_headers"]) == ("a", "numerical", ["label0"])
    assert a["feature_values"] == near([0, 11, 22, 33, 44, 55, 66, 77, 88, 99])
    assert a["data_distribution"] == near([0.06, 0.11, 0.11, 0.11, 0.11, 0.11, 0.11, 0.11, 0.11, 0.06])
    assert a["model_predictions"] == [pytest.approx([value + 150.5 for value in a["feature_values"]])]
    assert (city["feature_values"], city["data_distribution"]) == (["Ulm", "Wien"], [0.75, 0.25])
    assert city["model_predictions"] == [pytest.approx([250, 50])]
    top["methods"]["pdp"] = {"top_k_features": 1}
    found = json.loads((explain(rows, script=script, top=top, into="top") / "analysis.json").read_text())
    assert [each["feature_name"] for each in found["explanations"]["pdp"]] == ["city"]


def test_partial_dependence_alone_is_refused(explain):
    with pytest.raises(ConfigError, match=r"methods\.pdp is given without shap"):
        explain(ROWS, top={"methods": {"pdp": {}}})


# --- drift ------------------------------------------------------------------------------------------------------------


def test_a_monitor_run_judges_against_the_baseline_job(explain, tmp_path):
    script = "def predict(df): return 10 * df.a + 0.1 * df.b"
    first = explain(ROWS, script=script)
    same = explain(ROWS, into="same", script=script, baseline_constraints=first / "analysis.json")
    assert not (same / "constraint_violations.json").exists()
    other = explain(
        ROWS, into="other", script="def predict(df): return df.b", baseline_constraints=first / "analysis.json",
        sagemaker_endpoint_name="churn", sagemaker_monitoring_schedule_name="hourly",
    )  # fmt: skip
    found = json.loads((other / "constraint_violations.json").read_text())
    score = profile_in(other)["ndcg"]["label0"]
    assert found == {
        "version": "1.0",
        "violations": [
            {
                "label": "label0",
                "metric_name": "shap",
                "constraint_check_type": "feature_attribution_drift_check",
                "description": f"Feature attribution drift {score!r} exceeds threshold 0.9",
            }
        ],
    }


def test_metrics(explain, tmp_path):
    first = explain(ROWS)
    explain(
        ROWS, into="live", baseline_constraints=first / "analysis.json", metric_time="2026-01-01T00:00:00Z",
        sagemaker_endpoint_name="churn", sagemaker_monitoring_schedule_name="hourly",
    )  # fmt: skip
    lines = (tmp_path / "output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().splitlines()
    records = {each["MetricName"]: each for each in map(json.loads, lines)}
    assert list(records) == ["feature_a", "feature_b", "feature_c", "ExpectedValue", "feature_attribution_drift"]
    assert records["feature_c"] == {
        "MetricName": "feature_c",
        "Timestamp": "2026-01-01T00:00:00Z",
        "Dimensions": [
            {"Name": "Endpoint", "Value": "churn"},
            {"Name": "MonitoringSchedule", "Value": "hourly"},
            {"Name": "ExplainabilityMethod", "Value": "KernelShap"},
            {"Name": "Label", "Value": "label0"},
            {"Name": "ValueType", "Value": "GlobalShapValues"},
        ],
        "Value": pytest.approx(4.5),
    }
    assert records["ExpectedValue"]["Dimensions"][-1] == {"Name": "ValueType", "Value": "ExpectedValue"}
    assert records["feature_attribution_drift"]["Value"] == pytest.approx(1)


def test_the_threshold_is_settable_in_both_places(explain):
    first = explain(ROWS)
    given = {"baseline_constraints": first / "analysis.json", "script": "def predict(df): return 3 * df.a - 2 * df.c"}
    assert not (explain(ROWS, into="usual", **given) / "constraint_violations.json").exists()
    assert (explain(ROWS, {"threshold": 0.999}, into="key", **given) / "constraint_violations.json").exists()
    found = explain(ROWS, {"threshold": 0.1}, into="variable", ANALYZER_ATTRIBUTION_THRESHOLD="0.999", **given)
    assert "exceeds threshold 0.999" in (found / "constraint_violations.json").read_text()


@pytest.mark.parametrize("content", [{"l": {}}, [1], {"l": {"global_shap_values": {"a": "x"}}}])
def test_a_baseline_that_makes_no_sense_is_refused(explain, tmp_path, content):
    (tmp_path / "bad.json").write_text(json.dumps({"explanations": {"kernel_shap": content}}))
    with pytest.raises(BaselineError, match=r"explanations\.kernel_shap makes no sense"):
        explain(ROWS, baseline_constraints=tmp_path / "bad.json")


# --- how many rows, and where -----------------------------------------------------------------------------------------

MANY = "a,b,c\n" + "".join(f"{i % 17},{i % 5},{i % 3}\n" for i in range(3_000))


def test_rows_are_capped_by_a_sample_and_the_report_says_so(explain, caplog):
    folder = explain(MANY, ANALYZER_MOST_EXPLAINED="100")
    profile = profile_in(folder)
    assert (profile["rows"], profile["explained_rows"]) == (3000, 100)
    assert "100 of 3,000 rows were explained" in profile["notes"][0]
    assert "100 of 3,000 rows were explained" in caplog.text
    again = explain(MANY, {"max_rows": 100}, into="again")
    assert (again / "analysis.json").read_text() == (folder / "analysis.json").read_text()
    other = explain(MANY, {"max_rows": 100, "seed": 5}, into="other")
    assert (other / "analysis.json").read_text() != (folder / "analysis.json").read_text()


def test_several_processes_write_the_same(explain, monkeypatch):
    monkeypatch.setattr("analyzer.model_explainability.FEW_SYNTHETIC_ROWS", 1)
    shap = {"save_local_shap_values": True}
    one, two = explain(MANY, shap), explain(MANY, shap, into="two", ANALYZER_CORES="2")
    for name in ("analysis.json", "profile.json", "explanations_shap/out.csv"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


@pytest.mark.spark
def test_on_spark_the_model_runs_in_the_tasks_and_the_files_are_the_same(explain, spark, tmp_path):
    script = """
        import os, pathlib
        def predict(df):
            pathlib.Path(__file__).with_name(f'asked-{os.getpid()}').touch()
            return 2 * df.a + df.b - 3 * df.c
    """
    shap = {"save_local_shap_values": True}
    here = explain(MANY, shap, script=script, ANALYZER_MOST_EXPLAINED="500")
    mine = set(tmp_path.glob("asked-*"))
    there = explain(MANY, shap, script=script, into="there", ANALYZER_ENGINE="spark", ANALYZER_MOST_EXPLAINED="500")
    assert set(tmp_path.glob("asked-*")) > mine, "processes of Spark were asked"
    for name in ("analysis.json", "profile.json", "explanations_shap/out.csv"):
        assert (here / name).read_bytes() == (there / name).read_bytes()


@pytest.mark.spark
def test_sources_that_only_spark_reads_are_explained(explain, spark, tmp_path):
    frame = spark.createDataFrame([(1, 2.0, 3, "x"), (-2, 4.0, 0, "y")], "a int, b double, c long, label string")
    frame.write.format("orc").save(str(tmp_path / "orc"))
    folder = explain(
        tmp_path / "orc", top={"label": "label"}, dataset_format={"spark": {"format": "orc"}}, ANALYZER_ENGINE="spark"
    )
    assert values_in(folder)["global_shap_values"] == near({"a": 3, "b": 3, "c": 4.5})


@pytest.mark.spark
def test_what_fails_in_a_task_of_spark_is_told_as_here(explain, spark):
    script = "def predict(df):\n    if len(df) > 1: raise KeyError('x')\n    return df.a"
    with pytest.raises(ScriptError) as error:
        explain(MANY, script=script, ANALYZER_ENGINE="spark", ANALYZER_MOST_EXPLAINED="64")
    assert "KeyError: 'x'" in str(error.value)
    assert "while rows 1 to 4 of the sample were explained" in str(error.value)


def test_captures_are_explained_by_what_the_endpoint_was_sent(explain, tmp_path):
    write_lines(tmp_path / "captures" / "a.jsonl", [record("1,2,3", "0.7"), record("-2,4,0", "0.1")])
    folder = explain(
        tmp_path / "captures", top={"headers": ["a", "b", "c"]},
        dataset_format={"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}},
    )  # fmt: skip
    assert values_in(folder)["global_shap_values"] == near({"a": 3, "b": 3, "c": 4.5})


def test_json_captures_are_explained_by_a_path(explain, tmp_path):
    body = json.dumps({"instances": [{"features": [1, 2, 3]}, {"features": [-2, 4, 0]}]})
    write_lines(tmp_path / "captures" / "a.jsonl", [record(half(body, "JSON"), half('{"p":[1,2]}', "JSON"))])
    folder = explain(
        tmp_path / "captures", top={"headers": ["a", "b", "c"], "features": "instances[*].features"},
        dataset_format={"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}},
    )  # fmt: skip
    assert values_in(folder)["global_shap_values"] == near({"a": 3, "b": 3, "c": 4.5})


# --- endpoints --------------------------------------------------------------------------------------------------------


def test_an_endpoint_is_asked(explain):
    with endpoint(sums) as service:
        folder = explain(ROWS, script=None, ANALYZER_MODEL_URL=service.url, ANALYZER_MODEL_BATCH_ROWS="4")
    assert values_in(folder)["global_shap_values"] == pytest.approx({"a": 1.5, "b": 3, "c": 1.5})
    assert max(len(each.rows()) for each in service.asked) == 4


def test_an_endpoint_that_hangs_ends_the_job_with_its_batch(explain):
    with endpoint(hang(10)) as service, pytest.raises(ModelError) as error:
        explain(ROWS, predictor={"endpoint_url": service.url, "timeout": 0.1, "retries": 0}, script=None)
    assert "did not answer in 1 tries of up to 0.1 s" in str(error.value)
    assert "batch 1 of 1 rows" in str(error.value)


# --- attributions in the data -----------------------------------------------------------------------------------------


def test_attributions_in_columns_are_aggregated_over_all_rows(explain):
    rows = "id,why_a,why_b\n1,1,-2\n2,-3,0\n3,,1\n"
    folder = explain(rows, script=None, ANALYZER_ATTRIBUTIONS="why_", ANALYZER_MOST_EXPLAINED="1")
    assert values_in(folder) == {"global_shap_values": {"a": 2, "b": 1}}
    profile = profile_in(folder)
    assert (profile["rows"], profile["explained_rows"]) == (3, 2)
    assert profile["notes"] == ["1 of 3 rows lack attributions and were left out."]
    squares = explain(rows, {"agg_method": "mean_sq"}, {"attributions": "why_"}, script=None, into="squares")
    assert values_in(squares) == {"global_shap_values": {"a": 5, "b": 2}}
    median = explain(rows, {"agg_method": "median"}, {"attributions": "why_"}, script=None, into="median")
    assert values_in(median) == {"global_shap_values": {"a": -1, "b": -1}}


def test_labels_are_told_by_the_ends_of_columns(explain):
    rows = "s_a_label0,s_b_label0,s_a_label1,s_b_label1\n1,2,3,4\n"
    folder = explain(rows, script=None, ANALYZER_ATTRIBUTIONS="s_")
    assert values_in(folder, "label1") == {"global_shap_values": {"a": 3, "b": 4}}
    with pytest.raises(ConfigError, match="ends in none of them"):
        explain(rows, predictor={"label_headers": ["x", "y"], "attributions": "s_"}, script=None)


def test_a_label_that_ends_as_another_one_keeps_its_columns(explain):
    told = {"label_headers": ["no", "maybe_no"], "attributions": "s_"}
    folder = explain("s_a_no,s_a_maybe_no\n1,3\n", predictor=told, script=None)
    assert values_in(folder, "no") == {"global_shap_values": {"a": 1}}
    assert values_in(folder, "maybe_no") == {"global_shap_values": {"a": 3}}


def test_attributions_in_answers_of_an_endpoint_are_found_by_a_path(explain, tmp_path):
    """As endpoints of SageMaker answer that explain online."""
    answers = [
        {"explanations": {"kernel_shap": [[{"attributions": [{"attribution": [value]}]} for value in row]]}}
        for row in ([0.5, -1.5], [-1.5, 0.5])
    ]
    lines = [record("1,2", half(json.dumps(answer), "JSON")) for answer in answers]
    write_lines(tmp_path / "captures" / "a.jsonl", lines)
    folder = explain(
        tmp_path / "captures", top={"headers": ["a", "b"]}, script=None,
        dataset_format={"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}},
        ANALYZER_ATTRIBUTIONS="explanations.kernel_shap[0][*].attributions[0].attribution[0]",
    )  # fmt: skip
    assert values_in(folder) == {"global_shap_values": {"a": 1, "b": 1}}


def test_attributions_in_json_lines_are_found_by_a_path(explain, tmp_path):
    lines = [{"x": {"shap": {"a": 1, "b": -2}}}, {"x": {"shap": {"a": 3, "b": 0}}}]
    write_lines(tmp_path / "data" / "a.jsonl", lines)
    folder = explain(
        tmp_path / "data", script=None, dataset_format={"json": {"line": True}}, ANALYZER_ATTRIBUTIONS="x.shap"
    )
    assert values_in(folder) == {"global_shap_values": {"a": 2, "b": 1}}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,b\n1,2\n", "no columns that begin with 'why_': a, b"),
        ("why_a\nx\n", "Attributions of 'why_a' are no numbers"),
        ("why_a,b\n,1\n", "none of the 1 rows has all attributions"),
    ],
)
def test_attributions_that_are_none_are_refused(explain, rows, said):
    with pytest.raises(InputError) as error:
        explain(rows, script=None, ANALYZER_ATTRIBUTIONS="why_")
    assert said in str(error.value)


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"script": None}, ConfigError, "Attributions need the model, and none is given"),
        ({"script": "def predict(df): return df.a[:-1]"}, ModelError, "answered 1 x 0 scores for 1 rows"),
        ({"script": "def predict(df): return df.a[:2] if len(df) > 2 else df.a"}, ModelError, "while rows 1 to 1 of"),
        ({"script": "def predict(df): return df.a / 0"}, ModelError, "answered nan"),
        ({"shap": {"baseline": [[1, 2]]}}, ConfigError, "row 1 holds 2 values, but there are 3 features"),
        ({"shap": {"features_to_explain": ["d"]}}, ConfigError, "'d' is not a feature"),
        ({"shap": {"text_config": {"language": "english"}}}, ConfigError, "texts, which are not explained"),
        ({"predictor": {"label_headers": ["x", "y"]}}, ConfigError, "names 2 labels, but the model answers 1 scores"),
        ({"predictor": {"handler": "a.py", "endpoint_url": "http://b"}, "script": None}, ConfigError, "Two models"),
        (
            {"predictor": {"attributions": "why_"}},
            ConfigError,
            "both a model and attributions in the data are named",
        ),
        ({"top": {"label": "a", "excluded_columns": ["b", "c"]}}, InputError, "there are no features beside a, b, c"),
    ],
)
def test_errors_name_what_was_found(explain, given, kind, said):
    with pytest.raises(kind) as error:
        explain(ROWS, **given)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "setting",
    ["ANALYZER_MODEL_SCRIPT", "ANALYZER_MODEL_URL", "ANALYZER_MODEL_RETRIES", "ANALYZER_MODEL_BATCH_ROWS",
     "ANALYZER_MOST_EXPLAINED"],
)  # fmt: skip
def test_settings_that_would_not_be_heeded_are_refused(run_job, tmp_path, setting):
    (tmp_path / "rows.csv").write_text(ROWS)
    with pytest.raises(ConfigError, match=f"{setting} is for (bias and )?attribution"):
        run_job(tmp_path / "rows.csv", CSV, **{setting: "9"})


def test_no_rows(explain):
    with pytest.raises(InputError, match="holds no data"):
        explain("a,b,c\n")
    folder = explain("a,b,c\n", into="empty", ANALYZER_EMPTY_INPUT="succeed")
    assert json.loads((folder / "analysis.json").read_text()) == {"version": "1.0"}
    assert profile_in(folder)["rows"] == 0


def test_bias_comes_out_where_the_model_fails(explain, tmp_path):
    rows = "a,b,c,y,p\n1,2,3,1,1\n2,3,4,0,1\n1,1,1,0,0\n2,2,2,1,0\n"
    top = {
        "label": "y", "predicted_label": "p", "label_values_or_threshold": [1],
        "facet": [{"name_or_index": "a", "value_or_threshold": [2]}],
    }  # fmt: skip
    config = {
        **top,
        "methods": {
            "shap": {"baseline": BASELINE},
            "pre_training_bias": {"methods": "all"},
            "post_training_bias": {"methods": "all"},
        },
    }
    with pytest.raises(AnalyzerError, match="KeyError"):
        explain(rows, top=config, script="def predict(df): raise KeyError(1)", into="both")
    found = json.loads((tmp_path / "both" / "analysis.json").read_text())
    assert list(found) == ["version", "post_training_bias_metrics", "pre_training_bias_metrics"]
