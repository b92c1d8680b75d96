"""Whole jobs of bias: baselines from data sets, monitoring from merged records, and what goes wrong."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from analyses import (
    ADULT,
    HEADER,
    SIMPLE,
    analysis,
    bias_notes,
    oracle,
    run_analysis,
    table,
    texts,
    values,
    write_table,
)
from jsonschema import Draft202012Validator, ValidationError
from traffic import document, environment, half, run_process, write_csv, write_lines

from analyzer.analysis_config import parse_analysis_config
from analyzer.commands import run_command
from analyzer.config import read_config
from analyzer.errors import AnalyzerError, BaselineError, ConfigError, InputError
from analyzer.measures.flip_test import flip_test
from benchmarks import generate
from benchmarks.cases.biases import CONFIG as MEASURED
from benchmarks.peers import pandas_bias

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
SHARED = Path(__file__).resolve().parents[1] / ".." / "shared" / "golden"
NUMBERS = {"Infinity": math.inf, "-Infinity": -math.inf}


@pytest.fixture
def golden() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the original's outputs are not beside the checkout")
    return SHARED / "bias-adult"


def put(root: Path, source: Path, times: int = 1) -> Path:
    folder = root / "processing" / "input" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    header, *lines = source.read_text().splitlines()
    (folder / "d.csv").write_text("\n".join([header, *lines * times]) + "\n")
    return folder


# --- the original's files ---------------------------------------------------------------------------------------------


@pytest.mark.golden
def test_the_baseline_is_the_originals_byte_for_byte(golden, tmp_path) -> None:
    put(tmp_path, golden / "baseline.csv")
    out = run_analysis(tmp_path, ADULT)
    assert (out / "analysis.json").read_bytes() == (golden / "baseline.analysis.json").read_bytes()
    assert not (out / "constraint_violations.json").exists()


@pytest.mark.golden
def test_every_reference_number_comes_out(golden, tmp_path) -> None:
    cases = json.loads((golden / "reference.json").read_text())["bias_cases"]
    for case in cases:
        root = tmp_path / str(cases.index(case))
        name = next(word for word in ("baseline.csv", "live.csv") if word in case["source"])
        put(root, golden / name, times=3 if "x3" in case["name"] else 1)
        facet: dict[str, Any] = {"name_or_index": case["facet"]}
        if case["value_or_threshold"]:
            facet["value_or_threshold"] = case["value_or_threshold"]
        config = {**ADULT, "facet": [facet], "group_variable": case["group_variable"]}
        out = run_analysis(root, config)
        assert texts(out, case["facet"]) == [each["value_or_threshold"] for each in case["expected"]], case["name"]
        for i, expected in enumerate(case["expected"]):
            found = values(out, case["facet"], i)
            for metric, value in {**expected["pre_training"], **expected["post_training"]}.items():
                wanted = value["error"] if isinstance(value, dict) else value
                same = wanted if isinstance(wanted, str) else pytest.approx(wanted, abs=1e-9)
                assert found[metric] == same, (case["name"], metric)


@pytest.mark.golden
def test_live_data_violate_as_the_originals_did(golden, tmp_path) -> None:
    put(tmp_path, golden / "live.csv")
    out = run_analysis(tmp_path, ADULT, baseline_constraints=golden / "baseline.analysis.json")
    found = document(out, "constraint_violations")
    assert [each["metric_name"] for each in found["violations"]] == [
        "CDDPL",
        "DAR",
        "DCA",
        "DCR",
        "GE",
        "RD",
        "SD",
        "TE",
    ]
    assert found["violations"][5] == {
        "facet": "Sex",
        "facet_value": "0",
        "metric_name": "RD",
        "constraint_check_type": "bias_drift_check",
        "description": "Metric value 0.17253086419753086 doesn't meet the baseline constraint requirement "
        "0.1308103661044837",
    }
    text = (out / "constraint_violations.json").read_text()
    assert text == json.dumps(found, indent=4)
    assert "Metric value Infinity doesn't meet the baseline constraint requirement 2.916666666666667" in text


@pytest.mark.golden
@pytest.mark.parametrize(
    "attributes",
    [
        {"inference_attribute": "SageMakerOutput.predictions[*].predicted_label"},
        {"inference_attribute": "predictions[*].predicted_label", "features_attribute": "instances[*].features"},
        {
            "probability_attribute": "SageMakerOutput.predictions[*].score",
            "probability_threshold_attribute": "0.46301859617233276",
        },
    ],
)
def test_merged_records_of_a_batch_transform_give_the_figures_of_their_table(golden, tmp_path, attributes) -> None:
    put(tmp_path / "table", golden / "live.csv")
    of_table = run_analysis(tmp_path / "table", ADULT)
    record = json.loads((SHARED / "records" / "merged.batch-json.json").read_text())
    write_lines(tmp_path / "in" / "a.jsonl", [record])
    headers = (golden / "live.csv").read_text().partition("\n")[0].split(",")[:-2]
    config = {key: value for key, value in ADULT.items() if key in {"label", "label_values_or_threshold", "facet"}}
    out = run_analysis(
        tmp_path / "records",
        {**config, "headers": headers, "group_variable": "Age"},
        dataset_source=tmp_path / "in",
        dataset_format='{"sagemakerMergeJson":{"captureIndexNames":["batchTransformOutput"]}}',
        **attributes,
    )
    assert analysis(out) == analysis(of_table)


# --- figures ----------------------------------------------------------------------------------------------------------


def test_counted_metrics_are_those_of_the_rows(tmp_path) -> None:
    rows = table(2_000, seed=11)
    write_table(tmp_path, rows)
    facets = [{"name_or_index": "f", "value_or_threshold": [0]}, {"name_or_index": "x", "value_or_threshold": [2, 7]}]
    config = {**SIMPLE, "facet": [*facets, {"name_or_index": "g"}]}
    out = run_analysis(tmp_path, config)
    frame = pd.DataFrame(rows, columns=HEADER.split(","))
    y, p = frame.y == 1, frame.p == 1
    groups = [("f", 0, frame.f == 0), ("x", 0, frame.x.isin([2, 7]))]
    order = frame.g.drop_duplicates().tolist()
    groups += [("g", i, frame.g == value) for i, value in enumerate(order)]
    assert texts(out, "g") == [str(value) for value in order]
    assert texts(out, "x") == ["2,7"]
    for facet, entry, sensitive in groups:
        found = values(out, facet, entry)
        for name, value in oracle(sensitive, y, p, frame.g).items():
            assert found[name] == pytest.approx(value, abs=1e-12), (facet, entry, name)
        features = frame[[name for name in ("f", "g", "x") if name != facet]].to_numpy(dtype=float)
        assert found["FT"] == flip_test(features, sensitive.to_numpy(), p.to_numpy())


@pytest.mark.parametrize("seed", range(4))
def test_missing_values_count_as_the_others_and_are_told(tmp_path, seed) -> None:
    random = np.random.default_rng(seed)
    rows = [["" if random.random() < 0.1 else value for value in row] for row in table(400, seed)]
    write_table(tmp_path, rows)
    out = run_analysis(tmp_path, {**SIMPLE, "skip_flip_test": True})
    frame = pd.DataFrame(rows, columns=HEADER.split(","))
    g = pd.to_numeric(frame.g)
    expected = oracle(frame.f == 0, frame.y == 1, frame.p == 1, g)
    found = values(out, "f")
    for name, value in expected.items():
        if name not in {"CDDL", "CDDPL"}:
            assert found[name] == pytest.approx(value, abs=1e-12), name
    assert found["CDDL"] == pytest.approx(expected["CDDL"], abs=1e-12)
    lacking = sum(row[3] == "" for row in rows)
    assert f"{lacking} rows have no label; they count as negative, or not in the sensitive group." in bias_notes(out)


def test_a_continuous_facet_and_label_are_written_as_intervals(tmp_path) -> None:
    rows = [(0, "a", age, age * 7 % 71 * 1.5, age * 9 % 71 * 1.5) for age in range(20, 90)]
    write_table(tmp_path, rows)
    config = {
        **SIMPLE,
        "label_values_or_threshold": [60],
        "facet": [{"name_or_index": "x", "value_or_threshold": [40]}],
    }
    out = run_analysis(tmp_path, config)
    assert texts(out, "x") == ["(40, 89]"]
    section = analysis(out)["pre_training_bias_metrics"]
    assert section["label_value_or_threshold"] == "(60.0, 105.0]"
    frame = pd.DataFrame(rows, columns=HEADER.split(","))
    expected = oracle(frame.x > 40, frame.y > 60, frame.p > 60)
    assert {name: values(out, "x")[name] for name in expected} == pytest.approx(expected)


def test_the_type_follows_the_baseline_where_more_rows_would_change_it(tmp_path) -> None:
    """The same values three times make Age categorical, and `[40]` would mean exactly 40."""
    rows = [(i % 2, "a", 20 + i % 60, int(i % 3 > 0), int(i % 5 > 1)) for i in range(600)]
    config = {**SIMPLE, "facet": [{"name_or_index": "x", "value_or_threshold": [40]}]}
    write_table(tmp_path / "base", rows)
    base = run_analysis(tmp_path / "base", config)
    write_table(tmp_path / "live", rows * 3)
    alone = run_analysis(tmp_path / "live", config, output_path=tmp_path / "alone")
    out = run_analysis(tmp_path / "live", config, baseline_constraints=base / "analysis.json")
    told = {**config, "facet": [{**config["facet"][0], "data_type": "continuous"}]}
    overridden = run_analysis(tmp_path / "live", told, output_path=tmp_path / "told")
    assert (texts(base, "x"), texts(alone, "x")) == (["(40, 79]"], ["40"])
    assert texts(out, "x") == texts(overridden, "x") == ["(40, 79]"]
    assert not (out / "constraint_violations.json").exists()
    said = "The facet x is taken as continuous, as it was told or in the baseline; its values would be categorical."
    assert said in bias_notes(out)
    assert bias_notes(alone) == []


def test_segments_are_measured_apart(tmp_path) -> None:
    rows = table(900, seed=3)
    write_table(tmp_path, rows)
    segment = {"name_or_index": "x", "segments": [["[0, 3]"], [4, 5]], "config_name": "size", "display_aliases": ["s"]}
    with pytest.raises(ConfigError, match="display_aliases"):
        run_analysis(tmp_path, {**SIMPLE, "segment_config": [segment]})
    segment["display_aliases"] = ["small", "middle", "rest"]
    out = run_analysis(tmp_path, {**SIMPLE, "segment_config": [segment]})
    frame = pd.DataFrame(rows, columns=HEADER.split(","))
    found = {each["segment"]: each for each in analysis(out)["segments"]}
    chosen = {"small": frame.x <= 3, "middle": frame.x.isin([4, 5]), "rest": frame.x > 5}
    assert list(found) == list(chosen)
    for name, own in chosen.items():
        part = frame[own]
        (entry,) = found[name]["post_training_bias_metrics"]["facets"]["f"]
        figures = {each["name"]: each["value"] for each in entry["metrics"]}
        expected = oracle(part.f == 0, part.y == 1, part.p == 1, part.g)
        for metric in ("AD", "CDDPL", "GE", "TE"):
            assert figures[metric] == pytest.approx(expected[metric], abs=1e-12)
        assert found[name]["name"] == "size"


def test_only_the_metrics_that_are_named_are_computed(tmp_path) -> None:
    write_table(tmp_path)
    methods = {"pre_training_bias": {"methods": ["DPL", "CI"]}, "report": {"name": "report", "title": "A"}}
    out = run_analysis(tmp_path, {**SIMPLE, "methods": methods})
    assert list(analysis(out)) == ["version", "pre_training_bias_metrics"]
    assert list(values(out, "f")) == ["CI", "DPL"]


def test_without_predictions_only_labels_are_measured(tmp_path) -> None:
    write_table(tmp_path)
    config = {key: value for key, value in SIMPLE.items() if key != "predicted_label"}
    out = run_analysis(tmp_path, config)
    assert list(analysis(out)) == ["version", "pre_training_bias_metrics"]
    assert bias_notes(out) == ["There are no predictions, so metrics after training were left out."]
    with pytest.raises(ConfigError, match="post_training_bias needs predictions"):
        run_analysis(tmp_path, {**config, "methods": {"post_training_bias": {"methods": "all"}}})


def test_a_score_column_predicts_above_the_threshold(tmp_path) -> None:
    rows = table()
    write_table(tmp_path / "labels", rows)
    write_table(tmp_path / "scores", [(*row[:4], 0.9 if row[4] else 0.7) for row in rows])
    expected = run_analysis(tmp_path / "labels", SIMPLE)
    config = {key: value for key, value in SIMPLE.items() if key != "predicted_label"} | {"probability_threshold": 0.7}
    out = run_analysis(tmp_path / "scores", config, probability_attribute="p")
    assert analysis(out) == analysis(expected)


def test_a_row_without_a_score_has_no_prediction_in_the_flip_test_either(tmp_path) -> None:
    """Where 0 is the positive label, a score that is taken for 0 would be a positive prediction."""
    rows = [(*row[:4], "" if i % 3 else row[4]) for i, row in enumerate(table())]
    write_table(tmp_path / "labels", rows)
    write_table(tmp_path / "scores", [(*row[:4], row[4] and (0.9 if row[4] else 0.1)) for row in rows])
    positive = SIMPLE | {"label_values_or_threshold": [0]}
    expected = run_analysis(tmp_path / "labels", positive)
    config = {key: value for key, value in positive.items() if key != "predicted_label"}
    out = run_analysis(tmp_path / "scores", config, probability_attribute="p")
    assert isinstance(values(out, "f")["FT"], float)
    assert values(out, "f") == values(expected, "f")


@pytest.mark.parametrize("rows", [120, 4_000])
def test_the_flip_test_is_bounded_seeded_and_says_what_it_sampled(tmp_path, rows) -> None:
    write_table(tmp_path, table(rows, seed=2))
    config = {**SIMPLE, "flip_test_rows": 500}
    first, again = (run_analysis(tmp_path, config, output_path=tmp_path / name) for name in ("a", "b"))
    other = run_analysis(tmp_path, {**config, "seed": 9}, output_path=tmp_path / "c")
    assert (first / "analysis.json").read_bytes() == (again / "analysis.json").read_bytes()
    sampled = "The flip test looked at a sample of 500 of 4,000 rows, drawn evenly with seed 0."
    assert (sampled in bias_notes(first)) == (rows > 500)
    assert (values(first, "f")["FT"] == values(other, "f")["FT"]) == (rows <= 500)
    skipped = run_analysis(tmp_path, {**config, "skip_flip_test": True}, output_path=tmp_path / "d")
    assert values(skipped, "f")["FT"] == "FlipTest was skipped, as skip_flip_test asks"
    assert {**values(skipped, "f"), "FT": 0} == {**values(first, "f"), "FT": 0}


# --- formats ----------------------------------------------------------------------------------------------------------


def as_records(rows) -> list[dict[str, Any]]:
    """Merged records of an endpoint: features as CSV, a score as answer."""
    return [
        {
            "captureData": {
                "endpointInput": {"data": ",".join(map(str, row[:3])), "encoding": "CSV"},
                "endpointOutput": {"data": "0.9" if row[4] else "0.5", "encoding": "CSV"},
            },
            "groundTruthData": {"data": str(row[3]), "encoding": "CSV"},
            "eventMetadata": {"eventId": str(i), "inferenceTime": "2025-02-16T11:19:01Z"},
            "eventVersion": "0",
        }
        for i, row in enumerate(rows)
    ]


MONITORED = {key: SIMPLE[key] for key in ("label_values_or_threshold", "facet", "group_variable", "label")}
MERGED = '{"sagemakerMergeJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}'


def test_all_formats_of_the_same_rows_give_the_same_figures(tmp_path) -> None:
    rows = table()
    write_table(tmp_path / "csv", rows)
    expected = analysis(run_analysis(tmp_path / "csv", SIMPLE))
    frame = pa.Table.from_pandas(pd.DataFrame([[int(v) for v in row] for row in rows], columns=HEADER.split(",")))
    data = tmp_path / "parquet" / "processing" / "input" / "data"
    data.mkdir(parents=True)
    pq.write_table(frame, data / "d.parquet")
    found = run_analysis(tmp_path / "parquet", {**SIMPLE, "dataset_type": "application/x-parquet"})
    assert analysis(found) == expected

    write_lines(tmp_path / "flat" / "processing" / "input" / "data" / "d.jsonl", frame.to_pylist())
    assert analysis(run_analysis(tmp_path / "flat", {**SIMPLE, "dataset_type": "application/jsonlines"})) == expected

    dense = [{"features": [int(v) for v in row[:3]], "label": int(row[3]), "guess": int(row[4])} for row in rows]
    told = {
        **SIMPLE,
        "headers": HEADER.split(","),
        "features": "features",
        "label": "label",
        "predicted_label": "guess",
    }
    write_lines(tmp_path / "dense" / "processing" / "input" / "data" / "d.jsonl", dense)
    assert analysis(run_analysis(tmp_path / "dense", {**told, "dataset_type": "application/jsonlines"})) == expected

    whole = {"instances": dense}
    paths = {
        "features": "instances[*].features",
        "label": "instances[*].label",
        "predicted_label": "instances[*].guess",
    }
    data = tmp_path / "json" / "processing" / "input" / "data"
    data.mkdir(parents=True)
    (data / "d.json").write_text(json.dumps(whole))
    assert analysis(run_analysis(tmp_path / "json", {**told, **paths, "dataset_type": "application/json"})) == expected

    write_lines(tmp_path / "in" / "a.jsonl", as_records(rows))
    out = run_analysis(
        tmp_path / "merged", {**MONITORED, "headers": ["f", "g", "x"]},
        dataset_source=tmp_path / "in", dataset_format=MERGED,
    )  # fmt: skip
    assert analysis(out) == expected


def test_records_of_any_encoding_are_read_alike(tmp_path) -> None:
    """Plain lines are read on a short way, which has to lead to the same rows."""
    rows = table()
    config = {**MONITORED, "headers": ["f", "g", "x"]}
    found = []
    for name in ("plain", "quoted", "json", "base64", "mixed"):
        records = as_records(rows)
        for i, record in enumerate(records):
            captured = record["captureData"]
            if name == "quoted" or (name == "mixed" and i % 3 == 1):
                line = captured["endpointInput"]["data"].split(",")
                captured["endpointInput"]["data"] = ",".join(f'"{field}"' for field in line) + "\r\n"
            if name == "json" or (name == "mixed" and i % 3 == 2):
                line = json.dumps({"instances": [list(map(int, captured["endpointInput"]["data"].split(",")))]})
                captured["endpointInput"] = {"data": line, "encoding": "JSON"}
                answer = json.dumps({"predictions": [{"score": float(captured["endpointOutput"]["data"])}]})
                captured["endpointOutput"] = {"data": answer, "encoding": "JSON"}
                label = {"label": int(record["groundTruthData"]["data"])}
                record["groundTruthData"] = {"data": json.dumps(label), "encoding": "JSON"}
            if name == "base64":
                captured["endpointInput"] = half(captured["endpointInput"]["data"], "BASE64", "text/csv")
        write_lines(tmp_path / name / "a.jsonl", records)
        out = run_analysis(
            tmp_path,
            config,
            dataset_source=tmp_path / name,
            dataset_format=MERGED,
            output_path=tmp_path / f"{name}-out",
        )
        found.append(analysis(out))
    assert all(each == found[0] for each in found)


def test_files_without_a_header_take_the_headers_or_placeholders(tmp_path) -> None:
    rows = table()
    write_table(tmp_path / "a", rows)
    expected = analysis(run_analysis(tmp_path / "a", SIMPLE))
    write_table(tmp_path / "b", rows[1:], header=",".join(map(str, rows[0])))
    assert analysis(run_analysis(tmp_path / "b", {**SIMPLE, "headers": HEADER.split(",")})) == expected
    by_place = {"label": 3, "predicted_label": 4, "facet": [{"name_or_index": 0, "value_or_threshold": [0]}]}
    found = analysis(run_analysis(tmp_path / "b", {**SIMPLE, **by_place, "group_variable": 1}))
    section = found["pre_training_bias_metrics"]
    assert section["label"] == "column_3"
    assert section["facets"]["column_0"] == expected["pre_training_bias_metrics"]["facets"]["f"]
    with pytest.raises(ConfigError, match=r"headers names 2 columns, but the files of .* have 5"):
        run_analysis(tmp_path / "b", {**SIMPLE, "headers": ["f", "y"]})


def test_an_answer_of_several_scores_names_its_class(tmp_path) -> None:
    rows = table(80)
    records = as_records(rows)
    for record, row in zip(records, rows, strict=True):
        scores = [0.1, 0.9] if row[4] else [0.6, 0.4]
        record["captureData"]["endpointOutput"] = {"data": json.dumps({"scores": [scores]}), "encoding": "JSON"}
        record["groundTruthData"]["data"] = ["no", "yes"][row[3]]
    write_lines(tmp_path / "in" / "a.jsonl", records)
    config = {**MONITORED, "headers": ["f", "g", "x"], "label_values_or_threshold": ["yes"]}
    config["predictor"] = {"label_headers": ["no", "yes"], "model_name": "m"}
    out = run_analysis(
        tmp_path, config, dataset_source=tmp_path / "in", dataset_format=MERGED, probability_attribute="scores"
    )
    frame = pd.DataFrame(rows, columns=HEADER.split(","))
    assert values(out, "f")["AD"] == pytest.approx(oracle(frame.f == 0, frame.y == 1, frame.p == 1)["AD"])


def test_facets_and_predictions_of_their_own_data_sets_are_joined(tmp_path) -> None:
    rows = table(200)
    write_table(tmp_path / "whole", [(i, *row) for i, row in enumerate(rows)], header="id," + HEADER)
    expected = run_analysis(tmp_path / "whole", {**SIMPLE, "excluded_columns": ["id"]})
    apart = tmp_path / "apart"
    write_table(apart, [(i, row[1], row[2], row[3]) for i, row in enumerate(rows)], header="id,g,x,y")
    shuffled = sorted(range(200), key=lambda i: i * 7919 % 211)
    write_csv(apart / "facets" / "f.csv", "id,f", [(i, rows[i][0]) for i in shuffled])
    write_csv(apart / "guesses" / "p.csv", "id,predicted_label", [(i, rows[i][4]) for i in shuffled])
    config = {
        **{key: value for key, value in SIMPLE.items() if key != "predicted_label"},
        "facet_dataset_uri": str(apart / "facets"),
        "predicted_label_dataset_uri": str(apart / "guesses"),
        "joinsource_name_or_index": "id",
    }
    out = run_analysis(apart, config)
    assert values(out, "f") == values(expected, "f")
    by_place = {key: value for key, value in config.items() if key != "joinsource_name_or_index"}
    write_csv(apart / "facets" / "f.csv", "f", [(row[0],) for row in rows])
    write_csv(apart / "guesses" / "p.csv", str(rows[0][4]), [(row[4],) for row in rows[1:]])
    assert values(run_analysis(apart, {**by_place, "excluded_columns": ["id"]}), "f") == values(expected, "f")
    write_csv(apart / "facets" / "f.csv", "f", [(row[0],) for row in rows[:150]])
    with pytest.raises(InputError, match=r"There are 200 rows of data, but 150 in facet_dataset_uri"):
        run_analysis(apart, by_place)


# --- drift ------------------------------------------------------------------------------------------------------------


def fair(rows: int, share_d: float, share_a: float) -> list[tuple[Any, ...]]:
    """Rows of two halves with these shares of positive predictions, all of them right."""
    half = rows // 2
    found = [(0, "a", 1, int(i < share_d * half), int(i < share_d * half)) for i in range(half)]
    return found + [(1, "a", 1, int(i < share_a * half), int(i < share_a * half)) for i in range(half)]


@pytest.mark.parametrize(
    ("rule", "expected"), [("abs_value", False), ("distance_from_parity", True), ("bootstrap", False)]
)
def test_the_rule_says_when_impact_has_drifted(tmp_path, rule, expected) -> None:
    """DI falls from 0.8 to 0.5: nearer to 0, and farther from 1, where impact is even."""
    write_table(tmp_path / "base", fair(2000, 0.4, 0.5))
    base = run_analysis(tmp_path / "base", SIMPLE)
    write_table(tmp_path / "live", fair(2000, 0.25, 0.5))
    out = run_analysis(
        tmp_path / "live", {**SIMPLE, "violation_rule": rule}, baseline_constraints=base / "analysis.json"
    )
    found = [each["metric_name"] for each in document(out, "constraint_violations")["violations"]]
    assert ("DI" in found) == expected
    assert "DPPL" in found


@pytest.mark.parametrize("rule", ["abs_value", "bootstrap"])
def test_an_allowed_range_wins_over_the_baseline(tmp_path, rule) -> None:
    """DPPL stays as it was and is too large; DI goes down, and is still in its range."""
    write_table(tmp_path / "base", fair(4000, 0.4, 0.8))
    base = run_analysis(tmp_path / "base", SIMPLE)
    write_table(tmp_path / "live", fair(4000, 0.4, 0.8))
    config = {**SIMPLE, "violation_rule": rule, "allowed_ranges": {"DPPL": [-0.3, 0.3], "DI": [0.4, None]}}
    out = run_analysis(tmp_path / "live", config, baseline_constraints=base / "analysis.json")
    found = document(out, "constraint_violations")
    schema = json.loads((SCHEMAS / "analysis-violations.json").read_text())
    Draft202012Validator(schema).validate(found)
    assert [(each["metric_name"], each["description"]) for each in found["violations"]] == [
        ("DPPL", "Metric value 0.4 is outside of the allowed range [-0.3, 0.3]")
    ]
    assert "is outside of the allowed range" in (out / "report.md").read_text()
    Draft202012Validator(json.loads((SCHEMAS / "analysis_config.json").read_text())).validate(config)


def test_bootstrap_spares_what_may_be_chance(tmp_path) -> None:
    write_table(tmp_path / "base", fair(200, 0.40, 0.5))
    base = run_analysis(tmp_path / "base", SIMPLE)
    write_table(tmp_path / "live", fair(200, 0.38, 0.5))

    def broken(rule: str) -> set[str]:
        config = {**SIMPLE, "violation_rule": rule}
        out = run_analysis(tmp_path / "live", config, baseline_constraints=base / "analysis.json")
        path = out / "constraint_violations.json"
        return {e["metric_name"] for e in json.loads(path.read_text())["violations"]} if path.exists() else set()

    assert "DPPL" in broken("abs_value")
    assert broken("bootstrap") == set()
    write_table(tmp_path / "live", fair(200, 0.1, 0.9))
    assert "DPPL" in broken("bootstrap")


def test_a_clean_run_removes_the_violations_of_an_earlier_one(tmp_path) -> None:
    write_table(tmp_path, fair(200, 0.2, 0.5))
    base = run_analysis(tmp_path, SIMPLE, output_path=tmp_path / "base")
    write_table(tmp_path, fair(200, 0.1, 0.5))
    out = run_analysis(tmp_path, SIMPLE, baseline_constraints=base / "analysis.json")
    assert (out / "constraint_violations.json").exists()
    write_table(tmp_path, fair(200, 0.2, 0.5))
    run_analysis(tmp_path, SIMPLE, baseline_constraints=base / "analysis.json")
    assert not (out / "constraint_violations.json").exists()


def test_the_process_tells_violations_and_writes_metrics(tmp_path) -> None:
    write_table(tmp_path, fair(200, 0.2, 0.5))
    base = run_analysis(tmp_path, SIMPLE, output_path=tmp_path / "base")
    write_table(tmp_path, fair(200, 0.0, 0.5))
    variables = environment(
        tmp_path, "/nowhere", {}, baseline_constraints=base / "analysis.json",
        sagemaker_monitoring_schedule_name="hourly", sagemaker_endpoint_name="e", start_time="2025-02-16T11:00:00Z",
    )  # fmt: skip
    for name in ("dataset_source", "dataset_format", "output_path"):
        del variables[name]
    code, message, log = run_process(variables)
    found = document(tmp_path / "processing" / "output", "constraint_violations")["violations"]
    assert code == 0, log
    assert message == f"CompletedWithViolations: Job completed successfully with {len(found)} violations."
    lines = (tmp_path / "output" / "metrics" / "cloudwatch" / "cloudwatch_metrics.jsonl").read_text().splitlines()
    records = {record["MetricName"]: record for record in map(json.loads, lines)}
    assert {each["metric_name"] for each in found} <= {name.removeprefix("bias_metric_") for name in records}
    assert records["bias_metric_DCA"]["Value"] == 1.0
    assert {each["Name"]: each["Value"] for each in records["bias_metric_DI"]["Dimensions"]} == {
        "Endpoint": "e", "MonitoringSchedule": "hourly", "BiasStage": "Post-Training", "Label": "y",
        "LabelValue": "1", "Facet": "f", "FacetValue": "0",
    }  # fmt: skip
    for record in records.values():
        check_schema("cloudwatch-metric", record)
    assert records["bias_metric_CI"]["Timestamp"] == "2025-02-16T11:00:00Z"
    assert "bias_metric_CDDL" in records


def test_infinities_are_published_as_a_large_number(tmp_path) -> None:
    write_table(tmp_path, fair(200, 0.5, 0.0))
    out = run_analysis(tmp_path, SIMPLE, publish_cloudwatch_metrics="Enabled")
    assert values(out, "f")["DI"] == "Infinity"
    text = (tmp_path / "output" / "metrics" / "cloudwatch" / "cloudwatch_metrics.jsonl").read_text()
    (found,) = (record for record in map(json.loads, text.splitlines()) if record["MetricName"] == "bias_metric_DI")
    assert found["Value"] == 2.348543e108


# --- engines and states -----------------------------------------------------------------------------------------------


@pytest.mark.spark
def test_spark_writes_the_same_bytes(spark, tmp_path) -> None:
    for i in range(5):
        write_table(tmp_path, table(700, seed=i), name=f"part-{i}")
    config = {**SIMPLE, "facet": [*SIMPLE["facet"], {"name_or_index": "x"}], "flip_test_rows": 900}
    local = run_analysis(tmp_path, config, output_path=tmp_path / "local", ANALYZER_CORES=2)
    remote = run_analysis(tmp_path, config, output_path=tmp_path / "spark", ANALYZER_ENGINE="spark")
    assert sorted(each.name for each in local.iterdir()) == [
        "analysis.json", "profile.json", "report.html", "report.md", "state.json.gz",
    ]  # fmt: skip
    for file in local.iterdir():
        assert file.read_bytes() == (remote / file.name).read_bytes(), file.name


@pytest.mark.spark
def test_what_only_spark_reads_is_measured_too(spark, tmp_path) -> None:
    rows = table()
    write_table(tmp_path, rows)
    expected = run_analysis(tmp_path, {**SIMPLE, "skip_flip_test": True}, output_path=tmp_path / "csv")
    frame = spark.createDataFrame(pd.DataFrame([[int(v) for v in row] for row in rows], columns=HEADER.split(",")))
    frame.coalesce(1).write.orc(str(tmp_path / "orc"))
    out = run_analysis(
        tmp_path, {**SIMPLE, "skip_flip_test": True}, dataset_source=tmp_path / "orc",
        dataset_format='{"spark":{"format":"orc"}}', ANALYZER_ENGINE="auto",
    )  # fmt: skip
    assert analysis(out) == analysis(expected)


def test_states_of_hours_make_the_report_of_the_day(tmp_path, capsys, caplog) -> None:
    parts = [table(200, seed=i) for i in range(3)]
    for i, part in enumerate(parts):
        write_table(tmp_path / f"hour-{i}", part)
        run_analysis(tmp_path / f"hour-{i}", SIMPLE)
    write_table(tmp_path / "day", [row for part in parts for row in part])
    day = run_analysis(tmp_path / "day", {**SIMPLE, "skip_flip_test": True})
    path = tmp_path / "hour-0" / "processing" / "input" / "config" / "analysis_config.json"
    states = [str(tmp_path / f"hour-{i}" / "processing" / "output") for i in range(3)]
    code = run_command(["merge-states", *states, "--output", str(tmp_path / "out"), "--analysis-config", str(path)])
    assert code == 0
    assert "600 rows" in capsys.readouterr().out
    found, expected = values(tmp_path / "out", "f"), values(day, "f")
    assert found.pop("FT") == "FlipTest needs rows, which states of earlier runs do not hold"
    assert found == {name: value for name, value in expected.items() if name != "FT"}
    both = {"pre_training_bias": {"methods": ["CI"]}, "shap": {"baseline": [[0, 0, 0]]}}
    path.write_text(json.dumps({**SIMPLE, "methods": both}))
    run_command(["merge-states", *states, "--output", str(tmp_path / "out"), "--analysis-config", str(path)])
    assert values(tmp_path / "out", "f") == {"CI": expected["CI"]}
    assert "Attributions leave no states: the reports of merged states are of bias alone." in caplog.text
    path.write_text(json.dumps({**SIMPLE, "group_variable": "x"}))
    with pytest.raises(BaselineError, match=r"was made with another analysis_config\.json"):
        run_command(["merge-states", *states, "--output", str(tmp_path / "out"), "--analysis-config", str(path)])


def test_the_state_holds_counts_and_no_rows(tmp_path) -> None:
    write_table(tmp_path, [(*row[:2], f"secret-{i}", *row[3:]) for i, row in enumerate(table())])
    out = run_analysis(tmp_path, SIMPLE)
    assert values(out, "f")["FT"] == "FlipTest does not support non-numeric columns"
    for file in out.iterdir():
        content = file.read_bytes()
        assert b"secret" not in (gzip.decompress(content) if file.suffix == ".gz" else content)


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "nope"}, "label names column 'nope', which is not in the data. Expected a name .* f, g, x, y, p"),
        ({"facet": [{"name_or_index": "Sex"}]}, "facet names column 'Sex', which is not in the data"),
        ({"predicted_label": "q"}, "predicted_label names column 'q', which is not in the data"),
        ({"label": 17}, "label names column 17, which is not in the data"),
    ],
)
def test_a_column_that_is_not_there_is_named(tmp_path, change, message) -> None:
    write_table(tmp_path)
    config = {**SIMPLE, **change, "headers": HEADER.split(",")}
    with pytest.raises(InputError, match=message):
        run_analysis(tmp_path, config)


def test_one_metric_that_cannot_be_computed_spares_the_others(tmp_path) -> None:
    write_table(tmp_path, [(0, "a", i, 1, 1) for i in range(40)])
    out = run_analysis(tmp_path, {**SIMPLE, "facet": [*SIMPLE["facet"], {"name_or_index": "x"}]})
    found = values(out, "f")
    assert found["CI"] == "CI: negated facet set is empty. Check that x[~facet] has non-zero length."
    assert found["DPL"] == "Negative facet set is empty."
    assert found["CDDL"] == "No negative labels in set"
    assert found["FT"] == "Negated Facet set is empty"
    assert found["GE"] == 0.0
    assert set(values(out, "x").values()) == {"Threshold values must be provided for continuous features"}
    text = (out / "analysis.json").read_text()
    assert '"value": null,\n' in text
    assert '"error": "Negative facet set is empty."' in text


def test_no_positive_prediction_leaves_the_metrics_of_labels(tmp_path) -> None:
    write_table(tmp_path, [(*row[:4], 0) for row in table()])
    out = run_analysis(tmp_path, SIMPLE)
    section = analysis(out)["post_training_bias_metrics"]["facets"]["f"][0]["metrics"]
    reason = "No Label values are present in the predicted Label Column,"
    reason += "Positive Predicted Index Series contains all False values"
    assert {(each["value"], each["error"]) for each in section} == {(None, reason)}
    assert isinstance(values(out, "f")["DPL"], float)


def test_values_that_are_nowhere_are_told(tmp_path) -> None:
    write_table(tmp_path)
    facet = [{"name_or_index": "f", "value_or_threshold": ["woman"]}]
    out = run_analysis(tmp_path, {**SIMPLE, "facet": facet, "label_values_or_threshold": ["yes"]})
    assert bias_notes(out) == ["No row is in the sensitive group woman of f.", "No row has a positive label."]
    assert values(out, "f")["CI"] == "CI: facet set is empty. Check that x[facet] has non-zero length."


def test_a_group_variable_that_is_nowhere_is_told(tmp_path) -> None:
    write_table(tmp_path)
    out = run_analysis(tmp_path, {**SIMPLE, "group_variable": "nope"})
    assert values(out, "f")["CDDL"] == values(out, "f")["CDDPL"] == "Group variable is empty or not provided"
    assert bias_notes(out) == ["group_variable names column 'nope', which is not in the data."]


def test_predictions_of_another_type_are_refused_metric_by_metric(tmp_path) -> None:
    write_table(tmp_path, [(*row[:4], row[4] + 0.5) for row in table()])
    out = run_analysis(tmp_path, SIMPLE)
    reason = "Predicted Label Column series datatype is not the same as Label Column series"
    assert values(out, "f")["AD"] == reason
    assert isinstance(values(out, "f")["CI"], float)


def test_nothing_to_read_is_refused_unless_it_is_normal(tmp_path) -> None:
    (tmp_path / "processing" / "input" / "data").mkdir(parents=True)
    with pytest.raises(InputError, match="holds no data"):
        run_analysis(tmp_path, SIMPLE)
    out = run_analysis(tmp_path, SIMPLE, ANALYZER_EMPTY_INPUT="succeed")
    assert analysis(out) == {"version": "1.0"}
    check_schema("analysis-profile", document(out, "profile"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is list, not an object"),
        ('{"version":"1.0","explanations":{}}', "has version, explanations, but no post_training_bias_metrics"),
    ],
)
def test_an_unsound_baseline_ends_the_job_before_data_is_read(tmp_path, content, message) -> None:
    (tmp_path / "analysis.json").write_text(content)
    with pytest.raises(BaselineError, match=message):
        run_analysis(tmp_path, SIMPLE, baseline_constraints=tmp_path / "analysis.json", dataset_source="/nowhere")


def test_figures_that_the_baseline_lacks_are_told_and_not_judged(tmp_path) -> None:
    write_table(tmp_path)
    base = run_analysis(tmp_path, {**SIMPLE, "methods": {"pre_training_bias": {"methods": ["CI"]}}})
    kept = tmp_path / "kept.json"
    kept.write_bytes((base / "analysis.json").read_bytes())
    out = run_analysis(tmp_path, SIMPLE, baseline_constraints=kept)
    assert not (out / "constraint_violations.json").exists()
    (note,) = bias_notes(out)
    assert note.startswith("Not judged, for want of a figure in this run or in the baseline: AD of f 0, CDDPL of f 0")
    assert "CI of" not in note


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"endpointInput": {"data": "1,2", "encoding": "CSV"}},
            "headers of .* names 3 features, but .* line 1 holds 2",
        ),
        ({"endpointOutput": {"data": "yes", "encoding": "CSV"}}, "the model's answer 'yes' is no score"),
        ({"endpointOutput": {"data": "{", "encoding": "JSON"}}, "encoding is JSON, but the data is not"),
        ({"endpointOutput": {"data": "1\n0", "encoding": "CSV"}}, "holds 1 rows of features, but 2 values of"),
    ],
)
def test_a_crooked_record_is_named(tmp_path, change, message) -> None:
    (record,) = as_records([(0, 1, 2, 1, 1)])
    record["captureData"] |= change
    write_lines(tmp_path / "in" / "a.jsonl", [record])
    with pytest.raises(AnalyzerError, match=message):
        run_analysis(
            tmp_path, {**MONITORED, "headers": ["f", "g", "x"]}, dataset_source=tmp_path / "in", dataset_format=MERGED
        )


def test_a_config_that_asks_for_nothing_of_the_analysis_is_refused(tmp_path) -> None:
    config = {"methods": {"shap": {"baseline": [[1]]}}, "predictor": {"model_name": "m"}}
    with pytest.raises(ConfigError, match="asks for nothing of MODEL_BIAS"):
        run_analysis(tmp_path, config, analysis_type="MODEL_BIAS")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config({"ANALYZER_ROOT": str(tmp_path / "void"), "analysis_type": "MODEL_BIAS"})
    with pytest.raises(ConfigError, match="ANALYZER_ANALYSIS_CONFIG is set, but analysis_type is DATA_QUALITY"):
        run_analysis(tmp_path, SIMPLE, analysis_type="DATA_QUALITY", ANALYZER_ANALYSIS_CONFIG="x.json")
    quality = {"dataset_format": '{"csv":{}}', "dataset_source": "/a", "output_path": "/b"}
    found = read_config({"ANALYZER_ROOT": str(tmp_path), "analysis_type": "DATA_QUALITY", **quality})
    assert found.analysis is None


def test_records_without_labels_are_refused(tmp_path) -> None:
    records = [{**record, "groundTruthData": None} for record in as_records(table(20))]
    write_lines(tmp_path / "in" / "a.jsonl", records)
    config = {**MONITORED, "headers": ["f", "g", "x"]}
    with pytest.raises(InputError, match="None of the 20 rows has a label"):
        run_analysis(tmp_path, config, dataset_source=tmp_path / "in", dataset_format=MERGED)


def test_nested_records_without_predictions_leave_these_metrics_out(tmp_path) -> None:
    dense = [{"features": [int(v) for v in row[:3]], "label": int(row[3])} for row in table()]
    write_lines(tmp_path / "processing" / "input" / "data" / "d.jsonl", dense)
    config = {
        **SIMPLE,
        "dataset_type": "application/jsonlines",
        "headers": ["f", "g", "x", "y"],
        "features": "features",
    }
    del config["predicted_label"]
    out = run_analysis(tmp_path, {**config, "label": "label"})
    assert list(analysis(out)) == ["version", "pre_training_bias_metrics"]
    assert analysis(out)["pre_training_bias_metrics"]["label"] == "y"


def test_excluded_features_are_no_neighbourhood(tmp_path) -> None:
    write_table(tmp_path, [(*row[:2], f"text-{i}", *row[3:]) for i, row in enumerate(table())])
    out = run_analysis(tmp_path, SIMPLE, exclude_features_attribute="x")
    assert isinstance(values(out, "f")["FT"], float)


def test_a_script_makes_the_rows_that_are_counted(tmp_path) -> None:
    rows = table()
    write_table(tmp_path / "plain", rows)
    expected = run_analysis(tmp_path / "plain", SIMPLE)
    script = tmp_path / "script.py"
    script.write_text(
        "def preprocess_handler(record):\n"
        "    found = record.endpoint_input.data.split(',')\n"
        "    label = record.as_dict()['groundTruthData']['data']\n"
        "    answer = float(record.endpoint_output.data) > 0.5\n"
        "    return dict(zip('fgxyp', [*found, label, int(answer)]))\n"
    )
    write_lines(tmp_path / "in" / "a.jsonl", as_records(rows))
    config = {key: value for key, value in SIMPLE.items() if key != "dataset_type"}
    out = run_analysis(
        tmp_path, config, dataset_source=tmp_path / "in", dataset_format=MERGED, record_preprocessor_script=script
    )
    assert analysis(out) == analysis(expected)


# --- schemas ----------------------------------------------------------------------------------------------------------


def test_what_is_read_and_written_is_what_the_schemas_say(tmp_path) -> None:
    segment = {"name_or_index": "x", "segments": [["[0, 3]"]]}
    config = {**SIMPLE, "segment_config": [segment], "violation_rule": "abs_value"}
    write_table(tmp_path, fair(200, 0.2, 0.5))
    base = run_analysis(tmp_path, config, output_path=tmp_path / "base")
    write_table(tmp_path, fair(200, 0.5, 0.0))
    out = run_analysis(tmp_path, config, baseline_constraints=base / "analysis.json")
    check_schema("analysis_config", config)
    check_schema("analysis", analysis(base))
    check_schema("analysis", analysis(out))
    check_schema("analysis-violations", document(out, "constraint_violations"))
    check_schema("analysis-profile", document(base, "profile"))
    check_schema("analysis-profile", document(out, "profile"))
    with pytest.raises(ValidationError):
        check_schema("analysis_config", {**config, "facets": []})
    with pytest.raises(ValidationError):
        check_schema("analysis-profile", {"version": 1, "bias": {"rows": 1, "judged": True, "notes": []}})
    broken = analysis(out)
    broken["pre_training_bias_metrics"]["facets"]["f"][0]["metrics"][0]["value"] = None
    with pytest.raises(ValidationError):
        check_schema("analysis", broken)


def test_the_schema_and_the_reader_know_the_same_keys() -> None:
    """Keys that are refused for what they ask are no part of the schema."""
    schema = json.loads((SCHEMAS / "analysis_config.json").read_text())["properties"]
    shap, predictor = schema["methods"]["properties"]["shap"], schema["predictor"]
    for where, known in (("", schema), ("methods.shap.", shap["properties"]), ("predictor.", predictor["properties"])):
        document: dict[str, Any] = {"surplus": 1}
        for part in reversed(where.split(".")[:-1]):
            document = {part: document}
        with pytest.raises(ConfigError, match=f"The key {where}surplus is not known") as caught:
            parse_analysis_config(json.dumps(document).encode(), "c.json")
        listed = set(caught.value.hint.partition("Known: ")[2].rstrip(".").split(", "))
        refused = {"time_series_data_config", "text_config", "image_config", "time_series_predictor_config"}
        assert listed - refused == set(known)


def test_the_benchmarks_peer_computes_the_same_figures(tmp_path) -> None:
    source = generate.bias_files(tmp_path, 5_000)
    out = run_analysis(tmp_path, MEASURED, dataset_source=source, dataset_format='{"csv":{}}')
    peers = pandas_bias(source, 1)()
    facets = [("sex", 0), ("income", 0), ("relationship", 0), *(("origin", i) for i in range(5))]
    for (facet, entry), expected in zip(facets, peers, strict=True):
        found = values(out, facet, entry)
        assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9)
        assert isinstance(found["FT"], float) == (facet == "relationship")  # which is the only column of texts


def check_schema(name: str, found: Any) -> None:
    Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text())).validate(found)


def test_a_page_for_people_says_what_got_worse(tmp_path) -> None:
    write_table(tmp_path / "before")
    baseline = run_analysis(tmp_path / "before", SIMPLE)
    unfair = [(facet, group, x, y, int(facet)) for facet, group, x, y, _ in table()]
    write_table(tmp_path / "now", unfair)
    out = run_analysis(tmp_path / "now", SIMPLE, baseline_constraints=baseline / "analysis.json")
    page, summary = (out / "report.html").read_text(), (out / "report.md").read_text()
    assert {"DPPL", "RD"} <= {each["metric_name"] for each in document(out, "constraint_violations")["violations"]}
    assert "Difference in Positive Proportions in Predicted Labels" in page
    assert "DPPL" in summary
    assert (baseline / "report.html").exists()
