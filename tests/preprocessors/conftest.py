from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzer.records import CapturedData
from analyzer.scripts import load_handler, row_dicts, with_logger

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / ".." / "shared" / "golden" / "records"

Run = Callable[..., Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Give `run(script, VARIABLE="value")`: a function from a record to what the job makes of the script's answer."""

    def load(script: str, **environment: str) -> Run:
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        handler = with_logger(load_handler(ROOT / "preprocessors" / script, "preprocess_handler"))
        return lambda record: row_dicts(handler(record), record)

    return load


@pytest.fixture
def captured() -> Callable[..., CapturedData]:
    """Give `captured(request, response)`; an encoding and content type for both, None for a half that is missing."""

    def build(
        request: str | None,
        response: str | None = None,
        encoding: str = "CSV",
        content_type: str | None = None,
        event_id: str = "e-1",
    ) -> CapturedData:
        def part(data: str, mode: str) -> dict[str, Any]:
            kind = content_type or {"CSV": "text/csv", "JSON": "application/json"}.get(encoding, "image/png")
            return {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}

        capture = {}
        if request is not None:
            capture["endpointInput"] = part(request, "INPUT")
        if response is not None:
            capture["endpointOutput"] = part(response, "OUTPUT")
        metadata = {"eventId": event_id, "inferenceTime": "2025-02-16T11:19:01Z"}
        return CapturedData({"captureData": capture, "eventMetadata": metadata, "eventVersion": "0"})

    return build


@pytest.fixture
def golden() -> Callable[[str], list[CapturedData]]:
    """Give `golden(file)`: the records of the original in that file, one a line or one in all."""

    def read(name: str) -> list[CapturedData]:
        import orjson

        path = RECORDS / name
        if not path.is_file():
            pytest.skip("the original's records are not beside the checkout")
        lines = path.read_bytes().splitlines() if path.suffix == ".jsonl" else [path.read_bytes()]
        return [CapturedData(orjson.loads(line)) for line in lines if line]

    return read
