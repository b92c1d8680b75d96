"""A dashboard of past executions with hostile names among them, and a real browser to open it in."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import executions as past
import pytest
from visits import Visit

from analyzer.dashboard.make_site import make_dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ATTACK = "<img src=x onerror=hit(1)>"
ODD = "\"><script>hit(2)</script>' \u202etxt"


def write_hostile(top: Path) -> None:
    """Names that would be markup, of a model, a schedule, columns, checks, and files."""
    draw = random.Random(2)
    for hour in range(6):
        folder = past.folder_of(top, ATTACK, "a & b 'c'", hour)
        past.data_quality(folder, draw, broken=hour > 2)
        found = [past.drifted(ODD, 0.5), past.violation("</script><script>hit(3)</script>", "<b>own</b>", ODD)]
        past.write(
            folder,
            statistics=past.statistics(past.numeric(ODD, float(hour)), past.text("</script><script>hit(3)</script>")),
            constraint_violations={"violations": found},
            profile=past.profile({ODD: 0.5}),
        )
    (top / "<svg onload=hit(4)>").write_text("x")


def write_infinite(top: Path) -> None:
    """A figure that has become infinite, beyond its threshold."""
    for hour in range(3):
        metric = {"name": "TE", "description": "d", "value": "Infinity" if hour == 2 else 1.5}
        facets = {"sex": [{"value_or_threshold": "0", "metrics": [metric]}]}
        section = {"label": "target", "facets": facets, "label_value_or_threshold": "1"}
        folder = past.folder_of(top, "endless", "bias", hour)
        past.write(folder, analysis={"version": "1.0", "post_training_bias_metrics": section})
    told = "Metric value Infinity doesn't meet the baseline constraint requirement 2.9"
    found = {
        "facet": "sex", "facet_value": "0", "metric_name": "TE", "constraint_check_type": "bias_drift_check",
        "description": told,
    }  # fmt: skip
    past.write(folder, constraint_violations={"version": "1.0", "violations": [found]})


@pytest.fixture(scope="session")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of executions of five models, with its dashboard in `dashboard`."""
    top = tmp_path_factory.mktemp("monitoring")
    past.write_model(top, "churn")
    past.write_model(top, "fraud", breaks=44)
    past.write_model(top, "quiet", breaks=999)
    write_hostile(top)
    write_infinite(top)
    make_dashboard(str(top))
    return top


@pytest.fixture
def visit(browser: Browser, top: Path) -> Iterator[Callable[..., Visit]]:
    """Open a page of the dashboard by the beginning of its name."""
    visits: list[Visit] = []

    def open_page(name: str = "index", **options: Any) -> Visit:
        path = next((top / "dashboard").glob(f"{name}*.html"))
        visits.append(Visit(browser, path, **options))
        return visits[-1]

    yield open_page
    for each in visits:
        each.context.close()
