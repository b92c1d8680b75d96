"""Rules in YAML: what they say, and errors that name line and key."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from analyzer.alerts.read_rules import BAND_KEYS, RULE_KEYS, BandRule, parse_rules, read_rules
from analyzer.errors import ConfigError

WHOLE = """
targets:
  team:
    webhook: https://hooks.example.com/${TEAM_KEY}
    headers: {Authorization: "Bearer ${TEAM_KEY}"}
    body: text
  ops: {sns: "arn:aws:sns:eu-west-1:123456789012:ops"}
  page: {command: [notify, --all]}
rules:
  - name: income is there
    metric: completeness
    feature: income
    endpoint: churn
    comparison: LessThanThreshold
    threshold: 0.95
    datapoints: 3 of 5
    missing: breaching
    period: 1h
    targets: [team, ops]
    description: Somebody broke the feed.
  - metric: drift
    threshold: own
    notify: ALARM
  - name: odd
    metric: mean
    band: {width: 4, season: hour-of-day, least_width: 0.5, days: 14, least: 30}
    comparison: above
"""


def test_a_file_says_rules_and_targets(monkeypatch):
    monkeypatch.setenv("TEAM_KEY", "s3cret")
    rules, targets = parse_rules(WHOLE.encode(), "alerts.yaml")
    first, second, third = rules
    assert (first.name, first.comparison, first.threshold) == ("income is there", "<", 0.95)
    assert (first.to_alarm, first.periods, first.period) == (3, 5, timedelta(hours=1))
    assert (first.endpoint, first.schedule, first.targets) == ("churn", "*", ("team", "ops"))
    assert (second.name, second.comparison, second.notify) == ("drift", "own", ("ALARM",))
    assert second.targets == ("team", "ops", "page")
    assert third.band == BandRule(width=4, season="hour-of-day", least_width=0.5, days=14, least=30)
    assert third.comparison == "above"
    assert targets["team"].place == ("https://hooks.example.com/s3cret",)
    assert targets["team"].headers == {"Authorization": "Bearer s3cret"}
    assert targets["page"].place == ("notify", "--all")


RULE = "rules:\n  - metric: drift\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (RULE + "    treshold: 3\n", 3, "rules[0].treshold: is no key of it. Did you mean threshold?"),
        (RULE + "    comparison: '>'\n    threshold: high\n", 4, "rules[0].threshold: 'high' is not a number, or own"),
        (RULE + "    comparison: '=>'\n    threshold: 1\n", 3, "rules[0].comparison: '=>' is not one of"),
        (RULE + "    threshold: 1\n", 2, "comparison: is missing"),
        (RULE, 2, "threshold: is missing"),
        (RULE + "    threshold: own\n    datapoints: 5 of 3\n", 4, "datapoints: '5 of 3' is not M of N"),
        (RULE + "    threshold: own\n    datapoints: 0\n", 4, "datapoints: 0 is not M of N"),
        (RULE + "    threshold: own\n    missing: good\n", 4, "missing: 'good' is not one of missing"),
        (RULE + "    threshold: own\n    period: soon\n", 4, "period: 'soon' is not a time"),
        (RULE + "    threshold: own\n    targets: [nobody]\n", 4, "targets: 'nobody' is not known"),
        (RULE + "    band: {width: -1}\n", 3, "rules[0].band.width: -1 is not a number above 0"),
        (RULE + "    band:\n      season: yearly\n", 4, "rules[0].band.season: 'yearly'"),
        (RULE + "    band: {}\n    threshold: 1\n", 4, "threshold: goes not with band"),
        (RULE + "    threshold: own\n    threshold: own\n", 4, "threshold stands there twice"),
        ("rules: 3\n", 1, "rules: 3 is no list"),
        ("rules:\n  - 3\n", 2, "rules[0]: 3 is no mapping"),
        ("- a\n", 1, "the file: a list is no mapping"),
        ("targets: {}\n", 1, "rules is missing"),
        ("rules: []\ntargets:\n  a: {}\n", 3, "targets.a: has 0 of webhook, sns, command"),
        ("rules: []\ntargets:\n  a: {webhook: 'ftp://x'}\n", 3, "targets.a.webhook: is no http"),
        ("rules: []\ntargets:\n  a: {sns: topic}\n", 3, "is no ARN"),
        ("rules: []\ntargets:\n  a: {command: rm -rf}\n", 3, "is no list of words"),
        ("rules: []\ntargets:\n  a: {webhook: '${NO_SUCH_VARIABLE}'}\n", 3, "the variable NO_SUCH_VARIABLE is not set"),
        ("rules:\n\t- a\n", 2, "no YAML"),
        ("rules: [\n", 2, "no YAML"),
    ],
)
def test_what_makes_no_sense_is_named_by_line_and_key(text, line, words):
    with pytest.raises(ConfigError) as error:
        parse_rules(text.encode(), "alerts.yaml")
    told = str(error.value)
    assert f"alerts.yaml, line {line}:" in told
    assert words in told


@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"\xff\xfe\x00", b"rules: !!python/object/apply:os.system [ls]"]
)
def test_files_that_are_no_rules_are_refused(content):
    with pytest.raises(ConfigError, match=r"alerts\.yaml"):
        parse_rules(content, "alerts.yaml")


def test_two_rules_need_two_names():
    text = "rules:\n  - {metric: drift, threshold: own}\n  - {metric: drift, threshold: own}\n"
    with pytest.raises(ConfigError, match=r"line 3: .*'drift' is the name of an earlier rule"):
        parse_rules(text.encode(), "alerts.yaml")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml cannot be read"):
        read_rules(tmp_path / "none.yaml")


def test_the_rules_in_the_docs_are_rules(monkeypatch):
    monkeypatch.setenv("TEAM_HOOK", "x")
    page = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text()
    (shown,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    rules, targets = parse_rules(shown.encode(), "alerts.md")
    assert len(rules) == 5
    assert set(targets) == {"team", "ops", "pager"}
    keys = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE)))
    assert set(keys) >= RULE_KEYS | BAND_KEYS
