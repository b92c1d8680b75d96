"""Real containers: the engine, the image built once, a folder that stands for /opt/ml, and a way to run."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).resolve().parents[2]
IMAGE = "model-monitor-analyzer"
BUILD_SECONDS = 1200
RunContainer = Callable[..., "Container"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.container)


def docker(*words: str, timeout: float = 300, check: bool = True) -> str:
    """Run a docker command and return its standard output; fails the test with what docker said."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=timeout, check=False)
    if check and done.returncode:
        pytest.fail(f"docker {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """See to a Docker engine, or skip and say why; `make test-image` does not skip."""
    done = subprocess.run([TOP / ".ci" / "docker"], capture_output=True, text=True, check=False)
    if done.returncode:
        stop = pytest.fail if os.environ.get("TEST_CONTAINERS") == "required" else pytest.skip
        stop(f"no containers here: {' '.join(done.stderr.split())}")


@pytest.fixture(scope="session")
def image(docker_engine: None) -> str:
    """Build the image of this checkout once, and give its name; TEST_IMAGE names one to test instead."""
    if given := os.environ.get("TEST_IMAGE"):
        return given
    build = [TOP / ".ci" / "image", IMAGE, *os.environ.get("BASE_IMAGE", "").split()]
    done = subprocess.run(build, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    if done.returncode:
        pytest.fail(f"the image was not built:\n{done.stderr[-3000:]}")
    return IMAGE


@dataclass
class Container:
    """A container that was started: wait for its end, stop it, read its log."""

    name: str

    def wait(self, seconds: float = 300) -> int:
        """Wait for the end and return the exit code."""
        return int(docker("wait", self.name, timeout=seconds))

    def stop(self, grace: int = 30) -> int:
        """End it as the service does: SIGTERM, SIGKILL after the grace; returns the exit code."""
        docker("stop", "--time", str(grace), self.name, timeout=grace + 30)
        return self.wait(10)

    def kill(self) -> None:
        """End it at once."""
        docker("kill", self.name)

    @property
    def log(self) -> str:
        done = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Wait until the log has the text."""
        end = time.monotonic() + seconds
        while text not in self.log:
            assert time.monotonic() < end, f"{text!r} is not in the log:\n{self.log}"
            time.sleep(0.1)

    def changes(self) -> list[str]:
        """What was written into the container's own file system."""
        return docker("diff", self.name).splitlines()


@dataclass
class OptMl:
    """A folder of this machine that stands for /opt/ml of one host, laid out as the service does.

    `inputs` are mounted read-only, each below /opt/ml; `processing/output` and `output` can be written by anybody.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, Path] = field(default_factory=dict)
    hosts: tuple[str, ...] = ("algo-1",)
    host: str = "algo-1"

    def __post_init__(self) -> None:
        for name in ("config", "processing/output", "output"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            (self.folder / name).chmod(0o777)

    @property
    def output(self) -> Path:
        return self.folder / "processing" / "output"

    @property
    def message(self) -> str:
        return (self.folder / "output" / "message").read_text()

    def document(self, name: str) -> Any:
        """Read one of the reports."""
        return json.loads((self.output / name).read_bytes())

    def mounts(self) -> list[str]:
        """Write the two files of the service and give docker's flags for all mounts."""
        config = self.folder / "config"
        job = {"ProcessingJobName": "monitoring-1", "Environment": self.environment}
        (config / "processingjobconfig.json").write_text(json.dumps(job))
        resources = {"current_host": self.host, "hosts": list(self.hosts)}
        (config / "resourceconfig.json").write_text(json.dumps(resources))
        inputs = [f"{path}:/opt/ml/{place}:ro" for place, path in self.inputs.items()]
        own = [
            f"{config}:/opt/ml/config:ro",
            *(f"{self.folder / at}:/opt/ml/{at}" for at in ("processing/output", "output")),
        ]
        return [word for mount in (*inputs, *own) for word in ("--volume", mount)]


@pytest.fixture
def opt_ml(tmp_path: Path) -> Callable[..., OptMl]:
    """Make a folder for /opt/ml: `opt_ml("algo-1", environment={...}, inputs={"processing/input": path})`."""

    def make(name: str = "ml", **fields: Any) -> OptMl:
        return OptMl(tmp_path / name, **fields)

    return make


@pytest.fixture
def run_container(image: str) -> Iterator[RunContainer]:
    """Start containers and remove them in the end.

    `run_container(job, "--memory", "1g", network="none", image=..., command=[...], environment={...})` starts one with
    the mounts and variables of `job` (an OptMl or None) and returns it without waiting for it. The root file system is
    read-only with a tmpfs on /tmp unless `read_only=False`. `by_description` leaves the variables of the job to
    processingjobconfig.json.
    """
    started: list[str] = []
    ours = image

    def run(
        job: OptMl | None,
        *flags: str,
        network: str = "none",
        image: str = ours,
        read_only: bool = True,
        command: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        name: str | None = None,
        by_description: bool = False,
    ) -> Container:
        name = name or f"analyzer-test-{uuid.uuid4().hex[:12]}"
        variables = {**(job.environment if job and not by_description else {}), **(environment or {})}
        words = [word for key, text in variables.items() for word in ("--env", f"{key}={text}")]
        words += job.mounts() if job else []
        words += ["--read-only", "--tmpfs", "/tmp"] if read_only else []
        started.append(name)
        docker("run", "--detach", "--name", name, "--network", network, *words, *flags, image, *command)
        return Container(name)

    yield run
    if started:
        docker("rm", "--force", "--volumes", *started, check=False)


@pytest.fixture
def docker_inspect(image: str) -> Any:
    """What the engine says of the image."""
    return json.loads(docker("image", "inspect", image))[0]
