"""Captures and labels -> what a merge reads, in which order, and into how many buckets their ids are put."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Literal

import orjson

from analyzer.config import JobConfig, utc_text
from analyzer.dataset_formats import CaptureFormat, CsvFormat, DatasetFormat, JsonFormat
from analyzer.errors import InputError
from analyzer.read import Partition, list_files, plan_partitions
from analyzer.readers.pieces import is_gzip, open_bytes, readable, without_mark
from analyzer.stores import store_of
from analyzer.stores.store import File, cure_of, reason_of

log = logging.getLogger(__name__)

Kind = Literal["lines", "document", "csv"]
Lister = Callable[[Path | str, str], list[File]]
HOUR = re.compile(r"(?:^|/)(\d{4}/\d{2}/\d{2}/\d{2})(?=/|$)")
"""The hour folders of captures and labels, in UTC."""
LABEL_BYTES = 64 * 1024 * 1024
CAPTURE_BYTES = 128 * 1024 * 1024
"""Bytes of labels and of captures that a bucket holds at the most, on average: the labels of one lie in one memory."""
GZIP_FACTOR = 8
"""By how much gzip makes records smaller, about."""
FIRST_BYTES = 256 * 1024
LARGEST_MANIFEST = 64 * 1024 * 1024
AN_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file stands: the number of its folder in the output, its hour (in hours since 1970), how to read it."""

    folder: int
    hour: int | None
    kind: Kind = "lines"


@dataclass(frozen=True, slots=True)
class Share:
    """What one task reads of one side, and where its files stand."""

    partition: Partition
    origins: Mapping[str, Origin]
    is_labels: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What a merge reads: shares of the captures and of the labels, each in the order in which they count.

    `folders` are the folders of the output by number. The plan depends on the names and sizes of files and on the
    window alone, not on engine or cores.
    """

    captures: tuple[Share, ...]
    labels: tuple[Share, ...]
    folders: tuple[str, ...]
    hours: tuple[int | None, ...]
    buckets: int
    files: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    """A file of the captures, and the folder below the source that stands for it in the output."""

    file: File
    folder: str
    hour: int | None
    kind: Kind


def plan_merge(config: JobConfig, list_files: Lister = list_files) -> Plan:
    """List both sides and cut them into shares.

    `list_files` lists the files of a source, given that and its variable: those of this host, or of all.

    Raises InputError where a source is missing, cannot be read, or a manifest names what is not there.
    """
    assert config.ground_truth_source is not None
    captures, outside = _captures_of(config, list_files(config.dataset_source, "dataset_source"))
    labels = list_files(config.ground_truth_source, "ground_truth_source")
    timed = sorted((_hour_of(each.path) or 0, each.path, each) for each in labels)
    ordered = [each for _, _, each in timed]
    folders = tuple(dict.fromkeys(each.folder for each in captures))
    numbers = {folder: number for number, folder in enumerate(folders)}
    origins = {each.file.path: Origin(numbers[each.folder], each.hour, each.kind) for each in captures}
    hours = {each.folder: each.hour for each in captures}
    size = sum(map(_weight, ordered)) + sum(_weight(each.file) for each in captures)
    return Plan(
        captures=tuple(_shares_of(captures, origins)),
        labels=tuple(_label_shares(ordered)),
        folders=folders,
        hours=tuple(hours[folder] for folder in folders),
        buckets=_buckets([each.file for each in captures], ordered),
        files={"captures": len(captures), "outside_window": outside, "labels": len(ordered)},
        bytes=size,
    )


def _buckets(captures: Sequence[File], labels: Sequence[File]) -> int:
    needed = (sum(map(_weight, labels)) // LABEL_BYTES, sum(map(_weight, captures)) // CAPTURE_BYTES)
    return max(needed) + 1


def _weight(file: File) -> int:
    return file.size * (GZIP_FACTOR if is_gzip(file.path) else 1)


def _shares_of(captures: Sequence[_Found], origins: Mapping[str, Origin]) -> Iterator[Share]:
    """Cut what is made of lines into even pieces; whatever else there is is read file by file."""
    count = 0
    for is_lines, some in groupby(captures, key=lambda each: each.kind == "lines"):
        cut: DatasetFormat = CaptureFormat() if is_lines else JsonFormat(lines=False)
        for partition in plan_partitions([each.file for each in some], cut):
            yield _share(replace(partition, index=count), origins, is_labels=False)
            count += 1


def _label_shares(labels: Sequence[File]) -> Iterator[Share]:
    origins = {each.path: Origin(0, _hour_of(each.path)) for each in labels}
    for partition in plan_partitions(list(labels), CaptureFormat()):
        yield _share(partition, origins, is_labels=True)


def _share(partition: Partition, origins: Mapping[str, Origin], *, is_labels: bool) -> Share:
    return Share(partition, {piece.path: origins[piece.path] for piece in partition.pieces}, is_labels)


# --- hours ------------------------------------------------------------------------------------------------------------


def _hour_of(path: str) -> int | None:
    """Read the hour folder in a path, the last one that is a time; None where there is none."""
    for digits in reversed(HOUR.findall(path)):
        try:
            time = datetime.strptime(digits, "%Y/%m/%d/%H").replace(tzinfo=UTC)
        except ValueError:
            continue
        return int(time.timestamp()) // AN_HOUR
    return None


def hour_text(hour: int) -> str:
    """Write an hour as `2025-02-16T11:00:00Z`."""
    return utc_text(datetime.fromtimestamp(hour * AN_HOUR, UTC))


def _is_outside(hour: int | None, config: JobConfig) -> bool:
    if hour is None:
        return False
    start = datetime.fromtimestamp(hour * AN_HOUR, UTC)
    ended = config.start_time is not None and start + timedelta(hours=1) <= config.start_time
    return ended or (config.end_time is not None and start >= config.end_time)


def clipped(hour: int | None, config: JobConfig) -> str:
    """Name the ends of the window that cut through a folder's records: they are part of what its file holds."""
    first = hour * AN_HOUR if hour is not None else None
    ends = [
        f"{side} {utc_text(end)}"
        for side, end in (("from", config.start_time), ("to", config.end_time))
        if end is not None and (first is None or first < end.timestamp() < first + AN_HOUR)
    ]
    return " ".join(ends)


# --- captures ---------------------------------------------------------------------------------------------------------


def _captures_of(config: JobConfig, files: Sequence[File]) -> tuple[list[_Found], int]:
    """List the files of captures in the window, manifests followed, and count those in hours outside of it."""
    source = str(config.dataset_source)
    placed = [(file, *_placed(file.path, source)) for file in files]
    inside = [each for each in placed if not _is_outside(each[2], config)]
    found = [each for file, folder, hour in _outputs_only(inside) for each in _followed(file, folder, hour, config)]
    found.sort(key=lambda each: each.folder)  # a bucket's records of one folder become one file, written in one go
    if len(inside) < len(placed):
        log.info("Not read: %d files in hours outside the window", len(placed) - len(inside))
    return found, len(placed) - len(inside)


def _placed(path: str, source: str) -> tuple[str, int | None]:
    """Find the folder for a file's records: its own below the source, from the hour on where the source lies in it."""
    folder = path.rpartition("/")[0]
    below = folder[len(source.rstrip("/")) + 1 :] if folder.startswith(source.rstrip("/") + "/") else ""
    hour = _hour_of(folder)
    if hour is not None and not HOUR.search(below):
        *_, last = HOUR.finditer(folder)
        return folder[last.start(1) :], hour
    return below, hour


def _outputs_only(files: list[tuple[File, str, int | None]]) -> list[tuple[File, str, int | None]]:
    """Leave out what a batch transform was given where what it answered lies beside: only that has ids."""
    folders = {folder for _, folder, _ in files}
    answered = {_other_half(folder) for folder in folders if _half(folder) == "output"} & folders
    kept = [each for each in files if each[1] not in answered]
    if len(kept) < len(files):
        log.info("Not read: %d files of inputs of batch transforms", len(files) - len(kept))
    return kept


def _half(folder: str) -> str:
    """Give the part of a folder in front of its hour."""
    at = HOUR.search(folder)
    return PurePosixPath(folder[: at.start(1)]).name if at else ""


def _other_half(folder: str) -> str:
    at = HOUR.search(folder)
    assert at
    return str(PurePosixPath(folder[: at.start(1)]).with_name("input") / folder[at.start(1) :])


def _followed(file: File, folder: str, hour: int | None, config: JobConfig) -> Iterator[_Found]:
    """Give the file itself, or what it lists where it is a manifest."""
    if file.path.removesuffix(".gz").endswith(".jsonl"):
        yield _Found(file, folder, hour, "lines")
        return
    with readable(file.path), open_bytes(file.path, FIRST_BYTES) as stream:
        begin = without_mark(file.path, stream.read(FIRST_BYTES)).lstrip()
        if begin.startswith(b"[") and file.size <= LARGEST_MANIFEST:
            named = _manifest_entries(begin + stream.read())
            if named is not None:
                yield from (_Found(each, folder, hour, _kind_of(each.path, config)) for each in _listed(file, named))
                return
    yield _Found(file, folder, hour, _kind(begin, config))


def _kind_of(path: str, config: JobConfig) -> Kind:
    with readable(path), open_bytes(path, FIRST_BYTES) as stream:
        return _kind(without_mark(path, stream.read(FIRST_BYTES)).lstrip(), config)


def _kind(begin: bytes, config: JobConfig) -> Kind:
    """Tell lines of JSON, one document over several lines, and CSV apart by how a file begins."""
    if isinstance(config.dataset_format, CsvFormat) or not begin.startswith((b"{", b"[")):
        return "csv"
    if isinstance(config.dataset_format, JsonFormat):
        return "lines" if config.dataset_format.lines else "document"
    line, newline, _ = begin.partition(b"\n")
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return "document" if newline and line.strip() in {b"{", b"["} else "lines"
    return "document" if begin.startswith(b"[") else "lines"


def _manifest_entries(content: bytes) -> list[str] | None:
    """Give the places that a manifest names, None for anything else."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    if not found or not isinstance(found[0], dict) or not isinstance(prefix := found[0].get("prefix"), str):
        return None
    if not all(isinstance(entry, str) for entry in found[1:]):
        return None
    return [prefix + entry for entry in found[1:]]


def _listed(manifest: File, places: Sequence[str]) -> Iterator[File]:
    """Find the files that a manifest names; a prefix without a place is relative to the manifest."""
    for named in places:
        place = named if "://" in named or named.startswith("/") else _beside(manifest.path, named)
        try:
            found = [each for each in store_of(place).list_files(place) if each.path == place]
        except OSError as error:
            raise InputError(
                f"{manifest.path} is a manifest that names {place}, which cannot be read: {reason_of(error)}.",
                cure_of(error, "Mount or copy what the manifest names, or correct its prefix."),
            ) from error
        if not found and "://" in place:
            raise InputError(
                f"{manifest.path} is a manifest that names {place}, which is not there or empty.",
                "Correct the manifest, or take it out of dataset_source.",
            )
        yield from found


def _beside(path: str, name: str) -> str:
    return f"{path.rpartition('/')[0]}/{name}"
