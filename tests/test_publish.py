"""What whole jobs tell the history, alerts and metric targets after their files are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from http_service import serving
from prometheus_client.parser import text_string_to_metric_families

from analyzer import job
from analyzer.config import read_config
from analyzer.describe_config import describe
from analyzer.errors import ConfigError
from analyzer.history import History

ROWS = "age,plan\n" + "".join(f"{30 + i % 17},{'basic' if i % 3 else 'gold'}\n" for i in range(200))
BROKEN = ROWS.replace("31,", ",").replace("gold", "sïlver")


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr("analyzer.post.PAUSE", 0.01)


@pytest.fixture
def run(tmp_path: Path):
    """Run a job of an hour over broken or clean data."""
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.csv").write_text(ROWS)
    common = {
        "ANALYZER_ROOT": str(tmp_path / "root"), "ANALYZER_ENGINE": "local", "ANALYZER_CORES": "1",
        "dataset_format": '{"csv":{"header":true}}',
    }  # fmt: skip
    told = {"dataset_source": str(tmp_path / "train"), "output_path": str(tmp_path / "base")}
    job.run(read_config(common | told))

    def run(hour: int, *, broken: bool = False, output: str = "", **settings: str) -> int:
        source = tmp_path / f"live-{hour}"
        source.mkdir(exist_ok=True)
        (source / "a.csv").write_text(BROKEN if broken else ROWS)
        told = {
            "dataset_source": str(source), "output_path": output or str(tmp_path / "out"),
            "baseline_constraints": str(tmp_path / "base" / "constraints.json"),
            "baseline_statistics": str(tmp_path / "base" / "statistics.json"),
            "start_time": f"2026-11-23T{hour:02}:00:00Z",
            "end_time": f"2026-11-23T{hour + 1:02}:00:00Z",
            "sagemaker_endpoint_name": "churn", "sagemaker_monitoring_schedule_name": "hourly",
            "cloudwatch_metrics_directory": str(tmp_path / "cloudwatch"),
        }  # fmt: skip
        return job.run(read_config(common | told | settings))

    return run


def test_each_run_records_itself_by_endpoint_schedule_and_time(run, tmp_path):
    history = History(str(tmp_path / "kept" / "h.sqlite"))
    for hour in (3, 4, 4):
        run(hour, broken=hour == 4, ANALYZER_HISTORY=history.place)
    rows = history.query("SELECT endpoint, schedule, time, kind, verdict, rows FROM executions ORDER BY time")
    assert rows == [
        {"endpoint": "churn", "schedule": "hourly", "time": "2026-11-23T03:00:00Z", "kind": "data_quality",
         "verdict": "ok", "rows": 200},
        {"endpoint": "churn", "schedule": "hourly", "time": "2026-11-23T04:00:00Z", "kind": "data_quality",
         "verdict": "violations", "rows": 200},
    ]  # fmt: skip
    drift = history.query("SELECT value FROM metrics WHERE metric = 'drift' AND feature = 'plan' ORDER BY time")
    assert drift[0]["value"] == 0
    assert drift[1]["value"] > 0.1


def test_a_run_in_the_layout_and_a_later_import_are_one_execution(run, tmp_path):
    top = tmp_path / "monitoring"
    history = History(str(top / "history.sqlite"))
    run(3, output=str(top / "churn" / "data" / "2026/11/23/04"), ANALYZER_HISTORY=history.place)
    before = history.query("SELECT endpoint, schedule, time, verdict, rows, source, folder, report FROM executions")
    assert (before[0]["endpoint"], before[0]["schedule"], before[0]["time"]) == (
        "churn",
        "data",
        "2026-11-23T04:00:00Z",
    )
    assert (before[0]["source"], before[0]["folder"]) == ("", "churn/data/2026/11/23/04")
    history.update(str(top))
    after = history.query("SELECT endpoint, schedule, time, verdict, rows, source, folder, report FROM executions")
    assert after == before


def test_alerts_are_evaluated_after_each_run_and_told(run, tmp_path):
    with serving() as hook:
        rules = tmp_path / "alerts.yaml"
        rules.write_text(
            f"targets:\n  team: {{webhook: '{hook.url}'}}\n"
            "rules:\n  - {name: any, metric: violations, comparison: '>', threshold: 0, datapoints: 2 of 3}\n"
        )
        settings = {"ANALYZER_HISTORY": str(tmp_path / "h.sqlite"), "ANALYZER_ALERTS": str(rules)}
        for hour, broken in enumerate([False, True, True, True, False, False]):
            run(hour, broken=broken, **settings)
    assert [(each.document["state"], each.document["time"][11:13]) for each in hook.posted] == [
        ("ALARM", "02"), ("OK", "05"),
    ]  # fmt: skip


def test_what_fails_afterwards_fails_no_job_and_loses_nothing(run, tmp_path, caplog):
    rules = tmp_path / "alerts.yaml"
    rules.write_text(
        "targets:\n  gone: {webhook: 'http://127.0.0.1:9/'}\n"
        "rules:\n  - {metric: violations, comparison: '>', threshold: 0}\n"
    )
    blocked = tmp_path / "file"
    blocked.write_text("no database")
    found = run(
        3, broken=True, ANALYZER_HISTORY=str(tmp_path / "h.sqlite"), ANALYZER_ALERTS=str(rules),
        ANALYZER_METRICS_TARGETS=f"otlp=http://127.0.0.1:9/,prometheus={blocked}/x.prom",
    )  # fmt: skip
    assert found > 0
    assert json.loads((tmp_path / "out" / "constraint_violations.json").read_text())["violations"]
    assert caplog.text.count("did not reach") == 3
    assert run(4, broken=True, ANALYZER_HISTORY=str(blocked)) > 0
    assert "could not be recorded" in caplog.text
    assert blocked.read_text() == "no database"


def test_rules_that_make_no_sense_end_the_job_before_any_work(run, tmp_path):
    rules = tmp_path / "alerts.yaml"
    rules.write_text("rules:\n  - {metric: drift, treshold: 3}\n")
    with pytest.raises(ConfigError, match=r"alerts\.yaml, line 2: rules\[0\]\.treshold"):
        run(3, ANALYZER_HISTORY=str(tmp_path / "h.sqlite"), ANALYZER_ALERTS=str(rules))
    assert not (tmp_path / "out").exists()


def test_alerts_without_a_history_are_refused(run):
    with pytest.raises(ConfigError, match="ANALYZER_ALERTS needs a history"):
        run(3, ANALYZER_ALERTS="/alerts.yaml")


@pytest.mark.parametrize("value", ["prometheus", "statsd=host", "otlp=host:4317", "webhook=ftp://x", "prometheus="])
def test_targets_that_make_no_sense_are_refused_without_what_may_be_secret(run, value):
    with pytest.raises(ConfigError, match="ANALYZER_METRICS_TARGETS is"):
        run(3, ANALYZER_METRICS_TARGETS=value)


def test_metrics_go_to_targets_though_cloudwatch_is_disabled_and_take_any_name(run, tmp_path):
    (tmp_path / "train" / "a.csv").write_text(ROWS)
    run(
        3, broken=True, ANALYZER_METRICS_TARGETS=f"prometheus={tmp_path}/prom", publish_cloudwatch_metrics="Disabled",
    )  # fmt: skip
    assert not (tmp_path / "cloudwatch").exists()
    text = (tmp_path / "prom" / "analyzer_churn_hourly_data_quality.prom").read_text()
    found = {
        (sample.name, sample.labels.get("feature", sample.labels.get("dimension"))): sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["analyzer_violations", "data_quality"].value > 0
    assert found["analyzer_rows", "data_quality"].value == 200
    assert found["analyzer_feature_baseline_drift", "plan"].value > 0.1
    assert found["analyzer_feature_null", "age"].labels == {
        "endpoint": "churn", "monitoring_schedule": "hourly", "feature": "age",
    }  # fmt: skip


def test_both_get_the_same_figures(run, tmp_path):
    run(3, ANALYZER_METRICS_TARGETS=f"prometheus={tmp_path}/all.prom")
    lines = (tmp_path / "cloudwatch" / "cloudwatch_metrics.jsonl").read_text().splitlines()
    shipped = {json.loads(line)["MetricName"] for line in lines}
    assert "feature_completeness_plan" in shipped
    assert "violations" not in shipped
    assert 'analyzer_feature_completeness{endpoint="churn",feature="plan"' in (tmp_path / "all.prom").read_text()


def test_the_log_shows_neither_addresses_nor_headers(tmp_path):
    config = read_config(
        {
            "ANALYZER_ROOT": str(tmp_path), "dataset_source": "/in", "output_path": "/out",
            "dataset_format": '{"csv":{}}', "ANALYZER_METRICS_TARGETS": "webhook=https://host/hunter2",
            "ANALYZER_METRICS_HEADERS": "Authorization=Bearer hunter2",
        }
    )  # fmt: skip
    assert "hunter2" not in describe(config)
    assert "hunter2" not in repr(config)


def test_a_whole_job_loads_nothing_of_this_unless_it_is_asked_for(tmp_path):
    import subprocess
    import sys

    (tmp_path / "a.csv").write_text("n\n1\n")
    variables = {
        "dataset_format": '{"csv":{}}', "dataset_source": str(tmp_path), "output_path": str(tmp_path / "out"),
        "ANALYZER_ROOT": str(tmp_path / "root"),
    }  # fmt: skip
    code = (
        f"import os, sys; os.environ.update({variables!r}); from analyzer.__main__ import main; assert main([]) == 0; "
        "print([name for name in sys.modules if name in {'sqlite3', 'yaml', 'urllib.request'} "
        "or name.startswith(('analyzer.history', 'analyzer.alerts', 'analyzer.metric_targets', 'analyzer.dashboard'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
