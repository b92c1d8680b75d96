"""The format of files, found by their names and first bytes, and what is no format that can be read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.dataset_formats import CaptureFormat, CsvFormat, JsonFormat, ParquetFormat
from analyzer.errors import AnalyzerError, ConfigError, InputError
from analyzer.find_format import SAMPLE, WORDS, Found, find_format, named_format
from analyzer.read import list_files


def found(folder: Path, names: tuple[str, ...] = (), **files: str | bytes) -> Found:
    for name, content in files.items():
        path = folder / name.replace("_", ".", 1)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return find_format(list_files(folder), names)


def record(*halves: str, label: bool = False) -> str:
    event = {"data": "1,2", "encoding": "CSV"}
    document = {"captureData": dict.fromkeys(halves, event), "eventMetadata": {"eventId": "a"}}
    return json.dumps(document | ({"groundTruthData": event} if label else {})) + "\n"


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("age,plan\n31,basic\n45,gold\n", True),
        ("31,basic\n45,gold\n", False),
        (",age\n0,31\n1,45\n", True),
        ("age\n31\n", True),
        ("1\n2\n", False),
        ("name,city\nAda,Paris\n", True),
        ("Ada,Paris\nBob,Paris\n", False),
        ("true,x\nfalse,y\n", False),
        ('"a ""b""",c\n1,2\n', True),
        ('"line one\nline two",c\n1,2\n', True),
        ("\ufeffage,plan\r\n31,basic\r\n", True),
        ("\n\nage,plan\n31,basic\n", True),
        ("-1.5e3,x\n2,y\n", False),
    ],
)
def test_csv_with_and_without_a_header(tmp_path, text, header):
    assert found(tmp_path, a_csv=text).dataset_format == CsvFormat(header)


def test_the_baseline_knows_its_header(tmp_path):
    text = "2019,2020\n5,6\n"
    assert found(tmp_path, a_csv=text).dataset_format == CsvFormat(header=False)
    assert found(tmp_path, ("2019", "2020"), a_csv=text).dataset_format == CsvFormat(header=True)


def test_a_header_that_is_a_guess_is_in_doubt(tmp_path):
    assert found(tmp_path, a_csv="name,city\nAda,Paris\n").doubt == "its columns are all text"
    assert found(tmp_path, a_csv="age,city\n1,Paris\n").doubt == ""


def test_gzip_is_looked_into(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"age\n1\n"))
    assert find_format(list_files(tmp_path)).dataset_format == CsvFormat(header=True)


def test_a_file_without_an_ending_is_told_by_its_bytes(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "data")
    assert find_format(list_files(tmp_path)).dataset_format == ParquetFormat()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":1}\n{"a":2}\n', JsonFormat(lines=True)),
        ('{"a":1}', JsonFormat(lines=True)),
        ('\n{"a":1}\n', JsonFormat(lines=True)),
        ('[{"a":1},{"a":2}]', JsonFormat(lines=False)),
        ('{\n  "a": 1\n}\n', JsonFormat(lines=False)),
        (json.dumps({"a": "x" * SAMPLE}) + "\n", JsonFormat(lines=True)),
        (json.dumps([{"a": "x" * SAMPLE}]), JsonFormat(lines=False)),
        (record("endpointInput", "endpointOutput"), CaptureFormat(("endpointInput", "endpointOutput"))),
        (record("endpointOutput"), CaptureFormat(("endpointOutput",))),
        (record("endpointInput") + record("endpointOutput"), CaptureFormat(("endpointInput", "endpointOutput"))),
        (record("batchTransformOutput"), CaptureFormat(("batchTransformOutput",))),
        (record("endpointOutput", label=True), CaptureFormat(("endpointOutput",), merged=True)),
    ],
)
def test_json_in_all_its_forms(tmp_path, text, expected):
    assert found(tmp_path, a_jsonl=text).dataset_format == expected


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "There are no files to read."),
        ({"a_csv": "a;b\n1;2\n"}, "separated by semicolons: 'a;b'"),
        ({"a_csv": "a\tb\n1\t2\n"}, "separated by tabs"),
        ({"a_csv": "a\n1\n", "b_json": "{}\n"}, "b.json (JSON)"),
        ({"a_parquet": "a,b\n"}, "a.parquet is no Parquet file"),
        ({"a_csv": b"\xff\xfea\x00"}, "is UTF-16 text"),
        ({"a_csv": b"a\x00b"}, "is no text"),
        ({"a_csv": "\n\n"}, "holds nothing but blank lines"),
    ],
)
def test_what_is_no_format_is_said(tmp_path, files, said):
    with pytest.raises(InputError) as caught:
        found(tmp_path, **files)
    assert said in caught.value.message
    assert caught.value.hint


def test_a_broken_gzip_is_said(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match=r"a\.csv\.gz is not a sound gzip file"):
        find_format(list_files(tmp_path))


@given(st.binary(min_size=1, max_size=400))
def test_no_bytes_are_too_strange(tmp_path_factory, data):
    """Whatever stands in a file, there is a format or an error that names the file."""
    path = tmp_path_factory.mktemp("any") / "data"
    path.write_bytes(data)
    try:
        said = find_format(list_files(path)).name
    except AnalyzerError as error:
        said = error.message if str(path) in error.message else ""
    assert said


def test_words_stand_for_formats():
    assert named_format("csv-no-header") == CsvFormat(header=False)
    assert named_format(" CSV ") == CsvFormat(header=True)
    assert named_format('{"parquet":{}}') == ParquetFormat()
    assert all(named_format(word) for word in WORDS)
    with pytest.raises(ConfigError, match="xml"):
        named_format('{"xml":{}}')
