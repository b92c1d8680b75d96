"""What a replay of past windows found: rates of false alarms now and with other thresholds, and the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from analyzer.tables import text_table
from analyzer.tuning.rates import FEWEST, Rate, Way, sidak

MOST_SHOWN: Final = 40
WAYS: Final[dict[Way, str]] = {
    "observed": "the quantile of the windows themselves",
    "tail": "an extreme-value tail fitted to the windows, for they are too few to read the quantile off",
    "resampled": f"windows drawn from all rows, for there are fewer than {FEWEST} windows; "
    "differences from hour to hour are not in them",
}
HEAD: Final = ("feature", "check", "method", "threshold", "proposed", "alarms now", "then")


@dataclass(frozen=True, slots=True)
class Line:
    """One check of one feature; `proposed` and `then` are None where nothing is proposed for it."""

    feature: str
    check: str
    method: str | None
    threshold: float
    now: Rate
    proposed: float | None = None
    then: Rate | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "feature": self.feature, "check": self.check, "method": self.method, "threshold": self.threshold,
            "proposed": self.proposed, "now": self.now.to_dict(), "then": self.then.to_dict() if self.then else None,
        }  # fmt: skip

    @property
    def cells(self) -> tuple[str, ...]:
        proposed = "" if self.proposed is None else f"{self.proposed:.4g}"
        then = "" if self.then is None else _percent(self.then)
        check, method = self.check.removesuffix("_check"), self.method or ""
        return self.feature, check, method, f"{self.threshold:.4g}", proposed, _percent(self.now), then


@dataclass(frozen=True, slots=True)
class Report:
    """What is said at the end; rates of windows count those with any alarm.

    `held_out` judges every window by thresholds that it had no part in; None where no rate was wanted.
    """

    windows: int
    rows: int
    checks: int
    now: Rate
    lines: Sequence[Line]
    wanted: float | None = None
    way: Way | None = None
    replayed: Rate | None = None
    held_out: Rate | None = None
    suspicious: Sequence[str] = ()
    notes: Sequence[str] = ()
    folder: str | None = None
    output: Sequence[str] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        return {
            "windows": self.windows,
            "usual_rows": self.rows,
            "checks": self.checks,
            "now": self.now.to_dict(),
            "wanted_rate": self.wanted,
            "found_by": self.way,
            "rate_of_each_check": sidak(self.wanted, self.checks) if self.wanted is not None else None,
            "proposed": self.replayed.to_dict() if self.replayed else None,
            "held_out": self.held_out.to_dict() if self.held_out else None,
            "thresholds": [line.to_dict() for line in self.lines],
            "windows_to_look_at": list(self.suspicious),
            "notes": list(self.notes),
            "output": self.folder,
        }

    def text(self, width: int = 100) -> str:
        parts = [self._head()]
        lines = sorted(self.lines, key=lambda line: (-line.now.alarms, -(line.then.alarms if line.then else 0)))
        shown = [line for line in lines if line.now.alarms or line.proposed is not None][:MOST_SHOWN]
        if shown:
            parts.append(text_table(HEAD, [line.cells for line in shown], width))
        surplus = len(lines) - len(shown)
        if surplus:
            parts.append(f"{surplus} more checks, with --format json.")
        if self.suspicious:
            named = "\n".join(f"  {each}" for each in self.suspicious[:MOST_SHOWN])
            parts.append(f"Windows that alarm all the same; if one was no false alarm, leave it out:\n{named}")
        parts += [f"Note: {note}" for note in self.notes]
        if self.folder:
            parts.append(f"Written: {', '.join(self.output)} in {self.folder}")
        return "\n\n".join(parts)

    def _head(self) -> str:
        said = [
            f"{self.windows:,} windows, usually of {self.rows:,} rows; {self.checks:,} checks a window.",
            f"With the thresholds as they are {_of(self.now)} alarm.",
        ]
        if self.wanted is not None and self.way is not None and self.replayed is not None:
            said += [
                f"Wanted: {_share(self.wanted)} of the windows. Thresholds come from {WAYS[self.way]}.",
                f"With the thresholds proposed {_of(self.replayed)} alarm.",
            ]
        if self.held_out is not None:
            said.append(f"Windows that had no part in the thresholds: {_of(self.held_out)}.")
        return "\n".join(said)


def _of(rate: Rate) -> str:
    low, high = rate.interval
    expected = f"expected rate between {_share(low)} and {_share(high)}"
    return f"{rate.alarms:,} of {rate.windows:,} ({_percent(rate)}; {expected})"


def _percent(rate: Rate) -> str:
    return _share(rate.value) if rate.windows else "-"


def _share(value: float) -> str:
    return f"{value * 100:.3g} %"
