"""Objects as files: which ones belong to a prefix, what is asked of the service, and what happens when it fails."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_service import Request, bucket, post
from traffic import ROOT, environment

from analyzer import job, read
from analyzer.config import JobConfig, read_config
from analyzer.dataset_formats import CsvFormat, ParquetFormat
from analyzer.errors import AnalyzerError, BaselineError, InputError, OutputError, ScriptError
from analyzer.read import list_files, plan_partitions
from analyzer.readers.csv_files import first_record
from analyzer.readers.parquet_files import read_parquet
from analyzer.readers.pieces import Piece, PieceReader, open_bytes
from analyzer.readers.reading import PieceReport, Reading
from analyzer.stores import STORES, read_whole, s3, scheme_of, store_of
from analyzer.stores.store import StoreError
from analyzer.write import check_writable, write_files

CSV = {"csv": {"header": True}}
POLICY = re.findall(r"<!-- policy -->\n```json\n(.*?)```", (ROOT / "docs" / "s3.md").read_text(), re.DOTALL)[0]
MIB = 1024 * 1024


def paths(source: str) -> list[str]:
    return [file.path for file in list_files(source)]


# --- places -----------------------------------------------------------------------------------------------------------


def test_schemes_choose_the_store():
    assert [scheme_of(place) for place in ("/a/b", "S3://b/k", "s3://b", "a:b", "x/s3:/y")] == ["", "s3", "s3", "", ""]
    assert store_of("s3://b/k") is s3
    with pytest.raises(StoreError, match="gs:// is no kind of place"):
        store_of("gs://b/k")
    assert all(hasattr(load(), name) for load in STORES.values() for name in ("list_files", "open_file", "write_files"))


def test_uris_are_taken_apart_as_they_are_written():
    point = "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine"
    for uri, found in {
        "s3://b/a//b/": ("b", "a//b/"), "s3://b": ("b", ""), "s3://b/a b+%20?": ("b", "a b+%20?"),
        f"s3://{point}/k/l": (point, "k/l"),
    }.items():  # fmt: skip
        place = s3.place_of(uri)
        assert (place.bucket, place.key) == found


# --- listing ----------------------------------------------------------------------------------------------------------


def test_a_prefix_is_a_folder_with_all_below_it_and_nothing_beside_it(put):
    for key in ("data/b.csv", "data/a/2.csv", "data/a/10.csv", "data/a-b/x", "data/é +&=%20?#.csv"):
        put(key, "x")
    for key in ("database/x", "data.csv", "data-1/x", "data/_SUCCESS", "data/a/.crc", "data/_temporary/0/x", "other/x"):
        put(key, "no")
    put("data/empty", "")
    put("data/", "")
    found = ["a/10.csv", "a/2.csv", "a-b/x", "b.csv", "é +&=%20?#.csv"]
    assert paths("s3://data/data") == paths("s3://data/data/") == [f"s3://data/data/{name}" for name in found]
    assert [read_whole(path) for path in paths("s3://data/data")] == [b"x"] * 5


def test_a_single_object_is_a_source_and_so_is_a_whole_bucket(put):
    put("_hidden/.above/a.csv", "12345")
    assert [(file.path, file.size) for file in list_files("s3://data/_hidden/.above/a.csv")] == [
        ("s3://data/_hidden/.above/a.csv", 5)
    ]
    assert len(paths("s3://data/_hidden/.above")) == 1
    put("top", "x")
    assert paths("s3://data") == paths("s3://data/") == ["s3://data/top"]
    assert paths("s3://data/to") == []


def test_more_objects_than_a_page_of_the_service_are_all_listed(put, service, monkeypatch):
    for i in range(11):
        put(f"many/{i:02}", b"x")
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    assert paths("s3://data/many") == [f"s3://data/many/{i:02}" for i in range(11)]
    assert sum("prefix=many%2F" in each.query for each in service.requests) == 4


def test_an_empty_prefix_is_an_empty_window(tmp_path, service, caplog):
    given = environment(tmp_path, "s3://data/no/where", CSV)
    with pytest.raises(InputError, match="dataset_source: s3://data/no/where holds no data"):
        job.run(read_config(given))
    job.run(read_config(given | {"ANALYZER_EMPTY_INPUT": "succeed"}))
    assert json.loads((tmp_path / "output-folder" / "statistics.json").read_text())["dataset"]["item_count"] == 0


# --- ranges -----------------------------------------------------------------------------------------------------------


def test_a_large_file_is_read_once_in_ranges_by_each_of_its_tasks(tmp_path, put, service, monkeypatch):
    monkeypatch.setattr(read, "PARTITION_BYTES", 20 * MIB)
    line = b'12345,"a\nb",0.5,' + b"x" * 83 + b"\n"
    content = b"a,b,c,d\n" + line * (50 * MIB // len(line))
    source = put("in/large.csv", content)
    assert len(plan_partitions(list_files(source), CsvFormat())) == 3
    service.forget()
    job.run(read_config(environment(tmp_path, source, CSV)))
    found = json.loads((tmp_path / "output-folder" / "statistics.json").read_text())
    assert found["dataset"]["item_count"] == content.count(b"12345")
    asked = [request.length for request in service.gets("large.csv")]
    assert max(asked) <= 9 * MIB
    assert len(content) <= sum(asked) < 1.05 * len(content)
    assert len(asked) < 25


def test_a_look_at_the_header_does_not_read_the_file(put, service):
    path = put("a.csv", b"a,b\n" + b"1,2\n" * MIB)
    assert first_record(path) == "a,b"
    assert [request.length for request in service.gets()] == [64 * 1024]


def test_of_parquet_only_the_row_groups_and_columns_asked_for_are_read(tmp_path, put, service, monkeypatch):
    import numpy as np

    columns = {name: np.random.default_rng(0).integers(0, 2**60, 80_000) for name in "abcd"}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=20_000, compression="none")
    size = (tmp_path / "a.parquet").stat().st_size
    path = put("in/a.parquet", (tmp_path / "a.parquet").read_bytes())
    piece = Piece(path, 1, 2, 4)
    reading = Reading(ParquetFormat(), excluded=frozenset({"b", "c", "d"}))
    assert sum(batch.rows.num_rows for batch in read_parquet(piece, reading, PieceReport(piece))) == 20_000
    asked = service.gets("a.parquet")
    assert len(asked) <= 4
    assert sum(request.length for request in asked) < size / 8
    service.forget()
    monkeypatch.setattr(read, "PARTITION_BYTES", 1)
    job.run(read_config(environment(tmp_path, path, {"parquet": {}})))
    assert sum(request.length for request in service.gets("a.parquet")) < 1.4 * size


def test_gzip_is_read_as_it_arrives(put, service):
    content = os.urandom(20 * MIB)
    path = put("a.csv.gz", gzip.compress(content, 1))
    with open_bytes(path) as stream:
        assert stream.read(1000) == content[:1000]
        assert sum(request.length for request in service.gets()) < 9 * MIB
        assert stream.read() == content[1000:]
        assert stream.seek(5) == 5
        assert stream.read(5) == content[5:10]


def test_a_gzip_file_that_is_cut_off_is_named(tmp_path, put):
    path = put("in/a.csv.gz", gzip.compress(b"a,b\n" + os.urandom(1000).hex().encode())[:-20])
    with pytest.raises(InputError, match=r"s3://data/in/a\.csv\.gz is not a sound gzip file"):
        job.run(read_config(environment(tmp_path, path, CSV)))


def test_an_object_that_is_replaced_while_it_is_read_is_an_error_and_no_mixture(put):
    path = put("a.csv", bytes(20 * MIB))
    with open_bytes(path) as stream:
        stream.read(1000)
        put("a.csv", b"1" * 20 * MIB)
        with pytest.raises(StoreError, match="replaced while it was read"):
            stream.read()


def test_an_object_that_is_replaced_between_its_first_ranges_is_an_error_too(put, service):
    """They are asked for side by side, before any answer has told which version there is."""
    path = put("a.csv", b"0\n" * 10 * MIB)
    arrived, both = [], threading.Barrier(2)

    def replacing(request: Request) -> None:
        if request.method == "GET" and len(arrived) < 2:
            arrived.append(request)
            if both.wait(60):
                return
            put("a.csv", b"1\n" * 10 * MIB)

    service.refusal = replacing
    piece = Piece(path, 0, 20 * MIB, 20 * MIB)
    with pytest.raises(InputError, match=r"a\.csv cannot be read: it was replaced while it was read"):
        list(PieceReader(piece, quoted=False).blocks())


# --- failures of the service ------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch) -> None:
    """Pauses between attempts that take no time: it is their number that is of interest."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


def failing(count: int, answer: str, method: str = "GET"):
    """Fail the next so many requests with this status."""
    left = [count]

    def refusal(request: Request) -> str | None:
        if request.method != method or left[0] == 0:
            return None
        left[0] -= 1
        return answer

    return refusal


@pytest.mark.parametrize("answer", ["500 Internal Server Error", "503 Slow Down", "502 Bad Gateway"])
def test_a_service_that_fails_for_a_while_is_asked_again(put, service, quick, answer):
    path = put("a.csv", "content")
    service.refusal = failing(4, answer)
    assert read_whole(path) == b"content"
    assert len(service.gets()) == 5


def test_a_service_that_goes_on_failing_is_told_with_the_cure(put, service, quick):
    path = put("a.csv", "content")
    service.refusal = failing(10**6, "503 Slow Down")
    with pytest.raises(InputError, match=r"s3://data/a\.csv cannot be read: the service still fails") as caught:
        list(first_record(path))
    assert "AWS_MAX_ATTEMPTS" in caught.value.hint
    assert len(service.gets()) == 5


def test_the_configuration_of_the_aws_clients_says_how_often(put, service, quick, monkeypatch):
    path = put("a.csv", "content")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    service.refusal = failing(10**6, "500 Internal Server Error")
    with pytest.raises(StoreError, match="still fails"):
        read_whole(path)
    assert len(service.gets()) == 2


def breaking(times: int, after: int):
    """Let the connection break off after so many bytes, so many times."""
    left = [times]

    def cut(request: Request, body: bytes) -> bytes:
        if request.method != "GET" or not request.range or left[0] == 0:
            return body
        left[0] -= 1
        return body[:after]

    return cut


def test_a_stream_that_breaks_off_goes_on_where_it_was(put, service, quick, caplog):
    content = os.urandom(5 * MIB)
    path = put("a.bin", content)
    service.cut = breaking(3, 2 * MIB - 17)
    assert read_whole(path) == content
    starts = [int(request.range.removeprefix("bytes=").partition("-")[0]) for request in service.gets()]
    assert starts[0] == 0
    assert starts == sorted(starts)
    assert starts[1] >= MIB
    assert any("asked for again" in message for message in caplog.messages)


def test_a_stream_that_never_gives_anything_ends_the_job(put, service, quick):
    path = put("a.csv", "content")
    service.cut = breaking(10**6, 0)
    with pytest.raises(InputError, match=r"s3://data/a\.csv cannot be read"):
        first_record(path)
    assert len(service.gets()) == 5


def test_an_endpoint_that_knows_no_ranges_is_refused(put, service):
    path = put("a.csv", "content")
    service.refusal = lambda request: "200 OK" if request.range else None
    with pytest.raises(StoreError, match="does not serve ranges"):
        read_whole(path)


@pytest.mark.parametrize(
    ("answer", "reason", "cure"),
    [
        ("400 Bad Request|ExpiredToken", "the credentials have expired (ExpiredToken)", "Renew"),
        ("403 Forbidden|InvalidAccessKeyId", "the access key is not known there", "Renew"),
        ("403 Forbidden|SignatureDoesNotMatch", "the secret key does not fit", "Renew"),
        ("403 Forbidden|InvalidObjectState", "it is archived", "Restore"),
        ("403 Forbidden|AccessDenied", "access is denied", "Allow the job s3:GetObject on s3://data/a.csv"),
        ("400 Bad Request|AuthorizationHeaderMalformed", "signed for another region", "AWS_REGION"),
        ("503 Slow Down|SlowDown", "too many requests (SlowDown)", "AWS_MAX_ATTEMPTS"),
        ("409 Conflict|SomethingNew", "m (SomethingNew)", "docs/s3.md"),
    ],
)
def test_what_the_service_complains_of_is_told_with_a_cure(put, service, quick, answer, reason, cure):
    path = put("a.csv", "content")
    service.refusal = lambda request: answer if request.range else None
    with pytest.raises(InputError, match=re.escape(reason)) as caught:
        first_record(path)
    assert caught.value.message.startswith("s3://data/a.csv cannot be read: ")
    assert cure in caught.value.hint


def test_parquet_that_cannot_be_fetched_is_not_called_unsound(tmp_path, put, service, quick):
    pq.write_table(pa.table({"n": range(1000)}), tmp_path / "a.parquet")
    path = put("in/a.parquet", (tmp_path / "a.parquet").read_bytes())
    service.refusal = lambda request: "503 Slow Down" if request.range else None
    with pytest.raises(InputError, match=r"s3://data/in/a\.parquet cannot be read: the service still fails"):
        job.run(read_config(environment(tmp_path, path, {"parquet": {}})))
    put("in/a.parquet", b"no parquet at all")
    service.refusal = None
    with pytest.raises(InputError, match=r"s3://data/in/a\.parquet is not a sound Parquet file"):
        job.run(read_config(environment(tmp_path, path, {"parquet": {}})))


def stop_job(tmp_path, begun) -> None:
    """Start a job from S3 to S3, and tell it to end when something has begun."""
    variables = environment(tmp_path, "s3://data/in", CSV, output_path="s3://data/out")
    variables |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    process = subprocess.Popen([sys.executable, "-m", "analyzer"], env=variables, stderr=subprocess.PIPE, text=True)
    assert begun.wait(60)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 143, log


def test_a_job_that_is_told_to_stop_in_the_middle_of_a_request_stops(tmp_path, put, service):
    put("in/a.csv", "a\n1\n")
    begun = threading.Event()
    asked = []

    def hang(request: Request) -> str | None:
        if request.range:
            asked.append(request)
            begun.set()
            time.sleep(3)
        return None

    service.refusal = hang
    stop_job(tmp_path, begun)
    assert (tmp_path / "output" / "message").read_text().startswith("Error: The job was stopped by SIGTERM")
    assert len(asked) == 1


def test_a_job_that_is_told_to_stop_while_it_writes_leaves_no_parts_that_cost_money(tmp_path, put, service, objects):
    put("in/a.csv", "a\n1\n")
    begun = threading.Event()

    def hang(request: Request) -> str | None:
        if request.method == "PUT" and "partNumber=1" in request.query and "report" in request.path:
            begun.set()
            time.sleep(3)
        return None

    service.refusal = hang
    stop_job(tmp_path, begun)
    assert objects("out/") == {}
    assert unfinished(service) == []


# --- what is not there, not allowed, not reached ----------------------------------------------------------------------


def run(tmp_path, **given: str) -> AnalyzerError:
    """Run a job that is wrong in one thing, and give its error."""
    place = {"dataset_source": "s3://data/in", "output_path": "s3://data/out", **given}
    with pytest.raises(AnalyzerError) as caught:
        job.run(read_config(environment(tmp_path, place.pop("dataset_source"), CSV, **place)))
    return caught.value


PLACES = {
    "dataset_source": (InputError, "dataset_source: {} cannot be read: "),
    "baseline_constraints": (BaselineError, "baseline_constraints: {} cannot be read: "),
    "baseline_statistics": (BaselineError, "baseline_statistics: {} cannot be read: "),
    "record_preprocessor_script": (ScriptError, "record_preprocessor_script: {} cannot be read: "),
    "post_analytics_processor_script": (ScriptError, "post_analytics_processor_script: {} cannot be read: "),
    "output_path": (OutputError, "The output folder {} cannot be written: "),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_bucket_that_is_not_there_is_named_with_its_variable(tmp_path, put, objects, name):
    put("in/a.csv", "a\n1\n")
    kind, said = PLACES[name]
    error = run(tmp_path, **{name: "s3://no-such-bucket/x"})
    assert isinstance(error, kind)
    assert error.message.startswith(said.format("s3://no-such-bucket/x") + "there is no bucket of that name")
    assert "AWS_ENDPOINT_URL" in error.hint
    assert objects("out/") == {}


@pytest.mark.parametrize("name", [name for name in PLACES if name not in {"dataset_source", "output_path"}])
def test_a_key_that_is_not_there_is_named_with_its_variable(tmp_path, put, objects, name):
    put("in/a.csv", "a\n1\n")
    error = run(tmp_path, **{name: "s3://data/Mine"})
    assert isinstance(error, PLACES[name][0])
    assert error.message.startswith(PLACES[name][1].format("s3://data/Mine") + "there is no such object (NoSuchKey)")
    assert "Correct the key" in error.hint
    assert objects("out/") == {}


def test_without_credentials_the_cure_is_to_give_some(tmp_path, service, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    error = run(tmp_path)
    assert isinstance(error, OutputError)
    assert "there are no credentials for S3" in error.message
    assert "AWS_PROFILE" in error.hint


def test_a_profile_that_there_is_not_is_named(tmp_path, service, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "(nobody) could not be found" in run(tmp_path).message


def test_an_endpoint_where_nobody_listens_is_told_in_bounded_time(tmp_path, service, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://me:hunter2@127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    began = time.monotonic()
    error = run(tmp_path)
    assert time.monotonic() - began < 30
    assert "the endpoint cannot be reached" in error.message
    assert "AWS_ENDPOINT_URL" in error.hint
    assert "hunter2" not in str(error)


def test_an_endpoint_that_accepts_and_says_nothing_is_given_up(tmp_path, service, monkeypatch):
    monkeypatch.setattr(s3, "READ_SECONDS", 0.5)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert "does not answer (ReadTimeoutError)" in run(tmp_path).message
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "not a url"])
def test_an_endpoint_that_is_no_url_is_told(tmp_path, service, monkeypatch, endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    error = run(tmp_path)
    assert isinstance(error, OutputError)
    assert "AWS_ENDPOINT_URL" in error.hint


# --- permissions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def allow(service, monkeypatch) -> Iterator:
    """Make the job a user with the policy of the docs, but for one permission; the service enforces it."""

    def policy(without: str = "") -> None:
        owner = {"aws_access_key_id": "owner", "aws_secret_access_key": "owner", "region_name": "us-east-1"}
        iam = boto3.client("iam", endpoint_url=service.url, **owner)
        iam.create_user(UserName="job")
        document = json.loads(POLICY.replace("arn:aws:s3:::bucket", "arn:aws:s3:::data"))
        for statement in document["Statement"]:
            statement["Action"] = [action for action in statement["Action"] if action != without]
        document["Statement"] = [statement for statement in document["Statement"] if statement["Action"]]
        iam.put_user_policy(UserName="job", PolicyName="p", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName="job")["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        s3._client_of.cache_clear()
        post(service, "/moto-api/reset-auth", b"0")

    yield policy
    post(service, "/moto-api/reset-auth", b"inf")


def test_the_permissions_of_the_docs_are_enough(tmp_path, put, allow, service):
    source = put("in/a.csv", "a\n1\n")
    put("out/constraint_violations.json", "old")
    allow()
    job.run(read_config(environment(tmp_path, source, CSV, output_path="s3://data/out")))
    post(service, "/moto-api/reset-auth", b"inf")
    names = sorted(each.key for each in bucket(service).objects.filter(Prefix="out/"))
    documents = ["constraints.json", "profile.json", "report.html", "report.md", "state.json.gz", "statistics.json"]
    assert names == [f"out/{name}" for name in documents]


@pytest.mark.parametrize("missing", ["s3:ListBucket", "s3:GetObject", "s3:PutObject"])
def test_a_permission_that_is_missing_is_named_with_its_place(tmp_path, put, allow, missing):
    put("in/a.csv", "a\n1\n")
    allow(without=missing)
    error = run(tmp_path)
    assert "access is denied" in error.message
    assert f"Allow the job {missing} on " in error.hint
    assert isinstance(error, OutputError if missing == "s3:PutObject" else InputError)


# --- writing ----------------------------------------------------------------------------------------------------------


def unfinished(service) -> list[str]:
    return [upload.object_key for upload in bucket(service).multipart_uploads.all()]


def test_large_files_are_uploaded_in_parts_and_arrive_whole(service, objects):
    state = os.urandom(40 * MIB + 7)
    service.forget()
    write_files("s3://data/out", {"a.json": "é", "state.json.gz": state})
    parts = [each.query for each in service.requests if "partNumber" in each.query and "state.json.gz" in each.path]
    assert len(parts) == 3
    assert objects("out/") == {"a.json": "é".encode(), "state.json.gz": state}
    assert bucket(service).Object("out/a.json").content_type == "application/json"
    assert unfinished(service) == []


@pytest.mark.parametrize(
    ("name", "kind"), [("report.html", "text/html; charset=utf-8"), ("junit.xml", "application/xml"), ("odd", None)]
)
def test_browsers_are_told_what_a_file_is(service, name, kind):
    write_files("s3://data/out", {name: "x"})
    found = bucket(service).Object(f"out/{name}").content_type
    assert found == kind if kind else "html" not in found


def test_nothing_appears_before_all_of_it_has_arrived(service, objects):
    write_files("s3://data/out", {"a": "old a", "b": "old b", "stale": "stale"})
    service.forget()
    write_files("s3://data/out/", {"a": "new a", "b": "new b"}, stale=["stale", "never-there"])
    assert objects("out/") == {"a": b"new a", "b": b"new b"}
    ends = [i for i, each in enumerate(service.requests) if each.method == "POST" and "uploadId" in each.query]
    assert [service.requests[i].path for i in ends] == ["/data/out/a", "/data/out/b"]
    assert max(i for i, each in enumerate(service.requests) if each.method == "PUT") < ends[0]


def test_earlier_files_stay_when_one_cannot_be_uploaded(service, objects, quick):
    write_files("s3://data/out", {"a": "old a", "b": "old b"})

    service.refusal = lambda request: "403 Forbidden" if request.method == "PUT" and request.path[-2:] == "/b" else None
    with pytest.raises(OutputError, match="The output folder s3://data/out cannot be written: access is denied"):
        write_files("s3://data/out", {"a": "new a", "b": "new b"}, stale=["a"])
    service.refusal = None
    assert objects("out/") == {"a": b"old a", "b": b"old b"}
    assert unfinished(service) == []


def test_the_early_check_leaves_nothing_behind(service, objects):
    check_writable("s3://data/out")
    assert objects("") == {}
    assert unfinished(service) == []


def test_an_output_that_cannot_be_written_is_told_before_the_work(tmp_path, put, service):
    put("in/a.csv", "a\n1\n")
    service.refusal = lambda request: "403 Forbidden" if "uploads" in request.query else None
    error = run(tmp_path)
    assert isinstance(error, OutputError)
    assert "Allow the job s3:PutObject on s3://data/out" in error.hint
    assert service.gets() == []


# --- weight -----------------------------------------------------------------------------------------------------------


def test_a_client_is_made_once_a_process_and_anew_in_a_forked_one(service):
    import multiprocessing

    assert s3.client() is s3.client()
    parent = id(s3.client())
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_own_client) != parent


def _own_client() -> int:
    return id(s3.client())


def test_threads_that_need_the_client_at_once_get_the_same_one(service):
    s3._client_of.cache_clear()
    at_once = threading.Barrier(8)

    def ask(_: int) -> object:
        at_once.wait(60)
        return s3.client()

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1


def test_configuration_objects_take_uris(service, put, tmp_path):
    config = JobConfig(dataset_source=put("a.csv", "a\n1\n"), dataset_format=CsvFormat(), output_path="s3://data/out")
    assert job.run(config) == 0
