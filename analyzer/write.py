"""Texts -> files in the output folder: complete or not at all, whatever kind of place it is in."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.errors import OutputError
from analyzer.stores import store_of
from analyzer.stores.store import cure_of, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STATISTICS_FILE = "statistics.json"
CONSTRAINTS_FILE = "constraints.json"
VIOLATIONS_FILE = "constraint_violations.json"
PROFILE_FILE = "profile.json"
STATE_FILE = "state.json.gz"
RULES_FILE = "suggested_rules.dqdl"
REPORT_FILES = {"html": "report.html", "md": "report.md", "junit": "junit.xml"}
"""The reports for people by the names that ANALYZER_REPORT knows them by."""


def check_writable(folder: Path | str) -> None:
    """Find out before the work whether reports can be written afterwards; leaves nothing visible behind.

    Creates the folder where there are such things. Raises OutputError when it cannot be created or written.
    """
    try:
        store_of(folder).check_writable(str(folder))
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_files(folder: Path | str, files: Mapping[str, str | bytes], stale: Iterable[str] = ()) -> None:
    """Write all files (name -> content, text as UTF-8) or none; what was there before is replaced.

    `stale` names files of an earlier run that this run does not write and that would contradict it: they are removed
    after all others are in place. A baseline passes VIOLATIONS_FILE, because a report of violations beside a new
    baseline would be read as that baseline's. Raises OutputError when anything fails; a failure before the last step,
    in which complete files take their places, leaves the folder as it was.
    """
    _refuse_odd_names(files)
    contents = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    try:
        store_of(folder).write_files(str(folder), contents, stale)
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_stream(folder: Path | str, content: Iterable[tuple[str, bytes]], stale: Iterable[str] = ()) -> None:
    """Write files of any size, in parts that come file by file, as `write_files` does: all of them or none.

    Names may lead into folders below. Raises OutputError; what goes wrong where the parts come from is passed on.
    """
    try:
        store_of(folder).write_stream(str(folder), content, stale)
    except OSError as error:
        raise _unwritable(folder, error) from error


def files_below(folder: Path | str) -> list[str]:
    """List the files below the output folder by their names in it; hidden ones are none."""
    top = str(folder).rstrip("/")
    try:
        return [file.path.removeprefix(top + "/") for file in store_of(folder).list_files(top)]
    except OSError as error:
        raise _unwritable(folder, error) from error


def _refuse_odd_names(files: Mapping[str, str | bytes]) -> None:
    odd = [name for name in files if not name or Path(name).name != name]
    if odd:
        raise ValueError(f"not the name of a file: {odd[0]!r}")


def _unwritable(folder: Path | str, error: OSError) -> OutputError:
    reason = reason_of(error)
    at = f" ({error.filename})" if error.filename and str(error.filename) != str(folder) else ""
    return OutputError(
        f"The output folder {folder} cannot be written: {reason}{at}.", cure_of(error, _cure(error.errno))
    )


def _cure(number: int | None) -> str:
    if number in {errno.ENOSPC, errno.EDQUOT}:
        return "Free some space, or give the job a larger volume."
    if number in {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}:
        return "Something else has that name: move it away, or set the variable to another folder."
    return "Set output_path (cloudwatch_metrics_directory for metrics) to a folder that this user may write to."
