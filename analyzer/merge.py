"""Captures and labels -> merged records and an account of them: a step of its own, in front of the line."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.config import JobConfig, utc_text
from analyzer.errors import InputError
from analyzer.job import deployed, phase, pick_engine
from analyzer.join import Joined, Joining, Merged
from analyzer.jsonlayout import dump
from analyzer.merge_document import merge_document
from analyzer.plan_merge import Plan, clipped, plan_merge
from analyzer.read import MERGE_REPORT
from analyzer.readers.joined_sides import Seen
from analyzer.stores.peers import Peers
from analyzer.stores.store import File
from analyzer.write import check_writable, files_below, write_stream

if TYPE_CHECKING:
    from analyzer.cluster.lead import Leader

log = logging.getLogger(__name__)
NAMES = uuid.UUID("2b5e1a34-7c40-5d61-9d27-6f3a7b0d8c15")
PART = re.compile(r"part-\d{5,}-(?=[^/]+$)")
ALONE_BYTES = 32 * 1024 * 1024
"""Up to so many bytes this process is done before another one would have started."""
OF_ANALYSES = {
    "baseline_constraints": "baseline_constraints",
    "baseline_statistics": "baseline_statistics",
    "ANALYZER_HISTORY": "history",
    "ANALYZER_ALERTS": "alerts",
    "ANALYZER_METRICS_TARGETS": "metrics_targets",
}
"""Variables, and their fields, of what concerns the analysis of the merged records alone."""
MOST_HOURS = 48
"""Hours that are logged one by one; merge_report.json has all."""


def merge(config: JobConfig, leader: Leader | None = None) -> int:
    """Join captures with labels and write the merged records, and merge_report.json, into the output folder.

    `leader` knows the other hosts, where there are several. Returns 0, the number of violations.

    Raises InputError where a side is missing or empty, cannot be read, or where nothing matches, and OutputError; then
    what an earlier run wrote is untouched.
    """
    _say_idle(config)
    check_writable(config.output_path)
    plan, peers = _planned(config, leader)
    _refuse_nothing(plan, config)
    with ExitStack() as stack:
        with phase("join"):
            joined = stack.enter_context(_joined(plan, config, peers, leader))
        _refuse_strangers(plan, joined, config)
        document = merge_document(plan, joined, config)
        _log(document)
        output = _Output(plan, config)
        with phase("write"):
            write_stream(config.output_path, output.content(joined.lines, document), output.stale())
    return 0


def _say_idle(config: JobConfig) -> None:
    """Say which settings are not heeded: no fault, for the jobs of a schedule may share an environment."""
    if config.record_preprocessor_script or config.post_analytics_processor_script:
        log.warning("Scripts are not used: a merge writes payloads as they were captured.")
    idle = [variable for variable, field in OF_ANALYSES.items() if getattr(config, field)]
    if "junit" in config.report:
        idle.append("ANALYZER_REPORT")
    if idle:
        log.warning("A merge analyzes nothing, so these are not used: %s.", ", ".join(idle))


def _planned(config: JobConfig, leader: Leader | None) -> tuple[Plan, Peers | None]:
    """Plan with the files of all hosts, and tell where those are to be had that this one lacks."""
    if leader is None:
        return plan_merge(config), None
    listed: list[Peers | None] = []

    def list_all(source: Path | str, variable: str) -> list[File]:
        files, peers = leader.list_inputs(source, variable)
        listed.append(peers)
        return files

    plan = plan_merge(config, list_all)
    return plan, next(filter(None, listed), None)


@contextmanager
def _joined(plan: Plan, config: JobConfig, peers: Peers | None, leader: Leader | None) -> Iterator[Joined]:
    """Join on the engine that fits the size of both sides."""
    joining = Joining(plan.buckets, config.start_time, config.end_time, peers)
    engine = pick_engine(plan.bytes, config)
    log.info(
        "Merging %d files of captures with %d of labels in %d buckets on %s",
        plan.files["captures"],
        plan.files["labels"],
        plan.buckets,
        engine,
    )
    if engine == "local":
        from analyzer.engine.join_locally import joined_locally

        with joined_locally(plan, joining, config.cores if plan.bytes > ALONE_BYTES else 1) as joined:
            yield joined
        return
    from analyzer.engine.join_on_spark import joined_on_spark

    with deployed(leader) as deployment, joined_on_spark(plan, joining, config, deployment) as joined:
        yield joined


# --- nothing to merge -------------------------------------------------------------------------------------------------


def _refuse_nothing(plan: Plan, config: JobConfig) -> None:
    if config.empty_input == "succeed":
        return
    if not plan.labels:
        raise InputError(
            f"ground_truth_source: {config.ground_truth_source} holds no labels.",
            "Check the path, or set ANALYZER_EMPTY_INPUT=succeed if labels may be late.",
        )
    if not plan.captures:
        outside = plan.files["outside_window"]
        there = f" {outside} files lie in hours outside of it." if outside else ""
        raise InputError(
            f"dataset_source: {config.dataset_source} holds no captures{_window_text(config)}.{there}",
            "Check the path and the window, or set ANALYZER_EMPTY_INPUT=succeed if empty windows are normal.",
        )


def _refuse_strangers(plan: Plan, joined: Joined, config: JobConfig) -> None:
    """Refuse two sides of which nothing matches, and show what ids look like on both."""
    if joined.tally.labelled or (config.empty_input == "succeed"):
        return
    records = joined.captures.counts["records"]
    if not records:
        raise InputError(
            f"dataset_source: no record in {plan.files['captures']} files of captures is{_window_text(config)}; "
            f"{joined.captures.counts['outside_window']:,} are outside.",
            "Check the window, or set ANALYZER_EMPTY_INPUT=succeed if empty windows are normal.",
        )
    raise InputError(
        f"None of {records:,} captures has a label among {joined.labels.counts['records']:,}: no id is on both sides. "
        f"Ids of captures: {_ids(joined.captures)}. Ids of labels: {_ids(joined.labels)}.",
        "A label's eventMetadata.eventId must be the capture's inferenceId, or its eventId where it has none. "
        "If labels may be late, set ANALYZER_EMPTY_INPUT=succeed.",
    )


def _ids(seen: Seen) -> str:
    shown = ", ".join(repr(key if len(key) <= 40 else key[:37] + "...") for key in seen.samples)
    return shown or "none"


def _window_text(config: JobConfig) -> str:
    ends = {"from": config.start_time, "to": config.end_time}
    told = " ".join(f"{word} {utc_text(time)}" for word, time in ends.items() if time is not None)
    return f" in the window {told}" if told else ""


# --- what is written --------------------------------------------------------------------------------------------------


class _Output:
    """The files of a merge: named as the original's, after the folder of their captures and a number.

    The id in a name comes from the folder and from the ends of the window that cut through its hour, so that a second
    run replaces what the first one wrote.
    """

    def __init__(self, plan: Plan, config: JobConfig) -> None:
        self._place = config.output_path
        self._folders = [
            (folder, uuid.uuid5(NAMES, f"{folder}|{clipped(hour, config)}"))
            for folder, hour in zip(plan.folders, plan.hours, strict=True)
        ]
        self._written: set[str] = set()

    def _name(self, folder: int, number: int) -> str:
        place, same = self._folders[folder]
        name = f"part-{number:05}-{same}.c000.jsonl"
        return f"{place}/{name}" if place else name

    def content(self, lines: Iterable[Merged], document: object) -> Iterator[tuple[str, bytes]]:
        """Yield lines file by file, then the report."""
        for each in lines:
            name = self._name(each.folder, each.bucket)
            self._written.add(name)
            yield name, each.lines
        yield MERGE_REPORT, dump(document).encode()

    def stale(self) -> Iterator[str]:
        """Name files of an earlier run over the same captures that this run, all written, has not replaced."""
        first_ones = {self._name(folder, 0) for folder in range(len(self._folders))}
        for name in files_below(self._place):
            if PART.sub("part-00000-", name, count=1) in first_ones and name not in self._written:
                yield name


# --- the log ----------------------------------------------------------------------------------------------------------


def _log(document: Mapping[str, Any]) -> None:
    captures, labels = document["captures"], document["labels"]
    log.info(
        "Merged %d of %d captures; of %d labels %d were used",
        captures["matched"],
        captures["records"],
        labels["records"],
        labels["matched"],
    )
    log.info("Captures: %s", json.dumps(captures))
    log.info("Labels: %s", json.dumps(labels))
    log.info("Label delay: %s", json.dumps(document["label_delay"]))
    for hour in document["hours"][:MOST_HOURS]:
        log.info("Hour %s: %d of %d captures have labels", hour["hour"], hour["matched"], hour["captures"])
    for note in document["notes"]:
        log.warning("%s", note)
