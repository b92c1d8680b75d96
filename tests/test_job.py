from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from traffic import BOTH, columns, document, environment, record, run_process, violations, write_csv, write_lines

ROWS = 200
CITIES = ("Ulm", "Bonn", "Kiel")
ROOT = Path(__file__).resolve().parents[1]


def row(i: int) -> tuple[float, int, str]:
    return i / 8, 20 + i % 50, CITIES[i % 3]


def traffic(change: Callable[[int, list[str]], list[str]] = lambda i, values: values, count: int = ROWS) -> list[dict]:
    """The baseline's rows as captured traffic, each changed; the first value is the output."""
    records = []
    for i in range(count):
        output, *given = change(i, [str(value) for value in row(i)])
        records.append(record(",".join(given), output + "\n", event=f"e-{i}"))
    return records


def replaced(at: int, place: int, value: str) -> Callable[[int, list[str]], list[str]]:
    return lambda i, values: [*values[:place], value, *values[place + 1 :]] if i == at else values


@pytest.fixture
def baseline(run_job, tmp_path):
    source = write_csv(tmp_path / "train" / "1.csv", "score,age,city", map(row, range(ROWS)))
    out = run_job(source, {"csv": {"header": True}}, into="baseline")
    return {"baseline_constraints": out / "constraints.json", "baseline_statistics": out / "statistics.json"}


@pytest.fixture
def monitor(run_job, tmp_path, baseline):
    """Monitor records against the baseline; gives the folder with the reports."""

    def run(records, form=BOTH, **settings):
        return run_job(write_lines(tmp_path / "data" / "x.jsonl", records), form, **{**baseline, **settings})

    return run


# --- what the checks find ---------------------------------------------------------------------------------------------


def test_clean_traffic_violates_nothing(monitor) -> None:
    out = monitor(traffic())
    assert (out / "constraint_violations.json").read_text() == '{\n  "violations" : [ ]\n}'
    assert list(columns(out)) == ["score", "age", "city"]
    assert columns(out)["score"] == [i / 8 for i in range(ROWS)]


CORRECTION = 1.8 * math.sqrt((ROWS + ROWS) / (ROWS * ROWS))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            replaced(3, 1, "old"),
            (
                "age",
                "data_type_check",
                (
                    "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
                    "Observed: Only 99.5% of data is Integral."
                ),
            ),
        ),
        (
            replaced(3, 2, ""),
            (
                "city",
                "completeness_check",
                "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 99.5%.",
            ),
        ),
        (
            replaced(3, 2, "Mars"),
            ("city", "categorical_values_check", "Value: 0.995 does not meet the constraint requirement! "),
        ),
        (
            lambda _i, values: [str(float(values[0]) + 1000), *values[1:]],
            ("score", "baseline_drift_check", f"Baseline drift distance: {1 - CORRECTION} exceeds threshold: 0.1"),
        ),
        (
            lambda _i, values: values[:2],
            (
                "Missing columns",
                "missing_column_check",
                (
                    "There are missing columns in current dataset. Number of columns in current dataset: 2, "
                    "Number of columns in baseline constraints: 3"
                ),
            ),
        ),
        (
            lambda _i, values: [*values, "Mars"],
            (
                "Extra columns",
                "extra_column_check",
                (
                    "There are extra columns in current dataset. Number of columns in current dataset: 4, "
                    "Number of columns in baseline constraints: 3"
                ),
            ),
        ),
    ],
    ids=["type", "completeness", "domain", "drift", "missing", "extra"],
)
def test_each_check_fires_alone_with_the_text_of_the_original(monitor, change, found) -> None:
    assert violations(monitor(traffic(change))) == [found]


def test_another_number_of_columns_stops_the_other_checks(monitor) -> None:
    def broken(_i: int, values: list[str]) -> list[str]:
        return ["text", "", "Mars", *values[3:], "more"]

    assert [check for _, check, _ in violations(monitor(traffic(broken)))] == ["extra_column_check"]


def test_violations_come_in_the_order_of_the_columns_and_drift_last(monitor) -> None:
    out = monitor(traffic(lambda i, values: [str(float(values[0]) + 1000), "x" if i else "", "Mars" if i else ""]))
    assert [(name, check) for name, check, _ in violations(out)] == [
        ("age", "data_type_check"),
        ("age", "completeness_check"),
        ("city", "completeness_check"),
        ("city", "categorical_values_check"),
        ("score", "baseline_drift_check"),
        ("city", "baseline_drift_check"),
    ]


def test_profile_tells_where_a_violation_comes_from(monitor, tmp_path) -> None:
    out = monitor(traffic(replaced(3, 2, "Mars")))
    (found,) = document(out, "profile")["violations"]
    assert found["evidence"]["rows"] == 1
    assert str(tmp_path / "data" / "x.jsonl") in str(found["evidence"]["first"])
    assert 4 in found["evidence"]["first"].values()
    assert found["evidence"]["examples"] == {"outside_domain": ["Mars"]}


def test_a_hand_edited_baseline_is_followed(monitor, tmp_path, baseline) -> None:
    constraints = json.loads(Path(baseline["baseline_constraints"]).read_text())
    constraints["features"][1]["monitoring_config_overrides"] = {"evaluate_constraints": "Disabled"}
    constraints["features"][2]["string_constraints"]["domains"].append("Mars")
    del constraints["features"][0]["completeness"]
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(constraints))
    records = traffic(
        lambda i, values: ["" if i == 1 else values[0], "x" if i == 2 else values[1], "Mars" if i == 3 else values[2]]
    )
    assert violations(monitor(records, baseline_constraints=path)) == []


def test_a_monitoring_run_suggests_from_its_own_data(monitor) -> None:
    out = monitor(traffic(replaced(3, 1, "")))
    suggested = {each["name"]: each for each in document(out, "constraints")["features"]}
    assert suggested["age"]["completeness"] == 199 / 200


def test_a_baseline_run_into_the_same_folder_removes_stale_violations(monitor, run_job, tmp_path) -> None:
    out = monitor(traffic(replaced(3, 2, "Mars")))
    assert (out / "constraint_violations.json").exists()
    run_job(tmp_path / "train", {"csv": {}})
    assert sorted(path.name for path in out.iterdir()) == [
        "constraints.json",
        "profile.json",
        "report.html",
        "report.md",
        "state.json.gz",
        "statistics.json",
    ]


# --- metrics ----------------------------------------------------------------------------------------------------------


def metrics(folder: Path) -> list[dict]:
    (path,) = folder.iterdir()
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_metrics_of_a_scheduled_run_carry_its_dimensions_and_time(monitor, tmp_path, caplog) -> None:
    monitor(
        traffic(),
        publish_cloudwatch_metrics="Enabled",
        sagemaker_endpoint_name="churn",
        sagemaker_monitoring_schedule_name="hourly",
        cloudwatch_metrics_directory=tmp_path / "metrics",
        start_time="2025-02-16T11:00:00Z",
        end_time="2025-02-16T12:00:00Z",
    )
    found = {each["MetricName"]: each for each in metrics(tmp_path / "metrics")}
    assert {"feature_data_score", "feature_non_null_city", "feature_baseline_drift_age"} <= set(found)
    assert found["feature_data_score"]["StatisticValues"]["SampleCount"] == ROWS
    names = {each["Name"]: each["Value"] for each in found["feature_baseline_drift_score"]["Dimensions"]}
    assert names["Endpoint"] == "churn"
    assert names["MonitoringSchedule"] == "hourly"
    assert {each["Timestamp"] for each in found.values()} == {"2025-02-16T11:00:00Z"}
    assert "is not set" not in caplog.text


def test_metrics_without_a_schedule_are_written_with_a_warning(monitor, tmp_path, caplog) -> None:
    monitor(traffic(), publish_cloudwatch_metrics="Enabled", cloudwatch_metrics_directory=tmp_path / "metrics")
    assert metrics(tmp_path / "metrics")
    assert "sagemaker_monitoring_schedule_name is not set" in caplog.text


# --- scripts around the job -------------------------------------------------------------------------------------------


def test_the_post_processor_finds_all_files_written(monitor, tmp_path) -> None:
    script = tmp_path / "post.py"
    script.write_text(
        "import os, json\n"
        "def postprocess_handler():\n"
        "    folder = os.environ['OUT']\n"
        "    found = json.load(open(folder + '/constraint_violations.json'))\n"
        "    text = ' '.join([*sorted(os.listdir(folder)), str(len(found['violations']))])\n"
        "    open(folder + '/summary.txt', 'w').write(text)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OUT", str(tmp_path / "output"))
        out = monitor(traffic(replaced(3, 2, "Mars")), post_analytics_processor_script=script)
    written = "constraint_violations.json constraints.json profile.json report.html report.md "
    written += "state.json.gz statistics.json 1"
    assert (out / "summary.txt").read_text() == written


@pytest.mark.parametrize(
    ("script", "names", "settings"),
    [
        ("flatten_array_outputs.py", ["0_output_0000", "1_input_0000", "1_input_0001"], {}),
        ("drop_sentinels.py", ["_c0", "_c1", "_c2"], {"SENTINELS": "20"}),
        ("sample.py", ["_c0", "_c1", "_c2"], {"SAMPLE_SHARE": "0.5"}),
        ("log_records.py", ["_c0", "_c1", "_c2"], {"LOG_EVERY": "50"}),
        ("explode_json.py", ["0_output_0000", "1_input_0000", "1_input_0001"], {}),
        ("text_statistics.py", None, {}),
        ("image_statistics.py", None, {}),
    ],
)
def test_the_ready_made_scripts_run_through_whole_jobs(
    run_job, tmp_path, monkeypatch, caplog, script, names, settings
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    source = write_lines(tmp_path / "data" / "x.jsonl", traffic())
    given = {"record_preprocessor_script": ROOT / "preprocessors" / script}
    with caplog.at_level(logging.INFO):
        first = run_job(source, BOTH, into="baseline", **given)
    said = caplog.text
    found = columns(first)
    if names is None:
        assert {"text_statistics.py": "input_words", "image_statistics.py": "image_width"}[script] in found
    else:
        assert list(found) == names
    out = run_job(
        source,
        BOTH,
        baseline_constraints=first / "constraints.json",
        baseline_statistics=first / "statistics.json",
        **given,
    )
    assert violations(out) == []
    assert columns(out) == found
    if script == "sample.py":
        assert 60 < len(found["_c0"]) < 140
    if script == "drop_sentinels.py":
        assert 20.0 not in found["_c1"]
    if script == "log_records.py":
        assert said.count("of this process: event e-") == 4


# --- as the container does it -----------------------------------------------------------------------------------------


def test_a_process_says_how_it_ended(tmp_path, baseline) -> None:
    source = write_lines(tmp_path / "data" / "x.jsonl", traffic())
    code, message, _ = run_process(environment(tmp_path, source, BOTH, **baseline))
    assert (code, message) == (0, "Completed: Job completed successfully with no violations.")
    write_lines(tmp_path / "data" / "x.jsonl", traffic(replaced(3, 2, "Mars")))
    code, message, log = run_process(
        environment(tmp_path, source, BOTH, publish_cloudwatch_metrics="Enabled", **baseline)
    )
    assert (code, message) == (0, "CompletedWithViolations: Job completed successfully with 1 violations.")
    assert "Using baseline columns: score, age, city" in log
    assert (tmp_path / "output" / "metrics" / "cloudwatch" / "cloudwatch_metrics.jsonl").is_file()
