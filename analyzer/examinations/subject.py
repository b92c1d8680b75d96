"""The job that is examined, and a sample of its data on which the real steps can be tried."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final

import orjson

from analyzer.config import JobConfig
from analyzer.dataset_formats import AddedFormat, CsvFormat, JsonFormat, ParquetFormat, SparkFormat
from analyzer.errors import AnalyzerError
from analyzer.read import list_files
from analyzer.readers.pieces import open_bytes, readable, without_mark
from analyzer.readers.quotes import first_record_end
from analyzer.stores.store import File

ROWS: Final = 1000
FILES: Final = 5
BYTES: Final = 4 * 1024 * 1024
"""How much of the data is looked at: so many files, of each so many first records and at most so many bytes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The first records of the first files, as files in a folder of their own; `names` are the real ones."""

    folder: Path
    names: dict[str, str]

    def config_of(self, config: JobConfig) -> JobConfig:
        """Change a job to one over the sample: in this process, and without a window."""
        return replace(
            config, dataset_source=self.folder, engine="local", cores=1, empty_input="succeed",
            start_time=None, end_time=None, rules=None, suggest_rules=False,
        )  # fmt: skip

    def real(self, text: str) -> str:
        """Put the real names of files into a message."""
        for ours, theirs in self.names.items():
            text = text.replace(ours, theirs)
        return text


def inputs(config: JobConfig) -> list[File]:
    """List the files that a job would read; what is wrong with them is a finding of its own."""
    if is_foreign(config):
        return []
    try:
        return list_files(config.dataset_source)
    except AnalyzerError:
        return []


def is_foreign(config: JobConfig) -> bool:
    """Tell data that only Spark or a package reads: there is no telling what is in it from its first bytes."""
    return isinstance(config.dataset_format, SparkFormat | AddedFormat)


def take_sample(config: JobConfig, files: Sequence[File], folder: Path, rows: int = ROWS) -> Sample:
    """Write the first records of some files to a folder.

    Raises InputError where one cannot be read.
    """
    names = {}
    for number, file in enumerate(files[:FILES]):
        name = PurePosixPath(file.path).name
        path = folder / f"{number}" / name
        path.parent.mkdir(parents=True)
        _write_sample(config, file.path, path, rows)
        names[str(path)] = file.path
    return Sample(folder, names)


def _write_sample(config: JobConfig, source: str, path: Path, rows: int) -> None:
    if isinstance(config.dataset_format, ParquetFormat):
        _write_parquet(source, path, rows)
        return
    if isinstance(config.dataset_format, JsonFormat) and not config.dataset_format.lines:
        content = _document(source, rows)
    else:
        content = b"".join(islice(_records(source, quoted=isinstance(config.dataset_format, CsvFormat)), rows))
    path.write_bytes(gzip.compress(content) if source.endswith(".gz") else content)


def _records(source: str, *, quoted: bool) -> Iterator[bytes]:
    """Cut the beginning of a file into its records; a record that is not whole there is left out, unless it is all."""
    with readable(source), open_bytes(source, BYTES) as stream:
        data = stream.read(BYTES)
        is_all = not stream.read(1)
    at = 0
    while at < len(data):
        end = first_record_end(data[at:]) if quoted else data.find(b"\n", at) + 1 - at
        if end <= 0:
            if is_all or not at:
                yield data[at:]
            return
        yield data[at : at + end]
        at += end


def _document(source: str, rows: int) -> bytes:
    """Cut a JSON document that is a list; what cannot be cut is tried as it is."""
    with readable(source), open_bytes(source) as stream:
        content = stream.read()
    try:
        value = orjson.loads(without_mark(source, content))
    except orjson.JSONDecodeError:
        return content
    return orjson.dumps(value[:rows]) if isinstance(value, list) else content


def _write_parquet(source: str, path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from analyzer.readers.parquet_files import open_parquet

    file = open_parquet(source)
    batches = list(islice(file.iter_batches(rows, use_threads=False), 1))
    pq.write_table(pa.Table.from_batches(batches, schema=file.schema_arrow), path)
