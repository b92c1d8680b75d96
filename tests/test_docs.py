"""The docs cannot drift: variables, files, modules, links and examples are what they say."""

from __future__ import annotations

import ast
import atexit
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from functools import cache
from pathlib import Path

import click
import pytest

from analyzer import functions, write
from analyzer.commands import COMMANDS, PEOPLE, group
from analyzer.commands.merge_states import MERGING
from analyzer.config import SETTINGS
from analyzer.metrics import METRICS_FILE
from analyzer.read import MERGE_REPORT

TOP = Path(__file__).resolve().parents[1]
DOCS = TOP / "docs"
PAGES = sorted([TOP / "README.md", TOP / "CHANGELOG.md", *DOCS.rglob("*.md")])
README = (TOP / "README.md").read_text()
EVERYTHING = "\n".join(page.read_text() for page in PAGES)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^(<!-- runnable -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def named(page: Path) -> str:
    return page.relative_to(TOP).as_posix()


def cells(text: str, first: str) -> list[str]:
    """The other cells of the one table row whose first cell is `first`."""
    rows = [row for row in text.splitlines() if row.startswith(f"| {first} |")]
    assert len(rows) == 1, f"{first} needs one row, found {len(rows)}"
    return [cell.strip() for cell in rows[0].strip("|").split("|")][1:]


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", BLOCK.sub("", text))


def anchors(page: Path) -> set[str]:
    """The names by which GitHub links to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- variables, files, modules ---


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_the_readme_has_every_variable_with_its_default_and_values(setting):
    default, says = cells(README, f"`{setting.variable}`")
    expected = "required" if setting.required else setting.default or "none"
    assert default.strip("`") == expected
    assert all(f"`{value}`" in says for value in setting.allowed)


def test_the_readme_has_no_variable_that_there_is_not():
    known = {setting.variable for setting in SETTINGS}
    assert set(re.findall(r"\bANALYZER_[A-Z_]+\b", EVERYTHING)) <= known


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_flags_of_the_command_line_exist(page):
    lines = [line for line in page.read_text().splitlines() if re.match(r"\s*analyzer(?: |$)", line)]
    for line in lines:
        words = line.split()[1:]
        assert set(re.findall(r" (--[a-z-]+)", line)) <= flags_of(words[0] if words else "run"), line


def flags_of(name: str) -> set[str]:
    """All flags of a command; those of `run` for a flag in place of one."""
    command = group().get_command(None, "run" if name.startswith("-") else name)
    assert command is not None, f"there is no command {name}"
    members = command.commands.values() if isinstance(command, click.Group) else ()
    params = [each for one in (command, *members) for each in one.params]
    return {flag for each in params for flag in each.opts} | {"--help", "--version"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name):
    assert cells((DOCS / "commands.md").read_text(), f"`{name}`")


@pytest.mark.parametrize("name", PEOPLE)
def test_short_flags_of_commands_are_documented(name):
    text = "".join((DOCS / page).read_text() for page in ("commands.md", "doctor.md", "tuning.md"))
    known = {setting.flag for setting in SETTINGS} | {"--output-path", "--problem", "--help", "--version"}
    assert [flag for flag in flags_of(name) - known if flag.startswith("--") and f"`{flag}" not in text] == []


def test_every_function_for_notebooks_is_documented():
    import analyzer

    text = (DOCS / "python-api.md").read_text()
    assert [name for name in analyzer.__all__ if not name.startswith("__") and f"`{name}" not in text] == []
    for name, function in vars(functions).items():
        if name in analyzer.__all__ and inspect.isfunction(function):
            (row,) = re.findall(rf"^\| `({name}\(.*?\))`", text, re.MULTILINE)
            told = {parameter for parameter in inspect.signature(function).parameters if parameter != "settings"}
            assert told <= set(re.findall(r"\w+", row)), name


def test_the_page_on_states_has_every_flag_of_merging():
    text = (DOCS / "states.md").read_text()
    settings = {setting.variable: setting for setting in SETTINGS}
    for variable in MERGING:
        default, _ = cells(text, f"`{settings[variable].flag}`")
        assert default.strip("`") == (settings[variable].default or "none")
    assert cells(text, "`--output`")[0] == "required"


def test_every_extra_is_documented():
    extras = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    rows = re.findall(r"^\| (`[a-z]+`(?:, `[a-z]+`)*) \|", (DOCS / "five-minute-start.md").read_text(), re.MULTILINE)
    assert set(re.findall(r"[a-z]+", " ".join(rows))) == set(extras)


def test_no_flag_of_the_command_line_is_missing_from_the_docs():
    own = {setting.flag for setting in SETTINGS}
    flags = {flag for name in COMMANDS for flag in flags_of(name) if flag.startswith("--")} - own
    assert [flag for flag in sorted(flags) if not re.search(rf"(?<=[ `]){flag}\b(?!-)", EVERYTHING)] == []


@pytest.mark.parametrize("folder", ["schemas", "preprocessors"])
def test_every_ready_made_file_is_in_the_docs(folder):
    names = [path.name for path in (TOP / folder).iterdir() if path.suffix in {".json", ".py", ".ipynb"}]
    assert names
    assert [name for name in names if name not in EVERYTHING] == []


def test_every_report_is_in_the_readme_and_on_the_page_of_files():
    names = [getattr(write, constant) for constant in dir(write) if constant.endswith("_FILE")] + [
        METRICS_FILE,
        MERGE_REPORT,
        *write.REPORT_FILES.values(),
    ]
    assert len(names) == 12
    for text in (README, (DOCS / "files.md").read_text()):
        assert [name for name in names if name not in text] == []


def test_every_module_and_folder_of_the_package_is_in_the_architecture():
    text = (DOCS / "architecture.md").read_text()
    package = TOP / "analyzer"
    there = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    there |= {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    described = re.findall(r"^\| `([\w/.]+)` \|", text, re.MULTILINE)
    assert sorted(described) == sorted(there)
    layers = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    level = {name.strip(): row for row, names in enumerate(layers) for name in re.split("[|:]", names)}
    levels = [level[name.strip("/").removesuffix(".py")] for name in described]
    assert levels == sorted(levels), "the table goes from top to bottom, as [tool.importlinter] does"


def test_every_page_is_in_the_index():
    text = (DOCS / "index.md").read_text()
    linked = {(DOCS / target).resolve() for target in LINK.findall(text)}
    assert [named(page) for page in DOCS.rglob("*.md") if page.name != "index.md" and page not in linked] == []


def test_every_target_of_make_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    found = set(re.findall(r"(?:^    |`)make ([a-z-]+)", EVERYTHING, re.MULTILINE))
    assert {"demo", "test"} <= found <= targets


def test_the_readme_starts_with_the_two_commands():
    assert [line.split()[:2] for line in README.splitlines()[1:4] if line] == [["make", "demo"], ["make", "test"]]


# --- links ---


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page):
    for target in LINK.findall(without_code(page.read_text())):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert found.is_relative_to(TOP), f"{target} leads out of the project"
        if anchor:
            assert anchor in anchors(found), target


# --- examples ---


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_examples_in_python_and_json_can_be_read(page):
    for _, language, code in BLOCK.findall(page.read_text()):
        if language == "python":
            ast.parse(code)
        if language == "json":
            json.loads(code)


def as_shell(language: str, code: str) -> str:
    assert language in {"sh", "python"}, f"no example in {language} can be run"
    return code if language == "sh" else f"python - <<'END-OF-EXAMPLE'\n{code}END-OF-EXAMPLE\n"


@cache
def run_examples(page: Path) -> Path:
    """Run a page's examples, in their order, as one script of which every command must succeed; returns its folder."""
    blocks = BLOCK.findall(page.read_text())
    script = "\n".join(as_shell(language, code) for runnable, language, code in blocks if runnable)
    known = {setting.variable for setting in SETTINGS}
    environment = {name: value for name, value in os.environ.items() if name not in known}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    folder = tempfile.mkdtemp(prefix="analyzer-docs-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert script
    assert done.returncode == 0, done.stderr
    return Path(folder)


@pytest.mark.parametrize("page", [page for page in PAGES if "<!-- runnable -->" in page.read_text()], ids=named)
def test_examples_marked_as_runnable_run(page):
    run_examples(page)


def test_the_five_minute_start_shows_what_it_prints():
    page = DOCS / "five-minute-start.md"
    shown = [code for _, language, code in BLOCK.findall(page.read_text()) if language == "text"]
    folder = run_examples(page)
    for command, expected in zip((["baseline", "training.csv"], ["monitor", "new.csv"]), shown, strict=True):
        words = [sys.executable, "-m", "analyzer", *command]
        done = subprocess.run(
            words, cwd=folder, env=os.environ | {"COLUMNS": "120"}, capture_output=True, text=True, check=True
        )
        assert done.stdout == expected


def test_the_quick_start_shows_what_it_promises():
    folder = run_examples(TOP / "README.md")
    found = json.loads((folder / "report" / "constraint_violations.json").read_bytes())["violations"]
    assert {(each["feature_name"], each["constraint_check_type"]) for each in found} >= {
        ("age", "completeness_check"),
        ("plan", "categorical_values_check"),
    }
    by_variables = (folder / "job" / "processing" / "output" / "constraint_violations.json").read_bytes()
    assert json.loads(by_variables)["violations"] == found
    assert (folder / "job" / "output" / "message").read_text().startswith("CompletedWithViolations: ")
    assert json.loads((folder / "both" / "statistics.json").read_bytes())["dataset"]["item_count"] == 6
