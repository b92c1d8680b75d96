"""Decorated functions do what they did before, and their calls are captured."""

from __future__ import annotations

import asyncio
import inspect
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from capture_files import payload, records

from analyzer.capture import Body
from analyzer.errors import ConfigError


def halves(tmp_path):
    return [(payload(each), payload(each, "endpointOutput")) for each in records(tmp_path)]


def test_a_function_keeps_its_result_name_and_signature(make, tmp_path):
    capture = make()

    @capture.calls
    def predict(rows: list[float], *, inference_id: str | None = None) -> float:
        """Add."""
        return sum(rows)

    assert predict([1.5, 2.0], inference_id="i-9") == 3.5
    assert (predict.__name__, predict.__doc__) == ("predict", "Add.")
    assert list(inspect.signature(predict).parameters) == ["rows", "inference_id"]
    capture.flush()
    assert halves(tmp_path) == [(("1.5,2.0\n", "CSV"), ("3.5\n", "CSV"))]
    assert records(tmp_path)[0]["eventMetadata"]["inferenceId"] == "i-9"


def test_an_async_function_is_captured_when_it_is_done(make, tmp_path):
    capture = make()

    @capture.calls(inference_id="request")
    async def predict(request: int, features: dict[str, float]) -> dict[str, float]:
        await asyncio.sleep(0)
        return {"score": features["a"]}

    assert inspect.iscoroutinefunction(predict)

    async def both() -> list[dict[str, float]]:
        return await asyncio.gather(predict(1, {"a": 0.1}), predict(request=2, features={"a": 0.2}))

    assert asyncio.run(both()) == [{"score": 0.1}, {"score": 0.2}]
    capture.flush()
    assert halves(tmp_path) == [
        (('{"a":0.1}', "JSON"), ('{"score":0.1}', "JSON")),
        (('{"a":0.2}', "JSON"), ('{"score":0.2}', "JSON")),
    ]
    assert [each["eventMetadata"]["inferenceId"] for each in records(tmp_path)] == ["1", "2"]


def test_the_input_is_captured_as_it_was_before_the_call(make, tmp_path):
    capture = make()

    @capture.calls
    def predict(row: list[int]) -> int:
        row.clear()
        return 1

    predict([1, 2])
    capture.flush()
    assert halves(tmp_path) == [(("1,2\n", "CSV"), ("1\n", "CSV"))]


def test_methods_and_other_arguments(make, tmp_path):
    capture = make()

    class Model:
        @capture.calls
        def first(self, row):
            return row

        @capture.calls(argument="row", input_type="application/json", output_type="application/json")
        def chosen(self, user, row=(7,)):
            return row

    model = Model()
    model.first("a,b")
    model.chosen("u", row=[1])
    model.chosen("u", [2])
    model.chosen("u")
    capture.flush()
    assert [request for request, _ in halves(tmp_path)] == [
        ("a,b", "CSV"), ("[1]", "JSON"), ("[2]", "JSON"), ("[7]", "JSON")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "data", "encoding"),
    [
        (np.array([[1.5, 2], [3, 4]]), "1.5,2.0\n3.0,4.0\n", "CSV"),
        (np.float32(0.5), "0.5\n", "CSV"),
        (pd.DataFrame({"a": [1, 2], "b": ["x", 'q"']}), '1,x\n2,"q"""\n', "CSV"),
        (pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}), "1,x\n2,y\n", "CSV"),
        (pd.Series([1, 2]), "1\n2\n", "CSV"),
        ([1, None, "a,b"], '1,,"a,b"\n', "CSV"),
        ([(1, 2), (3, 4)], "1,2\n3,4\n", "CSV"),
        ({"a": np.int64(1), "b": np.array([1, 2])}, '{"a":1,"b":[1,2]}', "JSON"),
        ([{"a": 1}, {"a": 2}], '[{"a":1},{"a":2}]', "JSON"),
        (b"\x00\x01", "AAE=", "BASE64"),
        (Body(b"{}", "application/json"), "{}", "JSON"),
        (True, "True\n", "CSV"),
    ],
)
def test_values_are_written_as_models_are_sent_them(make, tmp_path, value, data, encoding):
    capture = make(outputs=False)
    capture.calls(lambda row: row)(value)
    capture.flush()
    assert payload(records(tmp_path)[0]) == (data, encoding)


def test_frames_can_be_json(make, tmp_path):
    capture = make(outputs=False)
    predict = capture.calls(input_type="application/json")(lambda rows: rows)
    predict(pd.DataFrame({"a": [1]}))
    predict(pl.DataFrame({"a": [1]}))
    capture.flush()
    assert [json.loads(payload(each)[0]) for each in records(tmp_path)] == [[{"a": 1}], [{"a": 1}]]


@pytest.mark.parametrize("result", [np.array([0.1, 0.2]), [0.1, 0.2], pd.Series([0.1, 0.2])])
def test_as_many_results_as_rows_are_a_column(make, tmp_path, result):
    capture = make()
    capture.calls(lambda rows: result)([[1, 2, 3], [4, 5, 6]])
    capture.calls(lambda rows: [0.2, 0.8])([1, 2, 3])
    capture.flush()
    assert [answer for _, answer in halves(tmp_path)] == [("0.1\n0.2\n", "CSV"), ("0.2,0.8\n", "CSV")]


def test_a_call_that_raises_raises_and_is_not_captured(make, tmp_path):
    capture = make()

    @capture.calls
    def predict(row):
        raise KeyError(row)

    @capture.calls
    async def later(row):
        raise KeyError(row)

    with pytest.raises(KeyError):
        predict("1")
    with pytest.raises(KeyError):
        asyncio.run(later("1"))
    with pytest.raises(TypeError):
        predict()
    capture.flush()
    assert records(tmp_path) == []
    assert capture.counts.unanswered == 3


def test_what_cannot_be_captured_does_not_fail_the_call(make, tmp_path, caplog):
    capture = make()

    class Hostile:
        def __str__(self):
            raise RuntimeError("no text")

    predict = capture.calls(lambda row: row)
    hostile = Hostile()
    assert predict(hostile) is hostile
    assert capture.calls(lambda row: {"answer": hostile})("1") == {"answer": hostile}
    capture.close()
    assert capture.counts.failed == 2
    assert records(tmp_path) == []
    assert "no text" in caplog.text


def test_calls_that_are_not_sampled_cost_nothing(make, tmp_path):
    capture = make(sampling_percentage=0)
    assert capture.calls(lambda row: row)("1") == "1"
    assert capture.counts.sampled_out == 1
    assert capture.counts.queued == 0


def test_functions_that_cannot_be_captured_are_refused(make):
    capture = make()

    def stream(row):
        yield row

    with pytest.raises(ConfigError, match="generator"):
        capture.calls(stream)
    with pytest.raises(ConfigError, match="no parameter rows"):
        capture.calls(argument="rows")(lambda row: row)
    with pytest.raises(ConfigError, match="no parameter with an input"):
        capture.calls(lambda: 1)
