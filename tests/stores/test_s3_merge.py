"""Merges from S3 to S3: the same bytes as from and to a disk, and nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from labelled import HOUR, capture, files, label, variables, write_sides

from analyzer.config import read_config
from analyzer.errors import OutputError
from analyzer.merge import merge
from analyzer.stores import s3

LATER = "2025/02/17/03/labels.jsonl"
HERE = f"churn/AllTraffic/{HOUR}/a.jsonl"


def run(root: Path, **more) -> None:
    merge(read_config(variables(root, **more)))


def write(root: Path) -> None:
    records = {HERE: [capture(f"e{i}") for i in range(500)], "other/a.jsonl": [capture("o")]}
    write_sides(root, records, {LATER: [label(f"e{i}") for i in range(0, 500, 2)] + [label("o")]})


def test_from_s3_to_s3_are_the_bytes_of_a_disk(tmp_path, put_folder, objects):
    write(tmp_path)
    run(tmp_path)
    sides = {
        "dataset_source": put_folder(tmp_path / "captures", "in"),
        "ground_truth_source": put_folder(tmp_path / "labels", "labels"),
    }
    run(tmp_path, **sides, output_path="s3://data/merged")
    assert objects("merged/") == files(tmp_path / "merged")
    run(tmp_path, **sides, output_path="s3://data/merged/")
    assert objects("merged/") == files(tmp_path / "merged")


def test_an_hour_on_s3_is_skipped_without_being_read(tmp_path, put_folder, service):
    write_sides(
        tmp_path,
        {
            f"m/v/2025/02/16/{hour}/a.jsonl": [capture(f"e{hour}", time=f"2025-02-16T{hour}:00:00Z")]
            for hour in (11, 12)
        },
        {LATER: [label("e11"), label("e12")]},
    )
    source = put_folder(tmp_path / "captures", "in")
    run(tmp_path, dataset_source=source, start_time="2025-02-16T12:00:00Z")
    assert service.gets("12/a.jsonl")
    assert not service.gets("11/a.jsonl")


def test_manifests_lead_to_objects(tmp_path, put, objects):
    write_sides(tmp_path, {}, {LATER: [label("i"), label("j")]})
    put("data/one.out", "1,i,2025-02-16T11:00:00Z\n")
    put("data/two.out", "2,j,2025-02-16T11:00:00Z\n")
    put(f"batch/output/{HOUR}/m.json", json.dumps([{"prefix": "s3://data/data/"}, "one.out"]))
    put(f"batch/output/{HOUR}/n.json", json.dumps([{"prefix": "s3://data/data/two.out"}, ""]))
    run(tmp_path, dataset_source="s3://data/batch", output_path="s3://data/merged")
    (content,) = (each for name, each in objects(f"merged/output/{HOUR}/").items() if name.endswith(".jsonl"))
    found = [json.loads(line)["captureData"]["batchTransformOutput"]["data"] for line in content.splitlines()]
    assert found == ["1", "2"]


def test_large_files_arrive_in_parts(tmp_path, monkeypatch, objects, service):
    monkeypatch.setattr(s3, "PART", 5 * 1024 * 1024)
    large = [capture(f"e{i}") for i in range(14)]
    for each in large:
        each["captureData"]["endpointInput"]["data"] = "x" * 1024 * 1024
    write_sides(tmp_path, {HERE: large}, {LATER: [label(f"e{i}") for i in range(14)]})
    run(tmp_path)
    run(tmp_path, output_path="s3://data/merged")
    assert objects("merged/") == files(tmp_path / "merged")
    sent = [each for each in service.requests if "partNumber" in each.query and ".jsonl" in each.path]
    assert len(sent) > 1


def test_a_refusal_in_the_middle_leaves_the_earlier_merge(tmp_path, objects, service):
    write(tmp_path)
    run(tmp_path, output_path="s3://data/merged")
    before = objects("merged/")
    (tmp_path / "labels" / LATER).write_text(json.dumps(label("o")) + "\n")
    service.refusal = lambda request: "403 Forbidden|AccessDenied" if "merge_report" in request.path else None
    with pytest.raises(OutputError, match="access is denied"):
        run(tmp_path, output_path="s3://data/merged")
    service.refusal = None
    assert objects("merged/") == before
