"""A process with real Deequ: on the Spark of the tests where there is a Deequ for it, else on Spark 3.5."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from analyzer.engine.deequ_jars import find_jars
from analyzer.engine.spark import has_java, spark_version
from analyzer.errors import EngineError

TOP = Path(__file__).resolve().parents[2]
JARS = TOP / "jars"
OLD = JARS / "spark-3.5"
Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def deequ_environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The variables with which a process of Python finds Deequ and a PySpark that fits."""
    if not has_java():
        pytest.skip("there is no Java to start Spark with")
    paths = [str(TOP)]
    try:
        find_jars((), spark_version(), [JARS])
        jars = JARS
    except EngineError:
        if not (OLD / "python" / "pyspark").is_dir() or not list(OLD.glob("deequ-*.jar")):
            pytest.skip("Deequ's jars were not fetched: make test-deequ does, or says why")
        paths.insert(0, str(OLD / "python"))
        jars = OLD
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANALYZER_", "SPARK_"))}
    return {
        **kept, "PYTHONPATH": os.pathsep.join(paths), "ANALYZER_DEEQU_JAR": str(jars), "ANALYZER_CORES": "2",
        "ANALYZER_ROOT": str(tmp_path_factory.mktemp("deequ")),
    }  # fmt: skip


@pytest.fixture(scope="session")
def ask(deequ_environment: Mapping[str, str]) -> Iterator[Ask]:
    """Ask the process: `ask("job", variables)`, `ask("measure", rows, kinds)`."""
    script = Path(__file__).with_name("deequ_process.py")
    with subprocess.Popen(
        [sys.executable, str(script)], env=deequ_environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout

        def ask(what: str, *arguments: Any) -> Any:
            process.stdin.write(json.dumps([what, arguments]) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, "the process with Deequ ended; its trace is above"
            return json.loads(answer)

        yield ask
        process.stdin.close()
        assert process.wait(60) == 0
