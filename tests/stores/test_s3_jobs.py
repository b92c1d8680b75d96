"""Whole jobs from S3 to S3: the same bytes as from and to a disk."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from traffic import BOTH, environment, record, run_process, write_lines

from analyzer import job, read
from analyzer.__main__ import main
from analyzer.config import read_config
from analyzer.errors import ConfigError
from analyzer.evaluate_rules import read_rules

CSV = {"csv": {"header": True}}
REPORTS = ("statistics.json", "constraints.json", "profile.json", "state.json.gz", "report.html", "report.md")
VERDICT = "constraint_violations.json"
Objects = Callable[[str], dict[str, bytes]]


def write_csv(folder: Path, *, broken: bool) -> Path:
    for name, start in (("b.csv", 0), ("nested/deep/a b+ü.csv", 4000), ("_SUCCESS", 0), ("nested/.crc", 0)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f'{i},"line one\n{i % 7}",{"x" if broken and i % 9 == 0 else i / 3}' for i in range(start, start + 4000)
        ]
        path.write_text("\n".join(["id,note,amount", *lines]) + "\n")
    (folder / "empty.csv").touch()
    return folder


def write_json(folder: Path, *, broken: bool) -> Path:
    rows = [{"id": i, "s": "abc"[i % 3], "n": None if broken and i % 5 == 0 else i / 7} for i in range(4000)]
    write_lines(folder / "b.jsonl", rows[:100])
    (folder / "c.jsonl.gz").write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows[100:]).encode()))
    return folder


def write_captures(folder: Path, *, broken: bool) -> Path:
    lines = [record(f"{i % 5},{i / 3}", f"{'x' if broken else i % 2}") for i in range(3000)]
    write_lines(folder / "2025" / "02" / "16" / "a.jsonl", lines[:10])
    return write_lines(folder / "2025" / "02" / "17" / "b.jsonl", lines[10:]).parents[2]


def write_parquet(folder: Path, *, broken: bool) -> Path:
    folder.mkdir(parents=True)
    table = pa.table({"n": range(9000), "s": [None if broken and i % 9 == 0 else f"v{i % 4}" for i in range(9000)]})
    pq.write_table(table, folder / "a.parquet", row_group_size=1000)
    return folder


FORMATS: dict[str, tuple[Callable[..., Path], dict[str, Any], int]] = {
    "csv": (write_csv, CSV, 16 * 1024),
    "json": (write_json, {"json": {"lines": True}}, 16 * 1024),
    "captures": (write_captures, BOTH, 100 * 1024),
    "parquet": (write_parquet, {"parquet": {}}, 1),
}


def run(root: Path, source: str | Path, output: str | Path, dataset_format: Any, **more: Any) -> None:
    job.run(read_config(environment(root, source, dataset_format, **{"output_path": output, **more})))


def told_apart(content: bytes, place: str) -> bytes:
    """Reports with the names of files as they are relative to their source."""
    text = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    return text.replace(place.encode(), b"SOURCE")


@pytest.mark.parametrize("name", FORMATS)
def test_baseline_and_monitoring_from_s3_to_s3_write_the_bytes_of_a_disk(
    tmp_path, monkeypatch, put_folder, objects: Objects, name
) -> None:
    write, dataset_format, size = FORMATS[name]
    monkeypatch.setattr(read, "PARTITION_BYTES", size)
    for kind in ("clean", "broken"):
        put_folder(write(tmp_path / kind, broken=kind == "broken"), kind)

    def both(top: str) -> None:
        run(tmp_path, f"{top}/clean", f"{top}/baseline", dataset_format)
        given = {"baseline_constraints": f"{top}/baseline/constraints.json"}
        given["baseline_statistics"] = f"{top}/baseline/statistics.json"
        run(tmp_path, f"{top}/broken", f"{top}/report/", dataset_format, **given)

    both(str(tmp_path))
    both("s3://data")

    for folder, source, files in (("baseline", "clean", REPORTS), ("report", "broken", (*REPORTS, VERDICT))):
        found = objects(f"{folder}/")
        assert set(found) == set(files)
        for each in files:
            here = told_apart((tmp_path / folder / each).read_bytes(), f"{tmp_path}/{source}")
            assert told_apart(found[each], f"s3://data/{source}") == here, (folder, each)
    assert json.loads(objects("report/")[VERDICT])["violations"]


def test_two_processes_read_s3_as_one_does(tmp_path, monkeypatch, put_folder, objects: Objects) -> None:
    monkeypatch.setattr(read, "PARTITION_BYTES", 16 * 1024)
    source = put_folder(write_csv(tmp_path / "data", broken=True), "in")
    run(tmp_path, source, "s3://data/one", CSV)
    run(tmp_path, source, "s3://data/two", CSV, ANALYZER_CORES="2")
    assert objects("one/") == objects("two/")


def test_a_process_of_its_own_finds_the_service_and_says_nothing_secret(
    tmp_path, put, objects: Objects, service
) -> None:

    source = put("in/a.csv", "a,b\n1,x\n2,y\n")
    variables = environment(tmp_path, source, CSV, output_path="s3://data/out", ANALYZER_LOG_LEVEL="DEBUG")
    variables |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    code, message, log = run_process(variables)
    assert (code, message) == (0, "Completed: Job completed successfully with no violations.")
    assert '"dataset_source": "s3://data/in/a.csv"' in log
    assert "Write to file statistics.json at path s3://data/out." in log
    assert not re.search(r"hunter2|AKIATEST|Signature", log)
    assert json.loads(objects("out/")["statistics.json"])["dataset"]["item_count"] == 2


def test_scripts_are_fetched_called_and_deleted(tmp_path, put, objects: Objects, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "scratch").mkdir()
    source = put("in/a.csv", "a,b\n1,x\n2,y\n")
    text = "def preprocess_handler(line):\n    n, s = line.split(',')\n    return {'n': n, 'twice': s * 2}\n"
    after = (
        "import os\ndef postprocess_handler():\n"
        "    found = [__file__, *sorted(os.listdir(os.path.dirname(__file__)))]\n"
        f"    open({str(tmp_path / 'called')!r}, 'w').write('\\n'.join(found))\n"
    )
    put("code/requirements.txt", "numpy")
    put("code/other.py", "")
    given = {
        "record_preprocessor_script": put("code/record script.py", text),
        "post_analytics_processor_script": put("code/post.py", after),
    }
    run(tmp_path, source, "s3://data/out", {"csv": {"header": False}}, **given)
    found = json.loads(objects("out/")["statistics.json"])
    assert [each["name"] for each in found["features"]] == ["n", "twice"]
    place = Path((tmp_path / "called").read_text().splitlines()[0])
    assert place.name == "post.py"
    assert (tmp_path / "called").read_text().splitlines()[1:] == ["post.py", "requirements.txt"]
    assert not place.exists()
    assert list((tmp_path / "scratch").glob("analyzer-scripts-*")) == []


def test_states_are_merged_from_s3_and_onto_it(tmp_path, put, objects: Objects, capsys) -> None:
    for hour in ("01", "02"):
        put(f"in/{hour}/a.csv", f"a,b\n{hour},x\n7,y\n")
        run(tmp_path, f"s3://data/in/{hour}", f"s3://data/out/{hour}", CSV)
        run(tmp_path, f"s3://data/in/{hour}", tmp_path / "out" / hour, CSV)
    here = str(tmp_path / "day")
    assert main(["merge-states", str(tmp_path / "out"), "--output", here]) == 0
    for _ in range(2):  # the second time the day lies below the source, and is not one of the hours
        assert main(["merge-states", "s3://data/out", "--output", "s3://data/out/day"]) == 0
        assert objects("out/day/") == {n: (tmp_path / "day" / n).read_bytes() for n in REPORTS}
    assert "4 rows of 2 columns: s3://data/out/day" in capsys.readouterr().out
    assert main(["merge-states", "s3://data/out/01/state.json.gz", "s3://data/out/01", "--output", here]) == 255
    assert "s3://data/out/01/state.json.gz is given twice." in capsys.readouterr().err
    assert main(["merge-states", "s3://data/in", "--output", here]) == 255
    assert "s3://data/in holds no state.json.gz." in capsys.readouterr().err


@pytest.mark.spark
def test_tasks_on_spark_read_s3_and_write_the_same_bytes(tmp_path, put_folder, put, objects: Objects) -> None:
    source = put_folder(write_csv(tmp_path / "data", broken=True), "in")
    script = put("code/script.py", "def preprocess_handler(line):\n    return {'length': len(line)}\n")
    run(tmp_path, source, "s3://data/local", CSV, record_preprocessor_script=script)
    # A process of its own: its session starts with the variables of the service.
    variables = environment(
        tmp_path, source, CSV, output_path="s3://data/spark", record_preprocessor_script=script, ANALYZER_ENGINE="spark"
    )
    aws = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "JAVA_"))}
    code, message, log = run_process(variables | aws)
    assert (code, message) == (0, "Completed: Job completed successfully with no violations."), log[-2000:]
    assert "partitions on spark" in log
    assert objects("spark/") == objects("local/")


def test_rules_are_read_from_s3_and_named_where_they_are_not_there(put):
    uri = put("rules/a.dqdl", b"\xef\xbb\xbfRules = [ RowCount > 0 ]")
    assert read_rules(uri) == "Rules = [ RowCount > 0 ]"
    with pytest.raises(ConfigError, match=f"ANALYZER_RULES: {uri}2 cannot be read"):
        read_rules(f"{uri}2")
