from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from traffic import columns, document, missing, notes, write_csv

import analyzer.read
from analyzer.errors import ConfigError, InputError

HEADER = {"csv": {"header": True}}
PLAIN = {"csv": {"header": False}}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"a,b\n1,x\n2,y\n", {"a": [1.0, 2.0], "b": {"x": 1, "y": 1}}),
        (b"a,b\r\n1,x\r\n2,y\r\n", {"a": [1.0, 2.0], "b": {"x": 1, "y": 1}}),
        (b"\xef\xbb\xbfa,b\n1,x\n2,y", {"a": [1.0, 2.0], "b": {"x": 1, "y": 1}}),
        (b'\xef\xbb\xbf"a","b"\n1,"x\ny"\n', {"a": [1.0], "b": {"x\ny": 1}}),
        (b"\n\na,b\n\n1,x\n\r\n2,y\n\n", {"a": [1.0, 2.0], "b": {"x": 1, "y": 1}}),
        (b'a,b\n1,"x,y"\n2,"x\ny"\n3,"say ""x"""\n', {"a": [1.0, 2.0, 3.0], "b": {"x,y": 1, "x\ny": 1, 'say "x"': 1}}),
        (b'a,b\n1,5" disk\n2,""\n', {"a": [1.0, 2.0], "b": {'5" disk': 1, "": 1}}),
        (b'a,"b\nc",\n1,2,3\n', {"a": [1.0], "b\nc": [2.0], "_c2": [3.0]}),
        (b"x,X,y\n1,2,3\n", {"x0": [1.0], "X1": [2.0], "y": [3.0]}),
        (b"a,a,a0\n1,2,3\n", {"a0": [1.0], "a1": [2.0], "a0_": [3.0]}),
    ],
)
def test_content_reads_as_its_columns(run_job, data, content, found) -> None:
    (data / "part.csv").write_bytes(content)
    assert columns(run_job(data, HEADER)) == found


def test_empty_fields_are_missing_and_quoted_empty_ones_are_not(run_job, data) -> None:
    (data / "part.csv").write_text('a,b\n1,\n,"x"\n3,""\n')
    out = run_job(data, HEADER)
    assert missing(out) == {"a": 1, "b": 1}
    assert document(out, "profile")["features"][1]["empty"] == 1


def test_files_may_have_their_columns_in_another_order(run_job, data) -> None:
    write_csv(data / "1.csv", "a,b,c", [(1, "x", 0.5)])
    write_csv(data / "2.csv", "c,a,b", [(1.5, 2, "y"), ("", 3, "x")])
    out = run_job(data, HEADER)
    assert columns(out) == {"a": [1.0, 2.0, 3.0], "b": {"x": 2, "y": 1}, "c": [0.5, 1.5]}
    assert document(out, "constraints")["features"][2]["completeness"] == 2 / 3


def test_scripts_that_pass_lines_on_keep_columns_of_files_in_another_order(run_job, data, tmp_path) -> None:
    write_csv(data / "1.csv", "a,b", [(1, "x")])
    write_csv(data / "2.csv", "b,a", [("y", 2)])
    script = tmp_path / "same.py"
    script.write_text("def preprocess_handler(record): return record\n")
    assert columns(run_job(data, HEADER, record_preprocessor_script=script)) == {"a": [1.0, 2.0], "b": {"x": 1, "y": 1}}


@pytest.mark.parametrize("other", ["a,d", "a,b,c", "a"])
def test_a_file_with_other_columns_is_refused_by_name(run_job, data, other) -> None:
    write_csv(data / "1.csv", "a,b", [(1, 2)])
    write_csv(data / "2.csv", other, [range(other.count(",") + 1)])
    with pytest.raises(InputError, match=r"2\.csv: its header differs from the first file's in '[bcd]'"):
        run_job(data, HEADER)


def test_header_only_files_hold_no_rows(run_job, data) -> None:
    write_csv(data / "1.csv", "a,b", [])
    with pytest.raises(InputError, match="holds no data"):
        run_job(data, HEADER)
    write_csv(data / "2.csv", "a,b", [(1, 2)])
    assert columns(run_job(data, HEADER)) == {"a": [1.0], "b": [2.0]}


def test_nested_folders_are_read_in_the_order_of_their_paths_and_hidden_and_empty_files_are_not(run_job, data) -> None:
    for name, value in (("b/2.csv", 3), ("a/x/1.csv", 1), ("a/y.csv", 2), ("_temporary/0.csv", 9), ("a/.crc", 9)):
        write_csv(data / name, "a,b", [(value, 1)])
    (data / "_SUCCESS").write_text("")
    (data / "a" / "zero.csv").write_text("")
    out = run_job(data, HEADER)
    assert columns(out)["a"] == [1.0, 2.0, 3.0]
    assert document(out, "profile")["dataset"]["files"] == 3


def test_one_file_may_be_the_source(run_job, data) -> None:
    write_csv(data / "only.csv", "a", [(4,)])
    assert columns(run_job(data / "only.csv", HEADER)) == {"a": [4.0]}


def test_gzip_reads_like_the_plain_file(run_job, data) -> None:
    content = b"a,b\n" + b'%d,"x\ny"\n' * 500 % tuple(range(500))
    (data / "1.csv.gz").write_bytes(gzip.compress(content))
    zipped = run_job(data, HEADER)
    assert len(columns(zipped)["a"]) == 500
    assert columns(zipped)["b"] == {"x\ny": 500}


def test_columns_without_a_header_are_named_by_position(run_job, data) -> None:
    (data / "1.csv").write_text("1,x\n2,y\n")
    assert columns(run_job(data, PLAIN)) == {"_c0": [1.0, 2.0], "_c1": {"x": 1, "y": 1}}


def test_columns_without_a_header_take_the_names_of_the_baseline(run_job, data, tmp_path) -> None:
    baseline = run_job(write_csv(tmp_path / "train" / "1.csv", "age,city", [(1, "x")]), HEADER, into="baseline")
    (data / "1.csv").write_text("1,x\n2,y\n")
    out = run_job(data, PLAIN, baseline_constraints=baseline / "constraints.json")
    assert list(columns(out)) == ["age", "city"]


def test_a_header_of_other_names_takes_those_of_the_baseline_by_position_and_says_so(
    run_job, data, tmp_path, caplog
) -> None:
    baseline = run_job(write_csv(tmp_path / "train" / "1.csv", "age,city", [(1, "x")]), HEADER, into="baseline")
    write_csv(data / "1.csv", "Age,city", [(1, "x")])
    out = run_job(data, HEADER, baseline_constraints=baseline / "constraints.json")
    assert list(columns(out)) == ["age", "city"]
    assert "'Age' is 'age'" in caplog.text


def test_short_rows_are_filled_up_counted_and_reported_wherever_they_stand(run_job, data, caplog) -> None:
    (data / "1.csv").write_text("a,b,c\n1,2,3\n4\n\n5,6\n7,8,9\n")
    out = run_job(data, HEADER)
    assert columns(out) == {"a": [1.0, 4.0, 5.0, 7.0], "b": [2.0, 6.0, 8.0], "c": [3.0, 9.0]}
    assert missing(out) == {"a": 0, "b": 1, "c": 2}
    assert notes(out) == ["2 rows had fewer fields than columns; what they lack counts as missing."]
    assert "2 rows had fewer fields" in caplog.text


def test_surplus_fields_end_the_job_and_the_line_is_named(run_job, data) -> None:
    (data / "1.csv").write_text('a,b\n\n1,"x\ny"\n2,z\n3,4,5\n6,7,8\n')
    with pytest.raises(InputError) as caught:
        run_job(data, HEADER)
    assert caught.value.message == f"{data}/1.csv, line 6 has 3 fields, expected 2: 3,4,5."
    assert "ANALYZER_SURPLUS_FIELDS=drop" in caught.value.hint


def test_surplus_fields_can_be_dropped_and_are_counted(run_job, data) -> None:
    (data / "1.csv").write_text("a,b\n1,2\n3,4,5\n6\n7,8,9,10\n11,12\n")
    out = run_job(data, HEADER, ANALYZER_SURPLUS_FIELDS="drop")
    assert columns(out) == {"a": [1.0, 3.0, 6.0, 7.0, 11.0], "b": [2.0, 4.0, 8.0, 12.0]}
    assert "2 rows had more fields than columns; what was too much was dropped." in notes(out)


def test_bytes_that_are_no_utf8_are_replaced_counted_and_reported(run_job, data) -> None:
    (data / "1.csv").write_bytes("a,b\n1,caf\xe9\n2,tea\n".encode("latin-1"))
    out = run_job(data, HEADER)
    assert columns(out)["b"] == {"caf\ufffd": 1, "tea": 1}
    assert notes(out) == ["1 blocks of text held bytes that are not UTF-8; they were replaced by U+FFFD."]
    (data / "1.csv").write_bytes("a,b\n1,caf\xe9,\xe9\n2\n".encode("latin-1"))
    out = run_job(data, HEADER, ANALYZER_SURPLUS_FIELDS="drop")
    assert columns(out) == {"a": [1.0, 2.0], "b": {"caf\ufffd": 1, "NullValue": 1}}
    assert len(notes(out)) == 3


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16 text"),
        (gzip.compress(b"a,b\n1,2\n"), "compressed with gzip"),
        (b"PAR1....PAR1", "a Parquet file"),
        (b"a,b\r1,2\r3,4\r", "lines end in CR alone"),
    ],
)
def test_files_that_are_no_utf8_text_are_named(run_job, data, content, found) -> None:
    (data / "1.csv").write_bytes(content)
    with pytest.raises(InputError, match=found) as caught:
        run_job(data, HEADER)
    assert "1.csv" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_a_file_that_is_cut_anywhere_reads_as_a_whole(run_job, data, monkeypatch, size) -> None:
    rows = [f'{i},"line {i}\nof ""{i}"", too",{"" if i % 3 else i / 4}' for i in range(40)]
    (data / "1.csv").write_text("\n".join(["a,b,c", *rows]))
    whole = run_job(data, HEADER, into="whole")
    monkeypatch.setattr(analyzer.read, "PARTITION_BYTES", size)
    pieces = run_job(data, HEADER, into="pieces")
    assert len(columns(whole)["a"]) == 40
    assert columns(pieces) == columns(whole)
    assert missing(pieces) == missing(whole) == {"a": 0, "b": 0, "c": 26}


def test_the_line_of_a_later_piece_is_named_by_its_number_in_the_file(run_job, data, monkeypatch) -> None:
    (data / "1.csv").write_text("a,b\n" + "1,2\n" * 100 + "1,2,3\n" + "1,2\n" * 100)
    monkeypatch.setattr(analyzer.read, "PARTITION_BYTES", 150)
    with pytest.raises(InputError, match=r"1\.csv, line 102 has 3 fields, expected 2: 1,2,3\."):
        run_job(data, HEADER)


@pytest.mark.parametrize(("given", "left"), [("b", ["a", "c"]), ("0", ["b", "c"]), ("2,a", ["b"])])
def test_columns_are_left_out_by_name_and_index_in_baseline_and_monitoring(run_job, data, given, left) -> None:
    write_csv(data / "1.csv", "a,b,c", [(1, 2, 3)])
    baseline = run_job(data, HEADER, into="baseline", exclude_features_attribute=given)
    assert list(columns(baseline)) == left
    full = run_job(data, HEADER, into="full")
    for constraints in (baseline, full):
        out = run_job(
            data,
            HEADER,
            exclude_features_attribute=given,
            baseline_constraints=constraints / "constraints.json",
            baseline_statistics=constraints / "statistics.json",
        )
        assert list(columns(out)) == left
        assert document(out, "constraint_violations") == {"violations": []}


@pytest.mark.parametrize("with_all", [True, False])
def test_columns_without_a_header_are_left_out_by_index(run_job, data, tmp_path, with_all) -> None:
    train = write_csv(tmp_path / "train" / "1.csv", "id,x,y", [(7, 1, "u"), (8, 2, "v")])
    left_out = {} if with_all else {"exclude_features_attribute": "id"}
    baseline = run_job(train, HEADER, into="baseline", **left_out)
    (data / "1.csv").write_text("9,1,u\n9,2,v\n")
    out = run_job(data, PLAIN, exclude_features_attribute="0", baseline_constraints=baseline / "constraints.json")
    assert columns(out) == {"x": [1.0, 2.0], "y": {"u": 1, "v": 1}}
    assert document(out, "constraint_violations") == {"violations": []}


def test_a_column_to_leave_out_that_is_not_there_is_named(run_job, data) -> None:
    write_csv(data / "1.csv", "a,b", [(1, 2)])
    with pytest.raises(ConfigError, match=r"names column 'q', which is not in the data.*index of: a, b"):
        run_job(data, HEADER, exclude_features_attribute="q")
