"""Starting pyarrow without pandas, which takes longer to import than a small window takes to analyze."""

from __future__ import annotations

import sys


def start_arrow_alone() -> None:
    """Let pyarrow look for pandas while there is none to be found; it asks again only where it needs it.

    pyarrow imports pandas at its first array to see whether it was handed something of pandas'. Jobs without a
    user's script hand it nothing of the kind. Where pandas is loaded already, nothing is gained and nothing done.
    """
    if "pandas" in sys.modules:
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        import pyarrow as pa

        pa.array([0])
    finally:
        del sys.modules["pandas"]
