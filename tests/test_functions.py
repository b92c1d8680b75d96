"""The functions for notebooks: paths and data frames in, results with violations, statistics and HTML out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import analyzer
from analyzer.errors import BaselineError, ConfigError, InputError, OutputError

ROWS = {"age": [31, 45, 29, 38] * 10, "plan": ["basic", "gold", "basic", "gold"] * 10}
STRANGE = {"age": [33, 30], "plan": ["silver", "gold"]}


@pytest.fixture
def normal() -> analyzer.Result:
    return analyzer.baseline(pd.DataFrame(ROWS))


def test_a_baseline_of_a_frame_judges_another_frame(normal):
    found = analyzer.monitor(pd.DataFrame(STRANGE), baseline=normal)
    assert not found.ok
    (violation,) = found.violations
    assert (violation.feature, violation.check, violation.severity) == ("plan", "categorical_values_check", "high")
    assert violation.explanation == "1 of 2 rows (50 %) hold values new to the baseline"
    assert found.rows == 2
    assert found.statistics["features"][0]["name"] == "age"
    assert found.profile["violations"]
    assert found.message == "CompletedWithViolations: Job completed successfully with 1 violations."
    assert analyzer.monitor(pd.DataFrame(ROWS), baseline=normal).ok


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(STRANGE),
        pd.DataFrame(STRANGE, index=["x", "y"]),
        pl.DataFrame(STRANGE),
        pl.DataFrame(STRANGE).lazy(),
        pa.table(STRANGE),
        pa.table(STRANGE).to_batches()[0],
        STRANGE,
    ],
    ids=["pandas", "index", "polars", "lazy", "arrow", "batch", "dict"],
)
def test_frames_of_every_kind_are_the_same_data(normal, frame):
    found = analyzer.monitor(frame, baseline=normal)
    assert [each.feature for each in found.violations] == ["plan"]
    assert [each["name"] for each in found.statistics["features"]] == ["age", "plan"]


def test_a_whole_number_that_pandas_made_a_fraction_is_whole(normal):
    """pandas makes doubles of whole numbers where one is missing; only that it is missing is a violation."""
    rows = pd.DataFrame({"age": [33, None], "plan": ["gold", "gold"]})
    assert rows["age"].dtype == np.float64
    found = analyzer.monitor(rows, baseline=normal)
    assert [(each.feature, each.check) for each in found.violations] == [("age", "completeness_check")]
    fractions = analyzer.monitor(pd.DataFrame({"age": [33.5, None], "plan": ["gold"] * 2}), baseline=normal)
    assert "data_type_check" in [each.check for each in fractions.violations]
    assert rows["age"].dtype == np.float64, "the caller's frame stays as it was"


def test_paths_and_folders(tmp_path):
    (tmp_path / "a.csv").write_text("age,plan\n31,basic\n45,gold\n")
    (tmp_path / "b.csv").write_text("age,plan\n31,silver\n")
    normal = analyzer.baseline(tmp_path / "a.csv", output=tmp_path / "normal")
    assert normal.folder == str(tmp_path / "normal")
    assert (tmp_path / "normal" / "constraints.json").read_bytes() == normal.files["constraints.json"]
    for baseline in (normal, tmp_path / "normal", str(tmp_path / "normal")):
        found = analyzer.monitor(str(tmp_path / "b.csv"), baseline=baseline)
        assert [each.feature for each in found.violations] == ["plan"]
    assert found.folder is None


def test_settings_and_variables_have_their_names(tmp_path, monkeypatch):
    (tmp_path / "s.py").write_text("def preprocess_handler(record):\n    return {'length': len(record)}\n")
    (tmp_path / "a.csv").write_text("a\nbbb\n")
    found = analyzer.baseline(
        tmp_path / "a.csv", dataset_format="csv-no-header", record_preprocessor_script=tmp_path / "s.py",
        evidence=False, engine="local", compatibility="corrected",
    )  # fmt: skip
    assert [each["name"] for each in found.statistics["features"]] == ["length"]
    assert found.rows == 2
    assert found.profile["compatibility"] == "corrected"
    left = analyzer.baseline(pa.table({"a": [1], "b,c": [2], "d": [3]}), exclude_features_attribute=["a", "b,c"])
    assert [each["name"] for each in left.statistics["features"]] == ["d"]
    monkeypatch.setenv("output_path", str(tmp_path / "elsewhere"))
    analyzer.baseline(tmp_path / "a.csv")
    assert not (tmp_path / "elsewhere").exists()


def test_quality_of_a_model():
    frame = pl.DataFrame({"y": [0, 1] * 50, "p": [0.2, 0.8] * 50})
    normal = analyzer.quality(frame, problem="binary", label="y", score="p")
    assert normal.statistics["binary_classification_metrics"]["accuracy"]["value"] == 1.0
    assert "accuracy" in normal.text()
    worse = frame.with_columns(p=1 - pl.col("p"))
    found = analyzer.quality(worse, problem="binary", label="y", score="p", baseline=normal)
    assert {each.severity for each in found.violations} == {"high"}
    assert "accuracy" in {each.feature for each in found.violations}


def test_a_result_shows_itself_in_a_notebook_and_everything_is_escaped():
    name, value = "<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>"
    normal = analyzer.baseline(pa.table({name: ["a", "b"]}))
    found = analyzer.monitor(pa.table({name: [value, value]}), baseline=normal)
    for shown in (normal._repr_html_(), found._repr_html_()):
        assert "&lt;script&gt;alert(1)" in shown
        assert "<script" not in shown
        assert "<img" not in shown
    assert "<table>" in found._repr_html_()
    assert name in found.text()


def test_violations_as_a_data_frame(normal):
    found = analyzer.monitor(STRANGE, baseline=normal).violations_frame()
    assert list(found.columns) == ["feature", "check", "description", "severity", "explanation"]
    assert found["feature"].tolist() == ["plan"]
    assert analyzer.monitor(ROWS, baseline=normal).violations_frame().empty


def test_the_worst_comes_first():
    normal = analyzer.baseline({"a": ["x"] * 1000, "b": ["x"] * 1000})
    strange = {"a": ["x"] * 999 + ["new"], "b": ["new"] * 1000}
    found = analyzer.monitor(strange, baseline=normal)
    severities = [each.severity for each in found.violations]
    assert severities == sorted(severities, key=["high", "medium", "low"].index)
    assert {each.feature: each.severity for each in found.violations}["b"] == "high"
    assert found.violations[0].feature == "b"
    assert found.violations[-1].feature == "a"
    assert found.violations[-1].severity != "high"


def test_a_result_can_be_saved(normal, tmp_path):
    normal.save(tmp_path / "x")
    assert {path.name for path in (tmp_path / "x").iterdir()} == set(normal.files)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        normal.save(tmp_path / "file")


def test_captures_and_labels_are_put_together(tmp_path):
    for folder, name in (("captures/e/v/2025/02/16/11", "a.jsonl"), ("labels/2025/02/17/03", "b.jsonl")):
        (tmp_path / folder).mkdir(parents=True)
        event = {"data": "0.7", "encoding": "CSV"}
        part = {"captureData": {"endpointOutput": event}} if "cap" in folder else {"groundTruthData": event}
        (tmp_path / folder / name).write_text(json.dumps({**part, "eventMetadata": {"eventId": "e-1"}}) + "\n")
    found = analyzer.merge_labels(tmp_path / "captures", tmp_path / "labels", output=tmp_path / "merged")
    assert found.summary.startswith("1 of 1 captures (100.0%) have labels")
    assert "2025-02-16T11:00:00Z" in found.text()
    assert "1 of 1 captures" in found._repr_html_()
    assert list((tmp_path / "merged").rglob("part-*.jsonl"))


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: analyzer.baseline(42), ConfigError, "int is no data that can be read"),
        (lambda: analyzer.baseline(pd.DataFrame([[1, 2]], columns=["a", "a"])), InputError, "'a'"),
        (
            lambda: analyzer.baseline(pd.DataFrame({"a": [1, "x", object()]})),
            InputError,
            "cannot be written as Parquet",
        ),
        (lambda: analyzer.baseline(pd.DataFrame({"a": []})), InputError, "holds no data"),
        (lambda: analyzer.monitor(STRANGE, baseline="/nowhere"), BaselineError, "/nowhere does not exist"),
        (lambda: analyzer.baseline("/nowhere.csv"), InputError, "/nowhere.csv does not exist"),
        (lambda: analyzer.baseline(STRANGE, engin="local"), ConfigError, "--engine"),
        (lambda: analyzer.quality(STRANGE, problem="ranking", label="age"), ConfigError, "'ranking'"),
        (lambda: analyzer.baseline(STRANGE, engine="quantum"), ConfigError, "quantum"),
        (lambda: analyzer.doctor(baseline="x"), ConfigError, "A baseline is given without data"),
        (lambda: analyzer.baseline(STRANGE, dataset_source="x"), ConfigError, "dataset_source is given as a setting"),
        (lambda: analyzer.baseline(STRANGE, output="a", **{"output-path": "b"}), ConfigError, "output-path is given"),
        (lambda: analyzer.baseline(STRANGE, dataset_format="csv"), ConfigError, "with a data frame, which needs none"),
    ],
)
def test_what_is_wrong_is_said(call, error, said):
    with pytest.raises(error) as caught:
        call()
    assert said in str(caught.value)


def test_importing_the_package_stays_light():
    code = "import analyzer, sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "polars", "pyarrow", "pyspark", "boto3", "click", "orjson", "json"}
    assert not heavy & set(done.stdout.split())


def test_what_is_exported_is_there_and_typed():
    assert set(analyzer.__all__) <= set(dir(analyzer))
    for name in analyzer.__all__:
        assert getattr(analyzer, name)
    assert (Path(analyzer.__file__).parent / "py.typed").exists()
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = analyzer.nothing_of_the_kind
