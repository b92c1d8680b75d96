"""The window of a job: which captured records are analyzed, by the time of their inference."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

TIMES_KEPT = 100_000


class Window:
    """Tells the records whose inference time is in [start, end); those without a time that can be read are kept.

    Captures share their seconds, so what a text was found to say is remembered.
    """

    INSIDE = "inside"
    OUTSIDE = "outside_window"
    UNTIMED = "untimed_records"

    def __init__(self, start: datetime | None, end: datetime | None, left_out: Counter[str]) -> None:
        self._start = start or datetime.min.replace(tzinfo=UTC)
        self._end = end or datetime.max.replace(tzinfo=UTC)
        self._left_out = left_out
        self._known: dict[str, str] = {}

    def holds(self, record: dict[str, Any]) -> bool:
        """Tell whether to keep a record, and count it where that is worth telling."""
        try:
            verdict = self.judge(record["eventMetadata"]["inferenceTime"])
        except (KeyError, TypeError):
            verdict = self.UNTIMED
        if verdict != self.INSIDE:
            self._left_out[verdict] += 1
        return verdict != self.OUTSIDE

    def count(self, verdicts: pa.Array) -> None:
        """Count verdicts that are worth telling."""
        for found in verdicts.value_counts().to_pylist():
            if found["values"] != self.INSIDE:
                self._left_out[found["values"]] += found["counts"]

    def judge(self, time: str) -> str:
        """Say where a time lies: INSIDE, OUTSIDE or, where it is none, UNTIMED."""
        known = self._known.get(time)
        if known is None:
            if len(self._known) > TIMES_KEPT:
                self._known.clear()
            known = self._known[time] = self._verdict(time)
        return known

    def _verdict(self, text: str) -> str:
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            return self.UNTIMED
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return self.INSIDE if self._start <= time < self._end else self.OUTSIDE
