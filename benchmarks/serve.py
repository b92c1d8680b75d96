"""An app of FastAPI answers requests in this process: `python serve.py FOLDER REQUESTS PERCENTAGE`.

Requests go straight into the ASGI app, without a network or a server, so that nothing hides what capturing costs. A
PERCENTAGE of -1 leaves the middleware out. Prints `phase answer took SECONDS` and `phase work took SECONDS`: CPU time
of the thread that answers, and of all threads until everything is in files.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from typing import Any

from fastapi import FastAPI

from analyzer.capture import Capture, CaptureMiddleware

FEATURES = 20
BODY = ('{"features":[' + ",".join(f"{number}.{number}25" for number in range(FEATURES)) + "]}").encode()
SCOPE: dict[str, Any] = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
    "path": "/invocations", "raw_path": b"/invocations", "query_string": b"", "root_path": "",
    "headers": [(b"content-type", b"application/json"), (b"x-amzn-sagemaker-inference-id", b"4711")],
    "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
}  # fmt: skip


def build() -> FastAPI:
    """Make an app that does what every app does: parse, validate, compute, answer."""
    app = FastAPI()

    @app.post("/invocations")
    async def invocations(row: dict[str, list[float]]) -> dict[str, float]:
        return {"score": sum(row["features"]) / FEATURES}

    return app


async def serve(app: Any, requests: int) -> None:
    message = {"type": "http.request", "body": BODY, "more_body": False}
    statuses = []

    async def receive() -> dict[str, Any]:
        return message

    async def send(answer: dict[str, Any]) -> None:
        if answer["type"] == "http.response.start":
            statuses.append(answer["status"])

    for _ in range(requests):
        await app(dict(SCOPE), receive, send)
    if statuses != [200] * requests:
        sys.exit(f"only {statuses.count(200)} of {requests} requests were answered")


def main(folder: str, requests: int, percentage: float) -> None:
    app: Any = build()
    asyncio.run(serve(app, 200))
    with tempfile.TemporaryDirectory(dir=folder) as place:
        capture = Capture(place, sampling_percentage=max(0.0, percentage), queue_records=requests, seed=1)
        if percentage >= 0:
            app = CaptureMiddleware(app, capture)
        answering, working = time.thread_time(), time.process_time()
        asyncio.run(serve(app, requests))
        answering = time.thread_time() - answering
        capture.close()
        print(f"phase answer took {answering:.6f}")
        print(f"phase work took {time.process_time() - working:.6f}")
        counts = capture.counts
        if counts.written + counts.sampled_out != (requests if percentage >= 0 else 0):
            sys.exit(f"not every request was captured or left out: {counts}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
