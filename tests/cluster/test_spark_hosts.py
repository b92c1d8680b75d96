"""Three hosts form one Spark cluster, and go on without one that is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.spark
SPARK = {"ANALYZER_ENGINE": "spark", "ANALYZER_CLUSTER_TIMEOUT": "60"}
FILES = {
    f"{name}.csv": "n,s\n" + "".join(f"{i / 7 + seed},x{i % 7}\n" for i in range(4000))
    for seed, name in enumerate("abcdef")
}


def commands() -> dict[int, str]:
    """The command lines of all processes of this machine."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
    return found


def of_spark(port_or_root: str) -> list[int]:
    return [pid for pid, command in commands().items() if "org.apache.spark" in command and port_or_root in command]


def test_three_hosts_write_the_bytes_of_one(hosts, start, alone, tmp_path):
    for i, (name, content) in enumerate(FILES.items()):
        hosts[i % 3].put(name, content)
    expected = alone(hosts[0], FILES)
    start(**SPARK)
    codes = [host.wait(120) for host in hosts]
    assert codes == [0, 0, 0], "\n".join(host.log for host in hosts)
    assert hosts[0].reports == expected
