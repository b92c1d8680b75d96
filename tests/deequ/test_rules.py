"""Rules in DQDL: real jobs with real Deequ, from the file of rules to the reports."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from analyzer.evaluate_rules import FAMILIES

pytestmark = [pytest.mark.spark, pytest.mark.deequ]
SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
ROWS = 200


@pytest.fixture
def data(tmp_path):
    """Customers; `age` lacks in every tenth row, `odd.name` has a dot, `big` no place in a long."""
    folder = tmp_path / "data"
    folder.mkdir()
    today = datetime.now(UTC).date()
    lines = ['id,age,plan,spent,joined,"odd.name",big']
    for i in range(ROWS):
        age = "" if i % 10 == 0 else 20 + i % 50
        day = (today - timedelta(days=1 + i % 20)).isoformat()
        lines.append(f"{i},{age},{('basic', 'gold')[i % 2]},{i % 50 + 0.5},{day},{i % 7},{10**19 + i}")
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def job(ask, data, tmp_path):
    """Run a job with rules; returns its answer and reads its reports."""

    def run(rules: str | None = None, **settings: str):
        variables = {
            "ANALYZER_ROOT": str(tmp_path), "ANALYZER_CORES": "1", "dataset_format": '{"csv":{}}',
            "dataset_source": str(data), "output_path": str(tmp_path / "out"), **settings,
        }  # fmt: skip
        if rules is not None:
            (tmp_path / "checks.dqdl").write_text(rules)
            variables["ANALYZER_RULES"] = "/opt/ml/checks.dqdl"
        return ask("job", variables)

    return run


def load(tmp_path: Path, name: str) -> dict:
    document = json.loads((tmp_path / "out" / name).read_bytes())
    Draft202012Validator(json.loads((SCHEMAS / name).read_text())).validate(document)
    return document


def test_every_family_of_rules_is_evaluated_on_the_rows(job, tmp_path):
    answer = job("Rules = [\n" + ",\n".join(FAMILIES.values()) + "\n]")

    assert "violations" in answer, answer
    found = {rule["rule"].split()[0]: rule for rule in load(tmp_path, "profile.json")["rules"]}
    assert list(found) == list(FAMILIES)
    failed = {kind for kind, rule in found.items() if rule["outcome"] == "Failed"}
    assert failed == {"ColumnCount", "IsComplete", "Completeness"}
    assert answer["violations"] == len(failed)
    assert [rule["line"] for rule in found.values()] == list(range(2, 2 + len(FAMILIES)))
    assert found["RowCount"]["metrics"] == {"Dataset.*.RowCount": ROWS}
    assert found["Completeness"]["metrics"] == {"Column.age.Completeness": 0.9}


def test_what_fails_is_a_violation_with_rule_metric_and_reason(job, tmp_path):
    answer = job(
        'Rules = [ # "not", a [rule]\n RowCount > 1000,\n  (IsComplete "id") and (IsComplete "age"),\n'
        ' ColumnValues "odd.name" between -1 and 3, IsComplete "nowhere", IsComplete "odd.name",\n'
        ' CustomSql "select count(*) from primary where `odd.name` > 5" = 0, Mean "big" > 1,\n'
        ' ColumnNamesMatchPattern "^[a-z.]+$"\n]'
    )

    assert answer == {"violations": 5}
    rows = [
        (each["feature_name"], each["constraint_check_type"], each["description"])
        for each in load(tmp_path, "constraint_violations.json")["violations"]
    ]
    assert {kind for _, kind, _ in rows} == {"custom_rule_check"}
    assert [name for name, _, _ in rows] == ["Dataset", "id, age", "odd.name", "nowhere", "Dataset"]
    texts = [text for _, _, text in rows]
    assert texts[0] == (
        "Rule RowCount > 1000 failed. Value: 200 does not meet the constraint requirement! "
        "Metrics: Dataset.*.RowCount = 200.0"
    )
    assert "Input data does not include column nowhere!" in texts[3]
    assert "Value: 28.0" in texts[4]
    rules = load(tmp_path, "profile.json")["rules"]
    assert [rule["line"] for rule in rules] == [2, 3, 4, 4, 4, 5, 5, 6]
    assert rules[4]["metrics"] == {"Column.odd.name.Completeness": 1.0}
    assert rules[6]["metrics"]["Column.big.Mean"] == pytest.approx(1e19)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ('Rules = [\n RowCount > 1,\n Completeness "age >\n 0.5 ]', "line 3: "),
        (
            'Rules = [\n RowCount > 1,\n Completenes "age" > 0.5\n]',
            'line 3: Completenes "age" > 0.5: Comp',
        ),
        ('Rules = [\n IsComplete "age"\n IsComplete "id"\n]', "line 2: "),
        ('Rules = [\n RowCount > 1,\n RowCountMatch "other" = 1.0\n]', "line 3: RowCountMatch"),
        ('Rules = [\n RowCount > 1,\n ColumnLength "b" = 4 with threshold > 0.1\n]', "line 3: "),
        ('Rules = [\n RowCount > 1,\n ColumnValues "b" in ["x"] with threshold > 0.1\n]', "line 3: "),
        ('Rules = [\n RowCount > 1,\n (RowCount > 2) and (SchemaMatch "other" = 1.0)\n]', "SchemaMatch compares with"),
        ("Rules = [ ]", "No rules"),
        ("Analyzers = [ RowCount ]", "there are no rules"),
        ("", "line 1: "),
    ],
)
def test_what_is_no_rule_ends_the_job_before_it_reads(job, data, tmp_path, rules, message):
    (data / "a.csv").write_text('a,b\n"broken')

    answer = job(rules)

    assert answer["error"] == "ConfigError"
    assert answer["message"].startswith(f"ANALYZER_RULES: {tmp_path}/checks.dqdl, ")
    assert message in answer["message"]
    assert "Allowed: Rules = [ ... ]" in answer["hint"]
    assert not (tmp_path / "out" / "statistics.json").exists()


def test_suggested_rules_are_accepted_unchanged_and_hold(job, data, tmp_path):
    assert job(ANALYZER_SUGGEST_RULES="true") == {"violations": 0}
    text = (tmp_path / "out" / "suggested_rules.dqdl").read_text()
    assert not (tmp_path / "out" / "constraint_violations.json").exists()
    for rule in ('IsComplete "id"', 'IsUnique "id"', 'ColumnValues "plan" in [', 'Completeness "age" >= 0.8',
                 'ColumnValues "odd.name" >= 0'):  # fmt: skip
        assert rule in text

    assert job(text) == {"violations": 0}
    assert load(tmp_path, "constraint_violations.json") == {"violations": []}
    assert len(load(tmp_path, "profile.json")["rules"]) == text.count("\n") - 2

    (data / "b.csv").write_text("id,age,plan,spent,joined,odd.name,big\n-1,,silver,,,,\n")
    assert job(text)["violations"] > 3


def test_rules_see_what_the_script_returns_inside_the_window(job, data, tmp_path):
    (data / "a.csv").unlink()
    records = [
        {"captureData": {"endpointInput": {"data": f"{i}", "encoding": "CSV", "mode": "INPUT",
                                           "observedContentType": "text/csv"}},
         "eventMetadata": {"eventId": str(i), "inferenceTime": f"2026-01-01T{i:02}:00:00Z"}, "eventVersion": "0"}
        for i in range(20)
    ]  # fmt: skip
    (data / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    script = tmp_path / "script.py"
    script.write_text(
        "def preprocess_handler(record):\n    n = int(record.endpoint_input.data)\n"
        "    return {'n': n, 'twice': 2 * n}\n"
    )
    answer = job(
        'Rules = [ RowCount = 5, Sum "twice" = 70, ColumnValues "n" between 4 and 10, ColumnCount = 2 ]',
        dataset_format='{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput"]}}',
        record_preprocessor_script=str(script), start_time="2026-01-01T05:00:00Z", end_time="2026-01-01T10:00:00Z",
    )  # fmt: skip
    assert answer == {"violations": 0}


# --- whole processes ---


def test_kinds_that_a_newer_parser_knows_are_left_to_deequ(deequ_environment, data, tmp_path):
    (parser,) = Path(deequ_environment["ANALYZER_DEEQU_JAR"]).glob("dqdl-*.jar")
    known = json.loads(zipfile.ZipFile(parser).read("rules/rules-config.json"))
    names = {each["rule_type_name"] for each in known["rule_types"]}
    mean = next(each for each in known["rule_types"] if each["rule_type_name"] == "Mean")
    known["rule_types"] += [{**mean, "rule_type_name": name} for name in ("Variance", "Mood") if name not in names]
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules-config.json").write_text(json.dumps(known))

    def job(rules: str):
        written = tmp_path / "checks.dqdl"
        written.write_text(rules)
        return process(
            deequ_environment, "-m", "analyzer", ANALYZER_ROOT=str(tmp_path), ANALYZER_RULES=str(written),
            SPARK_DIST_CLASSPATH=str(tmp_path), dataset_format='{"csv":{}}', dataset_source=str(data),
            output_path=str(tmp_path / "out"),
        )  # fmt: skip

    done = job('Rules = [ Variance "age" > 100, Variance "age" < 2 ]')
    assert done.returncode == 0, done.stderr
    (violation,) = load(tmp_path, "constraint_violations.json")["violations"]
    assert violation["description"].startswith('Rule Variance "age" < 2 failed. Value: 2')

    assert job('Rules = [\n Mood "age" > 100 ]').returncode == 255
    assert 'line 2: Mood "age" > 100: Deequ cannot evaluate it: ' in (tmp_path / "output" / "message").read_text()


def process(environment, *arguments, **variables):
    return subprocess.run(
        [sys.executable, *arguments], env={**environment, **variables}, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip


def test_the_job_ends_though_a_callback_server_still_listens(deequ_environment, data, tmp_path):
    rules = tmp_path / "rules.dqdl"
    rules.write_text("Rules = [ RowCount > 1000 ]")
    code = """
import analyzer.apply_rules as line, sys
plain = line.apply_rules
def apply_rules(rules, *rest):
    from pydeequ.checks import Check, CheckLevel
    Check(rules.session, CheckLevel.Error, "own").hasSize(lambda rows: rows > 1)
    assert rules.session.sparkContext._gateway.get_callback_server() is not None
    return plain(rules, *rest)
import analyzer.job
analyzer.job.apply_rules = apply_rules
from analyzer.__main__ import main
sys.exit(main([]))
"""
    done = process(
        deequ_environment, "-c", code, ANALYZER_ROOT=str(tmp_path), ANALYZER_RULES=str(rules),
        dataset_format='{"csv":{}}', dataset_source=str(data), output_path=str(tmp_path / "out"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "output" / "message").read_text() == (
        "CompletedWithViolations: Job completed successfully with 1 violations."
    )
