"""Rows of features as one block of doubles, and back to what a model takes: texts are numbered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analyzer.errors import ConfigError, InputError

if TYPE_CHECKING:
    import pandas as pd

Block = NDArray[np.float64]
"""Rows of features (N, M); a missing value is NaN, a text the number of its place in the feature's `texts`."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of the model's input: `texts` are the values of a categorical one, None: it holds numbers.

    `integral` says that all its numbers are whole, and are to be written without a point.
    """

    name: str
    texts: tuple[str, ...] | None = None
    integral: bool = False


@dataclass(frozen=True, slots=True)
class Features:
    """The columns of a model's input, in its order; picklable."""

    columns: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.columns)

    @property
    def are_numbers(self) -> bool:
        return all(feature.texts is None for feature in self.columns)

    def frame(self, block: Block) -> pd.DataFrame:
        """Make the data frame that a script gets, as pandas reads files; of numbers alone it is the block itself."""
        import pandas as pd

        if self.are_numbers:
            return pd.DataFrame(block, columns=_header(self.names), copy=False)
        columns = {
            feature.name: block[:, i] if feature.texts is None else _column(feature.texts, block[:, i])
            for i, feature in enumerate(self.columns)
        }
        return pd.DataFrame(columns, copy=False)

    def values(self, block: Block) -> list[list[Any]]:
        """Make rows of plain values, whole numbers as such and missing ones None."""
        columns = [_plain(feature, block[:, i]) for i, feature in enumerate(self.columns)]
        return [list(row) for row in zip(*columns, strict=True)]

    def encode(self, rows: Sequence[Sequence[Any]]) -> Block:
        """Make a block of rows of plain values.

        Raises KeyError for a text that no feature knows; `features_of` was told of all there are.
        """
        block = np.empty((len(rows), len(self.columns)))
        for i, feature in enumerate(self.columns):
            places = None if feature.texts is None else {text: j for j, text in enumerate(feature.texts)}
            for j, row in enumerate(rows):
                block[j, i] = _coded(row[i], places)
        return block


@lru_cache(maxsize=4)
def _header(names: tuple[str, ...]) -> pd.Index:
    """Make the names of a data frame's columns, once for all its blocks: that costs more than the frame does."""
    import pandas as pd

    return pd.Index(list(names))


def _coded(value: Any, places: dict[str, int] | None) -> float:
    if value is None:
        return math.nan
    return float(value) if places is None else places[_text(value)]


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _column(texts: Sequence[str], codes: Block) -> Any:
    """Make a column of pandas' own text type, without an object for each value; pandas 2 has none."""
    import pandas as pd

    if pd.__version__.startswith("2."):
        return _texts(texts, codes, math.nan)
    missing = np.isnan(codes)
    places = pa.array(np.where(missing, 0, codes).astype(np.int32), mask=missing)
    return pd.array(pa.array(texts, pa.large_string()).take(places), dtype="str")


def _texts(texts: Sequence[str], codes: Block, missing: float | None = None) -> NDArray[Any]:
    known = np.array([*texts, missing], dtype=object)
    found: NDArray[Any] = known[np.where(np.isnan(codes), len(texts), codes).astype(np.intp)]
    return found


def _plain(feature: Feature, numbers: Block) -> list[Any]:
    if feature.texts is not None:
        return list(_texts(feature.texts, numbers))
    # Means of integral columns, as clustering makes them, are not whole.
    return [
        None if number != number else int(number) if feature.integral and number.is_integer() else number  # noqa: PLR0124
        for number in numbers.tolist()
    ]


def read_features(table: pa.Table, names: Sequence[str], more: Sequence[Sequence[Any]] = ()) -> tuple[Features, Block]:
    """Read the columns `names` of a table: numbers where all values are, else texts; `more` are rows of plain values.

    A column is what its values in the table and in `more` make it. Returns the features and the table's rows (N, M).
    """
    columns: list[Feature] = []
    block = np.empty((table.num_rows, len(names)))
    for i, name in enumerate(names):
        others = [row[i] for row in more]
        numbers = _numbers(table.column(name)) if all(map(_is_number, others)) else None
        if numbers is None:
            feature, block[:, i] = _categorical(name, table.column(name), others)
        else:
            block[:, i] = numbers
            feature = Feature(name, None, _is_whole(numbers))
        columns.append(feature)
    return Features(tuple(columns)), block


WHOLE, FRACTIONS, TEXTS = 0, 1, 2
"""Kinds of columns; two parts of a column are together of the higher one."""


def kind_of(column: pa.ChunkedArray) -> int:
    """Tell of what kind a part of a column is."""
    numbers = _numbers(column)
    return TEXTS if numbers is None else WHOLE if _is_whole(numbers) else FRACTIONS


def read_as(table: pa.Table, kinds: Mapping[str, int]) -> tuple[Features, Block]:
    """Read columns of known kinds, by name; one that is not there is missing in all rows.

    Returns the features, of which texts know what this table holds, and the table's rows (N, M). Raises InputError
    for a text among numbers.
    """
    columns: list[Feature] = []
    block = np.full((table.num_rows, len(kinds)), math.nan)
    for i, (name, kind) in enumerate(kinds.items()):
        held = table.column(name) if name in table.column_names else pa.chunked_array([pa.nulls(table.num_rows)])
        if kind == TEXTS:
            feature, block[:, i] = _categorical(name, held, ())
        else:
            feature, numbers = Feature(name, None, kind == WHOLE), _numbers(held)
            if numbers is None:
                raise InputError(f"Feature {name!r} has texts among its numbers.", "Let nobody write while it is read.")
            block[:, i] = numbers
        columns.append(feature)
    return Features(tuple(columns)), block


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int | float)


def _is_whole(numbers: Block) -> bool:
    present = numbers[np.isfinite(numbers)]
    return bool((present == np.floor(present)).all())


def _numbers(column: pa.ChunkedArray) -> Block | None:
    """Read a column as doubles; None where a value is none."""
    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            trimmed = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
        found = column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return np.asarray(found.to_numpy(), dtype=np.float64)


def _categorical(name: str, column: pa.ChunkedArray, others: Sequence[Any]) -> tuple[Feature, Block]:
    texts = column.cast(pa.string())
    known = {text for text in pc.unique(texts).to_pylist() if text is not None}
    known |= {_text(value) for value in others if value is not None}
    ordered = tuple(sorted(known))
    codes = pc.index_in(texts, pa.array(ordered, pa.string())).cast(pa.float64())
    return Feature(name, ordered), np.asarray(codes.to_numpy(), dtype=np.float64)


def pick_features(wanted: Sequence[str | int], names: Sequence[str], key: str) -> list[int]:
    """Find features by name or 0-based index.

    Raises ConfigError, naming the key, for one that is not there.
    """
    found = []
    for each in wanted:
        if isinstance(each, str) and each in names:
            found.append(names.index(each))
        elif isinstance(each, int) and 0 <= each < len(names):
            found.append(each)
        else:
            raise ConfigError(
                f"{key}: {each!r} is not a feature.", f"There are {', '.join(map(repr, list(names)[:30]))}."
            )
    return found
