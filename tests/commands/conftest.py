"""What tests of commands share: no variable of a job, signals and logging as before, a folder to work in."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.config import SETTINGS

TRAINING = "age,plan\n31,basic\n45,gold\n29,basic\n38,gold\n"
NEW = "age,plan\n33,basic\n,silver\n"


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The entry point takes over signals and logging of its process; here the process is the tests'."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands work in, with training data and new data that does not meet it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANALYZER_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "training.csv").write_text(TRAINING)
    (tmp_path / "new.csv").write_text(NEW)
    return tmp_path
