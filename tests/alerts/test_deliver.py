"""Messages over a real wire: a webhook and a command (SNS is with the tests of S3), once for each change of state."""

from __future__ import annotations

import json
import sys

import pytest

RULES = """
targets:
  %s
rules:
  - {name: high, metric: mean, feature: x, comparison: '>', threshold: 10%s}
"""


def hooked(alerts, hook, more: str = "", rule: str = ""):
    alerts.rules = RULES % (f"team: {{webhook: '{hook.url}/in?key=hunter2'{more}}}", rule)
    return alerts


def test_a_webhook_hears_of_each_change_and_of_nothing_else(alerts, hook):
    hooked(alerts, hook, ", headers: {X-Key: abc}")
    alerts.states([1, 11, 12, 3, 4])
    assert [each.document["state"] for each in hook.posted] == ["ALARM", "OK"]
    first = hook.posted[0]
    assert first.path == "/in?key=hunter2"
    assert first.headers["X-Key"] == "abc"
    assert first.headers["Content-Type"] == "application/json"
    assert first.document == {
        "rule": "high", "state": "ALARM", "previous_state": "OK", "time": "2026-11-01T01:00:00Z", "endpoint": "m",
        "schedule": "s", "dimension": "data_quality", "feature": "x", "part": "", "metric": "mean", "value": 11.0,
        "low": None, "high": 10.0, "reason": "m / s: mean of x is 11, allowed is at most 10", "description": "",
        "text": "ALARM: high: m / s: mean of x is 11, allowed is at most 10",
    }  # fmt: skip


def test_chats_get_a_text_alone(alerts, hook):
    hooked(alerts, hook, ", body: text")
    alerts.run(0, 11)
    assert list(hook.posted[0].document) == ["text"]


def test_a_rule_may_tell_of_alarms_alone(alerts, hook):
    hooked(alerts, hook, rule=", notify: [ALARM]")
    alerts.states([11, 1, 11])
    assert [each.document["state"] for each in hook.posted] == ["ALARM", "ALARM"]


def test_a_service_that_stumbles_is_asked_again(alerts, hook):
    hooked(alerts, hook)
    hook.answers = [503, 429]
    alerts.run(0, 11)
    assert len(hook.posted) == 3
    assert [each.error for each in alerts.told] == [None]


def test_a_message_that_is_refused_is_logged_kept_and_tried_again_next_time(alerts, hook, caplog):
    hooked(alerts, hook)
    hook.answers = [404]
    alerts.run(0, 11)
    assert len(hook.posted) == 1
    assert "answered 404" in caplog.text
    assert "hunter2" not in caplog.text
    rows = alerts.history.query("SELECT delivered, attempts, error FROM deliveries")
    assert (rows[0]["delivered"], rows[0]["attempts"]) == (0, 1)
    alerts.run(1, 12)
    assert [each.document["time"] for each in hook.posted] == ["2026-11-01T00:00:00Z"] * 2
    assert alerts.history.query("SELECT delivered, attempts FROM deliveries") == [{"delivered": 1, "attempts": 2}]
    alerts.run(2, 13)
    assert len(hook.posted) == 2


def test_redirects_are_no_delivery(alerts, hook):
    hooked(alerts, hook)
    hook.answers, hook.headers = [302], {"Location": f"{hook.url}/login"}
    alerts.run(0, 11)
    assert [each.path.startswith("GET") for each in hook.posted] == [False]
    assert alerts.told[0].error is not None


def test_what_cannot_be_reached_fails_nothing_and_is_not_asked_for_each_message(alerts, caplog):
    alerts.rules = RULES.replace("feature: x, ", "") % ("team: {webhook: 'http://127.0.0.1:9/'}", "")
    alerts.rules = alerts.rules.replace("metric: mean", "metric: distinct")
    for schedule in "abcde":
        alerts.run(0, 1, schedule=schedule)
    assert caplog.text.count("cannot be reached") <= 2 * 5
    assert len(alerts.told) == 2
    rows = alerts.history.query("SELECT count(*) n FROM deliveries WHERE NOT delivered")
    assert rows == [{"n": 10}]


def test_a_command_reads_the_message_and_no_shell_sees_it(alerts, tmp_path):
    out = tmp_path / "out.json"
    program = f"import sys; open({str(out)!r}, 'a').write(sys.stdin.read() + chr(10))"
    command = json.dumps([sys.executable, "-c", program])
    alerts.rules = RULES % (f"page: {{command: {command}}}", ", description: \"$(touch /tmp/no) 'x'\"")
    alerts.run(0, 11)
    assert json.loads(out.read_text())["description"] == "$(touch /tmp/no) 'x'"


@pytest.mark.parametrize(
    ("command", "words"),
    [(["/no/such/program"], "No such file"), ([sys.executable, "-c", "import sys; sys.exit('broken')"], "broken")],
)
def test_a_command_that_fails_is_told_with_its_reason(alerts, command, words, caplog):
    alerts.rules = RULES % (f"page: {{command: {json.dumps(command)}}}", "")
    alerts.run(0, 11)
    assert words in caplog.text
    assert words in alerts.told[0].error


def test_messages_of_a_target_that_is_no_more_are_dropped_with_a_warning(alerts, hook, caplog):
    hooked(alerts, hook)
    hook.answers = [404]
    alerts.run(0, 11)
    alerts.rules = "rules: []\n"
    alerts.evaluate()
    assert "no such target any more" in caplog.text
    assert alerts.history.query("SELECT delivered FROM deliveries") == [{"delivered": 1}]
