"""An environment of its own for each peer, below benchmarks/.venvs, made when the peer is first run.

Peers need versions of libraries that other peers, or the job, cannot live with. Each has its list in
benchmarks/requirements; an environment is made anew when its list has changed.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Skipped

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
VENVS = HERE / ".venvs"
REQUIREMENTS = HERE / "requirements"
DEEQU_BUILDS = (("4.1", "2.0.18-spark-4.1"), ("3.5", "2.1.0-spark-3.5"))
"""Versions of Spark and of Deequ's jar for it, the better first: the job's own Spark, else the one before."""
INSTALL_SECONDS = 900


class Environment(NamedTuple):
    """A peer's Python, and what its processes need in their environment."""

    python: Path
    variables: dict[str, str]


@functools.cache
def environment_of(peer: str) -> Environment:
    """Find or make the environment of a peer; raises Skipped with the reason where it cannot be installed."""
    if not peer.startswith("deequ"):
        return Environment(_installed(peer), {})
    spark, jar = _deequ_jar()
    return Environment(_installed(f"deequ-spark-{spark}"), {"DEEQU_JAR": str(jar), "SPARK_VERSION": spark})


@functools.cache
def _installed(name: str) -> Path:
    folder, wanted = VENVS / name, REQUIREMENTS / f"{name}.txt"
    stamp, python = folder / ".installed", folder / "bin" / "python"
    if stamp.exists() and stamp.read_bytes() == wanted.read_bytes():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(f"  making the environment of {name}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    _run([str(TOP / ".ci" / "setup"), str(folder), "-r", str(wanted)], f"{name} cannot be installed")
    stamp.write_bytes(wanted.read_bytes())
    return python


@functools.cache
def _deequ_jar() -> tuple[str, Path]:
    """Find Deequ's jar in `jars/` or fetch it with Maven: the build for the job's Spark, else the older one."""
    reason = ""
    for spark, version in DEEQU_BUILDS:
        jar = f"deequ-{version}.jar"
        for folder in (TOP / "jars", VENVS / "jars"):
            if (folder / jar).exists():
                return spark, folder / jar
        try:
            _fetch(f"com.amazon.deequ:deequ:{version}", VENVS / "jars")
        except Skipped as failure:
            reason = str(failure)
            continue
        return spark, VENVS / "jars" / jar
    raise Skipped(reason)


def _fetch(artifact: str, folder: Path) -> None:
    if shutil.which("mvn") is None:
        raise Skipped("Deequ's jar is not in jars/, and mvn, which would fetch it, is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    copy = ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"]
    _run(copy, f"Maven cannot fetch {artifact}")


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skipped(f"{what}: {error}") from error
    if done.returncode != 0:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        named = [line for line in said if line.startswith(("ERROR", "[ERROR]"))]
        reason = (named[:1] or said[-1:] or ["no reason was given"])[0]
        raise Skipped(f"{what}: {reason}")
