"""Traffic captured to S3: through a folder of this machine, and for as long as it takes."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

import pytest
from capture_files import files
from s3_service import BUCKET

from analyzer.capture import Capture, upload, write_labels
from analyzer.errors import OutputError


def payloads(found: dict[str, bytes]) -> list[str]:
    lines = [json.loads(line) for content in found.values() for line in content.splitlines()]
    return sorted(each["captureData"]["endpointInput"]["data"] for each in lines)


@pytest.fixture
def capture(service, tmp_path):
    made = Capture(f"s3://{BUCKET}/captures/", endpoint="churn", spool=tmp_path)
    yield made
    service.refusal = None
    made.close()


def test_records_arrive_in_folders_of_hours_and_leave_nothing_behind(capture, objects, tmp_path):
    for number in range(20):
        capture.record(str(number), "1")
    assert capture.close()
    found = objects("captures/")
    assert payloads(found) == sorted(map(str, range(20)))
    assert all(name.startswith("churn/AllTraffic/20") and name.endswith(".jsonl") for name in found)
    assert files(tmp_path) == []


def test_closing_twice_is_closing_once_and_capturing_can_go_on(capture, objects):
    for number in range(3):
        capture.record(str(number), "1")
        assert capture.close()
        assert capture.close()
    assert payloads(objects("captures/")) == ["0", "1", "2"]


def test_closing_again_still_tells_of_files_that_are_left(capture, service, objects):
    service.refusal = lambda request: "403 Forbidden|AccessDenied" if request.method == "PUT" else None
    capture.record("1", "2")
    assert not capture.close(1)
    assert not capture.close(3)
    service.refusal = None
    capture.record("3", "4")
    assert capture.close()
    assert payloads(objects("captures/")) == ["1", "3"]


def test_files_are_uploaded_while_the_process_runs(service, objects, tmp_path):
    capture = Capture(f"s3://{BUCKET}/captures", spool=tmp_path, file_seconds=0.2)
    capture.record("1", "2")
    end = time.monotonic() + 10
    while not objects("captures/") and time.monotonic() < end:
        time.sleep(0.05)
    assert payloads(objects("captures/")) == ["1"]
    assert capture.close()


def test_a_service_that_fails_is_tried_again_and_nothing_is_lost(capture, service, objects, caplog):
    caplog.set_level(logging.WARNING)
    service.refusal = lambda request: "403 Forbidden|AccessDenied" if request.method == "PUT" else None
    capture.record("1", "2")
    assert not capture.flush(1)
    assert "could not be uploaded" in caplog.text
    assert "access is denied" in caplog.text
    service.refusal = None
    capture.record("3", "4")
    assert capture.flush(4 * upload.FIRST_PAUSE + 5)
    assert payloads(objects("captures/")) == ["1", "3"]


def test_what_could_not_be_uploaded_is_uploaded_by_the_next_process(capture, service, objects, tmp_path, caplog):
    service.refusal = lambda request: "403 Forbidden|AccessDenied" if request.method == "PUT" else None
    capture.record("1", "2")
    assert not capture.close(1)
    assert str(tmp_path) in caplog.text
    assert len(files(tmp_path)) == 1
    service.refusal = None
    later = Capture(f"s3://{BUCKET}/captures", endpoint="churn", spool=tmp_path)
    later.record("3", "4")
    assert later.close()
    assert payloads(objects("captures/")) == ["1", "3"]


def test_two_captures_share_a_spool(service, objects, tmp_path):
    both = [Capture(f"s3://{BUCKET}/captures", spool=tmp_path, file_bytes=1) for _ in range(2)]
    for number in range(40):
        both[number % 2].record(str(number), "1")
        time.sleep(0.01)
    assert [each.close() for each in both] == [True, True]
    assert payloads(objects("captures/")) == sorted(map(str, range(40)))
    keys = [each.path for each in service.requests if each.method == "PUT"]
    assert len(keys) == len(set(keys)), "a file was uploaded twice"


def test_the_own_spool_is_closed_to_others(service, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Capture(f"s3://{BUCKET}/captures").close()
    (spool,) = Path(tmp_path).glob("analyzer-capture-*")
    assert spool.stat().st_mode & 0o077 == 0
    spool.chmod(0o777)
    with pytest.raises(OutputError, match="others may write it"):
        Capture(f"s3://{BUCKET}/captures")


def test_labels_can_be_sent_there(service, objects):
    place = write_labels(f"s3://{BUCKET}/labels", {"i-1": 1}, collected=0)
    assert place.startswith(f"s3://{BUCKET}/labels/1970/01/01/00/")
    assert list(objects("labels/").values()) == [
        b'{"groundTruthData":{"data":"1","encoding":"CSV"},"eventMetadata":{"eventId":"i-1"},"eventVersion":"0"}\n'
    ]
    with pytest.raises(OutputError, match="no bucket of that name"):
        write_labels("s3://elsewhere/labels", {"i-1": 1})
