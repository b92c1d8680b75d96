"""An archive of the classes that Spark loads, with which its JVM starts in about half the time.

The JVM checks an archive against its own version and the jars on its class path and goes on without one that does not
fit, so an archive can make nothing wrong, only nothing faster.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

LIGHT_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmn64m"
"""On one machine the JVM only hands out tasks: compiling it to the full would take cores away from them.
A small young generation, which is soon full, keeps garbage from adding up with the rows."""
NAME = "analyzer-classes.jsa"


def archive_path() -> Path:
    """Beside PySpark, whose jars it belongs to."""
    found = importlib.util.find_spec("pyspark")
    folder = Path(found.origin).parent if found and found.origin else Path()
    return folder / NAME


def java_options() -> str:
    """Give the options of a JVM on one machine, with the archive where there is one."""
    path = archive_path()
    return f"{LIGHT_JAVA} -XX:SharedArchiveFile={path} -Xlog:disable -Xlog:all=off" if path.is_file() else LIGHT_JAVA


def archiving_options(path: Path) -> str:
    """Give the options of a JVM that writes an archive when it ends."""
    return f"{LIGHT_JAVA} -XX:ArchiveClassesAtExit={path} -Xlog:disable -Xlog:all=off"


def can_be_written() -> bool:
    return os.access(archive_path().parent, os.W_OK)
