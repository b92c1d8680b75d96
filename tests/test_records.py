from __future__ import annotations

import copy
import pickle
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from analyzer.records import CapturedData

RECORDS = Path(__file__).resolve().parents[1] / ".." / "shared" / "golden" / "records"


def capture() -> dict[str, Any]:
    return {
        "captureData": {
            "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"},
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8",
                "mode": "OUTPUT",
                "data": "0.1\n",
                "encoding": "CSV",
            },
        },
        "eventMetadata": {
            "eventId": "e-1",
            "inferenceId": "i-1",
            "customAttributes": ["a=1"],
            "inferenceTime": "2025-02-16T11:19:01Z",
        },
        "eventVersion": "0",
    }


def test_a_capture_record_has_the_published_attributes() -> None:
    record = CapturedData(capture())
    assert (record.endpoint_input.data, record.endpoint_input.encoding) == ("1,2", "CSV")
    assert (record.endpoint_input.observedContentType, record.endpoint_input.mode) == ("text/csv", "INPUT")
    assert record.endpoint_output.data == "0.1\n"
    assert record.event_metadata.event_id == "e-1"
    assert record.event_metadata.event_time == "2025-02-16T11:19:01Z"
    assert record.event_metadata.custom_attribute == ["a=1"]
    assert record.event_metadata.inference_id == "i-1"
    assert record.event_version == "0"
    assert record.event_dict == capture()


def test_what_a_record_lacks_is_none() -> None:
    record = CapturedData({"captureData": {"endpointInput": {"data": "1"}}, "eventMetadata": {"eventId": "e"}})
    assert record.endpoint_output is None
    assert record.batch_transform_output is None
    assert record.ground_truth is None
    assert record.event_metadata.custom_attribute is None
    assert record.event_metadata.inference_id is None
    assert record.event_version is None
    assert record.endpoint_input.encoding is None


@pytest.mark.parametrize("event", [{}, {"captureData": None, "eventMetadata": None}, {"captureData": "x"}])
def test_a_record_without_parts_does_not_fail_on_access(event: dict[str, Any]) -> None:
    record = CapturedData(event)
    assert record.endpoint_input is None
    assert record.event_metadata.event_id is None
    assert record.as_dict() == event


def test_as_dict_is_the_raw_dict_without_mode() -> None:
    expected = capture()
    for half in expected["captureData"].values():
        del half["mode"]
    assert CapturedData(capture()).as_dict() == expected
    assert str(CapturedData(capture())) == str(CapturedData(capture()).as_dict())
    assert "INPUT" not in str(CapturedData(capture()))


def test_assigned_data_are_written_back_but_the_raw_dict_stays() -> None:
    record = CapturedData(capture())
    record.endpoint_input.data = "9,9"
    assert record.as_dict()["captureData"]["endpointInput"]["data"] == "9,9"
    assert record.event_dict == capture()


def test_a_removed_half_is_gone() -> None:
    record = CapturedData(capture())
    record.endpoint_output = None
    assert list(record.as_dict()["captureData"]) == ["endpointInput"]
    record.endpoint_input = None
    assert record.as_dict()["captureData"] == {}


def test_the_same_part_comes_back_every_time() -> None:
    record = CapturedData(capture())
    assert record.endpoint_output is record.endpoint_output
    assert record.event_metadata is record.event_metadata


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record))])
def test_copies_work_before_and_after_access(how: Any) -> None:
    touched = CapturedData(capture())
    touched.endpoint_input.data = "7"
    assert how(touched).endpoint_input.data == "7"
    assert how(CapturedData(capture())).endpoint_input.data == "1,2"


def test_unknown_attributes_say_what_there_is() -> None:
    with pytest.raises(AttributeError, match="use endpoint_input or endpoint_output"):
        _ = CapturedData(capture()).event_data
    with pytest.raises(AttributeError, match=r"no 'inputs'; it has event_metadata, endpoint_input"):
        _ = CapturedData(capture()).inputs
    assert not hasattr(CapturedData(capture()), "inputs")


def test_merged_batch_and_ground_truth_records() -> None:
    merged = {
        "eventMetadata": {"eventId": "e"},
        "eventVersion": "0",
        "groundTruthData": {"data": "1", "encoding": "CSV"},
        "captureData": {"batchTransformOutput": {"data": "0.4,1", "encoding": "CSV"}},
    }
    record = CapturedData(merged)
    assert record.ground_truth.data == "1"
    assert record.batch_transform_output.data == "0.4,1"
    assert record.as_dict() == merged


@pytest.mark.skipif(not RECORDS.is_dir(), reason="the original's records are not beside the checkout")
def test_records_of_the_original_read_and_write_back() -> None:
    lines = [
        orjson.loads(line)
        for name in ("capture.jsonl", "actuals.jsonl", "captured-data.jsonl")
        for line in (RECORDS / name).read_bytes().splitlines()
        if line
    ]
    lines += [
        orjson.loads((RECORDS / f).read_bytes()) for f in ("capture.endpoint-json.json", "merged.batch-json.json")
    ]
    assert len(lines) == 92
    for event in lines:
        record = CapturedData(event)
        assert record.event_metadata.event_id
        assert record.as_dict().keys() == event.keys()
        for half, part in record.as_dict().get("captureData", {}).items():
            assert part["data"] == event["captureData"][half]["data"]


def test_building_a_record_costs_less_than_parsing_its_line() -> None:
    line = orjson.dumps(capture())
    event = orjson.loads(line)

    def seconds(work: Any) -> float:
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(5000):
                work()
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(lambda: CapturedData(event)) < seconds(lambda: orjson.loads(line))
