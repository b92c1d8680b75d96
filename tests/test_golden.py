"""The whole job on inputs of the original, compared with the files it wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzer.jsonlayout import dump

pytestmark = pytest.mark.golden
RunJob = Callable[..., Path]
Pair = tuple[str, str, bool]
PAIRS = [("data-quality-sdk", "baseline_dataset.csv", False), ("data-quality-boston", "housing.csv", True)]
"""Folder, data and whether it has a header."""
NEWER_STATISTICS = {"completeness", "approximate_num_distinct_values"}
NEWER_SETTINGS = {"categorical_comparison_threshold", "categorical_drift_method"}
"""Keys that files of the original carry since 2023; older ones, as some of these are, do not have them."""


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def check_equal(ours: Any, theirs: Any, where: str = "") -> None:
    """Compare two documents value by value, floats to the last digit; only newer keys of ours may be extra."""
    if isinstance(theirs, dict):
        extra = ours.keys() - theirs.keys()
        assert theirs.keys() <= ours.keys(), where
        assert extra <= NEWER_STATISTICS | NEWER_SETTINGS, where
        assert [key for key in ours if key not in extra] == list(theirs), f"{where}: order of keys"
        for key, value in theirs.items():
            check_equal(ours[key], value, f"{where}.{key}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for i, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            check_equal(our, their, f"{where}[{i}]")
    else:
        assert (type(ours), ours) == (type(theirs), theirs), where


@pytest.mark.parametrize("pair", PAIRS)
def test_statistics_and_constraints_are_the_originals(shared: Path, run_job: RunJob, pair: Pair) -> None:
    folder, file, header = pair
    golden = shared / "golden" / folder

    found = run_job(golden / file, {"csv": {"header": header}})

    check_equal(load(found / "statistics.json"), load(golden / "statistics.json"))
    check_equal(load(found / "constraints.json"), load(golden / "constraints.json"))


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", ["statistics.json", "constraints.json"])
def test_without_newer_keys_the_text_is_the_originals_byte_for_byte(
    shared: Path, run_job: RunJob, pair: Pair, name: str
) -> None:
    folder, file, header = pair
    golden = shared / "golden" / folder

    ours = (run_job(golden / file, {"csv": {"header": header}}) / name).read_text(encoding="utf-8")

    assert dump(json.loads(ours)) == ours
    assert dump(without_newer(json.loads(ours))) == (golden / name).read_text(encoding="utf-8")


def without_newer(document: Any) -> Any:
    if isinstance(document, dict):
        return {
            key: without_newer(value)
            for key, value in document.items()
            if key not in NEWER_SETTINGS | {"approximate_num_distinct_values"} and not is_newer(document, key)
        }
    return [without_newer(each) for each in document] if isinstance(document, list) else document


def is_newer(document: dict[str, Any], key: str) -> bool:
    """Constraints had a completeness from the start; statistics have it beside their counts."""
    return key == "completeness" and "common" in document


def test_seventy_columns_with_long_sketches_are_the_originals(shared: Path, run_job: RunJob) -> None:
    golden = shared / "golden" / "data-quality-churn"

    found = run_job(golden / "training-dataset-with-header.csv", {"csv": {"header": True}})

    check_equal(load(found / "constraints.json"), load(golden / "constraints.json"))
    theirs = load(golden / "statistics.first-29-features.json")
    theirs = theirs["features"] if isinstance(theirs, dict) else theirs
    ours = load(found / "statistics.json")["features"]
    assert len(ours) == 70
    assert len(theirs) == 29
    check_equal(ours[:29], theirs)


@pytest.mark.parametrize("rows", [1915, 1977])
def test_the_churn_traffic_violates_the_types_of_sixty_columns(
    shared: Path, run_job: RunJob, tmp_path: Path, rows: int
) -> None:
    """What the original found in that traffic, twice: whole numbers stand where fractions are due, and vice versa."""
    golden = shared / "golden" / "data-quality-churn"
    sent = (golden / "test-dataset-input-cols.csv").read_text(encoding="utf-8").splitlines()
    source = tmp_path / "traffic.csv"
    source.write_text("".join(f"0.0{i % 7}1,{sent[i % len(sent)]}\n" for i in range(rows)))

    found = run_job(source, {"csv": {"header": False}}, baseline_constraints=golden / "constraints.json")

    violations = load(found / "constraint_violations.json")["violations"]
    assert [each["constraint_check_type"] for each in violations] == ["data_type_check"] * 60
