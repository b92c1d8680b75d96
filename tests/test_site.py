"""`make docs`: the site is whole, needs neither network nor server, and takes up every page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import analyzer
from analyzer import capture

for needed in ("mkdocs", "material", "mkdocstrings"):
    pytest.importorskip(needed, reason=f"{needed} is not installed; the extra docs has it")

TOP = Path(__file__).resolve().parents[1]
DOCS = TOP / "docs"
SOURCES = (
    ".ci", "analyzer", "benchmarks/results", "docs", "examples", "preprocessors", "schemas", "CHANGELOG.md",
    "README.md", "mkdocs.yml",
)  # fmt: skip
LOOKED_AT = ("index", "five-minute-start", "configuration", "troubleshooting", "api")
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
"""Elements for which a browser fetches something, and where they say what."""


def build(top: Path, site: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(words, cwd=top, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(TOP, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project, to be spoiled."""
    top = tmp_path / "project"
    top.mkdir()
    for name in SOURCES:
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, top / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(TOP / name, top / name)
    return top


@dataclass
class Page(HTMLParser):
    """What a page links to, loads and names, and its text outside of code."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    text: list[str] = field(default_factory=list)
    codes: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.names.update(filter(None, (said.get("id"), said.get("name"))))
        if tag == "a" and said.get("href"):
            self.links.append(said["href"] or "")
        if said.get(LOADED.get(tag, "")):
            self.loads.append(said[LOADED[tag]] or "")
        self.codes += tag in {"code", "pre", "script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self.codes -= tag in {"code", "pre", "script", "style"}

    def handle_data(self, data: str) -> None:
        if not self.codes:
            self.text.append(data)


@cache
def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def pages(site: Path) -> Iterator[tuple[Path, Page]]:
    found = [path for path in sorted(site.rglob("*.html")) if path.name != "404.html"]
    assert len(found) > len(list(DOCS.rglob("*.md")))
    return ((path, read(path)) for path in found)


# --- whole ---


def test_every_link_and_anchor_of_the_site_leads_somewhere(site: Path) -> None:
    lost = []
    for path, page in pages(site):
        for link in page.links:
            if re.match(r"https?://|mailto:", link):
                continue
            name, _, anchor = unquote(link).partition("#")
            target = (path.parent / name).resolve() if name and name != "." else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (anchor and anchor not in read(target).names):
                lost.append(f"{path.relative_to(site)}: {link}")
    assert lost == []


def test_every_page_is_in_the_navigation(site: Path) -> None:
    linked = {(site / link).resolve() for link in read(site / "index.html").links}
    built = {name: site / name.relative_to(DOCS).with_suffix(".html") for name in DOCS.rglob("*.md")}
    assert [str(name) for name, path in built.items() if path.resolve() not in linked] == []


def test_no_markup_is_left_as_text(site: Path) -> None:
    """Code forges forgive what the site does not: a list without a blank line before it, odd fences."""
    left = [
        f"{path.relative_to(site)}: {found[0]}"
        for path, page in pages(site)
        if (found := re.search(r".*(\]\(|```|^\s*- |\|---|<!--|:::).*", "".join(page.text), re.MULTILINE))
    ]
    assert left == []


def test_linked_examples_are_pages_of_the_site(site: Path) -> None:
    shown = site / "project" / "examples" / "scheduling" / "cronjob.yaml.html"
    assert "CronJob" in shown.read_text()
    assert "cronjob.yaml.html" in (shown.parent / "index.html").read_text()


def test_pictures_of_the_project_are_on_the_site(site: Path) -> None:
    page = site / "benchmarks.html"
    shown = [(page.parent / load).resolve() for load in read(page).loads if load.endswith(".png")]
    plots = TOP / "benchmarks" / "results"
    assert {path.name for path in plots.glob("*.png")} <= {path.name for path in shown}
    for path in shown:
        if "benchmarks" in path.parts:
            assert path.read_bytes() == (plots / path.name).read_bytes()


@pytest.mark.parametrize("module", [analyzer, capture], ids=lambda module: module.__name__)
def test_the_reference_has_every_exported_name(site: Path, module: object) -> None:
    named = {name.rpartition(".")[2] for name in read(site / "api.html").names if name.startswith("analyzer.")}
    exported = {name for name in vars(module)["__all__"] if not name.startswith("__")}
    assert exported - named == set(), "add them to docs/api.md"


# --- offline ---


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for path, page in pages(site):
        assert [load for load in page.loads if re.match(r"(https?:)?//", load)] == [], path
    for style in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", style.read_text()) == [], style


@pytest.mark.parametrize(("scheme", "shown", "width"), [("light", "default", 1280), ("dark", "slate", 390)])
def test_the_site_works_from_a_folder_in_a_browser(
    site: Path, browser: Any, scheme: str, shown: str, width: int
) -> None:
    errors: list[str] = []
    requests: list[str] = []
    page = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme).new_page()
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    for name in LOOKED_AT:
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} scrolls sideways"
        assert page.evaluate("document.body.dataset.mdColorScheme") == shown
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_search_finds_a_message_without_a_server(site: Path, browser: Any) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 844}).new_page()
    page.goto((site / "index.html").as_uri())
    page.locator("input.md-search__input").click()
    page.keyboard.type("arrive within")
    found = page.locator('.md-search-result__link[href*="troubleshooting"]')
    found.first.wait_for(state="attached", timeout=20_000)  # what is found changes with every letter
    assert found.count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_pass_the_automated_checks_of_accessibility(site: Path, browser: Any, scheme: str) -> None:
    """What is left as moderate is Material's own: two navigations of one name."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = browser.new_context(color_scheme=scheme).new_page()
    for name in LOOKED_AT:
        page.goto((site / f"{name}.html").as_uri())
        found = axe.Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] != "moderate"] == [], name


# --- strict, and open to new pages ---


def test_a_link_that_leads_nowhere_fails_the_build(copy: Path, tmp_path: Path) -> None:
    with (copy / "docs" / "rules.md").open("a") as page:
        page.write("\nSee [there](nowhere.md) and [that](s3.md#nothing).\n")
    done = build(copy, tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr
    assert "nothing" in done.stderr


def test_a_new_page_finds_its_place_without_being_listed(copy: Path, tmp_path: Path) -> None:
    (copy / "docs" / "news.md").write_text("# What is new\n\nSee the [schemas](../schemas).\n")
    (copy / "docs" / "decisions" / "because.md").write_text("# Because\n")
    done = build(copy, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    links = read(tmp_path / "site" / "index.html").links
    assert {"news.html", "decisions/because.html"} <= set(links)
