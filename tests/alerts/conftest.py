from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import executions as past
import pytest
from http_service import Hook, serving

from analyzer.alerts.deliver import Outcome, deliver
from analyzer.alerts.evaluate import Transition, evaluate
from analyzer.alerts.read_rules import parse_rules
from analyzer.history import History, history_in
from analyzer.history.database import work_on


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A webhook on this machine."""
    with serving() as hook:
        yield hook


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less between attempts."""
    monkeypatch.setattr("analyzer.post.PAUSE", 0.01)


class Alerts:
    """A folder of executions whose figures tests choose, and the rules over them."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.history = History(history_in(str(top)))
        self.rules = ""
        self.told: list[Outcome] = []

    def run(self, hour: int, value: float | None, *, violations: int = 0, schedule: str = "s") -> list[Transition]:
        """Add an execution with this mean of column x, None for one without it, and evaluate."""
        folder = past.folder_of(self.top, "m", schedule, hour)
        features = [past.numeric("y", 0.0)] + ([] if value is None else [past.numeric("x", value)])
        found = [past.drifted("x", 0.5)] * violations
        past.write(folder, statistics=past.statistics(*features), constraint_violations={"violations": found})
        return self.evaluate()

    def evaluate(self, **more) -> list[Transition]:
        self.history.update(str(self.top))
        rules = parse_rules(self.rules.encode(), "alerts.yaml")
        found = work_on(self.history.place, lambda connection: evaluate(connection, rules, **more))
        self.told = deliver(self.history.place, rules)
        return found

    def states(self, values: list[float | None]) -> list[str]:
        """The states that executions with these means lead to, one after the other."""
        found = []
        for hour, value in enumerate(values):
            self.run(hour, value)
            rows = self.history.query("SELECT state FROM alarms")
            found.append(rows[0]["state"] if rows else "none")
        return found


@pytest.fixture
def alerts(tmp_path: Path) -> Alerts:
    return Alerts(tmp_path / "monitoring")


Make = Callable[..., Alerts]
