"""The content of merge_report.json: what came together, what did not, and how late labels are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analyzer.config import JobConfig, utc_text
from analyzer.join import A_MINUTE, Joined, Tally
from analyzer.plan_merge import Plan, hour_text

QUANTILES = {"min": 0.0, "p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99, "max": 1.0}


def merge_document(plan: Plan, joined: Joined, config: JobConfig) -> dict[str, Any]:
    """Put the accounts of a merge into one document."""
    return {
        "version": 0.0,
        "window": {name: _time(getattr(config, name)) for name in ("start_time", "end_time")},
        "captures": _captures(plan, joined),
        "labels": _labels(plan, joined),
        "label_delay": _delay(joined.tally.delays),
        "hours": _hours(joined.tally),
        "notes": list(notes(joined, config)),
    }


def _time(found: Any) -> str | None:
    return None if found is None else utc_text(found)


def _captures(plan: Plan, joined: Joined) -> dict[str, Any]:
    seen, tally = joined.captures.counts, joined.tally
    matched = tally.labelled.total()
    return {
        "files": plan.files["captures"],
        "files_outside_window": plan.files["outside_window"],
        "records": seen["records"],
        "records_outside_window": seen["outside_window"],
        "without_time": seen["untimed"],
        "without_id": seen["without_id"],
        "repeated_ids": tally.captured.total() - tally.counts["capture_ids"],
        "matched": matched,
        "unmatched": seen["records"] - matched,
        "share_matched": _share(matched, seen["records"]),
    }


def _labels(plan: Plan, joined: Joined) -> dict[str, Any]:
    seen, counts = joined.labels.counts, joined.tally.counts
    return {
        "files": plan.files["labels"],
        "records": seen["records"],
        "without_id": seen["without_id"],
        "repeated_ids": counts["labels"] - counts["label_ids"],
        "ids_with_different_labels": counts["conflicting_ids"],
        "matched": counts["matched_ids"],
        "unmatched": counts["label_ids"] - counts["matched_ids"],
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _delay(delays: Counter[int]) -> dict[str, Any] | None:
    """Give quantiles of the time from an inference to the hour of its label, in seconds, exact to the minute."""
    if not delays:
        return None
    total = delays.total()
    found = _at_ranks(sorted(delays.items()), [max(1, -int(-q * total // 1)) for q in QUANTILES.values()])
    return {
        "pairs": total,
        "seconds": {name: minutes * A_MINUTE for name, minutes in zip(QUANTILES, found, strict=True)},
    }


def _at_ranks(counted: Sequence[tuple[int, int]], ranks: Sequence[int]) -> list[int]:
    """Find the values at ranks that ascend, counted from 1."""
    found: list[int] = []
    passed = 0
    for value, count in counted:
        passed += count
        while len(found) < len(ranks) and ranks[len(found)] <= passed:
            found.append(value)
    return found


def _hours(tally: Tally) -> list[Mapping[str, Any]]:
    known = sorted(hour for hour in tally.captured if hour is not None)
    return [
        {
            "hour": None if hour is None else hour_text(hour),
            "captures": tally.captured[hour],
            "matched": tally.labelled[hour],
            "share_matched": _share(tally.labelled[hour], tally.captured[hour]),
        }
        for hour in [*known, *([None] if None in tally.captured else [])]
    ]


def notes(joined: Joined, config: JobConfig) -> Iterator[str]:
    """Name what whoever looks at the merge should know."""
    captures, labels, tally = joined.captures, joined.labels, joined.tally
    matched, records = tally.labelled.total(), captures.counts["records"]
    if matched < config.least_labelled * records:
        yield (
            f"Only {matched:,} of {records:,} captures have a label ({100 * matched / records:.1f} %); figures "
            f"from so few may say little. ANALYZER_LEAST_LABELLED is {config.least_labelled:g}."
        )
    for name, seen in (("captures", captures), ("labels", labels)):
        if seen.counts["without_id"]:
            count = seen.counts["without_id"]
            yield f"{count:,} {name} have no id and were left out; the first is {seen.without_id}."
    if captures.counts["untimed"]:
        yield f"{captures.counts['untimed']:,} captures have no time that can be read; they were taken in any window."
    if tally.counts["conflicting_ids"]:
        yield f"{tally.counts['conflicting_ids']:,} ids have several labels that differ; the latest one was taken."
