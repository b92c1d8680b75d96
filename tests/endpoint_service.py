"""A real HTTP endpoint of a model, which answers as it is told and remembers what it was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from http_service import running

Respond = Callable[["Asked"], tuple[int, str, str]]
"""Status, content type and body for a request."""


@dataclass
class Asked:
    """A request: its path, headers and body, and how many came before."""

    path: str
    headers: dict[str, str]
    body: str
    number: int

    def rows(self) -> list[list[str]]:
        return [line.split(",") for line in self.body.splitlines()]


@dataclass
class Service:
    url: str
    asked: list[Asked] = field(default_factory=list)


def sums(asked: Asked) -> tuple[int, str, str]:
    """A model that adds its features up."""
    return 200, "text/csv", "\n".join(str(sum(map(float, row))) for row in asked.rows())


def hang(seconds: float) -> Respond:
    def respond(asked: Asked) -> tuple[int, str, str]:
        time.sleep(seconds)
        return sums(asked)

    return respond


@contextmanager
def endpoint(respond: Respond) -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = Asked(self.path, dict(self.headers.items()), body, len(service.asked))
            service.asked.append(asked)
            status, kind, text = respond(asked)
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            with suppress(BrokenPipeError):  # whoever asked has given up
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    service = Service("")
    with running(Handler) as service.url:
        yield service
