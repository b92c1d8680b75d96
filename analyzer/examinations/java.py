"""Java and Spark: whether they are there, new enough, and needed at all."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Final

from analyzer.config import JobConfig
from analyzer.dataset_formats import SparkFormat
from analyzer.diagnosis import Finding, Status
from analyzer.errors import EngineError

CHECK: Final = "Java"
OLDEST: Final = 17
INSTALL: Final = "Install Java 17 (Debian: openjdk-17-jre-headless) or set JAVA_HOME"
SECONDS: Final = 30


def examine_java(config: JobConfig | None, size: int) -> Iterator[Finding]:
    """Look for the Java that Spark would start; without a configuration nothing is known to need it."""
    reason = "" if config is None else why_spark(config, size)
    must = bool(reason) and config is not None and (config.engine == "spark" or not _is_of_size(config))
    from analyzer.engine.spark import find_java

    command = find_java()
    if command is None:
        yield _absent(reason, must=must)
    else:
        yield _of_version(command, reason, must=must)
    if config is not None and config.needs_deequ:
        yield _jars(config)


def why_spark(config: JobConfig, size: int) -> str:
    """Say why a job over so many bytes would start Spark; an empty text if it would not."""
    if config.engine == "spark":
        return "ANALYZER_ENGINE is spark"
    if isinstance(config.dataset_format, SparkFormat):
        return "only Spark reads this dataset_format"
    if config.needs_deequ:
        return "Deequ evaluates rules on Spark"
    is_large = config.engine == "auto" and size >= config.spark_threshold
    return f"{size:,} bytes are above ANALYZER_SPARK_THRESHOLD" if is_large else ""


def _is_of_size(config: JobConfig) -> bool:
    """Tell whether size alone asks for Spark: then the other engine does it as well."""
    return not (isinstance(config.dataset_format, SparkFormat) or config.needs_deequ)


def _absent(reason: str, *, must: bool) -> Finding:
    if must:
        return Finding(CHECK, "failure", f"There is no Java, but {reason}.", f"{INSTALL}.")
    if reason:
        return Finding(CHECK, "warning", f"There is no Java; {reason}, and the local engine will do it.", f"{INSTALL}.")
    return Finding(CHECK, "skipped", "there is no Java, and none is needed")


def _of_version(command: str, reason: str, *, must: bool) -> Finding:
    needed = f", needed because {reason}" if reason else ", not needed by this job"
    try:
        done = subprocess.run([command, "-version"], capture_output=True, text=True, timeout=SECONDS, check=True)  # noqa: S603 (the Java that Spark would start)
    except (OSError, subprocess.SubprocessError) as error:
        status: Status = "failure" if must else "warning"
        return Finding(CHECK, status, f"{command} does not start: {error}.", f"{INSTALL}.")
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    version = int(found[1]) if found else 0
    if version < OLDEST:
        text = f"{command} is Java {version or 'of an unknown version'}; Spark needs {OLDEST} or newer{needed}."
        return Finding(CHECK, "failure" if must else "warning", text, f"{INSTALL}.")
    return Finding(CHECK, "ok", f"{command} is Java {version}{needed}")


def _jars(config: JobConfig) -> Finding:
    from analyzer.engine.deequ_jars import find_jars
    from analyzer.engine.spark import spark_version

    try:
        jars = find_jars(config.deequ_jar, spark_version())
    except EngineError as error:
        return Finding("rules", "failure", error.message, error.hint)
    return Finding("rules", "ok", f"{len(jars)} jars of Deequ in {jars[0].parent}")
