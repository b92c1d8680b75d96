"""A real S3 service on this machine, which tells what it was asked and can be told to fail."""

from __future__ import annotations

import io
import re
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import boto3

BUCKET = "data"
Refusal = Callable[["Request"], str | None]
"""Looks at a request: gives the status line with which it is refused, with `|` and a code of S3 or not, or None."""
Cut = Callable[["Request", bytes], bytes]
"""Looks at a request and the body of its answer, and gives what of it is sent before the connection breaks off."""


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
    refusal: Refusal | None = None
    cut: Cut | None = None

    def app(self, inner: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            # Only what goes over the wire is looked at: everything behind it is moto.
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            request = Request(
                environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], environ.get("HTTP_RANGE")
            )
            self.requests.append(request)
            status = self.refusal(request) if self.refusal else None
            if status:
                line, _, code = status.partition("|")
                body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode() if code else b""
                start(line, [("Content-Length", str(len(body)))])
                return [body]
            body = inner(environ, start)
            return [self.cut(request, b"".join(body))] if self.cut else body

        return serve

    def gets(self, ending: str = "") -> list[Request]:
        """Requests for the content of objects."""
        return [each for each in self.requests if each.method == "GET" and each.range and each.path.endswith(ending)]

    def forget(self) -> None:
        self.requests.clear()


def post(service: Service, path: str, body: bytes = b"") -> None:
    request = urllib.request.Request(service.url + path, body, {"Content-Type": "text/plain"}, method="POST")
    urllib.request.urlopen(request).read()


def bucket(service: Service) -> Any:
    """A bucket as its owner sees it, whatever the rights of the job."""
    return boto3.resource(
        "s3", endpoint_url=service.url, region_name="us-east-1",
        aws_access_key_id="owner", aws_secret_access_key="owner",
    ).Bucket(BUCKET)  # fmt: skip
