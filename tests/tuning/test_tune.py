"""`analyzer tune` as people use it: replay, proposal, files, and what is said where states or wishes make no sense."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from normal_windows import rows_of, state_of, write_baseline, write_windows

from analyzer.__main__ import main
from analyzer.analyzers.table import TableState
from analyzer.decode import read_constraints
from analyzer.errors import ConfigError
from analyzer.tune import Tuning, tune
from analyzer.tuning.rates import Rate

SCHEMAS = Path(__file__).parents[2] / "schemas"
ROWS, FEATURES, WINDOWS = 500, 20, 120


@pytest.fixture(scope="module")
def past(tmp_path_factory) -> Path:
    """A baseline of 3,000 rows and 120 windows of the same kind of rows."""
    folder, random = tmp_path_factory.mktemp("past"), np.random.default_rng(20)
    write_baseline(folder / "baseline", state_of(rows_of(random, 3000, FEATURES)))
    write_windows(folder / "runs", [state_of(rows_of(random, ROWS, FEATURES)) for _ in range(WINDOWS)])
    return folder


def asked(past: Path, output: Path, **more) -> Tuning:
    baseline = past / "baseline"
    told = {"states": [past / "runs"], "constraints": baseline / "constraints.json", "output": output}
    return Tuning(**{**told, "statistics": baseline / "statistics.json", **more})


@pytest.mark.parametrize("method", ["Simple", "Robust"])
def test_the_promised_rate_holds_on_windows_that_were_not_there_yet(past, tmp_path, method):
    document = json.loads((past / "baseline" / "constraints.json").read_bytes())
    document["monitoring_config"]["distribution_constraints"]["comparison_method"] = method
    (tmp_path / "c.json").write_text(json.dumps(document))
    tuned = tune(asked(past, tmp_path / "tuned", constraints=tmp_path / "c.json", rate=0.05))
    random = np.random.default_rng(21)
    fresh = write_windows(tmp_path / "fresh", [state_of(rows_of(random, ROWS, FEATURES)) for _ in range(200)])
    judged = tune(asked(past, tmp_path, states=[fresh], constraints=tmp_path / "tuned" / "constraints.json"))
    original = tune(asked(past, tmp_path, states=[fresh]))
    assert original.now.value > 0.5, "completeness at the baseline's own figure alarms every other window"
    assert tuned.now.value > 0.5
    if method == "Simple":
        assert judged.now.holds(0.05), judged.now
        assert tuned.held_out.holds(0.05), tuned.held_out
    else:  # what Robust takes off for chance may be more than the rate asks for: its threshold cannot fall below 0
        assert judged.now.interval[0] <= 0.05
        assert any("cannot be lower than 0" in note for note in tuned.notes)


def test_drift_is_still_found_with_the_thresholds_proposed(past, tmp_path):
    tune(asked(past, tmp_path / "tuned", rate=0.01))
    random = np.random.default_rng(22)
    batches = [rows_of(random, ROWS, FEATURES) for _ in range(10)]
    shifted = [batch.set_column(0, "normal0", pa.array(random.normal(0.5, 1, size=ROWS))) for batch in batches]
    moved = write_windows(tmp_path / "moved", [state_of(batch) for batch in shifted])
    tuned = asked(past, tmp_path, states=[moved], constraints=tmp_path / "tuned" / "constraints.json")
    found = {(line.feature, line.check): line.now for line in tune(tuned).lines}
    assert found["normal0", "baseline_drift_check"].alarms == 10


def test_the_baseline_that_is_written_is_one_and_differs_in_thresholds_alone(past, tmp_path):
    report = tune(asked(past, tmp_path / "tuned", rate=0.02))
    before = json.loads((past / "baseline" / "constraints.json").read_bytes())
    after = json.loads((tmp_path / "tuned" / "constraints.json").read_bytes())
    jsonschema.validate(after, json.loads((SCHEMAS / "constraints.read.json").read_text()))
    assert (tmp_path / "tuned" / "statistics.json").read_bytes() == (past / "baseline" / "statistics.json").read_bytes()
    assert after["monitoring_config"] == before["monitoring_config"]
    for old, new in zip(before["features"], after["features"], strict=True):
        changed = {key for key in new if new[key] != old.get(key)}
        assert changed <= {"completeness", "monitoringConfigOverrides"}
    proposed = {(line.feature, line.check): line.proposed for line in report.lines if line.proposed is not None}
    read = {feature.name: feature for feature in read_constraints(json.dumps(after), "c").features}
    for (name, check), value in proposed.items():
        feature = read[name]
        distribution = feature.config.distribution if feature.config else None
        found = {
            "completeness_check": feature.completeness,
            "baseline_drift_check": distribution
            and (
                distribution.categorical_comparison_threshold
                if "category" in name
                else distribution.comparison_threshold
            ),
        }[check]
        assert found == value
    assert len(proposed) > 10


def test_a_job_judges_by_the_baseline_that_was_written(past, tmp_path):
    tune(asked(past, tmp_path / "tuned", rate=0.01))
    pq.write_table(pa.Table.from_batches([rows_of(np.random.default_rng(3), ROWS, FEATURES)]), tmp_path / "now.parquet")
    told = ["--baseline", str(tmp_path / "tuned"), "--output", str(tmp_path / "report")]
    assert main(["monitor", str(tmp_path / "now.parquet"), *told]) == 0
    profile = json.loads((tmp_path / "report" / "profile.json").read_bytes())
    after = json.loads((tmp_path / "tuned" / "constraints.json").read_bytes())
    wanted = after["features"][0]["monitoringConfigOverrides"]["distribution_constraints"]["comparison_threshold"]
    assert next(drift for drift in profile["drift"] if drift["feature_name"] == "normal0")["threshold"] == wanted


def test_the_sdk_reads_and_writes_what_was_written(past, tmp_path):
    monitoring = pytest.importorskip("sagemaker.model_monitor")
    tune(asked(past, tmp_path / "tuned", rate=0.02))
    text = (tmp_path / "tuned" / "constraints.json").read_text()
    body = monitoring.Constraints(json.loads(text), "s3://bucket/constraints.json").body_dict
    assert read_constraints(json.dumps(body), "c") == read_constraints(text, "c")


def test_one_process_and_two_find_the_same(past, tmp_path):
    one, two = (tune(asked(past, tmp_path / str(cores), rate=0.02, cores=cores)) for cores in (1, 2))
    assert one.lines == two.lines
    assert (tmp_path / "1" / "constraints.json").read_bytes() == (tmp_path / "2" / "constraints.json").read_bytes()


@pytest.mark.parametrize("method", ["PSI", "Wasserstein", "KolmogorovSmirnov", "Simple"])
def test_other_distances_get_thresholds_in_their_own_unit(past, tmp_path, method):
    document = json.loads((past / "baseline" / "constraints.json").read_bytes())
    categorical = {"KolmogorovSmirnov": "ChiSquared", "PSI": "PSI"}.get(method, "LInfinity")
    document["monitoring_config"]["distribution_constraints"] |= {
        "comparison_method": method, "categorical_drift_method": categorical,
    }  # fmt: skip
    (tmp_path / "c.json").write_text(json.dumps(document))
    report = tune(asked(past, tmp_path / "tuned", constraints=tmp_path / "c.json", rate=0.05))
    assert report.held_out.holds(0.05), report.held_out
    lines = [line for line in report.lines if line.check == "baseline_drift_check"]
    assert {line.method for line in lines} == {method, categorical}
    if method == "KolmogorovSmirnov":
        assert all(0 < line.proposed < 0.05 for line in lines if line.feature.startswith("normal"))


def test_few_windows_are_supplemented_by_drawn_ones_and_that_is_said(past, tmp_path, capsys):
    few = sorted((past / "runs").rglob("state.json.gz"))[:12]
    report = tune(asked(past, tmp_path / "tuned", states=few, rate=0.05))
    assert report.way == "resampled"
    assert "fewer than 50 windows" in report.text()
    judged = tune(asked(past, tmp_path, constraints=tmp_path / "tuned" / "constraints.json"))
    assert Rate(judged.now.alarms, judged.now.windows).value <= 0.12


def test_what_always_fails_is_no_chance_and_is_not_tuned_away(past, tmp_path):
    random = np.random.default_rng(4)
    batches = [rows_of(random, 200, FEATURES) for _ in range(60)]
    texts = [batch.set_column(0, "normal0", pa.array(["word"] * 200)) for batch in batches]
    folder = write_windows(tmp_path / "runs", [state_of(batch) for batch in texts])
    report = tune(asked(past, tmp_path / "tuned", states=[folder], rate=0.05))
    assert report.replayed.value == 1.0
    assert any("data_type_check fails in every window for normal0" in note for note in report.notes)
    after = {
        feature["name"]: feature
        for feature in json.loads((tmp_path / "tuned/constraints.json").read_bytes())["features"]
    }
    assert "datatype_check_threshold" not in after["normal0"].get("monitoringConfigOverrides", {})


def test_windows_with_incidents_can_be_left_out(past, tmp_path):
    report = tune(asked(past, tmp_path, without=["2026/01/01/", "2026/01/02/"]))
    assert report.windows == WINDOWS - 48


def test_an_override_that_is_there_is_added_to(past, tmp_path):
    document = json.loads((past / "baseline" / "constraints.json").read_bytes())
    document["features"][0]["monitoring_config_overrides"] = {"emit_metrics": "Disabled"}
    document["features"][0]["note_of_mine"] = "kept"
    (tmp_path / "c.json").write_text(json.dumps(document))
    tune(asked(past, tmp_path / "tuned", constraints=tmp_path / "c.json", rate=0.05))
    feature = json.loads((tmp_path / "tuned" / "constraints.json").read_bytes())["features"][0]
    assert feature["note_of_mine"] == "kept"
    assert feature["monitoring_config_overrides"]["emit_metrics"] == "Disabled"
    assert "comparison_threshold" in feature["monitoring_config_overrides"]["distribution_constraints"]
    assert "monitoringConfigOverrides" not in feature


def test_windows_with_another_number_of_columns_alarm_and_are_counted(past, tmp_path):
    batch = rows_of(np.random.default_rng(6), 100, FEATURES).drop_columns(["normal0"])
    folder = write_windows(tmp_path / "runs", [state_of(batch)])
    report = tune(asked(past, tmp_path, states=[past / "runs", folder]))
    assert any(note.startswith("1 windows have another number of columns") for note in report.notes)


def test_without_statistics_the_rest_is_replayed_and_that_is_said(past, tmp_path):
    report = tune(asked(past, tmp_path, statistics=None))
    assert {line.check for line in report.lines} == {
        "data_type_check", "completeness_check", "categorical_values_check",
    }  # fmt: skip
    assert "distances are not replayed" in report.notes[0]


@pytest.mark.parametrize("rate", [0.0, 1.0, 5.0, -1.0, float("nan")])
def test_a_rate_is_a_share(past, tmp_path, rate):
    with pytest.raises(ConfigError, match="expected a share"):
        tune(asked(past, tmp_path / "tuned", rate=rate))


def test_empty_windows_prove_nothing_and_break_nothing(past, tmp_path):
    folder = write_windows(tmp_path / "runs", [TableState() for _ in range(3)])
    report = tune(asked(past, tmp_path / "tuned", states=[folder], rate=0.05))
    assert report.windows == 3


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_shows_the_difference(past, tmp_path, capsys):
    told = [str(past / "runs"), "--baseline", str(past / "baseline"), "--output", str(tmp_path / "tuned")]
    assert main(["tune", *told, "--rate", "0.02"]) == 0
    said = capsys.readouterr().out
    assert "120 windows, usually of 500 rows" in said
    assert "With the thresholds proposed" in said
    assert "PROPOSED" in said
    assert f"in {tmp_path / 'tuned'}" in said


def test_the_command_answers_programs(past, tmp_path, capsys):
    told = [str(past / "runs"), "--baseline", str(past / "baseline"), "--output", str(tmp_path / "tuned")]
    assert main(["tune", *told, "--rate", "0.02", "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["wanted_rate"] == 0.02
    assert said["found_by"] == "tail"
    assert said["held_out"]["low"] <= 0.02 <= said["held_out"]["high"]
    assert json.loads((tmp_path / "tuned" / "tuning.json").read_bytes()) == said


def test_a_replay_writes_nothing(past, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["tune", str(past / "runs"), "--baseline", str(past / "baseline")]) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (["--without", "2026"], "No state is left"),
        (["--rate", "2"], "expected a share"),
        (["--baseline", "nowhere"], "nowhere"),
    ],
)
def test_what_makes_no_sense_is_said(past, tmp_path, monkeypatch, capsys, told, words):
    monkeypatch.chdir(tmp_path)
    given = [str(past / "runs"), "--baseline", str(past / "baseline"), *told]
    assert main(["tune", *given]) == 255
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_file_that_is_no_state_names_it(past, tmp_path, capsys):
    (tmp_path / "hour").mkdir()
    (tmp_path / "hour" / "state.json.gz").write_bytes(b"{}")
    told = [str(past / "runs"), str(tmp_path / "hour"), "--baseline", str(past / "baseline")]
    assert main(["tune", *told]) == 255
    assert f"{tmp_path / 'hour' / 'state.json.gz'} is not a state file" in capsys.readouterr().err
