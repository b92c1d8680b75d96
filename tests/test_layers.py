"""What the architecture promises beside the import contracts of pyproject.toml: light starts, one variable reader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "analyzer"
READERS_OF_VARIABLES = {
    "config.py", "__main__.py", "scripts.py", "engine/local.py", "engine/spark.py", "tune_numpy.py",
    "cluster/standalone.py",
}  # fmt: skip
"""Who may look at the environment: the configuration, the entry point that hands it over, scripts, what starts
processes, and what libraries are told before they are loaded."""


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh process has loaded after running the code."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*{{name.split('.')[0] for name in sys.modules}})"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def test_configuration_and_exit_message_load_nothing_heavy():
    heavy = {"numpy", "polars", "pyarrow", "pandas", "pyspark", "py4j", "boto3", "botocore", "click", "orjson", "PIL"}
    assert not heavy & loaded_by("import analyzer.__main__")


@pytest.mark.parametrize("arguments", ["[]", "['run']"])
def test_a_job_of_this_process_loads_neither_spark_nor_clients(arguments, tmp_path):
    (tmp_path / "a.csv").write_text("n,s\n1,x\n")
    variables = {
        "dataset_format": '{"csv":{}}', "dataset_source": str(tmp_path), "output_path": str(tmp_path / "out"),
        "ANALYZER_ROOT": str(tmp_path / "root"),
    }  # fmt: skip
    job = f"from analyzer.__main__ import main; assert main({arguments}) == 0"
    loaded = loaded_by(f"import os; os.environ.update({variables!r}); {job}")
    assert "pyarrow" in loaded
    assert not {"pyspark", "py4j", "boto3", "botocore", "PIL", "pydeequ"} & loaded
    assert ("click" in loaded) == (arguments != "[]")


def test_only_the_configuration_reads_variables():
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(word in path.read_text() for word in ("os.environ", "getenv", "environb"))
    }
    assert found <= READERS_OF_VARIABLES
    assert "config.py" in found


def test_nothing_prints():
    """Reports go to files, news to the log; what a command answers goes through click."""
    found = [path.name for path in PACKAGE.rglob("*.py") if "print(" in path.read_text()]
    assert found == []
