"""Several hosts on one machine: processes with a loopback address and a folder for /opt/ml each."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
NAMES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
CSV = '{"csv":{"header":true}}'
REPORTS = ("statistics.json", "constraints.json", "profile.json", "state.json.gz")
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


@pytest.fixture
def port() -> int:
    """A port that is free on all addresses of the test."""
    with socket.create_server(("0.0.0.0", 0)) as probe:
        return int(probe.getsockname()[1])


Start = Callable[..., None]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[list[Host]]:
    found = [Host(name, tmp_path / name) for name in NAMES]
    for host in found:
        (host.root / "processing" / "input").mkdir(parents=True)
    yield found
    for host in found:
        if host.process is not None and host.process.poll() is None:
            host.process.kill()
            host.process.wait()


@pytest.fixture
def start(hosts: list[Host], port: int) -> Start:
    """Start hosts, all or some of the run's, with the variables of a small job and others."""

    def run(some: list[Host] | None = None, names: tuple[str, ...] = NAMES, **variables: str) -> None:
        settings = {
            "dataset_format": CSV,
            "dataset_source": "/opt/ml/processing/input",
            "output_path": "/opt/ml/processing/output",
            "ANALYZER_CLUSTER_PORT": str(port),
            "ANALYZER_CLUSTER_TIMEOUT": "30",
            "ANALYZER_CORES": "1",
            "ANALYZER_ENGINE": "local",
            **variables,
        }
        for host in hosts if some is None else some:
            host.start(names, settings)

    return run


@pytest.fixture
def alone(tmp_path: Path) -> Callable[..., dict[str, bytes]]:
    """The reports of one host that has all files; they name files, so it has the leader's folder for the while."""

    def run(leader: Host, files: Mapping[str, str | bytes], **variables: str) -> dict[str, bytes]:
        kept = tmp_path / "kept"
        leader.root.rename(kept)
        only = Host("127.0.0.9", leader.root)
        for name, content in files.items():
            only.put(name, content)
        only.start(
            ("127.0.0.9",),
            {
                "dataset_format": CSV,
                "dataset_source": "/opt/ml/processing/input",
                "output_path": "/opt/ml/processing/output",
                "ANALYZER_CORES": "1",
                "ANALYZER_ENGINE": "local",
                **variables,
            },
        )
        assert only.wait() == 0, only.log
        found = only.reports
        leader.root.rename(tmp_path / "alone")
        kept.rename(leader.root)
        return found

    return run
