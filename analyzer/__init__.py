"""Open monitoring for models and their data; what is exported is loaded when it is asked for.

import analyzer

normal = analyzer.baseline("training.csv")
found = analyzer.monitor(new_rows, baseline=normal)
found.violations
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from analyzer.functions import (
        baseline,
        bias,
        doctor,
        explain,
        make_dashboard,
        merge_labels,
        monitor,
        open_history,
        quality,
    )
    from analyzer.results import Merged, Result, ViolationRow

    __version__: str

_HOMES: Final = {
    **dict.fromkeys(
        (
            "baseline",
            "bias",
            "doctor",
            "explain",
            "make_dashboard",
            "merge_labels",
            "monitor",
            "open_history",
            "quality",
        ),
        "analyzer.functions",
    ),
    **dict.fromkeys(("Merged", "Result", "ViolationRow"), "analyzer.results"),
}
__all__ = [
    "Merged", "Result", "ViolationRow", "__version__", "baseline", "bias", "doctor", "explain", "make_dashboard",
    "merge_labels", "monitor", "open_history", "quality",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("model-monitor-analyzer")
    except PackageNotFoundError:  # run from a folder, without being installed
        return "unknown"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
