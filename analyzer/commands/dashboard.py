"""`analyzer dashboard`: past executions to a static site."""

from __future__ import annotations

from typing import Final

import click

from analyzer.commands.history import counted_text, history_flag, quietly, say_skipped
from analyzer.commands.options import Flag, Sectioned, place_argument

ABOUT: Final = """Make a static site of past executions: a card for each model and schedule, what changed when, any
metric over time with its threshold, and links to the reports. It works offline, from a disk or any web server.

FOLDER is a folder or s3:// prefix with the original's layout <endpoint>/<schedule>/yyyy/mm/dd/hh/. Done again, only
what is new or changed is read, and only the pages that change are written.
"""
EXAMPLES: Final = (
    "analyzer dashboard monitoring",
    "analyzer dashboard s3://bucket/monitoring --output s3://bucket/monitoring/dashboard",
)


def command() -> Sectioned:
    text = "Folder or s3:// prefix for the site. Default: FOLDER/dashboard."
    output = Flag(["--output", "-o"], "Site", metavar="FOLDER", type=click.Path(), help=text)
    params: list[click.Parameter] = [place_argument("folder", "FOLDER"), output, history_flag()]
    return Sectioned("dashboard", EXAMPLES, params=params, callback=_make, help=ABOUT)


def _make(folder: str, output: str | None, history: str | None) -> int:
    from analyzer.dashboard.make_site import make_dashboard

    made = quietly(lambda: make_dashboard(folder, output, history))
    say_skipped(made.imported)
    click.echo(f"{counted_text(made.imported)}\nPages: {made.written:,} of {made.pages:,} written")
    click.echo(f"Dashboard: {made.place.rstrip('/')}/index.html")
    return 0
