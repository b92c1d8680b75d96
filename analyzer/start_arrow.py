"""Starting pyarrow without pandas, which takes longer to import than a small window takes to analyze."""

from __future__ import annotations

import sys


class _NoPandas:
    """Finds no pandas, for as long as it stands in front of the finders that would."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def start_arrow_alone() -> None:
    """Let pyarrow look for pandas while there is none to be found; it asks again only where it needs it.

    pyarrow imports pandas at its first array to see whether it was handed something of pandas'. Jobs without a
    user's script hand it nothing of the kind. Where pandas is loaded already, nothing is gained and nothing done.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        import pyarrow as pa

        pa.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)
