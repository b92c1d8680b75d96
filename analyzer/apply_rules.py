"""The part that rules have in the line: opened before the data is read, applied to its rows, added to the verdict."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from analyzer.analyzers.table import TableState
from analyzer.config import JobConfig
from analyzer.documents import RuleOutcome, Verdict
from analyzer.engine.rows import Source, frame_of

if TYPE_CHECKING:
    from analyzer.engine.spark import Deployment
    from analyzer.evaluate_rules import Ruleset

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Open:
    """What rules need while the job runs: Spark with Deequ on it, and the rules, parsed."""

    session: Any
    ruleset: Ruleset | None
    suggests: bool


@dataclass(frozen=True, slots=True)
class Ruling:
    """What Deequ found: the outcome of every rule, and the text of those it suggests where that was asked for."""

    outcomes: tuple[RuleOutcome, ...] = ()
    suggested: str | None = None


NO_RULING = Ruling()


@contextmanager
def open_rules(config: JobConfig, deployment: Deployment) -> Iterator[Open]:
    """Start Spark with Deequ and parse the rules.

    Raises ConfigError for rules that are none, EngineError where Spark or Deequ is missing.
    """
    from analyzer.engine.spark import spark_session
    from analyzer.evaluate_rules import parse_rules, read_rules

    text = read_rules(config.rules) if config.rules else None
    with spark_session(config, deployment) as session:
        ruleset = None if text is None else parse_rules(session, text, str(config.rules))
        yield Open(session, ruleset, config.suggest_rules)


def apply_rules(rules: Open | None, state: TableState, source: Source) -> Ruling:
    """Evaluate the rules on the rows that `state` was folded from, and have some suggested where that is wanted.

    The rows are read once more and cached: Deequ passes over them several times. Raises EngineError where it fails.
    """
    if rules is None:
        return NO_RULING
    if not state.rows:
        log.warning("There were no rows, so no rule was evaluated.")
        return Ruling(suggested="# There were no rows.\n" if rules.suggests else None)
    from analyzer.evaluate_rules import evaluate_rules
    from analyzer.suggest_rules import suggest_rules

    frame = frame_of(rules.session, source, state).persist()
    try:
        outcomes = evaluate_rules(rules.session, frame, rules.ruleset) if rules.ruleset else ()
        suggested = suggest_rules(rules.session, frame) if rules.suggests else None
    finally:
        frame.unpersist()
    log.info("Rules: %d evaluated, %d failed", len(outcomes), sum(not outcome.passed for outcome in outcomes))
    return Ruling(outcomes, suggested)


def with_rules(verdict: Verdict, outcomes: tuple[RuleOutcome, ...]) -> Verdict:
    """Add the outcomes of rules to a verdict, and a violation for each that failed, after those of the checks."""
    if not outcomes:
        return verdict
    from analyzer.evaluate_rules import violations_of

    return replace(verdict, violations=(*verdict.violations, *violations_of(outcomes)), rules=outcomes)
