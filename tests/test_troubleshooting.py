"""Every error that the code raises has an entry on the page for troubleshooting, and every entry an error."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from analyzer import errors
from analyzer.stores.s3_errors import REASONS

TOP = Path(__file__).resolve().parents[1]
PAGE = TOP / "docs" / "troubleshooting.md"
ANY = "…"
"""Stands for what differs, on the page and in the messages as they are found in the code."""

FAMILIES = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
OTHERS = {"UsageError", "StoreError", "_none"}
"""Errors of other kinds that people see, and a function that makes one."""
COMPLETED = {"fault", "failed", "refused"}
"""Methods that make an error of the end of its message."""
FEWEST_LETTERS = 8
"""A message whose own words are fewer is made of what another place says."""
VAGUE = {
    "alerts/read_rules", "analysis_config", "ask_analysis", "capture/capture", "cluster/lead",
    "commands/merge_states", "config", "decode", "engine/deequ_jars", "find_analysis", "merge_states",
    "models/endpoint", "models/model", "models/script", "plugins", "scripts",
}  # fmt: skip
"""Modules with such messages: their parts are found elsewhere in the code, or have an entry by hand."""


def words(text: str) -> str:
    return re.sub(r"[^A-Za-z]", "", text)


def texts_of(node: ast.expr) -> list[str]:
    """The messages that an argument may be, with ANY for what is filled in."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        return texts_of(node.body) + texts_of(node.orelse)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [left + right for left in texts_of(node.left) for right in texts_of(node.right)]
    if isinstance(node, ast.JoinedStr):
        parts = (each.value if isinstance(each, ast.Constant) else ANY for each in node.values)
        return [re.sub(f"{ANY}+", ANY, "".join(map(str, parts)))]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.JoinedStr):
        return texts_of(node.args[0])
    return [ANY]


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


@cache
def trees() -> dict[str, ast.Module]:
    return {str(path.relative_to(TOP)): ast.parse(path.read_text()) for path in (TOP / "analyzer").rglob("*.py")}


def families() -> set[str]:
    """The error classes by name, those that modules derive included."""
    classes = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    derived = {
        each.name for each in classes if FAMILIES & {base.id for base in each.bases if isinstance(base, ast.Name)}
    }
    return FAMILIES | derived


def calls() -> Iterator[tuple[str, ast.Call]]:
    wanted = families() | OTHERS | COMPLETED
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and name_of(node) in wanted:
                yield f"{file}:{node.lineno}", node


@cache
def messages() -> dict[str, str]:
    """Each message and where it is raised."""
    found = {
        f"{ANY} {text}" if name_of(call) in COMPLETED else text: place
        for place, call in calls()
        for text in texts_of(call.args[0])
    }
    return found | {reason: f"REASONS[{code!r}]" for code, (reason, _) in REASONS.items()}


@cache
def entries() -> tuple[str, ...]:
    """The codes of the page's entries, which end with a line break each."""
    found = re.findall(r"^(?:- |  )(`+)(.+)\1<br>$", PAGE.read_text(), re.MULTILINE)
    return tuple(text.strip() for _, text in found)


@cache
def pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split(ANY))), re.DOTALL)


def covers(entry: str, message: str) -> bool:
    """Whether an entry is this message, or its beginning where it ends with ANY; it may fill in what differs."""
    return bool(pattern(entry).fullmatch(message) or pattern(message).fullmatch(entry))


def is_vague(message: str) -> bool:
    return len(words(message)) < FEWEST_LETTERS


def uncovered(found: dict[str, str], known: tuple[str, ...]) -> list[str]:
    plain = [entry for entry in known if not is_vague(entry)]
    return [
        f"{place}: {text}"
        for text, place in found.items()
        if not is_vague(text) and not any(covers(entry, text) for entry in plain)
    ]


def test_every_message_of_the_code_has_an_entry() -> None:
    assert len(messages()) > 200
    assert uncovered(messages(), entries()) == [], "add these to docs/troubleshooting.md"


def test_every_entry_is_a_message_of_the_code() -> None:
    sources = "\n".join((TOP / file).read_text() for file in trees())
    stale = [
        entry
        for entry in entries()
        if not any(covers(entry, text) for text in messages())
        and (is_vague(longest := max(entry.split(ANY), key=len).strip()) or longest not in sources)
    ]
    assert stale == [], "the code says nothing of the kind any more"


def test_no_message_says_too_little_to_be_found() -> None:
    vague = {place for text, place in messages().items() if is_vague(text)}
    modules = {place.removeprefix("analyzer/").partition(".py")[0] for place in vague}
    assert modules - VAGUE == set(), "say more, or give the page an entry and add the module to VAGUE"


def test_every_class_of_errors_is_explained_somewhere() -> None:
    raised = {name_of(call) for _, call in calls()}
    assert {name for name in families() if name not in raised} <= {"AnalyzerError"}


@pytest.mark.parametrize("message", ["The moon is in the way.", f"{ANY}: the moon is in the way of {ANY}."])
def test_a_message_without_an_entry_is_found(message: str) -> None:
    assert uncovered({message: "here"}, entries()) == [f"here: {message}"]
