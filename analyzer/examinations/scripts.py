"""The user's scripts: imported, and the record script called with the first records, its output shown."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from analyzer.config import JobConfig
from analyzer.diagnosis import Finding
from analyzer.documents import Constraints
from analyzer.errors import AnalyzerError
from analyzer.examinations.subject import Sample
from analyzer.fetch_scripts import POST_ANALYTICS, RECORD, Scripts
from analyzer.install_requirements import has_requirements, install_requirements
from analyzer.job import reading_of
from analyzer.name_columns import name_columns
from analyzer.read import list_files, plan_partitions, read_piece
from analyzer.readers.reading import PieceReport
from analyzer.scripts import POSTPROCESS_HANDLER, PREPROCESS_HANDLER, load_handler

CHECK: Final = "scripts"
RECORDS: Final = 5
LONGEST: Final = 200
DROPPED: Final = "It returned no row for any of the first records, so it may drop all of them."


def examine_scripts(
    config: JobConfig, scripts: Scripts, sample: Sample | None, expected: Constraints | None
) -> Iterator[Finding]:
    """Load the scripts, and call the record script with the records of a small sample."""
    if scripts.record is None and scripts.post_analytics is None:
        yield Finding(CHECK, "skipped", "no script is named")
    for name, script, handler in (
        (RECORD, scripts.record, PREPROCESS_HANDLER),
        (POST_ANALYTICS, scripts.post_analytics, POSTPROCESS_HANDLER),
    ):
        if script is None:
            continue
        loaded = _loaded(config, name, script, handler)
        yield loaded
        if name == RECORD and loaded.status == "ok" and sample is not None:
            yield _tried(config, script, sample, expected)


def _loaded(config: JobConfig, name: str, script: Path, handler: str) -> Finding:
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            if config.install_requirements and has_requirements(script):
                install_requirements(script)
            load_handler(script, handler)
    except AnalyzerError as error:
        return Finding(CHECK, "failure", error.message, error.hint, _lines(printed))
    called = "" if handler == PREPROCESS_HANDLER else "; it is not called here"
    return Finding(CHECK, "ok", f"{name} {script.name} has {handler}{called}", shown=_lines(printed))


def _tried(config: JobConfig, script: Path, sample: Sample, expected: Constraints | None) -> Finding:
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            rows = list(_rows(sample.config_of(config), script, expected))
    except AnalyzerError as error:
        return Finding(CHECK, "failure", sample.real(error.message), error.hint, _lines(printed))
    shown = tuple(_shown(row) for row in rows[:RECORDS])
    if not rows:
        return Finding(CHECK, "warning", f"{script.name}: {DROPPED}", "See what it returns.", _lines(printed))
    text = f"{script.name} made {len(rows)} rows of the first records"
    return Finding(CHECK, "ok", text, shown=(*shown, *_lines(printed)))


def _rows(config: JobConfig, script: Path, expected: Constraints | None) -> Iterator[dict[str, Any]]:
    """Read the sample through the script, as a task of the job does."""
    files = list_files(config.dataset_source)
    reading = reading_of(config, name_columns(files, config, expected), script)
    for partition in plan_partitions(files, config.dataset_format):
        for piece in partition.pieces:
            for batch in read_piece(piece, reading, PieceReport(piece)):
                yield from batch.rows.to_pylist()


def _shown(row: dict[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _lines(printed: io.StringIO) -> tuple[str, ...]:
    return tuple(f"printed: {line[:LONGEST]}" for line in islice(printed.getvalue().splitlines(), RECORDS))
