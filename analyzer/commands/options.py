"""Flags: those that are made of settings, and those that only commands for people have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from analyzer.commands import HELP
from analyzer.config import SETTINGS, Setting

BY_NAME: Final[Mapping[str, Setting]] = {setting.variable: setting for setting in SETTINGS}
SETTINGS_SECTION: Final = "Settings"
DATA_SECTION: Final = "Data"
ANSWER_SECTION: Final = "Answer"
MOST_WIDE: Final = 100


class Flag(click.Option):
    """An option that stands in a section of the help."""

    def __init__(self, names: Iterable[str], section: str, **more: Any) -> None:
        super().__init__(list(names), **more)
        self.section = section


class Sectioned(click.Command):
    """A command whose help lists its flags by section, and examples that can be copied."""

    def __init__(self, name: str, examples: Iterable[str] = (), **more: Any) -> None:
        settings = HELP | {"max_content_width": MOST_WIDE}
        super().__init__(name, context_settings=settings, **more)
        self.examples = tuple(examples)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            if record and isinstance(each, click.Option):
                sections.setdefault(getattr(each, "section", "Other"), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click passes it)
        _write_examples(self.examples, formatter)


class Family(click.Group):
    """A command that holds others, with examples of these."""

    def __init__(self, name: str, about: str, examples: Iterable[str], members: Iterable[click.Command]) -> None:
        super().__init__(name, {each.name or "": each for each in members}, help=about, no_args_is_help=True)
        self.context_settings = dict(HELP)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click passes it)
        _write_examples(self.examples, formatter)


def _write_examples(examples: Iterable[str], formatter: click.HelpFormatter) -> None:
    if examples:
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" for line in examples))


def flag_of(
    variable: str, *more: str, section: str = "", required: bool | None = None, text: str = "", default: str = ""
) -> Flag:
    """Make a flag of a setting; its value is read where variables are read, with the same messages.

    `more` are other names of the flag, `text` and `default` what the command says and takes in place of the setting's.
    """
    setting = BY_NAME[variable]
    said = text or setting.help
    if default or setting.default:
        said += f" Default: {default or setting.default}."
    if setting.required if required is None else required:
        said += " Required."
    return Flag(
        list(dict.fromkeys([*more, setting.flag, variable])),
        section or (SETTINGS_SECTION if setting.own else "Job"),
        metavar=_metavar(setting),
        help=said,
        shell_complete=completion_of(setting),
    )


def _metavar(setting: Setting) -> str:
    if setting.allowed:
        return "|".join(setting.allowed)
    return "NUMBER" if setting.takes.startswith("whole number") else setting.takes.split()[0].upper()


def completion_of(setting: Setting) -> Callable[..., list[CompletionItem]]:
    """Complete the values of a setting where they are few, and paths where it takes one."""

    def complete(_context: click.Context, _option: click.Parameter, begun: str) -> list[CompletionItem]:
        if setting.takes.startswith("path"):
            return [CompletionItem(begun, type="file")]
        return [CompletionItem(value) for value in setting.allowed if value.lower().startswith(begun.lower())]

    return complete


def place_argument(name: str, metavar: str, *, required: bool = True) -> click.Argument:
    """Make an argument that is a path or URI; shells complete paths."""
    return click.Argument([name], metavar=metavar, type=click.Path(), required=required)


def given(flags: Mapping[str, str | None]) -> dict[str, str]:
    """Keep the flags that were given."""
    return {variable: text for variable, text in flags.items() if text is not None}
