"""The site without a browser: incremental, relative, and the same however it came about."""

from __future__ import annotations

import json
import random
import shutil
from datetime import UTC, datetime
from pathlib import Path

import executions as past
import pytest

from analyzer.dashboard.collect import Point, Series, collect
from analyzer.dashboard.make_site import make_dashboard
from analyzer.dashboard.rank_causes import rank_causes, ratio_of
from analyzer.dashboard.schedule_page import packed_figures
from analyzer.errors import InputError
from analyzer.history import History, history_in
from analyzer.history.database import Connection, read_only, work_on
from analyzer.history.import_executions import Run, Writer
from analyzer.history.read_documents import Contents


@pytest.fixture
def own(tmp_path: Path) -> Path:
    top = tmp_path / "monitoring"
    past.write_model(top, "churn")
    past.write_model(top, "quiet", breaks=999)
    return top


def pages(top: Path) -> dict[str, tuple[int, bytes]]:
    return {
        each.name: (each.stat().st_mtime_ns, each.read_bytes()) for each in sorted((top / "dashboard").glob("*.html"))
    }


def test_a_second_time_nothing_is_written(own):
    first = make_dashboard(str(own))
    assert (first.written, first.pages) == (9, 9)
    before = pages(own)
    again = make_dashboard(str(own))
    assert (again.written, again.imported.same) == (0, 224)
    assert pages(own) == before


def test_only_pages_of_the_model_that_changed_are_written(own):
    make_dashboard(str(own))
    before = pages(own)
    past.data_quality(past.folder_of(own, "churn", "data-hourly", 60), random.Random(1), broken=False)
    make_dashboard(str(own))
    after = pages(own)
    changed = {name for name in after if after[name] != before[name]}
    assert {name.partition("-")[0] for name in changed} == {"churn", "index.html"}


def test_a_page_that_was_removed_comes_back_and_one_of_a_schedule_that_is_no_more_goes(own):
    make_dashboard(str(own))
    before = pages(own)
    next((own / "dashboard").glob("quiet-bias*")).unlink()
    make_dashboard(str(own))
    assert {name: content for name, (_, content) in pages(own).items()} == {k: v for k, (_, v) in before.items()}
    (own / "history.sqlite").unlink()
    shutil.rmtree(own / "quiet" / "bias")
    make_dashboard(str(own))
    assert not list((own / "dashboard").glob("quiet-bias*"))


def test_a_spoilt_manifest_costs_time_alone(own):
    make_dashboard(str(own))
    manifest = own / "dashboard" / "manifest.json"
    whole = json.loads(manifest.read_text())["models"]
    lacking = {name: {key: each[key] for key in ("pages", "summary")} for name, each in whole.items()}
    for models in ({"churn": {"fingerprint": 1}}, {"churn": 3}, 3, lacking):
        manifest.write_text(json.dumps({"models": models}))
        assert make_dashboard(str(own)).written == 9
    for content in ("", "[]"):
        manifest.write_text(content)
        assert make_dashboard(str(own)).written == 9


def test_a_spoilt_manifest_removes_nothing_but_pages(own):
    make_dashboard(str(own))
    letter = own / "letter.html"
    letter.write_text("mine")
    manifest = own / "dashboard" / "manifest.json"
    told = json.loads(manifest.read_text())
    told["models"]["churn"] |= {"fingerprint": "another", "pages": ["../letter.html"]}
    manifest.write_text(json.dumps(told))
    make_dashboard(str(own))
    assert letter.read_text() == "mine"


def test_the_site_may_lie_elsewhere_and_links_still_lead_to_the_reports(own, tmp_path):
    site = tmp_path / "www" / "deep"
    make_dashboard(str(own), str(site))
    page = next(site.glob("churn-data*")).read_text()
    link = "../../monitoring/churn/data-hourly/2026/11/02/23/report.html"
    assert f'href="{link}"' in page
    assert (site / link).resolve().is_file()


def test_names_in_links_are_quoted(tmp_path):
    odd = "a b#?%&\"'é"
    past.data_quality(past.folder_of(tmp_path, odd, "s", 0), random.Random(1), broken=True)
    make_dashboard(str(tmp_path))
    page = next((tmp_path / "dashboard").glob("a-b*")).read_text()
    assert "../a%20b%23%3F%25%26%22%27%C3%A9/s/2026/11/01/00/report.html" in page


def test_a_run_that_recorded_itself_elsewhere_has_one_slash_before_its_report(own, tmp_path):
    work_on(history_in(str(own)), lambda connection: record(connection, tmp_path / "out"))
    make_dashboard(str(own))
    assert 'href="../../out/report.html"' in next((own / "dashboard").glob("alone-*")).read_text()


def record(connection: Connection, out: Path) -> None:
    run = Run("alone", "s", datetime(2026, 11, 1, tzinfo=UTC), str(out), "", "report.html")
    Writer(connection).put(run, Contents(dimensions={"data_quality": True}))


def test_reports_that_are_gone_are_no_links(own):
    make_dashboard(str(own))
    shutil.rmtree(own / "churn" / "data-hourly" / "2026/11/02/23")
    make_dashboard(str(own))
    page = next((own / "dashboard").glob("churn-data*")).read_text()
    assert "2026/11/02/23/report.html" not in page
    assert "2026/11/02/22/report.html" in page


def test_two_schedules_never_share_a_page(tmp_path):
    for endpoint, schedule in (("a-b", "c"), ("a", "b-c"), ("a b", "c"), ("", "a-b-c"), ("é", "ö"), ("ü", "ä")):
        past.data_quality(past.folder_of(tmp_path, endpoint, schedule, 0), random.Random(1), broken=False)
    made = make_dashboard(str(tmp_path))
    assert made.pages == 7
    assert len(list((tmp_path / "dashboard").glob("*.html"))) == 7


def test_an_empty_folder_has_an_empty_dashboard_and_none_is_made_of_what_is_not_there(tmp_path):
    make_dashboard(str(tmp_path))
    assert "There are no executions" in (tmp_path / "dashboard" / "index.html").read_text()
    with pytest.raises(InputError, match="is no folder"):
        make_dashboard(str(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def test_executions_may_change_while_a_dashboard_is_there(own):
    """What a later import replaces is shown anew, though neither times nor counts change."""
    folder = past.folder_of(own, "churn", "data-hourly", 60)  # the one that is taken in last
    past.data_quality(folder, random.Random(1), broken=False)
    make_dashboard(str(own))
    past.write(folder, statistics=past.statistics(past.numeric("income", 50.0), rows=777_777))
    make_dashboard(str(own))
    assert "777,777 rows" in (own / "dashboard" / "index.html").read_text()
    past.write(folder, constraint_violations={"violations": [past.drifted("income", 0.5)]})
    make_dashboard(str(own))
    told = json.loads((own / "dashboard" / "manifest.json").read_text())["models"]["churn"]["summary"]
    card = next(each for each in told["cards"] if each["name"] == "data-hourly")
    assert card["verdict"] == "violations"


# --- root causes ------------------------------------------------------------------------------------------------------


def groups_of(top: Path, endpoint: str):
    history = History(history_in(str(top)))
    history.update(str(top))
    with read_only(history.place) as connection:
        model = collect(connection, endpoint)
    return rank_causes(model), model


def test_causes_are_ranked_by_deviation_attribution_and_quality(own):
    groups, _ = groups_of(own, "churn")
    assert [group.since for group in groups] == ["2026-11-02T06:00:00Z"]
    income, plan = groups[0].causes
    assert (income.feature, plan.feature) == ("income", "plan")
    assert income.share == pytest.approx(0.55)
    assert income.importance == pytest.approx(0.55 * 4)
    assert income.change is not None
    assert income.change.metric == "auc"
    assert income.change.factor > 5
    assert income.score == pytest.approx(income.ratio * income.importance * income.change.factor)


def test_attribution_decides_between_features_that_drift_alike(tmp_path):
    for hour in range(8):
        folder = past.folder_of(tmp_path, "m", "data", hour)
        broken = hour > 4
        distances = {"small": 0.5 if broken else 0.01, "large": 0.5 if broken else 0.01}
        found = [past.drifted(name, 0.5) for name in distances] if broken else []
        features = [past.numeric(name, 1.0) for name in distances]
        past.write(
            folder, statistics=past.statistics(*features), profile=past.profile(distances),
            constraint_violations={"violations": found},
        )  # fmt: skip
    past.attribution(past.folder_of(tmp_path, "m", "shap", 0), broken=False, shares={"small": 0.1, "large": 0.9})
    groups, _ = groups_of(tmp_path, "m")
    assert [cause.feature for cause in groups[0].causes] == ["large", "small"]
    assert groups[0].causes[0].score == pytest.approx(9 * groups[0].causes[1].score)
    assert groups[0].causes[0].change is None


def test_what_is_long_over_or_only_flickers_is_no_cause(own):
    assert groups_of(own, "quiet")[0] == []
    for hour in range(48, 80):
        past.data_quality(past.folder_of(own, "churn", "data-hourly", hour), random.Random(hour), broken=False)
    groups, _ = groups_of(own, "churn")
    assert groups == []


def test_a_break_of_two_executions_does_not_end_what_was_wrong(own):
    for hour in (40, 41):
        past.data_quality(past.folder_of(own, "churn", "data-hourly", hour), random.Random(hour), broken=False)
    groups, _ = groups_of(own, "churn")
    assert groups[0].since == "2026-11-02T06:00:00Z"
    assert groups[0].causes[0].until is None


@pytest.mark.parametrize(
    ("value", "threshold", "worse", "expected"),
    [
        (0.3, 0.1, "higher", 3.0), (0.1, 0.1, "higher", 0.0), (0.3, 0.0, "higher", 10.0), (0.7, 1.0, "lower", 7.0),
        (0.8, 0.9, "lower", 2.0), (0.9, 0.9, "lower", 0.0), (-0.3, 0.1, "away from 0", 3.0),
        (-0.05, 0.1, "away from 0", 0.0), (float("inf"), 1.0, "away from 0", float("inf")),
    ],
)  # fmt: skip
def test_ratios_tell_how_far_a_figure_is_beyond_what_is_allowed(value, threshold, worse, expected):
    assert ratio_of(value, threshold, worse) == pytest.approx(expected)


def test_thresholds_that_only_violations_tell_hold_before_and_after():
    series = Series("bias", "sex", "0", "RD", "away from 0", [Point(i, 0.1, None, None, t) for i, t in enumerate(
        [None, 0.2, None, 0.3, None]
    )])  # fmt: skip
    series.carry_thresholds()
    assert [point.threshold for point in series.points] == [0.2, 0.2, 0.2, 0.3, 0.3]


def test_a_page_carries_no_more_than_it_can_and_says_so(own, monkeypatch):
    monkeypatch.setattr("analyzer.dashboard.schedule_page.MOST_VALUES", 400)
    _, model = groups_of(own, "churn")
    schedule = next(each for each in model.schedules if each.name == "data-hourly")
    packed = packed_figures(schedule, None)
    assert packed["left_out"] > 0
    assert len(packed["times"]) == 48 - packed["left_out"]
    assert sum(len(each["v"]) for each in packed["series"]) <= 400


def test_alarms_that_are_on_stand_on_the_first_page(own):
    from analyzer.alerts.evaluate import evaluate
    from analyzer.alerts.read_rules import parse_rules

    make_dashboard(str(own))
    assert 'id="alarms"' not in (own / "dashboard" / "index.html").read_text()
    rules = parse_rules(b"rules: [{name: '<b>any', metric: violations, comparison: '>', threshold: 0}]", "alerts.yaml")
    work_on(history_in(str(own)), lambda connection: evaluate(connection, rules))
    assert make_dashboard(str(own)).written == 1
    page = (own / "dashboard" / "index.html").read_text()
    assert "4 alarms on" in page
    assert "&lt;b&gt;any" in page
    assert "<b>any" not in page
