"""The input files of this host, read-only, for the tasks of the others."""

from __future__ import annotations

import hmac
import logging
import re
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

log = logging.getLogger(__name__)
RANGE = re.compile(r"bytes=(\d{1,18})-(\d{1,18})")
IDLE_SECONDS = 300


class FileServer:
    """Serves ranges of listed files over HTTP, to whoever has the token; nothing else of this host can be named.

    `files` are paths and sizes by name. A file that has not its size any more is refused.
    """

    def __init__(self, address: str, files: Mapping[str, tuple[Path, int]], token: str) -> None:
        self._server = _Server((address, 0), _Answer)
        self._server.files = files
        self._server.token = token
        self._thread = threading.Thread(target=self._server.serve_forever, name="files", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    files: Mapping[str, tuple[Path, int]]
    token: str

    def handle_error(self, _request: Any, client_address: Any) -> None:
        log.debug("A request of %s broke off.", client_address)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "analyzer"
    sys_version = ""
    timeout = IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        if not self._is_authorized():
            return self._refuse(HTTPStatus.UNAUTHORIZED)
        found = self.server.files.get(unquote(self.path)[1:])
        if found is None:
            return self._refuse(HTTPStatus.NOT_FOUND)
        path, size = found
        bounds = RANGE.fullmatch(self.headers.get("Range", ""))
        if bounds is None or not int(bounds[1]) <= int(bounds[2]) < size:
            return self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        return self._send(path, size, int(bounds[1]), int(bounds[2]) + 1)

    def _is_authorized(self) -> bool:
        given = self.headers.get("Authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, f"Bearer {self.server.token}".encode())

    def _send(self, path: Path, size: int, start: int, end: int) -> None:
        try:
            stream = path.open("rb")
        except OSError as error:
            log.warning("%s cannot be served: %s", path, error)
            return self._refuse(HTTPStatus.NOT_FOUND)
        with stream:
            if stream.seek(0, 2) != size:
                return self._refuse(HTTPStatus.CONFLICT)
            self.send_response(HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Length", str(end - start))
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            self.end_headers()
            self.connection.sendfile(stream, start, end - start)
        return None

    def _refuse(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *told: Any) -> None:
        log.debug("%s: %s", self.address_string(), told)
