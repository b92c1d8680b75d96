"""`analyzer completion`: the script with which a shell completes commands, flags and their values."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class, shell_complete

from analyzer.__main__ import COMPLETING
from analyzer.commands import group
from analyzer.commands.options import Sectioned

SHELLS: Final = ("bash", "zsh", "fish")
ABOUT: Final = """Write the script with which a shell completes commands, flags, values and paths.

Load it where the shell starts, as the examples do.
"""
EXAMPLES: Final = (
    """echo 'eval "$(analyzer completion bash)"' >> ~/.bashrc""",
    """echo 'eval "$(analyzer completion zsh)"' >> ~/.zshrc""",
    "analyzer completion fish > ~/.config/fish/completions/analyzer.fish",
)


def command() -> Sectioned:
    shell = click.Argument(["shell"], type=click.Choice(SHELLS))
    return Sectioned("completion", EXAMPLES, params=[shell], callback=_write, help=ABOUT)


def _write(shell: str) -> int:
    kind = get_completion_class(shell)
    assert kind is not None  # it is one of SHELLS
    click.echo(kind(group(), {}, "analyzer", COMPLETING).source())
    return 0


def complete(instruction: str) -> int:
    """Answer the shell, which asks by an instruction such as `bash_complete`; 1 for one that there is not."""
    return shell_complete(group(), {}, "analyzer", COMPLETING, instruction)
