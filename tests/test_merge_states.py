"""Merging states: as if all the data had been read at once, and nothing counted twice."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.config import JobConfig
from analyzer.dataset_formats import CsvFormat, JsonFormat
from analyzer.errors import BaselineError, InputError
from analyzer.job import run
from analyzer.merge_states import find_states, merge_states

REPORTS = ("statistics.json", "constraints.json", "profile.json", "state.json.gz", "report.html", "report.md")
APPROXIMATE = {"mean", "sum", "std_dev"}


def analyze(source: Path, output: Path, **more) -> Path:
    run(JobConfig(**{"dataset_source": source, "dataset_format": CsvFormat(), "output_path": output, **more}))
    return output


def merge(sources: list[Path], output: Path, **more) -> Path:
    merge_states(sources, JobConfig(dataset_source="", dataset_format=CsvFormat(), output_path=output, **more))
    return output


def write_hour(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "data.csv").write_text(text)
    return folder


def rows_of(hour: int, count: int) -> str:
    lines = [f"{i * 7 % 13 - 2},{(i * hour) / 8},{'abcd'[i % (hour + 1)]},{'' if i % 5 else i}" for i in range(count)]
    return "\n".join(["n,f,s,gaps", *lines]) + "\n"


@pytest.fixture
def hours(tmp_path: Path) -> list[Path]:
    """Two hours of data, each analyzed, with the states in out/01 and out/02."""
    for hour, count in ((1, 40), (2, 60)):
        source = write_hour(tmp_path / "in" / f"0{hour}", rows_of(hour, count))
        analyze(source, tmp_path / "out" / f"0{hour}")
    return [tmp_path / "out" / "01", tmp_path / "out" / "02"]


def document(folder: Path, name: str = "statistics.json") -> dict:
    return json.loads((folder / name).read_bytes())


def same(ours, theirs, key="") -> bool:
    """Compare documents: equal, but for sums, which agree to 12 digits."""
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k], k) for k in ours)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if key in APPROXIMATE:
        return ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)
    return ours == theirs


# --- the law ---


def test_one_state_gives_the_reports_of_its_run_byte_for_byte(hours, tmp_path):
    merged = merge(hours[:1], tmp_path / "merged")
    for name in REPORTS:
        assert (merged / name).read_bytes() == (hours[0] / name).read_bytes(), name


def test_hours_merged_are_the_day_read_at_once(hours, tmp_path):
    day = analyze(tmp_path / "in", tmp_path / "day")
    merged = merge(hours, tmp_path / "merged")
    assert same(document(merged), document(day))
    assert document(merged, "constraints.json") == document(day, "constraints.json")
    assert document(merged)["dataset"]["item_count"] == 100


CELL = st.one_of(
    st.just(""),
    st.integers(-(10**6), 10**6).map(str),
    st.floats(-1e6, 1e6).map(lambda value: f"{value:.3f}"),
    st.sampled_from(["red", "blue", "NaN", "true", "007"]),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables=st.lists(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=25), min_size=2, max_size=4))
def test_any_hours_merged_are_the_day_read_at_once(tmp_path_factory, tables):
    top = tmp_path_factory.mktemp("law")
    for i, rows in enumerate(tables):
        lines = [f"{left},{right},{i}" for left, right in rows]
        analyze(write_hour(top / "in" / str(i), "\n".join(["a,b,hour", *lines]) + "\n"), top / "out" / str(i))
    assert same(document(merge([top / "out"], top / "merged")), document(analyze(top / "in", top / "day")))


def test_a_state_in_between_changes_nothing(hours, tmp_path):
    third = analyze(write_hour(tmp_path / "in" / "03", rows_of(3, 30)), tmp_path / "out" / "03")
    half = merge(hours, tmp_path / "half")
    assert same(document(merge([half, third], tmp_path / "a")), document(merge([*hours, third], tmp_path / "b")))


def test_the_order_given_is_the_order_of_the_rows(hours, tmp_path):
    forward, backward = merge(hours, tmp_path / "f"), merge(hours[::-1], tmp_path / "b")
    sketches = [
        document(folder)["features"][1]["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"][0]
        for folder in (forward, backward)
    ]
    assert sketches[0] == sketches[1][60:] + sketches[1][:60]


# --- columns that differ ---


def test_columns_that_a_state_lacks_count_as_missing_in_its_rows(hours, tmp_path, caplog):
    other = analyze(write_hour(tmp_path / "new", "n,extra\n1,x\n2,y\n"), tmp_path / "other")
    features = {f["name"]: f for f in document(merge([hours[0], other], tmp_path / "merged"))["features"]}
    assert list(features) == ["n", "f", "s", "gaps", "extra"]
    assert features["n"]["numerical_statistics"]["common"] == {"num_present": 42, "num_missing": 0}
    assert features["f"]["numerical_statistics"]["common"] == {"num_present": 40, "num_missing": 2}
    assert features["extra"]["string_statistics"]["common"] == {"num_present": 2, "num_missing": 40}
    assert "lacks columns that count as missing where they are not: f, s, gaps" in caplog.text
    assert "extra" in caplog.text


def test_a_column_of_numbers_becomes_text_when_a_later_hour_holds_text(tmp_path):
    first = analyze(write_hour(tmp_path / "1", "a\n1\n2\n"), tmp_path / "o1")
    second = analyze(write_hour(tmp_path / "2", "a\nx\n"), tmp_path / "o2")
    (feature,) = document(merge([first, second], tmp_path / "merged"))["features"]
    assert feature["inferred_type"] == "String"
    assert {b["value"] for b in feature["string_statistics"]["distribution"]["categorical"]["buckets"]} == {
        "1", "2", "x",
    }  # fmt: skip


def test_evidence_points_into_the_file_of_its_own_hour(tmp_path):
    """Hours are mostly mounted at one path: the same name is another file then."""
    states = []
    for hour, text in (("1", "a\n1\n2\n"), ("2", "a\n3\noops\n")):
        source = tmp_path / "mounted"
        source.mkdir(exist_ok=True)
        (source / "data.csv").write_text(text)
        states.append(analyze(source, tmp_path / hour))
    (feature,) = document(merge(states, tmp_path / "merged"), "profile.json")["features"]
    alone = document(states[1], "profile.json")["features"][0]
    assert feature["evidence"]["string"] == alone["evidence"]["string"]


def test_hours_without_rows_add_nothing(hours, tmp_path):
    source = tmp_path / "none"
    source.mkdir()
    nothing = analyze(source, tmp_path / "empty", empty_input="succeed", dataset_format=JsonFormat())
    for order in ([nothing, *hours], [*hours, nothing]):
        merged = merge(order, tmp_path / "merged")
        assert document(merged) == document(merge(hours, tmp_path / "without"))


# --- judging ---


def test_with_a_baseline_the_merged_rows_are_judged_as_the_day_would_be(hours, tmp_path):
    against = {
        "baseline_constraints": hours[0] / "constraints.json",
        "baseline_statistics": hours[0] / "statistics.json",
    }
    day = analyze(tmp_path / "in", tmp_path / "day", **against)
    merged = merge(hours, tmp_path / "merged", **against)
    violations = document(merged, "constraint_violations.json")
    assert violations == document(day, "constraint_violations.json")
    found = {(each["feature_name"], each["constraint_check_type"]) for each in violations["violations"]}
    assert ("s", "categorical_values_check") in found


def test_without_a_baseline_an_old_verdict_beside_the_reports_is_removed(hours, tmp_path):
    output = tmp_path / "merged"
    merge(hours, output, baseline_constraints=hours[0] / "constraints.json")
    assert (output / "constraint_violations.json").exists()
    merge(hours, output)
    assert not (output / "constraint_violations.json").exists()


def test_the_corrections_apply_to_merged_states(tmp_path):
    """3 * 0.1 rounds: the original's last bucket ends below the maximum and loses its row."""
    source = write_hour(tmp_path / "in", "a\n" + "\n".join(f"{x}" for x in (0.1, 1.1, 6.666666667)) + "\n")
    state = analyze(source, tmp_path / "out")
    for compatibility in ("original", "corrected"):
        direct = analyze(source, tmp_path / f"direct-{compatibility}", compatibility=compatibility)
        merged = merge([state], tmp_path / compatibility, compatibility=compatibility)
        assert document(merged) == document(direct)


def test_evidence_switched_off_keeps_examples_out_of_the_merged_profile(hours, tmp_path):
    assert '"examples"' in (merge(hours, tmp_path / "shown") / "profile.json").read_text()
    hidden = (merge(hours, tmp_path / "hidden", evidence=False) / "profile.json").read_text()
    assert '"examples"' not in hidden


# --- finding states ---


def test_a_folder_is_searched_in_the_order_of_paths(tmp_path):
    for name in ("b/10", "b/09", "a/x/y", ".hidden"):
        folder = tmp_path / "days" / name
        folder.mkdir(parents=True)
        (folder / "state.json.gz").touch()
    found = [path.parent.name for path in find_states([tmp_path / "days"], tmp_path / "out")]
    assert found == ["y", "09", "10"]


def test_merging_again_into_a_folder_below_does_not_count_the_first_merge(hours, tmp_path):
    for _ in range(2):
        merged = merge([tmp_path / "out"], tmp_path / "out" / "day")
        assert document(merged)["dataset"]["item_count"] == 100


def test_a_total_that_is_named_can_grow_in_its_place(hours, tmp_path):
    total = merge(hours[:1], tmp_path / "total")
    merge([total, hours[1]], total)
    assert document(total)["dataset"]["item_count"] == 100


def test_a_state_given_twice_is_refused(hours, tmp_path):
    with pytest.raises(InputError, match=r"01/state.json.gz is given twice"):
        merge([tmp_path / "out", hours[0]], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_source_without_a_state_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=name) as caught:
        merge([tmp_path / name], tmp_path / "merged")
    assert "state.json.gz" in str(caught.value)


def test_a_folder_that_cannot_be_searched_is_named(tmp_path, hours):
    closed = tmp_path / "out" / "closed"
    closed.mkdir(mode=0)
    if os.access(closed, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(InputError, match="closed"):
        merge([tmp_path / "out"], tmp_path / "merged")


# --- files that are no states ---


def tampered(content: bytes, **changes) -> bytes:
    return gzip.compress(json.dumps({**json.loads(gzip.decompress(content)), **changes}).encode())


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: b"", "not a state file"),
        (lambda content: b"{}", "not a state file"),
        (lambda content: content[: len(content) // 2], "not a state file"),
        (lambda content: content[:40] + b"\xff\xff\xff\xff" + content[44:], "not a state file"),
        (lambda content: gzip.compress(b"[]"), "not a state file"),
        (lambda content: gzip.compress(b"{}"), "'version'"),
        (lambda content: tampered(content, version=99), "it has version 99"),
        (lambda content: tampered(content, columns=[["a", {}]]), "not a state file"),
        (lambda content: tampered(content, tail=[]), "not a state file"),
    ],
)
def test_a_file_that_is_no_state_is_named_and_nothing_is_written(hours, tmp_path, spoil, reason):
    path = hours[1] / "state.json.gz"
    path.write_bytes(spoil(path.read_bytes()))
    before = merge(hours[:1], tmp_path / "merged")
    kept = {name: (before / name).read_bytes() for name in REPORTS}
    with pytest.raises(BaselineError, match=reason) as caught:
        merge(hours, tmp_path / "merged")
    assert str(path) in caught.value.message
    assert "run that job again" in caught.value.hint
    assert {name: (before / name).read_bytes() for name in REPORTS} == kept
    assert len(list(before.iterdir())) == len(REPORTS)


def test_a_baseline_that_cannot_be_read_is_named(hours, tmp_path):
    with pytest.raises(BaselineError, match="nothere"):
        merge(hours, tmp_path / "merged", baseline_constraints=tmp_path / "nothere")
