"""Open data-quality monitoring for models; what is exported is looked up when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("model-monitor-analyzer")
    except PackageNotFoundError:  # run from a folder, without being installed
        return "unknown"
