"""What a job says when something is wrong: exit code, message file, log, and earlier files that nobody touched."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from traffic import BOTH, environment, record, run_process, write_csv, write_lines

CSV = {"csv": {"header": True}}
JSON = {"json": {"lines": True}}
EARLIER = {
    "statistics.json": b"earlier statistics",
    "constraints.json": b"earlier constraints",
    "constraint_violations.json": b"earlier violations",
    "profile.json": b"earlier profile",
    "state.json.gz": b"earlier state",
    "mine.txt": b"mine",
}


@pytest.fixture
def place(tmp_path) -> Path:
    """A folder for a job, with good data in `data` and the reports of an earlier run in `output-folder`."""
    write_csv(tmp_path / "data" / "1.csv", "a,b", [(1, "x"), (2, "y")])
    (tmp_path / "output-folder").mkdir()
    for name, content in EARLIER.items():
        (tmp_path / "output-folder" / name).write_bytes(content)
    return tmp_path


def untouched(place: Path) -> bool:
    folder = place / "output-folder"
    return {path.name: path.read_bytes() for path in folder.iterdir()} == EARLIER


Case = Callable[[Path], dict[str, Any]]
CASES: dict[str, tuple[Case, list[str]]] = {}


def case(*found: str) -> Callable[[Case], Case]:
    """Register a case: what it changes about the job, and what the message must name."""

    def register(change: Case) -> Case:
        CASES[change.__name__] = (change, list(found))
        return change

    return register


def file(place: Path, name: str, content: bytes | str) -> Path:
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def script(place: Path, source: str) -> dict[str, Any]:
    return {"record_preprocessor_script": file(place, "code/mine.py", source)}


# --- configuration ----------------------------------------------------------------------------------------------------


@case("dataset_format is not valid JSON: at position 7", "found 'header", 'Accepted: {"csv"')
def malformed_format(_place):
    return {"dataset_format": '{"csv":header"}'}


@case("dataset_format has the unknown key", '"xml"', "Accepted")
def unknown_format(_place):
    return {"dataset_format": '{"xml":{}}'}


@case("ANALYZER_SURPLUS_FIELD", "Did you mean ANALYZER_SURPLUS_FIELDS?")
def misspelt_setting(_place):
    return {"ANALYZER_SURPLUS_FIELD": "drop"}


@case("dataset_source")
def no_source(_place):
    return {"dataset_source": ""}


@case("exclude_features_attribute names column 'zip'", "index of: a, b")
def unknown_column(_place):
    return {"exclude_features_attribute": "zip"}


# --- the source -------------------------------------------------------------------------------------------------------


@case("dataset_source: ", "nowhere does not exist", "Mount the data there")
def missing_source(place):
    return {"dataset_source": place / "nowhere"}


@case("dataset_source: ", "/empty holds no data", "ANALYZER_EMPTY_INPUT=succeed")
def empty_source(place):
    (place / "empty").mkdir()
    return {"dataset_source": place / "empty"}


@case("data/again cannot be read", "a link to a folder that it lies in")
def circle(place):
    (place / "data" / "again").symlink_to(place / "data")
    return {}


@case("data/gone.csv cannot be read", "No such file")
def broken_link(place):
    (place / "data" / "gone.csv").symlink_to(place / "nowhere")
    return {}


@case("caf\\udce9.csv' cannot be read: Its name is no UTF-8 text")
def odd_file_name(place):
    (place / "data" / "1.csv").rename(os.fsdecode(os.fsencode(place / "data") + b"/caf\xe9.csv"))
    return {}


@case("record_preprocessor_script is set, but scripts do not see the rows of", "as CSV, JSON or Parquet")
def script_for_a_table(place):
    source = script(place, "def preprocess_handler(row): return row\n")
    return {"dataset_format": '{"spark":{"table":"db.t"}}', "ANALYZER_ENGINE": "auto", **source}


@case("gs://***@bucket/data is a URI", "Use s3://, or mount or copy")
def a_uri(_place):
    return {"dataset_source": "gs://me:hunter2@bucket/data"}


# --- files ------------------------------------------------------------------------------------------------------------


@case("data/2.csv.gz is not a sound gzip file", "Compressed file ended", "compress the file again")
def truncated_gzip(place):
    file(place, "data/2.csv.gz", gzip.compress(b"a,b\n" + os.urandom(4000).hex().encode() + b",1\n")[:-200])
    return {}


@case("data/0.csv.gz is not a sound gzip file", "Not a gzipped file")
def garbage_gzip(place):
    file(place, "data/0.csv.gz", "garbage")
    return {}


@case("json/2.jsonl.gz is not a sound gzip file")
def truncated_gzip_of_json(place):
    file(place, "json/2.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 9999)[:40])
    return {"dataset_source": place / "json", "dataset_format": json.dumps(JSON)}


@case("data/2.csv: its header differs from the first file's in 'b', 'c'")
def other_columns(place):
    write_csv(place / "data" / "2.csv", "a,c", [(1, 2)])
    return {}


@case("data/1.csv, line 4 has 3 fields, expected 2: 3,z,more.", "ANALYZER_SURPLUS_FIELDS=drop")
def surplus_fields(place):
    write_csv(place / "data" / "1.csv", "a,b", [(1, "x"), (2, "y"), (3, "z", "more")])
    return {}


@case("data/1.csv is UTF-16 text", "Expected UTF-8; convert the file")
def utf16(place):
    file(place, "data/1.csv", "a,b\n1,2\n".encode("utf-16"))
    return {}


@case("json/x.jsonl, line 3 is not JSON", """It begins with '{"a": 3'""", "Mend or remove the line")
def broken_json_line(place):
    file(place, "json/x.jsonl", '{"a": 1}\n{"a": 2}\n{"a": 3\n{"a": 4}\n')
    return {"dataset_source": place / "json", "dataset_format": json.dumps(JSON)}


@case("json/x.json, line 2, column 7 is not JSON", '{"json":{"lines":true}}')
def broken_json_document(place):
    file(place, "json/x.json", '[{"a": 1},\n {"a" 2}]')
    return {"dataset_source": place / "json", "dataset_format": '{"json":{"lines":false}}'}


@case("parquet/x.parquet is not a sound Parquet file", "Write the file again")
def broken_parquet(place):
    (place / "parquet").mkdir()
    pq.write_table(pa.table({"a": list(range(999))}), place / "parquet" / "x.parquet")
    path = place / "parquet" / "x.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    return {"dataset_source": place / "parquet", "dataset_format": '{"parquet":{}}'}


@case("parquet/x.parquet: column 'deep' is of type list", "exclude_features_attribute")
def nested_parquet(place):
    (place / "parquet").mkdir()
    pq.write_table(pa.table({"a": [1], "deep": [[1, 2]]}), place / "parquet" / "x.parquet")
    return {"dataset_source": place / "parquet", "dataset_format": '{"parquet":{}}'}


@case("data/1.csv, line 1 is not JSON", "It begins with 'a,b'")
def csv_for_captures(_place):
    return {"dataset_format": json.dumps(BOTH)}


@case("x.jsonl, line 2 has no captureData", "Expected captured traffic")
def json_for_captures(place):
    return {
        "dataset_source": write_lines(place / "c" / "x.jsonl", [record("1", "2"), {"a": 1}]),
        "dataset_format": json.dumps(BOTH),
    }


@case(
    "Encoding mismatch: Encoding is CSV for endpointInput, but Encoding is JSON for endpointOutput.", "x.jsonl, line 1"
)
def encodings_differ(place):
    records = [record("1", {"encoding": "JSON", "data": "[0.5]"})]
    source = write_lines(place / "c" / "x.jsonl", records)
    return {"dataset_source": source, "dataset_format": json.dumps(BOTH), "ANALYZER_STRICT_CAPTURE": "true"}


# --- the baseline -----------------------------------------------------------------------------------------------------


@case("baseline_constraints: ", "nowhere.json cannot be read: No such file", "Mount the file")
def missing_baseline(place):
    return {"baseline_constraints": place / "nowhere.json"}


@case("constraints.json", "line 1")
def baseline_that_is_no_json(place):
    return {"baseline_constraints": file(place, "b/constraints.json", "{features")}


@case("constraints.json", "features")
def baseline_without_features(place):
    return {"baseline_constraints": file(place, "b/constraints.json", '{"version": 0.0}')}


@case("b/statistics.json: ", "item_count", "baseline_statistics")
def statistics_of_another_shape(place):
    return {"baseline_statistics": file(place, "b/statistics.json", '{"features": 5}')}


# --- scripts ----------------------------------------------------------------------------------------------------------


@case("record_preprocessor_script: there is no file", "missing.py")
def missing_script(place):
    return {"record_preprocessor_script": place / "missing.py"}


@case("record_preprocessor_script mine.py does not import: line 2: ModuleNotFoundError", "not_there_at_all")
def script_that_does_not_import(place):
    return script(place, "\nimport not_there_at_all\n")


@case("record_preprocessor_script mine.py does not import: line 1: SyntaxError")
def script_that_is_no_python(place):
    return script(place, "def preprocess_handler(:\n")


@case("mine.py lacks preprocess_handler", "it defines handler")
def script_without_handler(place):
    return script(place, "def handler(record): return record\n")


@case(
    "record_preprocessor_script mine.py line 3: ZeroDivisionError: division by zero (record 2 of ",
    "data/1.csv)",
    "traceback is in the log",
)
def script_that_raises(place):
    return script(
        place, "def preprocess_handler(line):\n    if line[0] == '1':\n        return 1 / 0\n    return line\n"
    ) | {"in_log": "return 1 / 0"}


@case("record_preprocessor_script mine.py: the handler returned an int", "(record 1 of ", "Return a flat dict")
def script_that_returns_nonsense(place):
    return script(place, "def preprocess_handler(line): return 5\n")


@case("mine.py: the handler returned a list under the key 'a'", "Flatten it")
def script_that_returns_lists(place):
    return script(place, "def preprocess_handler(line): return {'a': [1, 2]}\n")


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_told_and_earlier_files_are_untouched(place, name) -> None:
    change, found = CASES[name]
    settings = change(place)
    in_log = settings.pop("in_log", "")
    given = {"dataset_source": place / "data", "dataset_format": json.dumps(CSV), **settings}
    code, message, log = run_process(
        environment(place, given.pop("dataset_source"), given.pop("dataset_format"), **given)
    )
    assert code == 255
    assert message.startswith("Error: ")
    assert len(message.encode()) <= 1024
    for part in found:
        assert part in message
    assert "not foreseen" not in log
    assert in_log in log
    assert untouched(place)


# --- the output -------------------------------------------------------------------------------------------------------


def test_an_output_folder_that_is_a_file_is_told_before_the_work(place) -> None:
    out = file(place, "taken", "mine")
    code, message, log = run_process(environment(place, place / "data", CSV, output_path=out))
    assert code == 255
    assert message.startswith(f"Error: The output folder {out} cannot be written")
    assert out.read_bytes() == b"mine"
    assert "Reading" not in log


def test_a_failing_post_processor_fails_the_job_after_the_files_are_written(place) -> None:
    post = file(place, "post.py", "def postprocess_handler():\n    raise ValueError('no')\n")
    code, message, log = run_process(environment(place, place / "data", CSV, post_analytics_processor_script=post))
    assert code == 255
    assert message.startswith("Error: post_analytics_processor_script post.py line 2: ValueError: no")
    assert "raise ValueError('no')" in log
    assert json.loads((place / "output-folder" / "statistics.json").read_text())["dataset"]["item_count"] == 2


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(0.2)",
        "try: time.sleep(0.2)\n    except Exception: return []",
        "try: time.sleep(0.2)\n    except: return []",
    ],
)
@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_job_that_is_stopped_says_so_and_leaves_nothing_behind(place, body, cores, number) -> None:
    source = (
        "import os, time\n"
        "def preprocess_handler(line):\n"
        "    open(os.environ['BEGUN'], 'w').close()\n"
        f"    {body}\n"
        "    return line\n"
    )
    # Two cores have workers only where there are two partitions.
    file(place, "data/1.csv", b"a,b\n" + b"1,2\n" * (1000 if cores == 1 else 18_000_000))
    variables = environment(
        place, place / "data", CSV, BEGUN=place / "begun", ANALYZER_CORES=cores, **script(place, source)
    )
    job = subprocess.Popen([sys.executable, "-m", "analyzer"], env=variables, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (place / "begun").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert (place / "begun").exists()
    job.send_signal(number)
    _, log = job.communicate(timeout=30)
    assert job.returncode == 143
    message = (place / "output" / "message").read_text()
    assert message.startswith(f"Error: The job was stopped by {number.name} before it had finished.")
    assert untouched(place)
    assert "not foreseen" not in log
    assert "Traceback" not in log
