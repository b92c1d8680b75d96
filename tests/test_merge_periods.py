"""Hours become days, weeks and months: the reports are those of all rows, and only what changed is made anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from analyses import SIMPLE, analysis, run_analysis, write_table

from analyzer.__main__ import main
from analyzer.config import JobConfig
from analyzer.dataset_formats import CsvFormat
from analyzer.errors import InputError
from analyzer.job import run
from analyzer.merge_periods import MANIFEST, Done, merge_periods
from analyzer.merge_states import merge_states


def execution(runs: Path, hour: str, rows: int = 5, schedule: str = "churn/hourly") -> Path:
    """Run an hour of data and leave its reports where the original leaves them."""
    source = runs.parent / "data" / schedule / hour
    source.mkdir(parents=True, exist_ok=True)
    (source / "a.csv").write_text("n,s\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(rows)))
    folder = runs / schedule / hour
    run(JobConfig(dataset_source=source, dataset_format=CsvFormat(), output_path=folder))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Hours around a change of month and of ISO week: 2026-02-28 is a Saturday, 03-02 a Monday."""
    for hour in ("2026/02/28/22", "2026/02/28/23", "2026/03/01/00", "2026/03/02/00"):
        execution(tmp_path / "runs", hour)
    return tmp_path / "runs"


def config(output: Path, **more) -> JobConfig:
    return JobConfig(**{"dataset_source": "", "dataset_format": CsvFormat(), "output_path": output, "cores": 1, **more})


def places(done: list[Done], output: Path) -> dict[str, tuple[str, int]]:
    return {each.place.removeprefix(f"{output}/"): (each.action, each.states) for each in done}


def rows(folder: Path) -> int:
    return json.loads((folder / "statistics.json").read_bytes())["dataset"]["item_count"]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("day", {"2026/02/28": 2, "2026/03/01": 1, "2026/03/02": 1}),
        ("week", {"2026/W09": 3, "2026/W10": 1}),
        ("month", {"2026/02": 2, "2026/03": 2}),
    ],
)
def test_hours_are_put_together_by_the_calendar(runs, tmp_path, period, expected):
    output = tmp_path / "merged"
    done = merge_periods([runs], period, config(output))
    assert places(done, output) == {
        f"{period}/churn/hourly/{label}": ("new", count) for label, count in expected.items()
    }
    for label, count in expected.items():
        assert rows(output / period / "churn" / "hourly" / label) == 5 * count


def test_a_day_is_what_merging_its_hours_gives(runs, tmp_path):
    merge_periods([runs], "day", config(tmp_path / "merged"))
    merge_states([runs / "churn" / "hourly" / "2026" / "02" / "28"], config(tmp_path / "one"))
    for name in ("statistics.json", "constraints.json", "profile.json", "state.json.gz"):
        day = tmp_path / "merged" / "day" / "churn" / "hourly" / "2026" / "02" / "28"
        assert (day / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), name


def test_a_second_time_only_what_changed_is_made(runs, tmp_path):
    output = tmp_path / "merged"
    merge_periods([runs], "day", config(output))
    assert {action for action, _ in places(merge_periods([runs], "day", config(output)), output).values()} == {
        "unchanged"
    }
    execution(runs, "2026/03/02/01")
    execution(runs, "2026/02/28/22", rows=7)
    done = places(merge_periods([runs], "day", config(output)), output)
    assert done == {
        "day/churn/hourly/2026/02/28": ("made anew", 2),
        "day/churn/hourly/2026/03/01": ("unchanged", 1),
        "day/churn/hourly/2026/03/02": ("added to", 2),
    }
    merge_periods([runs], "day", config(tmp_path / "fresh"))
    for path in (tmp_path / "fresh").rglob("*.*"):
        if path.is_file():
            assert (output / path.relative_to(tmp_path / "fresh")).read_bytes() == path.read_bytes(), path


def test_an_hour_that_comes_late_takes_its_place(runs, tmp_path):
    output = tmp_path / "merged"
    merge_periods([runs], "day", config(output))
    execution(runs, "2026/02/28/21", rows=9)
    assert places(merge_periods([runs], "day", config(output)), output)["day/churn/hourly/2026/02/28"] == (
        "made anew",
        3,
    )
    assert rows(output / "day/churn/hourly/2026/02/28") == 19


@pytest.mark.parametrize("spoil", [b"", b"{}", b'{"version": 1, "settings": 3}', b"\xff"])
def test_a_record_that_is_spoiled_is_made_anew(runs, tmp_path, spoil):
    output = tmp_path / "merged"
    merge_periods([runs], "month", config(output))
    (output / "month/churn/hourly/2026/02" / MANIFEST).write_bytes(spoil)
    assert places(merge_periods([runs], "month", config(output)), output)["month/churn/hourly/2026/02"] == ("new", 2)


def test_another_baseline_judges_anew(runs, tmp_path):
    output, baseline = tmp_path / "merged", runs / "churn" / "hourly" / "2026" / "02" / "28" / "22"
    judged = config(output, baseline_constraints=baseline / "constraints.json")
    merge_periods([runs], "day", config(output))
    done = merge_periods([runs], "day", judged)
    assert {each.action for each in done} == {"new"}
    assert (output / "day/churn/hourly/2026/03/01/constraint_violations.json").exists()
    assert {each.action for each in merge_periods([runs], "day", judged)} == {"unchanged"}


def test_another_choice_of_reports_is_made_anew(runs, tmp_path):
    output = tmp_path / "merged"
    merge_periods([runs], "day", config(output))
    further = config(output, report=("html", "junit"))
    assert {each.action for each in merge_periods([runs], "day", further)} == {"new"}
    assert {each.action for each in merge_periods([runs], "day", further)} == {"unchanged"}


def test_bias_is_measured_anew_where_the_analysis_asks_for_something_else(tmp_path):
    write_table(tmp_path)
    hour = tmp_path / "runs" / "2026" / "02" / "28" / "00"
    hour.parent.mkdir(parents=True)
    run_analysis(tmp_path, SIMPLE).rename(hour)
    merging = ["merge-states", str(tmp_path / "runs"), "--by", "day", "--output", str(tmp_path / "merged")]
    asked = tmp_path / "processing" / "input" / "config" / "analysis_config.json"
    for methods in ("all", ["CI"]):
        asked.write_text(json.dumps(SIMPLE | {"methods": {"pre_training_bias": {"methods": methods}}}))
        assert main([*merging, "--analysis-type", "MODEL_BIAS", "--analysis-config", str(asked)]) == 0
    found = analysis(tmp_path / "merged" / "day" / "2026" / "02" / "28")
    (entry,) = found["pre_training_bias_metrics"]["facets"]["f"]
    assert [each["name"] for each in entry["metrics"]] == ["CI"]


def test_schedules_stay_apart_and_are_not_mixed(runs, tmp_path):
    execution(runs, "2026/02/28/22", schedule="fraud/hourly")
    output = tmp_path / "merged"
    found = places(merge_periods([runs], "month", config(output)), output)
    assert found["month/fraud/hourly/2026/02"] == ("new", 1)
    assert found["month/churn/hourly/2026/02"] == ("new", 2)
    with pytest.raises(InputError, match="different schedules"):
        merge_periods([runs / "churn/hourly/2026", runs / "fraud/hourly/2026"], "month", config(output))


def test_a_year_or_the_folder_of_a_schedule_may_be_named(runs, tmp_path):
    for i, source in enumerate([runs / "churn" / "hourly", runs / "churn" / "hourly" / "2026" / "02"]):
        output = tmp_path / str(i)
        assert "month/2026/02" in places(merge_periods([source], "month", config(output)), output)


def test_reports_inside_the_source_are_not_merged_again(runs, tmp_path):
    for _ in range(2):
        done = merge_periods([runs], "day", config(runs / "merged"))
        assert sum(each.states for each in done) == 4


def test_states_in_no_hour_are_left_out_or_refused(runs, tmp_path, caplog):
    execution(tmp_path / "odd", "now")
    execution(tmp_path / "odd", "2026/13/77/00")
    with pytest.raises(InputError, match=r"No state\.json\.gz lies in a folder yyyy/mm/dd/hh"):
        merge_periods([tmp_path / "odd"], "day", config(tmp_path / "merged"))
    merge_periods([tmp_path / "odd", runs], "day", config(tmp_path / "merged"))
    assert "left out: 2" in caplog.text


def test_several_processes_make_the_same(runs, tmp_path):
    for cores in (1, 2):
        merge_periods([runs], "day", config(tmp_path / str(cores), cores=cores))
    names = [path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*.*") if path.is_file()]
    assert len(names) == 21
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_the_command_says_what_was_made(runs, tmp_path, capsys):
    told = ["merge-states", str(runs), "--by", "month", "--output", str(tmp_path / "merged")]
    assert main(told) == 0
    assert "2026/02: new, 2 states, 10 rows" in capsys.readouterr().out
    assert main(told) == 0
    assert "2 of them in all, 2 unchanged" in capsys.readouterr().out


def test_a_merged_month_becomes_a_baseline_of_two_files_and_a_state(runs, tmp_path, capsys):
    output = tmp_path / "normal"
    told = [str(runs / "churn" / "hourly" / "2026" / "02"), "--baseline", "--output", str(output)]
    assert main(["merge-states", *told]) == 0
    assert sorted(path.name for path in output.iterdir()) == ["constraints.json", "state.json.gz", "statistics.json"]
    merge_states([runs / "churn" / "hourly" / "2026" / "02"], config(tmp_path / "one"))
    for name in ("constraints.json", "statistics.json"):
        assert (output / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert main(["merge-states", str(runs), "--baseline", "--by", "day", "--output", str(output)]) == 2
    assert "cannot be combined" in capsys.readouterr().err
    judged = ["--baseline-constraints", str(output / "constraints.json")]
    assert main(["merge-states", *told, *judged]) == 2
    assert "not judged" in capsys.readouterr().err
