"""What reports say, in all three forms, of jobs that really ran."""

from __future__ import annotations

import logging
import re
from xml.etree import ElementTree as ET

import analysis_papers
import pytest
from hostile import ATTACKS
from report_runs import baseline_of, document, run_into, write_predictions

from analyzer import plugins
from analyzer.config import read_config
from analyzer.errors import ConfigError, Stopped
from analyzer.report import make_reports, papers_of

FORMS = ("report.html", "report.md", "junit.xml")


def text(folder, name="report.html") -> str:
    return (folder / name).read_text(encoding="utf-8")


def plain(page: str) -> str:
    """The words of a page, without its tags."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


# --- data quality -----------------------------------------------------------------------------------------------------


def test_the_page_tells_every_violation_in_both_wordings(reports) -> None:
    shown = plain(text(reports("broken")))
    violations = document(reports("broken"), "constraint_violations")["violations"]
    assert {each["constraint_check_type"] for each in violations} >= {
        "data_type_check", "completeness_check", "categorical_values_check", "baseline_drift_check",
    }  # fmt: skip
    for each in violations:
        assert each["description"].strip() in shown
    assert "80 of 400 values are missing; 80 % are present, 100 % expected" in shown
    assert "0.2 % of the values are not Integral: 1 text" in shown


def test_drift_is_told_with_its_distance_and_threshold(reports) -> None:
    (drift,) = [each for each in document(reports("broken"), "profile")["drift"] if each["feature_name"] == "plan"]
    shown = plain(text(reports("broken")))
    assert f"Drift distance {drift['distance']:.4g}, threshold 0.1" in shown


def test_examples_of_offending_values_are_shown_unless_switched_off(reports) -> None:
    assert "Offending values: <code><bdi>n/a</bdi></code>" in text(reports("broken"))
    hidden = text(reports("hidden"))
    assert "Offending values" not in hidden
    assert "n/a" not in hidden
    assert "a value that the baseline lacks" in hidden


def test_a_clean_window_says_so(reports) -> None:
    assert "<h1>No violations: 13 columns as expected</h1>" in text(reports("clean"))
    assert text(reports("clean"), "report.md").startswith("### Data quality: No violations: 13 columns as expected\n")


def test_a_baseline_says_that_nothing_was_judged(reports) -> None:
    shown = plain(text(reports("baseline")))
    assert "13 columns described; nothing to compare with was given" in shown
    assert "✓" not in shown.replace("OK ✓", "")


def test_a_window_with_other_columns_names_them(tmp_path, reports) -> None:
    (tmp_path / "in.csv").write_text("age,income,more\n1,2,3\n")
    out = run_into(tmp_path, "out", tmp_path / "in.csv", **baseline_of(reports("baseline")))
    shown = plain(text(out))
    assert "3 columns instead of 13, so no column was judged" in shown
    assert "not in the baseline: more" in shown
    assert "missing: " in shown


def test_an_empty_window_is_no_success(tmp_path, reports) -> None:
    (tmp_path / "in.csv").write_text("age,income\n")
    given = baseline_of(reports("baseline"))
    out = run_into(tmp_path, "out", tmp_path / "in.csv", ANALYZER_EMPTY_INPUT="succeed", **given)
    assert "There were no rows, so nothing was judged" in plain(text(out))
    assert 'class="top medium"' in text(out)


def test_nothing_from_data_becomes_markup(reports) -> None:
    page = text(reports("broken"))
    elements = set(re.findall(r"<([a-z]+[0-9]?)[\s/>]", re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)))
    assert not elements & {"img", "iframe", "object", "embed", "link", "base"}
    assert page.count("<script") == 1
    assert not re.search(r"<[^>]*\son\w+=", page)
    assert not {each for each in page if ord(each) < 32} - {"\n"}
    assert not set("\u202e\u2066\u200b") & set(page)


def test_the_page_asks_for_nothing_from_elsewhere(reports) -> None:
    page = text(reports("broken"))
    assert "default-src &#39;none&#39;" in page
    assert set(re.findall(r'\b(?:href|src|action)="([^"]{0,9})', page)) <= {"#main"} | {f"#c{i}" for i in range(13)}


def test_the_same_run_writes_the_same_bytes(tmp_path, reports) -> None:
    given, source = baseline_of(reports("baseline")), reports("baseline").parent / "live"
    one, two = (run_into(tmp_path, name, source, **given) for name in ("one", "two"))
    assert [(one / name).read_bytes() for name in FORMS] == [(two / name).read_bytes() for name in FORMS]


def test_the_endpoint_and_the_window_are_named(tmp_path, reports) -> None:
    out = run_into(
        tmp_path, "out", reports("baseline").parent / "live", sagemaker_endpoint_name="churn-<b>",
        start_time="2025-02-16T11:00:00Z", publish_cloudwatch_metrics="Disabled",
    )  # fmt: skip
    assert "Endpoint: <b>churn-&lt;b&gt;</b>" in text(out)
    assert "From `2025-02-16T11:00:00Z`" in text(out, "report.md")


# --- the short forms --------------------------------------------------------------------------------------------------


def test_the_summary_is_short_and_says_the_worst(reports) -> None:
    summary = text(reports("broken"), "report.md")
    assert len(summary) < 3000
    assert summary.startswith("### Data quality: ")
    assert "| ▲ High | `income` | 80 of 400 values are missing" in summary


def test_nothing_in_the_summary_is_a_link_a_mention_or_markup(tmp_path) -> None:
    name = "`` @everyone | [x](https://evil.example)"
    (tmp_path / "in.csv").write_text(f'"{name}"\nx\n')
    given = baseline_of(run_into(tmp_path, "base", tmp_path / "in.csv"))
    (tmp_path / "in.csv").write_text(f'"{name}"\n<b>\n')
    summary = text(run_into(tmp_path, "out", tmp_path / "in.csv", **given), "report.md")
    assert "``` `` @everyone \\| [x](https://evil.example) ```" in summary
    outside = re.sub(r"(`+).*?\1(?!`)", "", summary)
    assert "@" not in outside
    assert "](" not in outside


def test_addresses_in_the_words_of_a_summary_are_no_links() -> None:
    documents = {
        "profile.json": {"dataset": {"notes": ["See www.evil.example, WWW.evil.example, https://evil.example"]}}
    }
    summary = make_reports(papers_of("data_quality", documents, {}, about={}), ["md"])["md"]
    assert "evil.example" in summary
    assert not re.search(r"www\.|://", summary, re.IGNORECASE)


def test_junit_is_xml_whatever_names_hold() -> None:
    odd = "a\ufffe\uffff\x00\ud800"
    told = {"feature_name": odd, "constraint_check_type": odd, "description": odd}
    documents = {
        "statistics.json": {"dataset": {"item_count": 1}, "features": [{"name": odd}, {"name": "\uffff"}]},
        "constraint_violations.json": {"violations": [told]},
    }
    made = make_reports(papers_of("data_quality", documents, {}, about={"Endpoint": odd}), ["junit"])["junit"]
    suite = ET.fromstring(made.encode()).find("testsuite")
    assert [each.get("name") for each in suite.findall("testcase")] == ["a⟨U+FFFE⟩⟨U+FFFF⟩⟨U+0000⟩⟨U+D800⟩", "⟨U+FFFF⟩"]


def test_junit_has_a_failed_test_for_each_violation(reports) -> None:
    suite = ET.fromstring(text(reports("broken"), "junit.xml")).find("testsuite")
    violations = document(reports("broken"), "constraint_violations")["violations"]
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) == len(violations)
    assert {each.text for each in suite.findall("testcase/failure")} == {each["description"] for each in violations}
    assert int(suite.get("tests")) == len(suite.findall("testcase"))
    named = {each.get("name") for each in suite.findall("testcase")}
    assert {"age", "income", ATTACKS[0]} <= named


def test_junit_of_a_baseline_skips_all(reports) -> None:
    suite = ET.fromstring(text(reports("baseline"), "junit.xml")).find("testsuite")
    assert suite.get("skipped") == suite.get("tests") == "13"


# --- what is written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "written"),
    [("none", set()), ("md", {"report.md"}), (" HTML , junit ", {"report.html", "junit.xml"}), ("", set(FORMS[:2]))],
)
def test_the_setting_says_what_is_written(tmp_path, asked, written) -> None:
    (tmp_path / "in.csv").write_text("a\n1\n")
    out = run_into(tmp_path, "out", tmp_path / "in.csv", ANALYZER_REPORT=asked)
    assert {path.name for path in out.iterdir()} & set(FORMS) == written


@pytest.mark.parametrize("asked", ["pdf", "html,none", "html;md"])
def test_a_form_that_there_is_not_is_refused(tmp_path, asked) -> None:
    with pytest.raises(ConfigError, match="ANALYZER_REPORT") as caught:
        read_config(
            {"dataset_format": '{"csv":{}}', "dataset_source": "in", "output_path": "out", "ANALYZER_REPORT": asked}
        )
    assert "html, md and junit" in caught.value.hint


def test_a_report_that_is_switched_off_does_not_stay_but_a_foreign_file_does(tmp_path) -> None:
    (tmp_path / "in.csv").write_text("a\n1\n")
    out = run_into(tmp_path, "out", tmp_path / "in.csv", ANALYZER_REPORT="html,md")
    (out / "junit.xml").write_text("somebody's")
    run_into(tmp_path, "out", tmp_path / "in.csv", ANALYZER_REPORT="none")
    assert {path.name for path in out.iterdir()} & set(FORMS) == {"junit.xml"}


def test_a_page_that_fails_costs_nothing_but_itself(reports, caplog) -> None:
    """One document that is not what it should be: the page needs it, the short forms do not."""
    names = ("statistics", "constraints", "constraint_violations", "profile")
    documents = {f"{name}.json": document(reports("broken"), name) for name in names}
    documents["profile.json"]["features"][0]["evidence"] = {"string": {"count": "many"}}
    made = make_reports(papers_of("data_quality", documents, {}, about={}), ["html", "md", "junit"])
    assert set(made) == {"md", "junit"}
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "The report as html could not be made" in record.message
    assert record.exc_info


def test_the_check_of_a_package_may_name_anything_in_its_evidence(tmp_path, monkeypatch, caplog) -> None:
    site = tmp_path / "site"
    (site / "evid-1.0.dist-info").mkdir(parents=True)
    (site / "evid-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: evid\nVersion: 1.0\n")
    (site / "evid-1.0.dist-info" / "entry_points.txt").write_text("[analyzer.checks]\nodd_check = evid:check\n")
    (site / "evid.py").write_text(
        "from analyzer.documents import Verdict, Violation\n"
        "def check(case):\n"
        "    return Verdict((Violation('a', 'odd_check', 'It is odd.', {'examples': 3, 'first': 'a'}),))\n"
    )
    monkeypatch.syspath_prepend(str(site))
    plugins.plugins.cache_clear()
    (tmp_path / "in.csv").write_text("a\n1\n")
    given = baseline_of(run_into(tmp_path, "base", tmp_path / "in.csv"))
    out = run_into(tmp_path, "out", tmp_path / "in.csv", **given)
    plugins.plugins.cache_clear()
    (found,) = document(out, "constraint_violations")["violations"]
    assert found["constraint_check_type"] == "odd_check"
    assert document(out, "profile")["violations"][0]["evidence"] == {"examples": 3, "first": "a"}
    assert "It is odd." in plain(text(out))
    assert [each for each in caplog.records if each.levelno == logging.ERROR] == []


def test_documents_that_make_no_report_are_said_to_and_raise_nothing(caplog) -> None:
    papers = papers_of("data_quality", {"statistics.json": {"features": [{}]}}, {}, about={})
    assert make_reports(papers, ["html", "md"]) == {}
    assert "No report could be made" in caplog.text


# --- model quality ----------------------------------------------------------------------------------------------------


def test_model_quality_is_told_against_the_baseline_with_intervals(quality) -> None:
    page, shown = text(quality), plain(text(quality))
    statistics = document(quality, "statistics")["binary_classification_metrics"]
    low, high = document(quality, "profile")["model_quality"]["confidence"]["auc"]
    assert "worse than the baseline&#39;s</h1>" in page
    assert f"{statistics['auc']['value']:.4f}".rstrip("0") in shown
    assert f"{low:.4f}".rstrip("0") + " to " + f"{high:.4f}".rstrip("0") in shown
    for heading in ("Confusion matrix", "Curves", "Class by class", "Segments"):
        assert f"<h2>{heading}</h2>" in page
    assert page.count('class="square"') == 3
    assert "&lt;b&gt;fr&lt;/b&gt;" in page


def test_cells_of_the_confusion_matrix_have_their_interval(quality) -> None:
    from analyzer.report.model_quality import wilson

    low, high = wilson(10, 20)
    assert (round(low, 4), round(high, 4)) == (0.2993, 0.7007)  # as every textbook has it
    assert wilson(0, 5)[0] == 0.0
    assert wilson(5, 5)[1] == 1.0
    matrix = document(quality, "statistics")["binary_classification_metrics"]["confusion_matrix"]
    assert f"<b>{matrix['0']['1']:,}</b>" in text(quality)


@pytest.mark.parametrize("problem", ["Regression", "MulticlassClassification"])
def test_other_kinds_of_models_have_their_reports(tmp_path, problem) -> None:
    asked = {
        "analysis_type": "MODEL_QUALITY", "problem_type": problem, "inference_attribute": "prediction",
        "ground_truth_attribute": "label",
    }  # fmt: skip
    base = run_into(tmp_path, "base", write_predictions(tmp_path / "train", broken=False), **asked)
    given = {"baseline_constraints": base / "constraints.json"}
    out = run_into(tmp_path, "out", write_predictions(tmp_path / "live", broken=True), **given, **asked)
    violations = document(out, "constraint_violations")["violations"]
    assert violations
    shown = plain(text(out))
    assert all(each["description"] in shown.replace("&#39;", "'") for each in violations)
    assert f"{len(violations)} metrics of" in shown


def test_reports_of_model_quality_hold_no_time(tmp_path) -> None:
    source = write_predictions(tmp_path / "train", broken=False)
    asked = {
        "analysis_type": "MODEL_QUALITY", "problem_type": "Regression", "inference_attribute": "prediction",
        "ground_truth_attribute": "label",
    }  # fmt: skip
    one, two = (run_into(tmp_path, name, source, **asked) for name in ("one", "two"))
    assert text(one) == text(two)


# --- bias and attribution ---------------------------------------------------------------------------------------------


def test_bias_is_told_by_group_and_matched_whatever_the_maximum_of_an_interval() -> None:
    page = make_reports(analysis_papers.drifted(), ["html"])["html"]
    shown = plain(page)
    assert "RD of Age 40" in shown
    assert shown.count("0.31, the baseline&#39;s is 0.13: farther from 0 by 0.18") == 2
    assert shown.count("nearer to 1, which is parity") == 2
    assert "∞" in shown
    assert "Post-training bias" in page
    assert "Pre-training bias" in page
    assert "one note" in shown


def test_attribution_is_told_with_the_features_that_moved() -> None:
    shown = plain(make_reports(analysis_papers.drifted(), ["html"])["html"])
    assert "agrees to 0.62 with the baseline&#39;s, 0.9 is asked" in shown
    assert "&lt;script&gt;hit(8)&lt;/script&gt; from rank 1 to 3" in shown


def test_without_a_baseline_nothing_of_an_analysis_is_judged() -> None:
    papers = analysis_papers.drifted()
    alone = type(papers)("analysis", analysis=papers.analysis, profile=papers.profile)
    made = make_reports(alone, ["html", "md", "junit"])
    assert "nothing to compare with was given" in made["md"]
    suite = ET.fromstring(made["junit"]).find("testsuite")
    assert suite.get("skipped") == suite.get("tests")


def test_one_half_alone_has_its_own_title() -> None:
    papers = analysis_papers.drifted()
    half = {key: each for key, each in papers.analysis.items() if key != "explanations"}
    bias = type(papers)("analysis", analysis=half, baseline_analysis=papers.baseline_analysis)
    assert make_reports(bias, ["md"])["md"].startswith("### Bias drift: No violations: 12 bias metrics")
    half = {"explanations": papers.analysis["explanations"]}
    attribution = type(papers)("analysis", analysis=half, baseline_analysis=papers.baseline_analysis)
    assert make_reports(attribution, ["md"])["md"].startswith("### Feature attribution drift: No violations")


def test_the_rule_of_bias_and_the_scores_of_attribution_come_from_the_profile() -> None:
    profile = {
        "version": 1,
        "bias": {"rows": 334, "violation_rule": "distance_from_parity", "notes": []},
        "attribution": {"rows": 334, "explained_rows": 100, "ndcg": {"label0": 0.62}, "notes": []},
    }
    shown = plain(make_reports(analysis_papers.drifted(**{"profile.json": profile}), ["html"])["html"])
    assert "What is farther from its neutral value than the baseline violates." in shown
    assert "nearer to 1" not in shown
    assert "for 1 output of the model, 100 rows" in shown


def test_segments_of_bias_are_listed() -> None:
    analysis = dict(analysis_papers.drifted().analysis)
    analysis["segments"] = [{"name": "city", "segment": "<i>Ulm</i>", **analysis}]
    page = make_reports(analysis_papers.drifted(**{"analysis.json": analysis}), ["html"])["html"]
    assert "city &lt;i&gt;Ulm&lt;/i&gt;" in page
    assert "12 metrics" in page


# --- very much of everything ------------------------------------------------------------------------------------------


def test_thousands_of_columns_show_what_is_wrong_and_say_what_is_left_out() -> None:
    block = {"common": {"num_present": 1, "num_missing": 0}, "distinct_count": 1.0}
    features = [{"name": f"c{i}", "inferred_type": "String", "string_statistics": block} for i in range(3000)]
    wrong = {"feature_name": "c2999", "constraint_check_type": "completeness_check", "description": "It lacks values."}
    documents = {
        "statistics.json": {"dataset": {"item_count": 1}, "features": features},
        "constraint_violations.json": {"violations": [wrong]},
    }
    page = make_reports(papers_of("data_quality", documents, {}, about={}), ["html"])["html"]
    assert "1 violation in 1 of 3,000 columns" in page
    assert "2,000 more columns without violations stand in profile.json." in page
    assert 'id="c2999"' in page
    assert 'id="c999"' not in page


def test_a_facet_of_many_values_does_not_fill_the_page() -> None:
    papers = analysis_papers.drifted()
    analysis = dict(papers.analysis)
    section = dict(analysis["pre_training_bias_metrics"])
    (group,) = section["facets"]["Sex"]
    section["facets"] = {"Sex": [group | {"value_or_threshold": str(i)} for i in range(300)]}
    analysis["pre_training_bias_metrics"] = section
    page = make_reports(analysis_papers.drifted(**{"analysis.json": analysis}), ["html"])["html"]
    assert "250 more groups stand in analysis.json." in page


def test_a_job_that_is_told_to_end_ends_while_it_makes_a_report() -> None:
    class Ending(dict):
        def get(self, *_given):
            raise Stopped("SIGTERM")

    papers = papers_of("data_quality", {"statistics.json": Ending(dataset={})}, {}, about={})
    with pytest.raises(Stopped):
        make_reports(papers, ["html"])
