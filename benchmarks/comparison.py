"""One line of the table: what was compared, the medians, how far single runs strayed from them, and the limit."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.measure import CommandFailed, Series, Skipped, Unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence

Outcome = Series | CommandFailed
Runs = dict[str, Outcome]
NOTE_LENGTH = 200


@dataclass(frozen=True)
class Comparison:
    """Measured values of `ours` and `theirs` in `unit`, a value a run, and what their ratio has to keep to, if any.

    The ratio is that of the medians; it may be `at_least` or `at_most` so much. Where something failed or was not
    there, `note` says so and there are no values; a `skipped` line has missed nothing. Memory is in bytes.
    """

    case: str
    subject: str
    rows: int
    peer: str
    ours: Sequence[float] = ()
    theirs: Sequence[float] = ()
    at_most: float | None = None
    at_least: float | None = None
    unit: str = "s"
    our_memory: int | None = None
    their_memory: int | None = None
    versions: Sequence[str] = ()
    note: str = ""
    skipped: bool = False

    @property
    def ratio(self) -> float | None:
        if not self.ours or not self.theirs:
            return None
        return statistics.median(self.ours) / statistics.median(self.theirs)

    @property
    def ratios(self) -> list[float]:
        """The ratio within each round of runs."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=False)]

    @property
    def limited(self) -> bool:
        return self.at_most is not None or self.at_least is not None

    @property
    def met(self) -> bool | None:
        """Whether the limit was kept; None where there is none or nothing was measured."""
        if self.ratio is None or not self.limited:
            return None
        return (self.at_most is None or self.ratio <= self.at_most) and (
            self.at_least is None or self.ratio >= self.at_least
        )

    @property
    def missed(self) -> bool:
        """Whether a limit was not kept or could not be measured although all that it takes is there."""
        return self.limited and not self.skipped and not self.met

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def per(self, ours: int, theirs: int) -> Comparison:
        """Turn seconds into nanoseconds a piece, for so many pieces of ours and theirs."""
        return replace(
            self,
            ours=[value / ours * 1e9 for value in self.ours],
            theirs=[value / theirs * 1e9 for value in self.theirs],
            unit="ns",
        )


def compare(
    case: str,
    subject: str,
    *,
    rows: int,
    peer_name: str,
    ours: Outcome,
    theirs: Outcome,
    at_most: float | None = None,
    at_least: float | None = None,
    phase: str = "",
) -> Comparison:
    """Compare whole processes, or one phase of both; a failure of either becomes the note of the line."""
    line = partial(Comparison, case, subject, rows, peer_name, at_most=at_most, at_least=at_least)
    try:
        mine, others = succeeded(ours), measured(theirs)
        seconds = [each.seconds(phase) for each in (mine, others)]
    except CommandFailed as failure:
        return line(note=first_line(failure), skipped=isinstance(failure, Skipped))
    memory = {"our_memory": mine.peak("all"), "their_memory": others.peak("all")}
    return line(*seconds, **memory, versions=others.versions, note=_bound(theirs))


def compare_memory(
    case: str,
    subject: str,
    *,
    rows: int,
    peer_name: str,
    ours: Outcome,
    theirs: Outcome,
    roles: Sequence[str],
    at_most: float | None,
) -> Comparison:
    """Compare peaks of resident memory, in MB, of the processes that have these roles."""
    line = partial(Comparison, case, subject, rows, peer_name, at_most=at_most, unit="MB")
    try:
        peaks = [each.peak(*roles) or 0 for each in (succeeded(ours), measured(theirs))]
    except CommandFailed as failure:
        return line(note=first_line(failure), skipped=isinstance(failure, Skipped))
    return line([peaks[0] / 1e6], [peaks[1] / 1e6], our_memory=peaks[0], their_memory=peaks[1], note=_bound(theirs))


def succeeded(outcome: Outcome) -> Series:
    if isinstance(outcome, CommandFailed):
        raise outcome
    return outcome


def measured(outcome: Outcome) -> Series | Unfinished:
    """Take a peer that was stopped unfinished for one that ended then: what is better than that is better."""
    return outcome if isinstance(outcome, Unfinished) else succeeded(outcome)


def _bound(theirs: Outcome) -> str:
    return f"it {theirs}, so the ratio is smaller than that" if isinstance(theirs, Unfinished) else ""


def first_line(failure: CommandFailed) -> str:
    """Shorten a failure to its last line, which in a traceback is the error."""
    lines = str(failure).strip().splitlines()
    return (lines[-1] if lines else "failed")[:NOTE_LENGTH]
