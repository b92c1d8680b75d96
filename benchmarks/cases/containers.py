"""A cluster of containers on one machine against one container on the same cores."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from benchmarks import generate
from benchmarks.comparison import Comparison, Runs, compare
from benchmarks.measure import ERROR_TAIL, CommandFailed, Run, Skipped, interleaved
from benchmarks.subjects import CSV, FULL_ROWS, Setup, warm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HOSTS = 3
TIMES = 16
"""Size, in quarters of the large table: 16 million rows, for which starting is not most of the work."""
CONTAINER_SECONDS = 900
ROOT = "/opt/ml"


def containers(setup: Setup) -> list[Comparison]:
    """Three containers that form a cluster, against one container, all on the same cores."""
    once = setup.scaled(FULL_ROWS // 4)
    runs: Runs
    if missing := _missing(setup.image):
        runs = dict.fromkeys(("one", "three"), Skipped(f"skipped: {missing}"))
    else:
        base = generate.csv_files(setup.data, once)
        warm(base)
        source = generate.repeated_files(base, TIMES)
        subjects = {"one": partial(_cluster, setup, source, 1), "three": partial(_cluster, setup, source, HOSTS)}
        runs = interleaved(subjects, setup.times(3))
    line = partial(
        compare, "containers", rows=once * TIMES, peer_name="1 container", ours=runs["three"], theirs=runs["one"]
    )
    return [
        line(f"Spark, {HOSTS} containers, start to exit", at_most=1.25),
        line(f"Spark, {HOSTS} containers, without session start", phase="analyze"),
    ]


def _missing(image: str) -> str:
    """Say what is missing, if anything: a container engine that answers, and the image."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    for command, missing in (
        (["docker", "info"], "no container engine answers"),
        (["docker", "image", "inspect", image], f"there is no image {image} (make image builds it)"),
    ):
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            return missing
    return ""


def _cluster(setup: Setup, source: Path, count: int) -> Run:
    """Run one job on so many containers, from the first start to the last exit; the output is the leader's."""
    hosts = [f"algo-{number + 1}" for number in range(count)]
    with tempfile.TemporaryDirectory(prefix="hosts-", dir=setup.data) as folder, _network() as network:
        folders = {host: _host_folder(Path(folder), hosts, host) for host in hosts}
        commands = [_command(setup, source, folders, network, host) for host in hosts]
        started = time.perf_counter()
        said = _all_ended(commands)
        seconds = time.perf_counter() - started
        _check_reports(Path(folder), hosts)
    return Run(seconds, said[0], {})


def _check_reports(folder: Path, hosts: Sequence[str]) -> None:
    """Make sure that what was measured is one job: the leader wrote its reports, and nobody else did."""
    wrote = [host for host in hosts if (folder / host / "output" / "statistics.json").exists()]
    if wrote != [hosts[0]]:
        raise CommandFailed(f"statistics.json was written by {wrote or 'nobody'}, not by {hosts[0]} alone: no cluster")


@contextlib.contextmanager
def _network() -> Iterator[str]:
    name = f"benchmark-{os.getpid()}"
    _docker("network", "create", "--internal", name)
    try:
        yield name
    finally:
        _docker("network", "rm", name)


def _docker(*words: str) -> None:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(f"docker {words[0]} failed: {done.stderr.strip()}")


def _host_folder(folder: Path, hosts: Sequence[str], host: str) -> Path:
    """Make what is a host's own: its config, which names all hosts, and its output."""
    own = folder / host
    (own / "config").mkdir(parents=True)
    (own / "output").mkdir()
    listed = json.dumps({"current_host": host, "hosts": list(hosts)})
    (own / "config" / "resourceconfig.json").write_text(listed)
    return own


def _command(setup: Setup, source: Path, folders: Mapping[str, Path], network: str, host: str) -> list[str]:
    """Start one host as a processing job would: its own name, config and output, the same input and variables.

    All containers are pinned to the same cores. One alone offers all of them; several offer one each, at least.
    """
    config, output = folders[host] / "config", folders[host] / "output"
    usable = sorted(os.sched_getaffinity(0))[: setup.cores]
    variables = {
        "dataset_format": json.dumps(CSV),
        "dataset_source": f"{ROOT}/processing/input",
        "output_path": f"{ROOT}/processing/output",
        "ANALYZER_ENGINE": "spark",
        "ANALYZER_CORES": str(max(1, len(usable) // len(folders))),
    }
    mounts = {source: f"{ROOT}/processing/input:ro", config: f"{ROOT}/config:ro", output: f"{ROOT}/processing/output"}
    options = {
        "--name": f"{network}-{host}",
        "--hostname": host,
        "--network": network,
        "--network-alias": host,
        "--cpuset-cpus": ",".join(map(str, usable)),
    }
    command = ["docker", "run", "--rm", *(word for option in options.items() for word in option)]
    command += [word for path, place in mounts.items() for word in ("--volume", f"{path}:{place}")]
    return [*command, *(word for pair in variables.items() for word in ("--env", "=".join(pair))), setup.image]


def _all_ended(commands: Sequence[Sequence[str]]) -> list[str]:
    """Run the containers at the same time and wait for all; raises CommandFailed when one of them fails."""
    with contextlib.ExitStack() as files:
        outputs: list[IO[str]] = [files.enter_context(tempfile.TemporaryFile("w+")) for _ in commands]
        running = [
            subprocess.Popen(list(command), stdout=output, stderr=subprocess.STDOUT)
            for command, output in zip(commands, outputs, strict=True)
        ]
        try:
            codes = [process.wait(CONTAINER_SECONDS) for process in running]
        except subprocess.TimeoutExpired as late:
            raise CommandFailed(f"a container ran for more than {CONTAINER_SECONDS} s") from late
        finally:
            _end(commands, running)
        said = [_text(output) for output in outputs]
    for host, (code, text) in enumerate(zip(codes, said, strict=True), start=1):
        if code != 0:
            raise CommandFailed(f"algo-{host} ended with {code}:\n{text[-ERROR_TAIL:]}")
    return said


def _end(commands: Sequence[Sequence[str]], running: Sequence[subprocess.Popen[bytes]]) -> None:
    for command, process in zip(commands, running, strict=True):
        if process.poll() is None:
            name = command[command.index("--name") + 1]
            subprocess.run(["docker", "kill", name], capture_output=True, check=False)
            process.wait()


def _text(output: IO[str]) -> str:
    output.seek(0)
    return output.read()
