"""The checks that installed packages add (entry points `analyzer.checks`): each takes a Case and gives a Verdict."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.checks.case import Case, Check
from analyzer.documents import Verdict
from analyzer.plugins import CHECKS, Plugin, plugins


def added_checks() -> Mapping[str, Check]:
    """Load them, by name.

    Raises PluginError where one does not load; calling one that fails or returns something else raises it too.
    """
    return {name: _checked(plugin) for name, plugin in plugins(CHECKS).items()}


def _checked(plugin: Plugin) -> Check:
    def check(case: Case) -> Verdict:
        with plugin.named():
            verdict = plugin.function(case)
        if not isinstance(verdict, Verdict):
            raise plugin.failed(f"returned {type(verdict).__name__} where a Verdict belongs")
        return verdict

    return check
