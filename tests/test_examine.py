"""The examination of a job: every check finds what it is there for, says the cure, and leaves nothing behind."""

from __future__ import annotations

import gzip
import json
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import analyzer
from analyzer.config import SETTINGS
from analyzer.diagnosis import Diagnosis, Finding
from analyzer.examinations import environment, memory, places
from analyzer.examinations.subject import BYTES
from analyzer.examine import examine_job

CSV = '{"csv":{"header":true}}'
Examine = Callable[..., Diagnosis]


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job that is well: the folder that stands for /opt/ml, with data and a baseline."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    data = tmp_path / "processing" / "input"
    data.mkdir(parents=True)
    (data / "a.csv").write_text("age,plan\n31,basic\n45,gold\n")
    analyzer.baseline(data / "a.csv", output=tmp_path / "processing" / "baseline")
    (tmp_path / "output").mkdir()
    return tmp_path


@pytest.fixture
def examine(job: Path) -> Examine:
    """Examine that job with other variables; None leaves one out."""

    def run(**variables: str | None) -> Diagnosis:
        usual = {
            "ANALYZER_ROOT": str(job),
            "dataset_format": CSV,
            "dataset_source": "/opt/ml/processing/input",
            "output_path": "/opt/ml/processing/output",
            "baseline_constraints": "/opt/ml/processing/baseline/constraints.json",
            "baseline_statistics": "/opt/ml/processing/baseline/statistics.json",
        }
        return examine_job({name: text for name, text in (usual | variables).items() if text is not None})

    return run


def only(found: Diagnosis, status: str, check: str) -> Finding:
    (finding,) = [each for each in found.of(status) if each.check == check]
    return finding


def everything_below(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


# --- a job that is well ---


def test_a_job_that_is_well_has_no_findings_and_is_not_run(examine, job, tmp_path_factory, monkeypatch):
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = everything_below(job)
    found = examine()
    assert found.ok
    assert not found.of("warning"), found.text()
    checks = {each.check for each in found.of("ok")}
    assert checks >= {"environment", "mounts", "format", "records", "column names", "baseline", "memory"}
    assert everything_below(job) == before, "an examination leaves nothing behind"
    assert not everything_below(temporary)


def test_what_is_said_ends_with_the_verdict(examine):
    assert examine().text().splitlines()[-1] == "Nothing was found that would end the job."
    broken = examine(dataset_source="/nowhere")
    assert broken.summary == "1 thing would end the job."
    assert "Mount the data there or correct the variable." in broken.text()


# --- environment ---


def test_what_is_not_set_is_a_failure(examine):
    finding = only(examine(dataset_source=None), "failure", "environment")
    assert finding.text == "Required but not set: dataset_source."
    assert "dataset_source=/opt/ml" in finding.cure


def test_several_variables_that_make_no_sense_are_all_found(examine):
    found = examine(ANALYZER_ENGINE="quantum", start_time="yesterday", ANALYZER_CORES="none")
    texts = [each.text for each in found.of("failure")]
    for said in ("ANALYZER_ENGINE is 'quantum'", "start_time is 'yesterday'", "ANALYZER_CORES is 'none'"):
        assert any(said in text for text in texts)
    assert any(each.check == "records" for each in found.of("ok")), "the rest is looked at all the same"


def test_a_variable_that_is_misspelt_is_found(examine, monkeypatch):
    monkeypatch.setenv("baseline_statistic", "x")
    finding = only(examine(baseline_statistics=None), "warning", "environment")
    assert finding.text.startswith("baseline_statistic is no variable of the analyzer")
    assert finding.cure == "Is it meant to be baseline_statistics?"


@pytest.mark.parametrize("name", ["processingjobconfig.json", "resourceconfig.json"])
@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_a_broken_file_of_the_job_is_found(examine, job, name, content):
    (job / "config").mkdir()
    (job / "config" / name).write_bytes(content.encode("latin-1"))
    finding = only(examine(), "warning", "environment")
    assert name in finding.text
    assert "Mend or remove the file." in finding.cure


def test_metrics_without_a_schedule_are_found(examine):
    found = examine(publish_cloudwatch_metrics="Enabled", ANALYZER_METRICS_WITHOUT_SCHEDULE="fail")
    assert "MonitoringSchedules" in only(found, "failure", "environment").text


# --- mounts ---


def test_data_that_is_not_mounted_is_found(examine):
    finding = only(examine(dataset_source="/opt/ml/processing/nothere"), "failure", "mounts")
    assert "processing/nothere does not exist" in finding.text


def test_an_empty_mount_is_found_unless_that_is_normal(examine, job):
    (job / "processing" / "input" / "a.csv").unlink()
    assert "holds no data" in only(examine(), "failure", "mounts").text
    assert "holds no data" in only(examine(ANALYZER_EMPTY_INPUT="succeed"), "warning", "mounts").text


@pytest.mark.parametrize(
    ("name", "status", "more"),
    [
        ("output_path", "failure", {}),
        ("output_message_file", "warning", {}),
        ("cloudwatch_metrics_directory", "failure", {"publish_cloudwatch_metrics": "Enabled"}),
    ],
)
def test_a_folder_that_cannot_be_written_is_found(examine, job, name, status, more):
    (job / "file").write_text("")
    finding = only(examine(**{name: str(job / "file" / "sub" / "x")}, **more), status, "mounts")
    assert finding.text.startswith(f"{name}: The output folder {job / 'file'} cannot be written")
    assert finding.cure


@pytest.mark.parametrize(
    ("variable", "status", "more"),
    [
        ("ANALYZER_RULES", "failure", {}),
        ("ANALYZER_ALERTS", "warning", {"ANALYZER_HISTORY": "/opt/ml/history.sqlite"}),
    ],
)
def test_a_file_of_a_setting_that_is_not_there_is_found(examine, job, variable, status, more):
    found = only(examine(**{variable: "/opt/ml/none.txt"}, **more), status, "mounts")
    assert found.text == f"{variable}: {job / 'none.txt'} cannot be read: No such file or directory."
    assert found.cure == "Correct the path, or mount the file there."
    (job / "none.txt").write_text("Rules = [ RowCount > 1 ]")
    said = [each.text for each in examine(**{variable: "/opt/ml/none.txt"}, **more).of("ok")]
    assert f"{variable}: {job / 'none.txt'} can be read" in said


def test_little_room_is_found(examine, monkeypatch):
    monkeypatch.setattr(places, "SCRATCH", 10**18)
    monkeypatch.setattr(places, "ROOM", 10**18)
    texts = " ".join(each.text for each in examine().of("warning"))
    assert "the folder for scratch, has" in texts
    assert "output_path" in texts


def test_no_folder_for_scratch_is_found(examine, monkeypatch):
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(places.tempfile, "gettempdir", none)
    found = list(places.examine_places(_config(examine), is_job=True))
    assert "There is no folder for scratch" in found[-1].text


def _config(examine: Examine):
    from analyzer.config import read_config

    return read_config({"dataset_format": CSV, "dataset_source": "/nowhere", "output_path": "/tmp"})


# --- format ---


def record(**halves: str) -> str:
    capture = {name: {"data": text, "encoding": "CSV"} for name, text in halves.items()}
    return json.dumps({"captureData": capture, "eventMetadata": {"eventId": "1"}}) + "\n"


@pytest.mark.parametrize(
    ("told", "content", "status", "said"),
    [
        ('{"csv":{}}', '{"a":1}\n', "failure", "dataset_format says csv, but"),
        ('{"json":{}}', "a,b\n1,2\n", "failure", "is CSV with a header"),
        ('{"json":{"lines":true}}', '[{"a":1}]', "failure", "says json lines, but"),
        ('{"json":{"lines":false}}', '{"a":1}\n{"a":2}\n', "failure", "is JSON lines"),
        ('{"csv":{"header":true}}', "1,2\n3,4\n", "warning", "is taken for names, but looks like values"),
        ('{"csv":{"header":false}}', "a,b\n3,4\n", "warning", "is taken for values, but looks like names"),
        ('{"csv":{}}', "a;b\n1;2\n", "failure", "separated by semicolons"),
        ('{"csv":{}}', "a\x00b", "failure", "is no text"),
        (
            '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput"]}}', record(endpointOutput="1"),
            "failure", "but none of endpointInput",
        ),
        ('{"sagemakerCaptureJson":{}}', record(endpointInput="1"), "warning", "lack endpointOutput"),
        (
            '{"sagemakerMergeJson":{"captureIndexNames":["endpointInput"]}}', record(endpointInput="1"),
            "warning", "hold no groundTruthData",
        ),
        ('{"sagemakerCaptureJson":{}}', '{"a":1}\n', "failure", "but"),
    ],
)  # fmt: skip
def test_data_of_another_format_is_found(examine, job, told, content, status, said):
    (job / "processing" / "input" / "a.csv").unlink()
    (job / "processing" / "input" / "a").write_text(content)
    found = examine(dataset_format=told, baseline_constraints=None, baseline_statistics=None)
    finding = only(found, status, "format")
    assert said in finding.text
    assert finding.cure


def test_the_cure_of_another_format_is_the_format(examine):
    finding = only(examine(dataset_format='{"json":{}}'), "failure", "format")
    assert finding.cure == 'Set dataset_format to {"csv": {"header": true, "output_columns_position": "START"}}.'


def test_a_broken_gzip_is_found(examine, job):
    (job / "processing" / "input" / "a.csv").unlink()
    (job / "processing" / "input" / "a.csv.gz").write_bytes(gzip.compress(b"a\n1\n" * 1000)[:-20])
    assert any("not a sound gzip file" in each.text for each in examine().of("failure"))


def test_what_only_spark_reads_is_left_to_it(examine):
    found = examine(dataset_format='{"spark":{"format":"orc"}}')
    assert only(found, "skipped", "format")


# --- records ---


def test_a_row_that_is_too_long_is_found_with_its_real_place(examine, job):
    path = job / "processing" / "input" / "a.csv"
    path.write_text("age,plan\n31,basic\n45,gold,surplus\n")
    finding = only(examine(), "failure", "records")
    assert f"{path}, line 3" in finding.text
    assert "ANALYZER_SURPLUS_FIELDS=drop" in finding.cure
    warned = examine(ANALYZER_SURPLUS_FIELDS="drop")
    assert "1 rows had more fields than columns" in only(warned, "warning", "records").text


def test_files_with_different_headers_are_found(examine, job):
    (job / "processing" / "input" / "b.csv").write_text("age,plum\n1,x\n")
    finding = only(examine(), "failure", "records")
    assert str(job / "processing" / "input" / "b.csv") in finding.text
    assert "'plum'" in finding.text


def test_a_broken_line_is_found(examine, job):
    (job / "processing" / "input" / "a.csv").unlink()
    (job / "processing" / "input" / "a.jsonl").write_text('{"age":1,"plan":"basic"}\n{"age":\n')
    found = examine(dataset_format='{"json":{}}')
    assert "a.jsonl, line 2 is not JSON" in only(found, "failure", "records").text


def test_parquet_and_documents_are_sampled(examine, job):
    source = job / "processing" / "input"
    (source / "a.csv").unlink()
    pq.write_table(pa.table({"age": range(5000), "plan": ["gold"] * 5000}), source / "a.parquet")
    found = examine(dataset_format='{"parquet":{}}')
    assert "the first 1,000 records were read: 2 columns" in only(found, "ok", "records").text
    (source / "a.parquet").unlink()
    (source / "a.json").write_text(json.dumps([{"age": 1, "plan": "gold"}] * 2000))
    found = examine(dataset_format='{"json":{"lines":false}}')
    assert "the first 1,000 records were read: 2 columns" in only(found, "ok", "records").text


def test_records_with_quoted_newlines_are_cut_between_records(examine, job):
    rows = "".join(f'{i},"line\n{i}"\n' for i in range(2000))
    (job / "processing" / "input" / "a.csv").write_text(f"age,plan\n{rows}")
    assert "the first 999 records were read" in only(examine(), "ok", "records").text


def test_columns_of_model_quality_that_are_not_there_are_found(examine):
    quality = {"analysis_type": "MODEL_QUALITY", "problem_type": "Regression", "baseline_constraints": None}
    found = examine(**quality, inference_attribute="age", ground_truth_attribute="price", baseline_statistics=None)
    finding = only(found, "failure", "records")
    assert "price" in finding.text


def test_records_outside_the_window_are_looked_at_all_the_same(examine, job):
    (job / "processing" / "input" / "a.csv").unlink()
    (job / "processing" / "input" / "a.jsonl").write_text(record(endpointInput="1,2"))
    capture = '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput"]}}'
    found = examine(dataset_format=capture, start_time="2020-01-01", end_time="2020-01-02")
    assert "the first 1 records" in only(found, "ok", "records").text


# --- names of columns ---


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("a.b,c", "'a.b': Spark takes a dot for a field of a struct"),
        ("a b,c", "'a b': older versions of Spark write no Parquet"),
        ("Größe,c", "'Größe': not only letters, digits and _"),
        ("  ,c", "1 columns have a blank name"),
    ],
)
def test_names_that_other_tools_stumble_over_are_found(examine, job, header, said):
    (job / "processing" / "input" / "a.csv").write_text(f"{header}\n1,x\n2,y\n")
    found = examine(baseline_constraints=None, baseline_statistics=None)
    assert any(said in each.text for each in found.of("warning") if each.check == "column names"), found.text()
    assert found.ok, "this project takes any name"


def test_names_that_differ_in_capitals_alone_are_found(examine, job):
    pq.write_table(pa.table({"Age": [1], "age": [2]}), job / "a.parquet")
    found = analyzer.doctor(job / "a.parquet")
    assert "Age, age: the same name to Spark" in only(found, "warning", "column names").text


def test_names_without_metrics_are_found(examine, job):
    (job / "processing" / "input" / "a.csv").write_text("Größe\n1\n")
    metrics = {"publish_cloudwatch_metrics": "Enabled", "sagemaker_monitoring_schedule_name": "hourly"}
    found = examine(**metrics, baseline_constraints=None, baseline_statistics=None)
    assert any("no CloudWatch metrics" in each.text for each in found.of("warning"))


# --- baseline ---


def test_a_baseline_that_is_not_there_is_found(examine):
    finding = only(examine(baseline_constraints="/nowhere/c.json"), "failure", "baseline")
    assert "baseline_constraints: /nowhere/c.json cannot be read" in finding.text


def test_a_baseline_that_is_broken_is_found(examine, job):
    (job / "processing" / "baseline" / "constraints.json").write_text('{"features": [{"name": 3}]}')
    assert "constraints.json" in only(examine(), "failure", "baseline").text


def test_half_a_baseline_is_found(examine):
    assert "so no drift is found" in only(examine(baseline_statistics=None), "warning", "baseline").text
    assert "only distributions are compared" in only(examine(baseline_constraints=None), "warning", "baseline").text


def test_halves_of_two_baselines_are_found(examine, job):
    analyzer.baseline({"weight": [1, 2]}, output=job / "other")
    found = examine(baseline_statistics=str(job / "other" / "statistics.json"))
    assert "The statistics lack age, plan" in only(found, "warning", "baseline").text


def test_columns_that_the_baseline_does_not_have_are_found(examine, job):
    (job / "processing" / "input" / "a.csv").write_text("age,weight,plan\n31,70,basic\n")
    assert only(examine(), "warning", "baseline").text == "The data has weight beyond it."
    (job / "processing" / "input" / "a.csv").write_text("age\n31\n")
    assert only(examine(), "warning", "baseline").text == "The data lacks plan."


def test_records_that_do_not_meet_the_baseline_are_shown(examine, job):
    (job / "processing" / "input" / "a.csv").write_text("age,plan\nx,basic\ny,silver\n")
    finding = only(examine(), "warning", "baseline")
    assert finding.text == "The first 2 records would violate it in 2 ways."
    assert [line.split(":")[0] for line in finding.shown] == ["age", "plan"]


# --- bias and attribution ---


@pytest.mark.parametrize(
    ("asked", "status", "check", "said"),
    [
        ({}, "ok", "records", "the first 2 records were read"),
        ({"label": "nothere"}, "failure", "records", "nothere"),
        ({"facet": [{"name_or_index": "nothere"}]}, "failure", "records", "nothere"),
        ({"facets": []}, "failure", "environment", "The key facets is not known"),
    ],
)
def test_an_analysis_is_examined(examine, job, asked, status, check, said):
    usual = {"label": "age", "label_values_or_threshold": [31], "facet": [{"name_or_index": "plan"}]}
    (job / "asked.json").write_text(json.dumps(usual | asked))
    quality = {"baseline_constraints": None, "baseline_statistics": None}
    found = examine(analysis_type="MODEL_BIAS", ANALYZER_ANALYSIS_CONFIG=str(job / "asked.json"), **quality)
    assert any(said in each.text for each in found.of(status) if each.check == check), found.text()


def test_a_baseline_of_another_kind_is_found(examine, job):
    asked = {"label": "age", "label_values_or_threshold": [31], "facet": [{"name_or_index": "plan"}]}
    (job / "asked.json").write_text(json.dumps(asked))
    found = examine(analysis_type="MODEL_BIAS", ANALYZER_ANALYSIS_CONFIG=str(job / "asked.json"))
    assert "but no post_training_bias_metrics" in only(found, "failure", "baseline").text


# --- scripts ---


def script(job: Path, code: str, name: str = "script.py") -> str:
    (job / name).write_text(code)
    return str(job / name)


def test_what_a_script_returns_is_shown(examine, job):
    path = script(job, "def preprocess_handler(record):\n    print('seen')\n    return {'length': len(record)}\n")
    found = examine(record_preprocessor_script=path, baseline_constraints=None, baseline_statistics=None)
    (_, tried) = [each for each in found.of("ok") if each.check == "scripts"]
    assert tried.text == "script.py made 3 rows of the first records"
    assert tried.shown[:3] == ('{"length": "8"}', '{"length": "8"}', '{"length": "7"}')
    assert "printed: seen" in tried.shown


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_the_kind\n", "ModuleNotFoundError"),
        ("def handler(record):\n    return record\n", "lacks preprocess_handler; it defines handler"),
        ("def preprocess_handler():\n    return 1\n", "cannot be called with the arguments of the job"),
        ("def preprocess_handler(record):\n    return {}['x']\n", "line 2: KeyError: 'x'"),
        ("def preprocess_handler(record):\n    return 42\n", "returned an int"),
        ("def preprocess_handler(record)\n", "SyntaxError"),
    ],
)
def test_a_script_that_fails_is_found_with_its_line(examine, job, code, said):
    found = examine(record_preprocessor_script=script(job, code))
    finding = only(found, "failure", "scripts")
    assert said in finding.text
    assert finding.cure
    assert "/few/" not in finding.text, "the place is that of the data, not of the sample"


def test_a_script_is_called_with_the_first_records_alone(examine, job):
    (job / "processing" / "input" / "a.csv").write_text("age\n" + "1\n" * 5000)
    code = f"def preprocess_handler(record):\n    open({str(job / 'calls')!r}, 'a').write('x')\n    return {{'a': 1}}\n"
    found = examine(record_preprocessor_script=script(job, code), baseline_constraints=None, baseline_statistics=None)
    assert found.ok
    assert len((job / "calls").read_text()) <= 1100


def test_a_script_that_drops_everything_is_found(examine, job):
    path = script(job, "def preprocess_handler(record):\n    return []\n")
    found = examine(record_preprocessor_script=path, baseline_constraints=None, baseline_statistics=None)
    assert "returned no row for any" in only(found, "warning", "scripts").text


def test_a_script_for_afterwards_is_loaded_and_not_called(examine, job):
    code = f"def postprocess_handler():\n    open({str(job / 'called')!r}, 'w')\n"
    found = examine(post_analytics_processor_script=script(job, code))
    assert "has postprocess_handler; it is not called here" in only(found, "ok", "scripts").text
    assert not (job / "called").exists()
    found = examine(post_analytics_processor_script=script(job, "x = 1\n", "other.py"))
    assert "lacks postprocess_handler" in only(found, "failure", "scripts").text


# --- Java, memory ---


def test_no_java_is_found_where_one_is_needed(examine, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert (
        "There is no Java, but ANALYZER_ENGINE is spark."
        in only(examine(ANALYZER_ENGINE="spark"), "failure", "Java").text
    )
    large = only(examine(ANALYZER_SPARK_THRESHOLD="1"), "warning", "Java")
    assert "the local engine will do it" in large.text
    assert "none is needed" in only(examine(), "skipped", "Java").text
    table = examine(dataset_format='{"spark":{"table":"t"}}')
    assert "only Spark reads" in only(table, "failure", "Java").text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("echo 'openjdk version \"11.0.2\"' >&2", "is Java 11; Spark needs 17 or newer"),
        ("echo 'java version \"1.8.0_301\"' >&2", "is Java 8; Spark needs 17 or newer"),
        ("exit 3", "does not start"),
    ],
)
def test_java_that_is_too_old_or_broken_is_found(examine, job, monkeypatch, code, said):
    (job / "bin").mkdir()
    (job / "bin" / "java").write_text(f"#!/bin/sh\n{code}\n")
    (job / "bin" / "java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(job))
    assert said in only(examine(ANALYZER_ENGINE="spark"), "failure", "Java").text
    assert said in only(examine(), "warning", "Java").text


def test_rules_without_their_jars_are_found(examine, job):
    (job / "rules.dqdl").write_text("Rules = [ RowCount > 1 ]")
    (job / "empty").mkdir()
    found = examine(ANALYZER_RULES=str(job / "rules.dqdl"), ANALYZER_DEEQU_JAR=str(job / "empty"))
    assert only(found, "failure", "rules").cure


def test_little_memory_is_found(examine, job, monkeypatch):
    (job / "max").write_text("900000000\n")
    (job / "used").write_text("100000000\n")
    monkeypatch.setattr(memory, "LIMIT", job / "max")
    monkeypatch.setattr(memory, "USED", job / "used")
    with (job / "processing" / "input" / "b.csv").open("wb") as stream:
        stream.write(b"age,plan\n1,gold\n")
        stream.write(b"1,gold\n" * (BYTES // 7))
        stream.truncate(250_000_000)  # what is behind the records that are looked at takes no disk
    finding = only(examine(ANALYZER_CORES="4"), "warning", "memory")
    assert finding.text == "800 MB are free, but about 1.4 GB are needed."
    assert finding.cure == "Give the job more memory, or set ANALYZER_CORES to 2."
    assert not examine(ANALYZER_CORES="2").of("warning")


def test_a_large_document_is_found(examine, job, monkeypatch):
    (job / "max").write_text("360000000\n")
    (job / "used").write_text("0\n")
    monkeypatch.setattr(memory, "LIMIT", job / "max")
    monkeypatch.setattr(memory, "USED", job / "used")
    (job / "processing" / "input" / "a.csv").unlink()
    rows = ",".join(['{"age":1,"plan":"gold"}'] * 200_000)
    (job / "processing" / "input" / "a.json").write_text(f"[{rows}]")
    finding = only(examine(dataset_format='{"json":{"lines":false}}'), "warning", "memory")
    assert "write an object a line" in finding.cure


def test_a_system_that_does_not_tell_its_memory_is_no_fault(examine, job, monkeypatch):
    for name in ("LIMIT", "USED", "MACHINE"):
        monkeypatch.setattr(memory, name, job / "nothere")
    assert only(examine(), "skipped", "memory")


# --- merges, hostile data ---


def test_a_merge_is_examined(examine, job):
    found = examine(ground_truth_source="/opt/ml/processing/labels", dataset_format=None)
    assert "processing/labels does not exist" in only(found, "failure", "mounts").text


def test_what_data_says_does_not_command_the_terminal(examine, job):
    (job / "processing" / "input" / "a.csv").write_text("\x1b[2J,plan\n1,x\n")
    found = examine()
    assert "\x1b" not in found.text()
    assert "<script>" not in Diagnosis("x", (Finding("a", "failure", "<script>", "<b>"),))._repr_html_()


def test_the_function_examines_data_and_the_environment(job, monkeypatch):
    found = analyzer.doctor(job / "processing" / "input", baseline=job / "processing" / "baseline")
    assert found.ok
    assert found.subject == "the run"
    assert not analyzer.doctor({"age": ["x"], "plan": ["gold"]}, baseline="/nowhere").ok
    assert "does not exist" in analyzer.doctor("/nowhere.csv").findings[0].text
    assert analyzer.doctor().findings[0].text.startswith("Required but not set: dataset_format")
    assert environment.KNOWN


def test_nothing_of_the_log_is_needed(examine, caplog):
    with caplog.at_level(logging.ERROR):
        examine()
    assert not caplog.records
    assert os.environ.get("ANALYZER_ROOT") is None
