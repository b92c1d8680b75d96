"""`analyzer history`, `dashboard` and `alerts` as people use them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import executions as past
import pytest

from analyzer.__main__ import main

RULES = "rules:\n  - {name: any, metric: violations, comparison: '>', threshold: 0}\n"


@pytest.fixture
def monitoring(here: Path) -> Path:
    """The folder `monitoring` with some executions and a broken file."""
    top = past.write_model(here / "monitoring", hours=8, breaks=6)
    (past.folder_of(top, "churn", "data-hourly", 1) / "profile.json").write_text("{")
    return top


def test_executions_are_imported_and_asked_about(monitoring, capfd):
    assert main(["history", "import", "monitoring"]) == 0
    out, err = capfd.readouterr()
    assert out.splitlines() == [
        "Executions: 20 new, 0 changed, 0 as before, 0 gone", "History: monitoring/history.sqlite",
    ]  # fmt: skip
    assert err.startswith("Skipped churn/data-hourly/2026/11/01/01/profile.json: truncated")
    place = ["--history", "monitoring/history.sqlite"]
    sql = "SELECT schedule, verdict FROM latest ORDER BY 1"
    assert main(["history", "query", sql, *place]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == ["SCHEDULE", "VERDICT"]
    assert lines[2].split() == ["bias", "violations"]
    main(["history", "query", sql, *place, "--format", "csv"])
    assert capfd.readouterr().out.splitlines()[:2] == ["schedule,verdict", "attribution,violations"]
    main(["history", "query", sql, *place, "--format", "json"])
    assert json.loads(capfd.readouterr().out)[0] == {"schedule": "attribution", "verdict": "violations"}


def test_a_query_that_makes_no_sense_fails_with_its_reason(monitoring, capfd):
    main(["history", "import", "monitoring"])
    assert main(["history", "query", "SELEC 1", "--history", "monitoring/history.sqlite"]) == 255
    assert 'near "SELEC": syntax error' in capfd.readouterr().err
    assert main(["history", "query", "SELECT 1"]) == 255
    assert "history.sqlite cannot be read" in capfd.readouterr().err


def test_the_schema_is_shown(capfd, here):
    assert main(["history", "schema"]) == 0
    out = capfd.readouterr().out
    assert "CREATE VIEW metrics" in out


def test_a_dashboard_is_made_and_kept_up_to_date(monitoring, capfd):
    assert main(["dashboard", "monitoring"]) == 0
    assert "Pages: 5 of 5 written\nDashboard: monitoring/dashboard/index.html" in capfd.readouterr().out
    assert (monitoring / "dashboard" / "index.html").is_file()
    main(["dashboard", "monitoring"])
    assert "Executions: 0 new, 0 changed, 20 as before, 0 gone\nPages: 0 of 5" in capfd.readouterr().out
    assert main(["dashboard", "nowhere"]) == 255
    assert "nowhere is no folder" in capfd.readouterr().err


def test_alerts_are_tried_out_evaluated_and_listed(monitoring, here, capfd):
    (here / "alerts.yaml").write_text(RULES)
    assert main(["alerts", "check", "alerts.yaml"]) == 0
    assert capfd.readouterr().out == "any: violations > 0, 1 of 1, to nobody\n"
    evaluate = ["alerts", "evaluate", "monitoring", "--rules", "alerts.yaml", "--now", "2026-11-02T00:00:00Z"]
    assert main([*evaluate, "--dry-run"]) == 0
    out = capfd.readouterr().out
    assert "any: INSUFFICIENT_DATA -> ALARM: churn / data-hourly: violations is 3" in out
    assert "Alarms that are on: 0" in out
    assert main([*evaluate, "--fail-on-alarm"]) == 1
    assert "Changes: 4;" in capfd.readouterr().out
    past.data_quality(past.folder_of(monitoring, "churn", "data-hourly", 9), random.Random(1), broken=False)
    main(evaluate)
    out = capfd.readouterr().out
    assert "any: ALARM -> OK: churn / data-hourly" in out
    assert "Changes: 1;" in out
    main(["alerts", "list", "--history", "monitoring/history.sqlite"])
    assert capfd.readouterr().out.count("ALARM") == 3


def test_rules_that_make_no_sense_are_named(here, capfd):
    (here / "alerts.yaml").write_text("rules:\n  - metrik: drift\n")
    assert main(["alerts", "check", "alerts.yaml"]) == 255
    assert "alerts.yaml, line 2: rules[0].metrik: is no key of it. Did you mean metric?" in capfd.readouterr().err


def test_functions_for_notebooks_do_the_same(monitoring):
    import analyzer

    page = analyzer.make_dashboard(monitoring)
    assert Path(page).is_file()
    history = analyzer.open_history(monitoring)
    assert history.query("SELECT count(*) AS n FROM executions") == [{"n": 20}]
    assert analyzer.open_history(monitoring / "history.sqlite") == history
    assert history.update(str(monitoring)).same == 20
