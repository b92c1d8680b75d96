"""Describe images by numbers, so that traffic of vision models becomes a table. Needs Pillow (pip package "pillow").

One row an image, always with these columns: image_brightness (mean of the grey values, 0 black to 255 white),
image_bytes (size of the file), image_channels (1 grey or palette, 3 colour, 4 with transparency), image_contrast
(standard deviation of the grey values), image_height and image_width (pixels). A record without an image, or with one
that cannot be decoded, gives a row whose values are missing, so that completeness shows it.

IMAGE_FIELDS  (none)  only strings under these keys of JSON, or in these positions (from 0) of CSV; none: all long ones
HEADER_NAME   (none)  batch CSV: drop the line whose first field is this name

Captured requests in BASE64 are the image itself, or JSON that holds images; JSON bodies, batch JSON objects and CSV
fields hold images as base64 text, with or without "data:image/png;base64," in front.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import os
import struct
from typing import Any

try:
    from PIL import Image, ImageStat
except ImportError as error:
    raise ImportError(
        "image_statistics.py needs Pillow: put the package pillow into the image or pip install it"
    ) from error

FIELDS = [field.strip() for field in os.environ.get("IMAGE_FIELDS", "").split(",") if field.strip()]
HEADER_NAME = os.environ.get("HEADER_NAME", "")
SHORTEST = 64  # characters of base64; shorter text is a name or a label, the smallest real images are longer

_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error, Image.DecompressionBombError)
"""What Pillow and its decoders raise for files that are cut off, corrupt, of no known kind or far too large."""

_MISSING = {
    "image_brightness": None,
    "image_bytes": None,
    "image_channels": None,
    "image_contrast": None,
    "image_height": None,
    "image_width": None,
}


def preprocess_handler(inference_record: Any) -> Any:
    if isinstance(inference_record, str):
        return _line(inference_record)
    if isinstance(inference_record, dict):
        return _described(_encoded(inference_record, wanted=not FIELDS))
    return _described(_from_request(inference_record.endpoint_input))


def _line(line: str) -> Any:
    fields = next(csv.reader([line.rstrip("\r\n")]), [])
    if HEADER_NAME and fields[:1] == [HEADER_NAME]:
        return []
    return _described(_in_fields(fields))


def _described(files: list[bytes]) -> list[dict[str, Any]]:
    return [image_statistics(file) for file in files] or [dict(_MISSING)]


# --- finding images ---------------------------------------------------------------------------------------------------


def _from_request(part: Any) -> list[bytes]:
    if part is None or not part.data:
        return []
    if part.encoding == "BASE64":
        content = base64.b64decode(part.data)
        is_json = "json" in (part.observedContentType or "")
        return _from_json(content.decode("utf-8")) if is_json else [content]
    if part.encoding == "CSV":
        rows = csv.reader(io.StringIO(part.data, newline=""))
        return [file for row in rows for file in _in_fields(row)]
    return _from_json(part.data)


def _from_json(body: str) -> list[bytes]:
    return _encoded(json.loads(body), wanted=not FIELDS)


def _in_fields(fields: list[str]) -> list[bytes]:
    wanted = [field for position, field in enumerate(fields) if not FIELDS or str(position) in FIELDS]
    return _encoded(wanted, wanted=True)


def _encoded(value: Any, *, wanted: bool) -> list[bytes]:
    """List the files that a JSON value holds as base64 text, under the wanted keys when some are named."""
    if isinstance(value, str):
        content = _decoded(value) if wanted else None
        return [] if content is None else [content]
    if isinstance(value, dict):
        return [file for key, inner in value.items() for file in _encoded(inner, wanted=wanted or key in FIELDS)]
    if isinstance(value, list):
        return [file for inner in value for file in _encoded(inner, wanted=wanted)]
    return []


def _decoded(text: str) -> bytes | None:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    elif len(text) < SHORTEST:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


# --- describing them --------------------------------------------------------------------------------------------------


def image_statistics(file: bytes) -> dict[str, Any]:
    """Describe one image file; what cannot be decoded has a size in bytes and nothing else."""
    try:
        image = Image.open(io.BytesIO(file))
        grey = ImageStat.Stat(image.convert("L"))
    except _BROKEN:
        return {**_MISSING, "image_bytes": len(file)}
    return {
        "image_brightness": grey.mean[0],
        "image_bytes": len(file),
        "image_channels": len(image.getbands()),
        "image_contrast": grey.stddev[0],
        "image_height": image.height,
        "image_width": image.width,
    }
