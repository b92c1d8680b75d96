"""What a JVM misses in a bare container: an address for its host name, and a name for its user."""

from __future__ import annotations

import ctypes.util
import os
import pwd
import socket
from pathlib import Path

NAME = "analyzer"


def java_variables(scratch: Path, *, is_local: bool) -> dict[str, str]:
    """Give the variables with which Spark's JVM starts here; files that they name are written to `scratch`.

    Without a network the host's own name leads nowhere, and on one machine it need not; the JVM writes a page about it
    to the log nevertheless. Hadoop refuses to run as a user without a name, which is what a container gets that is
    started as any number (`docker run --user 12345`). The library nss_wrapper, where it is installed, tells both names.
    """
    variables = {"SPARK_LOCAL_IP": "127.0.0.1"} if is_local else {}
    library = ctypes.util.find_library("nss_wrapper")
    told: dict[str, str] = {}
    if library and not _has_name(os.getuid()):
        told |= _user_named(scratch)
    if library and is_local and not _has_address(socket.gethostname()):
        told |= _host_named(scratch)
    return variables | told | ({"LD_PRELOAD": library} if library and told else {})


def _has_name(user: int) -> bool:
    try:
        return bool(pwd.getpwuid(user).pw_name)
    except KeyError:
        return False


def _has_address(host: str) -> bool:
    try:
        return bool(socket.gethostbyname(host))
    except OSError:
        return False


def _user_named(scratch: Path) -> dict[str, str]:
    users, groups = scratch / "passwd", scratch / "group"
    users.write_text(f"{NAME}:x:{os.getuid()}:{os.getgid()}::{scratch}:/bin/false\n", encoding="ascii")
    groups.write_text(f"{NAME}:x:{os.getgid()}:\n", encoding="ascii")
    return {"NSS_WRAPPER_PASSWD": str(users), "NSS_WRAPPER_GROUP": str(groups)}


def _host_named(scratch: Path) -> dict[str, str]:
    hosts = scratch / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n", encoding="utf-8")
    return {"NSS_WRAPPER_HOSTS": str(hosts)}
