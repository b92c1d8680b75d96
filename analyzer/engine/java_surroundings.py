"""What a JVM misses in a bare container: an address for its host name, and a name for its user."""

from __future__ import annotations

import ctypes.util
import os
import pwd
from pathlib import Path

NAME = "analyzer"


def java_variables(scratch: Path, *, is_local: bool) -> dict[str, str]:
    """Give the variables with which Spark's JVM starts here; files that they name are written to `scratch`.

    Without a network the host's own name leads nowhere, and on one machine it need not. Hadoop refuses to run as a user
    without a name, which is what a container gets that is started as any number (`docker run --user 12345`); the
    library nss_wrapper, where it is installed, tells it one.
    """
    variables = {"SPARK_LOCAL_IP": "127.0.0.1"} if is_local else {}
    if not _has_name(os.getuid()) and (library := ctypes.util.find_library("nss_wrapper")):
        variables |= _named(scratch, library)
    return variables


def _has_name(user: int) -> bool:
    try:
        return bool(pwd.getpwuid(user).pw_name)
    except KeyError:
        return False


def _named(scratch: Path, library: str) -> dict[str, str]:
    users, groups = scratch / "passwd", scratch / "group"
    users.write_text(f"{NAME}:x:{os.getuid()}:{os.getgid()}::{scratch}:/bin/false\n", encoding="ascii")
    groups.write_text(f"{NAME}:x:{os.getgid()}:\n", encoding="ascii")
    return {"LD_PRELOAD": library, "NSS_WRAPPER_PASSWD": str(users), "NSS_WRAPPER_GROUP": str(groups)}
