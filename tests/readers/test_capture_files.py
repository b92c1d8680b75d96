from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traffic import BOTH, INPUT, OUTPUT, columns, document, half, missing, notes, record, write_csv, write_lines

import analyzer.read
from analyzer.dataset_formats import CaptureFormat
from analyzer.errors import InputError
from analyzer.readers.capture_files import read_captures
from analyzer.readers.pieces import Piece
from analyzer.readers.plain_captures import PlainCaptures
from analyzer.readers.reading import PieceReport, Reading

END = {"sagemakerCaptureJson": {"output_columns_position": "END"}}


@pytest.fixture
def capture(run_job, tmp_path):
    """Run a job over records; gives the folder with its files."""

    def run(*records, form=BOTH, into="output", **settings):
        return run_job(write_lines(tmp_path / "data" / "x.jsonl", records), form, into=into, **settings)

    return run


@pytest.fixture
def baseline(run_job, tmp_path):
    """Run a baseline over rows with a header; gives the variable that hands it to a monitoring job."""

    def run(header: str, *rows):
        out = run_job(write_csv(tmp_path / "train" / "1.csv", header, rows), {"csv": {}}, into="baseline")
        return {"baseline_constraints": out / "constraints.json", "baseline_statistics": out / "statistics.json"}

    return run


# --- which payloads, in which order -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ({"sagemakerCaptureJson": {}}, [[0.5], [1.0], [2.0]]),
        (BOTH, [[0.5], [1.0], [2.0]]),
        ({"sageMakerCaptureJson": {"captureIndexNames": ["endpointOutput", "endpointInput"]}}, [[0.5], [1.0], [2.0]]),
        (INPUT, [[1.0], [2.0]]),
        (OUTPUT, [[0.5]]),
        (END, [[1.0], [2.0], [0.5]]),
        ({"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}}, [[0.5]]),
        ({"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"], "originalDatasetFormat": None}}, [[0.5]]),
    ],
)
def test_payloads_stand_side_by_side_outputs_first(capture, form, found) -> None:
    out = capture({**record("1,2", "0.5\n"), "groundTruthData": {"data": "1", "encoding": "CSV"}}, form=form)
    assert columns(out) == {f"_c{i}": value for i, value in enumerate(found)}


def test_batch_transform_output_is_read(capture) -> None:
    form = {"sagemakerMergeJson": {"captureIndexNames": ["batchTransformOutput"], "originalDatasetFormat": {"csv": {}}}}
    merged = {
        "captureData": {"batchTransformOutput": {"data": "0.9,1", "encoding": "CSV"}},
        "eventMetadata": {"eventId": "1"},
    }
    assert columns(capture(merged, form=form)) == {"_c0": [0.9], "_c1": [1.0]}


def test_names_come_from_the_baseline_by_position(capture, baseline) -> None:
    given = baseline("label,age,Int'l Plan", (0, 1, 2))
    out = capture(record("1,2", "0\n"), **given)
    assert columns(out) == {"label": [0.0], "age": [1.0], "Int'l Plan": [2.0]}
    assert list(columns(capture(record("1,2,3", "0"), **given))) == ["_c0", "_c1", "_c2", "_c3"]


def test_names_come_from_a_baseline_that_lacks_what_is_left_out(capture, baseline) -> None:
    out = capture(record("77,1,2", "0\n"), exclude_features_attribute="1", **baseline("label,x,y", (0, 1, 2)))
    assert columns(out) == {"label": [0.0], "x": [1.0], "y": [2.0]}
    assert document(out, "constraint_violations") == {"violations": []}


# --- payloads that are missing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [BOTH, END])
def test_values_stay_in_their_columns_when_some_records_lack_a_payload(capture, form) -> None:
    out = capture(record("1,2", "0.5"), record(None, "0.6"), record("3,4"), record("5,6", half(None)), form=form)
    names = ["_c0", "_c1", "_c2"] if form is BOTH else ["_c2", "_c0", "_c1"]
    found = columns(out)
    assert [found[name] for name in names] == [[0.5, 0.6], [1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]
    assert [missing(out)[name] for name in names] == [2, 1, 1]


def test_the_first_record_need_not_be_whole(capture) -> None:
    out = capture(record("1,2"), record("3,4", "0.5"))
    assert columns(out) == {"_c0": [0.5], "_c1": [1.0, 3.0], "_c2": [2.0, 4.0]}


@pytest.mark.parametrize(
    ("part", "values"), [("request", [[1.0, 3.0], [2.0, 4.0]]), ("response", [[1.0, 3.0], [2.0, 4.0]])]
)
def test_a_payload_that_no_record_has_makes_no_columns(capture, part, values) -> None:
    out = capture(record(**{part: "1,2"}), record(**{part: "3,4\n"}))
    assert columns(out) == {"_c0": values[0], "_c1": values[1]}


def test_a_record_without_any_of_the_payloads_is_a_row_of_missing_values(capture) -> None:
    out = capture(record("1,2"), record(None, "0.5"), form=INPUT)
    assert missing(out) == {"_c0": 1, "_c1": 1}


def test_payloads_that_no_record_has_end_the_job(capture) -> None:
    with pytest.raises(InputError, match=r"line 1 holds endpointOutput, but none of endpointInput\."):
        capture(record(None, "0.5"), form=INPUT)


def test_a_short_output_does_not_shift_the_inputs(capture) -> None:
    out = capture(record("1,2", "0.5,yes"), record("3,4", "0.6"), record("5,6", ""), record("7,8", '"0.7",no'))
    assert columns(out) == {
        "_c0": [0.5, 0.6, 0.7],
        "_c1": {"yes": 1, "no": 1, "NullValue": 2},
        "_c2": [1.0, 3.0, 5.0, 7.0],
        "_c3": [2.0, 4.0, 6.0, 8.0],
    }
    assert notes(out) == ["1 rows had fewer fields than columns; what they lack counts as missing."]


def test_a_long_output_is_refused_or_cut(capture) -> None:
    records = [record("1,2", "0.5"), record("3", "0.6,0.7")]
    with pytest.raises(InputError, match=r"line 2, endpointOutput has 2 fields, expected 1: 0\.6,0\.7\."):
        capture(*records)
    out = capture(*records, ANALYZER_SURPLUS_FIELDS="drop")
    assert columns(out) == {"_c0": [0.5, 0.6], "_c1": [1.0, 3.0], "_c2": [2.0]}


# --- encodings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "response", "found"),
    [
        (
            half("1,x", "BASE64", "text/csv; charset=utf-8"),
            half("0.5", "BASE64", "text/csv"),
            {"_c0": [0.5], "_c1": [1.0], "_c2": {"x": 1}},
        ),
        (
            half('{"b": 1, "a": "x"}', "JSON"),
            half('{"score": 0.5}', "JSON"),
            {"a": {"x": 1}, "b": [1.0], "score": [0.5]},
        ),
        (half({"b": 1, "a": "x"}, "JSON"), None, {"a": {"x": 1}, "b": [1.0]}),
        (
            half("[1, [2], null]", "JSON"),
            half("[0.5]", "JSON"),
            {"_c0": [0.5], "_c1": [1.0], "_c2": {"[2]": 1}, "_c3": "Unknown"},
        ),
        (half('{"a": 1}', "BASE64", "application/json"), half("0.5", "JSON"), {"_c0": [0.5], "a": [1.0]}),
        (half("1,2"), half('{"score": 0.5}', "JSON"), {"_c0": [1.0], "_c1": [2.0], "score": [0.5]}),
        (half('{"a": 1}', "JSON"), half("0.5\n"), {"_c0": [0.5], "a": [1.0]}),
        (half('{"a": NaN}', "JSON"), half('{"a": 2}', "JSON"), {"a": [2.0], "endpointInput.a": {"NaN": 1}}),
        (half('{"a": {"b": [1, 2]}}', "JSON"), None, {"a.b.0": [1.0], "a.b.1": [2.0]}),
        (half('1,"x, y"\n'), half('"a ""b"""'), {"_c0": {'a "b"': 1}, "_c1": [1.0], "_c2": {"x, y": 1}}),
    ],
)
def test_each_payload_is_read_by_its_own_encoding(capture, request_, response, found) -> None:
    assert columns(capture(record(request_, response))) == found


def test_csv_beside_json_takes_the_names_that_are_left_in_the_baseline(capture, baseline) -> None:
    given = baseline("prediction,age,city", (0, 1, "x"))
    records = [
        record(half('{"city": "x", "age": 3}', "JSON"), "0.5"),
        record(None, "0.6"),
        record(half('{"age": 4}', "JSON")),
    ]
    out = capture(*records, **given)
    assert columns(out) == {"prediction": [0.5, 0.6], "age": [3.0, 4.0], "city": {"x": 1, "NullValue": 2}}


def test_different_encodings_are_refused_when_strict_in_the_words_of_the_original(capture) -> None:
    with pytest.raises(InputError) as caught:
        capture(record("1", half("[0.5]", "JSON")), ANALYZER_STRICT_CAPTURE="true")
    assert caught.value.message.startswith(
        "Encoding mismatch: Encoding is CSV for endpointInput, but Encoding is JSON for endpointOutput. "
        "We currently only "
        "support the same type of input and output encoding at the moment."
    )
    assert "x.jsonl, line 1" in caught.value.message


@pytest.mark.parametrize(
    ("part", "found"),
    [
        (
            half("aGk=", "BASE64", "image/png") | {"data": "aGk="},
            "line 1, endpointInput is BASE64 of content type image/png",
        ),
        (half("x", "BASE64", "text/csv") | {"data": "?"}, "endpointInput is not BASE64 of UTF-8 text"),
        (half(b"\xff\xfe", "BASE64", "text/csv"), "endpointInput is not BASE64 of UTF-8 text"),
        (half("{broken", "JSON"), "endpointInput: encoding is JSON, but the data is not"),
        (half("x", "XML"), "encoding XML with data of type str"),
        (half(5), "encoding CSV with data of type int"),
        (5, "endpointInput is int, not an object"),
    ],
)
def test_payloads_that_cannot_be_read_are_named(capture, part, found) -> None:
    with pytest.raises(InputError, match=found) as caught:
        capture(record(part), form=INPUT)
    assert "x.jsonl, line 1" in caught.value.message
    assert caught.value.hint


# --- several rows in one record ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "response", "found"),
    [
        ("1,2\n3,4\n", "0.5\n0.6\n", {"_c0": [0.5, 0.6], "_c1": [1.0, 3.0], "_c2": [2.0, 4.0]}),
        ("1,2\r\n3,4\r\n", "0.5\r\n0.6", {"_c0": [0.5, 0.6], "_c1": [1.0, 3.0], "_c2": [2.0, 4.0]}),
        (half('{"a": 1}\n{"a": 2}\n', "JSON"), None, {"a": [1.0, 2.0]}),
        (
            half('[{"a": 1}, {"a": 2}]', "JSON"),
            half('{"predictions": [{"p": 0.5}, {"p": 0.6}]}', "JSON"),
            {"a": [1.0, 2.0], "p": [0.5, 0.6]},
        ),
        (half("[[1, 2], [3, 4]]", "JSON"), "0.5\n0.6", {"_c0": [0.5, 0.6], "_c1": [1.0, 3.0], "_c2": [2.0, 4.0]}),
    ],
)
def test_a_record_of_several_rows_gives_several(capture, request_, response, found) -> None:
    assert columns(capture(record(request_, response))) == found


def test_payloads_of_different_length_cannot_be_put_side_by_side(capture) -> None:
    with pytest.raises(InputError, match="1 rows in endpointOutput and 2 rows in endpointInput"):
        capture(record("1\n2", "0.5"))


def test_a_record_of_several_rows_is_one_broken_row_when_strict(capture) -> None:
    out = capture(
        record("1,2", "0.5"),
        record("1,2\n3,4", "0.5\n0.6"),
        ANALYZER_STRICT_CAPTURE="true",
        ANALYZER_SURPLUS_FIELDS="drop",
    )
    assert document(out, "statistics")["dataset"]["item_count"] == 2


# --- the window -------------------------------------------------------------------------------------------------------

TIMES = [
    "2025-02-16T10:59:59Z",
    "2025-02-16T11:00:00Z",
    "2025-02-16T12:59:59+01:00",
    "2025-02-16T12:00:00Z",
    None,
    "yesterday",
]


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize(
    ("window", "found"),
    [
        ({"start_time": "2025-02-16T11:00:00Z", "end_time": "2025-02-16T12:00:00Z"}, [1, 2, 4, 5]),
        ({"start_time": "2025-02-16T11:00:00Z"}, [1, 2, 3, 4, 5]),
        ({"end_time": "2025-02-16T12:00:00Z"}, [0, 1, 2, 4, 5]),
        ({}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_records_outside_the_window_are_left_out_and_counted(capture, window, found, odd) -> None:
    records = [record(str(i), "0.5", time) for i, time in enumerate(TIMES)]
    out = capture(
        *(records if odd else [each for each in records if each["eventMetadata"].get("inferenceTime")]), **window
    )
    found = [i for i in found if odd or i != 4]
    assert columns(out)["_c1"] == found
    if window:
        assert f"{len(records) - (not odd) - len(found)} records lay outside start_time and end_time." in notes(out)
        assert f"{1 + odd} records carry no inferenceTime that can be read; they were kept." in notes(out)


def test_an_empty_window_is_no_data(capture) -> None:
    with pytest.raises(InputError, match="holds no data"):
        capture(record("1", "2"), start_time="2030-01-01T00:00:00Z", end_time="2030-01-02T00:00:00Z")


# --- files ------------------------------------------------------------------------------------------------------------


def test_hours_and_gzip_are_read_together(run_job, tmp_path) -> None:
    root = tmp_path / "data" / "endpoint" / "AllTraffic" / "2025" / "02" / "16"
    write_lines(root / "12" / "b.jsonl", [record("2", "0.2")])
    write_lines(root / "11" / "a.jsonl", [record("1", "0.1")])
    (root / "12" / "c.jsonl.gz").write_bytes(gzip.compress(json.dumps(record("3", "0.3")).encode()))
    assert columns(run_job(tmp_path / "data", BOTH))["_c1"] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("size", [1, 100, 1000])
def test_files_that_are_cut_anywhere_are_read_once(capture, monkeypatch, size) -> None:
    monkeypatch.setattr(analyzer.read, "PARTITION_BYTES", size)
    assert columns(capture(*(record(str(i), "0.5") for i in range(20))))["_c1"] == [float(i) for i in range(20)]


@pytest.mark.parametrize("size", [10**9, 2000])
def test_a_broken_line_is_named_by_file_and_line_in_later_pieces_too(run_job, tmp_path, monkeypatch, size) -> None:
    monkeypatch.setattr(analyzer.read, "PARTITION_BYTES", size)
    good = json.dumps(record("1,2", "0.5"))
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "x.jsonl"
    for bad, found in (
        ('{"captureData"', "is not JSON"),
        ("[1]", "is no captured record"),
        ("{}", "has no captureData"),
        (good.replace("1,2", "1,2,3"), "has 4 fields, expected 3"),
    ):
        path.write_text("\n".join([good] * 30 + [bad] + [good] * 30))
        with pytest.raises(InputError, match=rf"x\.jsonl, line 31 {found}"):
            run_job(tmp_path / "data", BOTH)


# --- the fast way and the slow way ------------------------------------------------------------------------------------

PAYLOADS = st.text(st.sampled_from('12,"\n\ré.x'), max_size=6)
RECORDS = st.lists(
    st.tuples(PAYLOADS | st.none(), PAYLOADS | st.none(), st.sampled_from([TIMES[0], TIMES[1], "x"])),
    min_size=1,
    max_size=6,
)


@given(RECORDS, st.sampled_from([{}, {"start": "2025-02-16T11:00:00Z"}]))
def test_blocks_read_at_once_are_what_record_by_record_gives(tmp_path_factory, records, window) -> None:
    from analyzer.config import _parse_time

    path = tmp_path_factory.getbasetemp() / "blocks.jsonl"
    write_lines(path, [record(request, response, time) for request, response, time in records])
    reading = Reading(
        CaptureFormat(),
        columns=("_c0", "_c1", "_c2"),
        widths={"endpointOutput": 1, "endpointInput": 2},
        surplus="drop",
        **{name: _parse_time(name, value) for name, value in window.items()},
    )

    def read() -> tuple:
        report = PieceReport(Piece(str(path), 0, path.stat().st_size, path.stat().st_size))
        try:
            batches = list(read_captures(report.piece, reading, report))
        except InputError as error:
            return str(error), None, None
        rows = [row for batch in batches for row in batch.rows.to_pylist()]
        counted = {name: count for name, count in report.left_out.items() if count}
        return rows, counted, [run for batch in batches for run in batch.runs if batch.rows.num_rows][:1]

    fast = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlainCaptures, "read", lambda self, block: None)
        assert read() == fast
