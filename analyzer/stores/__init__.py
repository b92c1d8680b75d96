"""The kinds of places where data lies and reports go, by the scheme of their URIs; a path has none.

A kind of place is a module with the functions of `Store`, loaded when the first of its URIs is met: its libraries cost
nothing where it is not used. A new kind is one more module and one more entry here.
"""

from __future__ import annotations

import errno
import shutil
from typing import TYPE_CHECKING

from analyzer.stores.store import Store, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def _files() -> Store:
    """Give the disk of this machine, with what other hosts of the run have on theirs."""
    from analyzer.stores import peers

    return peers


def _s3() -> Store:
    from analyzer.stores import s3

    return s3


STORES: Mapping[str, Callable[[], Store]] = {"": _files, "s3": _s3}


def store_of(place: Path | str) -> Store:
    """Give the store that a path or URI belongs to.

    Raises StoreError for a URI of a kind that there is no store for.
    """
    scheme = scheme_of(place)
    if scheme not in STORES:
        known = ", ".join(f"{each}://" for each in STORES if each)
        raise StoreError(f"{scheme}:// is no kind of place that can be read or written", f"Use a path, or {known}.")
    return STORES[scheme]()


def scheme_of(place: Path | str) -> str:
    """Give what stands before `://`, in small letters; empty for a path, of which `://` can be no part."""
    scheme, mark, _ = str(place).partition("://")
    return scheme.lower() if mark else ""


def path_here(place: str) -> str | None:
    """Give the path under which the libraries of this machine can open a file; None where it is far away."""
    if scheme_of(place):
        return None
    from analyzer.stores import peers

    return peers.path_here(place)


def fetch_folder(place: str, folder: Path) -> None:
    """Copy all files below a place into a folder of this machine, hidden and empty ones too, under their names.

    Raises OSError as `read_whole` does; FileNotFoundError where there are none.
    """
    store = store_of(place)
    top = place.rstrip("/") + "/"
    files = store.list_files(top, everything=True)
    if not files:
        raise FileNotFoundError(errno.ENOENT, "there are no files", place)
    for file in files:
        target = folder / file.path.removeprefix(top)
        if not target.resolve().is_relative_to(folder.resolve()):
            raise StoreError("its name leads out of the folder", "Rename the object.", file.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with store.open_file(file.path) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)


def read_whole(place: Path | str) -> bytes:
    """Read a small file as a whole.

    Raises OSError, whose `strerror` says why; StoreError, which is one, has a cure as well.
    """
    with store_of(place).open_file(str(place)) as stream:
        return stream.read()
