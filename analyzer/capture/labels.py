"""Labels that come later, as records that a merge puts together with captures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

from analyzer.capture.values import JSON, body_of
from analyzer.errors import OutputError
from analyzer.stores import store_of
from analyzer.stores.store import cure_of, reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_labels(destination: str | Path, labels: Mapping[str, Any], collected: float | None = None) -> str:
    """Write labels by inference or event id into a new file of the folder of their hour; gives its place.

    A label is a value (CSV), several of them in a list (a CSV row), or an object (JSON). `collected` is the time of the
    folder, in seconds since 1970, now if left out. The file appears complete or not at all.

    Raises OutputError.
    """
    now = time.time() if collected is None else collected
    name = f"{time.strftime('%Y/%m/%d/%H/%M-%S', time.gmtime(now))}-{uuid4()}.jsonl"
    content = b"".join(_line(key, label) for key, label in labels.items())
    place = str(destination)
    try:
        store_of(place).write_stream(place, [(name, content)], ())
    except OSError as error:
        cure = cure_of(error, "Choose a folder that can be written.")
        raise OutputError(f"Labels cannot be written to {place}: {reason_of(error)}.", cure) from error
    return f"{place.rstrip('/')}/{name}"


def _line(key: str, label: Any) -> bytes:
    body = body_of(str(label).lower() if isinstance(label, bool) else label)
    data = {"data": body.content.decode().rstrip("\n"), "encoding": "JSON" if body.content_type == JSON else "CSV"}
    record = {"groundTruthData": data, "eventMetadata": {"eventId": key}, "eventVersion": "0"}
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
