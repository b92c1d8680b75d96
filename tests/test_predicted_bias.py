"""Jobs of bias whose predictions are asked of the model: the figures of predictions that are in the data."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from analyses import SIMPLE, analysis, bias_notes, run_analysis, table, values, write_table
from endpoint_service import Asked, endpoint
from traffic import ROOT, run_process

from analyzer.errors import ConfigError, InputError, ModelError, ScriptError

UNPREDICTED = {key: value for key, value in SIMPLE.items() if key != "predicted_label"}
MODEL = "def predict(df):\n    return 1 / (1 + 2.718281828459045 ** -(0.4 * df.x + 0.5 * df.g - df.f - 2))\n"
HEADER = "f,g,x,y"


def score(f: int, g: int, x: int) -> float:
    return float(1 / (1 + 2.718281828459045 ** -(0.4 * x + 0.5 * g - f - 2)))


ROWS = [row[:4] for row in table(400)]
PREDICTED = [(*row, int(score(*row[:3]) > 0.5)) for row in ROWS]


@pytest.fixture
def expected(tmp_path) -> dict[str, Any]:
    """What comes out where the same predictions are a column of the data."""
    write_table(tmp_path / "given", PREDICTED)
    return values(run_analysis(tmp_path / "given", SIMPLE), "f")


def script(root: Path, text: str = MODEL) -> Path:
    path = root / "model.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def scores(asked: Asked) -> list[float]:
    return [score(*(int(field) for field in row)) for row in asked.rows()]


# --- where predictions come from --------------------------------------------------------------------------------------


def test_predictions_of_a_script_give_the_figures_of_those_in_the_data(tmp_path, expected, caplog) -> None:
    caplog.set_level("INFO")
    write_table(tmp_path / "asked", ROWS, HEADER)
    out = run_analysis(tmp_path / "asked", UNPREDICTED, ANALYZER_MODEL_SCRIPT=script(tmp_path))
    assert values(out, "f") == expected
    assert isinstance(expected["FT"], float)
    assert bias_notes(out) == []
    assert "The model was called 1 times with 400 rows" in caplog.text


def test_the_model_gets_the_features_alone_in_batches(tmp_path, expected) -> None:
    rows = [(*row[:3], "id", row[3]) for row in ROWS]
    write_table(tmp_path, rows, "f,g,x,id,y")
    with endpoint(lambda asked: (200, "text/csv", "\n".join(map(str, scores(asked))))) as service:
        config = {**UNPREDICTED, "excluded_columns": ["id"], "predictor": {"endpoint_url": service.url}}
        out = run_analysis(tmp_path, config, ANALYZER_MODEL_BATCH_ROWS=150)
    assert [len(asked.rows()) for asked in service.asked] == [150, 150, 100]
    assert service.asked[0].rows()[0] == [str(field) for field in ROWS[0][:3]]
    assert {name: v for name, v in values(out, "f").items() if name != "FT"} == {
        name: v for name, v in expected.items() if name != "FT"
    }


def test_a_threshold_of_its_own_judges_scores(tmp_path) -> None:
    write_table(tmp_path / "given", [(*row, int(score(*row[:3]) > 0.8)) for row in ROWS])
    write_table(tmp_path / "asked", ROWS, HEADER)
    expected = values(run_analysis(tmp_path / "given", SIMPLE), "f")
    config = {**UNPREDICTED, "probability_threshold": 0.8}
    out = run_analysis(tmp_path / "asked", config, ANALYZER_MODEL_SCRIPT=script(tmp_path))
    assert values(out, "f") == expected


def test_of_several_scores_the_largest_names_the_class(tmp_path) -> None:
    names = {0: "rejected", 1: "hired"}
    write_table(tmp_path / "given", [(*row[:3], names[row[3]], names[p]) for *row, p in PREDICTED])
    write_table(tmp_path / "asked", [(*row[:3], names[row[3]]) for row in ROWS], HEADER)
    config = {**SIMPLE, "label_values_or_threshold": ["hired"]}
    expected = values(run_analysis(tmp_path / "given", config), "f")
    predictor = {"label_headers": ["rejected", "hired"], "handler": "model.py"}
    script(tmp_path / "asked/processing/input/config", MODEL + "one = predict\ndef predict(df):\n"
           "    import numpy as np\n    p = one(df)\n    return np.column_stack([1 - p, p])\n")  # fmt: skip
    del config["predicted_label"]
    out = run_analysis(tmp_path / "asked", {**config, "predictor": predictor})
    assert values(out, "f") == expected
    with pytest.raises(ConfigError, match=r"label_headers names 3 labels, but the model answers 2 scores"):
        run_analysis(tmp_path / "asked", {**config, "predictor": {**predictor, "label_headers": ["a", "b", "c"]}})


@pytest.mark.parametrize(
    ("predictor", "answer"),
    [
        ({"label": 1}, lambda p: f"{p},{['no', 'yes'][p > 0.5]}"),
        ({"label": "found.label", "probability": "found.p", "accept_type": "application/jsonlines"},
         lambda p: json.dumps({"found": {"label": ["no", "yes"][p > 0.5], "p": 0.1}})),
    ],
)  # fmt: skip
def test_labels_are_taken_as_they_are_where_the_predictor_says_where_they_stand(tmp_path, predictor, answer) -> None:
    names = {0: "no", 1: "yes"}
    write_table(tmp_path / "given", [(*row[:3], names[row[3]], names[p]) for *row, p in PREDICTED])
    write_table(tmp_path / "asked", [(*row[:3], names[row[3]]) for row in ROWS], HEADER)
    config = {**SIMPLE, "label_values_or_threshold": ["yes"]}
    expected = values(run_analysis(tmp_path / "given", config), "f")
    del config["predicted_label"]
    with endpoint(lambda asked: (200, "text/csv", "\n".join(map(answer, scores(asked))))) as service:
        out = run_analysis(
            tmp_path / "asked", {**config, "predictor": {**predictor, "endpoint_url": service.url}}
        )  # fmt: skip
    assert values(out, "f") == expected


@pytest.mark.parametrize("made", ["(one(df) > 0.5).astype(int)", "one(df) > 0.5"])
def test_a_script_may_answer_labels(tmp_path, expected, made) -> None:
    write_table(tmp_path / "asked", ROWS, HEADER)
    text = MODEL.replace("predict", "one") + f"def predict(df): return {made}\n"
    out = run_analysis(tmp_path / "asked", UNPREDICTED, ANALYZER_MODEL_SCRIPT=script(tmp_path, text))
    assert values(out, "f") == expected


def test_predictions_of_a_regression_are_judged_by_the_threshold_of_labels(tmp_path) -> None:
    rows = [(f, g, x, 10 * x + f + 0.5) for f, g, x, _ in ROWS]
    write_table(tmp_path / "given", [(*row, 9.0 * row[2] + 0.25) for row in rows])
    write_table(tmp_path / "asked", rows, HEADER)
    config = {**SIMPLE, "label_values_or_threshold": [40]}
    expected = values(run_analysis(tmp_path / "given", config), "f")
    del config["predicted_label"]
    model = script(tmp_path, "def predict(df): return 9.0 * df.x + 0.25\n")
    out = run_analysis(tmp_path / "asked", {**config, "predictor": {"label": 0}}, ANALYZER_MODEL_SCRIPT=model)
    assert values(out, "f") == expected
    assert isinstance(expected["RD"], float)


def test_records_of_json_are_asked_by_their_features(tmp_path, expected) -> None:
    data = tmp_path / "asked/processing/input/data/d.jsonl"
    data.parent.mkdir(parents=True)
    data.write_text("".join(json.dumps({"in": [int(v) for v in row[:3]], "out": int(row[3])}) + "\n" for row in ROWS))
    config = {
        **UNPREDICTED, "dataset_type": "application/jsonlines", "features": "in", "label": "out",
        "headers": ["f", "g", "x", "y"],
    }  # fmt: skip
    out = run_analysis(tmp_path / "asked", config, ANALYZER_MODEL_SCRIPT=script(tmp_path))
    assert values(out, "f") == expected


def test_a_feature_is_of_one_kind_in_all_batches(tmp_path) -> None:
    """What reads as a number in the first batches is text to the model where later rows hold texts."""
    rows = [(i % 2, 0, i % 10, i % 2) for i in range(40_000)] + [(1, 0, "many", 1)] * 10
    write_table(tmp_path, rows, HEADER)
    text = "def predict(df):\n    assert str(df.x.dtype) in ('str', 'object'), df.dtypes\n    return df.f * 0.9\n"
    out = run_analysis(tmp_path, UNPREDICTED | {"skip_flip_test": True}, ANALYZER_MODEL_SCRIPT=script(tmp_path, text))
    assert values(out, "f")["DPPL"] == 1.0


def test_predictions_in_the_data_are_not_asked_for(tmp_path, expected, caplog) -> None:
    caplog.set_level("INFO")
    write_table(tmp_path / "both", PREDICTED)
    model = script(tmp_path, "def predict(df): raise RuntimeError\n")
    assert values(run_analysis(tmp_path / "both", SIMPLE, ANALYZER_MODEL_SCRIPT=model), "f") == expected
    assert "Predictions are in the data: the model is not asked for them." in caplog.text


def test_one_job_measures_bias_and_explains_with_the_same_model(tmp_path, expected) -> None:
    write_table(tmp_path / "asked", ROWS, HEADER)
    methods = {
        "pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": "all"},
        "shap": {"baseline": [[0, 0, 0]]},
    }  # fmt: skip
    out = run_analysis(tmp_path / "asked", UNPREDICTED | {"methods": methods}, ANALYZER_MODEL_SCRIPT=script(tmp_path))
    assert values(out, "f") == expected
    assert set(analysis(out)["explanations"]["kernel_shap"]["label0"]["global_shap_values"]) == {"f", "g", "x"}


def test_a_baseline_of_one_half_judges_that_and_the_log_names_the_other(tmp_path, caplog) -> None:
    write_table(tmp_path, PREDICTED)
    baseline = tmp_path / "kept.json"
    baseline.write_bytes((run_analysis(tmp_path, SIMPLE) / "analysis.json").read_bytes())
    methods = {"pre_training_bias": {"methods": "all"}, "shap": {"baseline": [[0, 0, 0]]}}
    out = run_analysis(
        tmp_path, SIMPLE | {"methods": methods}, ANALYZER_MODEL_SCRIPT=script(tmp_path), baseline_constraints=baseline
    )  # fmt: skip
    profile = json.loads((out / "profile.json").read_text())
    assert (profile["bias"]["judged"], profile["attribution"]["judged"]) == (True, False)
    assert f"{baseline} has no explanations, so these figures of this run are not judged." in caplog.text


@pytest.mark.spark
def test_on_spark_the_tasks_ask_and_the_files_are_the_same(spark, tmp_path) -> None:
    for i in range(3):
        write_table(tmp_path, ROWS[i::3], HEADER, name=f"d{i}")
    model = script(tmp_path)
    here = run_analysis(tmp_path, UNPREDICTED, output_path=tmp_path / "here", ANALYZER_MODEL_SCRIPT=model)
    there = run_analysis(
        tmp_path, UNPREDICTED, output_path=tmp_path / "there", ANALYZER_MODEL_SCRIPT=model, ANALYZER_ENGINE="spark"
    )  # fmt: skip
    assert (there / "analysis.json").read_bytes() == (here / "analysis.json").read_bytes()
    assert (there / "state.json.gz").read_bytes() == (here / "state.json.gz").read_bytes()
    assert isinstance(values(here, "f")["RD"], float)


@pytest.mark.spark
def test_both_halves_of_a_run_share_one_session(tmp_path) -> None:
    """Every session of Spark leaves an event log."""
    write_table(tmp_path, ROWS, HEADER)
    methods = {"post_training_bias": {"methods": ["DPPL"]}, "shap": {"baseline": [[0, 0, 0]]}}
    config = tmp_path / "analysis_config.json"
    config.write_text(json.dumps(UNPREDICTED | {"methods": methods}))
    events = tmp_path / "events"
    events.mkdir()
    log_events = f"--conf spark.eventLog.enabled=true --conf spark.eventLog.dir={events} pyspark-shell"
    code, message, log = run_process(
        os.environ | {
            "PYTHONPATH": str(ROOT), "PYSPARK_SUBMIT_ARGS": log_events, "ANALYZER_ROOT": str(tmp_path),
            "ANALYZER_ANALYSIS_CONFIG": str(config), "ANALYZER_MODEL_SCRIPT": str(script(tmp_path)),
            "ANALYZER_ENGINE": "spark", "ANALYZER_CORES": "1",
        }
    )  # fmt: skip
    assert (code, message[:10]) == (0, "Completed:"), log
    assert set(analysis(tmp_path / "processing" / "output")) > {"post_training_bias_metrics", "explanations"}
    assert len(list(events.iterdir())) == 1, log


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("return [0.5]", ModelError, "scores for 400 rows"),
        ("return df.x * float('nan')", ModelError, "answered nan for row 1"),
        ("return [None] * 399 + ['a']", ModelError, "answered no label for row 1"),
        ("return df.nothing", ScriptError, "AttributeError"),
    ],
)
def test_a_model_that_fails_names_the_rows_and_the_other_metrics_come_out(tmp_path, body, kind, said) -> None:
    write_table(tmp_path, ROWS, HEADER)
    model = script(tmp_path, f"def predict(df): {body}\n")
    with pytest.raises(kind) as error:
        run_analysis(tmp_path, UNPREDICTED, ANALYZER_MODEL_SCRIPT=model)
    assert said in str(error.value)
    assert f"from record 2 of {tmp_path}" in str(error.value)
    found = analysis(tmp_path / "processing" / "output")
    assert list(found) == ["version", "pre_training_bias_metrics"]


def test_an_endpoint_that_fails_is_named_with_its_batch(tmp_path) -> None:
    write_table(tmp_path, ROWS, HEADER)
    methods = {"post_training_bias": {"methods": ["DPPL"]}}
    with endpoint(lambda _: (500, "text/plain", "out of memory")) as service:
        config = {**UNPREDICTED, "methods": methods, "predictor": {"endpoint_url": service.url, "retries": 0}}
        with pytest.raises(ModelError, match=r"500.*out of memory.*batch 1 of 400 rows.*from record 2 of"):
            run_analysis(tmp_path, config)
    assert not (tmp_path / "processing" / "output" / "analysis.json").exists()


def test_a_model_that_does_not_load_is_told_of_before_data_is_read(tmp_path) -> None:
    (tmp_path / "processing/input/data").mkdir(parents=True)
    (tmp_path / "processing/input/data/d.csv").write_text(HEADER + "\n1,2\n")
    with pytest.raises(InputError):  # without predictions the rest is measured, and the data is at fault
        run_analysis(tmp_path, UNPREDICTED, ANALYZER_MODEL_SCRIPT=script(tmp_path, "no python"))
    methods = {"post_training_bias": {"methods": "all"}}
    with pytest.raises(ScriptError, match="SyntaxError"):
        run_analysis(tmp_path, {**UNPREDICTED, "methods": methods}, ANALYZER_MODEL_SCRIPT=script(tmp_path, "no python"))


def test_metrics_of_predictions_need_predictions_or_a_model(tmp_path) -> None:
    write_table(tmp_path, ROWS, HEADER)
    config = {**UNPREDICTED, "methods": {"post_training_bias": {"methods": "all"}}, "predictor": {"model_name": "m"}}
    with pytest.raises(ConfigError, match=r"neither predicted_label nor a model is given.*ANALYZER_MODEL_SCRIPT"):
        run_analysis(tmp_path, config)
