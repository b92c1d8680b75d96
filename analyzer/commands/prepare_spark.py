"""`analyzer prepare-spark`: what has later Spark sessions of this machine start faster."""

from __future__ import annotations

from typing import Final

import click

from analyzer.commands.options import Sectioned

ABOUT: Final = """Write an archive of the Java classes that Spark loads, beside PySpark's own files.

Sessions on this machine start with it in about half the time. Does nothing where there is one already, no Java, or no
right to write.
"""


def command() -> Sectioned:
    return Sectioned("prepare-spark", callback=_prepare, help=ABOUT)


def _prepare() -> int:
    from analyzer.engine.class_archive import archive_path, can_be_written
    from analyzer.engine.spark import has_java, prepare

    if archive_path().is_file() or not has_java() or not can_be_written():
        return 0
    click.echo(f"Written: {prepare()}")
    return 0
