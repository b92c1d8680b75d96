"""States of past runs against thresholds: how often they alarm, and which would alarm as often as is wanted."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analyzer.checks.case import Compatibility
from analyzer.config import Location
from analyzer.decode import read_constraints, read_statistics
from analyzer.engine.local import beside
from analyzer.errors import ConfigError, InputError
from analyzer.job import baseline_content, domains_of
from analyzer.merge_states import find_states
from analyzer.tuning.edit import edited, threshold_of
from analyzer.tuning.rates import FEWEST, Rate
from analyzer.tuning.replay import SPAN, Plan, score_share
from analyzer.tuning.report import Line, Report
from analyzer.tuning.resamples import draw_scores
from analyzer.tuning.scores import (
    CHECKS,
    DRIFT,
    Scores,
    Yardstick,
    exceeded,
    joined,
    limits_of,
    yardsticks_of,
)
from analyzer.tuning.thresholds import (
    Tuned,
    alarms_of,
    failing_always,
    held_out_alarms,
    live_checks,
    tune_limits,
)
from analyzer.tuning.windows import read_windows, usual_rows
from analyzer.write import CONSTRAINTS_FILE, STATISTICS_FILE, check_writable, write_files

log = logging.getLogger(__name__)
TUNING_FILE = "tuning.json"
SPANS = 4
"""Shares of the work a core gets; each is told the whole baseline."""
WITHOUT_STATISTICS = "The baseline has no statistics.json that knows these features: distances are not replayed."
Limits = Mapping[str, NDArray[np.float64]]
Violations = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is asked for: `rate` is the share of windows that may alarm by chance, None to only replay."""

    states: Sequence[Location]
    constraints: Location
    statistics: Location | None
    output: Location
    rate: float | None = None
    without: Sequence[str] = ()
    compatibility: Compatibility = "original"
    cores: int = 1


def tune(asked: Tuning) -> Report:
    """Replay past windows and, where a rate is wanted, write a baseline with thresholds for it.

    The output folder gets constraints.json, statistics.json as it was and tuning.json. Raises InputError for states
    that cannot be read, BaselineError for a baseline or states that make no sense, ConfigError for a rate that is none.
    """
    _refuse_odd_rate(asked.rate)
    content = baseline_content("baseline_constraints", asked.constraints)
    statistics = None if asked.statistics is None else baseline_content("baseline_statistics", asked.statistics)
    plan = _plan(content, statistics, asked)
    places = _places(asked)
    if asked.rate is not None:
        check_writable(asked.output)
    replay = Replay(plan, places, score_states(places, plan, asked.cores), limits_of(plan.yardsticks))
    report = _replayed(replay, asked)
    return report if asked.rate is None else _proposed(replay, report, asked, Baseline(content, statistics))


@dataclass(frozen=True, slots=True)
class Replay:
    """Windows, their scores, and the limits in force."""

    plan: Plan
    places: Sequence[Location]
    scores: Scores
    limits: Limits


@dataclass(frozen=True, slots=True)
class Baseline:
    """The files of a baseline as they are."""

    constraints: bytes
    statistics: bytes | None


def _refuse_odd_rate(rate: float | None) -> None:
    if rate is not None and not 0 < rate < 1:
        raise ConfigError(f"The rate is {rate:g}, expected a share of the windows.", "Say 0.01 for one in a hundred.")


def _plan(content: bytes, statistics: bytes | None, asked: Tuning) -> Plan:
    constraints = read_constraints(content, str(asked.constraints))
    before = None if statistics is None else read_statistics(statistics, str(asked.statistics))
    yardsticks = yardsticks_of(constraints, before, corrected=asked.compatibility == "corrected")
    return Plan(yardsticks, domains_of(constraints), constraints.config.evaluate_constraints)


def _places(asked: Tuning) -> list[Location]:
    """List the states, oldest first as their paths are, without those that were excepted."""
    found = find_states(asked.states, asked.output)
    kept = [place for place in found if not any(text in str(place) for text in asked.without)]
    if not kept:
        raise InputError("No state is left.", "Say less in --without.")
    log.info("States: %d, left out: %d", len(kept), len(found) - len(kept))
    return kept


# --- scoring ----------------------------------------------------------------------------------------------------------


def score_states(places: Sequence[Location], plan: Plan, cores: int) -> Scores:
    """Score states, in as many processes as there are cores."""
    size = max(1, -(-len(places) // (max(1, cores) * SPANS)))
    shares = [places[i : i + size] for i in range(0, len(places), size)]
    with beside(partial(score_share, plan=plan), shares, cores if len(places) > SPAN else 1) as parts:
        return joined(list(parts))


# --- what is found ----------------------------------------------------------------------------------------------------


def _rate(alarms: NDArray[np.bool_]) -> Rate:
    return Rate(int(alarms.sum()), len(alarms))


def _replayed(replay: Replay, asked: Tuning) -> Report:
    scores, plan, limits = replay.scores, replay.plan, replay.limits
    alarms = alarms_of(scores, limits)
    lines = [
        _line(plan.yardsticks[i], check, replay, i)
        for check in CHECKS
        for i in range(len(plan.yardsticks))
        if not np.isnan(limits[check][i])
    ]
    suspicious = _named(replay.places, alarms) if asked.rate is None else ()
    rows = int(np.median(scores.rows))
    return Report(
        len(replay.places), rows, len(lines), _rate(alarms), lines, suspicious=suspicious, notes=_notes(replay)
    )


def _line(yardstick: Yardstick, check: str, replay: Replay, i: int) -> Line:
    limits = replay.limits
    values = replay.scores.by_check[check][:, i]
    made = ~np.isnan(values)
    now = Rate(int((values[made] > limits[check][i]).sum()), int(made.sum()))
    method = yardstick.method if check == DRIFT else None
    return Line(yardstick.name, check, method, threshold_of(float(limits[check][i]), check, yardstick), now)


def _named(places: Sequence[Location], alarms: NDArray[np.bool_]) -> list[str]:
    return [
        str(Path(places[i]).parent if isinstance(places[i], Path) else places[i])
        for i in np.flatnonzero(alarms).tolist()
    ]


def _notes(replay: Replay) -> list[str]:
    scores, plan, limits = replay.scores, replay.plan, replay.limits
    notes = [] if any(each.before for each in plan.yardsticks) else [WITHOUT_STATISTICS]
    if scores.misshapen.any():
        notes.append(f"{int(scores.misshapen.sum())} windows have another number of columns; they alarm in any case.")
    for check, always in failing_always(scores, limits).items():
        names = [plan.yardsticks[i].name for i in np.flatnonzero(always).tolist()]
        if names:
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            cure = "that is no chance, a new baseline is due (analyzer merge-states --baseline)"
            notes.append(f"{check} fails in every window for {shown}: {cure}.")
    return notes


def _proposed(replay: Replay, report: Report, asked: Tuning, baseline: Baseline) -> Report:
    """Find thresholds, write them, and judge the windows by what was written."""
    assert asked.rate is not None
    tuned = _tuned(replay, asked.rate)
    text = edited(baseline.constraints, replay.plan.yardsticks, tuned.limits, tuned.live)
    written = limits_of(_plan(text.encode(), baseline.statistics, asked).yardsticks)
    alarms = alarms_of(replay.scores, written)
    held_out, then = _held_out(replay, tuned, written, asked.rate)
    found = replace(
        report,
        lines=_with_proposals(report.lines, replay.plan, (tuned, written, then)),
        wanted=asked.rate,
        way=tuned.way,
        replayed=_rate(alarms),
        held_out=_rate(held_out),
        suspicious=_named(replay.places, alarms),
        notes=[*report.notes, *_floored(tuned)],
        folder=str(asked.output),
        output=_files(baseline),
    )
    contents: dict[str, str | bytes] = {CONSTRAINTS_FILE: text, TUNING_FILE: json.dumps(found.to_dict(), indent=2)}
    if baseline.statistics is not None:
        contents[STATISTICS_FILE] = baseline.statistics
    write_files(asked.output, contents)
    return found


def _floored(tuned: Tuned) -> list[str]:
    """Say where a threshold would have to be negative, which happens where a method allows for chance by itself."""
    count = int((tuned.live[DRIFT] & (tuned.limits[DRIFT] <= 0)).sum())
    return [f"{count} thresholds cannot be lower than 0, so there are fewer alarms than wanted."] if count else []


def _files(baseline: Baseline) -> list[str]:
    return [CONSTRAINTS_FILE, *([STATISTICS_FILE] if baseline.statistics is not None else []), TUNING_FILE]


def _tuned(replay: Replay, rate: float) -> Tuned:
    scores, plan, limits = replay.scores, replay.plan, replay.limits
    if len(replay.places) >= FEWEST:
        return tune_limits(scores, limits, plan.yardsticks, live_checks(scores, limits), rate)
    windows = read_windows(replay.places, plan.domains)
    if not usual_rows(windows):
        return Tuned(limits, "resampled", {check: np.zeros(len(plan.yardsticks), dtype=np.bool_) for check in CHECKS})
    drawn = draw_scores(windows, plan.yardsticks)
    tuned = tune_limits(drawn, limits, plan.yardsticks, live_checks(scores, limits, drawn), rate)
    return Tuned(tuned.limits, "resampled", tuned.live)


def _held_out(replay: Replay, tuned: Tuned, written: Limits, rate: float) -> tuple[NDArray[np.bool_], Violations]:
    """Judge windows by limits that they had no part in; drawn windows are others, if of the same rows."""
    if tuned.way == "resampled":
        return alarms_of(replay.scores, written), exceeded(replay.scores, written)
    return held_out_alarms(replay.scores, replay.limits, replay.plan.yardsticks, rate)


def _with_proposals(lines: Sequence[Line], plan: Plan, proposal: tuple[Tuned, Limits, Violations]) -> list[Line]:
    tuned, written, then = proposal
    place = {yardstick.name: i for i, yardstick in enumerate(plan.yardsticks)}
    found = []
    for line in lines:
        i = place[line.feature]
        if tuned.live[line.check][i]:
            proposed = threshold_of(float(written[line.check][i]), line.check, plan.yardsticks[i])
            alarms = Rate(int(then[line.check][:, i].sum()), line.now.windows)
            found.append(replace(line, proposed=proposed, then=alarms))
        else:
            found.append(line)
    return found
