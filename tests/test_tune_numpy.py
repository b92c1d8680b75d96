from __future__ import annotations

import os
import subprocess
import sys

import pytest

from analyzer import tune_numpy as module

SORTED = """
from analyzer.tune_numpy import tune_numpy
tune_numpy()
import warnings, numpy as np
print(np.sort(np.array([3.0, -0.5, 2.0, 1e300] * 600))[[0, -1]].tolist())
"""


def variable(monkeypatch: pytest.MonkeyPatch) -> str | None:
    monkeypatch.setattr(sys, "warnoptions", [])
    module.tune_numpy()
    return os.environ.get("NPY_DISABLE_CPU_FEATURES")


@pytest.mark.parametrize(("vendor", "is_told"), [("AuthenticAMD", True), ("GenuineIntel", False)])
def test_numpy_is_told_on_amd_alone(vendor, is_told, tmp_path, monkeypatch):
    cpu = tmp_path / "cpuinfo"
    cpu.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\n")
    monkeypatch.setattr(module, "CPU", cpu)
    monkeypatch.delenv("NPY_DISABLE_CPU_FEATURES", raising=False)

    assert (variable(monkeypatch) is not None) == is_told


def test_what_the_user_has_set_stays(tmp_path, monkeypatch):
    cpu = tmp_path / "cpuinfo"
    cpu.write_text("vendor_id\t: AuthenticAMD\n")
    monkeypatch.setattr(module, "CPU", cpu)
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "")

    assert variable(monkeypatch) == ""


@pytest.mark.parametrize("flags", [[], ["-W", "error::ImportWarning"]])
def test_numpy_loads_and_sorts_afterwards(flags, monkeypatch):
    monkeypatch.delenv("NPY_DISABLE_CPU_FEATURES", raising=False)
    done = subprocess.run([sys.executable, *flags, "-c", SORTED], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("[-0.5, 1e+300]\n", "")
