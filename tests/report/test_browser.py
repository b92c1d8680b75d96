"""report.html in a real browser: nothing is loaded, nothing from data runs, everything can be used by all."""

from __future__ import annotations

import pytest
from hostile import ATTACKS


def test_nothing_is_loaded_logged_or_run(visit, reports) -> None:
    path = reports("broken") / "report.html"
    seen = visit(path)
    seen.page.get_by_role("button", name="Open all").click()
    seen.page.wait_for_function("[...document.querySelectorAll('details.item')].every(each => each.open)")
    for attack in seen.page.locator("bdi").all()[:40]:
        attack.dispatch_event("mouseover")
    assert seen.page.evaluate("window.hits") == []
    assert seen.errors == []
    assert seen.requests == [path.as_uri()]


def test_the_policy_stops_what_would_run_all_the_same(visit, reports) -> None:
    """Even if something were not escaped: scripts and handlers in content do nothing, and nothing is fetched."""
    seen = visit(reports("broken") / "report.html")
    seen.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=hit(9)>')")
    seen.page.evaluate("fetch('https://example.com/').catch(() => window.hits.push('refused'))")
    seen.page.wait_for_function("window.hits.length > 0")
    assert seen.page.evaluate("window.hits") == ["refused"]


def test_the_first_screen_says_the_verdict_what_is_wrong_and_how_bad(visit, reports) -> None:
    seen = visit(reports("broken") / "report.html", viewport={"width": 1280, "height": 800})
    top = seen.page.evaluate("document.querySelector('#violations-table tbody tr').getBoundingClientRect().bottom")
    assert top < 800
    assert "violations in" in seen.page.get_by_role("heading", level=1).inner_text()
    assert seen.page.locator("header .badge.high").count() == 1
    assert "age" in seen.rows("violations-table")


def test_names_of_columns_are_shown_as_the_text_that_they_are(visit, reports) -> None:
    shown = visit(reports("broken") / "report.html").rows("columns-table")
    assert ATTACKS[0] in shown
    assert ATTACKS[2] in shown
    assert "⟨U+202E⟩order backwards⟨U+2066⟩" in shown
    assert "tab\\tand⟨U+0007⟩bell" in shown


def test_tables_sort_by_their_heads_both_ways(visit, reports) -> None:
    seen = visit(reports("broken") / "report.html")
    head = seen.page.locator("#columns-table th", has_text="Missing")
    head.get_by_role("button").focus()
    seen.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert seen.rows("columns-table")[0] == "income"
    seen.page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "ascending"
    assert seen.rows("columns-table")[-1] == "income"


def test_what_is_infinite_sorts_as_the_largest(visit, page_of) -> None:
    seen = visit(page_of("analysis"))
    head = seen.page.locator("#post-training-0 th", has_text="This run").get_by_role("button")
    head.click()
    names = [name.split("(")[1].split(")")[0] for name in seen.rows("post-training-0")]
    assert names == ["TE", "RD", "DI", "AD"]


def test_severities_and_names_filter_all_tables_at_once(visit, reports) -> None:
    seen = visit(reports("broken") / "report.html")
    everything = len(seen.rows("columns-table"))
    ok = seen.page.locator("[data-filter=ok]")
    ok.click()
    assert ok.get_attribute("aria-pressed") == "false"
    wrong = seen.rows("columns-table")
    assert set(wrong) == set(seen.rows("violations-table"))
    assert 0 < len(wrong) < everything
    assert seen.page.locator("output").inner_text() == f"{len(wrong)} of {everything} shown"
    ok.click()
    seen.page.get_by_label("Find").fill("INCO")
    assert seen.rows("columns-table") == ["income"]
    assert seen.page.locator("details.item:visible").count() == 1


def test_a_link_opens_the_column_that_it_names_by_keyboard_alone(visit, reports) -> None:
    seen = visit(reports("broken") / "report.html")
    link = seen.page.locator("#columns-table a", has_text="⟨U+202E⟩")
    item = seen.page.locator(link.get_attribute("href"))
    assert item.get_attribute("open") is None
    link.focus()
    seen.page.keyboard.press("Enter")
    item.locator("figure").wait_for(state="visible")
    assert item.locator("summary").first.evaluate("each => each === document.activeElement")


def test_the_essentials_are_there_without_scripts(visit, reports) -> None:
    seen = visit(reports("broken") / "report.html", java_script_enabled=False)
    assert seen.page.locator("h1").is_visible()
    assert seen.page.locator("#violations-table tbody tr").first.is_visible()
    assert seen.page.locator("details.item[open] svg.chart").first.is_visible()
    assert not seen.page.locator(".filters").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["broken", "clean", "baseline", "quality", "analysis"])
def test_no_rule_of_accessibility_is_broken(visit, page_of, name, scheme) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    seen = visit(page_of(name), color_scheme=scheme, bypass_csp=True)
    for button in seen.page.get_by_role("button", name="Open all").all():
        button.click()
    found = axe.Axe().run(seen.page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


@pytest.mark.parametrize("name", ["broken", "quality", "analysis"])
def test_a_narrow_screen_needs_no_scrolling_aside(visit, page_of, name) -> None:
    seen = visit(page_of(name), viewport={"width": 360, "height": 800})
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_it_prints_what_is_wrong_and_leaves_out_what_is_for_the_screen(visit, reports) -> None:
    seen = visit(reports("broken") / "report.html", color_scheme="dark")
    seen.page.emulate_media(media="print", color_scheme="dark")
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not seen.page.locator(".filters").is_visible()
    assert not seen.page.locator("details.item:not([open])").first.is_visible()
    assert seen.page.locator("details.item[open] figure").first.is_visible()
    assert seen.page.pdf().startswith(b"%PDF")


def test_many_columns_are_packed_and_open_on_demand(visit, wide) -> None:
    path = wide / "report.html"
    assert path.stat().st_size < 1_000_000
    seen = visit(path)
    packed = seen.page.locator("details.item[data-packed]")
    assert packed.count() > 300
    anchor = packed.last.get_attribute("id")
    item = seen.page.locator(f"#{anchor}")
    item.locator("summary").first.click()
    item.locator("svg.chart, table").first.wait_for(state="visible")
    assert "Mean" in item.inner_text()
    assert seen.errors == []
    assert seen.requests == [path.as_uri()]
