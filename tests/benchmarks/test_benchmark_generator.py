from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

TOP = Path(__file__).resolve().parents[2]
ROWS = 803
MAKE = "from pathlib import Path; from benchmarks import generate; generate.{call}"


def generate(call: str) -> None:
    """The folder tests/benchmarks has the name of the package, so the package is used in a process of its own."""
    subprocess.run([sys.executable, "-c", MAKE.format(call=call)], cwd=TOP, check=True)


@pytest.fixture
def table(tmp_path: Path) -> pl.DataFrame:
    subprocess.run(
        [sys.executable, "-m", "benchmarks", "data", "--rows", str(ROWS), "--data", str(tmp_path)], cwd=TOP, check=True
    )
    files = sorted((tmp_path / f"csv-{ROWS}").iterdir())
    assert len(files) == 8
    return pl.concat([pl.read_csv(path, infer_schema_length=None) for path in files])


def test_large_table_has_the_promised_shape(table: pl.DataFrame) -> None:
    kinds = [str(kind) for kind in table.dtypes]
    assert table.height == ROWS
    assert (kinds.count("Int64"), kinds.count("Float64"), kinds.count("String")) == (7, 7, 6)


def test_strings_run_from_two_values_to_one_a_row(table: pl.DataFrame) -> None:
    assert table["channel"].n_unique() == 2
    assert 2 < table["country"].n_unique() <= 60
    assert table["reference"].n_unique() == ROWS


def test_gaps_are_where_they_are_meant_to_be(table: pl.DataFrame) -> None:
    gaps = {name for name, count in table.null_count().row(0, named=True).items() if count}
    assert gaps == {"age", "change"}


def test_some_fields_need_quotes(table: pl.DataFrame) -> None:
    assert 0 < table["remark"].str.contains(",").sum() < ROWS / 10


def test_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        generate(f"csv_files(Path({str(tmp_path / name)!r}), 100)")
    one, two = (sorted((tmp_path / name / "csv-100").iterdir()) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_repeated_files_are_the_same_files_under_other_names(tmp_path: Path) -> None:
    generate(f"repeated_files(generate.csv_files(Path({str(tmp_path)!r}), 80), 10)")
    once, ten = ((tmp_path / name) for name in ("csv-80", "csv-80-times-10"))
    assert len(list(ten.iterdir())) == 80
    assert sum(path.stat().st_size for path in ten.iterdir()) == 10 * sum(
        path.stat().st_size for path in once.iterdir()
    )


def test_captures_carry_the_payloads_output_first(tmp_path: Path) -> None:
    generate(f"capture_files(Path({str(tmp_path)!r}), 80)")
    records = [json.loads(line) for line in (tmp_path / "capture-80" / "part-3.jsonl").read_text().splitlines()]
    halves = [record["captureData"] for record in records]
    joined = [half["endpointOutput"]["data"].strip() + "," + half["endpointInput"]["data"] for half in halves]
    assert joined == (tmp_path / "payload-80" / "part-3.csv").read_text().splitlines()
    assert {line.count(",") for line in joined} == {19}


def test_wide_table_has_its_columns_under_different_names(tmp_path: Path) -> None:
    generate(f"wide_file(Path({str(tmp_path)!r}), 5, 50)")
    wide = pl.read_csv(tmp_path / "wide-5-50" / "wide.csv")
    assert wide.shape == (5, 50)
    assert wide["price_0"].to_list() != wide["price_1"].to_list()
