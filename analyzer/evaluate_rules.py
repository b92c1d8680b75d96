"""The user's rules in DQDL -> what Deequ finds on the rows, and the violations that follow."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyzer.documents import RuleOutcome, Violation
from analyzer.errors import ConfigError, EngineError
from analyzer.stores import read_whole
from analyzer.stores.store import cure_of, reason_of

log = logging.getLogger(__name__)
DATASET = "Dataset"
"""Stands for the column in violations of rules on the whole data set, as in Deequ's own metrics."""
VIEW = "primary"
"""The name by which SQL in rules knows the rows."""
FAMILIES: Mapping[str, str] = {
    "RowCount": "RowCount > 100",
    "ColumnCount": "ColumnCount = 12",
    "ColumnExists": 'ColumnExists "age"',
    "ColumnNamesMatchPattern": 'ColumnNamesMatchPattern "[a-z_]+"',
    "IsComplete": 'IsComplete "age"',
    "Completeness": 'Completeness "age" > 0.9',
    "IsUnique": 'IsUnique "id"',
    "IsPrimaryKey": 'IsPrimaryKey "id"',
    "Uniqueness": 'Uniqueness "id" > 0.99',
    "UniqueValueRatio": 'UniqueValueRatio "id" > 0.99',
    "DistinctValuesCount": 'DistinctValuesCount "plan" <= 3',
    "ColumnValues": 'ColumnValues "plan" in ["basic", "gold"]',
    "ColumnLength": 'ColumnLength "plan" between 3 and 10',
    "ColumnDataType": 'ColumnDataType "joined" = "DATE"',
    "Mean": 'Mean "age" between 30 and 50',
    "Sum": 'Sum "age" > 1000',
    "StandardDeviation": 'StandardDeviation "age" < 20',
    "Entropy": 'Entropy "plan" > 0.3',
    "ColumnCorrelation": 'ColumnCorrelation "age" "spent" > 0.2',
    "DataFreshness": 'DataFreshness "joined" <= 30 days',
    "CustomSql": 'CustomSql "select count(*) from primary where age > 99" = 0',
}
"""Every kind of rule that each supported Deequ evaluates, with an example; a newer one may evaluate more."""
NEEDING_OTHERS = frozenset({"AggregateMatch", "DatasetMatch", "ReferentialIntegrity", "RowCountMatch", "SchemaMatch"})
"""Kinds of rules that compare with another data set."""
ALLOWED = f"Allowed: Rules = [ ... ] with rules, separated by commas, such as {'; '.join(FAMILIES.values())}."
_TEXT = r'"(?:[^"\\]|\\.)*"'
_PART = re.compile(rf"{_TEXT}|#[^\n]*|[\[\](),\n]|[^\"#\[\](),\n]+|.")
_WITH_COLUMNS = re.compile(rf"\b[A-Z]\w*(?:\s+{_TEXT})+")
_AT_LINE = re.compile(r"line (\d+):\d+")
_BAD_TYPE = re.compile(r"(?i:rule type): (\w+)")
_ON_NAMES = "ColumnNamesMatchPattern"
MOST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as the parser reads it, where it begins in its file, and the columns that it names."""

    text: str
    line: int
    columns: tuple[str, ...]

    @property
    def feature_name(self) -> str:
        return ", ".join(self.columns) or DATASET


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A file of rules that was parsed: its text, and the rules in their order."""

    text: str
    rules: tuple[Rule, ...]


# --- reading ----------------------------------------------------------------------------------------------------------


def read_rules(place: Path | str) -> str:
    """Read a file of rules, wherever it lies.

    Raises ConfigError where it cannot be read as text.
    """
    try:
        return read_whole(place).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        cure = "Name a file of DQDL rules: Rules = [ ... ]."
        raise ConfigError(
            f"ANALYZER_RULES: {place} cannot be read: {reason}.",
            cure_of(error, cure) if isinstance(error, OSError) else cure,
        ) from error


def parse_rules(session: Any, text: str, where: str) -> Ruleset:
    """Parse rules with Deequ's own parser; `where` names them in errors.

    Raises ConfigError, with line and rule, for what is no rule or one that is not evaluated here.
    """
    pieces = list(split_rules(text))
    ruleset = _parse(session, text, where, pieces)
    parsed = list(ruleset.getRules() or ())
    if not parsed:
        raise _malformed("there are no rules", where, pieces)
    lines = [line for line, _ in pieces] if len(pieces) == len(parsed) else [1] * len(parsed)
    rules = tuple(
        Rule(each.toString(), line, tuple(dict.fromkeys(_columns_of(each))))
        for each, line in zip(parsed, lines, strict=True)
    )
    unsupported = _unsupported_of(session, ruleset)
    for rule, each in zip(rules, parsed, strict=True):
        _refuse_unsupported(each, unsupported, f"ANALYZER_RULES: {where}, line {rule.line}: {rule.text}")
    return Ruleset(text, rules)


def split_rules(text: str) -> Iterator[tuple[int, str]]:
    """Split the list of rules at its commas: the line on which each begins, and its text without comments."""
    line, depth, begin, found = 1, 0, 0, ""
    for part in _PART.findall(text):
        ends = (part == "," and depth == 1) or (part == "]" and depth == 1)
        if ends and found.strip():
            yield begin, " ".join(found.split())
        depth += (part in "[(") - (part in "])") if len(part) == 1 else 0
        if ends or (part == "[" and depth == 1):
            found = ""
        elif depth and not part.startswith("#"):
            begin = begin if found.strip() else line
            found += part
        line += part.count("\n")


def _parse(session: Any, text: str, where: str, pieces: Sequence[tuple[int, str]]) -> Any:
    parser = session._jvm.software.amazon.glue.dqdl.parser.DQDLParser  # noqa: SLF001 (as PyDeequ does)
    try:
        return parser().parse(text)
    except Exception as error:
        java = getattr(error, "java_exception", None)
        if java is None:
            raise
        raise _malformed(str(java.getMessage()), where, pieces) from None


def _malformed(reason: str, where: str, pieces: Sequence[tuple[int, str]]) -> ConfigError:
    """Name line and rule: the parser says one or the other, but not always."""
    at, bad = _AT_LINE.search(reason), _BAD_TYPE.search(reason)
    said = reason.removeprefix("Parsing Error: ").removeprefix("No rules or analyzers provided., ")
    guilty = None
    if at:
        guilty = next((piece for piece in reversed(pieces) if piece[0] <= int(at[1])), None)
    elif bad:
        guilty = next((piece for piece in pieces if re.search(rf"\b{bad[1]}\b", piece[1]) and _is_odd(piece[1])), None)
        if "not valid" in reason:
            said = f"{bad[1]} is no kind of rule" if bad[1] not in FAMILIES else f"{bad[1]} takes other parameters"
            said += ", or a comma is missing"
    place = f"line {guilty[0]}: {guilty[1][:MOST_SHOWN]}: " if guilty else (f"line {at[1]}: " if at else "")
    return ConfigError(f"ANALYZER_RULES: {where}, {place}{said[:MOST_SHOWN]}.", ALLOWED)


def _is_odd(text: str) -> bool:
    """Tell whether the kind of a rule is unknown, or comes with other parameters than in its example."""
    kinds = _kinds(text)
    wanted = {kind: count for example in FAMILIES.values() for kind, count in _kinds(example)}
    return "threshold" in text or len(kinds) != 1 or any(wanted.get(kind) != count for kind, count in kinds)


def _kinds(text: str) -> list[tuple[str, int]]:
    """List the kinds of rules in a text, each with the number of texts that follow it."""
    found = re.findall(r'\b([A-Z]\w*)((?:\s+"")*)', re.sub(_TEXT, '""', text))
    return [(kind, given.count('""')) for kind, given in found]


def _leaves_of(rule: Any) -> Iterator[Any]:
    nested = list(rule.getNestedRules() or ())
    for each in nested:
        yield from _leaves_of(each)
    if not nested:
        yield rule


def _columns_of(rule: Any) -> Iterator[str]:
    for leaf in _leaves_of(rule):
        given = dict(leaf.getParameters() or {})
        yield from (_unescaped(given[name]) for name in sorted(given) if name.startswith("TargetColumn"))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _unsupported_of(session: Any, ruleset: Any) -> dict[str, str]:
    """Ask Deequ which single rules this version of it cannot evaluate: their texts, and why."""
    translator = session._jvm.com.amazon.deequ.dqdl.translation.DQDLRuleTranslator  # noqa: SLF001 (as PyDeequ does)
    found = [leaf for each in _items(translator.toExecutableRules(ruleset)) for leaf in _executables_of(each)]
    return {
        leaf.dqRule().toString(): leaf.reason().get() if leaf.reason().isDefined() else "it gives no reason"
        for leaf in found
        if leaf.getClass().getSimpleName() == "UnsupportedExecutableRule"
    }


def _executables_of(executable: Any) -> Iterator[Any]:
    if executable.getClass().getSimpleName() != "CompositeExecutableRule":
        yield executable
        return
    for each in _items(executable.nestedRules()):
        yield from _executables_of(each)


def _items(sequence: Any) -> Iterator[Any]:
    """Go over a sequence of Scala's, whose own way to Java differs between Scala's versions."""
    return (sequence.apply(i) for i in range(sequence.size()))


def _refuse_unsupported(parsed: Any, unsupported: Mapping[str, str], place: str) -> None:
    for leaf in _leaves_of(parsed):
        kind, reason = leaf.getRuleType(), unsupported.get(leaf.toString())
        if kind in NEEDING_OTHERS:
            raise ConfigError(f"{place}: {kind} compares with another data set, and a job has only its own.", ALLOWED)
        if reason is not None:
            raise ConfigError(f"{place}: Deequ cannot evaluate it: {reason[:MOST_SHOWN]}.", ALLOWED)
        if leaf.getThresholdCondition() is not None:
            raise ConfigError(
                f"{place}: Deequ parses `with threshold` but judges as if it were not there.",
                f"Count with CustomSql instead. {ALLOWED}",
            )


# --- evaluating -------------------------------------------------------------------------------------------------------


def evaluate_rules(session: Any, frame: Any, ruleset: Ruleset) -> tuple[RuleOutcome, ...]:
    """Evaluate rules on a data frame of Spark's and tell what became of each, in the order of the file.

    Raises EngineError where Deequ fails as a whole; a rule that cannot be evaluated on these rows has failed.
    """
    from pydeequ.dqdl import EvaluateDataQuality

    aliases = aliases_of(frame.columns)
    text = rewrite(ruleset.text, aliases)
    keys = [each.toString() for each in _parse(session, text, "rules", ()).getRules()]
    sensitive = session.conf.get("spark.sql.caseSensitive")
    session.conf.set("spark.sql.caseSensitive", "true")
    frame.createOrReplaceTempView(VIEW)
    try:
        renamed = frame.toDF(*(aliases.get(name, name) for name in frame.columns))
        rows = {row["Rule"]: row for row in EvaluateDataQuality.process(session, renamed, text).collect()}
        on_names = [rule.text for rule in ruleset.rules if aliases and rule.text.startswith(_ON_NAMES)]
        if on_names:  # they are to see the true names, which nothing else needs
            again = EvaluateDataQuality.process(session, frame, f"Rules = [ {', '.join(on_names)} ]")
            rows |= {row["Rule"]: row for row in again.collect()}
    except Exception as error:
        raise EngineError(f"Deequ failed: {_first_line(str(getattr(error, 'java_exception', error)))}") from error
    finally:
        session.catalog.dropTempView(VIEW)
        session.conf.set("spark.sql.caseSensitive", sensitive)
    return tuple(_outcome(rule, rows[key], aliases) for rule, key in zip(ruleset.rules, keys, strict=True))


def aliases_of(columns: Sequence[str]) -> dict[str, str]:
    """Give columns other names where Spark or Deequ would read theirs as syntax (dots, quotes, backticks, ...)."""
    odd = [name for name in columns if not re.fullmatch(r"\w+", name)]
    free = (f"column_{i}" for i in range(1, len(columns) + len(odd) + 1) if f"column_{i}" not in columns)
    return dict(zip(odd, free, strict=False))


def rewrite(text: str, aliases: Mapping[str, str]) -> str:
    """Put aliases in place of the columns that rules name; values, patterns and SQL stay as they are."""

    def column(found: re.Match[str]) -> str:
        name = _unescaped(found[0][1:-1])
        return f'"{aliases[name]}"' if name in aliases else found[0]

    return _WITH_COLUMNS.sub(lambda found: re.sub(_TEXT, column, found[0]), text) if aliases else text


def _outcome(rule: Rule, row: Any, aliases: Mapping[str, str]) -> RuleOutcome:
    passed = row["Outcome"] == "Passed"
    metrics = {_with_names(name, aliases): value for name, value in (row["EvaluatedMetrics"] or {}).items()}
    failure = None if passed else _with_names(_first_line(row["FailureReason"] or "Deequ gives no reason."), aliases)
    return RuleOutcome(rule.text, rule.line, rule.feature_name, passed, metrics, failure)


def _with_names(text: str, aliases: Mapping[str, str]) -> str:
    for name, alias in aliases.items():
        text = re.sub(rf"\b{alias}\b", lambda _, name=name: name, text)  # type: ignore[misc]
    return text


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0][:MOST_SHOWN]


def violations_of(outcomes: Sequence[RuleOutcome]) -> tuple[Violation, ...]:
    """Make a violation of every rule that failed."""
    return tuple(_violation(outcome) for outcome in outcomes if not outcome.passed)


def _violation(outcome: RuleOutcome) -> Violation:
    metrics = ", ".join(f"{name} = {value}" for name, value in sorted(outcome.metrics.items()))
    return Violation(
        outcome.feature_name,
        "custom_rule_check",
        f"Rule {outcome.rule} failed. {outcome.failure}" + (f" Metrics: {metrics}" if metrics else ""),
        {"rule": outcome.rule, "line": outcome.line, "metrics": dict(sorted(outcome.metrics.items()))},
    )
