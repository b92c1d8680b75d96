"""Events to lines of capture files, as the original's data capture writes them."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson

if TYPE_CHECKING:
    from analyzer.capture.events import Body, Event

VERSION = "0"
UNPACKED = 16
"""How many times as large as allowed for a body it may be when it is unpacked; beyond that it is kept packed."""
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Encoder:
    """Writes lines; content types of the two lists, in small letters, are kept as text, all others become BASE64."""

    csv_types: frozenset[str]
    json_types: frozenset[str]
    max_unpacked: int

    def line(self, event: Event) -> bytes:
        """Write an event as one line of JSON, in the order of keys of the original."""
        halves = (("endpointInput", "INPUT", event.input), ("endpointOutput", "OUTPUT", event.output))
        metadata: dict[str, Any] = {"eventId": event.event_id or str(uuid4())}
        if event.inference_id is not None:
            metadata["inferenceId"] = event.inference_id
        if event.custom_attributes:
            metadata["customAttributes"] = event.custom_attributes
        metadata["inferenceTime"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event.time))
        record = {
            "captureData": {name: self._payload(body, mode) for name, mode, body in halves if body is not None},
            "eventMetadata": metadata,
            "eventVersion": VERSION,
        }
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)

    def _payload(self, body: Body, mode: str) -> dict[str, str]:
        data, encoding = self._text(body)
        seen = {} if body.content_type is None else {"observedContentType": body.content_type}
        return {**seen, "mode": mode, "data": data, "encoding": encoding}

    def _text(self, body: Body) -> tuple[str, str]:
        """Give a body as text and how it is encoded; what is not the text that it claims to be becomes BASE64."""
        kind, charset = self._kind(body.content_type or "")
        if kind is not None:
            try:
                return self._unpacked(body).decode(charset), kind
            except (ValueError, LookupError, zlib.error):
                pass
        from base64 import b64encode

        return b64encode(body.content).decode("ascii"), "BASE64"

    def _kind(self, content_type: str) -> tuple[str | None, str]:
        plain, *parameters = content_type.lower().split(";")
        plain = plain.strip()
        named = dict(each.strip().partition("=")[::2] for each in parameters)
        charset = named.get("charset", "utf-8").strip('"')
        if plain in self.csv_types:
            return "CSV", charset
        return ("JSON" if plain in self.json_types else None), charset

    def _unpacked(self, body: Body) -> bytes:
        packing = (body.content_encoding or "identity").strip().lower()
        if packing == "identity":
            return body.content
        if packing not in {"gzip", "deflate"}:
            raise ValueError(packing)
        unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
        content = unpacking.decompress(body.content, self.max_unpacked)
        if not unpacking.eof:
            raise ValueError("incomplete, or too large to be unpacked")
        return content
