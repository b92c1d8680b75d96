"""One list of records in three forms: what Prometheus' own parser, OpenTelemetry's own messages and a service read."""

from __future__ import annotations

import json
import math

import pytest
from google.protobuf import json_format
from http_service import Hook, serving
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from analyzer.metric_targets.figures import figures_of
from analyzer.metric_targets.prometheus import text_of
from analyzer.metric_targets.send import send_metrics

OWN = [{"Name": "Endpoint", "Value": "churn"}, {"Name": "MonitoringSchedule", "Value": "hourly"}]
ODD = 'x"\\\n{é} \u202e'


def record(name: str, body: dict, *more: tuple[str, str]) -> dict:
    dimensions = [*OWN, *({"Name": key, "Value": value} for key, value in more)]
    return {"MetricName": name, "Timestamp": "2026-11-26T03:00:00Z", "Dimensions": dimensions, **body}


def twice(family: str, feature: str, body: dict) -> list[dict]:
    return [record(family + feature, body), record(family + feature, body, ("Feature", feature))]


STATISTICS = {"StatisticValues": {"SampleCount": 3, "Sum": 6.5, "Minimum": 1.0, "Maximum": 3.0}}
RECORDS = [
    *twice("feature_data_", "age", STATISTICS),
    *twice("feature_completeness_", "age", {"Value": 0.75}),
    *twice("feature_completeness_", ODD, {"Value": 1.0}),
    record("auc", {"Value": 0.83}),
    record("bias_metric_TE", {"Value": 2.348543e108}, ("BiasStage", "Post-Training"), ("FacetValue", "0")),
    record("feature_age", {"Value": 0.2}, ("ValueType", "GlobalShapValues"), ("Label", "label0")),
]


@pytest.fixture
def hook():
    with serving() as hook:
        yield hook


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr("analyzer.post.PAUSE", 0.01)


def samples(text: str) -> dict[tuple[str, str], float]:
    """What Prometheus reads: by name and feature."""
    return {
        (sample.name, sample.labels.get("feature", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_family_of_metrics_is_one_name_and_its_feature_a_label():
    assert {(each.name, each.labels.get("feature", "")): each.value for each in figures_of(RECORDS)} == {
        ("analyzer_feature_data_samples", "age"): 3, ("analyzer_feature_data_sum", "age"): 6.5,
        ("analyzer_feature_data_minimum", "age"): 1, ("analyzer_feature_data_maximum", "age"): 3,
        ("analyzer_feature_completeness", "age"): 0.75, ("analyzer_feature_completeness", ODD): 1.0,
        ("analyzer_auc", ""): 0.83, ("analyzer_bias_metric_TE", ""): 2.348543e108,
        ("analyzer_feature_attribution", "age"): 0.2,
    }  # fmt: skip


def test_prometheus_reads_what_was_written():
    text = text_of(figures_of(RECORDS))
    found = samples(text)
    assert found["analyzer_feature_completeness", "age"] == 0.75
    assert found["analyzer_feature_completeness", ODD] == 1.0
    assert len(found) == 9
    family = next(each for each in text_string_to_metric_families(text) if each.name == "analyzer_bias_metric_TE")
    assert family.type == "gauge"
    assert family.samples[0].labels == {
        "endpoint": "churn", "monitoring_schedule": "hourly", "bias_stage": "Post-Training", "facet_value": "0",
    }  # fmt: skip
    assert family.samples[0].timestamp is None


def test_each_schedule_has_its_file_in_a_folder_and_a_later_run_replaces_it(tmp_path):
    for owner, records in (("churn/a", RECORDS), ("churn/b", RECORDS[:2]), ("churn/a", RECORDS[2:4])):
        send_metrics([f"prometheus={tmp_path}/collector"], [], records, owner)
    files = {each.name: each for each in (tmp_path / "collector").iterdir()}
    assert sorted(files) == ["analyzer_churn_a.prom", "analyzer_churn_b.prom"]
    assert samples(files["analyzer_churn_a.prom"].read_text()) == {("analyzer_feature_completeness", "age"): 0.75}
    send_metrics([f"prometheus={tmp_path}/own.prom"], [], RECORDS, "churn/a")
    assert ("analyzer_auc", "") in samples((tmp_path / "own.prom").read_text())


def test_a_collector_reads_what_was_sent(hook: Hook):
    send_metrics([f"OTLP={hook.url}"], ["authorization=Bearer%20abc"], RECORDS, "o")
    posted = hook.posted[0]
    assert posted.path == "/v1/metrics"
    assert posted.headers["Authorization"] == "Bearer abc"
    assert posted.headers["Content-Type"] == "application/json"
    read = json_format.Parse(posted.body, ExportMetricsServiceRequest())
    resource = read.resource_metrics[0]
    assert resource.resource.attributes[0].value.string_value == "model-monitor-analyzer"
    points = {
        (metric.name, {a.key: a.value.string_value for a in point.attributes}.get("feature", "")): point
        for metric in resource.scope_metrics[0].metrics
        for point in metric.gauge.data_points
    }
    assert points["analyzer_feature_completeness", ODD].as_double == 1.0
    assert points["analyzer_auc", ""].time_unix_nano == 1795662000 * 10**9
    assert set(points) == {(each.name, each.labels.get("feature", "")) for each in figures_of(RECORDS)}


def test_values_that_are_not_finite_can_be_sent(hook: Hook):
    send_metrics([f"otlp={hook.url}/own/path"], [], [record("a", {"Value": math.inf})], "o")
    assert hook.posted[0].path == "/own/path"
    read = json_format.Parse(hook.posted[0].body, ExportMetricsServiceRequest())
    assert read.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0].as_double == math.inf


def test_many_figures_go_in_several_requests(hook: Hook, monkeypatch):
    monkeypatch.setattr("analyzer.metric_targets.otlp.AT_ONCE", 4)
    send_metrics([f"otlp={hook.url}"], [], RECORDS, "o")
    assert len(hook.posted) == 3


def test_what_a_collector_refuses_is_told(hook: Hook, caplog):
    hook.body = json.dumps({"partialSuccess": {"rejectedDataPoints": "2", "errorMessage": "too old"}}).encode()
    send_metrics([f"otlp={hook.url}"], [], RECORDS, "o")
    assert "refused 2 figures: too old" in caplog.text


def test_a_webhook_gets_the_records_as_they_are(hook: Hook):
    send_metrics([f"webhook={hook.url}/in"], ["X-Key=1"], RECORDS, "o")
    assert hook.posted[0].document == {"records": RECORDS}
    assert hook.posted[0].headers["X-Key"] == "1"


def test_a_target_that_fails_keeps_the_others_from_nothing(hook: Hook, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("x")
    targets = [f"prometheus={blocked}/x.prom", "otlp=http://127.0.0.1:9/hunter2", f"webhook={hook.url}"]
    send_metrics(targets, [], RECORDS, "o")
    assert len(hook.posted) == 1
    assert "did not reach prometheus" in caplog.text
    assert "did not reach otlp" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_service_that_stumbles_is_asked_again(hook: Hook):
    hook.answers = [503]
    send_metrics([f"webhook={hook.url}"], [], RECORDS, "o")
    assert len(hook.posted) == 2
