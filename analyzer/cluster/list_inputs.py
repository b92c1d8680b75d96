"""The input files of several hosts as one list, in the order in which one host would see them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from analyzer.config import JobConfig
from analyzer.errors import InputError
from analyzer.read import list_files
from analyzer.stores.peers import Held
from analyzer.stores.store import File

Listing = Mapping[str, int]
"""Sizes in bytes by name, which is the path below the source."""


def sources_of(config: JobConfig) -> dict[str, Path]:
    """Name the folders of which each host may have a share, by their variables; what a URI names all hosts see."""
    sources = {"dataset_source": config.dataset_source}
    if config.merges and config.ground_truth_source is not None:
        sources["ground_truth_source"] = config.ground_truth_source
    return {variable: source for variable, source in sources.items() if isinstance(source, Path)}


def list_here(source: Path, variable: str) -> dict[str, int]:
    """List the input files of this host; none where the source is absent, as on a host without a share of the keys.

    Raises InputError where one cannot be read.
    """
    if not os.path.lexists(source):
        return {}
    return {os.path.relpath(file.path, source): file.size for file in list_files(source, variable)}


def served(variable: str, source: Path, listing: Listing) -> dict[str, tuple[Path, int]]:
    """Give paths and sizes of a source's files by the names under which other hosts ask for them."""
    return {_served_name(variable, name): (source / name, size) for name, size in listing.items()}


def _served_name(variable: str, name: str) -> str:
    return f"{variable}/{name}"


def path_of(name: str, source: Path) -> str:
    """Give the path of a file; a source that is a file itself has the name of its folder in itself."""
    return str(source / name)


def unite(listings: Mapping[str, Listing], source: Path, variable: str) -> list[File]:
    """Put the files of all hosts together, sorted as `list_files` sorts, each once.

    Raises InputError where two hosts have different files under one path.
    """
    first: dict[str, tuple[str, int]] = {}
    for host, listing in listings.items():
        for name, size in listing.items():
            known, found = first.setdefault(name, (host, size))
            if found != size:
                raise InputError(
                    f"{variable}: {path_of(name, source)} has {found} bytes on {known}, but {size} on {host}.",
                    "Give all hosts the same files, or each host files with paths of their own.",
                )
    return [File(path_of(name, source), first[name][1]) for name in sorted(first, key=Path)]


def held_by_some(listings: Mapping[str, Listing], source: Path, variable: str) -> dict[str, Held]:
    """Find the files that some hosts lack, by path, and who has them."""
    sizes = {name: size for listing in listings.values() for name, size in listing.items()}
    found = {}
    for name, size in sizes.items():
        hosts: Sequence[str] = [host for host, listing in listings.items() if name in listing]
        if len(hosts) < len(listings):
            found[path_of(name, source)] = Held(size, _served_name(variable, name), tuple(hosts))
    return found
