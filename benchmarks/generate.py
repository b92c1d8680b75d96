"""The benchmarks' data: seeded, so that every machine measures the same bytes, and kept in benchmarks/data.

One table of 20 columns stands for the usual training set: 14 numbers (7 whole, 7 with decimals; two with missing
values) and 6 strings from 2 distinct values to one a row. At 4,000,000 rows it is about 600 MB of CSV in 8 files.
"""

from __future__ import annotations

import functools
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import orjson
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

FILES = 8
MODEL_FEATURES = 15
SEED = 20
WORDS = np.array(["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "inlet", "juniper", "larch"])
RELATIONSHIPS = ("Husband", "Wife", "Own-child", "Not-in-family", "Unmarried")
PRODUCTS, CODES = 5_000, 100_000


def table(rows: int, part: int) -> pl.DataFrame:
    """Make one file's rows; the same `rows` and `part` always give the same values."""
    random = np.random.default_rng([SEED, rows, part])
    return pl.DataFrame(_whole_numbers(random, rows, part) | _decimals(random, rows) | _strings(random, rows, part))


def _whole_numbers(random: Generator, rows: int, part: int) -> dict[str, object]:
    return {
        "id": np.arange(rows) + rows * part,
        "rating": random.integers(1, 6, rows),
        "quantity": random.poisson(3, rows),
        "age": _with_gaps(random, random.integers(18, 95, rows)),
        "balance": random.normal(0, 50_000, rows).astype(np.int64),
        "clicks": (random.pareto(1.2, rows) * 10).astype(np.int64) % 1_000_000,
        "moment": 1_700_000_000_000 + random.integers(0, 31_536_000_000, rows),
    }


def _decimals(random: Generator, rows: int) -> dict[str, object]:
    return {
        "price": random.lognormal(3, 1, rows).round(2),
        "ratio": random.random(rows).round(6),
        "temperature": random.normal(12, 9, rows).round(1),
        "latitude": random.uniform(-90, 90, rows).round(5),
        "longitude": random.uniform(-180, 180, rows).round(5),
        "score": random.beta(2, 5, rows).round(8),
        "change": _with_gaps(random, random.normal(0, 1, rows).round(4)),
    }


def _strings(random: Generator, rows: int, part: int) -> dict[str, object]:
    words = WORDS[random.integers(0, len(WORDS), (3, rows))]
    comma = np.where(random.random(rows) < 0.01, ", ", " ")  # one in a hundred needs quotes
    return {
        "channel": np.array(["web", "store"])[random.integers(0, 2, rows)],
        "country": _labels("C", 60)[random.zipf(1.5, rows) % 60],
        "product": _labels("product-", PRODUCTS)[random.integers(0, PRODUCTS, rows)],
        "code": _labels("", CODES)[random.integers(0, CODES, rows)],
        "remark": words[0] + comma + words[1] + " " + words[2],
        "reference": [f"{part:x}{value:015x}" for value in random.integers(0, 2**60, rows)],
    }


@functools.cache
def _labels(prefix: str, count: int) -> NDArray[np.str_]:
    """Labels with letters, so that none reads as a number: prefix, then base 36."""
    return np.array([f"{prefix}{np.base_repr(number, 36).zfill(4)}x" for number in range(count)])


def _with_gaps(random: Generator, values: NDArray[np.generic]) -> pl.Series:
    """Miss one value in fifty."""
    return (
        pl.Series(values)
        .to_frame("v")
        .select(pl.when(pl.lit(pl.Series(random.random(len(values)) >= 0.02))).then("v"))["v"]
    )


def csv_files(data: Path, rows: int) -> Path:
    return _kept(data / f"csv-{rows}", lambda folder: _write_csv(folder, rows))


def parquet_files(data: Path, rows: int) -> Path:
    """Write the same values as `csv_files`, typed, in row groups of at most 250,000 rows."""
    return _kept(data / f"parquet-{rows}", lambda folder: _write_parquet(folder, rows))


def repeated_files(source: Path, times: int) -> Path:
    """Make a folder of `times` as many rows without the disk space: links to the same files under other names."""
    target = source.with_name(f"{source.name}-times-{times}")
    return _kept(target, lambda folder: _link(source, folder, times))


def wide_file(data: Path, rows: int, columns: int) -> Path:
    """Write one CSV of `columns` columns: the table's 20 again and again, each time with other values."""
    return _kept(data / f"wide-{rows}-{columns}", lambda folder: _write_wide(folder, rows, columns))


def capture_files(data: Path, rows: int) -> tuple[Path, Path]:
    """Write JSON Lines captures (19 inputs, 1 output, no quotes needed) and their payloads as CSV without header."""
    return (
        _kept(data / f"capture-{rows}", lambda folder: _write_captures(folder, rows)),
        _kept(data / f"payload-{rows}", lambda folder: _write_payloads(folder, rows)),
    )


def merge_files(data: Path, pairs: int) -> tuple[Path, Path]:
    """Write captures in hour folders, and as many labels in another order; nine of ten find each other."""
    folder = _kept(data / f"merge-{pairs}", lambda folder: _write_sides(folder, pairs))
    return folder / "captures", folder / "labels"


def prediction_files(data: Path, rows: int) -> Path:
    """Write one CSV of labels, predicted labels and calibrated probabilities that are all different."""
    return _kept(data / f"predictions-{rows}", lambda folder: _write_predictions(folder, rows))


def model_files(data: Path, rows: int, *, linear: bool = False) -> Path:
    """Write a model of scikit-learn, `model.joblib`, and one CSV of its features in `rows`.

    It is gradient boosting, or a logistic regression, which is about the cheapest there is.
    """
    kind = "linear-model" if linear else "model"
    return _kept(data / f"{kind}-{rows}", lambda folder: _write_model(folder, rows, linear=linear))


def bias_files(data: Path, rows: int) -> Path:
    """Write one CSV of facets, a group, label and predicted label."""
    return _kept(data / f"bias-{rows}", lambda folder: _write_people(folder, rows))


def _kept(folder: Path, write: Callable[[Path], None]) -> Path:
    """Write into a neighbour and rename, so that a folder that exists is complete."""
    if not folder.exists():
        unfinished = folder.with_name(folder.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        write(unfinished)
        unfinished.rename(folder)
    return folder


def _parts(rows: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """Split the rows into FILES tables that differ by one row at most."""
    for part in range(FILES):
        yield part, table((rows + part) // FILES, part)


def _write_predictions(folder: Path, rows: int) -> None:
    at_once = 1_000_000
    with (folder / "predictions.csv").open("wb") as file:
        for part, start in enumerate(range(0, rows, at_once)):
            random = np.random.default_rng((SEED, part))
            scores = random.random(min(at_once, rows - start))
            labels = (random.random(len(scores)) < scores).astype(int)
            frame = pl.DataFrame({"label": labels, "prediction": (scores > 0.5).astype(int), "probability": scores})
            frame.write_csv(file, include_header=not start)


def _write_people(folder: Path, rows: int) -> None:
    at_once = 1_000_000
    with (folder / "people.csv").open("wb") as file:
        for part, start in enumerate(range(0, rows, at_once)):
            people(min(at_once, rows - start), part).write_csv(file, include_header=not start)


def people(rows: int, part: int) -> pl.DataFrame:
    """Make rows of which women and the poor are labelled, and predicted, positive less often."""
    random = np.random.default_rng((SEED, rows, part))
    sex, income = random.integers(0, 2, rows), random.gamma(2, 20_000, rows).round(2)
    labels = (random.random(rows) < 0.2 + 0.1 * sex + 0.1 * (income > 40_000)).astype(int)
    return pl.DataFrame(
        {
            "age": random.integers(17, 91, rows),
            "sex": sex,
            "origin": random.integers(0, 5, rows),
            "relationship": np.array(RELATIONSHIPS)[random.integers(0, len(RELATIONSHIPS), rows)],
            "income": income,
            "label": labels,
            "predicted": np.where(random.random(rows) < 0.8, labels, 1 - labels),
        }
    )


def _write_csv(folder: Path, rows: int) -> None:
    for part, frame in _parts(rows):
        frame.write_csv(folder / f"part-{part}.csv")


def _write_parquet(folder: Path, rows: int) -> None:
    for part, frame in _parts(rows):
        frame.write_parquet(folder / f"part-{part}.parquet", row_group_size=250_000)


def _link(source: Path, folder: Path, times: int) -> None:
    for path in sorted(source.iterdir()):
        for copy in range(times):
            os.link(path, folder / f"{path.stem}-copy-{copy}{path.suffix}")


def _write_wide(folder: Path, rows: int, columns: int) -> None:
    blocks = [table(rows, block) for block in range(-(-columns // 20))]
    for block, frame in enumerate(blocks):
        frame.columns = [f"{name}_{block}" for name in frame.columns]
    pl.concat(blocks, how="horizontal")[:, :columns].write_csv(folder / "wide.csv")


def _write_captures(folder: Path, rows: int) -> None:
    for part, lines in _payloads(rows):
        records = (_capture(line, f"{part:02x}{number:030x}") for number, line in enumerate(lines))
        (folder / f"part-{part}.jsonl").write_bytes(b"\n".join(records) + b"\n")


def _write_payloads(folder: Path, rows: int) -> None:
    for part, lines in _payloads(rows):
        (folder / f"part-{part}.csv").write_text("\n".join(lines) + "\n")


def _payloads(rows: int) -> Iterator[tuple[int, list[str]]]:
    for part, frame in _parts(rows):
        plain = frame.with_columns(pl.col("remark").str.replace_all(",", ""))
        yield part, plain.write_csv(include_header=False).splitlines()


def _write_sides(folder: Path, pairs: int) -> None:
    for part, lines in _payloads(pairs):
        captures = folder / "captures" / "churn" / "AllTraffic" / "2026" / "01" / "05" / f"{part:02}"
        labels = folder / "labels" / "2026" / "01" / "06" / f"{part:02}"
        for each in (captures, labels):
            each.mkdir(parents=True)
        records = (_capture(line, _scattered(part, number)) for number, line in enumerate(lines))
        (captures / "part.jsonl").write_bytes(b"\n".join(records) + b"\n")
        beside = (_scattered((part + 3) % FILES, number + len(lines) // 10) for number in range(len(lines)))
        (labels / "part.jsonl").write_bytes(b"\n".join(_label(event) for event in beside) + b"\n")


def _scattered(part: int, number: int) -> str:
    """Make an id of a record that says nothing of where the record lies."""
    return f"{(number * 2654435761 + part) % 2**32:08x}-0000-4000-8000-{part:02x}{number:010x}"


def _label(event: str) -> bytes:
    found = {"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId": event}}
    return orjson.dumps(found | {"eventVersion": "0"})


def _capture(line: str, event: str) -> bytes:
    """Build a record whose output is the row's first field and whose input is the rest."""
    output, given = line.split(",", 1)
    return orjson.dumps(
        {
            "captureData": {
                "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": given, "encoding": "CSV"},
                "endpointOutput": {
                    "observedContentType": "text/csv; charset=utf-8",
                    "mode": "OUTPUT",
                    "data": output + "\n",
                    "encoding": "CSV",
                },
            },
            "eventMetadata": {"eventId": event, "inferenceTime": "2026-01-05T10:00:00Z"},
            "eventVersion": "0",
        }
    )


def _write_model(folder: Path, rows: int, *, linear: bool) -> None:
    import joblib
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(SEED)
    features = random.normal(size=(rows, MODEL_FEATURES)).round(4)
    frame = pl.DataFrame(features, [f"feature_{i}" for i in range(MODEL_FEATURES)], orient="row")
    (folder / "rows").mkdir()
    frame.write_csv(folder / "rows" / "rows.csv")
    some = frame.head(20_000).to_pandas()
    labels = (some["feature_0"] + some["feature_1"] * some["feature_2"] > 0).astype(int)
    model = LogisticRegression() if linear else HistGradientBoostingClassifier(max_iter=100)
    joblib.dump(model.fit(some, labels), folder / "model.joblib")
