"""`analyzer history`: past executions in a database, to be imported and asked."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

import click

from analyzer.commands.options import ANSWER_SECTION, Family, Flag, Sectioned, place_argument
from analyzer.errors import InputError

if TYPE_CHECKING:
    from analyzer.history import Answer
    from analyzer.history.import_executions import Imported

ABOUT: Final = """Past executions in a database: verdicts, violations, and every metric over time.

The database is one file of SQLite, FOLDER/history.sqlite unless named otherwise; docs/history.md has its tables.
"""
IMPORT_ABOUT: Final = """Take in the executions of a folder or s3:// prefix, <endpoint>/<schedule>/yyyy/mm/dd/hh/,
those of the original included. Only what is new or changed is read; what cannot be used is named and skipped.
"""
QUERY_ABOUT: Final = """Ask the history with SQL. It is opened for reading alone."""
HISTORY_TEXT: Final = "The database, a path or s3:// URI."
FORMS: Final = ("table", "json", "csv")
NULL: Final = ""


def command() -> click.Group:
    examples = (
        "analyzer history import monitoring",
        'analyzer history query "SELECT * FROM latest" --history monitoring/history.sqlite',
    )
    return Family("history", ABOUT, examples, [_import(), _query(), _schema()])


def history_flag(default: str = "FOLDER/history.sqlite") -> Flag:
    text = f"{HISTORY_TEXT} Default: {default}."
    return Flag(["--history"], "History", metavar="FILE", type=click.Path(), help=text)


def say_skipped(imported: Imported) -> None:
    """Name on stderr what was skipped: it is no part of the answer."""
    for each in imported.skipped:
        click.echo(f"Skipped {each.path}: {each.reason}.", err=True)


def counted_text(imported: Imported) -> str:
    """Word what an import did."""
    parts = [
        (imported.new, "new"),
        (imported.changed, "changed"),
        (imported.same, "as before"),
        (imported.gone, "gone"),
    ]
    return "Executions: " + ", ".join(f"{count:,} {word}" for count, word in parts)


def _import() -> Sectioned:
    examples = ("analyzer history import monitoring", "analyzer history import s3://bucket/monitoring")
    params: list[click.Parameter] = [place_argument("folder", "FOLDER"), history_flag()]
    return Sectioned("import", examples, params=params, callback=_imported, help=IMPORT_ABOUT)


def _imported(folder: str, history: str | None) -> int:
    from analyzer.history import History, history_in

    place = history or history_in(folder)
    found = quietly(lambda: History(place).update(folder))
    say_skipped(found)
    click.echo(f"{counted_text(found)}\nHistory: {place}")
    return 0


def quietly(work: Any, logger_name: str = "analyzer.history") -> Any:
    """Do work whose warnings the command words itself."""
    import logging

    logger = logging.getLogger(logger_name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return work()
    finally:
        logger.setLevel(before)


def _query() -> Sectioned:
    examples = ('analyzer history query "SELECT * FROM latest" --history monitoring/history.sqlite',)
    params: list[click.Parameter] = [
        click.Argument(["sql"], metavar="SQL", required=True),
        history_flag("./history.sqlite"),
        Flag(
            ["--format", "form"],
            ANSWER_SECTION,
            type=click.Choice(FORMS),
            default="table",
            help="How rows are written.",
        ),
    ]
    return Sectioned("query", examples, params=params, callback=_queried, help=QUERY_ABOUT)


def _queried(sql: str, history: str | None, form: str) -> int:
    from analyzer.history import HISTORY_FILE, History

    click.echo(_written(History(history or HISTORY_FILE).ask(sql), form), nl=False)
    return 0


def _written(found: Answer, form: str) -> str:
    if form == "json":
        return json.dumps([dict(zip(found.columns, row, strict=True)) for row in found.rows], indent=2) + "\n"
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(found.columns)
        writer.writerows(found.rows)
        return text.getvalue()
    from analyzer.commands.answer import width
    from analyzer.tables import text_table

    rows = [tuple(NULL if value is None else str(value) for value in row) for row in found.rows]
    return text_table(found.columns, rows, width()) + "\n" if found.columns else ""


def _schema() -> Sectioned:
    return Sectioned("schema", params=[], callback=_shown_schema, help="Show the tables and views of a history.")


def _shown_schema() -> int:
    from analyzer.history.database import SCHEMA

    try:
        click.echo(SCHEMA.read_text("utf-8"), nl=False)
    except OSError as error:
        raise InputError(f"The schema {SCHEMA} cannot be read: {error}.", "Install the package again.") from error
    return 0
