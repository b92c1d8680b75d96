"""Messages from the queue to their targets: a webhook, a topic of SNS or a command; what fails is tried again later."""

from __future__ import annotations

import json
import logging
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from analyzer.alerts.read_rules import Rule, Rules, Target
from analyzer.history.database import Connection, work_on
from analyzer.post import PostError, post

log = logging.getLogger(__name__)
COMMAND_SECONDS = 60
LONGEST_SUBJECT = 100
"""What SNS takes as the subject of a mail."""
SNS_SECONDS = 10
MOST_FAILURES = 2
"""Failures of a target after which the rest of its messages waits for the next run: it is not there."""
MOST_ATTEMPTS = 100
"""Runs after which a message is given up."""


class DeliveryError(Exception):
    """What kept a message from its target."""


class Message(NamedTuple):
    """A message in the queue."""

    delivery: int
    target: str
    attempts: int
    body: dict[str, Any]


class Outcome(NamedTuple):
    """What became of a message; `error` is None where it arrived."""

    message: Message
    error: str | None


def deliver(history: str, rules: Rules) -> list[Outcome]:
    """Deliver what is in the queue of a history, and keep what became of it; nothing that a target does is raised.

    A message arrives at least once: it comes again where a run ends between its arrival and the note of it.
    """
    outcomes: list[Outcome] = []
    failures: Counter[str] = Counter()
    for message in work_on(history, lambda connection: _pending(connection, rules)):
        if failures[message.target] < MOST_FAILURES:
            outcomes.append(_delivered(message, rules))
            failures[message.target] += outcomes[-1].error is not None
    if outcomes:
        work_on(history, lambda connection: _note(connection, outcomes))
    return outcomes


def _pending(connection: Connection, rules: Rules) -> list[Message]:
    by_name = {rule.name: rule for rule in rules.rules}
    rows = connection.execute(
        "SELECT d.id, d.target, d.attempts, t.* FROM deliveries d JOIN transitions t ON t.id = d.transition "
        "WHERE NOT d.delivered AND d.attempts < ? ORDER BY d.id",
        (MOST_ATTEMPTS,),
    )
    names = [each[0] for each in rows.description][3:]
    return [
        Message(row[0], row[1], row[2], _body(dict(zip(names, row[3:], strict=True)), by_name))
        for row in rows.fetchall()
    ]


def _body(row: Mapping[str, Any], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Put together what is sent; docs/alerts.md has it."""
    rule = rules.get(row["rule"])
    found = {
        "rule": row["rule"],
        "state": row["after"],
        "previous_state": row["before"],
        "time": row["time"],
        **{name: row[name] for name in ("endpoint", "schedule", "dimension", "feature", "part", "metric")},
        **{name: _number(row[name]) for name in ("value", "low", "high")},
        "reason": row["reason"],
        "description": rule.description if rule else "",
    }
    return found | {"text": f"{found['state']}: {found['rule']}: {found['reason']}"}


def _number(value: float | None) -> float | str | None:
    """JSON knows no infinities."""
    return str(value) if value is not None and abs(value) == float("inf") else value


def _delivered(message: Message, rules: Rules) -> Outcome:
    target = rules.targets.get(message.target)
    if target is None:
        log.warning("A message for %s is dropped: the rules have no such target any more.", message.target)
        return Outcome(message, None)
    try:
        _SENDERS[target.kind](target, message.body)
    except DeliveryError as error:
        log.error(  # noqa: TRY400 (the reason is in it)
            "The message %r did not reach %s: %s. It is tried again.", message.body["text"], target.name, error
        )
        return Outcome(message, str(error))
    log.info("Told %s: %s", target.name, message.body["text"])
    return Outcome(message, None)


def _note(connection: Connection, outcomes: list[Outcome]) -> None:
    connection.executemany(
        "UPDATE deliveries SET attempts = attempts + 1, delivered = ?, error = ? WHERE id = ?",
        [(each.error is None, each.error, each.message.delivery) for each in outcomes],
    )


# --- kinds of targets -------------------------------------------------------------------------------------------------


def _to_webhook(target: Target, body: Mapping[str, Any]) -> None:
    content = {"text": body["text"]} if target.body == "text" else body
    headers = {"Content-Type": "application/json", "User-Agent": "model-monitor-analyzer", **target.headers}
    try:
        post(target.place[0], json.dumps(content).encode(), headers)
    except PostError as error:
        raise DeliveryError(str(error)) from error


def _to_sns(target: Target, body: Mapping[str, Any]) -> None:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    topic = target.place[0]
    settings = Config(
        connect_timeout=SNS_SECONDS, read_timeout=SNS_SECONDS, retries={"mode": "standard", "total_max_attempts": 3}
    )
    subject = re.sub(r"[^\x20-\x7e]+", " ", f"{body['state']}: {body['rule']}").strip()[:LONGEST_SUBJECT]
    try:
        boto3.client("sns", region_name=topic.split(":")[3] or None, config=settings).publish(
            TopicArn=topic,
            Subject=subject or "Alarm",
            Message=json.dumps(body, indent=2),
            MessageAttributes={"state": {"DataType": "String", "StringValue": body["state"]}},
        )
    except (BotoCoreError, ClientError, ValueError) as error:
        raise DeliveryError(f"{topic} did not take it: {error}") from error


def _to_command(target: Target, body: Mapping[str, Any]) -> None:
    """Start the command without a shell; it reads the message from its standard input."""
    try:
        done = subprocess.run(  # noqa: S603 (the user's own command)
            list(target.place), input=json.dumps(body).encode(), capture_output=True, timeout=COMMAND_SECONDS,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise DeliveryError(f"the command {target.place[0]} failed: {error}") from error
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip()[-300:]
        raise DeliveryError(f"the command {target.place[0]} ended with {done.returncode}: {told}")


_SENDERS: Mapping[str, Callable[[Target, Mapping[str, Any]], None]] = {
    "webhook": _to_webhook,
    "sns": _to_sns,
    "command": _to_command,
}
