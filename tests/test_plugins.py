"""Checks and readers that packages add: used on both engines, and never silently missing."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyzer import plugins
from analyzer.config import read_config
from analyzer.dataset_formats import AddedFormat, parse_dataset_format
from analyzer.describe_config import describe
from analyzer.errors import ConfigError, InputError, PluginError

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "extended-image"
FIXED = {"fixedWidth": {"columns": {"sensor": [0, 4], "level": [4, 10]}}}
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package, as pip leaves one behind: `install("name", code, checks={...}, readers={...})`."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", f"{site}:{Path(plugins.__file__).parents[1]}")
    modules = set(sys.modules)

    def put(package: str, code: str, **groups: dict[str, str]) -> None:
        (site / f"{package}.py").write_text(code)
        info = site / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        points = {
            group: "".join(f"{name} = {value}\n" for name, value in some.items()) for group, some in groups.items()
        }
        (info / "entry_points.txt").write_text("".join(f"[analyzer.{group}]\n{text}" for group, text in points.items()))
        importlib.invalidate_caches()
        plugins.plugins.cache_clear()

    yield put
    plugins.plugins.cache_clear()
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(site)):
            del sys.modules[name]


@pytest.fixture
def example(install: Install) -> None:
    """The package of the example image."""
    install(
        "monitor_extras", (EXAMPLE / "monitor_extras.py").read_text(),
        checks={"stuck_values_check": "monitor_extras:check_stuck_values"},
        readers={"fixedWidth": "monitor_extras:read_fixed_width"},
    )  # fmt: skip


def write(folder: Path, lines: list[str], files: int = 1) -> Path:
    folder.mkdir()
    for i in range(files):
        (folder / f"{i}.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_a_custom_reader_and_check_take_part_in_a_job(example, run_job, tmp_path):
    before = write(tmp_path / "before", [f"s{i % 7:<3}{i * 1.5:>6}" for i in range(100)])
    now = write(tmp_path / "now", ["s1  " + "  42.0"] * 50)
    baseline = run_job(before, FIXED, into="baseline")
    output = run_job(
        now, FIXED,
        baseline_constraints=baseline / "constraints.json", baseline_statistics=baseline / "statistics.json",
    )  # fmt: skip
    features = json.loads((output / "statistics.json").read_bytes())["features"]
    assert [feature["inferred_type"] for feature in features] == ["String", "Fractional"]
    violations = json.loads((output / "constraint_violations.json").read_bytes())["violations"]
    assert [each["constraint_check_type"] for each in violations][-1] == "stuck_values_check"
    assert "stuck_values_check" in (output / "profile.json").read_text()


def test_worker_processes_find_the_reader_too(example, run_job, tmp_path, monkeypatch):
    monkeypatch.setattr("analyzer.read.PARTITION_BYTES", 100)
    source = write(tmp_path / "data", [f"s{i % 7:<3}{i * 1.5:>6}" for i in range(100)], files=3)
    alone = run_job(source, FIXED, into="alone", ANALYZER_CORES="1")
    beside = run_job(source, FIXED, into="beside", ANALYZER_CORES="2")
    assert json.loads((beside / "statistics.json").read_bytes())["dataset"]["item_count"] == 300
    assert (alone / "state.json.gz").read_bytes() == (beside / "state.json.gz").read_bytes()


def test_a_script_gets_the_rows_of_a_custom_reader_as_dicts(example, run_job, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def preprocess_handler(row):\n    return {'double': 2 * float(row['level'])}\n")
    source = write(tmp_path / "data", [f"s1  {i:>6}" for i in range(1, 5)])
    output = run_job(source, FIXED, record_preprocessor_script=script)
    (feature,) = json.loads((output / "statistics.json").read_bytes())["features"]
    assert (feature["name"], feature["numerical_statistics"]["max"]) == ("double", 8.0)


def test_what_a_reader_finds_wrong_with_a_file_is_the_message(example, run_job, tmp_path):
    source = write(tmp_path / "data", ["s1      42", "short"])
    with pytest.raises(InputError, match=r"0\.txt, line 2 has 5 characters"):
        run_job(source, FIXED)


def test_options_reach_the_reader_and_the_log(example):
    assert parse_dataset_format(json.dumps(FIXED)) == AddedFormat("fixedWidth", FIXED["fixedWidth"])
    config = read_config({"dataset_format": json.dumps(FIXED), "dataset_source": "/a", "output_path": "/b"})
    assert json.loads(describe(config))["dataset_format"] == FIXED
    with pytest.raises(ConfigError, match="where an object of options belongs"):
        parse_dataset_format('{"fixedWidth": 5}')


def test_an_unknown_format_names_those_that_packages_add(example):
    with pytest.raises(ConfigError, match=r'unknown key "fixedwith" \(installed packages add fixedWidth\)'):
        parse_dataset_format('{"fixedwith": {}}')


BROKEN = {
    "does not load": ("import nothing_of_this_name\n", "ModuleNotFoundError"),
    "no attribute": ("x = 1\n", "AttributeError"),
    "no function": ("check = 5\n", "which is no function"),
    "raises": ("def check(case):\n    raise KeyError('age')\n", "failed: KeyError: 'age'"),
    "no verdict": ("def check(case):\n    return []\n", "returned list where a Verdict belongs"),
}


@pytest.mark.parametrize(("code", "said"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_check_ends_the_job_and_writes_nothing(code, said, install, run_job, tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n2\n")
    baseline = run_job(tmp_path / "a.csv", {"csv": {}}, into="baseline")
    install("broken_package", code, checks={"mine": "broken_package:check"})
    with pytest.raises(PluginError) as caught:
        run_job(tmp_path / "a.csv", {"csv": {}}, baseline_constraints=baseline / "constraints.json")
    assert "'mine', which the package broken_package adds to analyzer.checks" in caught.value.message
    assert said in caught.value.message
    assert "uninstall broken_package" in caught.value.hint
    assert not list((tmp_path / "output").glob("*.json"))


def test_a_check_that_takes_a_built_in_name_ends_the_job(install, run_job, tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n2\n")
    baseline = run_job(tmp_path / "a.csv", {"csv": {}}, into="baseline")
    install("impostor", "def check(case): ...\n", checks={"completeness_check": "impostor:check"})
    with pytest.raises(ConfigError, match="completeness_check, which is built in"):
        run_job(tmp_path / "a.csv", {"csv": {}}, baseline_constraints=baseline / "constraints.json")


def test_two_packages_cannot_claim_one_name(install):
    install("first_package", "def check(case): ...\n", checks={"mine": "first_package:check"})
    install("second_package", "def check(case): ...\n", checks={"mine": "second_package:check"})
    with pytest.raises(PluginError, match="has the name of another one"):
        plugins.plugins(plugins.CHECKS)


def test_a_reader_that_fails_or_yields_nonsense_is_named(install, run_job, tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n")
    code = "def fail(path, options):\n    raise OSError('gone')\n\ndef lists(path, options):\n    yield [1]\n"
    install("odd", code, readers={"failing": "odd:fail", "listing": "odd:lists"})
    with pytest.raises(PluginError, match=r"'failing', which the package odd .* failed: OSError: gone"):
        run_job(tmp_path / "a.csv", {"failing": {}})
    with pytest.raises(PluginError, match=r"yielded list where a pyarrow\.RecordBatch belongs"):
        run_job(tmp_path / "a.csv", {"listing": {}})
