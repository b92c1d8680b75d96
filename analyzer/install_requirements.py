"""requirements.txt beside a user's script: installed into a folder of its own, which the script can import from.

Every process that loads the script sees to it by itself, so it works wherever a task runs; on one host the first one
installs and the others find the folder. What the environment has already wins over what is installed here: packages of
a script cannot break the job.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from analyzer.errors import ScriptError
from analyzer.own_folder import make_own_folder

log = logging.getLogger(__name__)

REQUIREMENTS_FILE: Final = "requirements.txt"
SECONDS: Final = 600
"""How long an installation may take."""
_PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
_LAST_LINES: Final = 3
_LONGEST_LINE: Final = 200
_NO_NETWORK: Final = re.compile(
    "name resolution|NewConnectionError|ConnectTimeout|Network is unreachable|Connection refused|NameResolutionError"
)
_SWITCH: Final = "ANALYZER_INSTALL_REQUIREMENTS=false skips the installation."


def has_requirements(script: Path) -> bool:
    """Tell whether there is a requirements.txt beside the script."""
    return (script.parent / REQUIREMENTS_FILE).is_file()


def install_requirements(script: Path) -> None:
    """Install what the requirements.txt beside the script lists, unless all of it is there, and open it to imports.

    Raises ScriptError that names the file and what pip said, where a package cannot be had or it takes too long;
    OutputError as `make_own_folder` does.
    """
    requirements = script.parent / REQUIREMENTS_FILE
    try:
        content = requirements.read_bytes()
    except OSError as error:
        raise ScriptError(
            f"{requirements} cannot be read: {error.strerror}.", f"Give the job the right to read it. {_SWITCH}"
        ) from error
    folder = _installed(requirements, content)
    if folder is not None and str(folder) not in sys.path:
        sys.path.append(str(folder))


@cache
def _installed(requirements: Path, content: bytes) -> Path | None:
    """Install and return the folder; None where the environment has all of it."""
    key = hashlib.sha256(content + sys.version.encode()).hexdigest()[:16]
    folder = make_own_folder("analyzer-packages", "Remove it, or set TMPDIR.") / key
    with _locked(folder.with_suffix(".lock")):
        if folder.is_dir():
            return folder
        if _is_satisfied(requirements):
            log.info("All that %s asks for is installed.", requirements)
            return None
        log.info("Installing what %s asks for", requirements)
        _install(requirements, folder)
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_satisfied(requirements: Path) -> bool:
    """Tell whether the environment holds everything; pip is asked without an index, so it answers at once."""
    done = _pip(requirements, "install", "--dry-run", "--no-index", "--requirement", str(requirements))
    return done.returncode == 0 and "Would install" not in done.stdout


def _install(requirements: Path, folder: Path) -> None:
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    done = _pip(
        requirements, "install", "--no-cache-dir", "--timeout", "15", "--retries", "1", "--target", str(fresh),
        "--requirement", str(requirements),
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(fresh, ignore_errors=True)
        raise _refused(requirements, done)
    fresh.mkdir(exist_ok=True)  # a file without requirements
    fresh.replace(folder)


def _pip(requirements: Path, *words: str) -> subprocess.CompletedProcess[str]:
    if importlib.util.find_spec("pip") is None:
        raise ScriptError(f"{requirements} cannot be installed: there is no pip.", f"Install pip. {_SWITCH}")
    try:
        return subprocess.run(  # noqa: S603 (our own words; the requirements are the owner's, as the script is)
            [*_PIP, *words], capture_output=True, text=True, errors="replace", check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise ScriptError(
            f"{requirements} was not installed within {SECONDS} seconds.",
            f"Build an image that has the packages (FROM, RUN pip install). {_SWITCH}",
        ) from error


def _refused(requirements: Path, done: subprocess.CompletedProcess[str]) -> ScriptError:
    log.error("pip could not install %s:\n%s", requirements, (done.stdout + done.stderr).strip())
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")] or said
    last = " ".join(line[:_LONGEST_LINE] for line in errors[-_LAST_LINES:])
    cause = "the package index cannot be reached; " if _NO_NETWORK.search(done.stderr) else ""
    return ScriptError(
        f"{requirements} cannot be installed: {cause}pip said: {last}",
        "Correct the file, allow the job the network, or build an image that has the packages (FROM, RUN pip install). "
        + _SWITCH,
    )
