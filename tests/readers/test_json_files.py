from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from traffic import columns, missing, notes, write_lines

import analyzer.read
from analyzer.errors import InputError

LINES = {"json": {"lines": True}}
DOCUMENT = {"json": {"lines": False}}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_lines_become_columns_in_the_order_of_their_names(run_job, data) -> None:
    write_lines(data / "1.jsonl", [{"b": 1, "a": "x"}, {"a": "y", "c": 0.5}])
    out = run_job(data, LINES)
    assert list(columns(out).items()) == [("a", {"x": 1, "y": 1}), ("b", [1.0]), ("c", [0.5])]
    assert missing(out) == {"a": 0, "b": 1, "c": 1}


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_lines_and_documents_hold_the_same(run_job, data, compress) -> None:
    rows = [{"a": i, "b": f"t{i % 3}"} for i in range(20)]
    name = "1.json.gz" if compress is gzip.compress else "1.json"
    (data / name).write_bytes(compress("\n".join(map(json.dumps, rows)).encode()))
    lines = run_job(data, LINES, into="lines")
    (data / name).write_bytes(compress(b"\xef\xbb\xbf" + json.dumps(rows, indent=1).encode()))
    assert columns(run_job(data, DOCUMENT)) == columns(lines)
    assert columns(lines)["a"] == [float(i) for i in range(20)]


def test_a_document_may_be_one_object(run_job, data) -> None:
    (data / "1.json").write_text('{"a": 1}')
    assert columns(run_job(data, DOCUMENT)) == {"a": [1.0]}


def test_types_are_told_from_how_values_read(run_job, data) -> None:
    rows = [
        {"i": 1, "f": 1.0, "t": "1", "b": True, "n": None, "m": 1},
        {"i": -2, "f": 1e-7, "t": "2", "b": False, "m": "x"},
    ]
    write_lines(data / "1.jsonl", rows)
    out = run_job(data, LINES)
    assert columns(out) == {
        "b": {"true": 1, "false": 1},
        "f": [1.0, 1e-7],
        "i": [1.0, -2.0],
        "m": {"1": 1, "x": 1},
        "n": "Unknown",
        "t": [1.0, 2.0],
    }
    types = {
        each["name"]: each["inferred_type"] for each in json.loads((out / "constraints.json").read_text())["features"]
    }
    assert types == {"b": "String", "f": "Fractional", "i": "Integral", "m": "String", "n": "Unknown", "t": "Integral"}


def test_nested_values_are_named_by_their_path(run_job, data) -> None:
    write_lines(data / "1.jsonl", [{"a": {"b": 1, "c": [2, {"d": 3}]}, "e": 4}])
    assert columns(run_job(data, LINES)) == {"a.b": [1.0], "a.c.0": [2.0], "a.c.1.d": [3.0], "e": [4.0]}


def test_nested_values_are_refused_when_strict(run_job, data) -> None:
    write_lines(data / "1.jsonl", [{"a": 1}, {"a": {"b": 1}}])
    with pytest.raises(InputError, match=r"1\.jsonl, line 2: the value of 'a' is not flat\."):
        run_job(data, LINES, ANALYZER_STRICT_CAPTURE="true")


def test_what_python_writes_and_json_does_not_know_is_read(run_job, data) -> None:
    (data / "1.jsonl").write_bytes(b'{"a": NaN, "b": "\\ud800"}\n\n{"a": -Infinity, "b": "caf\xe9"}\n')
    out = run_job(data, LINES)
    assert columns(out) == {"a": {"NaN": 1, "-Infinity": 1}, "b": {"\ufffd": 1, "caf\ufffd": 1}}
    assert "1 blocks of text held bytes that are not UTF-8" in notes(out)[0]


def test_a_line_that_is_no_json_is_named_in_later_pieces_too(run_job, data, monkeypatch) -> None:
    (data / "1.jsonl").write_text('{"a": 1}\n' * 100 + '\n{"a": 1\n' + '{"a": 1}\n' * 100)
    for size in (10**6, 303, 300, 100):
        monkeypatch.setattr(analyzer.read, "PARTITION_BYTES", size)
        with pytest.raises(
            InputError, match=r"1\.jsonl, line 102 is not JSON: .* It begins with '{\"a\": 1'\."
        ) as caught:
            run_job(data, LINES)
        assert '{"json":{"lines":false}}' in caught.value.hint


@pytest.mark.parametrize("size", [1, 20, 64])
def test_lines_that_are_cut_anywhere_are_read_once(run_job, data, monkeypatch, size) -> None:
    write_lines(data / "1.jsonl", [{"a": i, "b": "x" * (i % 7)} for i in range(30)])
    monkeypatch.setattr(analyzer.read, "PARTITION_BYTES", size)
    assert columns(run_job(data, LINES))["a"] == [float(i) for i in range(30)]


@pytest.mark.parametrize(
    ("content", "form", "found"),
    [
        ("[1, 2]\n", LINES, "line 1 is list, not an object"),
        ("[1, 2]", DOCUMENT, "record 1 of .* is int, not an object"),
        ('[{"a": 1},\n{"a" 2}]', DOCUMENT, "line 2, column 6 is not JSON"),
        ('{"a": 1}\n{"a": 2}\n', DOCUMENT, "line 2, column 1 is not JSON"),
        ("", DOCUMENT, "holds no data"),
        ("\n\n", LINES, "holds no data"),
        ("[]", DOCUMENT, "holds no data"),
    ],
)
def test_what_is_wrong_is_named(run_job, data, content, form, found) -> None:
    (data / "1.json").write_text(content)
    with pytest.raises(InputError, match=found) as caught:
        run_job(data, form)
    assert caught.value.hint


def test_utf16_is_refused(run_job, data) -> None:
    for form in (LINES, DOCUMENT):
        (data / "1.json").write_bytes('{"a": 1}'.encode("utf-16"))
        with pytest.raises(InputError, match="UTF-16"):
            run_job(data, form)
