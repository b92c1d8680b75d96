"""Starting pyarrow without pandas, which takes longer to import than a small window takes to analyze."""

from __future__ import annotations

import sys
from pathlib import Path


class _NoPandas:
    """Finds no pandas, for as long as it stands in front of the finders that would."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def start_arrow_alone(script: Path | None = None) -> None:
    """Let pyarrow look for pandas while there is none to be found; it asks again only where it needs it.

    pyarrow imports pandas at its first array to see whether it was handed something of pandas'. A job hands it nothing
    of the kind, but a user's script may, and with one that names either of them, nothing is done. Where pandas is
    loaded already, nothing is gained.
    """
    if "pandas" in sys.modules or (script is not None and _names_either(script)):
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        import pyarrow as pa

        pa.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)


def _names_either(script: Path) -> bool:
    try:
        content = script.read_bytes()
    except OSError:  # which is said where the script is loaded
        return False
    return b"pandas" in content or b"pyarrow" in content
