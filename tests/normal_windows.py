"""Windows of the same kind of rows, as states of runs: numbers of several shapes, categories, some values missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from analyzer.analyze import finish_analysis
from analyzer.analyzers.table import Batch, Run, TableState
from analyzer.encode import encode_constraints, encode_statistics
from analyzer.jsonlayout import dump
from analyzer.suggest import suggest

KINDS = ("normal", "skewed", "counts", "few", "category")


def rows_of(random: np.random.Generator, rows: int, features: int) -> pa.RecordBatch:
    """Draw rows: feature i is of kind i modulo five; every seventh lacks a value now and then."""
    columns = {}
    for i in range(features):
        kind = KINDS[i % len(KINDS)]
        if kind == "normal":
            values = pa.array(random.normal(i, 1 + i, size=rows))
        elif kind == "skewed":
            values = pa.array(random.lognormal(sigma=1, size=rows))
        elif kind == "counts":
            values = pa.array(random.poisson(3 + i, size=rows))
        elif kind == "few":
            values = pa.array(random.integers(0, 2 + i % 3, size=rows))
        else:
            values = pa.array(np.array([f"v{k}" for k in range(12)])[random.integers(0, 3 + i % 9, size=rows)])
        if i % 7 == 1:
            values = pa.array(values.to_pylist(), mask=random.random(rows) < 0.02)
        columns[f"{kind}{i}"] = values
    return pa.RecordBatch.from_pydict(columns)


def state_of(batch: pa.RecordBatch) -> TableState:
    state = TableState()
    state.update(Batch(batch, [Run(0, "a.parquet", 1)]), {})
    return state


def write_baseline(folder: Path, state: TableState) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    statistics = finish_analysis(state, {}, "original").statistics
    (folder / "statistics.json").write_text(dump(encode_statistics(statistics)))
    (folder / "constraints.json").write_text(dump(encode_constraints(suggest(statistics))))
    return folder


def write_windows(folder: Path, states: list[TableState]) -> Path:
    """Lay states out as executions lie: `yyyy/mm/dd/hh`."""
    for i, state in enumerate(states):
        place = folder / "2026" / f"{i // 720 + 1:02d}" / f"{i // 24 % 30 + 1:02d}" / f"{i % 24:02d}"
        place.mkdir(parents=True)
        (place / "state.json.gz").write_bytes(state.to_bytes())
    return folder
