"""Where kinds of values were first met: kept small, so that a verdict can show files and examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from analyzer.documents import Evidence

EXAMPLES = 5
LONGEST_EXAMPLE = 200
Place = tuple[str, int]
"""A file and the 1-based number of a record in it."""


@dataclass(slots=True)
class Sighting:
    """How often a kind of value was met, where first, and examples from the batch in which it was met first."""

    count: int
    file: str
    record: int
    examples: tuple[str, ...]


class Sightings:
    """Sightings by kind; `met` looks for place and examples only the first time."""

    __slots__ = ("_kinds",)

    def __init__(self) -> None:
        self._kinds: dict[str, Sighting] = {}

    def met(self, kind: str, count: int, find: Callable[[], tuple[Place, Iterable[str]]]) -> None:
        if not count:
            return
        if kind in self._kinds:
            self._kinds[kind].count += count
        else:
            (file, record), examples = find()
            self._kinds[kind] = Sighting(count, file, record, _few(examples))

    def merge(self, other: Sightings, tail: Place) -> None:
        """Append sightings of later data; records in the file that `tail` names go on counting from its record."""
        for kind, theirs in other._kinds.items():
            record = theirs.record + (tail[1] if theirs.file == tail[0] else 0)
            ours = self._kinds.get(kind)
            if ours is None:
                self._kinds[kind] = Sighting(theirs.count, theirs.file, record, theirs.examples)
            else:
                ours.count += theirs.count
                ours.examples = _few((*ours.examples, *theirs.examples))

    def evidence(self, *, examples: bool) -> dict[str, Evidence]:
        return {
            kind: Evidence(found.count, found.file, found.record, found.examples if examples else ())
            for kind, found in sorted(self._kinds.items())
        }

    def to_document(self) -> dict[str, Any]:
        return {kind: [s.count, s.file, s.record, list(s.examples)] for kind, s in self._kinds.items()}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Sightings:
        sightings = cls()
        for kind, (count, file, record, examples) in document.items():
            sightings._kinds[kind] = Sighting(count, file, record, tuple(examples))
        return sightings


def _few(examples: Iterable[str]) -> tuple[str, ...]:
    distinct = dict.fromkeys(example[:LONGEST_EXAMPLE] for example in examples)
    return tuple(distinct)[:EXAMPLES]
