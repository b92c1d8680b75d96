"""Folders of past executions become a history: all four dimensions, the original's files, broken and foreign ones."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from pathlib import Path

import executions as past
import pytest
from analyses import SIMPLE, run_analysis, write_table

from analyzer.errors import InputError
from analyzer.history import History, history_in

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return past.write_model(tmp_path / "monitoring")


def history_of(top: Path) -> History:
    return History(history_in(str(top)))


def dump(history: History) -> list[str]:
    with sqlite3.connect(history.place) as connection:
        return sorted(connection.iterdump())


def contents(history: History) -> list[tuple]:
    """All that the history says, but for the numbers that rows happen to have."""
    found = []
    for view in ("latest", "metrics", "findings"):
        rows = history.query(f"SELECT * FROM {view}")
        found.append(sorted(str({k: v for k, v in row.items() if k != "execution"}) for row in rows))
    return found


def test_an_import_takes_in_every_dimension_with_verdict_time_and_rows(top):
    history = history_of(top)
    done = history.update(str(top))
    assert (done.new, done.changed, done.same, done.gone, done.skipped) == (112, 0, 0, 0, ())
    latest = {(row["schedule"], row["dimension"]): row for row in history.query("SELECT * FROM latest")}
    assert {key: row["verdict"] for key, row in latest.items()} == {
        ("attribution", "attribution"): "violations", ("bias", "bias"): "violations",
        ("data-hourly", "data_quality"): "violations", ("quality-hourly", "model_quality"): "violations",
    }  # fmt: skip
    last = latest["data-hourly", "data_quality"]
    assert (last["endpoint"], last["time"], last["rows"], last["violations"], last["report"]) == (
        "churn", "2026-11-02T23:00:00Z", 500, 3, "report.html",
    )  # fmt: skip


def test_metrics_have_their_names_thresholds_and_intervals(top):
    history = history_of(top)
    history.update(str(top))

    def last(metric: str, feature: str = "", part: str = "") -> dict:
        return history.query(
            "SELECT * FROM metrics WHERE metric = ? AND feature = ? AND part = ? ORDER BY time DESC LIMIT 1",
            (metric, feature, part),
        )[0]

    assert last("completeness", "income")["value"] == pytest.approx(0.7)
    assert last("completeness", "income")["threshold"] == 1.0
    assert last("mean", "income")["value"] == pytest.approx(70, abs=3)
    assert last("distinct", "plan")["value"] == 3
    assert (last("drift", "noise")["threshold"], last("drift", "noise")["worse"]) == (0.1, "higher")
    auc = last("auc")
    assert (auc["threshold"], auc["worse"]) == (0.82, "lower")
    assert auc["high"] - auc["low"] == pytest.approx(2 * 1.959964 * 0.006, rel=1e-5)
    bias = last("RD", "sex", "0")
    assert (bias["threshold"], bias["worse"]) == (0.1308103661044837, "away from 0")
    assert last("TE", "sex", "0")["value"] == float("inf")
    assert last("attribution_share", "income", "label0")["value"] == pytest.approx(0.55)
    assert last("ndcg", "", "label0")["threshold"] == 0.9
    assert not history.query("SELECT 1 FROM metrics WHERE metric = 'CDDPL'")


def test_a_link_that_leads_to_itself_hinders_nothing(top):
    (top / "circle").symlink_to(top / "circle")
    assert history_of(top).update(str(top)).new == 112


def test_the_same_import_again_changes_nothing(top):
    history = history_of(top)
    history.update(str(top))
    before = dump(history)
    done = history.update(str(top))
    assert (done.new, done.changed, done.same) == (0, 0, 112)
    assert dump(history) == before


def test_only_what_is_new_or_changed_is_read(top):
    history = history_of(top)
    history.update(str(top))
    past.data_quality(past.folder_of(top, "churn", "data-hourly", 48), random.Random(1), broken=False)
    changed = past.folder_of(top, "churn", "data-hourly", 3)
    past.write(changed, statistics=past.statistics(past.numeric("income", 99.0), rows=7))
    unread = past.folder_of(top, "churn", "data-hourly", 4) / "statistics.json"
    kept = unread.stat()
    unread.write_bytes(b"x" * kept.st_size)  # would be skipped if it were read again
    os.utime(unread, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    done = history.update(str(top))
    assert (done.new, done.changed, done.same, done.skipped) == (1, 1, 111, ())
    found = history.query("SELECT * FROM executions WHERE folder LIKE '%/2026/11/01/03' AND schedule = 'data-hourly'")
    assert [row["rows"] for row in found] == [7]


def test_in_any_order_and_any_number_of_imports_the_history_is_the_same(top, tmp_path):
    whole = history_of(top)
    whole.update(str(top))
    other = tmp_path / "other"
    steps = History(history_in(str(other)))
    for day in ("02", "01"):
        for schedule in ("quality-hourly", "bias", "data-hourly", "attribution"):
            shutil.copytree(top / "churn" / schedule / "2026/11" / day, other / "churn" / schedule / "2026/11" / day)
            steps.update(str(other))
    assert contents(steps) == contents(whole)


def test_truncated_and_foreign_files_are_named_and_skipped_and_nothing_broken_counts_as_well(top):
    clean = past.folder_of(top, "churn", "data-hourly", 2)
    (clean / "constraint_violations.json").write_text('{"violations": [')
    empty = past.folder_of(top, "churn", "bias", 0)
    (empty / "constraint_violations.json").write_text("")
    odd = past.folder_of(top, "churn", "data-hourly", 5)
    (odd / "statistics.json").write_text('{"features": "none", "dataset": {}}')
    (odd / "thumbs.db").write_bytes(b"\x00\x01")
    nowhere = top / "churn" / "data-hourly" / "2026/13/01/00"
    nowhere.mkdir(parents=True)
    (nowhere / "statistics.json").write_text("{}")
    (top / "README.txt").write_text("not ours")
    captures = top / "captures" / "x"
    captures.mkdir(parents=True)
    for each in range(30):
        (captures / f"{each}.jsonl").write_text("{}\n")
    done = history_of(top).update(str(top))
    reasons = {each.path: each.reason for each in done.skipped}
    prefix = "churn/data-hourly/2026"
    assert set(reasons) == {
        f"{prefix}/11/01/02/constraint_violations.json", "churn/bias/2026/11/01/00/constraint_violations.json",
        f"{prefix}/11/01/05/statistics.json", f"{prefix}/11/01/05/thumbs.db", f"{prefix}/13/01/00/statistics.json",
        "README.txt", "captures/x/",
    }  # fmt: skip
    assert "truncated" in reasons[f"{prefix}/11/01/02/constraint_violations.json"]
    assert reasons["churn/bias/2026/11/01/00/constraint_violations.json"] == "empty"
    assert "no date" in reasons[f"{prefix}/13/01/00/statistics.json"]
    assert reasons["captures/x/"].startswith("30 files")
    rows = history_of(top).query("SELECT schedule, folder, verdict FROM executions WHERE verdict = 'unreadable'")
    assert {(row["schedule"], row["folder"][-2:]) for row in rows} == {("data-hourly", "02"), ("bias", "00")}
    again = history_of(top).update(str(top))
    assert set(again.skipped) == set(done.skipped)
    assert again.same == 112


@pytest.mark.parametrize(
    "content",
    [
        b"null",
        b"[]",
        b"\xff\xfe",
        b"{" * 100_000,
        b'{"violations": 3}',
        b'{"violations": [{}]}',
        b'{"violations": [1]}',
    ],
)
def test_whatever_stands_in_a_file_only_that_file_is_skipped(tmp_path, content):
    folder = past.folder_of(tmp_path, "m", "s", 0)
    past.data_quality(folder, random.Random(1), broken=False)
    (folder / "constraint_violations.json").write_bytes(content)
    done = history_of(tmp_path).update(str(tmp_path))
    assert [each.path for each in done.skipped] == ["m/s/2026/11/01/00/constraint_violations.json"]
    found = history_of(tmp_path).query("SELECT verdict, rows FROM executions")
    assert found == [{"verdict": "unreadable", "rows": 500}]


def test_an_endpoint_may_be_called_dashboard(tmp_path):
    past.data_quality(past.folder_of(tmp_path, "dashboard", "s", 0), random.Random(1), broken=False)
    (tmp_path / "dashboard" / "index.html").write_text("our own")
    done = history_of(tmp_path).update(str(tmp_path))
    assert (done.new, done.skipped) == (1, ())


def test_an_execution_without_judgement_is_not_called_well(tmp_path):
    past.write(past.folder_of(tmp_path, "m", "s", 0), statistics=past.statistics(past.text("a")))
    history = history_of(tmp_path)
    history.update(str(tmp_path))
    assert history.query("SELECT verdict FROM executions") == [{"verdict": "not judged"}]


def test_an_analysis_without_a_baseline_is_not_called_well(tmp_path):
    write_table(tmp_path / "job")
    baseline = run_analysis(tmp_path / "job", SIMPLE)
    now = run_analysis(tmp_path / "job", SIMPLE, output_path=tmp_path / "now", **judged_by(baseline))
    for hour, out in enumerate((baseline, now)):
        shutil.copytree(out, past.folder_of(tmp_path / "monitoring", "m", "s", hour), dirs_exist_ok=True)
    history = history_of(tmp_path / "monitoring")
    history.update(str(tmp_path / "monitoring"))
    found = history.query("SELECT verdict FROM executions ORDER BY time")
    assert found == [{"verdict": "not judged"}, {"verdict": "ok"}]


def judged_by(baseline: Path) -> dict[str, Path]:
    return {"baseline_constraints": baseline / "analysis.json"}


def test_executions_whose_folders_are_gone_are_kept(top):
    history = history_of(top)
    history.update(str(top))
    shutil.rmtree(top / "churn" / "bias" / "2026/11/01")
    done = history.update(str(top))
    assert done.gone == 4
    gone = history.query("SELECT count(*) n FROM executions WHERE NOT present")
    assert gone == [{"n": 4}]
    assert history.update(str(top)).gone == 0


def test_the_folder_can_be_moved_with_its_history(top, tmp_path):
    history_of(top).update(str(top))
    moved = tmp_path / "elsewhere"
    top.rename(moved)
    assert history_of(moved).update(str(moved)).same == 112


def test_batch_transforms_and_deeper_layouts_have_their_names(tmp_path):
    past.data_quality(past.folder_of(tmp_path, "", "nightly", 0), random.Random(1), broken=False)
    past.data_quality(past.folder_of(tmp_path, "team/a/churn", "hourly", 0), random.Random(1), broken=False)
    history = history_of(tmp_path)
    history.update(str(tmp_path))
    names = {(row["endpoint"], row["schedule"]) for row in history.query("SELECT * FROM executions")}
    assert names == {("", "nightly"), ("team/a/churn", "hourly")}
    inner = tmp_path / "nightly"
    own = History(str(tmp_path / "own.sqlite"))
    own.update(str(inner))
    assert [row["schedule"] for row in own.query("SELECT * FROM executions")] == ["nightly"]


@pytest.mark.golden
@pytest.mark.skipif(not GOLDEN.is_dir(), reason="real outputs of the original are not beside the checkout")
def test_real_outputs_of_the_original_are_taken_in(tmp_path):
    for name, files in {
        "churn": ("data-quality-churn/constraints.json", "data-quality-churn/statistics.first-29-features.json"),
        "boston": ("data-quality-boston/statistics.json",),
        "quality": ("model-quality-regression/statistics.json", "model-quality-regression/constraints.json"),
        "adult": ("bias-adult/baseline.analysis.json",),
    }.items():
        folder = past.folder_of(tmp_path, name, "s", 0)
        for each in files:
            shutil.copy(GOLDEN / each, folder / (each.split("/")[1].split(".")[-2 if "bias" in each else 0] + ".json"))
    history = history_of(tmp_path)
    done = history.update(str(tmp_path))
    assert (done.new, done.skipped) == (4, ())
    found = {row["endpoint"]: row for row in history.query("SELECT endpoint, count(*) n FROM metrics GROUP BY 1")}
    assert found["boston"]["n"] > 50
    assert found["adult"]["n"] > 15
    mae = history.query("SELECT value, low FROM metrics WHERE metric = 'mae'")
    assert mae == [{"value": 0.5040653554420981, "low": None}]


def test_a_query_may_not_change_the_history(top):
    history = history_of(top)
    history.update(str(top))
    with pytest.raises(InputError, match="readonly"):
        history.query("DELETE FROM executions")
    with pytest.raises(InputError, match="no such table: nowhere"):
        history.query("SELECT * FROM nowhere")
    with pytest.raises(InputError, match="cannot be read"):
        History(str(top / "none.sqlite")).query("SELECT 1")
    assert not (top / "none.sqlite").exists()


def test_another_kind_of_file_is_refused_and_left_as_it_was(tmp_path):
    other = tmp_path / "history.sqlite"
    other.write_text("a letter")
    with pytest.raises(InputError, match="not a database"):
        History(str(other)).update(str(tmp_path))
    assert other.read_text() == "a letter"
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE mine (a)")
    with pytest.raises(InputError, match="another kind of database"):
        History(str(foreign)).update(str(tmp_path))


def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        History(str(tmp_path / "h.sqlite")).update(str(tmp_path / "nowhere"))
    assert list(tmp_path.iterdir()) == []


def test_frames_have_times(top):
    history = history_of(top)
    history.update(str(top))
    frame = history.frame("SELECT time, value FROM metrics WHERE metric = 'auc' ORDER BY time")
    assert len(frame) == past.HOURS
    assert frame["time"].dt.hour.tolist()[:3] == [0, 1, 2]


def test_names_of_any_kind_are_kept_as_they_are(tmp_path):
    name = "x'); DROP TABLE executions; -- \u202e<b>\n"
    folder = past.folder_of(tmp_path, "mödel [1]", "s%d", 0)
    past.write(folder, statistics=past.statistics(past.numeric(name, 1.0)), constraint_violations={"violations": []})
    (folder / "profile.json").write_text(json.dumps(past.profile({name: 0.5})))
    history = history_of(tmp_path)
    history.update(str(tmp_path))
    assert history.query("SELECT DISTINCT endpoint, schedule, feature FROM metrics") == [
        {"endpoint": "mödel [1]", "schedule": "s%d", "feature": name}
    ]


SKETCHES = {
    "compact": '{"sketch":{"parameters":{"k":2048},"data":[[1.5,2],[3]]},"data":[],"after":[[1]]}',
    "spaced": '{ "sketch" : { "data" : [ [ 1.0, 2.0 ], [ 3.0 ] ] }, "name" : "\\"data\\" : [ [ 1 ] ]" }',
    "of texts": '{"data":[["a"],["b"]],"x":[[1,2]]}',
    "as a value": '{"buckets":[{"value":"data","count":1}],"more":[["data"]],"end":[[2]]}',
    "both ways": '{"data":[[1]],"b":{"data" : [ [ 2 ] ]}}',
}


@pytest.mark.parametrize("name", SKETCHES)
def test_what_is_left_out_of_statistics_are_sketches_alone(name):
    from analyzer.history.read_documents import parse

    def without_sketches(found):
        if isinstance(found, dict):
            return {k: [] if k == "data" and name != "of texts" else without_sketches(v) for k, v in found.items()}
        return [without_sketches(each) for each in found] if isinstance(found, list) else found

    expected = without_sketches(json.loads(SKETCHES[name]))
    assert without_sketches(parse(SKETCHES[name].encode())) == expected


def test_numbers_beyond_all_measure_spoil_only_their_file(tmp_path):
    folder = past.folder_of(tmp_path, "m", "s", 0)
    past.data_quality(folder, random.Random(1), broken=False)
    text = (folder / "statistics.json").read_text().replace('"item_count": 500', f'"item_count": {"9" * 400}')
    (folder / "statistics.json").write_text(text)
    done = history_of(tmp_path).update(str(tmp_path))
    assert [each.path.rpartition("/")[2] for each in done.skipped] == ["statistics.json"]


def test_a_number_of_rows_that_no_database_holds_is_not_known(tmp_path):
    folder = past.folder_of(tmp_path, "m", "s", 0)
    past.data_quality(folder, random.Random(1), broken=False)
    for name in ("statistics", "profile"):
        document = json.loads((folder / f"{name}.json").read_text())
        document["dataset"]["item_count"] = 1e30
        past.write(folder, **{name: document})
    assert history_of(tmp_path).update(str(tmp_path)).skipped == ()
    assert history_of(tmp_path).query("SELECT verdict, rows FROM executions") == [{"verdict": "ok", "rows": None}]


def test_half_characters_become_question_marks(tmp_path):
    folder = past.folder_of(tmp_path, "m", "s", 0)
    found = [past.drifted("b\udc00", 0.5)]
    statistics = past.statistics(past.numeric("a\ud800", float("nan")), past.numeric("b\udc00", 1.0))
    past.write(folder, statistics=statistics, constraint_violations={"violations": found})
    assert history_of(tmp_path).update(str(tmp_path)).skipped == ()
    names = history_of(tmp_path).query("SELECT DISTINCT feature FROM metrics ORDER BY 1")
    assert names == [{"feature": "a?"}, {"feature": "b?"}]
    assert history_of(tmp_path).query("SELECT feature FROM findings") == [{"feature": "b?"}]
