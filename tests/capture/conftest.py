"""What tests of capturing share: a capture that is closed, its files, and a server with real HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from analyzer.capture import Capture

Make = Callable[..., Capture]
Serve = Callable[..., str]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make captures into the folder `captures`, closed at the end."""
    made: list[Capture] = []

    def build(destination: Path | str = tmp_path / "captures", **options: Any) -> Capture:
        made.append(Capture(destination, **options))
        return made[-1]

    yield build
    for each in made:
        each.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an ASGI app on a free port, start-up and shutdown included; gives the address. `serve.stop()` ends it."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def begin(app: Any) -> str:
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        end = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < end
            assert thread.is_alive()
            time.sleep(0.01)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    def stop() -> None:
        for server, thread in running:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
        running.clear()

    begin.stop = stop
    yield begin
    stop()
