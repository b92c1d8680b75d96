"""Spark's own Master and Worker as child processes of the hosts, and how a session finds and trusts them.

The secret of the run is in a file that only this user can read, never on a command line; all ports are bound to the
address of the cluster; whatever way this process ends, its children end too.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from analyzer.cluster.channel import mark
from analyzer.config import JobConfig
from analyzer.engine.class_archive import java_options
from analyzer.engine.java_surroundings import java_variables
from analyzer.engine.local import tune_workers
from analyzer.engine.spark import Deployment, has_java
from analyzer.errors import EngineError

log = logging.getLogger(__name__)
MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"
START_SECONDS = 60.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.05
WATCH_SECONDS = 1.0
ATTEMPTS = 3
MEBIBYTE = 1024 * 1024
LEAST_HEAP, MOST_HEAP = 512, 4096
LOG_LINES = 20
BOUNDS = {
    "spark.network.timeout": "60s",
    "spark.executor.heartbeatInterval": "10s",
    "spark.worker.timeout": "30",
    "spark.shuffle.io.connectionTimeout": "30s",
    "spark.shuffle.io.connectionCreationTimeout": "10s",
    "spark.shuffle.io.retryWait": "2s",
    "spark.deploy.maxExecutorRetries": "5",
    "spark.excludeOnFailure.enabled": "true",
    "spark.excludeOnFailure.task.maxTaskAttemptsPerExecutor": "2",
    "spark.excludeOnFailure.task.maxTaskAttemptsPerNode": "3",
}
"""How long what is dead may be waited for; Spark's own defaults are minutes, and hours where several come together."""
DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9, 0, 0, 0); "
    "os.getppid() == int(sys.argv[1]) or sys.exit(1); os.execv(sys.argv[2], sys.argv[2:])"
)
"""Has the kernel kill what is started when this process dies without a chance to do so (kill -9)."""


def usable_memory() -> int:
    """Give the memory in bytes that this host may use: the limit of its control group, else all."""
    with contextlib.suppress(OSError, ValueError):
        return int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def heap_mebibytes(memory: int) -> int:
    """Give executors a quarter of the smallest host's memory: Python's workers do the work and need the rest."""
    return max(LEAST_HEAP, min(MOST_HEAP, memory // MEBIBYTE // 4))


class Standalone:
    """The Spark processes of this host: of the leader a master and a worker, of the others a worker."""

    def __init__(self, config: JobConfig, address: str, key: bytes, scratch: Path) -> None:
        self._config = config
        self._address = address
        self._scratch = scratch
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stopped = threading.Event()
        self._properties = scratch / "spark.properties"
        _write_secretly(self._properties, _trust(mark(key, b"spark").hex()) | BOUNDS)

    def start_master(self) -> str:
        """Start the master and return its URL.

        Raises EngineError where there is no Java or it does not start.
        """
        for attempt in range(ATTEMPTS):
            port = _free_port(self._address)
            self._start("master", MASTER, ["--host", self._address, "--port", str(port), "--webui-port", "0"])
            if self._comes_up("master", port):
                return f"spark://{self._address}:{port}"
            log.info("Spark's master did not start on port %d (attempt %d).", port, attempt + 1)
        raise EngineError(f"Spark's master did not start: {self.tail('master')}", "See the log above.")

    def start_worker(self, url: str, memory: int, on_end: Callable[[str], None] | None = None) -> None:
        """Start a worker that offers this host's cores; `on_end` is told when it ends before it is stopped."""
        heap = f"{heap_mebibytes(memory)}m"
        work = str(self._scratch / "work")
        offer = ["--cores", str(self._config.cores), "--memory", heap, "--work-dir", work]
        self._start("worker", WORKER, ["--host", self._address, "--port", "0", "--webui-port", "0", *offer, url])
        threading.Thread(target=self._watch, args=("worker", on_end or _warn), name="worker", daemon=True).start()

    def deployment(self, url: str, cores: int, memory: int) -> Deployment:
        """Say how the session of the leader is to be built."""
        return Deployment(
            settings={
                "spark.master": url,
                "spark.driver.host": self._address,
                "spark.driver.bindAddress": self._address,
                "spark.local.dir": str(self._scratch / "driver"),
                "spark.driver.extraJavaOptions": java_options(),
                "spark.executor.memory": f"{heap_mebibytes(memory)}m",
                "spark.executor.extraJavaOptions": java_options(),
                "spark.cores.max": str(cores),
                "spark.default.parallelism": str(cores),
                "spark.sql.shuffle.partitions": str(2 * cores),
                # There are more tasks than cores: whoever comes late takes its share of those that are left.
                "spark.scheduler.minRegisteredResourcesRatio": "0",
            },
            properties=self._properties,
            patience=min(float(self._config.cluster_timeout), START_SECONDS),
        )

    def _start(self, name: str, kind: str, arguments: list[str]) -> None:
        if not has_java():
            raise EngineError("Several hosts need Java 17 for Spark, which was not found.", "Install it on all hosts.")
        tune_workers()
        command = [str(_spark_home() / "bin" / "spark-class"), kind, "--properties-file", str(self._properties)]
        with self._log_path(name).open("wb") as told:
            self._running[name] = subprocess.Popen(  # noqa: S603 (our own command)
                [sys.executable, "-c", DIE_WITH_PARENT, str(os.getpid()), *command, *arguments],
                stdin=subprocess.DEVNULL, stdout=told, stderr=subprocess.STDOUT, env=self._environment(),
                start_new_session=True,
            )  # fmt: skip

    def _environment(self) -> Mapping[str, str]:
        local = self._scratch / "local"
        return (
            java_variables(self._scratch, is_local=False)
            | os.environ
            | {
                "ANALYZER_ROOT": str(self._config.root),
                "SPARK_HOME": str(_spark_home()),
                # Only the web page is bound to it, which cannot be switched off; the rest is to --host.
                "SPARK_LOCAL_IP": "127.0.0.1",
                "SPARK_LOCAL_DIRS": str(local),
                "SPARK_DAEMON_MEMORY": "512m",
                "SPARK_DAEMON_JAVA_OPTS": java_options(),
                "PYSPARK_PYTHON": os.environ.get("PYSPARK_PYTHON", sys.executable),
            }
        )

    def _log_path(self, name: str) -> Path:
        return self._scratch / f"{name}.log"

    def tail(self, name: str) -> str:
        """Give the last lines that a process has logged."""
        with contextlib.suppress(OSError):
            return "\n".join(self._log_path(name).read_text("utf-8", "replace").splitlines()[-LOG_LINES:])
        return ""

    def _comes_up(self, name: str, port: int) -> bool:
        until = time.monotonic() + START_SECONDS
        while self._running[name].poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection((self._address, port), timeout=1):
                return True
            time.sleep(POLL_SECONDS)
        self._kill(self._running[name])
        return False

    def _watch(self, name: str, on_end: Callable[[str], None]) -> None:
        process = self._running[name]
        while not self._stopped.wait(WATCH_SECONDS):
            if process.poll() is not None:
                log.debug("The %s said last:\n%s", name, self.tail(name))
                return on_end(f"Spark's {name} on this host {_how_ended(process.returncode)}")
        return None

    def stop(self) -> None:
        """End all processes that were started here."""
        self._stopped.set()
        for process in self._running.values():
            self._kill(process)

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        """End a process with all that it has started; what it was at is of no more use."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)


def _warn(reason: str) -> None:
    log.warning("%s; what it was at is done by others.", reason)


def _how_ended(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _trust(secret: str) -> dict[str, str]:
    return {
        "spark.authenticate": "true",
        "spark.authenticate.secret": secret,
        "spark.network.crypto.enabled": "true",
        "spark.network.crypto.authEngineVersion": "2",
        "spark.network.crypto.cipher": "AES/GCM/NoPadding",
        "spark.ui.enabled": "false",
        "spark.ui.killEnabled": "false",
        "spark.master.rest.enabled": "false",
        "spark.port.maxRetries": "0",
    }


def _write_secretly(path: Path, settings: Mapping[str, str]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{key} {value}\n" for key, value in settings.items())


def _free_port(address: str) -> int:
    with socket.create_server((address, 0)) as probe:
        return int(probe.getsockname()[1])


def _spark_home() -> Path:
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise EngineError("Several hosts need PySpark, which is not installed.", "Install it on all hosts.")
    return Path(found.origin).parent
