"""Past windows replayed: how long a quarter of a year takes, and whether tuned thresholds keep their promise."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from benchmarks.comparison import Comparison
from benchmarks.measure import CommandFailed, run

if TYPE_CHECKING:
    from benchmarks.subjects import Setup

HOURS, HOURLY_ROWS, NUMBERS, CATEGORIES = 90 * 24, 500, 80, 20
MOST_SECONDS = 10.0
WINDOWS, FEATURES = 200, 50
RATES = (0.05, 0.01)
BASELINE_ROWS = 20_000
HERE = Path(__file__).resolve().parents[2]


def backtest(setup: Setup) -> list[Comparison]:
    """Seconds from start to exit for thresholds from 90 days of hourly states of 100 features."""
    hours = setup.scaled(HOURS)
    folder = setup.data / f"states-{hours}"
    if not (folder / "baseline").exists():
        _write(folder, _years_rows, hours, setup.cores)
    told = [folder / "runs", "--baseline", folder / "baseline", "--rate", 0.01, "--output", setup.data / "tuned"]
    seconds = []
    line = partial(Comparison, "backtest", f"{hours:,} states of {NUMBERS + CATEGORIES} features", hours, "limit")
    try:
        for _ in range(setup.times(3)):
            found = run([sys.executable, "-m", "analyzer", "tune", *map(str, told)], {}, cwd=HERE)
            seconds.append(found.seconds)
    except CommandFailed as failure:
        return [line(note=str(failure).splitlines()[-1])]
    return [line(seconds, [MOST_SECONDS], at_most=1.0)]


def tuned(setup: Setup) -> list[Comparison]:
    """Share of clean windows that alarm, with tuned thresholds and with the original's: per 1,000 windows."""
    windows = setup.scaled(WINDOWS)
    folder = setup.data / f"clean-{windows}"
    shutil.rmtree(folder, ignore_errors=True)
    _write(folder, _plain_rows, windows, setup.cores)
    _write_states(folder / "fresh", _plain_rows, range(windows, 2 * windows), setup.cores)
    lines = []
    for method in ("Robust", "PSI"):
        baseline = _with_method(folder, method)
        original = _replay(folder / "fresh", baseline)
        for rate in RATES:
            output = folder / f"tuned-{method}-{rate}"
            _tune(folder / "runs", baseline, "--rate", str(rate), "--output", str(output))
            now = _replay(folder / "fresh", output)
            held = now["low"] <= rate <= now["high"] or (method == "Robust" and now["rate"] <= rate)
            verdict = "held" if held else "broken"
            note = f"95 % interval {now['low']:.3g} to {now['high']:.3g}: {verdict}"
            lines.append(
                Comparison(
                    "tuned", f"{method} at a rate of {rate:g}, false alarms", windows, "the original's rule",
                    [now["rate"] * 1000], [original["rate"] * 1000], at_most=1.0 if held else 0.0, unit="in 1,000",
                    note=note,
                )
            )  # fmt: skip
    return lines


def _with_method(folder: Path, method: str) -> Path:
    baseline = folder / f"baseline-{method}"
    shutil.copytree(folder / "baseline", baseline)
    document = json.loads((baseline / "constraints.json").read_bytes())
    document["monitoring_config"]["distribution_constraints"]["comparison_method"] = method
    (baseline / "constraints.json").write_text(json.dumps(document))
    return baseline


def _tune(*told: Any) -> dict[str, Any]:
    states, baseline, *more = map(str, told)
    command = [sys.executable, "-m", "analyzer", "tune", states, "--baseline", baseline, "--format", "json", *more]
    done = subprocess.run(command, capture_output=True, check=True, cwd=HERE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _replay(states: Path, baseline: Path) -> dict[str, Any]:
    found: dict[str, Any] = _tune(states, baseline)["now"]
    return found


# --- data -------------------------------------------------------------------------------------------------------------


def _years_rows(random: np.random.Generator, rows: int) -> dict[str, Any]:
    """Draw 40 columns of measurements, 40 of whole numbers and 20 of categories."""
    half = NUMBERS // 2
    columns: dict[str, Any] = {f"measured{i}": random.normal(i, 1 + i, rows).round(6) for i in range(half)}
    columns |= {f"counted{i}": random.poisson(5 + i, rows) for i in range(half)}
    return columns | {f"kind{i}": _categories(random, rows, 4 + i % 9) for i in range(CATEGORIES)}


def _plain_rows(random: np.random.Generator, rows: int) -> dict[str, Any]:
    """Draw 50 columns of all shapes, every tenth with a missing value now and then."""
    columns: dict[str, Any] = {}
    for i in range(FEATURES):
        kind = i % 5
        if kind == 0:
            values = pa.array(random.normal(i, 1 + i, rows))
        elif kind == 1:
            values = pa.array(random.lognormal(sigma=0.5 + i / 50, size=rows))
        elif kind == 2:
            values = pa.array(random.poisson(2 + i, rows))
        elif kind == 3:
            values = pa.array(random.exponential(1 + i, rows))
        else:
            values = pa.array(_categories(random, rows, 3 + i % 11))
        gaps = random.random(rows) < 0.02
        columns[f"column{i}"] = pa.array(values.to_pylist(), mask=gaps) if i % 10 in {1, 4} else values
    return columns


def _categories(random: np.random.Generator, rows: int, count: int) -> Any:
    return np.array([f"value{k}" for k in range(count)])[random.integers(0, count, rows)]


def _state(draw: Any, seed: int, rows: int) -> Any:
    from analyzer.analyzers.table import Batch, Run, TableState

    state = TableState()
    columns = draw(np.random.default_rng(seed), rows)
    state.update(Batch(pa.RecordBatch.from_pydict({k: pa.array(v) for k, v in columns.items()}), [Run(0, "a", 1)]), {})
    return state


def _write(folder: Path, draw: Any, hours: int, cores: int) -> None:
    from analyzer.analyze import finish_analysis
    from analyzer.encode import encode_constraints, encode_statistics
    from analyzer.jsonlayout import dump
    from analyzer.suggest import suggest

    _write_states(folder / "runs", draw, range(hours), cores)
    statistics = finish_analysis(_state(draw, 2**32, BASELINE_ROWS), {}, "original").statistics
    (folder / "baseline").mkdir(parents=True)
    (folder / "baseline" / "statistics.json").write_text(dump(encode_statistics(statistics)))
    (folder / "baseline" / "constraints.json").write_text(dump(encode_constraints(suggest(statistics))))


def _write_states(folder: Path, draw: Any, hours: range, cores: int) -> None:
    """Write states as executions lie, `yyyy/mm/dd/hh`; each is of other rows."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, mp_context=context) as pool:
        list(pool.map(partial(_write_hour, folder, draw), hours, chunksize=20))


def _write_hour(folder: Path, draw: Any, hour: int) -> None:
    day = hour // 24
    place = (
        folder / "endpoint" / "schedule" / "2026" / f"{day // 30 + 1:02d}" / f"{day % 30 + 1:02d}" / f"{hour % 24:02d}"
    )
    place.mkdir(parents=True, exist_ok=True)
    (place / "state.json.gz").write_bytes(_state(draw, hour, HOURLY_ROWS).to_bytes())
