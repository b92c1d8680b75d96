from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
TARGETS = (
    "help",
    "setup",
    "demo",
    "test",
    "fast",
    "docs",
    "image",
    "test-image",
    "test-deequ",
    "lock",
    "lint",
    "bench",
    "clean",
)


def command(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | variables
    return subprocess.run(words, cwd=TOP, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_bare_make_lists_every_target_with_what_it_does() -> None:
    lines = command("make", "--no-print-directory").stdout.splitlines()
    listed = {words[1]: words[2:] for words in map(str.split, lines)}
    assert set(TARGETS) <= set(listed)
    assert all(listed.values())


def test_missing_java_does_not_fail_set_up_and_says_how_to_get_it(tmp_path: Path) -> None:
    done = command(".ci/java", JAVA_HOME=str(tmp_path))
    assert done.returncode == 0
    assert "openjdk-17-jre-headless" in done.stderr


def test_java_that_is_too_old_counts_as_missing(tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    assert "Java 17" in command(".ci/java", JAVA_HOME=str(tmp_path)).stderr
    java.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\" 2023-10-17' >&2\n")
    assert command(".ci/java", JAVA_HOME=str(tmp_path)).stderr == ""


def test_a_missing_browser_does_not_fail_set_up_and_is_said(tmp_path: Path) -> None:
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
    done = command("bash", ".ci/browser", PATH=str(tmp_path))
    assert done.returncode == 0
    assert "apt-get install chromium" in done.stderr


def test_no_suitable_python_is_said_plainly(tmp_path: Path) -> None:
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
    done = command("bash", ".ci/setup", str(tmp_path / "new"), "test", PATH=str(tmp_path), PYTHON="")
    assert done.returncode == 1
    assert "Python 3.11 or newer was not found" in done.stderr
    assert not (tmp_path / "new").exists()
