"""The schemas hold for what the original wrote, for our examples and for our own writers, and for nothing crooked."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from analyzer.dataset_formats import EXAMPLES
from analyzer.documents import Constraints, FeatureConstraints, Violation
from analyzer.encode import encode_constraints, encode_violations
from analyzer.jsonlayout import dump

HERE = Path(__file__).resolve().parents[1]
SCHEMAS = HERE / "schemas"
GOLDEN = HERE / ".." / "shared" / "golden"
with_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="real outputs of the original are not beside the checkout")


def check(name: str, document: object) -> None:
    Draft202012Validator(json.loads((SCHEMAS / name).read_text())).validate(document)


def examples() -> list[tuple[str, str]]:
    marked = re.compile(r"<!-- schema: (\S+) -->\n```json\n(.*?)```", re.DOTALL)
    return [
        found
        for page in ("files.md", "metrics.md", "merge.md")
        for found in marked.findall((HERE / "docs" / page).read_text())
    ]


def example(name: str) -> dict:
    return json.loads(next(text for schema, text in examples() if schema == name))


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda p: p.name)
def test_every_schema_is_a_schema_with_its_own_name(path):
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:model-monitor-analyzer:{path.stem}"


@pytest.mark.parametrize(("name", "text"), examples())
def test_the_examples_of_the_docs_are_valid(name, text):
    check(name, json.loads(text))


@pytest.mark.parametrize("name", ["statistics.json", "constraints.json", "constraint_violations.json", "profile.json"])
def test_the_examples_of_reports_have_the_layout_of_reports(name):
    text = next(text for schema, text in examples() if schema == name)
    assert dump(json.loads(text)) + "\n" == text


def test_every_schema_is_linked_from_the_docs():
    text = (HERE / "docs" / "files.md").read_text()
    assert [p.name for p in SCHEMAS.glob("*.json") if f"../schemas/{p.name})" not in text] == []


@pytest.mark.golden
@with_golden
@pytest.mark.parametrize("folder", ["data-quality-sdk", "data-quality-boston", "data-quality-churn"])
def test_what_the_original_wrote_is_valid(folder):
    for path in (GOLDEN / folder).glob("statistics*.json"):
        check("statistics.json", json.loads(path.read_text()))
    constraints = json.loads((GOLDEN / folder / "constraints.json").read_text())
    check("constraints.json", constraints)
    check("constraints.read.json", constraints)


@pytest.mark.golden
@with_golden
def test_what_the_original_captured_is_valid():
    records = [
        json.loads(line)
        for name in ("capture.jsonl", "captured-data.jsonl")
        for line in (GOLDEN / "records" / name).read_text().splitlines()
        if line
    ]
    records += [json.loads(path.read_text()) for path in (GOLDEN / "records").glob("*.json")]
    assert len(records) > 4
    for record in records:
        check("capture-record.json", record)


def test_what_our_writers_make_is_valid():
    constraints = Constraints(
        (
            FeatureConstraints("a", "Integral", 1.0, is_non_negative=False),
            FeatureConstraints("b", "String", 0.5, domains=("x", "NullValue")),
            FeatureConstraints("c", "String", 0.5),
            FeatureConstraints("d", "Unknown", 0.0),
        )
    )
    check("constraints.json", json.loads(dump(encode_constraints(constraints))))
    violation = Violation("a", "baseline_drift_check", "Baseline drift distance: 0.9 exceeds threshold: 0.1")
    check("constraint_violations.json", json.loads(dump(encode_violations([violation]))))
    check("constraint_violations.json", json.loads(dump(encode_violations([]))))


@pytest.mark.parametrize("text", [*EXAMPLES, '{"csv":{"header":"False"}}', '{"json":{"line":true}}', '{"csv":null}'])
def test_accepted_formats_are_valid(text):
    check("dataset-format.json", json.loads(text))


def changed(document: dict, path: str, value: object) -> dict:
    """Set, or with `...` delete, what is at a path such as `features/0/name`."""
    document = copy.deepcopy(document)
    *way, last = (int(step) if step.isdigit() else step for step in path.split("/"))
    place = document
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("statistics.json", "dataset", ...),
        ("statistics.json", "dataset/item_count", -1),
        ("statistics.json", "features/0/inferred_type", "Boolean"),
        ("statistics.json", "features/0/inferred_type", "String"),
        ("statistics.json", "features/1/inferred_type", "Fractional"),
        ("statistics.json", "features/0/numerical_statistics/mean", "high"),
        ("statistics.json", "features/0/numerical_statistics/mean", None),
        ("statistics.json", "features/0/numerical_statistics/completeness", 1.5),
        ("statistics.json", "features/0/numerical_statistics/distribution/kll/buckets/9", ...),
        ("statistics.json", "features/0/numerical_statistics/distribution/kll/sketch/data", [1.0]),
        ("statistics.json", "features/1/string_statistics/distribution/categorical/buckets/0/value", 3),
        ("statistics.json", "features/1/surplus", 3),
        ("constraints.json", "monitoring_config", ...),
        ("constraints.json", "features/0/num_constraints", ...),
        ("constraints.json", "features/1/num_constraints", {"is_non_negative": True}),
        ("constraints.json", "features/1/string_constraints/domains", [1]),
        ("constraints.json", "monitoring_config/emit_metrics", True),
        ("constraints.json", "monitoring_config/distribution_constraints/comparison_method", "linf_robust"),
        ("constraints.read.json", "features", ...),
        ("constraints.read.json", "features/0/name", ...),
        ("constraints.read.json", "features/0/inferred_type", "Boolean"),
        ("constraints.read.json", "features/1/monitoring_config_overrides/evaluate_constraints", "On"),
        ("constraints.read.json", "features/2/monitoringConfigOverrides/domain_content_threshold", "95%"),
        ("constraint_violations.json", "violations", ...),
        ("constraint_violations.json", "violations/0/constraint_check_type", "bias_drift_check"),
        ("constraint_violations.json", "violations/0/description", ...),
        ("constraint_violations.json", "version", 0.0),
        ("profile.json", "version", 1.0),
        ("profile.json", "engine", "spark"),
        ("profile.json", "features/0/type_counts/missing", ...),
        ("profile.json", "features/0/quantiles", {"median": 3}),
        ("profile.json", "features/0/evidence/odd", {"count": 1, "first_file": "a", "first_record": 1}),
        ("profile.json", "features/0/evidence/string/first_record", 0),
        ("profile.json", "features/0/top_values/values/0/count", "31"),
        ("profile.json", "drift/0/distance", None),
        ("profile.json", "quirks/0/corrected", ...),
        ("cloudwatch-metric.json", "Value", 3),
        ("cloudwatch-metric.json", "StatisticValues", ...),
        ("cloudwatch-metric.json", "Timestamp", "2019-11-26 03:00"),
        ("cloudwatch-metric.json", "MetricName", "feature_data_caf\u00e9"),
        ("cloudwatch-metric.json", "Dimensions/0/Name", "EndpointName"),
        ("cloudwatch-metric.json", "Namespace", "aws"),
        ("capture-record.json", "captureData", {}),
        ("capture-record.json", "captureData", {"other": {"data": "1", "encoding": "CSV"}}),
        ("capture-record.json", "captureData/endpointInput/encoding", "XML"),
        ("capture-record.json", "captureData/endpointInput/data", 3),
        ("capture-record.json", "eventMetadata/eventId", ...),
        ("resourceconfig.json", "hosts", []),
        ("resourceconfig.json", "current_host", ...),
        ("processingjobconfig.json", "Environment/dataset_source", 3),
    ],
)
def test_crooked_documents_are_refused(name, path, value):
    with pytest.raises(ValidationError):
        check(name, changed(example(name), path, value))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"csv":{},"json":{}}',
        '{"xml":{}}',
        '{"csv":{"header":1}}',
        '{"csv":{"header":["true","false"]}}',
        '{"parquet":{"a":1}}',
        '{"sagemakerCaptureJson":{"captureIndexNames":[]}}',
        '{"sagemakerMergeJson":{"originalDatasetFormat":{"spark":{"table":"t"}}}}',
        '{"spark":{"format":"orc","table":"t"}}',
    ],
)
def test_crooked_formats_are_refused(text):
    with pytest.raises(ValidationError):
        check("dataset-format.json", json.loads(text))
