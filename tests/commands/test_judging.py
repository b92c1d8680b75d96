"""`baseline`, `monitor` and `quality` as people type them: defaults, tables, JSON, exit codes, errors."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from analyzer.__main__ import main

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "schemas" / "command-answer.json").read_bytes())


def answered(capsys: pytest.CaptureFixture[str]) -> dict:
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return document


@pytest.fixture
def baseline(here, capsys):
    assert main(["baseline", "training.csv"]) == 0
    capsys.readouterr()
    return here / "baseline"


# --- the usual way ---


def test_a_baseline_shows_what_was_learned(here, capsys):
    assert main(["baseline", "training.csv"]) == 0
    said = capsys.readouterr()
    lines = [line.split() for line in said.out.splitlines()]
    assert said.out.startswith("4 rows of 2 columns learned from training.csv.")
    assert ["age", "Integral", "100.0%", "4", "29", "35.75", "45"] in lines
    assert ["plan", "String", "100.0%", "2"] in lines
    assert lines[-1] == ["Reports:", "baseline/"]
    assert said.err == "training.csv is read as CSV with a header\n"
    names = {path.name for path in (here / "baseline").iterdir()}
    assert names >= {"statistics.json", "constraints.json", "profile.json", "state.json.gz"}


def test_new_data_is_compared_with_the_baseline_beside_it(baseline, here, capsys):
    assert main(["monitor", "new.csv"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("2 rows of 2 columns of new.csv compared with baseline: 2 violations.")
    head, first, second = (line for line in said.splitlines() if re.match("SEVERITY|high|medium", line))
    assert head.split() == ["SEVERITY", "FEATURE", "CHECK", "DESCRIPTION"]
    assert first.split()[:3] == ["high", "age", "completeness_check"]
    assert second.split()[:3] == ["high", "plan", "categorical_values_check"]
    assert "1 of 2 values are missing; 50 % are present, 100 % expected" in first
    violations = json.loads((here / "report" / "constraint_violations.json").read_bytes())["violations"]
    assert [each["feature_name"] for each in violations] == ["age", "plan"]


def test_the_files_are_those_of_a_job(baseline, here):
    variables = ["--dataset-format", '{"csv":{"header":true}}', "--dataset-source", "new.csv"]
    files = [f"--baseline-{name}={baseline}/{name}.json" for name in ("constraints", "statistics")]
    assert main(["run", *variables, *files, "--output-path", "job", "--exclude-features-attribute", "plan"]) == 0
    assert main(["monitor", "new.csv", "--exclude", "plan", "-b", "baseline", "-o", "mine"]) == 0
    for path in (here / "job").iterdir():
        assert (here / "mine" / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_job_of_the_environment_is_not_taken_for_the_commands(baseline, here, monkeypatch):
    monkeypatch.setenv("baseline_constraints", "/nowhere")
    monkeypatch.setenv("output_path", str(here / "elsewhere"))
    monkeypatch.setenv("publish_cloudwatch_metrics", "Enabled")
    assert main(["monitor", "new.csv"]) == 0
    assert not (here / "elsewhere").exists()
    assert not (here / "root").exists(), "a command leaves no message and no metrics"


@pytest.mark.parametrize("named", ["baseline/constraints.json", "above"])
def test_a_baseline_may_be_named_by_its_constraints_or_a_folder_above(baseline, here, named, capsys):
    (here / "above").mkdir()
    (here / "above" / "deep").symlink_to(baseline)
    assert main(["monitor", "new.csv", "--baseline", named]) == 0
    assert "2 violations" in capsys.readouterr().out


# --- answers for programs ---


def test_json_is_all_that_is_on_stdout(baseline, here, capsys):
    assert main(["monitor", "new.csv", "--format", "json"]) == 0
    document = answered(capsys)
    assert document["status"] == "CompletedWithViolations"
    assert document["output"] == str(here / "report")
    assert [each["feature"] for each in document["violations"]] == ["age", "plan"]
    assert "constraint_violations.json" in document["files"]


def test_logs_go_to_stderr_and_json_to_stdout(baseline, here):
    command = [sys.executable, "-m", "analyzer", "monitor", "new.csv", "--format", "json", "--verbose"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    jsonschema.validate(json.loads(done.stdout), SCHEMA)
    assert "INFO analyzer.job: " in done.stderr


def test_a_failure_is_json_too(here, capsys):
    assert main(["monitor", "new.csv", "--format", "json"]) == 255
    said = capsys.readouterr()
    document = json.loads(said.out)
    jsonschema.validate(document, SCHEMA)
    assert document == {
        "status": "Error",
        "message": "baseline: baseline does not exist.",
        "hint": "Name the folder that `analyzer baseline` wrote.",
    }
    assert said.err == f"Error: {document['message']} {document['hint']}\n"


@pytest.mark.parametrize(("data", "code"), [("new.csv", 1), ("training.csv", 0)])
def test_the_exit_code_tells_of_violations_where_it_is_asked_to(baseline, data, code):
    assert main(["monitor", data]) == 0
    assert main(["monitor", data, "--fail-on-violations"]) == code
    assert main(["monitor", data, "--fail-on-violations", "--format", "json"]) == code


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["monitor", "nowhere.csv"], "dataset_source: nowhere.csv does not exist."),
        (["monitor", "new.csv", "--baseline", "empty"], "There is no constraints.json in empty."),
        (["monitor", "new.csv", "--dataset-format", "xml"], "dataset_format is not valid JSON"),
        (["monitor", "new.csv", "--dataset-format", '{"xml":{}}'], 'dataset_format has the unknown key "xml"'),
        (["baseline", "new.csv", "--exclude", "nothere"], "names column 'nothere', which is not in the data"),
        (["baseline", "new.csv", "--script", "nothere.py"], "record_preprocessor_script: there is no file"),
        (["baseline", "new.csv", "--output", "new.csv/report"], "The output folder"),
        (["quality", "new.csv", "--problem", "binary", "--label", "plan"], "needs inference_attribute or probab"),
        (["baseline", "gs://bucket/data"], "DATA is 'gs://bucket/data'. Set DATA to a path or an s3:// URI."),
    ],
)
def test_what_goes_wrong_is_one_line_with_the_cure(here, arguments, said, capsys):
    (here / "empty").mkdir()
    (here / "baseline").mkdir()
    (here / "baseline" / "constraints.json").write_text('{"version":0.0,"features":[]}')
    assert main(arguments) == 255
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert said in errors[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["monitor"], "Missing argument 'DATA'"),
        (["monitor", "a", "b"], "unexpected extra argument (b)"),
        (["monitor", "a", "--formt", "json"], "--format"),
        (["monitor", "a", "--format", "xml"], "'xml' is not one of 'text', 'json'"),
        (["baseline", "a", "--fail-on-violations"], "No such option"),
        (["quality", "a"], "Missing option '--problem'"),
        (["merge", "captures"], "Missing argument 'LABELS'"),
    ],
)
def test_flags_that_make_no_sense_exit_with_2(here, arguments, said, capsys):
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_names_in_the_data_do_not_command_the_terminal(here, capsys):
    (here / "evil.csv").write_text("\x1b[2J\x1b]0;owned\x07n,plan\n1,a\n2,b\n")
    assert main(["baseline", "evil.csv"]) == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\\x1b[2J" in said.out


# --- a terminal ---


def on_terminal(arguments: list[str]) -> tuple[int, str]:
    """Run the analyzer with a terminal for stderr; returns the exit code and what was drawn."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "analyzer", *arguments], stdout=subprocess.DEVNULL, stderr=follower
    )
    os.close(follower)
    drawn = b""
    while True:
        try:
            some = os.read(leader, 4096)
        except OSError:  # the other end is closed
            break
        if not some:
            break
        drawn += some
    os.close(leader)
    return process.wait(), drawn.decode()


def test_a_terminal_shows_steps_that_go_again(baseline, here):
    code, drawn = on_terminal(["monitor", "new.csv"])
    assert code == 0
    assert "new.csv is read as CSV with a header\r\n" in drawn
    assert "\r\x1b[KReading 1 files in 1 partitions on local" in drawn
    assert drawn.endswith("\r\x1b[K"), "the last step is erased"
    assert "INFO" not in drawn


def test_no_terminal_sees_no_control_characters(baseline, here, capsys):
    assert main(["monitor", "new.csv"]) == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\r" not in said.out + said.err


# --- model quality ---


def test_quality_shows_metrics_and_what_became_worse(here, capsys):
    good = [f"{label},{0.9 if label else 0.1}" for label in (0, 1) * 20]
    bad = [f"{label},{0.1 if label else 0.9}" for label in (0, 1) * 20]
    (here / "good.csv").write_text("\n".join(["y,p", *good]))
    (here / "bad.csv").write_text("\n".join(["y,p", *bad]))
    flags = ["--problem", "binary", "--label", "y", "--score", "p"]
    assert main(["quality", "good.csv", *flags]) == 0
    assert re.search(r"^accuracy +1 ", capsys.readouterr().out, re.MULTILINE)
    assert main(["quality", "bad.csv", *flags, "-b", "quality", "-o", "worse", "--fail-on-violations"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"^accuracy +0 ", said, re.MULTILINE)
    assert re.search(r"^high +accuracy +LessThanThreshold ", said, re.MULTILINE)
    assert main(["quality", "good.csv", *flags, "-b", "quality", "-o", "same", "--fail-on-violations"]) == 0


def test_what_scripts_print_is_not_in_the_answer(baseline, here):
    """Neither in this process nor in a worker beside it."""
    (here / "script.py").write_text(
        "import os\nprint('loading')\n\n\ndef preprocess_handler(record):\n"
        "    os.write(1, b'raw')\n    print('calling')\n    return {'age': 1, 'plan': 'gold'}\n"
    )
    command = [sys.executable, "-m", "analyzer", "monitor", "new.csv", "--script", "script.py", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    jsonschema.validate(json.loads(done.stdout), SCHEMA)
    assert "calling" in done.stderr


def test_an_empty_folder_is_an_error_unless_that_is_normal(baseline, here, capsys):
    (here / "empty").mkdir()
    assert main(["monitor", "empty"]) == 255
    assert "holds no data" in capsys.readouterr().err
    assert main(["monitor", "empty", "--empty-input", "succeed"]) == 0
    assert capsys.readouterr().out.startswith("0 rows of 0 columns of empty compared with baseline: no violations.")


def test_flaws_of_the_original_are_counted(here, capsys):
    rows = "\n".join(["n", *(str(each) for each in (0.1, 0.2, 0.7)), *(["0.3"] * 50)])
    (here / "n.csv").write_text(f"{rows}\n")
    result = json.loads((here / "baseline" / "profile.json").read_bytes()) if main(["baseline", "n.csv"]) == 0 else {}
    said = capsys.readouterr()
    count = len(result["quirks"])
    assert ("Figures with known flaws of the original" in said.out) == (count > 0)
    assert "Original:" not in said.err
    assert main(["baseline", "n.csv", "--verbose"]) == 0


# --- merging ---


@pytest.fixture
def captured(here):
    event = {"data": "0.7", "encoding": "CSV"}
    for folder, part in (
        ("captures/e/v/2025/02/16/11", {"captureData": {"endpointOutput": event}}),
        ("labels/2025/02/17/03", {"groundTruthData": event}),
    ):
        (here / folder).mkdir(parents=True)
        (here / folder / "a.jsonl").write_text(json.dumps({**part, "eventMetadata": {"eventId": "e-1"}}) + "\n")
    return here


def test_captures_and_labels_are_merged_by_their_folders(captured, capsys):
    assert main(["merge", "captures", "labels"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"1 of 1 captures (100.0%) have labels: {captured / 'merged'}")
    assert "2025-02-16T11:00:00Z" in said
    assert list((captured / "merged").rglob("part-*.jsonl"))
    assert not (captured / "root").exists(), "no message is written"
    assert main(["merge", "captures", "labels", "-o", "again", "--format", "json"]) == 0
    assert answered(capsys)["report"]["captures"]["matched"] == 1


def test_merging_by_flags_or_variables_goes_on(captured, monkeypatch):
    flags = ["--dataset-source", "captures", "--ground-truth-source", "labels"]
    assert main(["merge", *flags, "--output-path", "one"]) == 0
    monkeypatch.setenv("dataset_source", "captures")
    monkeypatch.setenv("ground_truth_source", "labels")
    monkeypatch.setenv("output_path", "two")
    assert main(["merge"]) == 0
    for name in ("one", "two"):
        assert list((captured / name).rglob("part-*.jsonl"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a"], "Missing argument 'LABELS'"),
        (["a", "b", "--dataset-source", "c"], "--dataset-source is for merges without CAPTURES"),
        (["a", "b", "--log-level", "DEBUG"], "--log-level is for merges without CAPTURES"),
        (["--format", "json"], "--format and --verbose go with CAPTURES and LABELS"),
    ],
)
def test_what_a_merge_would_not_heed_is_refused(here, arguments, said, capsys):
    assert main(["merge", *arguments]) == 2
    assert said in capsys.readouterr().err
