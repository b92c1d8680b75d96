"""Captures and labels come together: which records, in which files, and what is said about the rest."""

from __future__ import annotations

import gzip
import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from labelled import HOUR, capture, files, label, merged, report, variables, write_sides
from traffic import ROOT, half, run_process, write_lines

from analyzer import plan_merge, read
from analyzer.config import read_config
from analyzer.errors import InputError, OutputError
from analyzer.merge import merge

LATER = "2025/02/17/03/labels.jsonl"
HERE = f"churn/AllTraffic/{HOUR}/19-01-000-a.jsonl"


def run(root: Path, **more) -> Path:
    found = variables(root, **more)
    merge(read_config(found, merges=True))
    return Path(found["output_path"])


def ids(out: Path) -> list[tuple[str, str]]:
    """Which capture got which label."""
    return [(each["eventMetadata"]["eventId"], each["groundTruthData"]["data"]) for each in merged(out)]


# --- records ----------------------------------------------------------------------------------------------------------


def test_a_record_has_the_keys_of_the_original_in_its_order_and_the_payloads_as_they_were(tmp_path):
    text = '{"x": [1.0, 1e-7,  "é\\n"]}'
    given = capture("e-1", "mine")
    given["captureData"]["endpointInput"] = half(text, "JSON")
    write_sides(tmp_path, {HERE: [given]}, {LATER: [label("mine", '{"label": 1}', "JSON")]})
    out = run(tmp_path)
    (path,) = out.rglob("*.jsonl")
    assert re.fullmatch(r"part-00000-[0-9a-f-]{36}\.c000\.jsonl", path.name)
    assert path.parent == out / "churn" / "AllTraffic" / HOUR
    assert json.loads(path.read_text(), object_pairs_hook=lambda pairs: pairs) == [
        ("eventVersion", "0"),
        ("groundTruthData", [("data", '{"label": 1}'), ("encoding", "JSON")]),
        (
            "captureData",
            [
                (
                    "endpointInput",
                    [
                        ("data", text),
                        ("encoding", "JSON"),
                        ("mode", "INPUT"),
                        ("observedContentType", "application/json"),
                    ],
                ),
                (
                    "endpointOutput",
                    [("data", "0.7\n"), ("encoding", "CSV"), ("mode", "INPUT"), ("observedContentType", "text/csv")],
                ),
            ],
        ),
        ("eventMetadata", [("eventId", "e-1"), ("inferenceId", "mine"), ("inferenceTime", "2025-02-16T11:19:01Z")]),
    ]


def test_the_id_is_the_callers_else_the_events_record_by_record(tmp_path):
    captures = [capture("a", "A"), capture("b"), capture("c", ""), capture("d", "D")]
    write_sides(tmp_path, {HERE: captures}, {LATER: [label("A"), label("b"), label("c"), label("d")]})
    assert [event for event, _ in ids(run(tmp_path))] == ["a", "b", "c"]


def test_an_id_that_is_a_number_is_its_digits(tmp_path):
    write_sides(tmp_path, {HERE: [capture("7")]}, {LATER: [label(7)]})
    assert ids(run(tmp_path)) == [("7", "1")]


def test_every_capture_of_a_repeated_id_is_kept_and_the_latest_label_wins(tmp_path):
    labels = {
        "2025/02/18/01/a.jsonl": [label("x", "third"), label("x", "fourth")],
        "2025/02/17/23/z.jsonl": [label("x", "second"), label("y", "same")],
        "2025/02/17/23/a.jsonl": [label("x", "first"), label("y", "same")],
    }
    captures = [capture("e1", "x"), capture("e2", "x"), capture("e3", "y")]
    write_sides(tmp_path, {HERE: captures}, labels)
    out = run(tmp_path)
    assert ids(out) == [("e1", "fourth"), ("e2", "fourth"), ("e3", "same")]
    assert report(out)["captures"]["repeated_ids"] == 1
    assert report(out)["labels"] == {
        "files": 3, "records": 6, "without_id": 0, "repeated_ids": 4, "ids_with_different_labels": 1, "matched": 2,
        "unmatched": 0,
    }  # fmt: skip


def test_compressed_captures_and_labels_are_read(tmp_path):
    sides = write_sides(tmp_path, {}, {})
    for folder, name, value in zip(sides, (HERE, LATER), (capture("e"), label("e")), strict=True):
        path = folder / f"{name}.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(gzip.compress(json.dumps(value).encode()))
    assert ids(run(tmp_path)) == [("e", "1")]


def test_lone_surrogates_and_large_numbers_survive(tmp_path):
    given = capture("e-\ud800")
    given["captureData"]["endpointOutput"]["data"] = "\ud800"
    given["captureData"]["more"] = 10**30
    write_sides(tmp_path, {HERE: [given]}, {LATER: [label("e-\ud800")]})
    (found,) = merged(run(tmp_path))
    assert found["captureData"]["endpointOutput"]["data"] == "\ud800"
    assert found["eventMetadata"]["eventId"] == "e-\ud800"


# --- files and windows ------------------------------------------------------------------------------------------------


def hours(*names: int) -> dict[str, list]:
    return {
        f"churn/AllTraffic/2025/02/16/{hour}/a.jsonl": [capture(f"e{hour}", time=f"2025-02-16T{hour}:30:00Z")]
        for hour in names
    }


def test_a_window_selects_hours_and_times_and_labels_come_from_any_hour(tmp_path, caplog):
    captures = hours(10, 11, 12, 13)
    captures["churn/AllTraffic/2025/02/16/11/a.jsonl"].append(capture("late", time="2025-02-16T11:59:59.5Z"))
    captures["churn/AllTraffic/2025/02/16/12/a.jsonl"].append(capture("end", time="2025-02-16T12:31:00Z"))
    captures["churn/AllTraffic/2025/02/16/12/a.jsonl"].append(capture("never", time="whenever"))
    labels = [label(each) for each in ("e10", "e11", "e12", "e13", "late", "end", "never")]
    sides = write_sides(tmp_path, captures, {"2025/03/01/00/l.jsonl": labels, "2020/01/01/00/l.jsonl": [label("e13")]})
    (sides[0] / "churn/AllTraffic/2025/02/16/10/broken.jsonl").write_text("{")
    with caplog.at_level(logging.INFO):
        out = run(tmp_path, start_time="2025-02-16T11:30:00Z", end_time="2025-02-16T12:31:00Z")
    assert [event for event, _ in ids(out)] == ["e11", "late", "e12", "never"]
    found = report(out)
    assert found["window"] == {"start_time": "2025-02-16T11:30:00Z", "end_time": "2025-02-16T12:31:00Z"}
    assert (found["captures"]["files_outside_window"], found["captures"]["records_outside_window"]) == (3, 1)
    assert "1 captures have no time that can be read" in found["notes"][0]
    assert "Not read: 3 files in hours outside the window" in caplog.text


def test_offsets_count_from_the_schedule_time(tmp_path):
    days = {
        f"m/v/2020/01/{day:02}/13/a.jsonl": [capture(f"d{day}", time=f"2020-01-{day:02}T13:00:00Z")]
        for day in range(1, 10)
    }
    write_sides(tmp_path, days, {LATER: [label(f"d{day}") for day in range(1, 10)]})
    out = run(tmp_path, start_time_offset="-P8D", end_time_offset="-P1D", ANALYZER_SCHEDULE_TIME="2020-01-09T13:00:00Z")
    assert [event for event, _ in ids(out)] == [f"d{day}" for day in range(1, 8)]


def test_an_hour_as_the_source_keeps_its_folder_and_a_folder_without_hours_its_own(tmp_path):
    write_sides(
        tmp_path,
        {**hours(11), "plain/a.jsonl": [capture("p", time="2025-02-16T11:00:00Z")]},
        {LATER: [label("e11"), label("p")]},
    )
    whole = run(tmp_path)
    assert {path.parent.relative_to(whole).as_posix() for path in whole.rglob("*.jsonl")} == {
        "churn/AllTraffic/2025/02/16/11", "plain",
    }  # fmt: skip
    hour = run(
        tmp_path, dataset_source=tmp_path / "captures/churn/AllTraffic/2025/02/16/11", output_path=tmp_path / "o"
    )
    assert [path.parent.relative_to(hour).as_posix() for path in hour.rglob("*.jsonl")] == ["2025/02/16/11"]


def test_a_second_run_writes_the_same_and_removes_parts_that_it_no_longer_has(tmp_path, monkeypatch):
    write_sides(tmp_path, {HERE: [capture(f"e{i}") for i in range(50)]}, {LATER: [label(f"e{i}") for i in range(50)]})
    once = files(run(tmp_path))
    assert files(run(tmp_path)) == once
    with monkeypatch.context() as few:
        few.setattr(plan_merge, "LABEL_BYTES", 1000)
        many = files(run(tmp_path))
    assert len(many) > len(once)
    other = tmp_path / "merged" / "churn" / "AllTraffic" / HOUR / "part-00001-of-somebody-else.c000.jsonl"
    other.write_text("")
    assert files(run(tmp_path)) == {**once, other.relative_to(tmp_path / "merged").as_posix(): b""}


def test_windows_that_cut_an_hour_write_files_of_their_own(tmp_path):
    captures = [capture(f"e{i}", time=f"2025-02-16T11:{i:02}:00Z") for i in range(60)]
    write_sides(tmp_path, {HERE: captures}, {LATER: [label(f"e{i}") for i in range(60)]})
    run(tmp_path, end_time="2025-02-16T11:30:00Z")
    out = run(tmp_path, start_time="2025-02-16T11:30:00Z")
    assert sorted(event for event, _ in ids(out)) == sorted(f"e{i}" for i in range(60))


def test_what_was_merged_can_be_analyzed_although_the_report_lies_beside(tmp_path, run_job):
    write_sides(tmp_path, {HERE: [capture(f"e{i}") for i in range(5)]}, {LATER: [label(f"e{i}") for i in range(5)]})
    merged_format = {"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}}
    found = run_job(run(tmp_path), merged_format, into="analyzed")
    assert json.loads((found / "statistics.json").read_text())["dataset"]["item_count"] == 5


# --- the account ------------------------------------------------------------------------------------------------------


def test_the_report_accounts_for_both_sides(tmp_path, caplog):
    captures = hours(11, 12)
    captures["churn/AllTraffic/2025/02/16/12/a.jsonl"] += [
        capture(f"u{i}", time="2025-02-16T12:00:00Z") for i in range(3)
    ]
    labels = {"2025/02/16/13/a.jsonl": [label("e11")], "2025/02/17/12/a.jsonl": [label("e12"), label("x")]}
    write_sides(tmp_path, captures, labels)
    found = report(run(tmp_path, ANALYZER_LEAST_LABELLED="0.5"))
    assert found["captures"]["share_matched"] == 0.4
    assert (found["captures"]["unmatched"], found["labels"]["unmatched"]) == (3, 1)
    assert found["label_delay"] == {
        "pairs": 2,
        "seconds": dict.fromkeys(("min", "p10", "p25", "p50"), 5400)
        | dict.fromkeys(("p75", "p90", "p99", "max"), 84600),
    }  # fmt: skip
    assert [(each["hour"], each["captures"], each["matched"], each["share_matched"]) for each in found["hours"]] == [
        ("2025-02-16T11:00:00Z", 1, 1, 1.0),
        ("2025-02-16T12:00:00Z", 4, 1, 0.25),
    ]
    assert found["notes"][0].startswith("Only 2 of 5 captures have a label (40.0 %)")
    assert "Only 2 of 5 captures" in caplog.text


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / "schemas" / name).read_text()))


def test_reports_and_records_are_what_the_schemas_say(tmp_path):
    captures = {**hours(11, 12), "plain/a.jsonl": [capture("p", time=None)]}
    sides = write_sides(tmp_path, captures, {LATER: [label("e11"), label("p")]})
    (sides[0] / "b.out").write_text(f"1,i,{TIME}\n")
    out = run(tmp_path, end_time="2025-02-17T00:00:00Z")
    schema("merge_report.json").validate(report(out))
    for each in merged(out):
        schema("capture-record.json").validate(each)
    for line in (sides[1] / LATER).read_text().splitlines():
        schema("label-record.json").validate(json.loads(line))
    (sides[1] / LATER).write_text(json.dumps(label("strange")))
    schema("merge_report.json").validate(report(run(tmp_path, ANALYZER_EMPTY_INPUT="succeed")))


def test_enough_labels_are_no_matter_for_a_warning(tmp_path):
    write_sides(tmp_path, hours(11, 12), {LATER: [label("e11")]})
    assert report(run(tmp_path))["notes"] == []


def test_records_without_ids_are_counted_and_the_first_is_named(tmp_path, caplog):
    lost = capture("e")
    lost["eventMetadata"] = {"inferenceTime": "2025-02-16T11:00:00Z"}
    nothing = {**label("x"), "eventMetadata": None}
    write_sides(tmp_path, {HERE: [capture("e"), lost]}, {LATER: [nothing, label("e"), label(None), label(True)]})
    found = report(run(tmp_path))
    assert (found["captures"]["without_id"], found["labels"]["without_id"]) == (1, 3)
    assert f"{HERE}, line 2" in caplog.text
    assert f"{LATER}, line 1" in caplog.text


# --- batch transforms -------------------------------------------------------------------------------------------------

TIME = "2025-02-16T11:00:00Z"


def write_manifest(root: Path, name: str, entries: list) -> None:
    path = root / "captures" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries))


def test_manifests_are_followed_and_the_appended_columns_stripped(tmp_path):
    write_sides(tmp_path, {}, {LATER: [label("i1"), label("i2"), label("i3")]})
    data = tmp_path / "data"
    data.mkdir()
    (data / "one.csv.out").write_text(f'1,"a, ""b""\nc",0.9,i1,{TIME}\r\n0.50,x,"i2","{TIME}"\n')
    (data / "two.out").write_text(f"7,i3,{TIME}")
    write_manifest(tmp_path, f"output/{HOUR}/m.json", [{"prefix": f"{data}/"}, "one.csv.out"])
    write_manifest(tmp_path, f"output/{HOUR}/n.json", [{"prefix": f"{data}/two.out"}, ""])
    write_manifest(tmp_path, f"input/{HOUR}/m.json", [{"prefix": "s3://nowhere/"}, "x.csv"])
    out = run(tmp_path)
    (path,) = out.rglob("*.jsonl")
    assert path.parent == out / "output" / HOUR
    lines = path.read_text().splitlines()
    assert lines[0] == (
        '{"eventMetadata":{"eventId":"i1"},"eventVersion":"0","groundTruthData":{"data":"1","encoding":"CSV"},'
        '"captureData":{"batchTransformOutput":{"data":"1,\\"a, \\"\\"b\\"\\"\\nc\\",0.9","encoding":"CSV"}}}'
    )
    assert [json.loads(line)["captureData"]["batchTransformOutput"]["data"] for line in lines[1:]] == ["0.50,x", "7"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ('{"SageMakerOutput":{"p":[1.0,1e-9]},"features":[1.50],"SageMakerInferenceId":"i","SageMakerInferenceTime":"%s"}',
         '{"SageMakerOutput":{"p":[1.0,1e-9]},"features":[1.50]}'),
        ('{"SageMakerInferenceId": "i", "SageMakerInferenceTime": "%s", "n": 123456789012345678901234567890}',
         '{"n": 123456789012345678901234567890}'),
        ('{"in":{"SageMakerInferenceId":"inner"},"SageMakerInferenceId":"i","SageMakerInferenceTime":"%s"}',
         '{"in":{"SageMakerInferenceId":"inner"}}'),
    ],
)  # fmt: skip
def test_the_appended_fields_are_stripped_from_json_and_nothing_else_is_touched(tmp_path, given, kept):
    captures, _ = write_sides(tmp_path, {}, {LATER: [label("i")]})
    path = captures / HOUR / "a.jsonl.out"
    path.parent.mkdir(parents=True)
    path.write_text(given % TIME + "\n")
    (found,) = merged(run(tmp_path))
    assert found["captureData"]["batchTransformOutput"] == {"data": kept, "encoding": "JSON"}


def test_one_json_document_is_a_record(tmp_path):
    captures, _ = write_sides(tmp_path, {}, {LATER: [label("i"), label("j")]})
    path = captures / HOUR / "a.out"
    path.parent.mkdir(parents=True)
    record = {"p": 1, "SageMakerInferenceId": "i", "SageMakerInferenceTime": TIME}
    path.write_text(json.dumps(record, indent=2))
    (captures / HOUR / "pretty.json").write_text(json.dumps(capture("j"), indent=4))
    found = merged(run(tmp_path))
    assert found[0]["captureData"]["batchTransformOutput"]["data"] == '{"p":1}'
    assert found[1]["eventMetadata"]["eventId"] == "j"


def test_a_manifest_that_names_what_is_not_there_is_named(tmp_path):
    write_sides(tmp_path, {}, {LATER: [label("i")]})
    write_manifest(tmp_path, f"{HOUR}/m.json", [{"prefix": "part-"}, "1.out"])
    with pytest.raises(InputError, match=r"m\.json is a manifest that names .*/part-1\.out, which cannot be read"):
        run(tmp_path)


# --- bad input --------------------------------------------------------------------------------------------------------


def test_nothing_in_common_shows_ids_of_both_sides(tmp_path):
    write_sides(tmp_path, {HERE: [capture("e-1", "mine")]}, {LATER: [label("theirs"), label("x" * 99)]})
    with pytest.raises(InputError) as error:
        run(tmp_path)
    for words in ("None of 1 captures has a label among 2", "'mine'", "'theirs'", "x...", "inferenceId"):
        assert words in str(error.value)
    assert not (tmp_path / "merged" / "merge_report.json").exists()
    out = run(tmp_path, ANALYZER_EMPTY_INPUT="succeed")
    assert [*files(out)] == ["merge_report.json"]


@pytest.mark.parametrize(
    ("captures", "labels", "words"),
    [
        ([capture()], ["{", ""], r"labels\.jsonl, line 1 is not JSON"),
        ([capture()], [json.dumps(label("e-1")), '{"a": 1}'], r"labels\.jsonl, line 2 is no label"),
        ([capture()], ["[1]"], r"labels\.jsonl, line 1 is no label"),
        (["{"], [json.dumps(label("e-1"))], r"a\.jsonl, line 1 is not JSON"),
        ([capture(), {"some": "thing"}], [json.dumps(label("e-1"))], r"a\.jsonl, line 2 is no captured record"),
        ([capture(), {"captureData": "x"}], [json.dumps(label("e-1"))], r"a\.jsonl, line 2 is no captured record"),
    ],
)
def test_what_is_no_record_is_named_by_file_and_line(tmp_path, captures, labels, words):
    sides = write_sides(tmp_path, {}, {})
    for folder, name, values in zip(sides, (HERE, LATER), (captures, labels), strict=True):
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in values))
    with pytest.raises(InputError, match=words):
        run(tmp_path)


def test_rows_that_do_not_end_with_id_and_time_are_named(tmp_path):
    captures, _ = write_sides(tmp_path, {}, {LATER: [label("i")]})
    (captures / "a.out").write_text(f"1,i,{TIME}\n1,2\n")
    with pytest.raises(InputError, match=r"a\.out, line 2 does not end with an id and a time"):
        run(tmp_path)


def test_missing_and_empty_sides_are_named_by_their_variables(tmp_path):
    captures, labels = write_sides(tmp_path, {}, {})
    with pytest.raises(InputError, match=r"ground_truth_source: .* holds no labels"):
        run(tmp_path)
    write_lines(labels / LATER, [label("e")])
    with pytest.raises(InputError, match=r"dataset_source: .* holds no captures"):
        run(tmp_path)
    write_lines(captures / HERE, [capture("e")])
    with pytest.raises(InputError, match=r"holds no captures in the window from 2026-.*1 files lie in hours outside"):
        run(tmp_path, start_time="2026-01-01T00:00:00Z")
    with pytest.raises(InputError, match=r"ground_truth_source: .*nowhere does not exist"):
        run(tmp_path, ground_truth_source=tmp_path / "nowhere")


def test_captures_that_are_all_outside_the_window_are_no_match_but_an_empty_window(tmp_path):
    write_sides(tmp_path, {HERE: [capture("e")]}, {LATER: [label("e")]})
    with pytest.raises(InputError, match=r"no record in 1 files of captures is in the window .*1 are outside"):
        run(tmp_path, start_time="2025-02-16T11:20:00Z", end_time="2025-02-16T11:30:00Z")


def test_an_output_that_cannot_be_written_is_named_and_the_earlier_one_stays(tmp_path):
    write_sides(tmp_path, {HERE: [capture("e")]}, {LATER: [label("e")]})
    before = files(run(tmp_path))
    (name,) = (name for name in before if name.endswith(".jsonl"))
    (tmp_path / "merged" / name).unlink()
    (tmp_path / "merged" / name).mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        run(tmp_path)
    assert (tmp_path / "merged" / "merge_report.json").read_bytes() == before["merge_report.json"]


# --- laws -------------------------------------------------------------------------------------------------------------


def reference(captures: list[dict], labels: list[dict]) -> Counter[tuple[str, str]]:
    known = {each["eventMetadata"]["eventId"]: each["groundTruthData"]["data"] for each in labels}
    keys = [(each["eventMetadata"].get("inferenceId") or each["eventMetadata"]["eventId"], each) for each in captures]
    return Counter((each["eventMetadata"]["eventId"], known[key]) for key, each in keys if key in known)


key = st.sampled_from(["a", "b", "c", "é", "0", "long-" * 9, "x y", '"'])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(key, st.one_of(st.none(), key)), max_size=30),
    st.lists(st.tuples(key, st.sampled_from("012")), max_size=30),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_any_ids_in_any_files_match_as_a_dict_says(given_captures, given_labels, capture_files, label_files):
    captures = [capture(*each) for each in given_captures]
    labels = [label(*each) for each in given_labels]
    size, rows = -(-len(labels) // label_files) or 1, -(-len(captures) // capture_files) or 1
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as small:
        small.setattr(plan_merge, "LABEL_BYTES", 400)
        small.setattr(read, "PARTITION_BYTES", 300)
        root = Path(folder)
        write_sides(
            root,
            {f"{HOUR}/{at:03}.jsonl": captures[at : at + rows] for at in range(0, len(captures), rows)},
            {f"{HOUR}/{at:03}.jsonl": labels[at : at + size] for at in range(0, len(labels), size)},
        )
        out = run(root, ANALYZER_EMPTY_INPUT="succeed")
        expected = reference(captures, labels)
        assert Counter(ids(out)) == expected
        found = report(out)
        assert found["captures"]["matched"] == expected.total()
        assert found["captures"]["records"] == len(captures)
        assert found["labels"]["matched"] + found["labels"]["unmatched"] == len({each for each, _ in given_labels})


def many(root: Path) -> None:
    draw = random.Random(3)
    captures = {
        f"m/v/2025/02/16/{hour:02}/{part}.jsonl": [
            capture(f"{hour}-{part}-{i}", str(draw.randrange(4000)), f"2025-02-16T{hour:02}:{i % 60:02}:00Z")
            for i in range(400)
        ]
        for hour in range(3)
        for part in range(3)
    }
    labels = {
        f"2025/02/{day}/01/a.jsonl": [label(str(draw.randrange(4000)), str(i)) for i in range(900)]
        for day in (16, 17, 18)
    }
    write_sides(root, captures, labels)


@pytest.mark.spark
def test_both_engines_and_any_number_of_cores_write_the_same_bytes(tmp_path, monkeypatch, spark):
    monkeypatch.setattr(plan_merge, "LABEL_BYTES", 60_000)
    monkeypatch.setattr(read, "PARTITION_BYTES", 100_000)
    monkeypatch.setattr("analyzer.merge.ALONE_BYTES", 0)
    monkeypatch.setattr("analyzer.join.HELD_BYTES", 30_000)
    many(tmp_path)
    alone = files(run(tmp_path, output_path=tmp_path / "alone"))
    assert len(alone) > 10
    assert files(run(tmp_path, output_path=tmp_path / "two", ANALYZER_CORES="2")) == alone
    assert files(run(tmp_path, output_path=tmp_path / "spark", ANALYZER_ENGINE="spark")) == alone


@pytest.mark.spark
def test_spark_names_what_is_no_record_and_where_nothing_matches(tmp_path, spark):
    write_sides(tmp_path, {HERE: [capture("e")]}, {LATER: [label("x")]})
    with pytest.raises(InputError, match="None of 1 captures"):
        run(tmp_path, ANALYZER_ENGINE="spark")
    (tmp_path / "labels" / LATER).write_text("{}")
    with pytest.raises(InputError, match="line 1 is no label"):
        run(tmp_path, ANALYZER_ENGINE="spark")


def test_settings_that_concern_analyses_are_named_in_the_log_and_change_nothing(tmp_path, caplog):
    write_sides(tmp_path, {HERE: [capture("e")]}, {LATER: [label("e")]})
    run(tmp_path)
    assert "not used" not in caplog.text
    out = run(
        tmp_path,
        record_preprocessor_script="/none.py",
        baseline_constraints="/none.json",
        ANALYZER_HISTORY=tmp_path / "history.sqlite",
        ANALYZER_REPORT="html,junit",
    )
    assert ids(out) == [("e", "1")]
    assert not (tmp_path / "history.sqlite").exists()
    assert "Scripts are not used: a merge writes payloads as they were captured." in caplog.text
    told = "A merge analyzes nothing, so these are not used: baseline_constraints, ANALYZER_HISTORY, ANALYZER_REPORT."
    assert caplog.text.count(told) == 1


# --- the whole process ------------------------------------------------------------------------------------------------


def environment(root: Path, **more) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), **variables(root, **more)}


def test_the_mergers_environment_makes_a_merger_that_leaves_no_message(tmp_path):
    write_sides(tmp_path, {HERE: [capture("e")]}, {LATER: [label("e")]})
    code, message, log = run_process(environment(tmp_path))
    assert (code, message) == (0, "")
    assert not (tmp_path / "output" / "message").exists()
    assert ids(tmp_path / "merged") == [("e", "1")]
    assert "Merged 1 of 1 captures" in log


def test_a_merge_that_fails_says_why_in_the_message(tmp_path):
    write_sides(tmp_path, {HERE: [capture("e")]}, {LATER: [label("x")]})
    code, message, _ = run_process(environment(tmp_path))
    assert code == 255
    assert message.startswith("Error: None of 1 captures has a label")


def test_labels_beside_a_format_are_no_merge(tmp_path):
    write_sides(tmp_path, {HERE: [capture("e")]}, {LATER: [label("e")]})
    code, message, _ = run_process(environment(tmp_path, dataset_format='{"sagemakerCaptureJson":{}}'))
    assert (code, message[:10]) == (0, "Completed:")
    assert (tmp_path / "merged" / "statistics.json").exists()


def test_the_command_merges_whatever_the_format_says(tmp_path):
    captures, labels = write_sides(tmp_path, {}, {LATER: [label("i")]})
    (captures / "a.txt").write_text(f"1,i,{TIME}\n")
    done = subprocess.run(
        [
            sys.executable, "-m", "analyzer", "merge", "--dataset-source", str(captures), "--ground-truth-source",
            str(labels), "--output-path", str(tmp_path / "merged"), "--root", str(tmp_path / "root"),
            "--dataset-format", '{"csv":{"header":false}}',
        ],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert merged(tmp_path / "merged")[0]["captureData"]["batchTransformOutput"]["data"] == "1"


def test_a_merge_that_lacks_a_variable_names_it(tmp_path):
    variables_of = environment(tmp_path)
    del variables_of["output_path"]
    code, message, _ = run_process(variables_of)
    assert code == 255
    assert message.startswith("Error: Required but not set: output_path.")
    assert "dataset_format" not in message


def test_a_merge_that_is_stopped_leaves_nothing(tmp_path):
    captures = [capture(f"e{i}") for i in range(150_000)]
    write_sides(tmp_path, {HERE: captures}, {LATER: [label(f"e{i}") for i in range(150_000)]})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    started = subprocess.Popen(
        [sys.executable, "-m", "analyzer"],
        env={**environment(tmp_path, ANALYZER_CORES="2"), "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not any(scratch.rglob("scattered-*")):
        assert started.poll() is None
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    assert started.wait(60) == 143
    assert "stopped by SIGTERM" in (tmp_path / "output" / "message").read_text()
    assert [*(tmp_path / "merged").rglob("*")] == []
    assert [*scratch.iterdir()] == []


# --- what the original wrote ------------------------------------------------------------------------------------------


@pytest.mark.golden
def test_captures_and_labels_of_the_original_come_together(tmp_path, shared):
    records = shared / "golden" / "records"
    captures, labels = write_sides(tmp_path, {}, {})
    for folder, name in ((captures, "capture.jsonl"), (labels, "actuals.jsonl")):
        (folder / name).write_bytes((records / name).read_bytes())
    given = [json.loads(line) for line in (records / "capture.jsonl").read_text().splitlines() if line]
    found = merged(run(tmp_path))
    assert [each["eventMetadata"] for each in found] == [each["eventMetadata"] for each in given]
    assert [each["captureData"] for each in found] == [each["captureData"] for each in given]


@pytest.mark.golden
def test_a_batch_record_of_the_original_is_made_again(tmp_path, shared):
    text = (shared / "golden" / "records" / "merged.batch-json.json").read_text()
    wanted = json.loads(text)
    data = wanted["captureData"]["batchTransformOutput"]["data"]
    event = wanted["eventMetadata"]["eventId"]
    captures, labels = write_sides(tmp_path, {}, {})
    appended = f',"SageMakerInferenceId":"{event}","SageMakerInferenceTime":"{TIME}"}}'
    (captures / "a.out").write_text(data[:-1] + appended)
    truth = wanted["groundTruthData"]
    write_lines(labels / LATER, [label(event, truth["data"], truth["encoding"])])
    (path,) = run(tmp_path).rglob("*.jsonl")
    assert json.loads(path.read_text(), object_pairs_hook=tuple) == json.loads(text, object_pairs_hook=tuple)
