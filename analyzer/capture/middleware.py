"""The ASGI middleware: requests of FastAPI, Starlette, Django, Litestar, Quart and the like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from analyzer.capture.events import Body

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from analyzer.capture.capture import Capture

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
INFERENCE_ID = b"x-amzn-sagemaker-inference-id"
CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
SHUTDOWN_SECONDS = 5.0


class CaptureMiddleware:
    """Passes every message on as it comes, and keeps a copy of those of a request that is to be captured.

    Captured are POST requests to `paths` (`*` stands for anything) that are answered with a status of 200 to 299,
    streamed or not, when the last part of the answer was sent. The inference id is that of the header
    `X-Amzn-SageMaker-Inference-Id`. With `event_id_header`, answers carry the event id in a header of that name, by
    which a label can be sent later. At the shutdown of the server all that was captured is written.
    """

    def __init__(
        self,
        app: App,
        capture: Capture,
        paths: Collection[str] = ("/invocations",),
        event_id_header: str | None = None,
    ) -> None:
        self.app = app
        self.capture = capture
        self.paths = [paths] if isinstance(paths, str) else list(paths)
        self.event_id_header = None if event_id_header is None else event_id_header.encode("latin-1")

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, self._closing(send))
        elif self._is_wanted(scope) and self.capture.sampled():
            await self._observe(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _is_wanted(self, scope: MutableMapping[str, Any]) -> bool:
        if scope["type"] != "http" or scope["method"] != "POST":
            return False
        return any(fnmatchcase(scope["path"], pattern) for pattern in self.paths)

    async def _observe(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        exchange = _Exchange(self.capture, scope["headers"], self.event_id_header)

        async def receiving() -> Message:
            message = await receive()
            exchange.came(message)
            return message

        async def sending(message: Message) -> None:
            await send(exchange.marked(message))
            exchange.went(message)

        try:
            await self.app(scope, receiving, sending)
        finally:
            exchange.end()

    def _closing(self, send: Send) -> Send:
        """Write everything when the app has shut down: many servers end by a signal, and run nothing after it."""

        async def sending(message: Message) -> None:
            if message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
                self.capture.close(SHUTDOWN_SECONDS)
            await send(message)

        return sending


class _Part:
    """One body as it comes, piece by piece, up to the largest that is captured."""

    __slots__ = ("complete", "limit", "pieces", "size")

    def __init__(self, limit: int) -> None:
        self.pieces: list[bytes] = []
        self.size = 0
        self.limit = limit
        self.complete = False

    def add(self, message: Message) -> None:
        piece = message.get("body", b"")
        self.size += len(piece)
        if self.size > self.limit:
            self.pieces.clear()  # nobody needs them any more, and a stream may be endless
        elif piece:
            self.pieces.append(bytes(piece))
        self.complete = not message.get("more_body", False)

    def body(self, headers: Mapping[bytes, bytes]) -> Body:
        content = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        kind, packing = headers.get(b"content-type"), headers.get(b"content-encoding")
        return Body(
            content,
            None if kind is None else kind.decode("latin-1"),
            None if packing is None else packing.decode("latin-1"),
        )


class _Exchange:
    """A request and its answer while they happen; whatever goes wrong in here, the request never learns of it."""

    def __init__(self, capture: Capture, headers: Iterable[tuple[bytes, bytes]], marker: bytes | None) -> None:
        self._capture = capture
        self._headers = headers
        self._marker = marker
        self._event_id = None if marker is None else str(uuid4())
        self._request = _Part(capture.max_body_bytes if capture.inputs else 0)
        self._answer = _Part(capture.max_body_bytes if capture.outputs else 0)
        self._answer_headers: Iterable[tuple[bytes, bytes]] = ()
        self._succeeds = False
        self._ended = False

    def came(self, message: Message) -> None:
        if message["type"] == "http.request" and not self._ended:
            try:
                self._request.add(message)
            except Exception as error:  # noqa: BLE001 (the request goes on, whatever it is)
                self._fail(error)

    def marked(self, message: Message) -> Message:
        """Add the event id to the headers of an answer."""
        if self._marker is None or self._event_id is None or message["type"] != "http.response.start":
            return message
        marker = (self._marker, self._event_id.encode())
        return {**message, "headers": [*message.get("headers", ()), marker]}

    def went(self, message: Message) -> None:
        if self._ended:
            return
        try:
            self._see(message)
        except Exception as error:  # noqa: BLE001 (the request goes on, whatever it is)
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._ended = True
        self._capture.fail(error)

    def _see(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._succeeds = 200 <= message["status"] < 300
            self._answer_headers = message.get("headers", ())
        elif message["type"] == "http.response.body":
            self._answer.add(message)
            if self._answer.complete:
                self._finish()

    def end(self) -> None:
        """Count a request that has not been answered to its end."""
        if not self._ended:
            self._ended = True
            self._capture.miss("unanswered")

    def _finish(self) -> None:
        self._ended = True
        capture = self._capture
        sizes = (self._request.size * capture.inputs, self._answer.size * capture.outputs)
        if not self._succeeds or (capture.inputs and not self._request.complete):
            capture.miss("unanswered")
        elif max(sizes) > capture.max_body_bytes:
            capture.miss("too_large")
        else:
            asked = _headers(self._headers)
            attributes = asked.get(CUSTOM_ATTRIBUTES)
            inference_id = asked.get(INFERENCE_ID)
            capture.submit(
                self._request.body(asked) if capture.inputs else None,
                self._answer.body(_headers(self._answer_headers)) if capture.outputs else None,
                None if inference_id is None else inference_id.decode("latin-1"),
                () if attributes is None else (attributes.decode("latin-1"),),
                self._event_id,
            )


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Give headers by their names in small letters, of which some apps do not know that ASGI wants them so."""
    found = dict(headers)
    return found if b"content-type" in found else {name.lower(): value for name, value in found.items()}
