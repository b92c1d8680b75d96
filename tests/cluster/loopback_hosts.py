"""Several hosts on one machine: processes with a loopback address and a folder for /opt/ml each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
NAMES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
CSV = '{"csv":{"header":true}}'
REPORTS = ("statistics.json", "constraints.json", "profile.json", "state.json.gz", "report.html", "report.md")
ENDING = 60.0


@dataclass
class Host:
    """One host of a run: its folder and its process."""

    name: str
    root: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.root / "log").read_text(errors="replace")

    @property
    def message(self) -> str | None:
        path = self.root / "output" / "message"
        return path.read_text() if path.exists() else None

    @property
    def reports(self) -> dict[str, bytes]:
        folder = self.root / "processing" / "output"
        return {name: (folder / name).read_bytes() for name in REPORTS if (folder / name).exists()}

    def put(self, name: str, content: bytes | str) -> None:
        path = self.root / "processing" / "input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def start(self, names: tuple[str, ...], variables: Mapping[str, str]) -> None:
        (self.root / "config").mkdir(parents=True, exist_ok=True)
        (self.root / "config" / "resourceconfig.json").write_text(
            json.dumps({"current_host": self.name, "hosts": list(names)})
        )
        environment = {name: text for name, text in os.environ.items() if not name.startswith(("ANALYZER_", "SPARK_"))}
        (self.root / "tmp").mkdir(exist_ok=True)
        environment |= {"PYTHONPATH": str(TOP), "ANALYZER_ROOT": str(self.root), "TMPDIR": str(self.root / "tmp")}
        environment |= variables
        with (self.root / "log").open("wb") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "analyzer"], env=environment, stdout=told, stderr=told, cwd=self.root
            )

    def wait(self, seconds: float = ENDING) -> int:
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self.name} did not end within {seconds} s:\n{self.log}")

    def says(self, text: str, seconds: float = ENDING) -> None:
        """Wait until the log holds a text."""
        until = time.monotonic() + seconds
        while text not in self.log:
            assert self.process is not None
            assert time.monotonic() < until, f"{self.name} did not say {text!r}:\n{self.log}"
            assert self.process.poll() is None or text in self.log, f"{self.name} ended:\n{self.log}"
            time.sleep(0.05)
