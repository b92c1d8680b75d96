"""The command line as people use it: flags, help, exit codes, and what is said when something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.__main__ import main
from analyzer.config import SETTINGS

CSV = '{"csv":{"header":true}}'


@pytest.fixture
def flags(tmp_path: Path) -> list[str]:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_text("n,s\n1,x\n2,y\n3,x\n")
    return [
        "--dataset-format", CSV, "--dataset-source", str(source), "--output-path", str(tmp_path / "out"),
        "--root", str(tmp_path / "root"),
    ]  # fmt: skip


def message(tmp_path: Path) -> str:
    return (tmp_path / "root" / "output" / "message").read_text()


# --- run ---


def test_flags_describe_a_job_as_the_environment_does(tmp_path, flags, monkeypatch):
    assert main(["run", *flags]) == 0
    assert message(tmp_path) == "Completed: Job completed successfully with no violations."
    described = {
        "dataset_format": CSV, "dataset_source": str(tmp_path / "in"), "output_path": str(tmp_path / "again"),
        "ANALYZER_ROOT": str(tmp_path / "root"),
    }  # fmt: skip
    for name, text in described.items():
        monkeypatch.setenv(name, text)
    assert main([]) == 0
    for name in ("statistics.json", "constraints.json", "profile.json", "state.json.gz"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_flags_without_a_command_are_those_of_run(tmp_path, flags):
    assert main(flags) == 0
    assert (tmp_path / "out" / "statistics.json").exists()


def test_a_flag_wins_over_the_variable_of_that_name(tmp_path, flags, monkeypatch):
    monkeypatch.setenv("output_path", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("exclude_features_attribute", "s")
    monkeypatch.setenv("ANALYZER_COMPATIBILITY", "nonsense")
    assert main([*flags, "--compatibility", "corrected"]) == 0
    assert not (tmp_path / "elsewhere").exists()
    assert json.loads((tmp_path / "out" / "profile.json").read_bytes())["compatibility"] == "corrected"
    assert [f["name"] for f in json.loads((tmp_path / "out" / "statistics.json").read_bytes())["features"]] == ["n"]


def test_a_value_that_makes_no_sense_fails_as_in_a_job(tmp_path, flags):
    assert main([*flags, "--engine", "quantum"]) == 255
    assert message(tmp_path).startswith("Error: ANALYZER_ENGINE is 'quantum'. Set ANALYZER_ENGINE to one of auto, loc")
    assert not (tmp_path / "out").exists()


def test_run_alone_takes_everything_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYZER_ROOT", str(tmp_path / "root"))
    assert main(["run"]) == 255
    assert message(tmp_path).startswith("Error: Required but not set: dataset_format, dataset_source, output_path.")


def test_the_help_lists_every_variable_as_a_flag_with_its_values_and_default(capsys):
    assert main(["run", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for setting in SETTINGS:
        assert f" {setting.flag} " in text
        assert "|".join(setting.allowed) in text
        assert " ".join(setting.help.split()) in text
        if setting.default:
            assert f"Default: {setting.default}." in text


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_the_help_names_the_commands(arguments, capsys):
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "run " in text
    assert "merge-states " in text


def test_the_version_is_that_of_the_package(capsys):
    import analyzer

    assert main(["--version"]) == 0
    assert analyzer.__version__ in capsys.readouterr().out
    assert analyzer.__version__ in (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text()
    with pytest.raises(AttributeError, match="verzion"):
        _ = analyzer.verzion


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engin", "local"], "'--engine'"),
        (["merg"], "No such command 'merg'"),
        (["run", "surplus"], "surplus"),
        (["run", "--engine"], "requires an argument"),
        (["merge-states"], "Missing argument 'STATE...'"),
        (["merge-states", "state.json.gz"], "Missing option '--output'"),
        (["merge-states", "state.json.gz", "--output", "o", "--engine", "spark"], "--engine"),
    ],
)
def test_arguments_that_make_no_sense_exit_with_2_and_say_why(arguments, said, capsys):
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


# --- merge-states ---


@pytest.fixture
def states(tmp_path: Path, flags: list[str]) -> list[str]:
    """Two runs over the same three rows, of which the second has one more."""
    assert main(flags) == 0
    (tmp_path / "in" / "b.csv").write_text("n,s\n4,strange\n")
    assert main([*flags, "--output-path", str(tmp_path / "more")]) == 0
    return [str(tmp_path / "out"), str(tmp_path / "more" / "state.json.gz")]


def test_states_are_merged_into_reports(tmp_path, states, capsys):
    assert main(["merge-states", *states, "--output", str(tmp_path / "day")]) == 0
    assert json.loads((tmp_path / "day" / "statistics.json").read_bytes())["dataset"]["item_count"] == 7
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"7 rows of 2 columns: {tmp_path / 'day'}",
        "Completed: Job completed successfully with no violations.",
    ]
    found = {path.name for path in (tmp_path / "day").iterdir()}
    documents = {"statistics.json", "constraints.json", "profile.json", "state.json.gz"}
    assert found == documents | {"report.html", "report.md"}


def test_merged_states_are_judged_against_a_baseline(tmp_path, states, capsys):
    baseline = ["--baseline-constraints", str(tmp_path / "out" / "constraints.json")]
    assert main(["merge-states", *states, "--output", str(tmp_path / "day"), *baseline]) == 0
    (violation,) = json.loads((tmp_path / "day" / "constraint_violations.json").read_bytes())["violations"]
    assert (violation["feature_name"], violation["constraint_check_type"]) == ("s", "categorical_values_check")
    assert "with 1 violations." in capsys.readouterr().out


def test_merging_takes_settings_but_no_job_from_the_environment(tmp_path, states, monkeypatch):
    """A script of a job that merges states must not be run again, nor judge against the job's baseline."""
    monkeypatch.setenv("baseline_constraints", str(tmp_path / "nothere"))
    monkeypatch.setenv("post_analytics_processor_script", str(tmp_path / "nothere.py"))
    monkeypatch.setenv("publish_cloudwatch_metrics", "Enabled")
    monkeypatch.setenv("ANALYZER_COMPATIBILITY", "corrected")
    monkeypatch.setenv("ANALYZER_EVIDENCE", "false")
    monkeypatch.setenv("ANALYZER_ROOT", str(tmp_path / "root"))
    (tmp_path / "root" / "config").mkdir(parents=True)
    job = {"Environment": {"baseline_constraints": str(tmp_path / "nothere")}}
    (tmp_path / "root" / "config" / "processingjobconfig.json").write_text(json.dumps(job))
    assert main(["merge-states", *states, "--output", str(tmp_path / "day")]) == 0
    profile = json.loads((tmp_path / "day" / "profile.json").read_bytes())
    assert profile["compatibility"] == "corrected"
    assert not any("examples" in each for f in profile["features"] for each in f["evidence"].values())
    assert not (tmp_path / "root" / "output" / "metrics").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["nowhere"], "The state nowhere cannot be read: No such file or directory."),
        (["--baseline-constraints", "nowhere.json"], "nowhere.json cannot be read"),
        (["--compatibility", "best"], "ANALYZER_COMPATIBILITY is 'best'. Set ANALYZER_COMPATIBILITY to one of origin"),
        (["--baseline-statistics", "gs://bucket/s.json"], "Set baseline_statistics to a path or an s3:// URI."),
        (["gs://bucket/state"], "STATE is 'gs://bucket/state'."),
    ],
)
def test_what_goes_wrong_is_one_line_and_exit_255(tmp_path, states, more, said, capsys):
    capsys.readouterr()
    assert main(["merge-states", *states, "--output", str(tmp_path / "day"), *more]) == 255
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert not (tmp_path / "day" / "statistics.json").exists()


def test_a_process_of_its_own_ends_with_the_exit_code(tmp_path):
    command = [sys.executable, "-m", "analyzer", "merge-states", "nowhere", "--output", "day"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 255
    assert done.stdout == ""
    assert done.stderr.startswith("Error: The state nowhere cannot be read")
    assert len(done.stderr.splitlines()) == 1
