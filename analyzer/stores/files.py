"""The disk of this machine.

The output folder may be uploaded while the job runs, so nothing half-written may ever be seen in it. All files are
first written elsewhere on the same file system (a hidden folder beside the output folder, or, where that is another
mount, a hidden folder inside it), flushed to disk, and then renamed into place in the order given.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO

from analyzer.stores.store import HIDDEN, File, StoreError

UNREADABLE = "Take it out of dataset_source, or give the job the right to read it."


# --- reading ----------------------------------------------------------------------------------------------------------


def list_files(source: str, *, everything: bool = False) -> list[File]:
    """List files as `Store.list_files` says, links followed."""
    top = Path(source)
    if not os.path.lexists(top):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source)
    paths = _walk(top, () if everything else HIDDEN) if top.is_dir() else [top]
    files = [File(str(path), _size(path)) for path in paths]
    return [file for file in files if file.size or everything]


def survey_files(source: str) -> list[File]:
    """List files as `Store.survey_files` says; a link to a folder that was met already is not followed again."""
    found: list[File] = []
    met: set[tuple[int, int]] = set()

    def look(folder: str) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(HIDDEN):
                    continue
                if not _is_folder(entry):
                    found.append(_surveyed(entry))
                elif _is_new(entry, met):
                    with suppress(PermissionError):
                        look(entry.path)

    look(source)
    return sorted(found, key=lambda file: file.path.split("/"))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _surveyed(entry: os.DirEntry[str]) -> File:
    try:
        about = entry.stat()
        entry.path.encode()
    except (OSError, UnicodeEncodeError):
        return File(ascii(entry.path)[1:-1], -1)
    size = about.st_size if stat.S_ISREG(about.st_mode) else -1
    return File(entry.path, size, f"{about.st_mtime_ns:x}")


def _is_new(entry: os.DirEntry[str], met: set[tuple[int, int]]) -> bool:
    about = entry.stat()
    identity = (about.st_dev, about.st_ino)
    known = identity in met
    met.add(identity)
    return not known


def open_file(path: str, until: int | None = None) -> IO[bytes]:  # noqa: ARG001 (the system reads ahead by itself)
    return Path(path).open("rb")


def _size(path: Path) -> int:
    try:
        str(path).encode()  # reports name files
        found = path.stat()
    except UnicodeEncodeError as error:
        raise StoreError("Its name is no UTF-8 text", UNREADABLE, ascii(str(path))) from error
    if not stat.S_ISREG(found.st_mode):
        raise StoreError("It is neither a file nor a folder", UNREADABLE, str(path))
    return found.st_size


def _walk(folder: Path, hidden: tuple[str, ...]) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise error

    found = []
    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith(hidden))
        for name in folders:
            _refuse_circle(Path(place), name)
        found += [Path(place) / name for name in names if not name.startswith(hidden)]
    return sorted(found)


def _refuse_circle(place: Path, name: str) -> None:
    """Refuse a link to a folder that it lies in: its files would be counted again and again."""
    target = (place / name).resolve()
    if (place / name).is_symlink() and (place.resolve() == target or target in place.resolve().parents):
        raise StoreError("It is a link to a folder that it lies in", UNREADABLE, str(place / name))


# --- writing ----------------------------------------------------------------------------------------------------------


def check_writable(folder: str) -> None:
    """Create the folder, and a file in it that nobody sees."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder, prefix="."):
        pass


def write_files(folder: str, files: Mapping[str, bytes], stale: Iterable[str]) -> None:
    """Write files as `Store.write_files` says; a failure before the renames leaves the folder as it was."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    _refuse_folders(target, files)
    _write_from_first_that_works(target, files)
    for name in stale:
        (target / name).unlink(missing_ok=True)
    _flush_folder(target)


def write_stream(folder: str, content: Iterable[tuple[str, bytes]], stale: Iterable[str]) -> None:
    """Write files as `Store.write_stream` says; a failure before the renames leaves the folder as it was."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with _staging_that_works(target) as staging:
        names = []
        for name, parts in groupby(content, key=itemgetter(0)):
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            _write_parts(staging / name, (part for _, part in parts))
            names.append(name)
        _refuse_folders(target, dict.fromkeys(names, b""))
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).replace(target / name)
    for name in stale:
        (target / name).unlink(missing_ok=True)
    for each in {(target / name).parent for name in names}:
        _flush_folder(each)


@contextmanager
def _staging_that_works(folder: Path) -> Iterator[Path]:
    """Find out before the work from which place files can be renamed into the folder: a stream cannot be repeated."""
    places = list(_staging_places(folder))
    for place in places:
        try:
            staging = tempfile.TemporaryDirectory(prefix=".analyzer-", dir=place, ignore_cleanup_errors=True)
            with staging:
                probe = folder / f".{Path(staging.name).name}"
                Path(staging.name, "probe").touch()
                Path(staging.name, "probe").replace(probe)
                probe.unlink()
        except OSError as error:
            if place == places[-1] or error.errno not in _WORTH_ANOTHER_PLACE:
                raise
        else:
            break
    with tempfile.TemporaryDirectory(prefix=".analyzer-", dir=place, ignore_cleanup_errors=True) as found:
        yield Path(found)


def _write_parts(path: Path, parts: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _refuse_folders(folder: Path, files: Mapping[str, bytes]) -> None:
    """Find targets that a rename cannot replace before the first rename."""
    for name in files:
        if (folder / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder / name))


def _write_from_first_that_works(folder: Path, files: Mapping[str, bytes]) -> None:
    places = list(_staging_places(folder))
    for place in places:
        try:
            return _write_from(place, folder, files)
        except OSError as error:
            if place == places[-1] or error.errno not in _WORTH_ANOTHER_PLACE:
                raise
    return None


_WORTH_ANOTHER_PLACE = frozenset({errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT})
"""Two mounts of one file system look like one until a rename is tried; and what is beside may be closed or full."""


def _staging_places(folder: Path) -> Iterator[Path]:
    if folder.parent.stat().st_dev == folder.stat().st_dev:
        yield folder.parent
    yield folder


def _write_from(place: Path, folder: Path, files: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix=".analyzer-", dir=place, ignore_cleanup_errors=True) as staging:
        for name, content in files.items():
            _write_parts(Path(staging, name), [content])
        for name in files:
            Path(staging, name).replace(folder / name)


def _flush_folder(folder: Path) -> None:
    """Make the renames last; file systems that cannot do that for folders are not worth a failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
