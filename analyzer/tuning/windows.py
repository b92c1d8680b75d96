"""States of past runs to windows: of each column only what its checks look at, and nothing that is not asked for.

A year of hourly states is read for one answer, so the documents are not built in full: what `Lean` does not name is
skipped while it is parsed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from analyzer.analyzers.hyperloglog import HyperLogLog
from analyzer.config import Location
from analyzer.documents import NULL_VALUE, InferredType
from analyzer.errors import BaselineError, InputError
from analyzer.infer_type import MOST_DOMAIN_VALUES, type_of
from analyzer.stores import read_whole, scheme_of
from analyzer.stores.store import cure_of, reason_of

VERSION = 1
GZIP = 31
"""How zlib is told to expect a gzip header."""
AT_A_TIME = 8
"""Files that one process fetches from afar at once."""
SURELY_FEW = 60
"""Counted values up to which their estimated number is below 120 beyond doubt (its error is 5 %)."""

Floats = NDArray[np.float64]


class _Numbers(msgspec.Struct):
    levels: list[bytes]


class _Counts(msgspec.Struct):
    values: list[str]
    counts: list[int]
    counted: int
    exact: bool


class _Column(msgspec.Struct):
    missing: int
    kinds: tuple[int, int, int, int]
    special: tuple[int, int, int, int, int]
    numbers: _Numbers
    distinct: msgspec.Raw
    counts: msgspec.Raw


class Lean(msgspec.Struct):
    """What is read of state.json.gz; `kind` is set in states of other analyses."""

    version: int
    rows: int
    columns: list[tuple[str, _Column]]
    kind: str | None = None


_DOCUMENT, _COUNTS = msgspec.json.Decoder(Lean), msgspec.json.Decoder(_Counts)
_TEXT = msgspec.json.Decoder(str)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a window: `kinds` are counts of whole numbers, fractions, truth values and texts.

    `levels` are the retained numbers of its sketch, without any for a column that is not of numbers. `buckets` are its
    values with their counts, None where it has too many, or is of numbers; `outside` counts values beyond the domain.
    """

    kind: InferredType
    missing: int
    kinds: tuple[int, int, int, int]
    levels: tuple[Floats, ...] = ()
    buckets: Mapping[str, int] | None = None
    outside: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """The rows of one run, as the checks see them."""

    rows: int
    columns: Mapping[str, Column] = field(default_factory=dict)


def read_windows(places: Sequence[Location], domains: Mapping[str, frozenset[str]]) -> list[Window]:
    """Read states in order; those that lie far away, several at a time.

    Raises as `read_window`.
    """
    if not places or not scheme_of(places[0]):
        return [read_window(place, domains) for place in places]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(lambda place: read_window(place, domains), places))


def read_window(place: Location, domains: Mapping[str, frozenset[str]]) -> Window:
    """Read what the checks need of a state.

    Raises InputError for a file that cannot be read, BaselineError for one that is no state of a data-quality run.
    """
    try:
        content = read_whole(place)
    except OSError as error:
        raise InputError(
            f"The state {place} cannot be read: {reason_of(error)}.", cure_of(error, "Name the folder of past runs.")
        ) from error
    try:
        return window_of(_DOCUMENT.decode(_unpack(content)), domains)
    except (OSError, EOFError, ValueError, LookupError) as error:
        raise BaselineError(
            f"{place} is not a state file of this version: {error}.",
            "Expected a state.json.gz of a data-quality run; leave others out with --without.",
        ) from error


def _unpack(content: bytes) -> bytes:
    """Unpack with the extra `fast` where it is installed: half of the work is this.

    Raises ValueError for what is not packed, or not all there.
    """
    library: Any = zlib
    with suppress(ImportError):
        from isal import isal_zlib as library
    try:
        unpacked: bytes = library.decompress(content, GZIP)
    except library.error as error:
        raise ValueError(str(error)) from error
    return unpacked


def window_of(state: Lean, domains: Mapping[str, frozenset[str]]) -> Window:
    """Take from a state what is asked for.

    Raises ValueError for a state of another version or analysis.
    """
    if state.kind or state.version != VERSION:
        raise ValueError(f"it is of kind {state.kind or 'DATA_QUALITY'}, version {state.version}")
    return Window(state.rows, {name: _column(column, domains.get(name)) for name, column in state.columns})


def _column(column: _Column, domain: frozenset[str] | None) -> Column:
    kind = type_of(column.kinds)
    levels: tuple[Floats, ...] = ()
    if kind in {"Integral", "Fractional"}:
        levels = tuple(np.frombuffer(level, dtype="<f8") for level in column.numbers.levels)
        if not any(level.size for level in levels):
            kind = "String"  # digits that no parser takes: what analyze.py makes of them
    counts = None if domain is None and kind != "String" else _COUNTS.decode(column.counts)
    return Column(
        kind,
        column.missing,
        column.kinds,
        levels if kind != "String" else (),
        _buckets(column, counts) if counts and kind == "String" else None,
        0 if domain is None or counts is None else _outside(column, counts, domain),
    )


def _buckets(column: _Column, counts: _Counts) -> Mapping[str, int] | None:
    """List the values of a string column as statistics.json does, where it does."""
    if not any(column.kinds) or not counts.exact:
        return None
    if len(counts.values) > SURELY_FEW and _estimate(column) > MOST_DOMAIN_VALUES:
        return None
    found = dict(zip(counts.values, counts.counts, strict=True))
    if column.missing:
        found[NULL_VALUE] = found.get(NULL_VALUE, 0) + column.missing
    return found


def _estimate(column: _Column) -> int:
    return HyperLogLog.from_document(_TEXT.decode(column.distinct)).estimate()


def _outside(column: _Column, counts: _Counts, domain: frozenset[str]) -> int:
    """Count values outside the domain, as a run over these rows does."""
    met = column.special[4]
    if met and not counts.exact:
        return met
    outside = sum(count for value, count in zip(counts.values, counts.counts, strict=True) if value not in domain)
    return outside if counts.exact else round(outside / max(counts.counted, 1) * sum(column.kinds))


def usual_rows(windows: Iterable[Window]) -> int:
    """Give the median number of rows of windows that have some; 0 without any."""
    rows = [window.rows for window in windows if window.rows]
    return int(np.median(rows)) if rows else 0
