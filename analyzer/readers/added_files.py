"""Files of a format that an installed package reads (entry points `analyzer.readers`), each as a whole.

A reader is a function of a path and the options of dataset_format that yields Arrow record batches, columns by name.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from analyzer.analyzers.table import Batch
from analyzer.dataset_formats import AddedFormat
from analyzer.errors import ConfigError
from analyzer.plugins import READERS, Plugin, plugins
from analyzer.readers.parquet_files import batches_to_rows
from analyzer.readers.pieces import Piece
from analyzer.readers.reading import PieceReport, Reading


def read_added(piece: Piece, reading: Reading, report: PieceReport) -> Iterator[Batch]:
    """Yield the rows of a file; a script gets each row as a dict.

    Raises PluginError where the reader fails for a reason other than an InputError of its own.
    """
    assert isinstance(reading.dataset_format, AddedFormat)
    plugin = reader_of(reading.dataset_format)
    yield from batches_to_rows(_batches(plugin, piece.path, reading.dataset_format), reading, report)


def reader_of(dataset_format: AddedFormat) -> Plugin:
    """Load the reader that a format names.

    Raises ConfigError where there is none here, though there was where the job began.
    """
    plugin = plugins(READERS).get(dataset_format.name)
    if plugin is None:
        raise ConfigError(
            f"dataset_format {dataset_format.name!r}: no reader of that name is installed on this host.",
            "Run all hosts from the same image.",
        )
    return plugin


def _batches(plugin: Plugin, path: str, dataset_format: AddedFormat) -> Iterator[pa.RecordBatch]:
    with plugin.named():
        for batch in plugin.function(path, dataset_format.options):
            if not isinstance(batch, pa.RecordBatch):
                raise plugin.failed(f"yielded {type(batch).__name__} where a pyarrow.RecordBatch belongs ({path})")
            yield batch
