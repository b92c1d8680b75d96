"""`analyzer doctor` as people and containers call it: exit codes, JSON, stdout that is nothing but the answer."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from analyzer.__main__ import main

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "schemas" / "diagnosis.json").read_bytes())


def test_a_run_that_is_well(here, capsys):
    assert main(["baseline", "training.csv"]) == 0
    assert main(["doctor", "training.csv", "--baseline", "baseline"]) == 0
    assert capsys.readouterr().out.endswith("Nothing was found that would end the run.\n")
    assert not (here / "report").exists()


def test_a_run_that_would_fail(here, capsys):
    (here / "script.py").write_text("def preprocess_handler(record):\n    return {}['x']\n")
    assert main(["doctor", "new.csv", "--script", "script.py"]) == 1
    said = capsys.readouterr().out
    assert "FAILS" in said
    assert "line 2: KeyError: 'x'" in said
    assert said.endswith("1 thing would end the run.\n")


def test_the_job_of_the_environment_is_examined_without_arguments(here, capsys, monkeypatch):
    monkeypatch.setenv("dataset_format", '{"csv":{}}')
    monkeypatch.setenv("dataset_source", str(here / "training.csv"))
    monkeypatch.setenv("output_path", str(here / "out"))
    assert main(["doctor"]) == 0
    monkeypatch.setenv("dataset_source", str(here / "nothere"))
    assert main(["doctor"]) == 1
    assert main(["doctor", "--dataset-source", str(here / "training.csv")]) == 0, "a flag wins"
    assert "nothere does not exist" in capsys.readouterr().out


def test_json_is_all_that_is_on_stdout(here, capsys):
    (here / "script.py").write_text(
        "print('loading')\ndef preprocess_handler(record):\n    print('x')\n    return []\n"
    )
    assert main(["doctor", "new.csv", "--script", "script.py", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    assert document["ok"]
    assert any("printed: x" in each["shown"] for each in document["findings"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["doctor", "--baseline", "x"], "--baseline goes with DATA"),
        (["doctor", "a", "b"], "unexpected extra argument"),
        (["doctor", "--formt"], "No such option"),
    ],
)
def test_flags_that_make_no_sense_exit_with_2(here, arguments, said, capsys):
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_data_that_is_told_twice_is_found(here, capsys):
    assert main(["doctor", "new.csv", "--dataset-source", "training.csv"]) == 1
    assert "dataset_source is given as a setting" in capsys.readouterr().out


def test_the_baseline_of_an_analysis_in_any_spelling_is_found(here, capsys):
    (here / "figures").mkdir()
    (here / "figures" / "constraints.json").write_text("{}")
    asked = ["--analysis-type", "model-bias", "--analysis-config", "config.json"]
    assert main(["doctor", "new.csv", "--baseline", "figures", *asked]) == 1
    assert "There is no analysis.json in figures." in " ".join(capsys.readouterr().out.split())


def test_a_baseline_that_is_none_does_not_hide_the_rest(here, capsys):
    assert main(["doctor", "new.csv", "--baseline", "nothere", "--format", "json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert findings[0]["text"] == "baseline: nothere does not exist."
    assert {each["check"] for each in findings} >= {"baseline", "records", "memory"}
