"""What tests of several steps share: the folder beside the checkout, one Spark session, and a whole job in-process."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from analyzer import job
from analyzer.config import read_config
from analyzer.engine.spark import has_java, spark_session

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pyspark.sql import SparkSession

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
RunJob = Callable[..., Path]
settings.register_profile("any-speed", settings(), deadline=None)  # a machine that is busy is no fault
settings.load_profile("any-speed")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the checkout with the original's outputs and the reference model."""
    if not SHARED.is_dir():
        pytest.skip("the original's outputs are not beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def oracle(shared: Path) -> ModuleType:
    """The slow reference model of what the original computes."""
    spec = importlib.util.spec_from_file_location("oracle", shared / "reference" / "oracle.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine; it is closed after each file, as a process can drive only one at a time."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("there is no Chromium to open pages in; make setup installs it where it may")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One Spark session for all tests, on two cores; jobs that run in this process find it and use it."""
    if not has_java():
        pytest.skip("there is no Java to start Spark with")
    settings = {"dataset_format": '{"csv":{}}', "dataset_source": "/nowhere", "output_path": "/nowhere"}
    root = str(tmp_path_factory.mktemp("spark"))
    with spark_session(read_config({**settings, "ANALYZER_ROOT": root, "ANALYZER_CORES": "2"})) as session:
        yield session


@pytest.fixture
def run_job(tmp_path: Path) -> RunJob:
    """Run a whole job in this process; returns the folder with its files.

    `run_job(source, {"csv": {"header": True}}, into="out", ANALYZER_ENGINE="local", ...)`
    """

    def run(source: Path | str, dataset_format: dict[str, Any], into: str = "output", **settings: str | Path) -> Path:
        environment = {
            "ANALYZER_ROOT": str(tmp_path),
            "ANALYZER_ENGINE": "local",
            "ANALYZER_CORES": "1",
            "dataset_source": str(source),
            "dataset_format": json.dumps(dataset_format),
            "output_path": str(tmp_path / into),
            **{name: str(value) for name, value in settings.items()},
        }
        job.run(read_config(environment))
        return tmp_path / into

    return run
