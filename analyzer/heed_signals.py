"""SIGTERM and SIGINT -> Stopped, raised in the main thread until somebody has heeded it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from analyzer.errors import Stopped

TELLING = (signal.SIGTERM, signal.SIGINT)
SECONDS = 1.0
"""How long after a stop, and how often, it is seen to that the stop did not get lost."""


def heed_signals() -> None:
    """End the job in order when it is told to; to be called again after a library has put a handler of its own."""
    for each in TELLING:
        signal.signal(each, _stop)


def rest() -> None:
    """See to no lost stop any more: the job has ended."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def keeping_interrupt() -> Iterator[None]:
    """Keep whoever handles SIGINT now: Spark's own handler asks a JVM that may be gone, in the middle of a request."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is not handler:
            signal.signal(signal.SIGINT, handler)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    # One is enough: what is being cleaned up must not be interrupted by the next.
    for each in TELLING:
        signal.signal(each, signal.SIG_IGN)
    name = signal.Signals(number).name
    Stopped.told = Stopped(
        f"The job was stopped by {name} before it had finished.", "Nothing was written by it; start it again."
    )
    _insist()
    raise Stopped.told


def _insist() -> None:
    """See to a stop that gets lost: Python drops what is raised in a finalizer, and a script may drop anything."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _repeat)
        signal.setitimer(signal.ITIMER_REAL, SECONDS, SECONDS)


def _repeat(_number: int, _frame: FrameType | None) -> None:
    if Stopped.told is not None and not _is_heeded(Stopped.told):
        raise Stopped.told


def _is_heeded(told: Stopped) -> bool:
    """Tell whether what runs is an except, finally or with on the way of the stop, which is left to clean up."""
    handled = sys.exception()
    while handled is not None and handled is not told:
        handled = handled.__context__
    return handled is told
