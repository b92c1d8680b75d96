"""S3 and what speaks its language: objects read in ranges, written as uploads that all end when all have arrived.

A prefix is taken for a folder: `s3://bucket/data` means the object `data` and what lies below `data/`, not `database`.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any, cast

from analyzer.stores.ranges import RangeStream
from analyzer.stores.s3_errors import CREDENTIALS, REPLACED_MEANWHILE, named
from analyzer.stores.store import HIDDEN, File, StoreError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError

log = logging.getLogger(__name__)
ATTEMPTS = 5
"""How often a request is tried, with growing pauses, unless the configuration of the AWS clients says otherwise."""
CONNECT_SECONDS = 5
READ_SECONDS = 30
PART = 16 * 1024 * 1024
"""Bytes of a part of an upload; S3 takes 10,000 of them for a file."""
AT_ONCE = 1024 * 1024
LONGEST_PAUSE = 20.0
CHECK = ".analyzer-check"
REPLACED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409"})
"""Codes with which a conditional write is refused: the version that was seen is not, or not for long, what is there."""
CONTENT_TYPES = {
    ".json": "application/json",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".xml": "application/xml",
}
_making = threading.Lock()
_URI = re.compile(r"s3://(arn:[^/]+/[^/]+|[^/]+)(?:/(.*))?", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket (or the ARN of an access point) and a key or prefix in it, as written: no escapes."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def folder(self) -> str:
        """The key as the beginning of the keys below it."""
        return f"{self.key.removesuffix('/')}/" if self.key else ""

    def below(self, name: str) -> Place:
        return Place(self.bucket, self.folder + name)


def place_of(uri: str) -> Place:
    """Take a URI apart.

    Raises StoreError where it names no bucket.
    """
    found = _URI.fullmatch(uri)
    if not found:
        raise StoreError("it names no bucket", "Write s3://bucket/key.")
    return Place(found[1], found[2] or "")


# --- the client -------------------------------------------------------------------------------------------------------


def client() -> Any:
    """Give this process's client of S3, made at the first call; connections cannot be shared with a forked process."""
    with _making:  # a quarter of a second each, if the threads that fetch the first ranges all made one
        return _client_of(os.getpid())


@lru_cache(maxsize=1)
def _client_of(_process: int) -> Any:
    import boto3
    from botocore.config import Config

    for name in ("boto3", "botocore", "s3transfer", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)  # on DEBUG they log signatures and tokens
    session = boto3.session.Session()
    told = session._session.get_config_variable  # noqa: SLF001 (what variables and files of the AWS clients say)
    retries = {"mode": told("retry_mode") or "standard", "total_max_attempts": told("max_attempts") or ATTEMPTS}
    config = Config(retries=retries, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
    return session.client("s3", config=config)


def describe_access() -> str:
    """Say where S3 is and whose credentials are used, without any of them.

    Raises StoreError where there are none, or where they cannot be had.
    """
    with named("S3"):
        credentials = client()._request_signer._credentials  # noqa: SLF001 (what requests are signed with)
        if credentials is None:
            raise StoreError("there are no credentials for S3, or not all of them", CREDENTIALS)
        credentials.get_frozen_credentials()
    meta = client().meta
    return f"{meta.endpoint_url}, region {meta.region_name}, credentials from {credentials.method}"


def _attempts() -> int:
    return int(client().meta.config.retries["total_max_attempts"])


# --- reading ----------------------------------------------------------------------------------------------------------


def list_files(source: str, *, everything: bool = False) -> list[File]:
    """List objects as `Store.list_files` says: those below the prefix, and the one that has just this key.

    A prefix without objects is an empty folder: S3 knows no other.
    """
    place = place_of(source)
    with named(place):
        found = list(_objects(place.bucket, place.folder)) if everything else _below(place)
        if place.key and not place.key.endswith("/"):
            found += [each for each in _objects(place.bucket, place.key, 1) if each[0] == place.key]
    found.sort(key=lambda each: each[0].split("/"))
    kept = [each for each in found if each[1] or (everything and not each[0].endswith("/"))]
    return [File(str(Place(place.bucket, key)), size, tag) for key, size, tag in kept]


def survey_files(source: str) -> list[File]:
    """List objects as `Store.survey_files` says; keys that end in `/` stand for folders."""
    place = place_of(source)
    with named(place):
        found = sorted(_below(place), key=lambda each: each[0].split("/"))
    return [File(str(Place(place.bucket, key)), size, tag) for key, size, tag in found if not key.endswith("/")]


def _below(place: Place) -> list[tuple[str, int, str]]:
    return [each for each in _objects(place.bucket, place.folder) if not _is_hidden(each[0], place.folder)]


def _objects(bucket: str, prefix: str, most: int | None = None) -> Iterator[tuple[str, int, str]]:
    """List keys, sizes and tags below a prefix, all of them or the first."""
    more: dict[str, Any] = {"MaxKeys": most} if most else {}
    while True:
        page = client().list_objects_v2(Bucket=bucket, Prefix=prefix, **more)
        yield from ((each["Key"], each["Size"], each.get("ETag", "")) for each in page.get("Contents", ()))
        if most or not page.get("IsTruncated"):
            return
        more["ContinuationToken"] = page["NextContinuationToken"]


def _is_hidden(key: str, folder: str) -> bool:
    return any(part.startswith(HIDDEN) for part in key[len(folder) :].split("/"))


def open_file(path: str, until: int | None = None) -> IO[bytes]:
    """Open an object as `Store.open_file` says; nothing is fetched before the first byte is read."""
    found = _Object(place_of(path))
    return cast("IO[bytes]", RangeStream(found.fetch, found.size, until))


def read_version(uri: str) -> tuple[bytes, str] | None:
    """Read an object as a whole, and the tag of the version that was read; None where there is none.

    Raises StoreError.
    """
    from botocore.exceptions import ClientError

    place = place_of(uri)
    with named(place):
        try:
            found = client().get_object(Bucket=place.bucket, Key=place.key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                return None
            raise
        return found["Body"].read(), found["ETag"]


def replace_version(uri: str, content: bytes, seen: str | None) -> bool:
    """Write an object, unless another version than the one `seen` is there by now; None is that there was none.

    Raises StoreError.
    """
    from botocore.exceptions import ClientError

    place = place_of(uri)
    condition = {"IfMatch": seen} if seen else {"IfNoneMatch": "*"}
    with named(place):
        try:
            client().put_object(Bucket=place.bucket, Key=place.key, Body=content, **condition)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in REPLACED:
                return False
            raise
    return True


class _Object:
    """One version of an object, that of the first answer: ranges of two versions would make a file that never was."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._version: dict[str, str] = {}
        self._seeing = threading.Lock()
        self._size: int | None = None

    def size(self) -> int:
        if self._size is None:
            with named(self._place):
                found = client().head_object(Bucket=self._place.bucket, Key=self._place.key)
            self._remember(found["ETag"], found["ContentLength"])
        return cast("int", self._size)

    def _remember(self, tag: str, size: int) -> None:
        """Hold on to the first version that is seen; the first answers may come from requests side by side."""
        with self._seeing:
            seen = self._version.setdefault("IfMatch", tag)
        if tag != seen:
            raise StoreError(*REPLACED_MEANWHILE)
        self._size = size

    def fetch(self, start: int, end: int) -> bytes:
        """Fetch a range; where the connection breaks off in the middle, what is missing is asked for again."""
        got: list[bytes] = []
        at, breaks = start, 0
        with named(self._place):
            while at < (end if self._size is None else min(end, self._size)):
                body = self._open(at, end)
                if body is None:
                    break
                before, error = at, _receive(body, got)
                at = start + sum(map(len, got))
                if error is not None:
                    breaks = 1 if at > before else breaks + 1
                    _pause(breaks, self._place, error)
        return b"".join(got)

    def _open(self, start: int, end: int) -> Any:
        """Ask for a range and give its stream; None behind the end of the object."""
        from botocore.exceptions import ClientError

        asked = f"bytes={start}-{end - 1}"
        try:
            found = client().get_object(Bucket=self._place.bucket, Key=self._place.key, Range=asked, **self._version)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in {"InvalidRange", "416"}:
                return None
            raise
        served = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", found.get("ContentRange", ""))
        if not served or int(served[1]) != start:
            raise StoreError(
                "the endpoint does not serve ranges of bytes", "Mount or copy the data, or use another endpoint."
            )
        self._remember(found["ETag"], int(served[2]))
        return found["Body"]


def _receive(body: Any, got: list[bytes]) -> BotoCoreError | None:
    """Take in what arrives; gives the error that ended it too early."""
    from botocore.exceptions import BotoCoreError, IncompleteReadError

    before = len(got)
    try:
        for part in body.iter_chunks(AT_ONCE):
            got.append(part)  # noqa: PERF402 (one by one: what came before an error is kept)
    except BotoCoreError as error:
        return error
    return None if len(got) > before else IncompleteReadError(actual_bytes=0, expected_bytes=1)


def _pause(breaks: int, place: Place, error: Exception) -> None:
    """Wait before the next attempt; raises the error when it was the last."""
    if breaks >= _attempts():
        raise error
    log.warning("The connection broke off while %s was read; the rest is asked for again.", place)
    time.sleep(min(LONGEST_PAUSE, 0.1 * 2**breaks))


# --- writing ----------------------------------------------------------------------------------------------------------


def check_writable(folder: str) -> None:
    """Begin an upload and abort it: it needs the rights that writing needs, and nothing is left of it."""
    place = place_of(folder)
    with named(place):
        _Upload(place.below(CHECK)).abort()


def write_files(folder: str, files: Mapping[str, bytes], stale: Iterable[str]) -> None:
    """Write objects as `Store.write_files` says."""
    write_stream(folder, files.items(), stale)


def write_stream(folder: str, content: Iterable[tuple[str, bytes]], stale: Iterable[str]) -> None:
    """Write objects as `Store.write_stream` says.

    Every file is uploaded in parts, which nobody sees. When all parts of all files have arrived, the uploads are
    completed in the order of the files; until then a failure leaves everything as it was.
    """
    place = place_of(folder)
    uploads: list[_Upload] = []
    with named(place):
        try:
            for name, parts in groupby(content, key=itemgetter(0)):
                uploads.append(_Upload(place.below(name)))
                for part in _in_parts(part for _, part in parts):
                    uploads[-1].send(part)
            for upload in uploads:
                upload.complete()
        except BaseException:
            for upload in uploads:
                with suppress(Exception):  # what went wrong before is what matters
                    upload.abort()
            raise
        for name in stale:
            _delete(place.below(name))


def _in_parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Put pieces together into parts of one size, of which only the last, which may be empty, is smaller."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) > PART:
            yield bytes(held[:PART])
            del held[:PART]
    yield bytes(held)


class _Upload:
    """An upload in parts to one key."""

    def __init__(self, place: Place) -> None:
        suffix = place.key[place.key.rfind(".") :]
        kind = {"ContentType": CONTENT_TYPES[suffix]} if suffix in CONTENT_TYPES else {}
        begun = client().create_multipart_upload(Bucket=place.bucket, Key=place.key, **kind)
        self._where = {"Bucket": place.bucket, "Key": place.key, "UploadId": begun["UploadId"]}
        self._parts: list[dict[str, Any]] = []
        self._ended = False

    def send(self, part: bytes) -> None:
        number = len(self._parts) + 1
        sent = client().upload_part(PartNumber=number, Body=part, **self._where)
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]} | _checksums(sent))

    def complete(self) -> None:
        client().complete_multipart_upload(MultipartUpload={"Parts": self._parts}, **self._where)
        self._ended = True

    def abort(self) -> None:
        if not self._ended:
            client().abort_multipart_upload(**self._where)
            self._ended = True


def _checksums(sent: Mapping[str, Any]) -> dict[str, str]:
    """Pick the checksums by which the service knows the part again."""
    return {name: value for name, value in sent.items() if re.fullmatch(r"Checksum(CRC|SHA)\w+", name)}


def _delete(place: Place) -> None:
    """Delete an object if there is one: a job that never has to needs no right to."""
    if any(key == place.key for key, _, _ in _objects(place.bucket, place.key, 1)):
        client().delete_object(Bucket=place.bucket, Key=place.key)
