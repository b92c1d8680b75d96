"""What installed packages add by entry points: readers of other formats, and checks beside the built-in ones.

Packages can only add names. One that does not load, fails or answers nonsense ends the job with a PluginError that
names it: a monitor without its checks must not be able to say that nothing was violated.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from analyzer.errors import AnalyzerError, PluginError

log = logging.getLogger(__name__)

READERS: Final = "analyzer.readers"
CHECKS: Final = "analyzer.checks"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A function that a package adds under a name."""

    group: str
    name: str
    package: str
    function: Callable[..., Any]

    @contextmanager
    def named(self) -> Iterator[None]:
        """Turn whatever the function raises into a PluginError that names it; errors of the job stay what they are."""
        try:
            yield
        except AnalyzerError:
            raise
        except Exception as error:
            log.exception("%s of %s failed:", self.name, self.package)
            raise self.failed(f"failed: {type(error).__name__}: {error}") from error

    def failed(self, what: str) -> PluginError:
        """Say what is wrong with the plugin, and who can mend it."""
        return _error(self.group, self.name, self.package, what)


@cache
def plugins(group: str) -> dict[str, Plugin]:
    """Load all that packages add to a group, by name.

    Raises PluginError for one that does not load or is no function, and for a name that two packages claim.
    """
    found: dict[str, Plugin] = {}
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        plugin = _load(group, point)
        if point.name in found:
            raise plugin.failed(f"has the name of another one, of {found[point.name].package}")
        found[point.name] = plugin
    return found


def names(group: str) -> list[str]:
    """Name what packages add to a group without loading any of it."""
    return sorted(point.name for point in entry_points(group=group))


def _load(group: str, point: EntryPoint) -> Plugin:
    package = point.dist.name if point.dist else point.module
    try:
        function = point.load()
    except Exception as error:
        log.exception("%s does not load:", point.value)
        what = f"does not load from {point.value}: {type(error).__name__}: {error}"
        raise _error(group, point.name, package, what) from error
    if not callable(function):
        raise _error(group, point.name, package, f"is {point.value}, which is no function")
    return Plugin(group, point.name, package, function)


def _error(group: str, name: str, package: str, what: str) -> PluginError:
    return PluginError(
        f"{name!r}, which the package {package} adds to {group}, {what}.",
        f"Mend or uninstall {package}; the job does not go on without what it was given. The traceback is in the log.",
    )
