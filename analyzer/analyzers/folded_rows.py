"""What every state knows of the rows that it took in, whatever it makes of their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from analyzer.analyzers.evidence import Place


class FoldedRows:
    """Rows, the files that they began in, and the rows that were left out, by why.

    `tail` is the last file read and the number of its records so far, by which places in later parts are counted on.
    """

    __slots__ = ("files", "left_out", "rows", "tail")

    def __init__(self) -> None:
        self.rows = 0
        self.files = 0
        self.left_out: Counter[str] = Counter()
        self.tail: Place = ("", 0)

    def go_on(self, other: FoldedRows) -> None:
        """Count the rows that follow ours."""
        goes_on = other.tail[0] == self.tail[0]
        last = other.tail if other.tail[0] else self.tail
        self.tail = (other.tail[0], other.tail[1] + self.tail[1]) if goes_on else last
        self.rows += other.rows
        self.files += other.files
        self.left_out.update(other.left_out)

    def rows_document(self, **places: Place) -> dict[str, Any]:
        """Give the members of a state's document that tell of its rows; further `places` stand before the tail."""
        return {
            "rows": self.rows,
            "files": self.files,
            **{name: list(place) for name, place in places.items()},
            "tail": list(self.tail),
            "left_out": dict(sorted(self.left_out.items())),
        }

    def read_rows(self, document: Mapping[str, Any]) -> None:
        """Take over what `rows_document` gave."""
        self.rows, self.files = document["rows"], document["files"]
        self.tail = (document["tail"][0], document["tail"][1])
        self.left_out = Counter(document["left_out"])
