"""The usual record script of the documentation: a captured pair of CSV lines to zero-padded columns."""

from __future__ import annotations

from typing import Any


def preprocess_handler(inference_record: Any) -> dict[str, str]:
    output = inference_record.endpoint_output.data.rstrip("\n")
    row = output + "," + inference_record.endpoint_input.data
    return {str(position).zfill(20): value for position, value in enumerate(row.split(","))}
