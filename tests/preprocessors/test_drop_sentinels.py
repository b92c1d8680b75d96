from __future__ import annotations

import json
from typing import Any

import pytest

from analyzer.errors import ScriptError
from analyzer.scripts import UNCHANGED

SCRIPT = "drop_sentinels.py"


def test_captured_csv_keeps_its_shape(run: Any, captured: Any) -> None:
    record = captured('5,-1,-1.0,"a,b",-10\n', "-1\n")
    assert run(SCRIPT)(record) is UNCHANGED
    assert record.endpoint_input.data == '5,,,"a,b",-10\n'
    assert record.endpoint_output.data == "-1\n"  # a class label, not a missing value
    assert record.as_dict()["captureData"]["endpointInput"]["data"] == '5,,,"a,b",-10\n'


def test_outputs_when_asked_for(run: Any, captured: Any) -> None:
    record = captured("-1", "-1,2")
    run(SCRIPT, SENTINEL_PARTS="input,output")(record)
    assert record.endpoint_output.data == ",2"


def test_captured_json_becomes_null_at_any_depth(run: Any, captured: Any) -> None:
    record = captured('{"rows": [{"age": -1, "tag": "-1", "ok": true, "n": 3}]}', encoding="JSON")
    run(SCRIPT, SENTINELS="-1,1")(record)
    assert json.loads(record.endpoint_input.data) == {"rows": [{"age": None, "tag": None, "ok": True, "n": 3}]}


def test_json_lines_stay_lines(run: Any, captured: Any) -> None:
    record = captured('{"a": -1}\n{"a": 2}\n', encoding="JSON")
    run(SCRIPT)(record)
    assert record.endpoint_input.data == '{"a": null}\n{"a": 2}'


def test_a_missing_half_and_base64_pass(run: Any, captured: Any) -> None:
    assert run(SCRIPT)(captured(None, "1")) is UNCHANGED
    record = captured("LTE=", encoding="BASE64")
    assert run(SCRIPT)(record) is UNCHANGED
    assert record.endpoint_input.data == "LTE="


def test_columns_have_sentinels_of_their_own(run: Any) -> None:
    drop = run(SCRIPT, SENTINELS="-1,unknown", SENTINEL_COLUMNS='{"age": [0, 999], "score": [], "2": ["x"]}')
    (row,) = drop({"age": 999, "score": -1, "town": "unknown", "left": -1, "years": 0})
    assert row == {"age": None, "score": -1, "town": None, "left": None, "years": 0}
    (row,) = drop("unknown,5,x,-1\n")
    assert [row[key] for key in sorted(row)] == [None, "5", None, None]


def test_nan_and_text_sentinels(run: Any) -> None:
    (row,) = run(SCRIPT, SENTINELS="nan,N/A")({"a": "NaN", "b": "N/A", "c": float("nan"), "d": 1})
    assert row == {"a": None, "b": None, "c": None, "d": 1}


def test_header_lines_of_batch_csv(run: Any) -> None:
    drop = run(SCRIPT, HEADER_NAME="age")
    assert drop("age,town\n") == []
    assert drop('-1,"x, y"\r\n') == [{"00000": None, "00001": "x, y"}]


def test_the_originals_records_pass_unharmed(run: Any, golden: Any) -> None:
    drop = run(SCRIPT)
    for record in golden("capture.jsonl"):
        before = record.endpoint_input.data
        assert drop(record) is UNCHANGED
        assert record.endpoint_input.data == before
    record = golden("captured-data.jsonl")[0]
    run(SCRIPT, SENTINELS="2")(record)
    assert json.loads(record.endpoint_input.data) == {"instances": [1.0, None, 5.0]}


def test_a_wrong_setting_is_named(run: Any) -> None:
    with pytest.raises(ScriptError, match="SENTINEL_PARTS may name input and output, not 'inputs'"):
        run(SCRIPT, SENTINEL_PARTS="inputs")
