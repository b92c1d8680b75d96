"""The engine without a cluster: partitions folded in this process, or in a few beside it when there are several."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from analyzer.analyze import Folded, Task, fold_partition, grouped, merge_folded
from analyzer.engine.progress import Progress
from analyzer.errors import EngineError
from analyzer.read import Partition

log = logging.getLogger(__name__)
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def limit_threads() -> None:
    """Have every process use one thread: as many processes as cores already use them all."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)


def fold_locally(partitions: Sequence[Partition], task: Task, cores: int) -> list[Folded]:
    """Fold partitions on this machine, in groups of neighbours.

    Raises EngineError where a worker process dies.
    """
    workers = min(cores, len(partitions))
    progress = Progress(len(partitions))
    if workers <= 1:
        return _merge_groups((fold_partition(partition, task) for partition in partitions), partitions, progress)
    limit_threads()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            return _merge_groups(pool.map(partial(fold_partition, task=task), partitions), partitions, progress)
        except BrokenProcessPool as error:
            raise EngineError(
                f"A worker process ended abruptly: {error}.",
                "This is mostly for want of memory: give the job more, or set ANALYZER_CORES to a smaller number.",
            ) from error
        except BaseException:
            _kill(pool)
            raise


def _merge_groups(parts: Iterator[Folded], partitions: Sequence[Partition], progress: Progress) -> list[Folded]:
    merged = []
    for group in grouped(partitions):
        merged.append(merge_folded(progress.over(next(parts) for _ in group)))
    return merged


def _kill(pool: ProcessPoolExecutor) -> None:
    """End workers at once: what they are at is of no more use."""
    for process in list((pool._processes or {}).values()):  # noqa: SLF001 (the pool has no public way before 3.14)
        process.kill()
    pool.shutdown(wait=False, cancel_futures=True)
