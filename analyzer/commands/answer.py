"""How commands for people answer: steps while they work, a table at the end or JSON, and the exit code."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, Final, Protocol

import click

from analyzer.commands.options import ANSWER_SECTION, Flag
from analyzer.errors import Explained
from analyzer.tables import printable

VIOLATED: Final = 1
"""Exit code of --fail-on-violations where there are any, and of a diagnosis of what would fail."""
ERASE: Final = "\r\x1b[K"
SHOWN_LOGGERS: Final = ("analyzer.job", "analyzer.merge", "analyzer.model_quality", "analyzer.engine")


class Answer(Protocol):
    """What a command has to say at its end."""

    def text(self, width: int = 100) -> str:
        """Write it for a terminal."""

    def to_dict(self) -> dict[str, Any]:
        """Give it for a program."""


def format_flag() -> Flag:
    form = click.Choice(["text", "json"])
    return Flag(["--format", "form"], ANSWER_SECTION, type=form, default="text", help="What is written to stdout.")


def answer_flags(*, judges: bool = True) -> list[Flag]:
    """Make the flags that say how a command answers."""
    flags = [
        format_flag(),
        Flag(["--verbose", "-v"], ANSWER_SECTION, is_flag=True, help="Log what is done to stderr."),
    ]
    if judges:
        text = f"Exit with {VIOLATED} where there are violations."
        flags.insert(0, Flag(["--fail-on-violations"], ANSWER_SECTION, is_flag=True, help=text))
    return flags


def answer(work: Callable[[Callable[[str], None]], Answer], form: str, *, verbose: bool) -> Any:
    """Do the work and write what it gives, to stdout; `work` gets a function that says steps.

    An error is passed on; with `--format json` it is written as JSON first.
    """
    try:
        with _told(form, verbose=verbose) as say, _stdout_aside():
            found = work(say)
    except Explained as error:
        if form == "json":
            click.echo(json.dumps({"status": "Error", "message": error.message, "hint": error.hint}, indent=2))
        raise
    click.echo(json.dumps(found.to_dict(), indent=2) if form == "json" else found.text(width()))
    return found


@contextmanager
def _stdout_aside() -> Iterator[None]:
    """Have what scripts print, here and in worker processes, go to stderr: stdout is for the answer alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def width() -> int:
    """Give the width of the terminal, 100 characters where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


@contextmanager
def _told(form: str, *, verbose: bool) -> Iterator[Callable[[str], None]]:
    """Show the steps on a terminal, each in place of the one before; log all of them where that is asked for."""
    package, root = logging.getLogger("analyzer"), logging.getLogger()
    levels = package.level, root.level
    root.setLevel(logging.INFO if verbose else logging.WARNING)
    steps = None if verbose or not sys.stderr.isatty() else _Steps()
    others = [(handler, handler.level) for handler in root.handlers]
    if steps:
        for handler, _ in others:
            handler.setLevel(logging.WARNING)
        package.setLevel(logging.INFO)
        package.addHandler(steps)
    try:
        yield steps.show if steps else _said(form)
    finally:
        if steps:
            package.removeHandler(steps)
            steps.erase()
        package.setLevel(levels[0])
        root.setLevel(levels[1])
        for handler, level in others:
            handler.setLevel(level)


def _said(form: str) -> Callable[[str], None]:
    """Say notes on stderr where there is no terminal, unless the answer is for a program."""
    return (lambda _: None) if form == "json" else (lambda text: click.echo(text, err=True))


class _Steps(logging.Handler):
    """Shows the step that a command is at, in one line of the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.INFO and record.name.startswith(SHOWN_LOGGERS):
            self._draw(record.getMessage())
        elif record.levelno > logging.INFO:
            self.erase()  # a line of the log follows

    def show(self, text: str) -> None:
        """Say something that stays."""
        self.erase()
        click.echo(text, err=True)

    def _draw(self, text: str) -> None:
        line = printable(text.splitlines()[0] if text else "")
        sys.stderr.write(f"{ERASE}{line[: width() - 1]}")
        sys.stderr.flush()

    def erase(self) -> None:
        sys.stderr.write(ERASE)
        sys.stderr.flush()
