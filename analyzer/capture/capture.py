"""The recorder that middleware, decorator and users hand requests to."""

from __future__ import annotations

import logging
import random
import re
import tempfile
import time
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload
from uuid import uuid4

from analyzer.capture.encode import UNPACKED, Encoder
from analyzer.capture.events import Body, Counts, Event
from analyzer.capture.functions import capturing
from analyzer.capture.hour_files import HourFiles
from analyzer.capture.upload import Uploader
from analyzer.capture.values import answer_to, body_of
from analyzer.capture.write import CLOSE_SECONDS, Writer
from analyzer.errors import ConfigError, OutputError
from analyzer.own_folder import make_own_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
MIB = 1024 * 1024
_FOLDER_NAME = re.compile(r"[^/\0]+")


@dataclass(eq=False)
class Capture:
    """Captures requests and answers into `destination`/endpoint/variant/yyyy/mm/dd/hh, a folder or an s3:// URI.

    One object serves all threads of a process; processes, forked ones too, may share a destination. Nothing of it
    waits or raises once it is made: what cannot be captured is counted in `counts`, and logged. Closed by itself when
    the process ends in an orderly way.

    Raises ConfigError for options that make no sense, OutputError where a local folder cannot be written.
    """

    destination: str | Path
    _: KW_ONLY
    endpoint: str = "endpoint"
    variant: str = "AllTraffic"
    sampling_percentage: float = 100.0
    """How many of a hundred requests are captured, chosen at random."""
    seed: int | None = None
    """Makes the choice the same in every run; without it, it differs in every process."""
    inputs: bool = True
    outputs: bool = True
    csv_content_types: Collection[str] = ("text/csv",)
    """Captured as text; bodies of types in neither list are captured as BASE64."""
    json_content_types: Collection[str] = ("application/json", "application/jsonlines", "application/x-ndjson")
    max_body_bytes: int = 6 * MIB
    """A request with a larger body, or a larger answer, is not captured."""
    queue_records: int = 10_000
    queue_bytes: int = 64 * MIB
    """Requests beyond either limit, counted while they wait to be written, are dropped."""
    file_bytes: int = 16 * MIB
    file_seconds: float = 60.0
    """A file is published when it is as large or as old as that, and at the end of its process."""
    disk_limit_percent: float = 75.0
    """Capturing stops while the disk is fuller than that."""
    spool: str | Path | None = None
    """For S3: folder for files until they are uploaded. A folder of the user's below the temporary one if left out."""

    def __post_init__(self) -> None:
        _check(self)
        place = str(self.destination)
        remote = "://" in place
        top = _spool_of(place, self.spool) if remote else Path(place).absolute()
        files = HourFiles(top / self.endpoint / self.variant, self.file_bytes, self.file_seconds)
        _check_writable(files.folder)
        types = [frozenset(each.lower() for each in kind) for kind in (self.csv_content_types, self.json_content_types)]
        self._writer = Writer(
            Encoder(types[0], types[1], self.max_body_bytes * UNPACKED),
            files,
            Uploader(top, place) if remote else None,
            self.queue_records,
            self.queue_bytes,
            self.disk_limit_percent,
        )
        # The system's random numbers are of no state that forked processes would share.
        self._random = random.SystemRandom() if self.seed is None else random.Random(self.seed)

    @property
    def counts(self) -> Counts:
        """What became of the requests that this process has seen."""
        return self._writer.counts

    def sampled(self) -> bool:
        """Decide whether the next request is captured, and count it if not."""
        if self.sampling_percentage >= 100 or self._random.random() * 100 < self.sampling_percentage:
            return True
        self._writer.count("sampled_out")
        return False

    def record(
        self,
        input: Any = None,  # noqa: A002 (the name of this half everywhere else)
        output: Any = None,
        *,
        inference_id: str | None = None,
        custom_attributes: Iterable[str] = (),
    ) -> str | None:
        """Capture a request and its answer, if it is sampled; gives its event id, None where it is not captured.

        Both may be a `Body`, or anything that `calls` takes; None is a half that is not captured.
        """
        if not self.sampled():
            return None
        event_id = str(uuid4())
        try:
            request = None if input is None else body_of(input)
            answer = None if output is None else answer_to(request, output)
            taken = self.submit(request, answer, inference_id, tuple(custom_attributes), event_id)
        except Exception as error:  # noqa: BLE001 (the caller's request goes on, whatever it is)
            self.fail(error)
            return None
        return event_id if taken else None

    @overload
    def calls(self, function: Callable[P, R]) -> Callable[P, R]: ...
    @overload
    def calls(
        self,
        *,
        argument: str | None = None,
        inference_id: str = "inference_id",
        input_type: str | None = None,
        output_type: str | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def calls(
        self,
        function: Callable[..., Any] | None = None,
        *,
        argument: str | None = None,
        inference_id: str = "inference_id",
        input_type: str | None = None,
        output_type: str | None = None,
    ) -> Any:
        """Decorate a function, plain or async, so that one of its arguments and its result are captured.

        `argument` is the parameter with the input, the first (after self) if left out; `inference_id` the parameter
        with the id, where the function has one. Values become bodies as `body_of` says, of the content types given.
        Calls that raise are not captured.

        Raises ConfigError for a generator, or a parameter that the function does not have.
        """

        def wrapped(each: Callable[..., Any]) -> Callable[..., Any]:
            return capturing(
                self,
                each,
                argument=argument,
                inference_id=inference_id,
                input_type=input_type,
                output_type=output_type,
            )

        return wrapped if function is None else wrapped(function)

    def submit(
        self,
        input_: Body | None,
        output: Body | None,
        inference_id: str | None = None,
        custom_attributes: tuple[str, ...] = (),
        event_id: str | None = None,
    ) -> bool:
        """Queue a request that was sampled; halves that are not wanted are left out. False where it is dropped."""
        halves = (input_ if self.inputs else None, output if self.outputs else None)
        size = 0
        for body in halves:
            if body is not None:
                size += len(body.content)
                if len(body.content) > self.max_body_bytes:
                    self._writer.count("too_large")
                    return False
        if halves == (None, None):
            self._writer.count("unanswered")
            return False
        return self._writer.put(Event(time.time(), *halves, inference_id, custom_attributes, event_id), size)

    def miss(self, reason: str) -> None:
        """Count a sampled request that is not captured, by the name of one of the counts."""
        self._writer.count(reason)

    def fail(self, error: Exception) -> None:
        """Count and log a request that could not be captured; it was answered as if nothing had happened."""
        self._writer.count("failed")
        log.warning("A request could not be captured: %s: %s", type(error).__name__, error)

    def flush(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Write, publish and upload all that was captured so far; False where that took longer."""
        return self._writer.flush(seconds)

    def close(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Flush, and end the threads; what is captured later starts them again."""
        return self._writer.close(seconds)


# --- options ---


def _check(capture: Capture) -> None:
    for name in ("endpoint", "variant"):
        value = getattr(capture, name)
        if not _FOLDER_NAME.fullmatch(value) or value.startswith((".", "_")):
            raise ConfigError(
                f"{name} is {value!r}, which is no name of a folder that jobs read.",
                "Use letters and digits; it must not begin with . or _.",
            )
    for name in ("sampling_percentage", "disk_limit_percent"):
        value = getattr(capture, name)
        if not 0 <= value <= 100:
            raise ConfigError(f"{name} is {value!r}.", f"Set {name} to a number from 0 to 100.")
    for name in ("max_body_bytes", "queue_records", "queue_bytes", "file_bytes", "file_seconds"):
        if getattr(capture, name) <= 0:
            raise ConfigError(f"{name} is {getattr(capture, name)!r}.", f"Set {name} to a number above 0.")
    if not (capture.inputs or capture.outputs):
        raise ConfigError("inputs and outputs are both False, so there is nothing to capture.", "Set one to True.")


def _check_writable(folder: Path) -> None:
    """Find out when the server starts, not when the first record is lost."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix="."):
            pass
    except OSError as error:
        raise OutputError(
            f"Nothing can be captured into {folder}: {error.strerror}.", "Choose a folder that can be written."
        ) from error


def _spool_of(place: str, spool: str | Path | None) -> Path:
    """Give the folder for files on their way to a URI: one for each of them, so that files find their destination."""
    from analyzer.stores.s3 import place_of

    if not place.lower().startswith("s3://"):
        raise ConfigError(f"destination is {place!r}.", "Name a folder, or s3://bucket/prefix.")
    try:
        found = place_of(place)
    except OSError as error:
        raise ConfigError(f"destination is {place!r}: {error}.", "Write s3://bucket/prefix.") from error
    if ".." in found.key.split("/"):
        raise ConfigError(f"destination is {place!r}, with .. in its key.", "Write the key without it.")
    own = Path(spool) if spool is not None else make_own_folder("analyzer-capture", "Set spool to another folder.")
    return own.absolute() / found.bucket / found.key.strip("/")
