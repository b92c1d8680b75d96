"""The example runs as it is: a model is served, its traffic captured over real HTTP, labelled and monitored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from capture_files import records

RUN = Path(__file__).resolve().parents[2] / "examples" / "serve-and-monitor" / "run.py"


def test_the_ordinary_day_is_quiet_and_the_bad_one_is_not(tmp_path):
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    environment = os.environ | {"PYTHONPATH": str(RUN.parents[2])}
    command = [sys.executable, str(RUN)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    place = tmp_path / "serve-and-monitor"
    assert len(records(place / "captures")) == 800
    for monitor in ("data_quality", "model_quality", "bias", "attribution"):
        assert f"ordinary-day, {monitor}: no violations" in done.stdout
    assert "bad-day, bias: no violations" not in done.stdout
    merges = [json.loads(path.read_text()) for path in sorted(place.rglob("merge_report.json"))]
    assert [each["captures"]["records"] for each in merges] == [400, 400]
