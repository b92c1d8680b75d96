"""Histories, dashboards and alerts on S3: nothing but the service is needed to keep them."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path

import boto3
import executions as past
import pytest
from s3_service import BUCKET, Service, bucket

from analyzer.alerts.deliver import deliver
from analyzer.alerts.evaluate import evaluate
from analyzer.alerts.read_rules import parse_rules
from analyzer.dashboard.make_site import make_dashboard
from analyzer.errors import OutputError
from analyzer.history import History
from analyzer.history.database import work_on

PLACE = f"s3://{BUCKET}/monitoring"


@pytest.fixture
def top(service: Service, tmp_path: Path) -> Path:
    """A folder of executions that lies on S3 as well."""
    top = past.write_model(tmp_path / "local", hours=12, breaks=8)
    upload(service, top)
    return top


def upload(service: Service, top: Path) -> None:
    for path in top.rglob("*.*"):
        if path.is_file():
            bucket(service).upload_file(str(path), f"monitoring/{path.relative_to(top).as_posix()}")


def figures(history: History) -> list[dict]:
    names = "time, endpoint, schedule, feature, part, metric, value, threshold"
    return history.query(f"SELECT {names} FROM metrics ORDER BY {names}")


def test_a_history_on_s3_is_the_one_of_the_same_folder_on_disk(top, service):
    here, there = History(f"{top}/history.sqlite"), History(f"{PLACE}/history.sqlite")
    here.update(str(top))
    done = there.update(PLACE)
    assert (done.new, done.skipped) == (28, ())
    assert figures(there) == figures(here)


def test_a_second_import_reads_no_document_and_a_new_one_alone(top, service):
    history = History(f"{PLACE}/history.sqlite")
    history.update(PLACE)
    service.forget()
    done = history.update(PLACE)
    assert (done.new, done.same) == (0, 28)
    assert not service.gets(".json")
    assert not [each for each in service.requests if each.method == "PUT"]
    past.data_quality(past.folder_of(top, "churn", "data-hourly", 12), random.Random(1), broken=True)
    upload(service, top / "churn" / "data-hourly" / "2026/11/01/12")
    new = top / "churn" / "data-hourly" / "2026/11/01/12"
    for path in new.iterdir():
        bucket(service).upload_file(str(path), f"monitoring/churn/data-hourly/2026/11/01/12/{path.name}")
    service.forget()
    assert history.update(PLACE).new == 1
    assert {each.path.rpartition("/")[0][-2:] for each in service.gets(".json")} == {"12"}


def test_a_dashboard_on_s3_links_to_the_reports_beside_it(top, service):
    made = make_dashboard(PLACE)
    assert made.place == f"{PLACE}/dashboard"
    keys = {each.key for each in bucket(service).objects.filter(Prefix="monitoring/dashboard/")}
    assert "monitoring/dashboard/index.html" in keys
    page = next(key for key in keys if "churn-data-hourly" in key)
    text = bucket(service).Object(page).get()["Body"].read().decode()
    assert 'href="../churn/data-hourly/2026/11/01/11/report.html"' in text
    again = make_dashboard(PLACE)
    assert (again.written, again.imported.same) == (0, 28)


def test_a_dashboard_on_disk_of_executions_on_s3_has_no_links_that_lead_nowhere(top, service, tmp_path):
    make_dashboard(PLACE, str(tmp_path / "site"), str(tmp_path / "h.sqlite"))
    page = next((tmp_path / "site").glob("churn-data*")).read_text()
    assert "report.html" not in page
    assert "income" in page


def test_runs_that_write_at_once_lose_nothing(service):
    place = f"{PLACE}/history.sqlite"

    def write(number: int) -> None:
        row = ("m", f"s{number}", "2026-11-01T00:00:00Z", "bias", "ok", 0, 1, "", "", None, 1)
        work_on(
            place,
            lambda connection: connection.execute(
                "INSERT INTO executions (endpoint, schedule, time, kind, verdict, violations, rows, source, folder, "
                "report, present) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row,
            ),
        )  # fmt: skip

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    found = History(place).query("SELECT schedule FROM executions ORDER BY 1")
    assert [row["schedule"] for row in found] == ["s0", "s1", "s2", "s3"]


def test_a_history_that_may_not_be_written_is_named(service):
    service.refusal = lambda request: "403 Forbidden|AccessDenied" if request.method == "PUT" else None
    with pytest.raises(OutputError, match=r"history\.sqlite cannot be kept: access is denied"):
        work_on(
            f"{PLACE}/history.sqlite", lambda connection: connection.execute("INSERT INTO folders VALUES (1, 2, 3)")
        )


def test_sns_gets_a_message_for_each_change(service, tmp_path):
    sns, sqs = boto3.client("sns", region_name="us-east-1"), boto3.client("sqs", region_name="us-east-1")
    topic = sns.create_topic(Name="ops")["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    rules = parse_rules(
        f"targets: {{ops: {{sns: '{topic}'}}}}\n"
        "rules: [{name: 'Größe\\n', metric: violations, comparison: '>', threshold: 0}]\n".encode(),
        "alerts.yaml",
    )
    history = History(str(tmp_path / "top" / "history.sqlite"))
    draw = random.Random(1)
    for hour, broken in enumerate([False, True, True, False]):
        past.data_quality(past.folder_of(tmp_path / "top", "m", "s", hour), draw, broken=broken)
        history.update(str(tmp_path / "top"))
        work_on(history.place, lambda connection: evaluate(connection, rules))
        deliver(history.place, rules)
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    told = [json.loads(json.loads(each["Body"])["Message"]) for each in found]
    assert sorted((each["time"][11:13], each["state"]) for each in told) == [("01", "ALARM"), ("03", "OK")]
    assert json.loads(found[0]["Body"])["MessageAttributes"]["state"]["Value"] in {"ALARM", "OK"}


def test_a_topic_that_is_not_there_is_logged_and_tried_again(service, tmp_path, caplog):
    rules = parse_rules(
        b"targets: {ops: {sns: 'arn:aws:sns:us-east-1:123456789012:gone'}}\n"
        b"rules: [{metric: violations, comparison: '>', threshold: 0}]\n",
        "alerts.yaml",
    )
    history = History(str(tmp_path / "top" / "history.sqlite"))
    past.data_quality(past.folder_of(tmp_path / "top", "m", "s", 0), random.Random(1), broken=True)
    history.update(str(tmp_path / "top"))
    work_on(history.place, lambda connection: evaluate(connection, rules))
    assert deliver(history.place, rules)[0].error is not None
    assert "did not reach ops" in caplog.text
    assert history.query("SELECT delivered FROM deliveries") == [{"delivered": 0}]
