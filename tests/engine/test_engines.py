"""The same bytes from one process and from several, and what happens when one of them dies."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analyzer import read
from analyzer.engine import progress
from analyzer.errors import ConfigError, EngineError, InputError, ScriptError

RunJob = Callable[..., Path]
CSV = {"csv": {"header": True}}


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CSV file in about forty partitions."""
    monkeypatch.setattr(read, "PARTITION_BYTES", 1024)
    path = tmp_path / "numbers.csv"
    path.write_text("n,s\n" + "".join(f"{i},s{i % 5}\n" for i in range(5000)))
    return path


def script(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "script.py"
    path.write_text(f"import os\n\ndef preprocess_handler(line):\n    {body}\n")
    return path


def test_two_processes_write_the_same_bytes_as_one(monitor: Callable[..., dict[str, bytes]]) -> None:
    alone, together = monitor("one"), monitor("two", ANALYZER_CORES="2")

    assert together == alone
    assert len(json.loads(alone["constraint_violations.json"])["violations"]) >= 1
    assert json.loads(alone["statistics.json"])["dataset"]["item_count"] >= 300


def test_cores_beyond_the_partitions_are_not_started(tmp_path: Path, run_job: RunJob) -> None:
    source = tmp_path / "one.csv"
    source.write_text("a\n1\n2\n")

    found = run_job(source, CSV, ANALYZER_CORES="64")

    assert json.loads((found / "statistics.json").read_text())["dataset"]["item_count"] == 2


def test_a_fault_in_a_worker_names_file_and_line(numbers: Path, run_job: RunJob) -> None:
    lines = numbers.read_text().splitlines()
    lines[4000] += ",surplus"
    numbers.write_text("\n".join(lines) + "\n")

    with pytest.raises(InputError, match=r"numbers\.csv, line 4001 has 3 fields, expected 2"):
        run_job(numbers, CSV, ANALYZER_CORES="2")


def test_a_script_that_fails_in_a_worker_is_named(numbers: Path, run_job: RunJob, tmp_path: Path) -> None:
    path = script(tmp_path, "return {'n': 1 // (int(line.split(',')[0]) - 4000)} if line[0] != 'n' else []")

    with pytest.raises(ScriptError, match="ZeroDivisionError"):
        run_job(numbers, CSV, ANALYZER_CORES="2", record_preprocessor_script=path)


def test_a_worker_that_dies_ends_the_job_with_a_cure(numbers: Path, run_job: RunJob, tmp_path: Path) -> None:
    path = script(tmp_path, "os._exit(9) if line.startswith('4000,') else None; return {'n': line}")

    with pytest.raises(EngineError, match="ANALYZER_CORES"):
        run_job(numbers, CSV, ANALYZER_CORES="2", record_preprocessor_script=path)


def test_a_log_says_how_far_the_job_is(
    numbers: Path, run_job: RunJob, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    caplog.set_level(logging.INFO)

    run_job(numbers, CSV)

    total = len(read.plan_partitions(read.list_files(numbers), read.CsvFormat()))
    assert total > 20
    assert f"Analyzed {total} of {total} partitions (100%)" in caplog.messages


def test_places_in_a_file_of_many_partitions_are_those_of_the_whole_file(numbers: Path, run_job: RunJob) -> None:
    lines = numbers.read_text().splitlines()
    lines[3000] = ",x"
    numbers.write_text("\n".join(lines) + "\n")

    found = json.loads((run_job(numbers, CSV) / "profile.json").read_text())

    missing = found["features"][0]["evidence"]["missing"]
    assert (missing["count"], missing["first_record"]) == (1, 3001)


def test_places_in_a_parquet_file_are_those_of_the_whole_file(
    tmp_path: Path, run_job: RunJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "PARTITION_BYTES", 1)
    table = pa.table({"n": range(9000), "s": [None if i == 8000 else "x" for i in range(9000)]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1000)

    found = json.loads((run_job(tmp_path / "a.parquet", {"parquet": {}}) / "profile.json").read_text())

    assert found["features"][1]["evidence"]["missing"]["first_record"] == 8001
    assert found["features"][1]["evidence"]["string"] | {"examples": []} == {
        "count": 8999, "first_file": str(tmp_path / "a.parquet"), "first_record": 1, "examples": [],
    }  # fmt: skip


@pytest.mark.parametrize(("excluded", "left"), [("list", ["a", "n"]), ("1", ["a", "n"]), ("0,list", ["n"])])
def test_columns_of_a_parquet_file_are_left_out_by_name_and_by_index(
    tmp_path: Path, run_job: RunJob, excluded: str, left: list[str]
) -> None:
    table = pa.table({"a": [1, 2], "list": ["x", "y"] if excluded == "1" else [[1], [2]], "n": [3, 4]})
    pq.write_table(table, tmp_path / "a.parquet")

    found = run_job(tmp_path / "a.parquet", {"parquet": {}}, exclude_features_attribute=excluded)

    assert [each["name"] for each in json.loads((found / "statistics.json").read_text())["features"]] == left


def test_leaving_out_a_column_that_is_not_there_is_an_error(tmp_path: Path, run_job: RunJob) -> None:
    pq.write_table(pa.table({"a": [1], "n": [3]}), tmp_path / "a.parquet")

    with pytest.raises(ConfigError, match="column 'nn', which is not in the data"):
        run_job(tmp_path / "a.parquet", {"parquet": {}}, exclude_features_attribute="nn")


def test_auto_stays_local_where_there_is_no_java(
    numbers: Path, run_job: RunJob, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")

    run_job(numbers, CSV, ANALYZER_ENGINE="auto", ANALYZER_SPARK_THRESHOLD="0")

    assert any("There is no Java" in message for message in caplog.messages)


def test_spark_without_java_is_an_error_with_a_cure(
    numbers: Path, run_job: RunJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(EngineError, match="Java 17") as caught:
        run_job(numbers, CSV, ANALYZER_ENGINE="spark")

    assert "ANALYZER_ENGINE=local" in caught.value.hint


def test_auto_stays_local_below_the_threshold(numbers: Path, run_job: RunJob, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    run_job(numbers, CSV, ANALYZER_ENGINE="auto")

    assert any(message.endswith("partitions on local") for message in caplog.messages)
