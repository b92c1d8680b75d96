from __future__ import annotations

from typing import Any

import pytest

from analyzer.errors import ScriptError
from analyzer.scripts import UNCHANGED

SCRIPT = "sample.py"


def kept(sample: Any, records: list[Any]) -> list[int]:
    return [number for number, record in enumerate(records) if sample(record) is UNCHANGED]


def test_the_share_is_kept_and_every_run_keeps_the_same(run: Any, captured: Any) -> None:
    records = [captured("1", event_id=f"e-{number}") for number in range(4000)]
    first = kept(run(SCRIPT, SAMPLE_SHARE="0.25"), records)
    assert 900 < len(first) < 1100
    assert kept(run(SCRIPT), records) == first
    assert run(SCRIPT)(records[next(n for n in range(4000) if n not in first)]) == []


def test_a_larger_share_contains_the_smaller_one(run: Any, captured: Any) -> None:
    records = [captured("1", event_id=f"e-{number}") for number in range(500)]
    small = kept(run(SCRIPT, SAMPLE_SHARE="0.1"), records)
    assert set(small) < set(kept(run(SCRIPT, SAMPLE_SHARE="0.5"), records))


def test_another_seed_keeps_others(run: Any, captured: Any) -> None:
    records = [captured("1", event_id=f"e-{number}") for number in range(500)]
    assert kept(run(SCRIPT), records) != kept(run(SCRIPT, SAMPLE_SEED="b"), records)


@pytest.mark.parametrize(("share", "count"), [("0", 0), ("1", 300)])
def test_none_and_all(run: Any, captured: Any, share: str, count: int) -> None:
    records = [captured("1", event_id=f"e-{number}") for number in range(300)]
    assert len(kept(run(SCRIPT, SAMPLE_SHARE=share), records)) == count


def test_batch_lines_and_objects(run: Any) -> None:
    sample = run(SCRIPT, SAMPLE_SHARE="0.5", HEADER_NAME="id")
    lines = [f"{number},x\n" for number in range(400)]
    assert 150 < len(kept(sample, lines)) < 250
    assert sample("id,name\n") is UNCHANGED
    assert kept(sample, [line.rstrip() for line in lines]) == kept(sample, lines)
    assert 150 < len(kept(sample, [{"id": number} for number in range(400)])) < 250


def test_a_key_keeps_all_records_of_a_customer_together(run: Any) -> None:
    sample = run(SCRIPT, SAMPLE_SHARE="0.5", SAMPLE_KEY="customer")
    answers = {number % 20: set() for number in range(200)}
    for number in range(200):
        answers[number % 20].add(sample({"customer": number % 20, "n": number}) is UNCHANGED)
    assert all(len(answer) == 1 for answer in answers.values())
    assert len(set(map(frozenset, answers.values()))) == 2


def test_records_without_an_event_id_are_told_apart_by_content(run: Any, captured: Any) -> None:
    records = [captured(str(number), event_id="") for number in range(200)]
    assert 60 < len(kept(run(SCRIPT, SAMPLE_SHARE="0.5"), records)) < 140


def test_the_originals_records(run: Any, golden: Any) -> None:
    records = golden("capture.jsonl")
    assert 5 < len(kept(run(SCRIPT, SAMPLE_SHARE="0.5"), records)) < 39


@pytest.mark.parametrize("share", ["1.5", "-1", "nan"])
def test_a_share_out_of_range_is_named(run: Any, share: str) -> None:
    with pytest.raises(ScriptError, match="SAMPLE_SHARE must be from 0 to 1"):
        run(SCRIPT, SAMPLE_SHARE=share)
