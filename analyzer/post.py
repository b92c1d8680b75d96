"""JSON and other small texts to an HTTP service: a few attempts, no redirects, and errors without secrets."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

ATTEMPTS = 3
SECONDS = 10.0
"""How long an answer is waited for."""
PAUSE = 0.5
LONGEST_PAUSE = 10.0
MOST_READ = 65536
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may succeed."""


class PostError(Exception):
    """What kept a message from being taken: the address without secrets, and why."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET without content: better to fail."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def post(address: str, content: bytes, headers: Mapping[str, str]) -> bytes:
    """Post a content to an http:// or https:// address and give the answer, or its beginning.

    Raises PostError where the service refuses it, or cannot be reached after some attempts.
    """
    for attempt in range(1, ATTEMPTS + 1):
        request = urllib.request.Request(address, data=content, headers=dict(headers), method="POST")  # noqa: S310
        wait = PAUSE * 2 ** (attempt - 1)
        try:
            with _OPENER.open(request, timeout=SECONDS) as answer:
                return bytes(answer.read(MOST_READ))
        except urllib.error.HTTPError as error:
            why, wait = f"answered {error.code} {error.reason}", _asked_pause(error, wait)
            error.close()
            if error.code not in AGAIN or attempt == ATTEMPTS:
                raise PostError(f"{shown(address)} {why}") from error
        except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            if attempt == ATTEMPTS or isinstance(error, ValueError):
                raise PostError(f"{shown(address)} cannot be reached: {reason}") from error
        time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def shown(address: str) -> str:
    """Show an address without what may be secret in it: user, password, path and query."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the address"
    return f"{parts.scheme}://{parts.hostname}{port}"


def _asked_pause(error: urllib.error.HTTPError, wait: float) -> float:
    """Wait as long as the service asks for, within reason."""
    try:
        return min(LONGEST_PAUSE, max(wait, float(error.headers.get("Retry-After", ""))))
    except (TypeError, ValueError):
        return wait
