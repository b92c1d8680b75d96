"""The history of executions: a database that the dashboard, the alerts, programs and people ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from analyzer.errors import InputError
from analyzer.history.database import HISTORY_FILE, read_only, work_on

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.history.import_executions import Imported

__all__ = ["HISTORY_FILE", "Answer", "History", "history_in"]


class Answer(NamedTuple):
    """What a query gave: names of columns, and rows."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def history_in(place: str) -> str:
    """Name the history that lies in a folder, or below a prefix of S3."""
    return f"{place.rstrip('/')}/{HISTORY_FILE}"


@dataclass(frozen=True)
class History:
    """A history at a path or S3 URI, which need not be there yet."""

    place: str

    def update(self, folder: str) -> Imported:
        """Take in the executions of a folder, or of a prefix of S3, that are new or changed.

        Raises InputError, OutputError.
        """
        from analyzer.history.find_executions import require_place
        from analyzer.history.import_executions import import_executions

        require_place(folder)
        return work_on(self.place, lambda connection: import_executions(connection, folder, self.place))

    def ask(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Answer:
        """Ask with a statement of SQL that only reads; docs/history.md has the tables and views.

        Raises InputError, also where the statement would change something.
        """
        with read_only(self.place) as connection:
            try:
                found = connection.execute(sql, parameters)
                names = tuple(each[0] for each in found.description or ())
                return Answer(names, found.fetchall())
            except (sqlite3.Error, sqlite3.Warning) as error:
                raise InputError(
                    f"The history cannot answer: {error}.", "`analyzer history schema` lists tables and views."
                ) from error

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        """Ask, and give each row as a dictionary. Raises InputError."""
        columns, rows = self.ask(sql, parameters)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def frame(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pd.DataFrame:
        """Ask, and give a data frame; the times of a column `time` are times. Raises InputError."""
        import pandas as pd

        columns, rows = self.ask(sql, parameters)
        found = pd.DataFrame(rows, columns=list(columns))
        return found.assign(time=pd.to_datetime(found["time"], utc=True)) if "time" in columns else found
