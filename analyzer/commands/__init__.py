"""The command line for people, a command a file; each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

OF_ALL_COMMANDS: Final = ("--help", "-h", "--version")
HELP: Final = {"help_option_names": ["-h", "--help"]}
ABOUT: Final = """Monitoring for models and their data: what is normal, and what is not any more.

\b
analyzer baseline training.csv     learn what is normal
analyzer monitor new.csv           compare new data with it
analyzer COMMAND --help            what a command takes, with examples

Without arguments a job is described by the variables of the environment, as in a container. Flags without a command
are those of `run`.
"""
PEOPLE: Final = {
    "baseline": "Learn from data what is normal.",
    "monitor": "Compare data with a baseline.",
    "quality": "Measure predictions against labels.",
    "bias": "Measure whether groups are treated alike.",
    "explain": "Tell which features predictions rest on.",
    "merge": "Put captured requests and labels together.",
    "report": "Make the reports of a run anew.",
    "tune": "Find thresholds from past windows.",
    "dashboard": "Make a static site of past executions.",
    "doctor": "Say what would fail, without running the job.",
}
JOBS: Final = {
    "run": "Run a job that variables or flags describe.",
    "merge-states": "Merge states of runs: hours into a day or a baseline.",
    "alerts": "Evaluate rules over past executions, and tell of changes.",
    "history": "Past executions in a database: import and ask.",
    "prepare-spark": "Have later Spark sessions start in half the time.",
    "completion": "Complete commands and flags in bash, zsh or fish.",
}
COMMANDS: Final[Mapping[str, str]] = PEOPLE | JOBS
"""What each command is for; its module has the same name."""


def run_command(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit code, 2 where they make no sense.

    Raises AnalyzerError where a command other than `run` fails; `run` reports its failures as a job does. A stop may
    come as click.Abort, into which click turns what interrupts it.
    """
    if arguments and arguments[0].startswith("-") and arguments[0] not in OF_ALL_COMMANDS:
        arguments = ["run", *arguments]
    try:
        return int(group().main(arguments, "analyzer", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code


def group() -> click.Group:
    """Give the command that holds all others."""
    version = click.version_option(package_name="model-monitor-analyzer")
    return version(_Lazy("analyzer", help=ABOUT, context_settings=HELP, no_args_is_help=True))


class _Lazy(click.Group):
    """Loads the one command that is needed: help and completion need none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click passes it)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (likewise)
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"{__name__}.{cmd_name.replace('-', '_')}").command()
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (likewise)
        for title, some in (("Commands", PEOPLE), ("For jobs and machines", JOBS)):
            with formatter.section(title):
                formatter.write_dl(list(some.items()))
