from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from traffic import columns, document, missing

import analyzer.read
from analyzer.errors import InputError

FORM = {"parquet": {}}


@pytest.fixture
def write(tmp_path: Path):
    def writer(name: str = "1.parquet", row_group_size: int | None = None, **arrays) -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(arrays), path, row_group_size=row_group_size)
        return path.parent

    return writer


def test_columns_keep_their_order_and_types(run_job, write) -> None:
    data = write(
        z=pa.array([1, None, 3], pa.int32()),
        f=pa.array([0.5, 1.0, float("nan")]),
        t=pa.array(["x", "y", None]),
        c=pa.array(["u", "v", "u"]).dictionary_encode(),
        n=pa.array([7, 8, 7]).dictionary_encode(),
        b=pa.array([True, False, None]),
        d=pa.array([date(2025, 1, 2)] * 3),
        s=pa.array([datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)] * 3, pa.timestamp("s", "UTC")),
        m=pa.array([Decimal("1.50")] * 3),
        e=pa.array([None] * 3, pa.null()),
        h=pa.array([1.5, 2.5, 3.5], pa.float16()),
        l=pa.array(["p", "q", "p"], pa.large_string()),
        u=pa.array([2**63, 1, 2], pa.uint64()),
    )
    out = run_job(data, FORM)
    types = {each["name"]: each["inferred_type"] for each in document(out, "constraints")["features"]}
    assert "".join(types) == "zftcnbdsmehlu"
    assert {name for name, kind in types.items() if kind == "Integral"} == {"z", "n", "u"}
    assert {name for name, kind in types.items() if kind == "Fractional"} == {"f", "m", "h"}
    assert types["e"] == "Unknown"
    found = columns(out)
    assert found["z"] == [1.0, 3.0]
    assert found["b"] == {"true": 1, "false": 1, "NullValue": 1}
    assert found["d"] == {"2025-01-02": 3}
    assert found["m"] == [1.5] * 3
    assert missing(out)["z"] == 1


@pytest.mark.parametrize("size", [1, 10**9])
def test_row_groups_and_files_are_read_in_order(run_job, write, monkeypatch, size) -> None:
    write("1.parquet", row_group_size=3, a=list(range(10)))
    data = write("2.parquet", row_group_size=4, a=list(range(10, 20)))
    monkeypatch.setattr(analyzer.read, "PARTITION_BYTES", size)
    assert columns(run_job(data, FORM))["a"] == [float(i) for i in range(20)]


def test_a_column_that_a_file_lacks_is_missing_in_its_rows(run_job, write) -> None:
    write("1.parquet", a=[1, 2], b=["x", "y"])
    out = run_job(write("2.parquet", a=[3]), FORM)
    assert columns(out)["a"] == [1.0, 2.0, 3.0]
    assert missing(out) == {"a": 0, "b": 1}


@pytest.mark.parametrize(
    "strange",
    [
        pa.array([[1], [2]]),
        pa.array([{"x": 1}, None]),
        pa.array([b"x", b"y"]),
        pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
    ],
)
@pytest.mark.parametrize("given", ["deep", "1"])
def test_nested_columns_are_refused_by_name_unless_they_are_left_out(run_job, write, strange, given) -> None:
    data = write(a=[1, 2], deep=strange, c=[3, 4])
    with pytest.raises(InputError, match=r"1\.parquet: column 'deep' is of type .*, which is not tabular") as caught:
        run_job(data, FORM)
    assert "exclude_features_attribute" in caught.value.hint
    assert columns(run_job(data, FORM, exclude_features_attribute=given)) == {"a": [1.0, 2.0], "c": [3.0, 4.0]}


def test_durations_which_have_no_text_are_refused_by_name(run_job, write) -> None:
    data = write(a=[1], wait=pa.array([timedelta(seconds=1)]))
    try:
        assert columns(run_job(data, FORM))["wait"]
    except InputError as error:
        assert "'wait'" in error.message  # noqa: PT017 (either is fine, a crash is not)


def test_scripts_get_whole_rows_as_dicts(run_job, write, tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "def preprocess_handler(row):\n"
        "    if row['a'] == 2: return []\n"
        "    if row['a'] == 3: row['b'] = 'changed'; return row\n"
        "    return {'a': row['a'], 'b': row['b'], 'c': sum(row['deep']), 'deep': None, 'd': row['d']}\n"
    )
    data = write(a=[1, 2, 4], deep=pa.array([[1, 2], [3], [4]]), b=["x", "y", "z"], d=[date(2025, 1, 2)] * 3)
    out = run_job(data, FORM, record_preprocessor_script=script)
    assert list(columns(out)) == ["a", "b", "c", "d", "deep"]
    assert columns(out)["c"] == [3.0, 4.0]
    data = write(a=[3], b=["x"], d=[date(2025, 1, 2)], n=pa.array([{"x": 1}]))
    assert columns(run_job(data, FORM, record_preprocessor_script=script)) == {
        "a": [3.0],
        "b": {"changed": 1},
        "d": {"2025-01-02": 1},
        "n.x": [1.0],
    }


@pytest.mark.parametrize("content", [b"PAR1garbage", b"a,b\n1,2\n"])
def test_a_file_that_is_no_parquet_is_named(run_job, tmp_path, content) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "1.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"1\.parquet is not a sound Parquet file"):
        run_job(tmp_path / "data", FORM)


def test_a_file_that_breaks_off_in_its_data_is_named(run_job, write) -> None:
    data = write(a=list(range(10000)), b=[f"text {i}" for i in range(10000)])
    content = bytearray((data / "1.parquet").read_bytes())
    content[2000:9000] = bytes(7000)
    (data / "1.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"1\.parquet is not a sound Parquet file"):
        run_job(data, FORM)


def test_a_file_without_rows_holds_no_data(run_job, write) -> None:
    with pytest.raises(InputError, match="holds no data"):
        run_job(write(a=pa.array([], pa.int64())), FORM)
