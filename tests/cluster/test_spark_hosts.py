"""Three hosts form one Spark cluster, go on without one that is killed, and end when they must."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
import pytest
from loopback_hosts import CSV, REPORTS, TOP, Host

from analyzer.engine.spark import has_java

pytestmark = [pytest.mark.spark, pytest.mark.skipif(not has_java(), reason="there is no Java")]
HOME = Path(pyspark.__file__).parent
SPARK = {"ANALYZER_ENGINE": "spark", "ANALYZER_CLUSTER_TIMEOUT": "100"}
SHARDS = {
    f"{name}.csv": "n,s\n" + "".join(f"{i / 7 + seed},x{i % 7}\n" for i in range(4000))
    for seed, name in enumerate("abcdef")
}
SLOW = """
import os, pathlib, time
def preprocess_handler(row):
    if row["n"] == 3:
        with open({seen!r}, "a") as seen:
            seen.write(f"{{os.getpid()}}\\n")
        until = time.monotonic() + 100
        while not pathlib.Path({go!r}).exists() and time.monotonic() < until:
            time.sleep(0.1)
    return {{"n": row["n"] * row["m"], "s": row["text"][:5]}}
"""


def commands() -> dict[int, str]:
    """The command lines of all processes of this machine."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
    return found


def daemons(host: Host) -> dict[int, str]:
    """Spark's master and worker of one host of the test."""
    mine = f"--properties-file {host.root}/"
    return {pid: command for pid, command in commands().items() if mine in command and "java" in command.split(" ")[0]}


def listening() -> set[tuple[str, int]]:
    """Addresses and ports on which anything on this machine listens."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                address, port = fields[1].split(":")
                found.add((address, int(port, 16)))
    return found


def wait_for(what, seconds: float = 180.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.2)


def secret_of_run() -> str:
    """The run's secret as the leader's user reads it from the file that Spark is given."""
    places = {
        word for command in commands().values() for word in command.split(" ") if word.endswith("spark.properties")
    }
    for place in places:
        path = Path(place)
        assert path.stat().st_mode & 0o777 == 0o600
        lines = dict(line.split(" ", 1) for line in path.read_text().splitlines())
        assert lines["spark.authenticate"] == lines["spark.network.crypto.enabled"] == "true"
        return lines["spark.authenticate.secret"]
    raise AssertionError("no process was given a file of settings")


@pytest.fixture
def slow(tmp_path):
    """Files of a partition each, with little in them, and a script that waits in their middle until it may go on."""
    seen, go, script = tmp_path / "seen", tmp_path / "go", tmp_path / "script.py"
    script.write_text(SLOW.format(seen=str(seen), go=str(go)))
    files = {}
    for m in range(6):
        sink = io.BytesIO()
        table = pa.table({"n": range(9), "m": [m] * 9, "text": [f"row {i}" + "x" * 2**23 for i in range(9)]})
        pq.write_table(table, sink, use_dictionary=False, compression="zstd")
        files[f"{m}.parquet"] = sink.getvalue()
    return files, script, seen, go


def test_three_hosts_write_the_bytes_of_one_from_shards(hosts, start, alone):
    for i, (name, content) in enumerate(SHARDS.items()):
        hosts[i % 3].put(name, content)
    expected = alone(hosts[0], SHARDS)
    before = listening()
    start(**SPARK, ANALYZER_CLUSTER_SECRET="4711-horse")
    wait_for(lambda: all(daemons(host) for host in hosts))
    secret = secret_of_run()
    opened = set()

    def ended() -> bool:
        opened.update(listening() - before)
        assert not [command for command in commands().values() if secret in command or "horse" in command]
        return hosts[0].process.poll() is not None

    wait_for(ended, 120)
    assert [host.wait() for host in hosts] == [0, 0, 0], "\n".join(host.log for host in hosts)
    assert hosts[0].reports == expected
    assert "partitions on spark" in hosts[0].log
    everywhere = {place for place in opened if set(place[0]) == {"0"}}
    assert everywhere == set()
    wait_for(lambda: not any(daemons(host) for host in hosts), 20)


def test_a_host_and_a_worker_that_are_killed_are_done_without(hosts, start, alone, slow):
    files, script, seen, go = slow
    variables = {"dataset_format": '{"parquet":{}}', "record_preprocessor_script": str(script)}
    for host in hosts:
        for name, content in files.items():
            host.put(name, content)
    go.touch()
    expected = alone(hosts[0], files, **variables)
    go.unlink()
    seen.unlink()
    start(**SPARK, **variables)
    wait_for(lambda: seen.exists() and len(set(seen.read_text().split())) == 3)
    assert "6 partitions on spark" in hosts[0].log

    hosts[2].process.kill()
    (worker,) = [pid for pid, command in daemons(hosts[1]).items() if "worker.Worker" in command]
    os.kill(worker, signal.SIGKILL)
    hosts[0].says("Host 127.0.0.3 ")
    hosts[0].says("Host 127.0.0.2: Spark's worker on this host was killed by SIGKILL")
    go.touch()

    assert hosts[0].wait(120) == 0, hosts[0].log
    assert hosts[1].wait() == 0
    assert hosts[0].reports == expected
    assert "Spark's worker on this host was killed by SIGKILL" in hosts[1].log
    wait_for(lambda: not any(daemons(host) for host in hosts), 30)


def test_a_killed_leader_leaves_nothing_running(hosts, start):
    for host in hosts:
        host.put("a.csv", SHARDS["a.csv"])
    start(**SPARK)
    wait_for(lambda: all(daemons(host) for host in hosts))
    hosts[0].process.kill()
    assert [host.wait(15) for host in hosts[1:]] == [255, 255]
    assert "The leader 127.0.0.1 closed the connection" in hosts[1].log
    assert [host.message for host in hosts] == [None] * 3
    wait_for(lambda: not any(daemons(host) for host in hosts), 30)


def test_a_run_without_any_executor_ends(tmp_path):
    code = f"""
import json, sys, pathlib
from analyzer.analyze import Task
from analyzer.cluster.standalone import Standalone
from analyzer.config import JobConfig
from analyzer.dataset_formats import CsvFormat
from analyzer.engine.spark import fold_on_spark, spark_session
from analyzer.errors import EngineError
from analyzer.read import list_files, plan_partitions
from analyzer.readers.reading import Reading
import dataclasses
folder = pathlib.Path({str(tmp_path)!r})
(folder / "in").mkdir()
(folder / "in" / "a.csv").write_text("a\\n1\\n")
config = JobConfig(folder / "in", CsvFormat(), folder / "out", root=folder, cores=1)
spark = Standalone(config, "127.0.0.1", b"key", folder)
try:
    url = spark.start_master()
    settings = spark.deployment(url, 1, 2**30)
    settings.settings["spark.scheduler.maxRegisteredResourcesWaitingTime"] = "0s"
    with spark_session(config, settings) as session:
        parts = plan_partitions(list_files(folder / "in"), CsvFormat())
        fold_on_spark(session, parts, Task(Reading(CsvFormat()), {{}}), 3.0)
except EngineError as error:
    print(error)
finally:
    spark.stop()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.stdout.startswith("Spark had no executors for 3 s"), done.stderr


@pytest.fixture
def standalone(tmp_path, port):
    """A master and a worker of the user's own, without a word of ours in their settings."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("ANALYZER_")}
    environment |= {"PYTHONPATH": str(TOP), "PYSPARK_PYTHON": sys.executable, "SPARK_HOME": str(HOME)}
    start = str(HOME / "bin" / "spark-class")
    kind = "org.apache.spark.deploy."
    place = ["--host", "127.0.0.1", "--webui-port", "0"]
    url = f"spark://127.0.0.1:{port}"
    work = ["--cores", "1", "--memory", "1g", "--work-dir", str(tmp_path / "work"), url]
    started = []
    with (tmp_path / "daemons.log").open("wb") as log:
        for command in (["master.Master", *place, "--port", str(port)], ["worker.Worker", *place, *work]):
            started.append(
                subprocess.Popen([start, kind + command[0], *command[1:]], env=environment, stdout=log, stderr=log)
            )
            wait_for(lambda: any(found[1] == port for found in listening()))
        yield url, environment
        for daemon in started:
            daemon.kill()
            daemon.wait()


def test_spark_submit_to_a_cluster_that_is_there(standalone, tmp_path, run_job):
    url, environment = standalone
    (tmp_path / "in").mkdir()
    for name, content in SHARDS.items():
        (tmp_path / "in" / name).write_text(content)
    expected = run_job(tmp_path / "in", json.loads(CSV), into="local")
    variables = {
        "ANALYZER_ROOT": str(tmp_path), "ANALYZER_ENGINE": "spark", "dataset_format": CSV,
        "dataset_source": str(tmp_path / "in"), "output_path": str(tmp_path / "out"),
    }  # fmt: skip
    done = subprocess.run(
        [str(HOME / "bin" / "spark-submit"), "--master", url, str(TOP / "analyzer" / "__main__.py")],
        env=environment | variables, capture_output=True, text=True, timeout=200, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "partitions on spark" in done.stdout + done.stderr
    assert list((tmp_path / "work").glob("app-*")), "no executor of the cluster did anything"
    for name in REPORTS:
        assert (tmp_path / "out" / name).read_bytes() == (expected / name).read_bytes()
