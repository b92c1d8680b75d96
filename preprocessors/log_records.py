"""Write records to the job log, to see what arrives while a script of your own is written; data stay unchanged.

Every LOG_EVERY-th record of a worker process is written, and every captured record with a missing or empty half as a
warning (at most LOG_WARNINGS of them a process). Payloads may hold personal data: LOG_CHARACTERS=0 leaves them out.

LOG_EVERY       1000  write one record in so many; 0 writes warnings only
LOG_CHARACTERS  500   length at which a payload is cut; 0 writes its size only
LOG_WARNINGS    20    warnings a process
LOG_LEVEL       INFO  level of the lines: DEBUG, INFO, WARNING or ERROR
"""

from __future__ import annotations

import logging
import os
from itertools import count
from typing import Any

EVERY = int(os.environ.get("LOG_EVERY", "1000"))
CHARACTERS = int(os.environ.get("LOG_CHARACTERS", "500"))
WARNINGS = int(os.environ.get("LOG_WARNINGS", "20"))
LEVEL_NAME = os.environ.get("LOG_LEVEL", "INFO").upper()

if LEVEL_NAME not in logging.getLevelNamesMapping():
    raise ValueError(f"LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not {LEVEL_NAME!r}")

LEVEL = logging.getLevelNamesMapping()[LEVEL_NAME]

_seen = count(1)
_warned = count(1)


def preprocess_handler(inference_record: Any, logger: logging.Logger) -> Any:
    number = next(_seen)
    if EVERY and (number - 1) % EVERY == 0:
        logger.log(LEVEL, "record %d of this process: %s", number, _described(inference_record))
    if not isinstance(inference_record, str | dict):
        _warn_of_gaps(inference_record, number, logger)
    return inference_record


def _described(record: Any) -> str:
    if isinstance(record, str | dict):
        return _cut(str(record))
    metadata = record.event_metadata
    return f"event {metadata.event_id} of {metadata.event_time}, " + ", ".join(
        f"{name} {part.encoding} {_cut(str(part.data))}" for name, part in _halves(record).items() if part is not None
    )


def _halves(record: Any) -> dict[str, Any]:
    if record.batch_transform_output is not None:
        return {"output": record.batch_transform_output}
    return {"input": record.endpoint_input, "output": record.endpoint_output}


def _cut(text: str) -> str:
    if not CHARACTERS:
        return f"({len(text)} characters)"
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}... ({len(text)} characters)"


def _warn_of_gaps(record: Any, number: int, logger: logging.Logger) -> None:
    gaps = [name for name, part in _halves(record).items() if part is None or not part.data]
    if gaps and next(_warned) <= WARNINGS:
        event = record.event_metadata.event_id
        logger.warning("record %d of this process, event %s: no %s", number, event, " and no ".join(gaps))
