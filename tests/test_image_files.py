"""What the image is built from: the lock fits the package, and the scripts do what they say, without any engine."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

TOP = Path(__file__).resolve().parents[1]
DOCKERFILE = (TOP / "Dockerfile").read_text()
LOCK = (TOP / "requirements.lock").read_text()


def locked() -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE))


def test_the_lock_has_every_dependency_in_its_range():
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["images"]]
    wrong = [str(each) for each in wanted if not each.specifier.contains(locked().get(each.name, "0"))]
    assert wrong == [], "make lock"


def test_every_locked_package_has_hashes():
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked()) > 15
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_default_base_is_a_public_one_and_nothing_of_a_machine_is_in_the_dockerfile():
    assert re.findall(r"^ARG BASE_IMAGE=(.*)$", DOCKERFILE, re.MULTILINE) == ["python:3.11-slim-bookworm"]
    assert [word for word in ("_CERT", "PROXY", "INDEX_URL", "HEALTHCHECK", "/opt/ml") if word in DOCKERFILE] == []


NATIVES = (
    "a/Some.class",
    "libunknown.so",
    "librocksdbjni-linux64.so",
    "librocksdbjni-linux64-musl.so",
    "linux/amd64/libx.so",
    "linux/aarch64/libx.so",
    "osx/x86_64/libx.jnilib",
    "win/amd64/x.dll",
)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    jars = tmp_path / "pyspark" / "jars"
    jars.mkdir(parents=True)
    with zipfile.ZipFile(jars / "natives.jar", "w") as jar:
        for name in NATIVES:
            jar.writestr(name, name)
    with zipfile.ZipFile(jars / "plain.jar", "w") as jar:
        jar.writestr("b/Other.class", "b")
    (tmp_path / "pandas" / "tests").mkdir(parents=True)
    (tmp_path / "pandas" / "core.py").touch()
    return tmp_path


def test_slimming_takes_libraries_of_other_systems_and_nothing_else(packages):
    plain = (packages / "pyspark" / "jars" / "plain.jar").read_bytes()
    subprocess.run([sys.executable, TOP / ".ci" / "slim-packages", packages], check=True, capture_output=True)
    with zipfile.ZipFile(packages / "pyspark" / "jars" / "natives.jar") as jar:
        kept = jar.namelist()
    ours = {"x86_64": ["linux/amd64/libx.so", "librocksdbjni-linux64.so"], "aarch64": ["linux/aarch64/libx.so"]}
    assert sorted(kept) == sorted(["a/Some.class", "libunknown.so", *ours[platform.machine()]])
    assert (packages / "pyspark" / "jars" / "plain.jar").read_bytes() == plain
    assert not (packages / "pandas" / "tests").exists()
    assert (packages / "pandas" / "core.py").is_file()


def test_a_machine_without_an_engine_is_told_why(tmp_path):
    for name in ("bash", "dirname", "id", "tail", "sed"):
        found = next(path for folder in ("/usr/bin", "/bin") if (path := Path(folder, name)).exists())
        (tmp_path / name).symlink_to(found)
    done = subprocess.run(
        ["/bin/bash", TOP / ".ci" / "docker"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "There is no Docker engine, and it could not be installed" in done.stderr
    assert "DOCKER_HOST" in done.stderr
