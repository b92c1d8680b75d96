"""Whether the data is in the format that the job was told, by what its first bytes are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from analyzer.config import JobConfig
from analyzer.dataset_formats import CaptureFormat, CsvFormat, DatasetFormat, JsonFormat, format_document
from analyzer.diagnosis import Finding, Status
from analyzer.errors import InputError
from analyzer.find_format import Found, find_format
from analyzer.stores.store import File

CHECK: Final = "format"


def examine_format(config: JobConfig, files: Sequence[File], names: Sequence[str]) -> Iterator[Finding]:
    """Compare the format that the job was told with the one that the files seem to have."""
    try:
        found = find_format(files, names)
    except InputError as error:
        yield Finding(CHECK, "failure", error.message, error.hint)
        return
    told = config.dataset_format
    if type(found.dataset_format) is not type(told):
        yield _another(found, "failure", f"dataset_format says {_named(told)}, but {files[0].path} is {found.name}.")
        return
    yield from _details(told, found, files[0].path)


def _details(told: DatasetFormat, found: Found, path: str) -> Iterator[Finding]:
    seen = found.dataset_format
    if isinstance(told, CsvFormat) and isinstance(seen, CsvFormat) and told.header != seen.header:
        yield _header(told, found, path)
    elif isinstance(told, JsonFormat) and isinstance(seen, JsonFormat) and told.lines != seen.lines:
        yield _another(found, "failure", f"dataset_format says {_named(told)}, but {path} is {found.name}.")
    elif isinstance(told, CaptureFormat) and isinstance(seen, CaptureFormat):
        yield _halves(told, seen, path)
    else:
        yield Finding(CHECK, "ok", f"{path} is {found.name}" + (f" (a guess: {found.doubt})" if found.doubt else ""))


def _header(told: CsvFormat, found: Found, path: str) -> Finding:
    if told.header:
        text = f"The first line of {path} is taken for names, but looks like values."
        return _another(found, "warning", text)
    doubt = f" ({found.doubt})" if found.doubt else ""
    return _another(found, "warning", f"The first line of {path} is taken for values, but looks like names{doubt}.")


def _halves(told: CaptureFormat, seen: CaptureFormat, path: str) -> Finding:
    missing = [half for half in told.index_names if half not in seen.index_names]
    if missing == list(told.index_names):
        text = f"The first records of {path} hold {_listed(seen.index_names)}, but none of {_listed(told.index_names)}."
        cure = "Name a payload that was captured in captureIndexNames."
        return Finding(CHECK, "failure", text, cure)
    if missing:
        text = f"The first records of {path} lack {_listed(missing)}; the others' columns are read alone."
        return Finding(CHECK, "warning", text, "Capture both halves, or name the other one in captureIndexNames.")
    if told.merged and not seen.merged:
        text = f"The first records of {path} hold no groundTruthData."
        return Finding(CHECK, "warning", text, "Merge them with their labels first: `analyzer merge`.")
    return Finding(CHECK, "ok", f"{path} holds captured records with {_listed(seen.index_names)}")


def _another(found: Found, status: Status, text: str) -> Finding:
    return Finding(CHECK, status, text, f"Set dataset_format to {json.dumps(format_document(found.dataset_format))}.")


def _named(told: DatasetFormat) -> str:
    (name,) = format_document(told)
    return f"{name} lines" if isinstance(told, JsonFormat) and told.lines else name


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
