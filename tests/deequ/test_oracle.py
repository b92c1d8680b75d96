"""Deequ is the oracle of the statistics: its own analyzers, on Spark, find what our states find."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from analyzer.analyze import Task, finish_analysis, fold_all
from analyzer.dataset_formats import CsvFormat
from analyzer.documents import FeatureStatistics
from analyzer.engine.local import fold_locally
from analyzer.read import list_files, plan_partitions
from analyzer.readers.reading import Reading

pytestmark = [pytest.mark.spark, pytest.mark.deequ]
KINDS = {"Integral": "long", "Fractional": "double", "String": "string", "Unknown": "string"}
COLUMNS = 10
"""Of golden data, each of which costs Deequ passes of its own."""
Table = dict[str, list[str]]


def random_table(seed: int, rows: int) -> Table:
    """Columns of every type, with what makes them hard: gaps, signs, repeats, many values, texts that look odd."""
    rng = random.Random(seed)
    gap = rng.random() / 3

    def column(value):
        return ["" if rng.random() < gap else value() for _ in range(rows)]

    return {
        "few": column(lambda: str(rng.randrange(7))),
        "whole": column(lambda: str(rng.randrange(-(10**6), 10**6))),
        "signed": column(lambda: rng.choice("+-") + str(rng.randrange(100))),
        "decimal": column(lambda: f"{rng.gauss(3, 40):.4f}"),
        "tiny": column(lambda: f"{rng.random() * 1e-3:.9f}"),
        "mixed": column(lambda: rng.choice([str(rng.randrange(9)), f"{rng.random():.2f}"])),
        "words": column(lambda: rng.choice(["gold", "basic", "é ü", "a,b", "true", "1", "2.5"])),
        "codes": column(lambda: f"id{rng.randrange(10**9)}"),
        "flags": column(lambda: rng.choice(["true", "false"])),
        "constant": ["17"] * rows,
    }


def write(path: Path, table: Table) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def ours(path: Path, names: list[str]) -> list[tuple[FeatureStatistics, dict[str, int]]]:
    reading = Reading(CsvFormat(), columns=tuple(names), header=tuple(names))
    partitions = plan_partitions(list_files(path), CsvFormat())
    assert len(partitions) == 1, "the order of sums and sketches is that of one partition"
    state = fold_all(partitions, lambda some: fold_locally(some, Task(reading, {}), 1))
    features = finish_analysis(state, {}, "original").statistics.features
    counts = [(*column.kinds.tolist(), column.missing) for column in state.columns.values()]
    order = ("Integral", "Fractional", "Boolean", "String", "Unknown")
    return [(each, dict(zip(order, count, strict=True))) for each, count in zip(features, counts, strict=True)]


def compare(path: Path, table: Table, ask) -> int:
    found = ours(path, list(table))
    kinds = [KINDS[feature.inferred_type] for feature, _ in found]
    rows = [[value or None for value in row] for row in zip(*table.values(), strict=True)]
    numeric = 0
    for (feature, types), deequ in zip(found, ask("measure", rows, kinds), strict=True):
        where = feature.name
        assert feature.completeness == deequ["completeness"], where
        assert {kind: count for kind, count in types.items() if count} == {
            kind: count for kind, count in deequ["types"].items() if count
        }, where
        numbers, text = feature.numerical, feature.string
        distinct = numbers.approximate_num_distinct_values if numbers else text.distinct_count
        assert distinct == deequ["distinct"], where
        if numbers:
            numeric += 1
            for name, deequs in (("min", "minimum"), ("max", "maximum"), ("mean", "mean"), ("sum", "sum")):
                assert getattr(numbers, name) == deequ[deequs], (where, name)
            assert numbers.std_dev == pytest.approx(deequ["standarddeviation"], rel=1e-12), where
            buckets = [[each.lower_bound, each.upper_bound, each.count] for each in numbers.buckets]
            assert buckets == deequ["kll"]["buckets"], where
            assert [level.tolist() for level in numbers.sketch.levels] == deequ["kll"]["data"], where
    return numeric


@pytest.mark.parametrize(("seed", "rows"), [(2, 37), (4, 9000)])
def test_random_tables_have_deequs_figures(seed, rows, tmp_path, ask):
    table = random_table(seed, rows)
    write(tmp_path / "a.csv", table)
    assert compare(tmp_path / "a.csv", table, ask) >= 7


@pytest.mark.golden
@pytest.mark.parametrize("name", ["boston/housing.csv", "churn/training-dataset-with-header.csv"])
def test_golden_data_has_deequs_figures(name, shared, tmp_path, ask):
    with (shared / "golden" / f"data-quality-{name}").open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    table = {name: [row[i] for row in rows] for i, name in enumerate(header[:COLUMNS])}
    write(tmp_path / "a.csv", table)
    assert compare(tmp_path / "a.csv", table, ask) >= 6
