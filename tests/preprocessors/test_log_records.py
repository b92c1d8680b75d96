from __future__ import annotations

import logging
from typing import Any

import pytest

from analyzer.errors import ScriptError
from analyzer.scripts import UNCHANGED

SCRIPT = "log_records.py"


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="preprocess")


def test_every_nth_record_is_written_and_none_is_changed(run: Any, captured: Any, caplog: Any) -> None:
    show = run(SCRIPT, LOG_EVERY="3")
    assert all(show(captured(f"in{number}", "out", event_id=f"e-{number}")) is UNCHANGED for number in range(7))
    lines = [entry.getMessage() for entry in caplog.records]
    assert [line.split(",")[0] for line in lines] == [
        f"record {number + 1} of this process: event e-{number} of 2025-02-16T11:19:01Z" for number in (0, 3, 6)
    ]
    assert "input CSV in0" in lines[0]
    assert "output CSV out" in lines[0]


def test_gaps_are_warnings_up_to_a_limit(run: Any, captured: Any, caplog: Any) -> None:
    show = run(SCRIPT, LOG_EVERY="0", LOG_WARNINGS="2")
    for _ in range(5):
        show(captured("1", None, event_id="e-9"))
    assert [entry.levelname for entry in caplog.records] == ["WARNING", "WARNING"]
    assert caplog.records[0].getMessage() == "record 1 of this process, event e-9: no output"


def test_an_empty_payload_is_a_gap(run: Any, captured: Any, caplog: Any) -> None:
    run(SCRIPT, LOG_EVERY="0")(captured("", "0.5"))
    assert "no input" in caplog.text


def test_payloads_are_cut_or_left_out(run: Any, captured: Any, caplog: Any) -> None:
    run(SCRIPT, LOG_CHARACTERS="4")(captured("secret-number", "1"))
    assert "secr... (13 characters)" in caplog.text
    caplog.clear()
    run(SCRIPT, LOG_CHARACTERS="0")(captured("secret-number", "1"))
    assert "(13 characters)" in caplog.text
    assert "secr" not in caplog.text


def test_batch_records_and_the_level(run: Any, caplog: Any) -> None:
    show = run(SCRIPT, LOG_EVERY="1", LOG_LEVEL="error")
    assert show("1,2,3") is UNCHANGED
    assert show({"a": 1}) is UNCHANGED
    assert [(entry.levelname, entry.getMessage()) for entry in caplog.records] == [
        ("ERROR", "record 1 of this process: 1,2,3"),
        ("ERROR", "record 2 of this process: {'a': 1}"),
    ]


def test_records_of_the_original(run: Any, golden: Any, caplog: Any) -> None:
    show = run(SCRIPT, LOG_EVERY="1")
    records = golden("capture.jsonl") + golden("merged.batch-json.json")
    assert all(show(record) is UNCHANGED for record in records)
    assert [entry.levelname for entry in caplog.records] == ["INFO"] * len(records)


def test_a_wrong_level_is_named(run: Any) -> None:
    with pytest.raises(ScriptError, match="LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not 'LOUD'"):
        run(SCRIPT, LOG_LEVEL="loud")
