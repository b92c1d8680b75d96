"""`analyzer alerts`: rules over past executions."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from analyzer.commands.answer import VIOLATED
from analyzer.commands.history import counted_text, history_flag, quietly, say_skipped
from analyzer.commands.options import ANSWER_SECTION, Family, Flag, Sectioned, place_argument

if TYPE_CHECKING:
    from analyzer.alerts.evaluate import Transition
    from analyzer.alerts.read_rules import Rules
    from analyzer.history.database import Connection

ABOUT: Final = """Rules over past executions: which alarms there are, and messages where one changes its state."""
EVALUATE_ABOUT: Final = """Take in the new executions of a folder or s3:// prefix, evaluate rules over all of them, and
tell the targets which alarms changed their state. What could not be delivered before is tried again.
"""
CHECK_ABOUT: Final = "Read a file of rules and say what they are; what makes no sense is named by line and key."
LIST_ABOUT: Final = "List the alarms of a history and their states."
EXAMPLE: Final = "analyzer alerts evaluate monitoring --rules alerts.yaml"


class _Undone(Exception):  # noqa: N818 (nothing went wrong)
    """Takes back what a dry run did."""


def command() -> click.Group:
    return Family("alerts", ABOUT, ("analyzer alerts check alerts.yaml", EXAMPLE), [_evaluate(), _check(), _list()])


def _rules_flag() -> Flag:
    text = "File of rules, a path or s3:// URI (docs/alerts.md)."
    return Flag(["--rules"], "Rules", metavar="FILE", type=click.Path(), required=True, help=text)


def _evaluate() -> Sectioned:
    flags: list[click.Parameter] = [
        place_argument("folder", "FOLDER"),
        _rules_flag(),
        Flag(["--dry-run"], "Rules", is_flag=True, help="Say what would change; keep nothing and tell nobody."),
        Flag(
            ["--now"], "Rules", metavar="TIME", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ"]),
            help="The time for rules with a period, such as 2026-11-23T05:00:00Z. Default: the clock's.",
        ),
        Flag(["--fail-on-alarm"], ANSWER_SECTION, is_flag=True, help=f"Exit with {VIOLATED} where an alarm is on."),
        history_flag(),
    ]  # fmt: skip
    return Sectioned("evaluate", (EXAMPLE,), params=flags, callback=_evaluated, help=EVALUATE_ABOUT)


def _evaluated(
    folder: str, rules: str, history: str | None, now: datetime | None, *, dry_run: bool, fail_on_alarm: bool
) -> int:
    from analyzer.alerts.deliver import deliver
    from analyzer.alerts.read_rules import read_rules
    from analyzer.history import History, history_in

    read = read_rules(rules)
    place = history or history_in(folder)
    imported = quietly(lambda: History(place).update(folder))
    say_skipped(imported)
    click.echo(counted_text(imported))
    changes = _changes(place, read, now, dry_run=dry_run)
    for change in changes:
        click.echo(f"{change.rule.name}: {change.before} -> {change.judged.state}: {change.judged.reason}")
    outcomes = [] if dry_run else deliver(place, read)
    failed = sum(each.error is not None for each in outcomes)
    on = _alarms_on(place)
    click.echo(
        f"Changes: {len(changes):,}; messages: {len(outcomes) - failed:,} delivered, {failed:,} to be tried again"
    )
    click.echo(f"Alarms that are on: {on:,}")
    return VIOLATED if fail_on_alarm and on else 0


def _changes(place: str, rules: Rules, now: datetime | None, *, dry_run: bool) -> list[Transition]:
    from analyzer.alerts.evaluate import evaluate
    from analyzer.history.database import work_on

    found: list[Transition] = []
    time = now.replace(tzinfo=UTC) if now else datetime.now(UTC)

    def work(connection: Connection) -> None:
        found[:] = evaluate(connection, rules, now=time)
        if dry_run:
            raise _Undone

    with suppress(_Undone):
        quietly(lambda: work_on(place, work), "analyzer.alerts.evaluate")
    return found


def _alarms_on(place: str) -> int:
    from analyzer.history import History

    return int(History(place).ask("SELECT count(*) FROM alarms WHERE state = 'ALARM'").rows[0][0])


def _check() -> Sectioned:
    params: list[click.Parameter] = [place_argument("rules", "RULES")]
    return Sectioned(
        "check", ("analyzer alerts check alerts.yaml",), params=params, callback=_checked, help=CHECK_ABOUT
    )


def _checked(rules: str) -> int:
    from analyzer.alerts.read_rules import read_rules

    found = read_rules(rules)
    for rule in found.rules:
        told = f"band of {rule.band.width:g}" if rule.band else rule.comparison
        limit = "" if rule.threshold is None else f" {rule.threshold:g}"
        of = f"{rule.to_alarm} of {rule.periods}"
        click.echo(f"{rule.name}: {rule.metric} {told}{limit}, {of}, to {', '.join(rule.targets) or 'nobody'}")
    return 0


def _list() -> Sectioned:
    return Sectioned("list", params=[history_flag("./history.sqlite")], callback=_listed, help=LIST_ABOUT)


def _listed(history: str | None) -> int:
    from analyzer.commands.answer import width
    from analyzer.history import HISTORY_FILE, History
    from analyzer.tables import text_table

    answer = History(history or HISTORY_FILE).ask(
        "SELECT state, rule, endpoint, schedule, since, reason FROM alarms ORDER BY state, since DESC, rule"
    )
    click.echo(text_table(answer.columns, [tuple(map(str, row)) for row in answer.rows], width()))
    return 0
