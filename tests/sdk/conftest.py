"""The SageMaker Python SDK as the client: its requests go to a service of this machine, and are executed here."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from s3_fixtures import objects, put, put_folder, running, service  # noqa: F401 (fixtures)
from s3_service import BUCKET
from sdk_session import Client


@pytest.fixture
def client(service, tmp_path, monkeypatch) -> Client:  # noqa: F811 (a fixture)
    """A session whose requests are noted; what the service of this machine does not know is answered emptily."""
    pytest.importorskip("sagemaker", reason="the extra sdk is not installed")
    telemetry = {"SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
    (tmp_path / "config.yaml").write_text(json.dumps({"SchemaVersion": "1.0", **telemetry}))  # JSON is YAML
    monkeypatch.setenv("SAGEMAKER_USER_CONFIG_OVERRIDE", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("SAGEMAKER_ADMIN_CONFIG_OVERRIDE", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    logging.getLogger("sagemaker").setLevel(logging.WARNING)
    import boto3
    import sagemaker

    session = sagemaker.Session(boto3.Session(region_name=os.environ["AWS_DEFAULT_REGION"]), default_bucket=BUCKET)
    made = Client(session, tmp_path)
    events = session.sagemaker_client.meta.events
    events.register(
        "provide-client-params.sagemaker", lambda params, model, **_: made.requests.append((model.name, params))
    )
    events.register("before-send.sagemaker.CreateMonitoringSchedule", _accepted)
    return made


def _accepted(request: Any, **_: Any) -> Any:
    from botocore.awsrequest import AWSResponse

    body = json.dumps({"MonitoringScheduleArn": "arn:aws:sagemaker:us-east-1:123456789012:monitoring-schedule/s"})

    class Raw(io.BytesIO):
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield self.read()

    return AWSResponse(request.url, 200, {"Content-Type": "application/x-amz-json-1.1"}, Raw(body.encode()))
