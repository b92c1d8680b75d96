"""The join on Spark: the same two functions in its tasks, and Spark's shuffle instead of files between them."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from analyzer.config import JobConfig
from analyzer.engine.spark import NO_DEPLOYMENT, Deployment, root_here, run_on_spark, spark_session, watched
from analyzer.errors import AnalyzerError
from analyzer.join import Joined, Joining, Merged, Packed, Tally, added, match, scatter
from analyzer.plan_merge import Plan, Share
from analyzer.readers.joined_sides import Seen

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS = "bucket long, number long, content binary"
"""Packed records (the number is their order), merged lines (that of their folder), or what a task has counted."""
COUNTED = -1
"""Stands in the place of a bucket for what a task has counted, or for what went wrong in it."""
ROWS_AT_ONCE = "spark.sql.execution.arrow.maxRecordsPerBatch"
FEW = 2
"""Rows hold megabytes each, where Spark reckons with bytes."""


@contextmanager
def joined_on_spark(
    plan: Plan, joining: Joining, config: JobConfig, deployment: Deployment = NO_DEPLOYMENT
) -> Iterator[Joined]:
    """Join on Spark; what comes between the phases, and the merged lines, lie on the disks of the executors.

    Raises InputError for what is no record, EngineError where Spark fails, or has no executors for long.
    """
    shares = [*plan.labels, *plan.captures]
    with ExitStack() as stack:
        session = stack.enter_context(spark_session(config, deployment))
        stack.enter_context(_small_batches(session))
        stack.enter_context(watched(session, len(shares), deployment.patience))
        scattered = stack.enter_context(_kept(_scattered(session, shares, joining)))
        seen = _counted(scattered)
        merged = stack.enter_context(_kept(_matched(scattered, joining.buckets)))
        yield Joined(
            captures=added(seen[len(plan.labels) :], Seen()),
            labels=added(seen[: len(plan.labels)], Seen()),
            tally=added(_counted(merged), Tally()),
            lines=_lines_of(merged),
        )


@contextmanager
def _small_batches(session: SparkSession) -> Iterator[None]:
    before = str(session.conf.get(ROWS_AT_ONCE))
    session.conf.set(ROWS_AT_ONCE, str(FEW))
    try:
        yield
    finally:
        session.conf.set(ROWS_AT_ONCE, before)


@contextmanager
def _kept(frame: DataFrame) -> Iterator[DataFrame]:
    """Keep on disk what is looked at twice."""
    from pyspark import StorageLevel

    kept = frame.persist(StorageLevel.DISK_ONLY)
    try:
        yield kept
    finally:
        kept.unpersist()


def _scattered(session: SparkSession, shares: Sequence[Share], joining: Joining) -> DataFrame:
    work = list(shares)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        here = joining.seen_from(root_here())
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from _scatter(number, work[number], here)

    return session.range(0, len(work), 1, len(work)).mapInArrow(run, ROWS)


def _scatter(number: int, share: Share, joining: Joining) -> Iterator[pa.RecordBatch]:
    seen = Seen()
    try:
        for packed in scatter(share, joining, seen):
            yield _row(*packed)
    except AnalyzerError as error:
        yield _row(COUNTED, number, pickle.dumps(error))
        return
    yield _row(COUNTED, number, pickle.dumps(seen))


def _row(bucket: int, number: int, content: bytes) -> pa.RecordBatch:
    return pa.record_batch(
        {
            "bucket": pa.array([bucket], pa.int64()),
            "number": pa.array([number], pa.int64()),
            "content": pa.array([content], pa.binary()),
        }
    )


def _counted(frame: DataFrame) -> list[Any]:
    """Collect what tasks have counted, in their order.

    Raises what went wrong in the first of them.
    """
    rows = run_on_spark(lambda: frame.filter(frame["bucket"] == COUNTED).select("number", "content").collect())
    rows.sort(key=lambda row: row["number"])
    found = [pickle.loads(bytes(row["content"])) for row in rows]  # noqa: S301 (our own bytes)
    for each in found:
        if isinstance(each, AnalyzerError):
            raise each
    return found


def _matched(scattered: DataFrame, buckets: int) -> DataFrame:
    """Bring each bucket's records together, labels first, and match them."""
    packed = scattered.filter(scattered["bucket"] != COUNTED)
    together = packed.repartitionById(buckets, packed["bucket"].cast("int")).sortWithinPartitions("bucket", "number")

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for bucket, some in groupby(_packed(batches), key=lambda each: each.bucket):
            tally = Tally()
            for merged in match(bucket, some, tally):
                yield _row(*merged)
            yield _row(COUNTED, bucket, pickle.dumps(tally))

    return together.mapInArrow(run, ROWS)


def _packed(batches: Iterable[pa.RecordBatch]) -> Iterator[Packed]:
    for batch in batches:
        columns = (batch.column(name) for name in ("bucket", "number", "content"))
        yield from (Packed(*(each.as_py() for each in row)) for row in zip(*columns, strict=True))


def _lines_of(merged: DataFrame) -> Iterator[Merged]:
    """Bring the merged lines to the driver, one bucket at a time."""
    rows = run_on_spark(lambda: merged.filter(merged["bucket"] != COUNTED).toLocalIterator())
    while row := run_on_spark(lambda: next(rows, None)):
        yield Merged(row["bucket"], row["number"], bytes(row["content"]))
