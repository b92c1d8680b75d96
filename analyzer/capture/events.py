"""The nouns of capturing: a body, an event of two of them, and the account of all events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Body(NamedTuple):
    """What went in or came out: bytes, and what the sender says that they are."""

    content: bytes
    content_type: str | None = None
    content_encoding: str | None = None
    """How the bytes are packed, such as `gzip`; None where they are not."""


class Event(NamedTuple):
    """One request with its answer, as it waits to be written; `time` is in seconds since 1970."""

    time: float
    input: Body | None
    output: Body | None
    inference_id: str | None = None
    custom_attributes: tuple[str, ...] = ()
    event_id: str | None = None
    """None where nobody has asked for it: it is made when the event is written."""


@dataclass(slots=True)
class Counts:
    """What became of the requests that this process has seen, each in one count.

    Those that were `queued` end up as `written`, `disk_full` or `failed`.
    """

    sampled_out: int = 0
    queued: int = 0
    queue_full: int = 0
    """Dropped, as more came in than could be written."""
    too_large: int = 0
    """Dropped, as a body was larger than allowed."""
    unanswered: int = 0
    """Not captured: the request failed, was refused or not read to its end, or its answer broke off."""
    disk_full: int = 0
    """Dropped, as the disk was fuller than allowed."""
    failed: int = 0
    """Dropped, as capturing or writing them failed; the log has the reason."""
    written: int = 0
    """In files, though maybe not in one that shows already."""

    @property
    def dropped(self) -> int:
        return self.queue_full + self.too_large + self.disk_full + self.failed
