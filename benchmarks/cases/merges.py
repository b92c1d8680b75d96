"""What merging captures with labels costs as both sides grow: against itself, on fewer of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks import generate
from benchmarks.comparison import Comparison, compare, compare_memory
from benchmarks.measure import interleaved
from benchmarks.subjects import ENGINES, Setup, merge, warm

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = 5_000_000
TIMES = 4
"""How many times as many pairs the larger merge has."""
PATIENCE = 200


def merges(setup: Setup) -> list[Comparison]:
    """Time a pair and peak memory at 5,000,000 captures and labels against those at 1,250,000."""
    large = setup.scaled(PAIRS)
    sizes = {"few": large // TIMES, "many": large}
    sides = {name: _sides(setup, size) for name, size in sizes.items()}
    subjects = {f"{engine} {name}": partial(merge, setup, *sides[name], engine) for name in sizes for engine in ENGINES}
    runs = interleaved(subjects, setup.times(3), PATIENCE)
    lines = []
    for engine, name in ENGINES.items():
        ours, theirs = runs[f"{engine} many"], runs[f"{engine} few"]
        same = {"rows": large, "peer_name": f"itself at {sizes['few']:,} pairs", "ours": ours, "theirs": theirs}
        cost = compare("merge", f"{name}, per pair, whole process", at_most=1.2, **same)
        lines.append(cost.per(large, sizes["few"]))
        driver = compare_memory("merge", f"{name}, driver's Python", roles=("main",), at_most=1.2, **same)
        workers = compare_memory("merge", f"{name}, its Python workers", roles=("workers",), at_most=None, **same)
        lines += [driver, workers]
    return lines


def _sides(setup: Setup, pairs: int) -> tuple[Path, Path]:
    captures, labels = generate.merge_files(setup.data, pairs)
    for side in (captures, labels):
        for file in side.rglob("*.jsonl"):
            warm(file.parent)
    return captures, labels
