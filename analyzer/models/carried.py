"""A model on its way to the tasks that ask it: its script travels along, and is written down where it is not there."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from analyzer.attributions.features import Features
from analyzer.errors import ScriptError
from analyzer.install_requirements import has_requirements, install_requirements
from analyzer.models.model import Model, ModelAccess, Read, as_scores, open_model
from analyzer.stores import fetch_folder
from analyzer.stores.store import cure_of, reason_of


@dataclass(frozen=True, slots=True)
class CarriedModel:
    """Where a model is, and the content of its script, if it is one; picklable.

    `requirements` says whether what the script requires is installed where it is opened; `origin` is the URI from
    which the model's folder is fetched where it is not there.
    """

    access: ModelAccess
    script: bytes = b""
    requirements: bool = False
    origin: str | None = None

    @classmethod
    def of(cls, access: ModelAccess, *, requirements: bool, origin: str | None) -> CarriedModel:
        script = access.script.read_bytes() if access.script is not None and access.script.is_file() else b""
        return cls(access, script, requirements, origin)

    def open(self, features: Features, read: Read = as_scores) -> Model:
        """Open the model in this process, from a copy of its script where that is not there.

        Raises AnalyzerError as `open_model` and the installation of what a script requires do.
        """
        access, script = self.access, self.access.script
        if script is not None and not script.is_file() and self.script:
            access = replace(access, script=_copy(self.script, script.name))
        if self.origin is not None and (access.model_dir is None or not access.model_dir.is_dir()):
            access = replace(access, model_dir=_fetched(self.origin))
        if access.script is not None and self.requirements and has_requirements(access.script):
            install_requirements(access.script)
        return open_model(access, features, read)


@lru_cache
def _fetched(origin: str) -> Path:
    """Fetch the folder of a model once a process.

    Raises ScriptError.
    """
    folder = Path(tempfile.mkdtemp(prefix="analyzer-model-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        fetch_folder(origin, folder)
    except OSError as error:
        raise ScriptError(
            f"{origin} cannot be read: {reason_of(error)}.", cure_of(error, "Name the folder with the model's files.")
        ) from error
    return folder


@lru_cache
def _copy(content: bytes, name: str) -> Path:
    """Write a script once a process, so that its model is loaded once, too."""
    folder = tempfile.mkdtemp(prefix=f"analyzer-model-{hashlib.sha256(content).hexdigest()[:8]}-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, name)
    path.write_bytes(content)
    return path
