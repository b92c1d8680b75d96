"""What is captured lies where jobs look for it, in the format they read; nothing waits, and every drop is counted."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import re
import subprocess
import sys
import threading
import time
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from capture_files import files, payload, records
from traffic import BOTH, columns, document

from analyzer.capture import Body, Capture, write
from analyzer.errors import ConfigError, OutputError

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "schemas" / "capture-record.json").read_text())


def test_a_record_is_what_the_original_writes(make, tmp_path):
    capture = make(endpoint="churn", variant="Blue")
    before = datetime.now(UTC).replace(microsecond=0)
    event = capture.record(
        Body(b"1,2", "text/csv"),
        Body(b"0.7\n", "text/csv; charset=utf-8"),
        inference_id="i-1",
        custom_attributes=["trace=7"],
    )
    assert capture.flush()
    (path,) = files(tmp_path)
    line = path.read_text()
    assert line == (
        '{"captureData":{'
        '"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"1,2","encoding":"CSV"},"endpointOutput":'
        '{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"0.7\\n","encoding":"CSV"}},'
        f'"eventMetadata":{{"eventId":"{event}","inferenceId":"i-1","customAttributes":["trace=7"],'
        f'"inferenceTime":"{json.loads(line)["eventMetadata"]["inferenceTime"]}"}},"eventVersion":"0"}}\n'
    )
    taken = datetime.fromisoformat(json.loads(line)["eventMetadata"]["inferenceTime"])
    assert before <= taken <= datetime.now(UTC)
    assert path.parent == tmp_path / "captures" / "churn" / "Blue" / f"{taken:%Y/%m/%d/%H}"
    assert re.fullmatch(r"\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl", path.name)


@pytest.mark.parametrize(
    ("body", "data", "encoding"),
    [
        (Body(b"a,b\n", "text/csv"), "a,b\n", "CSV"),
        (Body(b"a", "TEXT/CSV ; header=present"), "a", "CSV"),
        (Body("grün".encode("latin-1"), "text/csv; charset=ISO-8859-1"), "grün", "CSV"),
        (Body(b'{"a":1}', "application/json"), '{"a":1}', "JSON"),
        (Body(b'{"a":1}\n{"a":2}\n', "application/jsonlines"), '{"a":1}\n{"a":2}\n', "JSON"),
        (Body(gzip.compress(b"1,2"), "text/csv", "gzip"), "1,2", "CSV"),
        (Body(b"<p>", "text/html"), base64.b64encode(b"<p>").decode(), "BASE64"),
        (Body(b"1,2"), base64.b64encode(b"1,2").decode(), "BASE64"),
        (Body(b"\xff\xfe", "text/csv"), base64.b64encode(b"\xff\xfe").decode(), "BASE64"),
        (Body(b"1,2", "text/csv; charset=no-such"), base64.b64encode(b"1,2").decode(), "BASE64"),
        (Body(b"not gzip", "text/csv", "gzip"), base64.b64encode(b"not gzip").decode(), "BASE64"),
        (Body(b"1,2", "text/csv", "br"), base64.b64encode(b"1,2").decode(), "BASE64"),
        (Body(b"", "text/csv"), "", "CSV"),
    ],
)
def test_a_body_is_text_where_its_type_says_so_and_base64_otherwise(make, tmp_path, body, data, encoding):
    capture = make()
    capture.record(body, body)
    capture.flush()
    (record,) = records(tmp_path)
    jsonschema.validate(record, SCHEMA)
    assert payload(record) == (data, encoding)
    assert payload(record, "endpointOutput") == (data, encoding)
    assert record["captureData"]["endpointInput"].get("observedContentType") == body.content_type


def test_a_body_that_unpacks_to_far_more_than_allowed_stays_packed(make, tmp_path):
    bomb = gzip.compress(b"0" * 1_000_000)
    capture = make(max_body_bytes=2000)
    capture.record(Body(bomb, "text/csv", "gzip"), "1")
    capture.flush()
    assert payload(records(tmp_path)[0]) == (base64.b64encode(bomb).decode(), "BASE64")


def test_the_lists_of_content_types_can_be_set(make, tmp_path):
    capture = make(csv_content_types=["text/plain"], json_content_types=["application/vnd.model+json"])
    capture.record(Body(b"1", "text/plain"), Body(b"{}", "application/VND.model+json"))
    capture.record(Body(b"1", "text/csv"), Body(b"{}", "application/json"))
    capture.flush()
    assert [payload(each, half)[1] for each in records(tmp_path) for half in each["captureData"]] == [
        "CSV",
        "JSON",
        "BASE64",
        "BASE64",
    ]


@pytest.mark.parametrize(("half", "left"), [("inputs", "endpointOutput"), ("outputs", "endpointInput")])
def test_one_half_may_be_left_out(make, tmp_path, half, left):
    capture = make(**{half: False})
    capture.record("1", "2")
    capture.flush()
    assert [list(each["captureData"]) for each in records(tmp_path)] == [[left]]


def test_a_job_reads_what_was_captured(make, tmp_path, run_job):
    capture = make(endpoint="churn")
    for age in range(30, 40):
        capture.record(f"{age},basic", f"0.{age}")
    capture.record("40,gold\n41,gold", "0.40\n0.41\n")
    capture.flush()
    out = run_job(tmp_path / "captures", BOTH)
    assert document(out, "statistics")["dataset"]["item_count"] == 12
    found = columns(out)
    assert sorted(found["_c1"]) == list(range(30, 42))
    assert found["_c2"] == {"basic": 10, "gold": 2}


# --- which are captured ---


def test_sampling_takes_so_many_of_a_hundred_and_the_same_with_the_same_seed(make, tmp_path):
    def chosen(seed: int) -> list[bool]:
        capture = make(tmp_path / "x", sampling_percentage=20, seed=seed)
        return [capture.record("1", "2") is not None for _ in range(1000)]

    first = chosen(7)
    assert 150 <= sum(first) <= 250
    assert chosen(7) == first
    assert chosen(8) != first


def test_nothing_is_captured_at_0_percent_and_all_at_100(make):
    none, every = make(sampling_percentage=0), make(sampling_percentage=100)
    for _ in range(50):
        none.record("1", "2")
        every.record("1", "2")
    assert (none.counts.sampled_out, none.counts.queued) == (50, 0)
    assert (every.counts.sampled_out, every.counts.queued) == (0, 50)


# --- limits ---


def test_bodies_above_the_limit_are_counted_and_logged(make, tmp_path, caplog):
    capture = make(max_body_bytes=10)
    assert capture.record("1" * 11, "2") is None
    assert capture.record("1", "2" * 11) is None
    assert capture.record("1" * 10, "2" * 10) is not None
    assert capture.close()
    assert capture.counts.too_large == 2
    assert len(records(tmp_path)) == 1
    assert "2 as a body was too large" in caplog.text


@pytest.mark.parametrize("limit", [{"queue_records": 20}, {"queue_bytes": 40}])
def test_a_full_queue_drops_at_once_and_counts(make, tmp_path, caplog, limit, monkeypatch):
    capture = make(**limit)
    held = threading.Event()
    line = capture._writer.encoder.line
    monkeypatch.setattr(type(capture._writer.encoder), "line", lambda _self, event: held.wait(20) and line(event))
    capture.record("1", "2")
    time.sleep(2 * write.GATHER_SECONDS)  # the writer has taken that one, and hangs
    monkeypatch.undo()
    began = time.monotonic()
    taken = [capture.record("1", "2") is not None for _ in range(100)]
    assert time.monotonic() - began < 15, "requests waited for the writer"
    assert taken == [True] * 20 + [False] * 80
    held.set()
    assert capture.close()
    assert asdict(capture.counts) == {**asdict(capture.counts), "queued": 21, "queue_full": 80, "written": 21}
    assert len(records(tmp_path)) == 21
    assert "80 as the queue was full" in caplog.text


def test_capturing_stops_above_the_disk_limit_says_so_and_goes_on(make, tmp_path, caplog):
    capture = make(disk_limit_percent=0)
    caplog.set_level(logging.WARNING)
    capture.record("1", "2")
    assert capture.flush()
    assert capture.counts.disk_full == 1
    assert records(tmp_path) == []
    assert re.search(r"Capturing stops: the disk of .* is \d+\.\d % full, the limit is 0 %", caplog.text)
    capture._writer.disk_limit_percent = 100.0
    time.sleep(write.DISK_SECONDS)
    capture.record("1", "2")
    assert capture.close()
    assert capture.counts.written == 1
    assert "Capturing goes on" in caplog.text
    assert "1 as the disk was too full" in caplog.text


def test_the_default_disk_limit_is_that_of_the_original(make):
    assert make().disk_limit_percent == 75


def test_a_folder_that_goes_away_costs_records_and_nothing_else(make, tmp_path, caplog):
    capture = make(file_seconds=0.1)
    capture.record("1", "2")
    capture.flush()
    folder = tmp_path / "captures"
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
    folder.write_text("now a file")
    assert capture.record("1", "2") is not None
    assert capture.close()
    assert capture.counts.failed == 1
    assert "1 captured records could not be written" in caplog.text


def test_what_cannot_be_written_down_is_counted_and_the_caller_learns_nothing(make, caplog):
    capture = make()
    assert capture.record({"a": object()}, "2") is None
    assert capture.record("1", {1, 2}) is not None  # a single value of CSV
    assert capture.counts.failed == 1
    assert "A request could not be captured" in caplog.text


# --- files ---


def test_a_file_shows_when_it_is_old_enough(make, tmp_path):
    capture = make(file_seconds=0.5)
    capture.record("1", "2")
    time.sleep(2 * write.GATHER_SECONDS)
    assert files(tmp_path) == []
    end = time.monotonic() + 10
    while not files(tmp_path):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert len(records(tmp_path)) == 1


def test_a_file_shows_when_it_is_large_enough(make, tmp_path):
    capture = make(file_bytes=1)
    for number in range(3):
        capture.record("1", "2")
        end = time.monotonic() + 10
        while len(files(tmp_path)) <= number:
            assert time.monotonic() < end
            time.sleep(0.02)
    assert len(records(tmp_path)) == 3


def test_readers_never_see_half_a_file(make, tmp_path):
    capture = make(file_bytes=20_000)
    seen, ended = [], threading.Event()

    def look() -> None:
        while not ended.is_set():
            for path in files(tmp_path):
                text = path.read_text()
                seen.append(text.endswith("\n") and all(json.loads(line) for line in text.splitlines()))

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(3000):
        capture.record("1,2,3", "0.5")
        time.sleep(0.0001)
    capture.flush()
    ended.set()
    looking.join()
    assert seen
    assert all(seen)
    assert len(records(tmp_path)) == 3000


def test_each_hour_has_its_folder(make, tmp_path, monkeypatch):
    capture = make()
    for hour in (10, 11, 10):
        at = datetime(2025, 2, 16, hour, 59, 59, tzinfo=UTC).timestamp()
        monkeypatch.setattr("analyzer.capture.capture.time.time", lambda at=at: at)
        capture.record(f"{hour}", "2")
    monkeypatch.undo()
    capture.flush()
    found = {path.parent.relative_to(tmp_path / "captures").as_posix(): path for path in files(tmp_path)}
    assert set(found) == {f"endpoint/AllTraffic/2025/02/16/{hour}" for hour in (10, 11)}
    lines = found["endpoint/AllTraffic/2025/02/16/10"].read_text().splitlines()
    assert [payload(json.loads(line))[0] for line in lines] == ["10", "10"]


def test_many_threads_lose_nothing(make, tmp_path):
    capture = make()

    def send(name: int) -> None:
        for number in range(200):
            capture.record(f"{name},{number}", "1")

    threads = [threading.Thread(target=send, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert capture.close()
    assert sorted(payload(each)[0] for each in records(tmp_path)) == sorted(
        f"{name},{number}" for name in range(8) for number in range(200)
    )
    assert len({each["eventMetadata"]["eventId"] for each in records(tmp_path)}) == 1600


def test_it_goes_on_after_it_was_closed(make, tmp_path):
    capture = make()
    capture.record("1", "2")
    assert capture.close()
    capture.record("3", "4")
    assert capture.close()
    assert capture.close()
    assert sorted(payload(each)[0] for each in records(tmp_path)) == ["1", "3"]


# --- options ---


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint": ""}, {"endpoint": "a/b"}, {"endpoint": "_a"}, {"variant": ".hidden"}, {"variant": ".."},
        {"sampling_percentage": 101}, {"sampling_percentage": -1}, {"disk_limit_percent": float("nan")},
        {"max_body_bytes": 0}, {"queue_records": 0}, {"file_seconds": -1}, {"inputs": False, "outputs": False},
        {"destination": "https://bucket/x"}, {"destination": "s3://"}, {"destination": "s3://bucket/../x"},
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(tmp_path, options):
    with pytest.raises(ConfigError) as failure:
        Capture(**{"destination": tmp_path, **options})
    assert next(iter(options)) in str(failure.value)
    assert failure.value.hint


def test_a_folder_that_cannot_be_written_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Nothing can be captured into"):
        Capture(tmp_path / "file")


def test_every_option_is_in_the_docs_with_its_default():
    page = (Path(__file__).resolve().parents[2] / "docs" / "capturing.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    options = {each.name: each.default for each in fields(Capture)} | {"endpoint": "endpoint"}
    assert named == set(options) - {"destination", "_"}
    for name in ("sampling_percentage", "disk_limit_percent"):
        assert f"| `{name}` | {options[name]:g} |" in page


def test_capturing_loads_nothing_heavy(tmp_path):
    code = (
        "import sys; from analyzer.capture import Capture; c = Capture(sys.argv[1]); c.record('1,2', '0.5'); c.close();"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    heavy = {"pyspark", "polars", "pyarrow", "pandas", "numpy", "boto3", "botocore", "click", "asyncio", "jmespath"}
    assert not heavy & set(done.stdout.split())
    assert len(records(tmp_path)) == 1
