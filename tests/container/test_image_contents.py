"""What is in the image, and what is not."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]


def said_by(run_container: Callable[..., Any], *command: str) -> str:
    container = run_container(None, "--entrypoint", command[0], command=command[1:])
    assert container.wait() == 0, container.log
    return str(container.log)


def test_the_command_is_the_entrypoint_in_exec_form(image, docker_inspect):
    assert docker_inspect["Config"]["Entrypoint"] == ["analyzer"]
    assert not docker_inspect["Config"]["Cmd"]
    assert "Healthcheck" not in docker_inspect["Config"]


def test_labels_say_what_it_is(docker_inspect):
    labels = docker_inspect["Config"]["Labels"]
    version = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    assert labels["org.opencontainers.image.title"] == "model-monitor-analyzer"
    assert labels["org.opencontainers.image.version"] == version


def test_the_size_is_within_what_is_promised(docker_inspect):
    assert docker_inspect["Size"] < 1_600_000_000


def test_nothing_lies_below_opt_ml_and_no_tool_of_building_is_left(run_container):
    found = said_by(
        run_container, "sh", "-c",
        "ls /opt; for tool in gcc cc make git javac; do command -v $tool; done; "
        "ls ~/.cache /var/lib/apt/lists /var/cache /build /code 2>/dev/null; "
        "python -c 'import setuptools' 2>&1 | tail -n 1",
    )  # fmt: skip
    assert [line for line in found.split("\n") if line and not line.endswith(":")] == [
        "analyzer", "ModuleNotFoundError: No module named 'setuptools'",
    ]  # fmt: skip


def test_packages_are_those_of_the_lock(run_container):
    installed = said_by(run_container, "pip", "freeze", "--all").lower()
    locked = re.findall(r"^([\w.-]+==\S+)", (TOP / "requirements.lock").read_text(), re.MULTILINE)
    assert locked
    assert set(locked) <= set(installed.split())
    others = {line for line in installed.split() if "==" in line} - set(locked)
    assert {line.partition("==")[0] for line in others} == {"pip", "model-monitor-analyzer"}


COMPILED = """
import importlib.util, pathlib
packages = pathlib.Path('/opt/analyzer/lib/python3.11/site-packages')
files = [file for folder in ('analyzer', 'pyarrow', 'pyspark/sql') for file in (packages / folder).glob('*.py')]
assert len(files) > 50, files
print([str(file) for file in files if not pathlib.Path(importlib.util.cache_from_source(str(file))).exists()])
"""


def test_the_code_is_compiled(run_container):
    assert said_by(run_container, "python", "-c", COMPILED).strip() == "[]"


MAPPED = """
import glob, pathlib
from analyzer.config import read_config
from analyzer.engine.spark import spark_session
given = {'dataset_format': '{"csv":{}}', 'dataset_source': '/a', 'output_path': '/b'}
with spark_session(read_config(given)):
    maps = [pathlib.Path(path).read_text() for path in glob.glob('/proc/[0-9]*/maps')]
    print(sum('analyzer-classes.jsa' in text for text in maps), 'JVM with the archive')
"""


def test_spark_starts_with_the_archive_of_classes(run_container):
    assert "1 JVM with the archive" in said_by(run_container, "python", "-c", MAPPED)


def test_slimmed_jars_still_have_their_native_libraries(run_container):
    """Compression by each native codec, and RocksDB, through the JVM."""
    code = (
        "from pyspark.sql import SparkSession; import sys\n"
        "s = SparkSession.builder.master('local[1]').config('spark.ui.enabled', 'false')"
        ".config('spark.driver.host', '127.0.0.1').getOrCreate()\n"
        "for codec in ('snappy', 'zstd', 'lz4raw'):\n"
        "    s.range(9).write.parquet('/tmp/' + codec, compression=codec if codec != 'lz4raw' else 'lz4_raw')\n"
        "    assert s.read.parquet('/tmp/' + codec).count() == 9, codec\n"
        "s.range(9).write.orc('/tmp/orc', compression='zstd'); assert s.read.orc('/tmp/orc').count() == 9\n"
        "s._jvm.org.rocksdb.RocksDB.loadLibrary()\n"
        "s._jvm.io.netty.channel.epoll.Epoll.ensureAvailability()\n"
        "print('all there')\n"
    )
    container = run_container(
        None, "--entrypoint", "python", "--tmpfs", "/tmp:exec", command=("-c", code), network="none",
        environment={"SPARK_LOCAL_IP": "127.0.0.1"},
    )  # fmt: skip
    assert container.wait() == 0, container.log
    assert "all there" in container.log


def test_spark_submit_starts_the_job_in_the_image(run_container, tmp_path):
    (tmp_path / "a.csv").write_text("n,s\n1,x\n2,y\n")
    container = run_container(
        None, "--entrypoint", "spark-submit", "--volume", f"{tmp_path}:/data:ro",
        command=(
            "--master", "local[1]", "--conf", "spark.ui.enabled=false",
            "/opt/analyzer/lib/python3.11/site-packages/analyzer/__main__.py",
        ),
        environment={
            "SPARK_LOCAL_IP": "127.0.0.1", "ANALYZER_ENGINE": "spark", "ANALYZER_ROOT": "/tmp/root",
            "dataset_format": '{"csv":{"header":true}}', "dataset_source": "/data", "output_path": "/tmp/out",
        },
    )  # fmt: skip
    assert container.wait() == 0, container.log
    assert "Completed: Job completed successfully" in container.log
