"""Rows -> the rules that Deequ suggests for them, in DQDL."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from analyzer.errors import EngineError
from analyzer.evaluate_rules import aliases_of, evaluate_rules, parse_rules

log = logging.getLogger(__name__)
NOTHING = "# Deequ suggests no rules for these rows.\n"
_SHARE = re.compile(r">= (\d+(?:\.\d+)?)")
_VALUES = re.compile(r"(?:Array\(|\[)(.*?)[\])](?:,|\))", re.DOTALL)
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"')


def suggest_rules(session: Any, frame: Any) -> str:
    """Let Deequ profile a data frame and write what it suggests as a file of rules for ANALYZER_RULES.

    Rules that do not hold on these very rows are left out (Deequ guesses uniqueness from an estimate).
    Raises EngineError where Deequ fails.
    """
    aliases = aliases_of(frame.columns)
    names = {aliases.get(name, name): name for name in frame.columns}
    renamed = frame.toDF(*names)
    rules = list(dict.fromkeys(rule for found in _suggestions(session, renamed) for rule in _rules_of(found, names)))
    if not rules:
        return NOTHING
    ruleset = parse_rules(session, _file_of(rules), "suggested rules")
    outcomes = evaluate_rules(session, frame, ruleset)
    held = [rule for rule, outcome in zip(rules, outcomes, strict=True) if outcome.passed]
    return _file_of(held) if held else NOTHING


def _suggestions(session: Any, frame: Any) -> list[dict[str, Any]]:
    from pydeequ.suggestions import DEFAULT, ConstraintSuggestionRunner

    try:
        found = ConstraintSuggestionRunner(session).onData(frame).addConstraintRule(DEFAULT()).run()
    except Exception as error:
        raise EngineError(f"Deequ could suggest no rules: {str(error).splitlines()[0][:300]}") from error
    return list(found["constraint_suggestions"])


def _file_of(rules: list[str]) -> str:
    return "Rules = [\n" + ",\n".join(f"    {rule}" for rule in rules) + "\n]\n"


def _rules_of(found: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    """Write one of Deequ's suggestions, which it words as a call of its own library, in DQDL."""
    column, code = _quoted(names[found["column_name"]]), found["code_for_constraint"]
    share = _SHARE.search(code)
    if ".isComplete(" in code:
        yield f"IsComplete {column}"
    elif ".isUnique(" in code:
        yield f"IsUnique {column}"
    elif ".isNonNegative(" in code:
        yield f"ColumnValues {column} >= 0"
    elif ".hasCompleteness(" in code and share:
        yield f"Completeness {column} >= {share[1]}"
    elif ".isContainedIn(" in code and not share:
        yield from _domain(column, code)
    else:
        log.info("What Deequ suggests has no form in DQDL and is left out: %s", code)


def _domain(column: str, code: str) -> Iterator[str]:
    found = _VALUES.search(code)
    values = _VALUE.findall(found[1]) if found else []
    if values:
        listed = ", ".join(f'"{value}"' for value in values)
        yield f"ColumnValues {column} in [{listed}]"


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
