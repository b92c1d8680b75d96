"""The dashboard in examples/grafana: every query is PromQL and asks for metrics that runs really write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

import analyzer
from analyzer.metric_targets.figures import figures_of

DASHBOARD = json.loads((Path(__file__).resolve().parents[2] / "examples/grafana/model-monitoring.json").read_text())
OF_ANALYSES = [
    ("bias_metric_RD", {"BiasStage": "Post-Training", "Facet": "sex", "FacetValue": "0"}),
    ("feature_age", {"ExplainabilityMethod": "KernelShap", "Label": "label0", "ValueType": "GlobalShapValues"}),
]
"""Records as the lines of bias and attribution make them."""


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, set[str]]:
    """The labels of all metrics that runs of each kind write, by name."""
    folder = tmp_path_factory.mktemp("prometheus")
    rows = [
        {"age": i % 50, "plan": "ab"[i % 2], "label": i % 2, "kind": "xyz"[i % 3], "guess": "xyz"[i % 4 % 3],
         "score": (i % 97) / 97, "price": i * 1.5, "told": i * 1.4}
        for i in range(400)
    ]  # fmt: skip
    frame = pl.DataFrame(rows)
    common = {
        "engine": "local", "sagemaker_endpoint_name": "churn", "sagemaker_monitoring_schedule_name": "hourly",
        "publish_cloudwatch_metrics": "Disabled", "root": str(folder / "root"),
    }  # fmt: skip

    def told(name: str) -> dict[str, Any]:
        return common | {"metrics_targets": f"prometheus={folder}/{name}.prom"}

    base = analyzer.baseline(frame)
    analyzer.monitor(frame, baseline=base, **told("data"))
    analyzer.quality(frame, problem="binary", label="label", score="score", baseline=None, **told("binary"))
    analyzer.quality(frame, problem="multiclass", label="kind", prediction="guess", **told("multiclass"))
    analyzer.quality(frame, problem="regression", label="price", prediction="told", **told("regression"))
    found: dict[str, set[str]] = {}
    for file in folder.glob("*.prom"):
        for family in text_string_to_metric_families(file.read_text()):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    names = [{"Name": "Endpoint", "Value": "churn"}, {"Name": "MonitoringSchedule", "Value": "hourly"}]
    for metric, labels in OF_ANALYSES:
        dimensions = [*names, *({"Name": key, "Value": value} for key, value in labels.items())]
        record = {"MetricName": metric, "Timestamp": "2026-11-26T03:00:00Z", "Dimensions": dimensions, "Value": 1}
        for figure in figures_of([record]):
            found.setdefault(figure.name, set()).update(figure.labels)
    return found


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"])[1]


def selectors(node: Any) -> Iterator[Any]:
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "args", "param"):
        inner = getattr(node, name, None)
        for each in inner if isinstance(inner, list) else [inner]:
            if each is not None and type(each).__module__ == type(node).__module__:
                yield from selectors(each)


@pytest.mark.parametrize("query", sorted(set(queries())))
def test_each_query_asks_for_what_runs_write(query, written):
    filled = query.replace("$endpoint", ".*").replace("$schedule", ".*").replace("$feature", ".*")
    found = list(selectors(promql_parser.parse(filled)))
    assert found
    for selector in found:
        matchers = {each.name: each.value for each in selector.matchers.matchers}
        pattern = selector.name or matchers.pop("__name__")
        names = [name for name in written if re.fullmatch(pattern, name)]
        assert names, f"nothing writes {pattern}"
        for name in names:
            assert set(matchers) <= written[name]


def test_legends_name_labels_that_are_there(written):
    known = set().union(*written.values()) | {"__name__"}
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known


def test_panels_lie_side_by_side_and_have_their_own_numbers():
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in DASHBOARD["panels"])
