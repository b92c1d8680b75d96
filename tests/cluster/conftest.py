"""Several hosts on one machine: processes with a loopback address and a folder for /opt/ml each."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from loopback_hosts import CSV, NAMES, Host


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
