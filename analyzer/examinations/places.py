"""Mounts and folders: whether data is there and can be read, and whether reports can be written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from analyzer.config import PREFIX, JobConfig, Location
from analyzer.dataset_formats import SparkFormat
from analyzer.diagnosis import Finding, Status
from analyzer.errors import InputError, OutputError
from analyzer.read import list_files
from analyzer.stores import store_of
from analyzer.stores.store import cure_of, reason_of
from analyzer.write import check_writable

CHECK: Final = "mounts"
SCRATCH: Final = 512 * 1024 * 1024
ROOM: Final = 64 * 1024 * 1024
"""Bytes that should be free for scratch and for reports."""
FILES: Final[Mapping[str, Status]] = {"rules": "failure", "model_script": "failure", "alerts": "warning"}
"""Settings of ours that name a single file, and what comes of one that cannot be read."""
EMPTY: Final = "Check the path and the mount, or set ANALYZER_EMPTY_INPUT=succeed if empty windows are normal."


def examine_places(config: JobConfig, *, is_job: bool) -> Iterator[Finding]:
    """Look at every place that the job reads or writes; nothing is left behind there."""
    if not isinstance(config.dataset_format, SparkFormat):
        yield _source("dataset_source", config.dataset_source, config)
    if config.ground_truth_source is not None:
        yield _source("ground_truth_source", config.ground_truth_source, config)
    for field, status in FILES.items():
        place = getattr(config, field)
        if place is not None:
            yield try_file(f"{PREFIX}{field.upper()}", place, status)
    yield _target("output_path", config.output_path, "failure")
    if config.publish_cloudwatch_metrics and not config.merges:
        yield _target("cloudwatch_metrics_directory", config.cloudwatch_metrics_directory, "failure")
    if is_job:
        yield _target("output_message_file", config.output_message_file.parent, "warning")
    yield _scratch()


def _source(name: str, place: Location, config: JobConfig) -> Finding:
    try:
        files = list_files(place, name)
    except InputError as error:
        return Finding(CHECK, "failure", error.message, error.hint)
    if not files:
        status: Status = "failure" if config.empty_input == "error" else "warning"
        return Finding(CHECK, status, f"{name}: {place} holds no data.", EMPTY)
    return Finding(CHECK, "ok", f"{name}: {place} has {len(files):,} files of {_size(sum(f.size for f in files))}")


def try_file(name: str, place: Location, status: Status) -> Finding:
    """Open a single file; `status` is what comes of one that cannot be read."""
    try:
        with store_of(place).open_file(str(place)) as stream:
            stream.read(1)
    except OSError as error:
        cure = cure_of(error, "Correct the path, or mount the file there.")
        return Finding(CHECK, status, f"{name}: {place} cannot be read: {reason_of(error)}.", cure)
    return Finding(CHECK, "ok", f"{name}: {place} can be read")


def _target(name: str, place: Location, status: Status) -> Finding:
    """Try a folder; one that is not there yet is tried by the nearest that is, and not made."""
    nearest = place
    while isinstance(nearest, Path) and not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    try:
        check_writable(nearest)
    except OutputError as error:
        return Finding(CHECK, status, f"{name}: {error.message}", error.hint)
    free = shutil.disk_usage(nearest).free if isinstance(nearest, Path) else ROOM
    if free < ROOM:
        return Finding(CHECK, "warning", f"{name}: {place} has {_size(free)} left.", "Free some space, or mount more.")
    made = "" if nearest == place else ", and will be made"
    return Finding(CHECK, "ok", f"{name}: {place} can be written{made}")


def _scratch() -> Finding:
    try:
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        cure = "Mount a folder at /tmp (docker run --tmpfs /tmp), or name one in TMPDIR."
        return Finding(CHECK, "failure", f"There is no folder for scratch: {error.strerror}.", cure)
    if free < SCRATCH:
        cure = "Spark, merges and packages of scripts need some: free it, or name another folder in TMPDIR."
        return Finding(CHECK, "warning", f"{folder}, the folder for scratch, has {_size(free)} left.", cure)
    return Finding(CHECK, "ok", f"{folder}, the folder for scratch, has {_size(free)} left")


def _size(count: int) -> str:
    size, units = float(count), ["bytes", "KB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:,.3g} {units[0]}"
