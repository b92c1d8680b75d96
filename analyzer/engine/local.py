"""The engine without a cluster: partitions folded in this process, or in a few beside it when there are several."""

from __future__ import annotations

import ctypes
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from analyzer.analyze import Folded, Task, fold_partition, grouped, merge_folded
from analyzer.engine.progress import Progress
from analyzer.errors import EngineError
from analyzer.read import Partition
from analyzer.tune_numpy import tune_numpy

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

T = TypeVar("T")
R = TypeVar("R")
KEPT_BYTES = 32 * 1024 * 1024
"""Freed memory that a process keeps for its next arrays; the C library takes no larger number for a single array."""
HEAPS = 2
"""Heaps of a process, each of which keeps so much: the threads that fetch from far away would get one each."""
KEEPING = {
    "MALLOC_TRIM_THRESHOLD_": (-1, KEPT_BYTES),
    "MALLOC_MMAP_THRESHOLD_": (-3, KEPT_BYTES),
    "MALLOC_ARENA_MAX": (-8, HEAPS),
}
"""The variables with which the C library of a process is told so, what they are called in `mallopt`, and values."""
OF_WORKERS = {
    "POLARS_MAX_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    **{name: str(value) for name, (_, value) in KEEPING.items()},
}
TUNED = (*OF_WORKERS, "NPY_DISABLE_CPU_FEATURES")
"""What a worker process on another host is to be told, too."""


def tune_workers() -> None:
    """Set what worker processes inherit: one thread each, memory that is kept, and on AMD the faster of NumPy's sorts.

    Why, and measured: docs/decisions/tuned-workers.md.
    """
    for name, value in OF_WORKERS.items():
        os.environ.setdefault(name, value)
    tune_numpy()


def keep_memory() -> None:
    """Have this process keep freed memory as workers do, unless it was started with other settings."""
    with suppress(AttributeError):  # of another C library
        tell = ctypes.CDLL(None).mallopt
        for name, (number, value) in KEEPING.items():
            if name not in os.environ:
                tell(number, value)


def fold_locally(partitions: Sequence[Partition], task: Task, cores: int) -> list[Folded]:
    """Fold partitions on this machine, in groups of neighbours.

    Raises EngineError where a worker process dies.
    """
    progress = Progress(len(partitions))
    with beside(partial(fold_partition, task=task), partitions, cores) as parts:
        return _merge_groups(parts, partitions, progress)


@contextmanager
def beside(work: Callable[[T], R], items: Sequence[T], cores: int) -> Iterator[Iterator[R]]:
    """Do the work for each item, in order, in this process or in as many beside it as there are cores and items.

    Raises EngineError where a worker process dies; when anything else goes wrong the workers are ended at once.
    """
    workers = min(cores, len(items))
    if workers <= 1:
        keep_memory()
        yield map(work, items)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    tune_workers()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            # Not by pool.map, which cancels what is left when it is given up: Python 3.11 fails to break such a pool.
            futures = deque(pool.submit(work, item) for item in items)
            yield (futures.popleft().result() for _ in items)
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
