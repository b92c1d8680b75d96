"""The rows that were analyzed, as a data frame on Spark: read once more by the same readers, and typed as inferred."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from analyzer.analyze import Task, read_rows
from analyzer.analyzers.classify import numbers_or_nan
from analyzer.analyzers.column import ColumnState, texts_of
from analyzer.analyzers.table import TableState
from analyzer.engine.spark import script_of, seen_from_here
from analyzer.infer_type import type_of
from analyzer.read import Partition

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger(__name__)
Kind = Literal["long", "double", "string"]
MOST_LONG = float(2**63)
ROWS_AT_ONCE = 65_536
ARROW: Mapping[Kind, pa.DataType] = {"long": pa.int64(), "double": pa.float64(), "string": pa.string()}


@dataclass(frozen=True, slots=True)
class Source:
    """What was read and how, so that it can be read again; `frame` is set instead where only Spark can read it.

    `keys` tells by column of the state under which name its values are read.
    """

    partitions: Sequence[Partition] = ()
    task: Task | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    frame: DataFrame | None = None


@dataclass(frozen=True, slots=True)
class _Column:
    key: str
    kind: Kind


def frame_of(session: SparkSession, source: Source, state: TableState) -> DataFrame:
    """Make a data frame of the rows that `state` was folded from: its columns, in its order.

    Integral columns are longs (doubles where a value is too large for that), fractional ones doubles, all others
    strings; missing values are nulls, and so are digits that no parser takes. Rows keep their order and partitions.
    """
    columns = [_Column(source.keys.get(name, name), kind_of(column)) for name, column in state.columns.items()]
    # PySpark reads dots and backticks in names as syntax, so columns travel under their numbers.
    schema = ", ".join(f"c{i} {column.kind}" for i, column in enumerate(columns))
    if source.frame is not None:
        typed = _typed_frame(source.frame, columns, schema)
    else:
        typed = _read_frame(session, source, columns, schema)
    return typed.toDF(*state.columns)


def kind_of(column: ColumnState) -> Kind:
    """Tell the type that a column has on Spark."""
    inferred, moments = type_of(column.kinds), column.moments
    if inferred not in {"Integral", "Fractional"} or not moments.count:
        return "string"
    fits = inferred == "Integral" and not column.overflowed and moments.low >= -MOST_LONG and moments.high < MOST_LONG
    return "long" if fits else "double"


def _read_frame(session: SparkSession, source: Source, columns: Sequence[_Column], schema: str) -> DataFrame:
    work, task = list(source.partitions), source.task
    assert task is not None
    content = script_of(task)

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with seen_from_here(task, content) as here:
            for number in itertools.chain.from_iterable(batch.column(0).to_pylist() for batch in batches):
                for batch in read_rows(work[number], here):
                    yield from _typed(batch.rows, columns)

    return session.range(0, len(work), 1, max(len(work), 1)).mapInArrow(read, schema)


def _typed_frame(frame: DataFrame, columns: Sequence[_Column], schema: str) -> DataFrame:
    from analyzer.readers.parquet_files import tabular

    names = frame.columns
    wanted = [names.index(column.key) for column in columns]
    kept = frame.toDF(*map(str, range(len(names)))).select([str(i) for i in wanted])

    def convert(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from _typed(tabular(batch.rename_columns([column.key for column in columns]), "a row"), columns)

    return kept.mapInArrow(convert, schema)


def _typed(rows: pa.RecordBatch, columns: Sequence[_Column]) -> Iterator[pa.RecordBatch]:
    """Bring a batch to the types of all columns; those that it lacks are missing in it."""
    there = dict(zip(rows.schema.names, rows.columns, strict=True))
    arrays = [
        convert(there[column.key], column.kind) if column.key in there else pa.nulls(rows.num_rows, ARROW[column.kind])
        for column in columns
    ]
    typed = pa.record_batch(arrays, names=[f"c{i}" for i in range(len(columns))])
    for start in range(0, typed.num_rows, ROWS_AT_ONCE):
        yield typed.slice(start, ROWS_AT_ONCE)


def convert(array: pa.Array, kind: Kind) -> pa.Array:
    """Bring values of any type to a type on Spark, by the rules with which the kernel reads them."""
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), ARROW[kind])
    is_number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)
    return (_FROM_NUMBERS if is_number else _FROM_TEXTS)[kind](array)


def _without_nan(array: pa.Array) -> pa.Array:
    """NaN counts as missing, as in the statistics."""
    return (
        pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array) if pa.types.is_floating(array.type) else array
    )


def _long_of_texts(array: pa.Array) -> pa.Array:
    texts = pl.Series(texts_of(array))
    numbers = texts.cast(pl.Int64, strict=False)
    if numbers.null_count() > texts.null_count():
        numbers = numbers.fill_null(texts.str.strip_chars(" ").str.strip_prefix("+").cast(pl.Int64, strict=False))
    return numbers.to_arrow()


def _double_of_texts(array: pa.Array) -> pa.Array:
    texts = pl.Series(texts_of(array))
    numbers = np.asarray(numbers_or_nan(texts), dtype=np.float64)
    return pa.array(numbers, mask=np.isnan(numbers))


_FROM_NUMBERS: Mapping[Kind, Callable[[pa.Array], pa.Array]] = {
    "long": lambda array: array.cast(pa.int64()),
    "double": lambda array: _without_nan(array.cast(pa.float64(), safe=False)),
    "string": lambda array: texts_of(_without_nan(array)),
}
_FROM_TEXTS: Mapping[Kind, Callable[[pa.Array], pa.Array]] = {
    "long": _long_of_texts,
    "double": _double_of_texts,
    "string": lambda array: texts_of(array).cast(pa.string()),
}
