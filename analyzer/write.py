"""Texts -> files in the output folder: complete or not at all.

The output folder may be uploaded while the job runs, so nothing half-written may ever be seen in it. All files are
first written elsewhere on the same file system (a hidden folder beside the output folder, or, where that is another
mount, a hidden folder inside it), flushed to disk, and then renamed into place in the order given.
"""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

STATISTICS_FILE = "statistics.json"
CONSTRAINTS_FILE = "constraints.json"
VIOLATIONS_FILE = "constraint_violations.json"
PROFILE_FILE = "profile.json"
STATE_FILE = "state.json.gz"
RULES_FILE = "suggested_rules.dqdl"


def check_writable(folder: Path) -> None:
    """Find out before the work whether reports can be written afterwards; leaves nothing visible behind.

    Creates the folder. Raises OutputError when it cannot be created or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix="."):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_files(folder: Path, files: Mapping[str, str | bytes], stale: Iterable[str] = ()) -> None:
    """Write all files (name -> content, text as UTF-8) or none; what was there before is replaced.

    `stale` names files of an earlier run that this run does not write and that would contradict it: they are removed
    after all others are in place. A baseline passes VIOLATIONS_FILE, because a report of violations beside a new
    baseline would be read as that baseline's. Raises OutputError when anything fails; a failure before the renames
    leaves the folder as it was.
    """
    _refuse_odd_names(files)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_folders(folder, files)
        _write_from_first_that_works(folder, files)
        for name in stale:
            (folder / name).unlink(missing_ok=True)
        _flush_folder(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _refuse_odd_names(files: Mapping[str, str | bytes]) -> None:
    odd = [name for name in files if not name or Path(name).name != name]
    if odd:
        raise ValueError(f"not the name of a file: {odd[0]!r}")


def _refuse_folders(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Find targets that a rename cannot replace before the first rename."""
    for name in files:
        if (folder / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder / name))


def _write_from_first_that_works(folder: Path, files: Mapping[str, str | bytes]) -> None:
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


def _write_from(place: Path, folder: Path, files: Mapping[str, str | bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix=".analyzer-", dir=place, ignore_cleanup_errors=True) as staging:
        for name, content in files.items():
            _write_flushed(Path(staging, name), content)
        for name in files:
            Path(staging, name).replace(folder / name)


def _write_flushed(path: Path, content: str | bytes) -> None:
    with path.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the renames last; file systems that cannot do that for folders are not worth a failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _unwritable(folder: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    at = f" ({error.filename})" if error.filename and str(error.filename) != str(folder) else ""
    return OutputError(f"The output folder {folder} cannot be written: {reason}{at}.", _cure(error.errno))


def _cure(number: int | None) -> str:
    if number in {errno.ENOSPC, errno.EDQUOT}:
        return "Free some space, or give the job a larger volume."
    if number in {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}:
        return "Something else has that name: move it away, or set the variable to another folder."
    return "Set output_path (cloudwatch_metrics_directory for metrics) to a folder that this user may write to."
