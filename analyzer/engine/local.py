"""The engine without a cluster: partitions folded in this process, or in a few beside it when there are several."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from analyzer.analyze import Folded, Task, fold_partition, grouped, merge_folded
from analyzer.engine.progress import Progress
from analyzer.errors import EngineError
from analyzer.read import Partition
from analyzer.tune_numpy import tune_numpy

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

log = logging.getLogger(__name__)
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


TUNED = (*ONE_THREAD, "NPY_DISABLE_CPU_FEATURES")
"""What a worker process on another host is to be told, too."""


def tune_workers() -> None:
    """Set what worker processes inherit: one thread each, and on AMD the faster of NumPy's sorts."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    tune_numpy()


def fold_locally(partitions: Sequence[Partition], task: Task, cores: int) -> list[Folded]:
    """Fold partitions on this machine, in groups of neighbours.

    Raises EngineError where a worker process dies.
    """
    workers = min(cores, len(partitions))
    progress = Progress(len(partitions))
    if workers <= 1:
        return _merge_groups((fold_partition(partition, task) for partition in partitions), partitions, progress)
    return _fold_beside(partitions, task, workers, progress)


def _fold_beside(partitions: Sequence[Partition], task: Task, workers: int, progress: Progress) -> list[Folded]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    tune_workers()
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
    return [merge_folded(progress.over(islice(parts, len(group)))) for group in grouped(partitions)]


def _kill(pool: ProcessPoolExecutor) -> None:
    """End workers at once: what they are at is of no more use."""
    for process in list((pool._processes or {}).values()):  # noqa: SLF001 (the pool has no public way before 3.14)
        process.kill()
    pool.shutdown(wait=False, cancel_futures=True)
