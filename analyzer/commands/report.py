"""`analyzer report`: the reports of a run that is over, made anew from its JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from analyzer.commands.answer import format_flag
from analyzer.commands.options import DATA_SECTION, Flag, Sectioned, place_argument
from analyzer.config import REPORTS

ABOUT: Final = """Make the reports of a run anew from its JSON files: report.html, report.md, junit.xml. Files that were
written elsewhere, or by an earlier version, get them, too.

FOLDER is what a run wrote, here or on S3. With --baseline distributions stand beside those of the baseline.
"""
EXAMPLES: Final = (
    "analyzer report report --baseline baseline",
    "analyzer report s3://bucket/report --output here --forms junit",
    "analyzer report report --without-examples",
)


def command() -> Sectioned:
    params: list[click.Parameter] = [
        place_argument("folder", "FOLDER"),
        Flag(
            ["--baseline", "-b"], DATA_SECTION, metavar="FOLDER", type=click.Path(),
            help="Folder of the baseline that the run was compared with.",
        ),
        Flag(
            ["--output", "-o"], DATA_SECTION, metavar="FOLDER", type=click.Path(),
            help="Folder for the reports; beside the files if left out.",
        ),
        Flag(["--forms"], DATA_SECTION, default="html,md", help=f"Which of {', '.join(REPORTS)}. Default: html,md."),
        Flag(["--without-examples"], DATA_SECTION, is_flag=True, help="Show no values of the data."),
        format_flag(),
    ]  # fmt: skip
    return Sectioned("report", EXAMPLES, params=params, callback=_render, help=ABOUT)


def _render(folder: str, baseline: str | None, output: str | None, forms: str, form: str, **more: Any) -> int:
    from analyzer.render_reports import render_reports

    asked = tuple(dict.fromkeys(each.strip().lower() for each in forms.split(",") if each.strip()))
    strange = [each for each in asked if each not in REPORTS]
    if strange or not asked:
        raise click.UsageError(f"--forms is {forms!r}; it takes {', '.join(REPORTS)}, comma-separated.")
    if "://" not in folder and not Path(folder).is_dir():
        raise click.UsageError(f"FOLDER {folder} is no folder.")
    made = render_reports(folder, baseline, asked, output, examples=not more["without_examples"])
    answer = {"command": "report", "status": "Completed", "source": folder, "files": list(made.values())}
    click.echo(json.dumps(answer, indent=2) if form == "json" else "\n".join(made.values()))
    return 0
