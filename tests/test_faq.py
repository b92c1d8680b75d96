"""The scripts of the public FAQ, as they are printed there, each through a whole baseline and monitoring job."""

from __future__ import annotations

import json
import random
import time
import warnings
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from test_scripts import ARRAY, FAQ, GROUND_TRUTH, LOGGING, POSTPROCESS, SAMPLING, SENTINEL, from_faq
from traffic import (
    BOTH,
    INPUT,
    columns,
    environment,
    half,
    missing,
    record,
    run_process,
    violations,
    write_csv,
    write_lines,
)

pytestmark = pytest.mark.skipif(not FAQ.is_file(), reason="the FAQ's text is not beside the checkout")
RECORDS = [record(f"{i % 7},{-1 if i % 4 == 0 else i}", f"1.{i},2.{i}\n", event=f"e-{i}") for i in range(100)]


@pytest.fixture
def faq(tmp_path):
    def cut(script: tuple[Any, ...], name: str = "faq.py") -> Path:
        path = tmp_path / name
        path.write_text(from_faq(script[0], *script[1:]))
        return path

    return cut


@pytest.fixture
def monitor(run_job, tmp_path):
    """Monitor traffic with a script against a baseline of training rows under a header."""

    def run(header: str, rows: list, records: list = RECORDS, form: Any = BOTH, **settings):
        train = run_job(write_csv(tmp_path / "train" / "1.csv", header, rows), {"csv": {}}, into="baseline")
        source = write_lines(tmp_path / "data" / "x.jsonl", records)
        given = {"baseline_constraints": train / "constraints.json", "baseline_statistics": train / "statistics.json"}
        return run_job(source, form, **given, **settings)

    return run


def test_an_array_becomes_columns_under_the_names_of_the_baseline(monitor, faq) -> None:
    rows = [(f"1.{i}", f"2.{i}", i % 7, -1 if i % 4 == 0 else i) for i in range(100)]
    out = monitor("prediction0,prediction1,a,b", rows, record_preprocessor_script=faq(ARRAY))
    found = columns(out)
    assert list(found) == ["prediction0", "prediction1", "a", "b"]
    assert found["prediction1"][:3] == [2.0, 2.1, 2.2]
    assert found["b"][:5] == [-1.0, 1.0, 2.0, 3.0, -1.0]
    assert violations(out) == []


def test_sentinels_of_text_stay_because_the_script_compares_them_with_a_number(monitor, faq) -> None:
    rows = [(i % 7, -1 if i % 4 == 0 else i) for i in range(100)]
    out = monitor("a,b", rows, form=INPUT, record_preprocessor_script=faq(SENTINEL))
    assert list(columns(out)) == ["a", "b"]
    assert columns(out)["b"].count(-1.0) == 25
    assert missing(out) == {"a": 0, "b": 0}
    assert violations(out) == []


def test_sampling_keeps_about_one_record_in_ten_and_the_same_ones_again(monitor, faq) -> None:
    records = [record(f"{i},1", "0") for i in range(2000)]
    outs = [
        monitor(
            "a,b", [(i, 1) for i in range(2000)], records, INPUT, into=into, record_preprocessor_script=faq(SAMPLING)
        )
        for into in ("first", "second")
    ]
    kept = columns(outs[0])["a"]
    assert 140 < len(kept) < 260
    assert columns(outs[1])["a"] == kept
    assert violations(outs[0]) == []


def test_logging_writes_each_record_and_changes_nothing(monitor, faq, caplog) -> None:
    with caplog.at_level("INFO"):
        rows = [(f"1.{i}", f"2.{i}", i % 7, -1 if i % 4 == 0 else i) for i in range(100)]
        out = monitor("p,q,a,b", rows, record_preprocessor_script=faq(LOGGING))
    lines = [entry.getMessage() for entry in caplog.records if entry.name == "preprocess"]
    assert sum("e-77" in line for line in lines) == 3
    assert columns(out)["b"][:5] == [-1.0, 1.0, 2.0, 3.0, -1.0]
    assert violations(out) == []


def test_the_post_processing_script_prints_after_the_job(tmp_path, faq) -> None:
    source = write_lines(tmp_path / "data" / "x.jsonl", RECORDS)
    code, message, log = run_process(
        environment(tmp_path, source, BOTH, post_analytics_processor_script=faq(POSTPROCESS))
    )
    assert (code, message) == (0, "Completed: Job completed successfully with no violations.")
    assert log.index("Write to file statistics.json") < log.index("Invoking customer's post-processing script...")
    assert "Hello from the post-processing script!" in log


def test_batch_csv_reaches_the_scripts_as_text(run_job, tmp_path, faq) -> None:
    source = write_csv(tmp_path / "data" / "1.csv", "a,b", [(1, 2)])
    out = run_job(source, {"csv": {}}, record_preprocessor_script=faq(LOGGING))
    assert columns(out) == {"a": [1.0], "b": [2.0]}


def test_fake_ground_truth_reads_as_json_lines(run_job, tmp_path, faq) -> None:
    class Uploader:
        @staticmethod
        def upload_string_as_file_body(body: str, uri: str) -> None:
            path = tmp_path / "labels" / uri.removeprefix("s3://")
            path.parent.mkdir(parents=True)
            path.write_text(body)

    class Thread:
        def __init__(self, do_run: Any) -> None: ...
        def start(self) -> None: ...

    notebook = {
        "json": json,
        "datetime": datetime,
        "timedelta": timedelta,
        "time": time,
        "random": random,
        "test_dataset_size": 300,
        "ground_truth_upload_path": "s3://bucket/labels",
        "S3Uploader": Uploader,
        "WorkerThread": Thread,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # later Pythons deprecate utcnow
        exec(faq(GROUND_TRUTH).read_text(), notebook)
    found = columns(run_job(tmp_path / "labels", {"json": {"lines": True}}))
    assert 0.6 < sum(found["groundTruthData.data"]) / 300 < 0.8
    assert found["eventMetadata.eventId"] == [float(i) for i in range(300)]
    assert found["groundTruthData.encoding"] == {"CSV": 300}


def test_an_array_in_json_becomes_columns_too(run_job, tmp_path) -> None:
    """What the FAQ starts from, `[1.0, 2.1]`, needs no script at all here."""
    source = write_lines(tmp_path / "data" / "x.jsonl", [record("5,7", half("[1.0, 2.1]", "JSON"))])
    assert columns(run_job(source, BOTH)) == {"_c0": [1.0], "_c1": [2.1], "_c2": [5.0], "_c3": [7.0]}
