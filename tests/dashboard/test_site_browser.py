"""The dashboard in a real browser: offline, escaped, for the keyboard, for all."""

from __future__ import annotations

import pytest

PAGES = (
    "index",
    "churn-data-hourly",
    "churn-quality-hourly",
    "churn-bias",
    "churn-attribution",
    "endless",
    "img-src-x",
)
HOSTILE = "img-src-x"


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_loaded_logged_or_run(visit, name) -> None:
    seen = visit(name)
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("window.hits") == []
    assert seen.errors == []
    assert seen.requests == [seen.page.url]


def test_hostile_names_are_shown_as_the_text_that_they_are(visit) -> None:
    cards = visit().page.locator("#models")
    assert cards.get_by_role("heading", name="<img src=x onerror=hit(1)>").is_visible()
    assert cards.get_by_role("link", name="a & b 'c'", exact=True).is_visible()
    seen = visit(HOSTILE)
    rows = seen.page.locator("#violations-by-feature tbody th").all_inner_texts()
    assert "\"><script>hit(2)</script>' ⟨U+202E⟩txt" in rows
    assert rows[0] in seen.page.locator("#of option").all_inner_texts()


def test_the_first_page_has_a_card_for_each_model_and_schedule_with_its_verdicts(visit) -> None:
    page = visit().page
    assert "of 14 schedules have violations" in page.get_by_role("heading", level=1).inner_text()
    assert page.locator("article.card").count() == 14
    churn = page.locator("article.card", has=page.get_by_role("link", name="data-hourly", exact=True)).first
    told = {
        chip.get_attribute("data-dimension"): chip.inner_text().split("\n")[-1].strip()
        for chip in churn.locator("li").all()
    }
    assert told.pop("Data quality") == "3 violations"
    assert told == dict.fromkeys(("Model quality", "Bias", "Attribution"), "\u2013")
    heading = page.locator(".model", has_text="quiet")
    assert heading.locator(".badge.ok").count() == 4


def test_what_matters_most_comes_first_and_leads_to_its_page(visit) -> None:
    page = visit().page
    rows = page.locator("#first tbody tr")
    first = rows.first.inner_text()
    assert "income" in first
    assert "55.0 %" in first
    assert "auc 0.8" in first
    names = [row.locator("th").inner_text() for row in rows.all()]
    assert names.index("income") < names.index("plan")
    rows.first.get_by_role("link").click()
    page.wait_for_url("**data-hourly*")
    assert page.locator("#causes").is_visible()


def test_what_changed_at_the_same_hour_stands_together(visit) -> None:
    page = visit("churn-data-hourly").page
    assert page.locator("#causes h3").all_inner_texts() == ["2026-11-02 06:00: 2 features"]
    assert page.locator("#causes tbody th").all_inner_texts() == ["income", "plan"]
    others = page.locator("#causes .quiet").nth(1).inner_text()
    assert "auc" in others
    assert "RD of sex = 0" in others
    assert "ndcg of label0" in others


def test_violations_by_feature_and_kind_can_be_sorted(visit) -> None:
    page = visit("churn-data-hourly").page
    table = page.locator("#violations-by-feature")
    assert table.locator("tbody th").all_inner_texts() == ["income", "plan"]
    cells = table.locator("tbody tr").first.locator("td").all_inner_texts()
    assert cells[1:4] == ["18", "18", "18"]
    head = table.locator("th", has_text="Completeness").get_by_role("button")
    head.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert table.locator("tbody th").all_inner_texts() == ["plan", "income"]


def test_any_metric_can_be_chosen_and_read_by_keyboard_with_its_threshold(visit) -> None:
    page = visit("churn-data-hourly").page
    page.locator("#history svg").wait_for()
    page.locator("#of").select_option("income")
    page.locator("#metric").select_option("drift")
    assert page.locator("#history .threshold").count() == 1
    assert page.locator("#history .beyond").count() == 18
    page.locator("#history svg").focus()
    page.keyboard.press("Home")
    reading = page.locator("#reading").inner_text()
    assert reading.startswith("2026-11-01 00:00: 0.0")
    assert "threshold 0.1" in reading
    assert "beyond" not in reading
    page.keyboard.press("End")
    assert page.locator("#reading").inner_text().endswith("threshold 0.1, beyond")
    page.locator("#of").select_option("age")
    assert page.locator("#metric").input_value() == "drift"
    options = page.locator("#metric option").all_inner_texts()
    assert {"completeness", "mean", "distinct", "missing", "drift"} <= set(options)


def test_quality_shows_its_interval_and_bias_its_threshold(visit) -> None:
    quality = visit("churn-quality-hourly").page
    quality.locator("#history svg").wait_for()
    quality.locator("#metric").select_option("auc")
    assert quality.locator("#history .band").count() == 1
    assert "interval" in quality.locator("#reading").inner_text()
    bias = visit("churn-bias").page
    bias.locator("#history svg").wait_for()
    bias.locator("#metric").select_option("RD")
    assert "threshold 0.13081, beyond" in bias.locator("#reading").inner_text()
    bias.locator("#metric").select_option("TE")
    assert "Infinity" in bias.locator("#reading").inner_text()


def test_what_is_infinite_lies_on_the_edge_of_its_chart(visit) -> None:
    page = visit("endless").page
    dots = page.locator("#figures .few .beyond")
    assert [float(each.get_attribute("cy")) for each in dots.all()] == [12.0]


def test_executions_link_to_their_reports(visit, top) -> None:
    page = visit("churn-data-hourly").page
    page.get_by_text("Table of executions").click()
    link = page.locator("#executions-table").get_by_role("link").first
    assert link.get_attribute("href") == "../churn/data-hourly/2026/11/02/23/report.html"
    link.click()
    assert page.title() == "A report"
    assert page.url == (top / "churn/data-hourly/2026/11/02/23/report.html").as_uri()


def test_cards_are_found_by_name_and_verdict(visit) -> None:
    page = visit().page
    page.get_by_label("Find").fill("FRAUD")
    assert page.locator("article.card:visible").count() == 4
    page.locator("[data-filter=ok]").click()
    assert page.locator("article.card:visible").count() == 2
    assert page.locator("output").inner_text() == "2 of 14 shown"


def test_the_essentials_are_there_without_scripts(visit) -> None:
    page = visit("churn-data-hourly", java_script_enabled=False).page
    assert page.locator("#causes tbody tr").first.is_visible()
    assert page.locator("#executions svg").first.is_visible()
    assert page.locator("#figures .few svg").count() == 3
    assert not page.locator("#chooser").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_no_rule_of_accessibility_is_broken(visit, name, scheme) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    seen = visit(name, color_scheme=scheme, bypass_csp=True)
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = axe.Axe().run(seen.page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_narrow_screen_needs_no_scrolling_aside(visit, name) -> None:
    seen = visit(name, viewport={"width": 360, "height": 800})
    seen.page.wait_for_timeout(100)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360
