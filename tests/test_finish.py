"""What the service is told at the end: the message file and the exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.config import JobConfig
from analyzer.dataset_formats import CsvFormat
from analyzer.errors import ConfigError, InputError, Stopped
from analyzer.finish import Outcome, _cut, finish, is_leader

if TYPE_CHECKING:
    from pathlib import Path


def job(root: Path) -> JobConfig:
    return JobConfig(
        dataset_source=root / "in",
        dataset_format=CsvFormat(),
        output_path=root / "out",
        root=root,
        output_message_file=root / "output" / "message",
    )


def hosts(root: Path, text: str) -> None:
    (root / "config").mkdir()
    (root / "config" / "resourceconfig.json").write_text(text)


@pytest.mark.parametrize(
    ("outcome", "text", "code"),
    [
        (Outcome(), "Completed: Job completed successfully with no violations.", 0),
        (Outcome(60), "CompletedWithViolations: Job completed successfully with 60 violations.", 0),
        (Outcome(1), "CompletedWithViolations: Job completed successfully with 1 violations.", 0),
        (
            Outcome(error=ConfigError("CloudWatch publishing is available only for jobs from MonitoringSchedules.")),
            "Error: CloudWatch publishing is available only for jobs from MonitoringSchedules.",
            255,
        ),
        (
            Outcome(error=InputError("a.csv line 3 has 5 fields.", "Mend it.")),
            "Error: a.csv line 3 has 5 fields. Mend it.",
            255,
        ),
        (Outcome(error=Stopped("Stopped by SIGTERM.")), "Error: Stopped by SIGTERM.", 143),
    ],
)
def test_message_and_exit_code(tmp_path, outcome, text, code):
    assert finish(outcome, job(tmp_path)) == code
    assert (tmp_path / "output" / "message").read_bytes() == text.encode()


def test_an_error_counts_more_than_violations(tmp_path):
    assert finish(Outcome(3, InputError("x")), job(tmp_path)) == 255
    assert (tmp_path / "output/message").read_text() == "Error: x"


def test_what_nobody_foresaw_is_named_and_fails(tmp_path):
    assert finish(Outcome(error=KeyError("x")), job(tmp_path)) == 255
    assert (tmp_path / "output/message").read_text().startswith("Error: KeyError: 'x' ")


def test_out_of_memory_gets_its_cure(tmp_path):
    assert finish(Outcome(error=MemoryError()), job(tmp_path)) == 255
    assert "instance type with more memory" in (tmp_path / "output/message").read_text()


def test_it_works_without_a_configuration(tmp_path):
    assert finish(Outcome(error=ConfigError("broken", "mend it")), tmp_path) == 255
    assert (tmp_path / "output/message").read_text() == "Error: broken mend it"


def test_the_message_goes_where_the_variable_says(tmp_path):
    elsewhere = tmp_path / "a" / "b.txt"
    finish(Outcome(), replace(job(tmp_path), output_message_file=elsewhere))
    assert elsewhere.exists()
    assert not (tmp_path / "output").exists()


@given(st.text(max_size=1200))
def test_a_message_is_always_short_whole_utf8(text):
    cut = _cut(text)
    assert len(cut) <= 1024
    readable = text.encode("utf-8", "replace").decode()
    assert readable.startswith(cut.decode())
    assert len(readable[len(cut.decode()) :][:1].encode()) + len(cut) > 1024 or cut.decode() == readable


def test_undecodable_file_names_do_not_break_the_message(tmp_path):
    assert finish(Outcome(error=InputError("file \udcff.csv")), job(tmp_path)) == 255
    assert (tmp_path / "output/message").read_text(encoding="utf-8") == "Error: file ?.csv"


@pytest.mark.parametrize("current", ["algo-1", "algo-2"])
def test_only_the_first_host_writes(tmp_path, current):
    hosts(tmp_path, json.dumps({"current_host": current, "hosts": ["algo-2", "algo-1"]}))
    assert finish(Outcome(2), job(tmp_path)) == 0
    assert (tmp_path / "output/message").exists() is (current == "algo-1")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"current_host":"a"}', '{"current_host":"a","hosts":[]}', '{"current_host":"a","hosts":5}'],
)
def test_a_host_that_cannot_know_takes_itself_for_the_leader(tmp_path, caplog, text):
    hosts(tmp_path, text)
    assert is_leader(tmp_path / "config/resourceconfig.json")
    assert "resourceconfig.json cannot be read" in caplog.text


def test_a_host_alone_is_the_leader_without_a_warning(tmp_path, caplog):
    assert is_leader(tmp_path / "config/resourceconfig.json")
    assert caplog.text == ""


@pytest.mark.parametrize(("outcome", "code"), [(Outcome(3), 0), (Outcome(error=InputError("x")), 255)])
def test_a_message_that_cannot_be_written_changes_nothing(tmp_path, caplog, outcome, code):
    (tmp_path / "output").write_text("a file where the folder belongs")
    assert finish(outcome, job(tmp_path)) == code
    assert "cannot be written" in caplog.text
