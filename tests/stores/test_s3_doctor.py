"""The examination of jobs whose data and reports are on S3."""

from __future__ import annotations

import pytest
from s3_service import BUCKET

from analyzer import doctor
from analyzer.stores import s3


def texts(found, status):
    return [f"{each.check}: {each.text} {each.cure}" for each in found.of(status)]


def test_a_run_on_s3_that_is_well(service, put):
    source = put("window/a.csv", "age\n1\n")
    found = doctor(source, output=f"s3://{BUCKET}/report")
    assert found.ok, found.text()
    (said,) = [each.text for each in found.findings if each.check == "S3"]
    assert said == f"{service.url}, region us-east-1, credentials from env"
    assert "hunter2" not in found.text()
    assert any("output_path: s3://data/report can be written" in each for each in texts(found, "ok"))


def test_no_s3_is_looked_for_where_none_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("age\n1\n")
    found = doctor(tmp_path / "a.csv")
    assert "S3: no place on S3 is named " in texts(found, "skipped")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dataset_source": "s3://nothere/window"}, "there is no bucket of that name"),
        ({"output_path": "s3://nothere/report"}, "there is no bucket of that name"),
        ({"record_preprocessor_script": "s3://data/nothere.py"}, "there is no such object"),
        ({"baseline_constraints": "s3://data/nothere.json"}, "there is no such object"),
        ({"ANALYZER_RULES": "s3://data/nothere.dqdl"}, "ANALYZER_RULES: s3://data/nothere.dqdl cannot be read"),
    ],
)
def test_places_that_cannot_be_had_are_found(service, put, settings, said, tmp_path):
    usual = {
        "dataset_format": '{"csv":{}}', "dataset_source": put("window/a.csv", "age\n1\n"),
        "output_path": f"s3://{BUCKET}/report", "ANALYZER_ROOT": str(tmp_path),
    }  # fmt: skip
    found = doctor(**(usual | settings))
    assert any(said in each for each in texts(found, "failure")), found.text()


def test_what_is_denied_is_found_with_the_permission(service, put):
    source = put("window/a.csv", "age\n1\n")
    service.refusal = lambda request: "403 Forbidden|AccessDenied" if request.method == "POST" else None
    found = doctor(source, output=f"s3://{BUCKET}/report")
    assert any("s3:PutObject" in each for each in texts(found, "failure")), found.text()


def test_no_credentials_are_found(service, put, monkeypatch):
    source = put("window/a.csv", "age\n1\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    s3._client_of.cache_clear()
    found = doctor(
        dataset_source=source, dataset_format='{"csv":{}}', output_path="/tmp/x", ANALYZER_ROOT="/tmp/nothere"
    )
    assert any("S3 cannot be reached: there are no credentials" in each for each in texts(found, "failure"))
