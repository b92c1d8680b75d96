"""Making NumPy sort with AVX2 on AMD, where its AVX-512 sort takes twice to four times as long."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SLOW = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"
"""What NumPy calls these instruction sets; it ignores names that the machine or its own version does not know."""
CPU = Path("/proc/cpuinfo")
LOOKED_AT = 512
"""Bytes at the beginning of the description of the processor, its vendor among them."""


def tune_numpy() -> None:
    """Choose the sort for the NumPy that this process has yet to load, and for that of processes it starts.

    Why, and measured: docs/decisions/tuned-workers.md.
    """
    if sys.warnoptions:
        return  # where warnings are errors, a name that is not known would be one
    if CPU.exists() and b"AuthenticAMD" in _beginning(CPU):
        os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", SLOW)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(LOOKED_AT)
