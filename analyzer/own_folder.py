"""A folder in the temporary one, which all users share, that is this user's alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from analyzer.errors import OutputError


def make_own_folder(name: str, cure: str) -> Path:
    """Make a folder that only this user can write; `cure` says where else its files could go.

    Raises OutputError for one that is another user's, is a link, or that others may write and put files into.
    """
    folder = Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise OutputError(f"{folder} belongs to somebody else, or others may write it.", cure)
    return folder
