"""The user's scripts, wherever they lie -> files of this machine, for as long as the job runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from analyzer.config import JobConfig, Location
from analyzer.errors import ScriptError
from analyzer.install_requirements import REQUIREMENTS_FILE
from analyzer.stores import fetch_folder, read_whole, store_of
from analyzer.stores.store import cure_of, reason_of

RECORD: Final = "record_preprocessor_script"
POST_ANALYTICS: Final = "post_analytics_processor_script"


@dataclass(frozen=True, slots=True)
class Scripts:
    """The files of the scripts that a job names."""

    record: Path | None = None
    post_analytics: Path | None = None


@contextmanager
def fetched_scripts(config: JobConfig) -> Iterator[Scripts]:
    """Give the scripts as files; those that lie elsewhere are fetched into a folder that is deleted afterwards.

    Raises ScriptError for one that cannot be fetched.
    """
    places = {RECORD: config.record_preprocessor_script, POST_ANALYTICS: config.post_analytics_processor_script}
    if not any(isinstance(place, str) for place in places.values()):
        yield Scripts(*(None if place is None else Path(place) for place in places.values()))
        return
    with tempfile.TemporaryDirectory(prefix="analyzer-scripts-", ignore_cleanup_errors=True) as folder:
        yield Scripts(*(_as_file(name, place, Path(folder, name)) for name, place in places.items()))


@contextmanager
def fetched_model(config: JobConfig) -> Iterator[JobConfig]:
    """Give a configuration whose model, its script and folder, lies on this machine; the same one where it does.

    Variables win over the keys of predictor, as everywhere. Raises ScriptError for what cannot be fetched.
    """
    script, (name, folder) = _place_of(config, "model_script", "handler"), _place_of(config, "model_dir", "model_dir")
    if not isinstance(script[1], str) and not isinstance(folder, str):
        yield config
        return
    with tempfile.TemporaryDirectory(prefix="analyzer-model-", ignore_cleanup_errors=True) as here:
        fetched = replace(config, model_script=_as_file(*script, Path(here, "script")))
        if isinstance(folder, str):
            fetched = replace(fetched, model_dir=_as_folder(name, folder, Path(here, "model")), model_origin=folder)
        yield fetched


def _place_of(config: JobConfig, field: str, key: str) -> tuple[str, Location | None]:
    """Find where a part of the model lies, and what that is called: the variable, else the key of predictor."""
    told: Location | None = getattr(config, field)
    analysis = config.analysis
    if told is not None or config.model_url is not None or analysis is None or analysis.predictor is None:
        return f"ANALYZER_{field.upper()}", told
    named = getattr(analysis.predictor, key)
    return f"predictor.{key}", None if named is None else beside(analysis.where, named)


def beside(where: str, place: str) -> Location:
    """Take a relative path from the folder of the file that names it, which may be a URI."""
    if "://" in place:
        return place
    if "://" in where and not place.startswith("/"):
        return f"{where.rpartition('/')[0]}/{place}"
    return Path(where).parent / place


def _as_folder(variable: str, place: str, folder: Path) -> Path:
    try:
        fetch_folder(place, folder)
    except OSError as error:
        raise ScriptError(
            f"{variable}: {error.filename or place} cannot be read: {reason_of(error)}.",
            cure_of(error, "Name the folder with the model's files."),
        ) from error
    return folder


def _as_file(variable: str, place: Location | None, folder: Path) -> Path | None:
    """Fetch a script, and the list of what it requires, into a folder of its own; the script keeps its name."""
    if not isinstance(place, str):
        return place
    around, _, name = place.rpartition("/")
    try:
        files = {name: read_whole(place)}
        if store_of(place).list_files(f"{around}/{REQUIREMENTS_FILE}"):
            files[REQUIREMENTS_FILE] = read_whole(f"{around}/{REQUIREMENTS_FILE}")
    except OSError as error:
        raise ScriptError(
            f"{variable}: {error.filename or place} cannot be read: {reason_of(error)}.",
            cure_of(error, "Name the Python file with the handler."),
        ) from error
    folder.mkdir()
    for each, content in files.items():
        (folder / each).write_bytes(content)
    return folder / name
