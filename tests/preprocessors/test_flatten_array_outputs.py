from __future__ import annotations

import base64
from typing import Any

import pytest

SCRIPT = "flatten_array_outputs.py"


def test_outputs_come_before_inputs(run: Any, captured: Any) -> None:
    (row,) = run(SCRIPT)(captured("5,7", "[1.0, 2.1]"))
    assert [row[key] for key in sorted(row)] == [1.0, 2.1, "5", "7"]
    assert sorted(row) == ["0_output_0000", "0_output_0001", "1_input_0000", "1_input_0001"]


def test_more_than_ten_values_keep_their_order(run: Any, captured: Any) -> None:
    (row,) = run(SCRIPT)(captured(",".join(map(str, range(12))), "0.5\n"))
    assert [row[key] for key in sorted(row)][1:] == [str(value) for value in range(12)]


def test_the_originals_json_records(run: Any, golden: Any) -> None:
    (row,) = run(SCRIPT)(golden("capture.endpoint-json.json")[0])
    assert row["0_output_predictions_0000_score"] == 0.9899773597717285
    assert row["1_input_instances_0000_features_0013"] == 37
    assert len(row) == 16
    (row,) = run(SCRIPT)(golden("captured-data.jsonl")[0])
    assert [row[key] for key in sorted(row)] == [3.5, 4.0, 5.5, 1.0, 2.0, 5.0]


def test_the_originals_csv_records(run: Any, golden: Any) -> None:
    flatten = run(SCRIPT)
    for record in golden("capture.jsonl"):
        (row,) = flatten(record)
        assert [row[key] for key in sorted(row)] == [
            record.endpoint_output.data,
            *record.endpoint_input.data.split(","),
        ]


def test_a_body_of_several_lines_gives_several_rows(run: Any, captured: Any) -> None:
    rows = run(SCRIPT)(captured("1,2\n3,4\n", "0.1\n0.2\n"))
    assert [[row[key] for key in sorted(row)] for row in rows] == [["0.1", "1", "2"], ["0.2", "3", "4"]]


def test_json_lines_give_a_row_each(run: Any, captured: Any) -> None:
    rows = run(SCRIPT)(captured('{"a": [1]}\n{"a": [2]}\n', "0.5\n0.6\n", encoding="JSON"))
    assert rows == [
        {"0_output": 0.5, "1_input_a_0000": 1},
        {"0_output": 0.6, "1_input_a_0000": 2},
    ]


def test_halves_of_different_length_are_an_error(run: Any, captured: Any) -> None:
    with pytest.raises(ValueError, match="the response has 1 rows and the request 2"):
        run(SCRIPT)(captured("1\n2\n", "0.5"))


def test_base64_bodies_are_decoded(run: Any, captured: Any) -> None:
    body = base64.b64encode(b"[0.25, 0.75]").decode()
    assert run(SCRIPT)(captured(None, body, encoding="BASE64")) == [{"0_output_0000": 0.25, "0_output_0001": 0.75}]


def test_one_half_alone(run: Any, captured: Any) -> None:
    assert run(SCRIPT)(captured("5", None)) == [{"1_input_0000": "5"}]
    assert run(SCRIPT, FLATTEN_PARTS="output")(captured("5", "[1]")) == [{"0_output_0000": 1}]


def test_batch_lines_and_objects(run: Any) -> None:
    flatten = run(SCRIPT, HEADER_NAME="id")
    assert flatten('7,"[1.5, 2.5]",x\n') == [{"0000": "7", "0001_0000": 1.5, "0001_0001": 2.5, "0002": "x"}]
    assert flatten("7,[broken\n") == [{"0000": "7", "0001": "[broken"}]
    assert flatten("id,scores,name\n") == []
    assert flatten({"id": 7, "scores": {"a": [1, 2]}}) == [{"id": 7, "scores_a_0000": 1, "scores_a_0001": 2}]


def test_the_width_of_positions_is_a_setting(run: Any) -> None:
    assert run(SCRIPT, FLATTEN_INDEX_DIGITS="2")({"x": [5]}) == [{"x_00": 5}]


def test_two_values_for_one_column_are_an_error_not_a_loss(run: Any) -> None:
    with pytest.raises(ValueError, match="two values would share the column 'a_b'"):
        run(SCRIPT)({"a": {"b": 1}, "a_b": 2})
