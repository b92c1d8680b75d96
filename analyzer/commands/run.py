"""`analyzer run`: a job as variables describe it, each of which is a flag, too."""

from __future__ import annotations

from typing import Final

from analyzer.commands.options import Sectioned, flag_of, given
from analyzer.config import SETTINGS

ABOUT: Final = """Run a job: analyze data, suggest constraints, and check them against a baseline if there is one.

Each flag is a variable of the environment, too: --dataset-source is dataset_source, and --engine, as all that stand
under Settings, has the prefix ANALYZER_. Flags win over variables.
"""


def command() -> Sectioned:
    return Sectioned("run", params=[flag_of(each.variable) for each in SETTINGS], callback=_run, help=ABOUT)


def _run(**flags: str | None) -> int:
    from analyzer.__main__ import run_job

    return run_job(given(flags))
