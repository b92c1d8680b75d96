"""Fixtures: the service that tests of S3 and SageMaker run against, for each of them empty but for one bucket."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from s3_service import BUCKET, Service, bucket, post
from werkzeug.serving import make_server

from analyzer.stores import s3


@pytest.fixture(scope="session")
def running() -> Iterator[Service]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    service = Service()
    server = make_server("127.0.0.1", 0, service.app(DomainDispatcherApplication(create_backend_app)), threaded=True)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield service
    server.shutdown()
    thread.join()


@pytest.fixture
def service(running: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service, empty but for the bucket `data`, and the variables with which clients find it."""
    variables = {
        "AWS_ENDPOINT_URL": running.url,
        "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": "hunter2-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nowhere/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
    }
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_MAX_ATTEMPTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    s3._client_of.cache_clear()
    running.refusal = running.cut = None
    post(running, "/moto-api/reset")
    bucket(running).create()
    running.forget()
    yield running
    running.refusal = running.cut = None
    s3._client_of.cache_clear()


Put = Callable[[str, str | bytes], str]


@pytest.fixture
def put(service: Service) -> Put:
    """Put an object into the bucket and give its URI."""

    def upload(key: str, content: str | bytes) -> str:
        body = content.encode() if isinstance(content, str) else content
        bucket(service).put_object(Key=key, Body=body)
        service.forget()
        return f"s3://{BUCKET}/{key}"

    return upload


@pytest.fixture
def put_folder(put: Put) -> Callable[[Path, str], str]:
    """Put all files of a folder below a prefix and give its URI."""

    def upload(folder: Path, prefix: str) -> str:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return f"s3://{BUCKET}/{prefix}"

    return upload


@pytest.fixture
def objects(service: Service) -> Callable[[str], dict[str, bytes]]:
    """All objects below a prefix, by the rest of their keys."""

    def fetch(prefix: str) -> dict[str, bytes]:
        found = bucket(service).objects.filter(Prefix=prefix)
        return {each.key.removeprefix(prefix): each.get()["Body"].read() for each in found}

    return fetch
