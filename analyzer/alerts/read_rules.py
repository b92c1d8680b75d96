"""The file of rules, YAML, to rules and targets; what makes no sense is named by line and key."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar

from analyzer.alerts.find_band import SEASONS, Season
from analyzer.alerts.judge import TREATMENTS, Missing
from analyzer.config import process_environment
from analyzer.errors import ConfigError
from analyzer.stores import read_whole
from analyzer.stores.store import cure_of, reason_of

Comparison = Literal[">", ">=", "<", "<=", "outside", "above", "below", "own"]
COMPARISONS: Final[Mapping[str, Comparison]] = {
    ">": ">", ">=": ">=", "<": "<", "<=": "<=",
    "GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<", "LessThanOrEqualToThreshold": "<=",
}  # fmt: skip
BAND_COMPARISONS: Final[Mapping[str, Comparison]] = {
    "outside": "outside", "above": "above", "below": "below",
    "LessThanLowerOrGreaterThanUpperThreshold": "outside", "GreaterThanUpperThreshold": "above",
    "LessThanLowerThreshold": "below",
}  # fmt: skip
PERIOD: Final = re.compile(r"(\d+)\s*(m|h|d)")
UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
DATAPOINTS: Final = re.compile(r"(\d+)\s*(?:of|/)\s*(\d+)")
VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
CURE: Final = "docs/alerts.md shows what a file of rules may say."
MOST_PERIODS: Final = 100
OF_EXECUTIONS: Final = ("violations", "rows")
"""Metrics of whole executions."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class BandRule:
    """How a band is learned: so many robust standard deviations to each side, from so many days before."""

    width: float = 3.0
    least_width: float = 0.0
    season: Season = "auto"
    days: float = 28.0
    least: int = 24
    """Values below which there is no band: datapoints then count as missing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: which series it concerns (patterns with * and ?), what breaches, and how often it must."""

    name: str
    metric: str
    comparison: Comparison
    threshold: float | None = None
    band: BandRule | None = None
    endpoint: str = "*"
    schedule: str = "*"
    dimension: str = "*"
    feature: str = "*"
    part: str = "*"
    to_alarm: int = 1
    periods: int = 1
    period: timedelta | None = None
    missing: Missing = "missing"
    notify: tuple[str, ...] = ("ALARM", "OK")
    targets: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Where messages go: `kind` is webhook, sns or command, `place` the URL, the ARN or the words of the command."""

    name: str
    kind: Literal["webhook", "sns", "command"]
    place: tuple[str, ...]
    headers: Mapping[str, str]
    body: Literal["json", "text"] = "json"


class Rules(NamedTuple):
    """A whole file."""

    rules: tuple[Rule, ...]
    targets: Mapping[str, Target]


def read_rules(place: Path | str) -> Rules:
    """Read a file of rules.

    Raises ConfigError, which names line and key, where it is missing or makes no sense.
    """
    try:
        content = read_whole(place)
    except OSError as error:
        raise ConfigError(
            f"The rules {place} cannot be read: {reason_of(error)}.", cure_of(error, "Name a file of YAML.")
        ) from error
    return parse_rules(content, str(place))


def parse_rules(content: bytes, where: str) -> Rules:
    """Parse the content of a file of rules; `where` names it in messages. Raises ConfigError."""
    node = _compose(content, where)
    top = _Map(node, "", {"targets", "rules"})
    targets = {}
    for name, each in _Map(top.node_of("targets"), "targets", None).members() if top.has("targets") else ():
        targets[name] = _target(name, each)
    rules: list[Rule] = []
    for at, each in enumerate(_items(top.node_of("rules"), "rules")):
        rule = _rule(_Map(each, f"rules[{at}]", RULE_KEYS), targets)
        if any(rule.name == other.name for other in rules):
            raise _fault(each, f"rules[{at}].name", f"{rule.name!r} is the name of an earlier rule, too")
        rules.append(rule)
    return Rules(tuple(rules), targets)


# --- YAML with places -------------------------------------------------------------------------------------------------


class _Node(NamedTuple):
    """A value, the line that it is on, and the file."""

    value: Any
    line: int
    where: str


def _compose(content: bytes, where: str) -> _Node:
    import yaml

    try:
        found = yaml.compose(content, Loader=yaml.SafeLoader)
        if found is None:
            raise ConfigError(f"{where} is empty.", CURE)
        return _plain(found, where)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{where}, line {line}: no YAML: {error.problem or error.context}.", CURE) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ConfigError(f"{where} is no YAML: {error}.", CURE) from error


def _plain(node: Any, where: str) -> _Node:
    """Turn nodes of YAML into values that know their line; a key that stands twice is an error."""
    import yaml

    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, _Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                raise ConfigError(f"{where}, line {key.start_mark.line + 1}: {name} stands there twice.", CURE)
            found[name] = _plain(value, where)._replace(line=key.start_mark.line + 1)
        return _Node(found, line, where)
    if isinstance(node, yaml.SequenceNode):
        return _Node([_plain(each, where) for each in node.value], line, where)
    loader = yaml.SafeLoader("")
    return _Node(loader.construct_object(node), line, where)


def _fault(node: _Node, key: str, what: str, cure: str = CURE) -> ConfigError:
    return ConfigError(f"{node.where}, line {node.line}: {key}: {what}.", cure)


def _items(node: _Node, key: str) -> list[_Node]:
    if not isinstance(node.value, list):
        raise _fault(node, key, f"{_shown(node.value)} is no list")
    return node.value


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return repr(value)


class _Map:
    """A mapping whose keys are known; each is read once, by what it may be."""

    def __init__(self, node: _Node, key: str, known: set[str] | None) -> None:
        if not isinstance(node.value, dict):
            raise _fault(node, key or "the file", f"{_shown(node.value)} is no mapping")
        self.node, self.key = node, key
        for name, value in node.value.items():
            if known is not None and name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(sorted(known))}."
                raise _fault(value, self.path(name), "is no key of it", hint)

    def path(self, name: str) -> str:
        return f"{self.key}.{name}" if self.key else name

    def has(self, name: str) -> bool:
        return name in self.node.value

    def members(self) -> Any:
        return self.node.value.items()

    def node_of(self, name: str) -> _Node:
        if name not in self.node.value:
            raise _fault(self.node, self.key or "the file", f"{name} is missing")
        found: _Node = self.node.value[name]
        return found

    def fault(self, name: str, what: str) -> ConfigError:
        return _fault(self.node.value.get(name, self.node), self.path(name), what)

    def take(self, name: str, read: Callable[[Any], _T | None], takes: str, default: _T) -> _T:
        """Read a member; what `read` gives None for is refused, with words for what it takes."""
        if not self.has(name):
            return default
        value = self.node_of(name).value
        found = read(value)
        if found is None:
            raise self.fault(name, f"{_shown(value)} is not {takes}")
        return found


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _positive(value: Any) -> float | None:
    found = _number(value)
    return found if found is not None and found > 0 else None


def _not_negative(value: Any) -> float | None:
    found = _number(value)
    return found if found is not None and found >= 0 else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else None


def _one_of(allowed: Mapping[str, _T] | tuple[Any, ...]) -> Callable[[Any], Any]:
    table = dict(allowed) if isinstance(allowed, Mapping) else {each: each for each in allowed}
    return lambda value: table.get(value) if isinstance(value, str) else None


# --- rules ------------------------------------------------------------------------------------------------------------

SELECTORS: Final = ("endpoint", "schedule", "dimension", "feature", "part")
RULE_KEYS: Final = {
    "name", "metric", *SELECTORS, "comparison", "threshold", "band", "datapoints", "period", "missing", "notify",
    "targets", "description",
}  # fmt: skip
BAND_KEYS: Final = {"width", "least_width", "season", "days", "least"}


def _rule(found: _Map, targets: Mapping[str, Target]) -> Rule:
    metric = found.take("metric", _text, "the name of a metric", "")
    if not metric:
        raise found.fault("metric", "is missing")
    comparison, threshold, band = _condition(found)
    to_alarm, periods = _datapoints(found)
    return Rule(
        name=found.take("name", _text, "a name", metric),
        metric=metric,
        comparison=comparison,
        threshold=threshold,
        band=band,
        **{name: found.take(name, _text, "a name or pattern", "*") for name in SELECTORS},
        to_alarm=to_alarm,
        periods=periods,
        period=found.take("period", _period, "a time such as 1h or 1d", None),
        missing=found.take("missing", _one_of(TREATMENTS), f"one of {', '.join(TREATMENTS)}", "missing"),
        notify=_listed(found, "notify", ("ALARM", "OK", "INSUFFICIENT_DATA"), ("ALARM", "OK")),
        targets=_listed(found, "targets", tuple(targets), tuple(targets)),
        description=found.take("description", _text, "a text", ""),
    )


def _condition(found: _Map) -> tuple[Comparison, float | None, BandRule | None]:
    """Read what breaches: a comparison with a number, with the metric's own threshold, or with a band."""
    if found.has("band"):
        if found.has("threshold"):
            raise found.fault("threshold", "goes not with band")
        comparison = found.take(
            "comparison",
            _one_of(BAND_COMPARISONS),
            f"one of {', '.join(BAND_COMPARISONS)}",
            BAND_COMPARISONS["outside"],
        )
        return comparison, None, _band(found)
    if not found.has("threshold"):
        raise found.fault("threshold", "is missing: a number, own, or a band")
    if found.node_of("threshold").value == "own":
        if found.has("comparison"):
            raise found.fault("comparison", "goes not with the threshold own, which has its side")
        return "own", None, None
    if not found.has("comparison"):
        raise found.fault("comparison", "is missing")
    comparison = found.take("comparison", _one_of(COMPARISONS), f"one of {', '.join(COMPARISONS)}", COMPARISONS[">"])
    return comparison, found.take("threshold", _number, "a number, or own", 0.0), None


def _band(found: _Map) -> BandRule:
    inner = _Map(found.node_of("band"), found.path("band"), BAND_KEYS)
    default = BandRule()
    return BandRule(
        width=inner.take("width", _positive, "a number above 0", default.width),
        least_width=inner.take("least_width", _not_negative, "a number from 0", default.least_width),
        season=inner.take("season", _one_of(SEASONS), f"one of {', '.join(SEASONS)}", default.season),
        days=inner.take("days", _positive, "a number above 0", default.days),
        least=inner.take("least", _whole, "a whole number from 1", default.least),
    )


def _datapoints(found: _Map) -> tuple[int, int]:
    """Read `3 of 5`, or a number that is both."""
    if not found.has("datapoints"):
        return 1, 1
    value = found.node_of("datapoints").value
    words = DATAPOINTS.fullmatch(str(value).strip())
    pair = (int(words[1]), int(words[2])) if words else (value, value)
    if not all(_whole(each) for each in pair) or pair[0] > pair[1] or pair[1] > MOST_PERIODS:
        raise found.fault("datapoints", f"{_shown(value)} is not M of N with 1 <= M <= N <= {MOST_PERIODS}")
    return pair


def _period(value: Any) -> timedelta | None:
    words = PERIOD.fullmatch(str(value).strip())
    return timedelta(**{UNITS[words[2]]: int(words[1])}) if words and int(words[1]) else None


def _listed(found: _Map, name: str, allowed: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
    if not found.has(name):
        return default
    node = found.node_of(name)
    items = node.value if isinstance(node.value, list) else [node]
    for each in items:
        if each.value not in allowed:
            known = f"one of {', '.join(allowed)}" if allowed else "known: there are no targets"
            raise _fault(each, found.path(name), f"{_shown(each.value)} is not {known}")
    return tuple(str(each.value) for each in items)


# --- targets ----------------------------------------------------------------------------------------------------------

KINDS: Final = ("webhook", "sns", "command")


def _target(name: str, node: _Node) -> Target:
    found = _Map(node, f"targets.{name}", {*KINDS, "headers", "body"})
    kinds = [kind for kind in KINDS if found.has(kind)]
    if len(kinds) != 1:
        raise _fault(node, f"targets.{name}", f"has {len(kinds)} of {', '.join(KINDS)}; it needs one")
    kind = kinds[0]
    headers = {}
    if found.has("headers"):
        for key, value in _Map(found.node_of("headers"), found.path("headers"), None).members():
            headers[key] = _expanded(value, f"{found.path('headers')}.{key}", value.value)
    body = found.take("body", _one_of(("json", "text")), "json or text", "json")
    return Target(name, kind, _place(found, kind), headers, body)  # type: ignore[arg-type]


def _place(found: _Map, kind: str) -> tuple[str, ...]:
    node, key = found.node_of(kind), found.path(kind)
    if kind == "command":
        words = _items(node, key) if isinstance(node.value, list) else []
        if not words:
            raise _fault(node, key, "is no list of words; a shell is not asked")
        return tuple(_expanded(each, key, each.value) for each in words)
    place = _expanded(node, key, node.value)
    if kind == "webhook" and not re.match(r"https?://[^/\s]", place):
        raise _fault(node, key, "is no http:// or https:// address")
    if kind == "sns" and not re.match(r"arn:[^:]+:sns:[^:]+:[^:]*:.+", place):
        raise _fault(node, key, f"{place!r} is no ARN of a topic")
    return (place,)


def _expanded(node: _Node, key: str, value: Any) -> str:
    """Put variables of the environment in place of ${NAME}: secrets need not stand in the file."""
    text = _text(value)
    if text is None:
        raise _fault(node, key, f"{_shown(value)} is no text")
    known = process_environment()

    def fill(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise _fault(node, key, f"the variable {match[1]} is not set")
        return known[match[1]]

    return VARIABLE.sub(fill, text)
