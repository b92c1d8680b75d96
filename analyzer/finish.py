"""Outcome -> the message file and the exit code of the process; the last step, which never fails itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from analyzer.config import CONTAINER_ROOT, JobConfig
from analyzer.errors import FAILED, Explained
from analyzer.hosts import read_hosts, resource_config

logger = logging.getLogger(__name__)

MESSAGE_BYTES = 1024
"""The service cuts the message after the first KB; text that is not UTF-8 would make the job fail."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended: the number of violations found (0 for a baseline), or the error that ended it.

    A merge that succeeds leaves no message, as the original's.
    """

    violations: int = 0
    error: BaseException | None = None
    is_of_merge: bool = False


def finish(outcome: Outcome, place: JobConfig | Path = Path(CONTAINER_ROOT)) -> int:
    """Write the exit message, on the leading host only, and give the exit code: 0 unless there was an error.

    `place` is the configuration, or, when that could not be read, the folder that stands for /opt/ml. A message that
    cannot be written is logged and changes nothing.
    """
    root, path = _paths(place)
    text = message_of(outcome)
    logger.log(logging.ERROR if outcome.error else logging.INFO, "%s", text)
    if is_leader(resource_config(root)) and not (outcome.is_of_merge and outcome.error is None):
        _write_message(path, text)
    return exit_code_of(outcome)


def message_of(outcome: Outcome) -> str:
    """Word the exit message; the service takes the status from what stands before the colon."""
    if outcome.error is not None:
        return f"Error: {_failure(outcome.error)}"
    if outcome.is_of_merge:
        return "Completed: Captures and ground truth were merged."
    if outcome.violations:
        return f"CompletedWithViolations: Job completed successfully with {outcome.violations} violations."
    return "Completed: Job completed successfully with no violations."


def exit_code_of(outcome: Outcome) -> int:
    if outcome.error is None:
        return 0
    return outcome.error.exit_code if isinstance(outcome.error, Explained) else FAILED


def is_leader(path: Path) -> bool:
    """Tell from resourceconfig.json whether this host is the first of the sorted hosts."""
    return read_hosts(path).is_leader


def _paths(place: JobConfig | Path) -> tuple[Path, Path]:
    if isinstance(place, JobConfig):
        return place.root, place.output_message_file
    return place, place / "output" / "message"


def _failure(error: BaseException) -> str:
    if isinstance(error, Explained):
        return str(error)
    if isinstance(error, MemoryError):
        return "Out of memory. Use an instance type with more memory, or reduce the size of the data."
    return f"{type(error).__name__}: {error} This was not foreseen; the log has the traceback."


def _write_message(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_cut(text))
    except OSError as error:
        logger.error("The message file %s cannot be written: %s", path, error)  # noqa: TRY400 (the reason says it all)


def _cut(text: str) -> bytes:
    """Encode as UTF-8, at most 1 KB, ending with a whole character; lone surrogates (odd file names) become `?`."""
    return text.encode("utf-8", "replace")[:MESSAGE_BYTES].decode("utf-8", "ignore").encode("utf-8")
