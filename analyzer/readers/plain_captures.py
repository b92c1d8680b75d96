"""Captures whose payloads are one line of CSV each, a block at a time and without a Python object for each record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from analyzer.analyzers.table import Batch, Run
from analyzer.preprocess import PlainPart
from analyzer.readers.batches import runs_of
from analyzer.readers.capture_window import Window
from analyzer.readers.csv_text import CsvText
from analyzer.readers.reading import PieceReport, Reading

LINE_ENDS = "\r\n"


class PlainCaptures:
    """Reads blocks of captures in which nothing is unusual; of any other block it says so and leaves it alone.

    What it does not take: payloads of several lines, of another encoding than CSV, or missing in some records only;
    payloads in front of others with quotes or another number of fields than expected; blank lines; odd JSON.
    """

    def __init__(
        self,
        index_names: Sequence[str],
        parts: Sequence[PlainPart],
        reading: Reading,
        window: Window | None,
        report: PieceReport,
    ) -> None:
        self._parts = parts
        self._unseen = [name for name in index_names if all(part.name != name for part in parts)]
        self._names = list(reading.columns)
        self._text = CsvText(len(self._names), "error", report.left_out)
        self._window = window
        self._report = report
        self._schema = _schema(index_names, timed=window is not None)
        self._tries = 0
        """Blocks taken less blocks left alone: below 0, trying has become a waste of time."""

    def read(self, block: bytes) -> Batch | None:
        """Read a block of whole lines; None, and nothing is counted, where it has to be read record by record."""
        if self._tries < 0:
            return None
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        try:
            batch = self._read(block, lines)
        except pa.ArrowInvalid:
            batch = None
        self._tries += 1 if batch is not None else -1
        if batch is not None:
            self._report.records += lines
        return batch

    def _read(self, block: bytes, lines: int) -> Batch | None:
        records = pj.read_json(
            pa.BufferReader(block),
            read_options=pj.ReadOptions(use_threads=False, block_size=len(block) + 1),
            parse_options=pj.ParseOptions(explicit_schema=self._schema, unexpected_field_behavior="ignore"),
        )
        if records.num_rows != lines:
            return None
        texts = self._texts(records.column("captureData").combine_chunks())
        if texts is None:
            return None
        verdicts = self._verdicts(records) if self._window is not None else None
        if self._window is not None and verdicts is None:
            return None
        kept = None if verdicts is None else pc.not_equal(verdicts, Window.OUTSIDE)
        rows = self._rows(texts if kept is None else texts.filter(kept))
        if rows is None:
            return None
        if self._window is not None and verdicts is not None:
            self._window.count(verdicts)
        return Batch(rows, self._runs(kept))

    def _texts(self, captured: pa.StructArray) -> pa.Array | None:
        """Put the payloads side by side."""
        if not _is_full(captured) or any(not _is_empty(captured.field(name)) for name in self._unseen):
            return None
        texts = [self._payload(part, captured.field(part.name)) for part in self._parts]
        if any(text is None for text in texts):
            return None
        return texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, ",")

    def _payload(self, part: PlainPart, event: pa.StructArray) -> pa.Array | None:
        if _is_empty(event):
            return pa.repeat(part.blank, len(event))
        text, encoding = event.field("data"), event.field("encoding")
        if not (
            _is_full(event) and _is_full(text) and _is_full(encoding) and pc.all(pc.equal(encoding, "CSV")).as_py()
        ):
            return None
        text = pc.ascii_rtrim(text, LINE_ENDS)
        return text if part.commas is None or _has_fields(text, part.commas) else None

    def _rows(self, texts: pa.Array) -> pa.RecordBatch | None:
        lines = pc.binary_join_element_wise(texts, "", "\n")
        start, end = np.frombuffer(lines.buffers()[1], dtype=np.int32)[[lines.offset, lines.offset + len(lines)]]
        content = lines.buffers()[2].slice(int(start), int(end - start)).to_pybytes() if end > start else b""
        if content.count(b"\n") != len(lines):
            return None
        rows = self._text.parse_even(content, len(lines))
        return rows if rows is None else rows.rename_columns(self._names)

    def _verdicts(self, records: pa.Table) -> pa.Array | None:
        metadata = records.column("eventMetadata").combine_chunks()
        times = metadata.field("inferenceTime")
        if self._window is None or not (_is_full(metadata) and _is_full(times)):
            return None
        found = times.dictionary_encode()
        judged = [self._window.judge(time) for time in found.dictionary.to_pylist()]
        return pa.array(judged, pa.string()).take(found.indices)

    def _runs(self, kept: pa.Array | None) -> list[Run]:
        first = self._report.records + 1
        if kept is None or pc.all(kept).as_py():
            return [Run(0, self._report.piece.path, first)]
        places = np.flatnonzero(kept.to_numpy(zero_copy_only=False)) + first
        return runs_of(self._report.piece.path, places.tolist()) if len(places) else []


def _schema(index_names: Sequence[str], *, timed: bool) -> pa.Schema:
    event = pa.struct([("data", pa.string()), ("encoding", pa.string())])
    fields = [("captureData", pa.struct([(name, event) for name in index_names]))]
    return pa.schema([*fields, ("eventMetadata", pa.struct([("inferenceTime", pa.string())]))] if timed else fields)


def _is_full(array: pa.Array) -> bool:
    return not array.null_count


def _is_empty(array: pa.Array) -> bool:
    return bool(array.null_count == len(array))


def _has_fields(text: pa.Array, commas: int) -> bool:
    even = pc.all(pc.equal(pc.count_substring(text, ","), commas)).as_py()
    return bool(even) and not pc.any(pc.match_substring(text, '"')).as_py()
