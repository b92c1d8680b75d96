"""The least that any program must do for a record script: `python bare_loop.py FOLDER`.

Every line is parsed with orjson, wrapped in the smallest object the script can read, and handed to it; the answers are
thrown away. Prints `phase analyze took SECONDS`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import orjson
from handler import preprocess_handler


class Event:
    """One half of a record."""

    __slots__ = ("data",)

    def __init__(self, captured: dict[str, Any]) -> None:
        self.data = captured["data"]


class Record:
    """What the script is given."""

    __slots__ = ("endpoint_input", "endpoint_output")

    def __init__(self, raw: dict[str, Any]) -> None:
        captured = raw["captureData"]
        self.endpoint_input = Event(captured["endpointInput"])
        self.endpoint_output = Event(captured["endpointOutput"])


def main(folder: str) -> None:
    started = time.perf_counter()
    for path in sorted(Path(folder).iterdir()):
        with path.open("rb") as lines:
            for line in lines:
                preprocess_handler(Record(orjson.loads(line)))
    print(f"phase analyze took {time.perf_counter() - started:.3f}")


if __name__ == "__main__":
    main(sys.argv[1])
