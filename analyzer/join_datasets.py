"""Facets or predicted labels that lie in data sets of their own, put beside the rows before these are analyzed."""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from analyzer.analysis_config import AnalysisConfig, Column
from analyzer.analyze import Task, read_rows
from analyzer.config import JobConfig, read_location
from analyzer.dataset_formats import ParquetFormat, SparkFormat
from analyzer.errors import ConfigError, InputError
from analyzer.plan_analysis import LABEL, PREDICTED, Rows, open_rows
from analyzer.read import list_files, plan_partitions
from analyzer.readers.csv_text import split_fields
from analyzer.stores import read_whole

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Side:
    """A data set that is put beside the rows: its columns, and the one by which rows find each other, if any."""

    variable: str
    files: int
    table: pl.DataFrame
    key: str | None


@contextmanager
def joined_datasets(config: JobConfig, script: Path | None = None, leader: Leader | None = None) -> Iterator[JobConfig]:
    """Give a configuration whose source holds all columns; the same one where nothing lies apart.

    Rows find each other by the column that joinsource_name_or_index names, and those without a partner are left out;
    without it by their place. The joined rows are written to a temporary Parquet file, so this work is done here,
    whatever the engine. Raises ConfigError where the two cannot be joined, InputError where they do not fit.
    """
    analysis = config.analysis
    assert analysis is not None
    if not analysis.facet_dataset_uri and not analysis.predicted_label_dataset_uri:
        yield config
        return
    _refuse_spread(config, analysis, leader)
    rows = open_rows(config, script)
    sides = _sides(analysis)
    _refuse_unjoinable(rows, sides)
    with tempfile.TemporaryDirectory(prefix="analyzer-joined-") as folder:
        key = _write(rows, sides, Path(folder, "rows.parquet"))
        yield replace(
            config,
            dataset_source=Path(folder),
            dataset_format=ParquetFormat(),
            engine="local",
            record_preprocessor_script=None,
            finds_header=False,
            analysis=_of_joined(analysis, rows, sides, key),
        )


def _refuse_spread(config: JobConfig, analysis: AnalysisConfig, leader: Leader | None) -> None:
    if leader is not None or isinstance(config.dataset_format, SparkFormat):
        raise ConfigError(
            f"{analysis.where}: data sets of their own for facets or predicted labels need all data on one host.",
            "Join them beforehand, or run on one instance with files as source.",
        )


def _of_joined(analysis: AnalysisConfig, rows: Rows, sides: list[Side], key: str | None) -> AnalysisConfig:
    """Say what the columns of the joined rows are."""
    prediction = analysis.predicted_label
    for side in sides:
        if side.variable == "predicted_label_dataset_uri":
            own = [name for name in side.table.columns if name != side.key]
            prediction = prediction if prediction in own else own[0]
    facets = [n for side in sides if side.variable == "facet_dataset_uri" for n in side.table.columns if n != side.key]
    excluded = (*analysis.excluded_columns, *([key] if key else []))
    label = LABEL if rows.label is None else rows.label
    if isinstance(label, int) and label < len(rows.reading.columns):
        label = rows.reading.columns[label]
    return replace(
        analysis,
        features=None,
        headers=(),
        label=label,
        predicted_label=prediction,
        excluded_columns=excluded,
        facet_dataset_uri=None,
        facet_headers=tuple(facets),
        predicted_label_dataset_uri=None,
    )


def _sides(analysis: AnalysisConfig) -> list[Side]:
    found = (
        ("facet_dataset_uri", analysis.facet_dataset_uri, analysis.facet_headers),
        ("predicted_label_dataset_uri", analysis.predicted_label_dataset_uri, analysis.predicted_label_headers),
    )
    return [_side(variable, uri, headers, analysis) for variable, uri, headers in found if uri]


def _side(variable: str, uri: str, headers: tuple[str, ...], analysis: AnalysisConfig) -> Side:
    files = list_files(read_location(uri), variable)
    if not files:
        raise InputError(f"{variable}: {uri} holds no data.", "Mount the CSV files there or correct the key.")
    tables = [_read(read_whole(file.path), file.path, headers, variable) for file in files]
    table = pl.concat(tables)
    key = None if analysis.joinsource is None else _named(analysis.joinsource, table.columns, variable)
    if key is not None and table[key].is_duplicated().any():
        raise InputError(
            f"{variable}: {uri} has several rows with the same {key!r}.", "Leave one row for each id: rows join once."
        )
    return Side(variable, len(files), table, key)


def _read(content: bytes, path: str, headers: tuple[str, ...], variable: str) -> pl.DataFrame:
    """Read a CSV file as texts; its first line is a header if it is the headers told, or if none were told."""
    first = tuple(field or "" for field in split_fields(content.partition(b"\n")[0].decode("utf-8", "replace").strip()))
    alone = variable == "predicted_label_dataset_uri" and not headers and len(first) == 1
    has_header = first == headers if headers else not (alone and _is_value(first[0]))
    try:
        table = pl.read_csv(io.BytesIO(content), has_header=has_header, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path} is no sound CSV: {str(error).splitlines()[0]}.", "Write the file again.") from error
    names = headers or ((PREDICTED,) if not has_header else tuple(table.columns))
    if len(names) != len(table.columns):
        raise InputError(
            f"{path} has {len(table.columns)} columns, but {variable.replace('dataset_uri', 'headers')} names "
            f"{len(names)}.",
            "Name all columns in their order.",
        )
    return table.rename(dict(zip(table.columns, names, strict=True)))


def _is_value(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.lower() in {"true", "false"}
    return True


def _named(column: Column, names: list[str], variable: str) -> str:
    if str(column) in names:
        return str(column)
    if isinstance(column, int) and column < len(names):
        return names[column]
    raise InputError(
        f"joinsource_name_or_index names column {column!r}, which is not in the data of {variable}.",
        f"Expected a name or a 0-based index of: {', '.join(names[:30])}.",
    )


def _refuse_unjoinable(rows: Rows, sides: list[Side]) -> None:
    """Refuse rows that have nothing to find each other by: places count only within one file."""
    if rows.analysis.joinsource is None and (len(rows.files) > 1 or any(side.files > 1 for side in sides)):
        raise ConfigError(
            f"{rows.analysis.where}: joinsource_name_or_index is not given, but a data set is of several files.",
            "Name the column of ids that all of them have.",
        )


def _write(rows: Rows, sides: list[Side], path: Path) -> str | None:
    """Join batch by batch and write; gives the name of the key.

    Raises InputError where rows that are joined by their places are not as many.
    """
    task = Task(rows.reading, {}, rows.peers)
    writer: pq.ParquetWriter | None = None
    key: str | None = None
    seen = written = 0
    try:
        for partition in plan_partitions(list(rows.files), rows.config.dataset_format):
            for batch in read_rows(partition, task):
                joined, key = _joined(batch.rows, sides, seen, rows.analysis.joinsource)
                seen += batch.rows.num_rows
                written += joined.num_rows
                writer = writer or pq.ParquetWriter(path, joined.schema, compression="lz4")
                writer.write_table(_fitted(joined, writer.schema))
    finally:
        if writer is not None:
            writer.close()
    if key is None and any(len(side.table) != seen for side in sides):
        lengths = ", ".join(f"{len(side.table):,} in {side.variable}" for side in sides)
        raise InputError(
            f"There are {seen:,} rows of data, but {lengths}: they cannot be joined by their places.",
            "Give all of them a column of ids and name it in joinsource_name_or_index.",
        )
    log.info("Joined rows: %d of %d", written, seen)
    return key


def _joined(rows: pa.RecordBatch, sides: list[Side], seen: int, key: Column | None) -> tuple[pa.Table, str | None]:
    table = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([rows])))
    name = None if key is None else _named(key, table.columns, "the data set")
    for side in sides:
        own = [column for column in side.table.columns if column != side.key]
        table = table.drop([column for column in own if column in table.columns])
        if name is None or side.key is None:
            part = side.table.select(own).slice(seen, len(table))
            table = pl.concat([table.head(len(part)), part], how="horizontal")
        else:
            texts = table.with_columns(pl.col(name).cast(pl.String))
            partner = side.table.rename({side.key: name})
            table = texts.join(partner, on=name, how="inner", maintain_order="left")
    return table.to_arrow(), name


def _fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give a batch the columns of the first one: what it lacks is missing, what it has beside them is left out."""
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.schema.names
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
