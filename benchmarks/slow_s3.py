"""A bucket on this machine that is as slow as S3: `python slow_s3.py FOLDER` serves it until its input ends.

A connection gives its first byte after 25 ms and 90 MB/s from then on, which is about what AWS says of one request of
S3; several connections give several times as much. Serves lists, heads and ranges of what lies in the folder, whatever
the bucket is called; prints its port.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

FIRST_BYTE = 0.025
BYTES_A_SECOND = 90e6
PART = 512 * 1024
FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else ".")


class Objects(BaseHTTPRequestHandler):
    """The few calls of S3 that reading needs."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        key = asked.path.lstrip("/").partition("/")[2]
        if key:
            self._send_range(FOLDER / Path(key).name)
        else:
            self._send_list(parse_qs(asked.query).get("prefix", [""])[0])

    def do_HEAD(self) -> None:
        size = (FOLDER / Path(urlsplit(self.path).path).name).stat().st_size
        self._begin(200, {"Content-Length": str(size), "ETag": f'"{size}"'})

    def log_message(self, *_: object) -> None:
        """Say nothing: it would cost time."""

    def _send_list(self, prefix: str) -> None:
        found = "".join(
            f"<Contents><Key>{escape(prefix + each.name)}</Key><Size>{each.stat().st_size}</Size></Contents>"
            for each in sorted(FOLDER.iterdir())
            if prefix.endswith("/")
        )
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode()
        self._begin(200, {"Content-Type": "application/xml", "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _send_range(self, path: Path) -> None:
        size = path.stat().st_size
        bounds = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(bounds[1]) if bounds else 0
        last = min(int(bounds[2]), size - 1) if bounds and bounds[2] else size - 1
        headers = {"Content-Length": str(last + 1 - first), "ETag": f'"{size}"'}
        if bounds:
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        self._begin(206 if bounds else 200, headers)
        started, sent = time.perf_counter(), 0
        with path.open("rb") as file:
            file.seek(first)
            while data := file.read(min(PART, last + 1 - first - sent)):
                self.wfile.write(data)
                sent += len(data)
                time.sleep(max(0.0, started + sent / BYTES_A_SECOND - time.perf_counter()))

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        time.sleep(FIRST_BYTE)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Objects)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
