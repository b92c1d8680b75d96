"""What of rules needs no Deequ: where they stand in their file, the names they use, what is said without the jars."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzer.config import read_config
from analyzer.documents import RuleOutcome
from analyzer.engine.deequ_jars import find_jars
from analyzer.errors import ConfigError, EngineError
from analyzer.evaluate_rules import FAMILIES, aliases_of, read_rules, rewrite, split_rules, violations_of

DOCS = Path(__file__).resolve().parents[1] / "docs"
GIVEN = {"dataset_format": '{"csv":{}}', "dataset_source": "/x", "output_path": "/y"}


def test_rules_are_split_at_their_own_commas_only():
    text = 'Rules = [ # first, [not] a rule\n A "x, ]",\n\n  (B "y") and\n (C "z"), D "v" in ["a", "b"], E > 1\n]'
    assert list(split_rules(text)) == [
        (2, 'A "x, ]"'), (4, '(B "y") and (C "z")'), (5, 'D "v" in ["a", "b"]'), (5, "E > 1"),
    ]  # fmt: skip


def test_awkward_names_travel_under_aliases_in_the_place_of_columns_only():
    aliases = aliases_of(["a.b", "ok", 'say "x"', "column_1", "größe"])
    assert set(aliases) == {"a.b", 'say "x"'}
    assert not set(aliases.values()) & {"column_1", "ok"}
    text = r'Rules = [ ColumnValues "a.b" in ["a.b"], IsComplete "say \"x\"", ColumnCorrelation "ok" "a.b" > 0 ]'
    quoted = aliases['say "x"']
    assert rewrite(text, aliases) == (
        f'Rules = [ ColumnValues "{aliases["a.b"]}" in ["a.b"], IsComplete "{quoted}", '
        f'ColumnCorrelation "ok" "{aliases["a.b"]}" > 0 ]'
    )


def test_only_failures_are_violations():
    passed = RuleOutcome("RowCount > 1", 1, "Dataset", True, {"Dataset.*.RowCount": 2.0})
    failed = RuleOutcome('IsComplete "a"', 2, "a", False, {"Column.a.Completeness": 0.5}, "Value: 0.5 is not enough.")
    (violation,) = violations_of([passed, failed])
    assert violation.feature_name == "a"
    assert violation.constraint_check_type == "custom_rule_check"
    assert violation.description == (
        'Rule IsComplete "a" failed. Value: 0.5 is not enough. Metrics: Column.a.Completeness = 0.5'
    )


def test_the_docs_show_every_kind_of_rule_with_its_example():
    rows = re.findall(r"^\| `(\w+)` \| `(.*)` \|$", (DOCS / "rules.md").read_text(), re.MULTILINE)
    assert dict(rows) == dict(FAMILIES)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00rules"])
def test_a_file_of_rules_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "rules.dqdl"
    if content:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(str(path))):
        read_rules(path)


def test_paths_of_rules_and_jars_lie_below_the_root():
    config = read_config(
        {**GIVEN, "ANALYZER_ROOT": "/r", "ANALYZER_RULES": "/opt/ml/a.dqdl", "ANALYZER_DEEQU_JAR": "/opt/ml/j, /k.jar"}
    )
    assert config.rules == Path("/r/a.dqdl")
    assert config.deequ_jar == ("/r/j", "/k.jar")
    assert config.needs_deequ
    assert not read_config({**GIVEN, "ANALYZER_ROOT": "/r"}).needs_deequ


# --- jars ---


def jars(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_jars_are_those_named_else_the_first_place_with_deequ_for_this_spark(tmp_path):
    old = jars(tmp_path / "old", "deequ-2.1.0-spark-3.5.jar", "dqdl-1.0.0.jar")
    new = jars(tmp_path / "new", "deequ-2.0.18-spark-4.1.jar", "dqdl-1.0.7.jar")
    assert {jar.parent for jar in find_jars((), "4.1", [old, new])} == {new}
    assert len(find_jars((), "4.1", [old, new])) == 2
    assert {jar.parent for jar in find_jars([str(old)], "4.1", [new])} == {old}
    named = [str(new / "deequ-2.0.18-spark-4.1.jar"), str(old / "dqdl-1.0.0.jar")]
    assert sorted(map(str, find_jars(named, "4.1", []))) == sorted(named)


@pytest.mark.parametrize("named", [(), ("/nowhere",), ("EMPTY",)])
def test_without_jars_the_error_says_how_to_get_them(tmp_path, named):
    empty = jars(tmp_path / "empty")
    with pytest.raises(EngineError) as caught:
        find_jars([name.replace("EMPTY", str(empty)) for name in named], "4.1", [empty])
    if named == ("/nowhere",):
        assert "/nowhere" in caught.value.message
    else:
        assert str(empty) in caught.value.message
        for word in (".ci/deequ", "com.amazon.deequ:deequ", "-spark-4.1", "ANALYZER_DEEQU_JAR"):
            assert word in caught.value.hint


def test_a_job_with_rules_and_no_deequ_ends_before_spark_starts(tmp_path, run_job):
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "rules.dqdl").write_text("Rules = [ RowCount > 1 ]")
    (tmp_path / "nothing").mkdir()
    rules = {"ANALYZER_RULES": tmp_path / "rules.dqdl", "ANALYZER_DEEQU_JAR": tmp_path / "nothing"}
    # A session that another test has started is looked at instead of the folder.
    with pytest.raises(EngineError, match=r"no deequ-|Deequ is not on the class path"):
        run_job(tmp_path / "a.csv", {"csv": {}}, **rules)
    assert not (tmp_path / "output" / "statistics.json").exists()
