"""docs/preprocessors.md: every script and variable is in it, and its examples give what it says."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzer.records import CapturedData

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "preprocessors.md").read_text()
SCRIPTS = sorted((ROOT / "preprocessors").glob("*.py"))
SECTIONS = dict(re.findall(r"^## `(\w+\.py)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_every_script_has_a_section() -> None:
    assert SCRIPTS
    assert set(SECTIONS) == {script.name for script in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_variable_is_in_the_docs_and_in_the_script_with_its_default(script: Path) -> None:
    settings = dict(re.findall(r'os\.environ\.get\("(\w+)", "(.*?)"\)', script.read_text()))
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", SECTIONS[script.name], re.MULTILINE))
    assert {name: value.strip("`") for name, value in documented.items()} == {
        name: default or "(none)" for name, default in settings.items()
    }
    for name, default in settings.items():
        assert re.search(rf"^{name} +{re.escape(default or '(none)')}  ", script.read_text(), re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_stands_alone(script: Path) -> None:
    imported = set(re.findall(r"^\s*(?:from|import) (\w+)", script.read_text(), re.MULTILINE))
    assert imported <= {*sys.stdlib_module_names, "PIL"}


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_the_example_gives_what_the_page_says(name: str, run: Any) -> None:
    if name == "image_statistics.py":
        pytest.importorskip("PIL", reason="Pillow is not installed (extra: images)")
    environment = dict(
        line.split("=", 1)
        for body in re.findall(r"```ini\n(.*?)```", SECTIONS[name], re.DOTALL)
        for line in body.splitlines()
    )
    given, expected = (json.loads(body) for body in re.findall(r"```json\n(.*?)```", SECTIONS[name], re.DOTALL))
    record = CapturedData(given) if "captureData" in given else given
    result = run(name, **environment)(record)
    if not isinstance(result, list):  # the record itself, rewritten or not
        result = record.as_dict() if isinstance(record, CapturedData) else record
    assert rounded(result) == expected


def rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value
