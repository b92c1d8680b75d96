"""Reports of real jobs, and a real browser to open them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import analysis_papers
import hostile
import numpy as np
import polars as pl
import pytest
from report_runs import baseline_of, run_into, write_predictions
from visits import Visit

from analyzer.report import make_reports

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Run = Callable[..., Path]


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


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    visits: list[Visit] = []

    def open_page(path: Path, **options: Any) -> Visit:
        visits.append(Visit(browser, path, **options))
        return visits[-1]

    yield open_page
    for each in visits:
        each.context.close()


# --- the other dimensions, and many columns ---------------------------------------------------------------------------


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
