"""Data on S3: read in ranges while it is analyzed, beside downloading it first."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import generate
from benchmarks.comparison import Comparison, compare
from benchmarks.measure import Run, interleaved
from benchmarks.subjects import CSV, ENGINES, HERE, PARQUET, Setup, job, warm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX = "window/"
KINDS = {"CSV": (generate.csv_files, CSV), "Parquet": (generate.parquet_files, PARQUET)}


def far(setup: Setup) -> list[Comparison]:
    """The large table in a bucket of 25 ms and 90 MB/s a connection, both engines, beside downloading it first."""
    lines = []
    for kind, (make, described) in KINDS.items():
        folder = make(setup.data, setup.rows)
        warm(folder)
        with _bucket(folder) as variables:
            subjects = {}
            for engine in ENGINES:
                there = partial(job, setup, described=described, engine=engine, settings=variables)
                subjects[f"{engine} ranges"] = partial(there, f"s3://bucket/{PREFIX}")
                subjects[f"{engine} first"] = partial(_download_first, there)
            runs = interleaved(subjects, setup.times(3))
        for engine, name in ENGINES.items():
            ours, theirs = runs[f"{engine} ranges"], runs[f"{engine} first"]
            same = {"rows": setup.rows, "peer_name": "downloading first", "ours": ours, "theirs": theirs}
            lines.append(compare("s3", f"{name}, {kind}, whole process", at_most=1.25, **same))
    return lines


def _download_first(there: partial[Run]) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        return there(folder, prefix=[sys.executable, str(HERE / "download_first.py"), "bucket", PREFIX, folder])


@contextmanager
def _bucket(folder: Path) -> Iterator[Mapping[str, str]]:
    """Serve a folder as a bucket; gives the variables with which AWS clients find it."""
    command = [sys.executable, str(HERE / "slow_s3.py"), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{it.stdout.readline().strip()}", "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip
