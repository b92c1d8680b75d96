"""Three containers of the image on one network, named as the service names them."""

from __future__ import annotations

import io
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HOSTS = ("algo-1", "algo-2", "algo-3")
JOB = {
    "dataset_format": '{"csv":{"header":true}}',
    "dataset_source": "/opt/ml/processing/input/data",
    "output_path": "/opt/ml/processing/output",
    "ANALYZER_CORES": "1",
}
SPARK = {"ANALYZER_ENGINE": "spark"}
REPORTS = ("statistics.json", "constraints.json", "profile.json", "state.json.gz", "report.html", "report.md")
SHARDS = {
    f"{name}.csv": "n,s\n" + "".join(f"{i / 7 + seed},x{i % 7}\n" for i in range(4000))
    for seed, name in enumerate("abcdef")
}
WAITING = """
import pathlib, time
def preprocess_handler(row):
    if row["n"] == 3:
        pathlib.Path("/opt/ml/processing/output/.seen").touch()
        until = time.monotonic() + 100
        while not pathlib.Path("/opt/ml/processing/input/control/go").exists() and time.monotonic() < until:
            time.sleep(0.1)
    return {"n": row["n"] * row["m"], "s": row["text"][:5]}
"""


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False).stdout


@pytest.fixture
def network(docker_engine: None) -> Iterator[str]:
    name = f"analyzer-test-{uuid.uuid4().hex[:12]}"
    docker("network", "create", name)
    yield name
    # Containers are removed by a fixture that ends after this one.
    for container in docker("ps", "--all", "--quiet", "--filter", f"network={name}").split():
        docker("rm", "--force", container)
    docker("network", "rm", name)


@pytest.fixture
def cluster(opt_ml, run_container, network) -> Callable[..., tuple[list[Any], list[Any]]]:
    """Start one container a host; `inputs` are given by host."""

    def start(environment, inputs, hosts=HOSTS, started=HOSTS):
        jobs = [
            opt_ml(host, environment={**JOB, **environment}, inputs=inputs[host], hosts=hosts, host=host)
            for host in started
        ]
        flags = [("--hostname", job.host, "--network-alias", job.host) for job in jobs]
        return jobs, [run_container(job, *each, network=network) for job, each in zip(jobs, flags, strict=True)]

    return start


def logs(containers: list[Any]) -> str:
    return "\n\n".join(container.log for container in containers)


def wait_for(what: Callable[[], bool], containers: list[Any], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, logs(containers)
        time.sleep(0.3)


def test_three_containers_write_the_bytes_of_one(cluster, opt_ml, run_container, tmp_path) -> None:
    (tmp_path / "all").mkdir()
    for i, (name, content) in enumerate(SHARDS.items()):
        for folder in (tmp_path / "all", tmp_path / f"shard-{HOSTS[i % 3]}"):
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(content)
    shards = {host: {"processing/input/data": tmp_path / f"shard-{host}"} for host in HOSTS}
    jobs, containers = cluster(SPARK, shards)
    one = opt_ml("one", environment=JOB, inputs={"processing/input/data": tmp_path / "all"})
    assert run_container(one).wait() == 0

    assert [container.wait() for container in containers] == [0, 0, 0], logs(containers)

    assert jobs[0].message == "Completed: Job completed successfully with no violations."
    for name in REPORTS:
        assert (jobs[0].output / name).read_bytes() == (one.output / name).read_bytes()
    for job in jobs[1:]:
        assert list(job.output.iterdir()) == []
        assert list((job.folder / "output").iterdir()) == []


def test_a_container_that_is_killed_is_done_without(cluster, opt_ml, run_container, tmp_path) -> None:
    data, control = tmp_path / "data", tmp_path / "control"
    data.mkdir()
    control.mkdir()
    (control / "script.py").write_text(WAITING)
    for m in range(6):
        sink = io.BytesIO()
        table = pa.table({"n": range(9), "m": [m] * 9, "text": [f"row {i}" + "x" * 2**23 for i in range(9)]})
        pq.write_table(table, sink, use_dictionary=False, compression="zstd")
        (data / f"{m}.parquet").write_bytes(sink.getvalue())
    inputs = {"processing/input/data": data, "processing/input/control": control}
    environment = {
        "dataset_format": '{"parquet":{}}',
        "record_preprocessor_script": "/opt/ml/processing/input/control/script.py",
    }
    jobs, containers = cluster({**environment, **SPARK}, dict.fromkeys(HOSTS, inputs))
    wait_for(lambda: all((job.output / ".seen").exists() for job in jobs), containers)

    containers[2].kill()
    containers[0].wait_for("Host algo-3 ")
    (control / "go").touch()

    assert [container.wait() for container in containers[:2]] == [0, 0], logs(containers)
    one = opt_ml("one", environment={**JOB, **environment}, inputs=inputs)
    assert run_container(one).wait() == 0
    for name in REPORTS:
        assert (jobs[0].output / name).read_bytes() == (one.output / name).read_bytes()


def test_a_container_that_never_comes_is_named(cluster, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("n\n1\n")
    inputs = {host: {"processing/input/data": tmp_path / "data"} for host in HOSTS}
    jobs, containers = cluster({"ANALYZER_CLUSTER_TIMEOUT": "8"}, inputs, started=HOSTS[:2])

    assert [container.wait() for container in containers] == [255, 255], logs(containers)

    assert "Of 3 hosts in resourceconfig.json, algo-3 did not arrive within 8 s" in jobs[0].message
    assert "no address is known for algo-3" in jobs[0].message
    assert list((jobs[1].folder / "output").iterdir()) == []
    assert "algo-3 did not arrive" in containers[1].log


def test_a_leader_that_is_killed_ends_the_others(cluster, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    inputs = {host: {"processing/input/data": tmp_path / "data"} for host in HOSTS}
    jobs, containers = cluster({}, inputs, started=HOSTS[:2])
    containers[0].wait_for("algo-2 has arrived")

    containers[0].kill()

    assert containers[1].wait(20) == 255
    assert "The leader algo-1 " in containers[1].log
    assert not any(list((job.folder / "output").iterdir()) for job in jobs)
