"""A real S3 service on this machine, which tells what it was asked and can be told to fail."""

from __future__ import annotations

import io
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from analyzer.stores import s3

BUCKET = "data"
Fault = Callable[["Request", Iterable[bytes]], Iterable[bytes] | str | None]
"""Looks at a request and its answer: gives another body, the line of another status, or None for no fault."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the service was asked."""

    method: str
    path: str
    query: str
    range: str | None

    @property
    def length(self) -> int:
        """Bytes of the range that was asked for."""
        bounds = re.fullmatch(r"bytes=(\d+)-(\d+)", self.range or "")
        return int(bounds[2]) - int(bounds[1]) + 1 if bounds else 0


@dataclass
class Service:
    """The service: its address, what it was asked, and how it shall fail."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    fault: Fault | None = None

    def app(self, inner: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            # Only what goes over the wire is looked at: everything behind it is moto.
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            request = Request(
                environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], environ.get("HTTP_RANGE")
            )
            self.requests.append(request)
            if self.fault is None:
                return inner(environ, start)
            body = inner(environ, start)
            found = self.fault(request, body)
            if isinstance(found, str):
                start(found, [("Content-Length", "0")])
                return [b""]
            return body if found is None else found

        return serve

    def gets(self, ending: str = "") -> list[Request]:
        """Requests for the content of objects."""
        return [each for each in self.requests if each.method == "GET" and each.range and each.path.endswith(ending)]

    def forget(self) -> None:
        self.requests.clear()


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
    running.fault = None
    post(running, "/moto-api/reset")
    bucket(running).create()
    running.forget()
    yield running
    running.fault = None
    s3._client_of.cache_clear()


def post(service: Service, path: str, body: bytes = b"") -> None:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(service.url + path, body, method="POST")).read()


def bucket(service: Service) -> Any:
    """A bucket as its owner sees it, whatever the rights of the job."""
    return boto3.resource(
        "s3", endpoint_url=service.url, region_name="us-east-1",
        aws_access_key_id="owner", aws_secret_access_key="owner",
    ).Bucket(BUCKET)  # fmt: skip


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
