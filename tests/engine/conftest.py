"""Data in every format, cut into more partitions than a group, with a baseline that it violates."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analyzer import job, read
from analyzer.config import read_config

FILES = (
    "statistics.json", "constraints.json", "profile.json", "state.json.gz", "constraint_violations.json", "report.html",
    "report.md",
)  # fmt: skip
ROWS = 12_000
Row = dict[str, Any]
Written = tuple[Path, dict[str, Any], dict[str, str]]


def row(i: int, random: Random, *, broken: bool) -> Row:
    return {
        "id": i,
        "amount": None if broken and i % 11 == 0 else random.gauss(50, 9) * (3 if broken else 1),
        "when": 1_700_000_000_000 + random.randrange(10**7),
        "state": random.choice(["ok", "late", "lost" if broken else "ok"]),
        "note": f'line one\n{i},2,"3"\n"end' if i % 5 == 0 else f'{i % 40}" pipe',
        "code": "x" if broken and i == ROWS - 3 else str(i % 7).zfill(3),
    }


def rows(count: int, seed: int, *, broken: bool) -> list[Row]:
    random = Random(seed)
    return [row(i, random, broken=broken) for i in range(count)]


# --- formats ----------------------------------------------------------------------------------------------------------


def csv_text(records: list[Row], *, header: bool = True) -> str:
    lines = [",".join(records[0])] if header else []
    return "\n".join([*lines, *(",".join(csv_field(value) for value in record.values()) for record in records)]) + "\n"


def csv_field(value: Any) -> str:
    text = "" if value is None else str(value)
    # A quote inside a field that does not begin with one is a plain character.
    return '"' + text.replace('"', '""') + '"' if "\n" in text else text


def write_csv(folder: Path, records: list[Row]) -> Written:
    half = len(records) // 3
    (folder / "nested").mkdir(parents=True)
    (folder / "a.csv").write_text(csv_text(records[:half]))
    (folder / "nested" / "b.csv").write_text(csv_text(records[half:]))
    return folder, {"csv": {"header": True}}, {}


def write_script(folder: Path, records: list[Row]) -> Written:
    """A script that draws lots: the same ones whoever runs it."""
    source, dataset_format, _ = write_csv(folder / "data", [record | {"note": "n"} for record in records])
    script = folder / "sample.py"
    script.write_text(
        "import random\n\ndef preprocess_handler(line):\n"
        "    fields = line.split(',')\n"
        "    return [] if random.random() < 0.5 else {'first': fields[0], 'second': fields[1], 'third': fields[3]}\n"
    )
    return source, dataset_format, {"record_preprocessor_script": str(script)}


def write_json(folder: Path, records: list[Row]) -> Written:
    """Objects of which some lack keys, and nested ones."""
    folder.mkdir(parents=True)
    lines = [
        json.dumps({key: value for key, value in record.items() if value is not None} | {"deep": {"n": record["id"]}})
        for record in records
    ]
    (folder / "a.jsonl").write_text("\n".join(lines[:100]) + "\n")
    (folder / "b.jsonl").write_text("\n".join(lines[100:]) + "\n")
    return folder, {"json": {"lines": True}}, {}


def write_parquet(folder: Path, records: list[Row]) -> Written:
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(records)
    pq.write_table(table.slice(0, 500), folder / "a.parquet")
    pq.write_table(table.slice(500), folder / "b.parquet", row_group_size=500)
    return folder, {"parquet": {}}, {}


def write_captures(folder: Path, records: list[Row]) -> Written:
    folder.mkdir(parents=True)
    lines = [json.dumps(capture(record, number)) for number, record in enumerate(records)]
    (folder / "a.jsonl").write_text("\n".join(lines[:200]) + "\n")
    (folder / "b.jsonl").write_text("\n".join(lines[200:]) + "\n")
    return folder, {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}, {}


def capture(record: Row, number: int) -> dict[str, Any]:
    def event(text: str, mode: str) -> dict[str, str]:
        return {"observedContentType": "text/csv", "mode": mode, "data": text, "encoding": "CSV"}

    shown = [record[key] for key in ("amount", "when", "state", "code")]
    return {
        "captureData": {
            "endpointInput": event(",".join(csv_field(value) for value in shown), "INPUT"),
            "endpointOutput": event(f"{(number % 100) / 100}\n", "OUTPUT"),
        },
        "eventMetadata": {"eventId": str(number), "inferenceTime": "2024-01-01T00:00:00Z"},
        "eventVersion": "0",
    }


def write_hostile(folder: Path, records: list[Row]) -> Written:
    """Types and values that break things: NaN and infinities, large and negative zeros, dates, nothing at all."""
    folder.mkdir(parents=True)
    count = len(records) // 4
    odd = [math.nan, math.inf, -math.inf, -0.0, None, 1e308, 5e-324, 2.5]
    table = pa.table(
        {
            "float": pa.array([odd[i % 8] for i in range(count)]),
            "single": pa.array([None if i % 9 == 0 else i / 3 for i in range(count)], pa.float32()),
            "beyond": pa.array([2**53 + i for i in range(count)], pa.int64()),
            "unsigned": pa.array([2**64 - 1 - i % 3 for i in range(count)], pa.uint64()),
            "decimal": pa.array([Decimal(i).scaleb(-3) for i in range(count)], pa.decimal128(20, 3)),
            "day": pa.array([date(2024, 1, 1 + i % 28) for i in range(count)]),
            "time": pa.array([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=i) for i in range(count)]),
            "flag": pa.array([None if i % 50 == 0 else i % 2 == 0 for i in range(count)]),
            "category": pa.array([records[i]["state"] for i in range(count)]).dictionary_encode(),
            "nothing": pa.nulls(count),
            "empty": pa.array(["", None, " "] * (count // 3)),
            "constant": pa.array([0.1] * count),
        }
    )
    pq.write_table(table, folder / "a.parquet", row_group_size=100)
    return folder, {"parquet": {}}, {}


def write_wide(folder: Path, records: list[Row]) -> Written:
    """Hundreds of columns, some with names that mean something to some tool."""
    folder.mkdir(parents=True)
    names = ["a.b", "`tick`", "it's", "naïve", "🙂", "two words", "a,b", 'say "x"', "line\nbreak", "$", "%s", "{}"]
    names += [f"c{i}" for i in range(520 - len(names))]
    texts = ["- 5", ".", "1e400", "-0", "007", "nan", "inf", "", "9007199254740993", " 7", "1e-5", '""']
    lines = [",".join('"' + name.replace('"', '""') + '"' for name in names)]
    for i, record in enumerate(records[:300]):
        values = [texts[(i * j) % len(texts)] if j < 30 else str(record["id"] * j) for j in range(len(names))]
        lines.append(",".join([record["state"], *values[1:]]))
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    return folder, {"csv": {"header": True}}, {}


WRITERS: dict[str, Callable[[Path, list[Row]], Written]] = {
    "csv": write_csv,
    "script": write_script,
    "json": write_json,
    "parquet": write_parquet,
    "captures": write_captures,
    "hostile": write_hostile,
    "wide": write_wide,
}


# --- jobs -------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=sorted(WRITERS))
def monitor(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, bytes]]:
    """Run a monitoring job over broken data in one format; returns the bytes of its files."""
    # Row groups are partitions of their own, files are cut into more than two groups of partitions.
    size = {"parquet": 1, "hostile": 1, "wide": 300 * 1024}.get(request.param, 24 * 1024)
    monkeypatch.setattr(read, "PARTITION_BYTES", size)
    write = WRITERS[request.param]
    baseline_data, dataset_format, settings = write(tmp_path / "clean", rows(1500, 1, broken=False))
    data, _, settings = write(tmp_path / "broken", rows(ROWS, 2, broken=True))

    def run(into: str, source: Path, **more: str) -> Path:
        job.run(
            read_config(
                {
                    "ANALYZER_ROOT": str(tmp_path),
                    "ANALYZER_ENGINE": "local",
                    "ANALYZER_CORES": "1",
                    "ANALYZER_STRICT_CAPTURE": "false",
                    "dataset_source": str(source),
                    "dataset_format": json.dumps(dataset_format),
                    "output_path": str(tmp_path / into),
                    **settings,
                    **more,
                }
            )
        )
        return tmp_path / into

    baseline = run("baseline", baseline_data)

    def files_of(into: str, **more: str) -> dict[str, bytes]:
        found = run(
            into,
            data,
            baseline_constraints=str(baseline / "constraints.json"),
            baseline_statistics=str(baseline / "statistics.json"),
            **more,
        )
        return {name: (found / name).read_bytes() for name in FILES}

    return files_of
