"""Labels sent later come together with what was captured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from analyzer.capture import write_labels
from analyzer.errors import OutputError

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "schemas" / "label-record.json").read_text())


def test_labels_are_values_rows_or_objects(tmp_path):
    given = {"a": 1, "b": "yes", "c": 0.5, "d": [1, "x,y"], "e": {"label": 1}, "f": True, "g": '1,"2"'}
    path = Path(write_labels(tmp_path, given, collected=1739704741))
    assert path.parent == tmp_path / "2025/02/16/11"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    found = {line["eventMetadata"]["eventId"]: tuple(line["groundTruthData"].values()) for line in lines}
    assert found == {
        "a": ("1", "CSV"), "b": ("yes", "CSV"), "c": ("0.5", "CSV"), "d": ('1,"x,y"', "CSV"),
        "e": ('{"label":1}', "JSON"), "f": ("true", "CSV"), "g": ('1,"2"', "CSV"),
    }  # fmt: skip


def test_captures_and_labels_are_merged(make, tmp_path):
    capture = make(endpoint="churn")
    known = [capture.record(f"{number},x", f"0.{number}", inference_id=f"i-{number}") for number in range(5)]
    unnamed = capture.record("9,x", "0.9")
    capture.flush()
    assert None not in known
    write_labels(tmp_path / "labels", {"i-0": 1, "i-3": 0, unnamed: 1, "nobody": 1})
    command = ["merge", "--dataset-source", "captures", "--ground-truth-source", "labels", "--output-path", "merged"]
    subprocess.run(
        [sys.executable, "-m", "analyzer", *command, "--root", "root"], cwd=tmp_path, check=True, timeout=120
    )
    merged = [
        json.loads(line) for path in (tmp_path / "merged").rglob("*.jsonl") for line in path.read_text().splitlines()
    ]
    pairs = [(each["captureData"]["endpointInput"]["data"], each["groundTruthData"]["data"]) for each in merged]
    assert sorted(pairs) == [("0,x", "1"), ("3,x", "0"), ("9,x", "1")]


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Labels cannot be written to"):
        write_labels(tmp_path / "file", {"a": 1})
