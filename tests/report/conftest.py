"""Reports of real jobs, and a real browser to open them in."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import analysis_papers
import hostile
import numpy as np
import polars as pl
import pytest

from analyzer import job
from analyzer.config import read_config
from analyzer.report import make_reports

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Run = Callable[..., Path]


def run_into(top: Path, name: str, source: Path, **settings: str | Path) -> Path:
    """Run a whole job in this process over CSV with a header; returns the folder with its files."""
    environment = {
        "ANALYZER_ROOT": str(top), "ANALYZER_ENGINE": "local", "ANALYZER_CORES": "1",
        "ANALYZER_REPORT": "html,md,junit", "dataset_format": '{"csv":{"header":true}}',
        "dataset_source": str(source), "output_path": str(top / name),
    }  # fmt: skip
    job.run(read_config(environment | {key: str(value) for key, value in settings.items()}))
    return top / name


def baseline_of(folder: Path) -> dict[str, Path]:
    return {f"baseline_{kind}": folder / f"{kind}.json" for kind in ("constraints", "statistics")}


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give the folder of a data-quality run on hostile data: `baseline`, `clean`, `broken` or `hidden`."""
    top = tmp_path_factory.mktemp("reports")
    train, live = hostile.write(top / "train", broken=False), hostile.write(top / "live", broken=True)
    done: dict[str, Path] = {"baseline": run_into(top, "baseline", train)}
    given = baseline_of(done["baseline"])

    def folder(name: str) -> Path:
        if name not in done:
            hidden = {"ANALYZER_EVIDENCE": "false"} if name == "hidden" else {}
            done[name] = run_into(top, name, train if name == "clean" else live, **given, **hidden)
        return done[name]

    return folder


class Visit:
    """A page that was opened, with all that went wrong on it and all that it asked for from elsewhere."""

    def __init__(self, browser: Browser, path: Path, **options: Any) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script("window.hits = []; window.hit = at => window.hits.push(at); window.alert = hit")
        self.page.goto(path.as_uri())

    def rows(self, table: str) -> list[str]:
        """The names in the rows of a table that are shown."""
        return self.page.locator(f"#{table} tbody tr:not([hidden]) th").all_inner_texts()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    visits: list[Visit] = []

    def open_page(path: Path, **options: Any) -> Visit:
        visits.append(Visit(browser, path, **options))
        return visits[-1]

    yield open_page
    for each in visits:
        each.context.close()


def document(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


# --- the other dimensions, and many columns ---------------------------------------------------------------------------


def write_predictions(folder: Path, *, broken: bool, rows: int = 600) -> Path:
    draw = random.Random(5)
    folder.mkdir(parents=True)
    lines = ["label,prediction,score,country"]
    for i in range(rows):
        score = draw.random()
        positive = draw.random() < (0.3 + 0.4 * score if broken else score)
        lines.append(f"{int(positive)},{int(score > 0.5)},{score:.4f},{('de', '<b>fr</b>')[i % 2]}")
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    return folder


QUALITY = {
    "analysis_type": "MODEL_QUALITY", "problem_type": "BinaryClassification", "inference_attribute": "prediction",
    "probability_attribute": "score", "ground_truth_attribute": "label", "ANALYZER_SEGMENT_COLUMNS": "country",
}  # fmt: skip


@pytest.fixture(scope="session")
def quality(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model-quality run that is worse than its baseline."""
    top = tmp_path_factory.mktemp("quality")
    baseline = run_into(top, "baseline", write_predictions(top / "train", broken=False), **QUALITY)
    live = write_predictions(top / "live", broken=True)
    return run_into(top, "live-out", live, baseline_constraints=baseline / "constraints.json", **QUALITY)


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on 500 columns, each of which violates something."""
    top = tmp_path_factory.mktemp("wide")
    names = [f"a rather long name of a column, number {i}" for i in range(500)]
    for name, shift in (("train", 0), ("live", 5000)):
        draw = np.random.default_rng(shift)
        values = draw.normal(shift, 100, (1200, 500)).round(2)
        (top / name).mkdir()
        pl.DataFrame(values, schema=[f'"{each}"' for each in names]).write_csv(top / name / "a.csv")
    given = baseline_of(run_into(top, "baseline", top / "train", ANALYZER_REPORT="none"))
    return run_into(top, "output", top / "live", **given)


@pytest.fixture
def page_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Path]:
    """Give the page of a run by name."""

    def path(name: str) -> Path:
        if name == "quality":
            return request.getfixturevalue("quality") / "report.html"
        if name == "analysis":
            page = make_reports(analysis_papers.drifted(), ["html"])["html"]
            (tmp_path / "report.html").write_text(page, encoding="utf-8")
            return tmp_path / "report.html"
        return request.getfixturevalue("reports")(name) / "report.html"

    return path
