from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from analyzer.scripts import UNCHANGED

SCRIPT = "explode_json.py"


def test_instances_and_predictions_pair_up(run: Any, captured: Any) -> None:
    request = '{"instances": [{"age": 30, "at": {"city": "Ulm"}}, {"age": 40}]}'
    rows = run(SCRIPT)(captured(request, '{"predictions": [{"score": 0.1}, {"score": 0.7}]}', encoding="JSON"))
    assert rows == [
        {"0_output_score": 0.1, "1_input_age": 30, "1_input_at_city": "Ulm"},
        {"0_output_score": 0.7, "1_input_age": 40},
    ]


def test_the_originals_records(run: Any, golden: Any) -> None:
    (row,) = run(SCRIPT)(golden("capture.endpoint-json.json")[0])
    assert (row["0_output_score"], row["0_output_predicted_label"]) == (0.9899773597717285, 1)
    assert [row[f"1_input_features_{i:04d}"] for i in range(3)] == [28, 2, 133937]
    rows = run(SCRIPT)(golden("captured-data.jsonl")[0])
    assert rows == [
        {"0_output_predictions": score, "1_input_instances": value}
        for score, value in [(3.5, 1.0), (4.0, 2.0), (5.5, 5.0)]
    ]


def test_a_merged_batch_record_of_the_original(run: Any, golden: Any) -> None:
    record = golden("merged.batch-json.json")[0]
    rows = run(SCRIPT)(record)
    assert len(rows) == len(json.loads(record.ground_truth.data)["instances"]) == 334
    assert all(list(row) == list(rows[0]) for row in rows)
    assert rows[0]["0_output_score"] == 0.9899773597717285
    assert rows[1]["1_input_features_0000"] == 43


def test_values_beside_the_array_are_repeated(run: Any, captured: Any) -> None:
    rows = run(SCRIPT)(captured('{"model": "m1", "instances": [[1, 2], [3, 4]]}', encoding="JSON"))
    assert rows == [
        {"1_input_model": "m1", "1_input_instances_0000": 1, "1_input_instances_0001": 2},
        {"1_input_model": "m1", "1_input_instances_0000": 3, "1_input_instances_0001": 4},
    ]


def test_json_lines_top_level_arrays_and_single_objects(run: Any, captured: Any) -> None:
    explode = run(SCRIPT)
    assert explode(captured('{"a": 1}\n{"a": 2}\n', encoding="JSON")) == [{"1_input_a": 1}, {"1_input_a": 2}]
    assert explode(captured('[{"a": 1}, {"a": 2}]', encoding="JSON")) == [{"1_input_a": 1}, {"1_input_a": 2}]
    assert explode(captured('{"a": [1, 2]}', encoding="JSON")) == [{"1_input_a_0000": 1, "1_input_a_0001": 2}]


def test_json_in_base64_and_csv_responses(run: Any, captured: Any) -> None:
    body = base64.b64encode(b'{"instances": [{"a": 1}]}').decode()
    assert run(SCRIPT)(captured(body, encoding="BASE64")) == [{"1_input_a": 1}]
    assert run(SCRIPT)(captured("1,2\n3,4\n", "0.1\n0.2\n"))[1] == {
        "0_output_0000": "0.2",
        "1_input_0000": "3",
        "1_input_0001": "4",
    }


def test_batch_objects_and_lines(run: Any) -> None:
    explode = run(SCRIPT)
    assert explode({"SageMakerOutput": {"score": 0.5}, "features": [1, 2]}) == [
        {"0_output_score": 0.5, "1_input_features_0000": 1, "1_input_features_0001": 2}
    ]
    assert explode({"instances": [{"a": 1}, {"a": 2}], "predictions": [0.1, 0.2], "run": "r"}) == [
        {"run": "r", "a": 1, "predictions": 0.1},
        {"run": "r", "a": 2, "predictions": 0.2},
    ]
    assert explode('{"a": {"b": 1}}\n') == [{"a_b": 1}]
    assert explode("1,2,3\n") is UNCHANGED


def test_keys_and_separator_are_settings(run: Any) -> None:
    explode = run(SCRIPT, EXPLODE_INPUT_KEY="orders", EXPLODE_SEPARATOR=".")
    assert explode({"orders": [{"item": {"id": 1}}, {"item": {"id": 2}}]}) == [{"item.id": 1}, {"item.id": 2}]


def test_arrays_that_do_not_pair_are_an_error(run: Any, captured: Any) -> None:
    with pytest.raises(ValueError, match="arrays of 1 and of 2 rows cannot be paired"):
        run(SCRIPT)(captured('{"instances": [1, 2]}', '{"predictions": [1]}', encoding="JSON"))


def test_colliding_columns_are_an_error_not_a_loss(run: Any) -> None:
    with pytest.raises(ValueError, match="two values would share the column 'a_b'"):
        run(SCRIPT)({"a": {"b": 1}, "a_b": 2})
