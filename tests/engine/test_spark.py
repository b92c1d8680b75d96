"""The same bytes from Spark as from one process, and sources that only Spark reads."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from analyzer import read
from analyzer.engine import spark as spark_engine
from analyzer.errors import EngineError, InputError, ScriptError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
RunJob = Callable[..., Path]
CSV = {"csv": {"header": True}}
SPARK = {"ANALYZER_ENGINE": "spark"}


def features(folder: Path, name: str = "statistics.json") -> dict[str, Any]:
    return {feature["name"]: feature for feature in json.loads((folder / name).read_text())["features"]}


def comparable(feature: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on the order of rows."""
    numbers = feature.get("numerical_statistics")
    if numbers is None:
        text = feature["string_statistics"]
        return {"type": feature["inferred_type"], "common": text["common"], "distinct": text["distinct_count"]}
    return {
        "type": feature["inferred_type"],
        **{key: numbers[key] for key in ("common", "min", "max", "approximate_num_distinct_values")},
        "mean": pytest.approx(numbers["mean"], rel=1e-12),
        "std_dev": pytest.approx(numbers["std_dev"], rel=1e-9),
    }


# --- the same partitions ----------------------------------------------------------------------------------------------


def test_spark_writes_the_same_bytes_as_one_process(
    spark: SparkSession, monitor: Callable[..., dict[str, bytes]]
) -> None:
    local, distributed = monitor("local"), monitor("spark", **SPARK)

    assert distributed == local


def test_a_few_partitions_are_the_same_bytes_too(spark: SparkSession, run_job: RunJob, tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{i}.csv").write_text("a,b\n" + "".join(f"{i},{j / 7}\n" for j in range(100)))

    local, distributed = (
        run_job(tmp_path / "in", CSV, into=engine, ANALYZER_ENGINE=engine) for engine in ("local", "spark")
    )

    for name in ("statistics.json", "constraints.json", "profile.json", "state.json.gz"):
        assert (local / name).read_bytes() == (distributed / name).read_bytes()


@pytest.mark.parametrize("groups_per_core", [1, 1000])
def test_tasks_of_groups_and_of_partitions_write_the_bytes_of_one_process(
    groups_per_core: int, spark: SparkSession, run_job: RunJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "PARTITION_BYTES", 256)
    monkeypatch.setattr(spark_engine, "GROUPS_PER_CORE", groups_per_core)
    monkeypatch.setattr(spark_engine, "MOST_IDLE", 0)
    quoted = "".join(f'{j},"{"x" * (j % 300)}\n{j}"\n' for j in range(400))
    (tmp_path / "a.csv").write_text("a,b\n" + quoted)

    local, distributed = (
        run_job(tmp_path / "a.csv", CSV, into=engine, ANALYZER_ENGINE=engine) for engine in ("local", "spark")
    )

    for name in ("statistics.json", "constraints.json", "profile.json", "state.json.gz"):
        assert (local / name).read_bytes() == (distributed / name).read_bytes()


@pytest.mark.parametrize(
    ("sizes", "cores", "whole"),
    [
        ([16, 16, 16, 16], 2, True),
        ([16, 16, 16, 16, 16, 16, 11], 2, True),
        ([16, 16, 11], 3, True),
        ([16, 16, 11], 2, False),
        ([16, 1], 2, False),
        ([16, 16], 3, False),
        ([16] * 9, 2, True),
    ],
)
def test_groups_are_taken_whole_where_no_core_waits_long_for_another(
    sizes: list[int], cores: int, *, whole: bool
) -> None:
    assert spark_engine.are_even([range(size) for size in sizes], cores) == whole


def test_auto_takes_spark_from_the_threshold_on(
    spark: SparkSession, run_job: RunJob, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "a.csv").write_text("a\n1\n")

    run_job(tmp_path / "a.csv", CSV, ANALYZER_ENGINE="auto", ANALYZER_SPARK_THRESHOLD="1")

    assert any(message.endswith("partitions on spark") for message in caplog.messages)


def test_a_job_does_not_stop_a_session_that_it_found(spark: SparkSession, run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")

    run_job(tmp_path / "a.csv", CSV, **SPARK)

    assert spark.range(3).count() == 3


def test_a_fault_of_the_data_names_file_and_line_and_not_spark(
    spark: SparkSession, run_job: RunJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "PARTITION_BYTES", 512)
    lines = [f"{i},{i}" for i in range(3000)]
    lines[2000] = "1,2,3"
    (tmp_path / "bad.csv").write_text("\n".join(["a,b", *lines]) + "\n")

    with pytest.raises(InputError, match=r"bad\.csv, line 2002 has 3 fields, expected 2"):
        run_job(tmp_path / "bad.csv", CSV, **SPARK)


def test_a_script_that_fails_in_a_task_is_named(spark: SparkSession, run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n0\n")
    (tmp_path / "script.py").write_text("def preprocess_handler(line):\n    return {'a': 1 // int(line or 'a')}\n")

    with pytest.raises(ScriptError, match="ValueError"):
        run_job(tmp_path / "a.csv", CSV, **SPARK, record_preprocessor_script=tmp_path / "script.py")


# --- sources that only Spark reads ------------------------------------------------------------------------------------


@pytest.fixture
def table() -> pa.Table:
    count = 3000
    return pa.table(
        {
            "whole": pa.array([None if i % 10 == 0 else i for i in range(count)], pa.int64()),
            "real": pa.array([math.sin(i) * 1e6 for i in range(count)]),
            "small": pa.array([i % 3 for i in range(count)], pa.int32()),
            "price": pa.array([Decimal(i) / 100 for i in range(count)], pa.decimal128(10, 2)),
            "state": pa.array([["ok", "late", None][i % 3] for i in range(count)]),
            "day": pa.array([date(2024, 1, 1 + i % 28) for i in range(count)]),
            "flag": pa.array([i % 2 == 0 for i in range(count)]),
        }
    )


def check_like_parquet(found: Path, expected: Path) -> None:
    ours, theirs = features(found), features(expected)
    assert sorted(ours) == sorted(theirs)
    for name, feature in theirs.items():
        assert comparable(ours[name]) == comparable(feature), name
    domains = [features(folder, "constraints.json") for folder in (found, expected)]
    assert [sorted(d["state"]["string_constraints"]["domains"]) for d in domains] == [["NullValue", "late", "ok"]] * 2


def test_orc_files_give_the_figures_of_parquet(
    spark: SparkSession, run_job: RunJob, tmp_path: Path, table: pa.Table
) -> None:
    (tmp_path / "orc").mkdir()
    orc.write_table(table.slice(0, 1000), tmp_path / "orc" / "a.orc")
    orc.write_table(table.slice(1000), tmp_path / "orc" / "b.orc")
    pq.write_table(table, tmp_path / "all.parquet")

    found = run_job(tmp_path / "orc", {"spark": {"format": "orc", "options": {}}}, into="orc-out", **SPARK)

    check_like_parquet(found, run_job(tmp_path / "all.parquet", {"parquet": {}}))
    assert list(features(found)) == table.column_names


def test_options_reach_sparks_reader(spark: SparkSession, run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("n;s\n1;x\n2;y\n")

    found = run_job(
        tmp_path / "a.txt",
        {"spark": {"format": "csv", "options": {"sep": ";", "header": "true", "inferSchema": "true"}}},
        **SPARK,
    )

    assert features(found)["n"]["numerical_statistics"]["sum"] == 3.0


def test_a_table_gives_the_figures_of_parquet(
    spark: SparkSession, run_job: RunJob, tmp_path: Path, table: pa.Table
) -> None:
    pq.write_table(table, tmp_path / "all.parquet")
    spark.read.parquet(str(tmp_path / "all.parquet")).repartition(20).createOrReplaceTempView("measured")

    found = run_job("unused", {"spark": {"table": "measured"}}, into="table-out", **SPARK)

    check_like_parquet(found, run_job(tmp_path / "all.parquet", {"parquet": {}}))
    assert list(features(found)) == table.column_names


def test_odd_column_names_of_a_table(spark: SparkSession, run_job: RunJob) -> None:
    names = ["a.b", "tick`s", 'say "x"', "naïve", "🙂", "two words"]
    spark.createDataFrame([(1, 2, 3, 4, 5, 6)], names).createOrReplaceTempView("odd")

    found = run_job("unused", {"spark": {"table": "odd"}}, **SPARK)

    assert {name: f["numerical_statistics"]["sum"] for name, f in features(found).items()} == dict(
        zip(names, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], strict=True)
    )


def test_a_nested_column_of_a_table_is_refused_by_name_and_can_be_left_out(
    spark: SparkSession, run_job: RunJob
) -> None:
    spark.createDataFrame([(1, [1, 2]), (2, [3])], ["n", "list"]).createOrReplaceTempView("nested")

    with pytest.raises(InputError, match="column 'list' is of type list"):
        run_job("unused", {"spark": {"table": "nested"}}, **SPARK)

    found = run_job("unused", {"spark": {"table": "nested"}}, **SPARK, exclude_features_attribute="list")
    assert list(features(found)) == ["n"]


def test_an_empty_table_is_an_error(spark: SparkSession, run_job: RunJob) -> None:
    spark.createDataFrame([], "a int").createOrReplaceTempView("nothing")

    with pytest.raises(InputError, match="there are no rows"):
        run_job("unused", {"spark": {"table": "nothing"}}, **SPARK)


@pytest.mark.parametrize("source", [{"table": "no_such_table"}, {"format": "no_such_format"}, {"format": "orc"}])
def test_a_source_that_spark_cannot_open_is_named(
    spark: SparkSession, run_job: RunJob, tmp_path: Path, source: dict[str, str]
) -> None:
    with pytest.raises(InputError, match="Spark cannot open") as caught:
        run_job(tmp_path / "absent", {"spark": source}, **SPARK)

    assert "dataset_format" in caught.value.hint


@pytest.mark.parametrize("rows", [2, 12_000])
def test_a_script_travels_to_hosts_that_lack_it(spark, tmp_path, run_job, monkeypatch, rows) -> None:
    """A path through an open folder of this process leads nowhere in the processes of the tasks."""
    monkeypatch.setattr(read, "PARTITION_BYTES", 256)
    (tmp_path / "a.csv").write_text("a,b\n" + "1,x\n" * rows)
    (tmp_path / "own.py").write_text("def preprocess_handler(line):\n    return {'length': len(line)}\n")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        script = f"/proc/self/fd/{folder}/own.py"
        found = run_job(tmp_path / "a.csv", CSV, ANALYZER_ENGINE="spark", record_preprocessor_script=script)
    finally:
        os.close(folder)
    assert json.loads((found / "statistics.json").read_text())["features"][0]["name"] == "length"


# --- settings ---------------------------------------------------------------------------------------------------------


def test_settings_of_a_session_are_its_owners_again_after_our_queries(spark: SparkSession) -> None:
    def fail() -> None:
        with spark_engine.interpreted(spark):
            assert {key: spark.conf.get(key) for key in spark_engine.INTERPRETED} == spark_engine.INTERPRETED
            spark_engine.map_on_spark(spark, lambda each: 1 // each, [0])

    spark.conf.set("spark.sql.codegen.wholeStage", "true")
    with pytest.raises(EngineError):
        fail()
    assert spark.conf.get("spark.sql.codegen.wholeStage") == "true"
    assert spark.conf.get("spark.sql.codegen.factoryMode") == "FALLBACK"
