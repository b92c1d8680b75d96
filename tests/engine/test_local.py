"""What processes that fold keep for themselves: memory that was freed is there for the next array."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys

import pytest

from analyzer.engine.local import KEEPING, beside

ROUNDS, ARRAYS, PAGES_EACH = 100, 8, 128
BESIDE = """
import sys
sys.path.insert(0, {tests!r})
from test_local import faults
from analyzer.engine.local import beside
if __name__ == "__main__":
    with beside(faults, [0, 0], {cores}) as done:
        print(max(done))
"""


def faults(_: int) -> int:
    """Make and drop arrays of 512 KiB, as columns of a batch are; gives how many pages had to be asked for."""
    import numpy as np

    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(ROUNDS):
        columns = [np.ones(PAGES_EACH * 512) for _ in range(ARRAYS)]
        del columns
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no such thresholds")
@pytest.mark.parametrize("cores", [1, 2])
def test_memory_that_was_freed_is_there_for_the_next_array(cores, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(BESIDE.format(tests=os.path.dirname(__file__), cores=cores))  # noqa: PTH120
    variables = {name: value for name, value in os.environ.items() if name not in KEEPING}
    done = subprocess.run([sys.executable, script], env=variables, capture_output=True, text=True, check=True)

    assert int(done.stdout) < ROUNDS * ARRAYS * PAGES_EACH / 4


def test_what_the_user_has_set_of_the_c_library_stays(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "4096")

    with beside(value_of_the_threshold, [0, 0], 2) as told:
        assert list(told) == ["4096", "4096"]


def value_of_the_threshold(_: int) -> str:
    return os.environ["MALLOC_TRIM_THRESHOLD_"]
