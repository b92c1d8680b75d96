"""Keep a share of the records and drop the rest; the same record is kept or dropped in every run.

What is hashed decides, not a random number: the event id of captured traffic; the field SAMPLE_KEY of a batch JSON
object, or all of it; a batch CSV line itself (equal lines are kept or dropped together).

SAMPLE_SHARE  0.1     the share to keep, 0 to 1
SAMPLE_SEED   (none)  any text; another text keeps other records
SAMPLE_KEY    (none)  batch JSON: the field to hash, such as a customer number
HEADER_NAME   (none)  batch CSV: always pass on the line whose first field is this name

Kept records come back as they are, so the job flattens them as it does without a script.
"""

from __future__ import annotations

import csv
import json
import os
from hashlib import blake2b
from typing import Any

SHARE = float(os.environ.get("SAMPLE_SHARE", "0.1"))
SEED = os.environ.get("SAMPLE_SEED", "")
KEY = os.environ.get("SAMPLE_KEY", "")
HEADER_NAME = os.environ.get("HEADER_NAME", "")

if not 0 <= SHARE <= 1:
    raise ValueError(f"SAMPLE_SHARE must be from 0 to 1, not {SHARE}")

_KEPT_BELOW = SHARE * 2.0**64


def preprocess_handler(inference_record: Any) -> Any:
    if _is_header(inference_record) or _hash(_identity(inference_record)) < _KEPT_BELOW:
        return inference_record
    return []


def _is_header(record: Any) -> bool:
    return bool(HEADER_NAME) and isinstance(record, str) and next(csv.reader([record]), [])[:1] == [HEADER_NAME]


def _identity(record: Any) -> str:
    if isinstance(record, str):
        return record.rstrip("\r\n")
    if isinstance(record, dict):
        identity = record[KEY] if KEY else record
        return identity if isinstance(identity, str) else json.dumps(identity, sort_keys=True)
    return record.event_metadata.event_id or json.dumps(record.as_dict(), sort_keys=True)


def _hash(identity: str) -> int:
    """Spread identities evenly over 0 ... 2**64 - 1."""
    digest = blake2b((SEED + identity).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
