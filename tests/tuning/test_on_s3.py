"""States on S3: replayed, tuned and merged by day as on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from normal_windows import rows_of, state_of, write_baseline, write_windows

from analyzer.__main__ import main

pytest.importorskip("moto")


def test_states_on_s3_give_what_those_here_give(tmp_path: Path, bucket, capsys):
    random = np.random.default_rng(8)
    write_baseline(tmp_path / "baseline", state_of(rows_of(random, 1000, 6)))
    write_windows(tmp_path / "runs", [state_of(rows_of(random, 100, 6)) for _ in range(26)])
    for path in tmp_path.rglob("*.*"):
        if path.is_file():
            bucket.put(str(path.relative_to(tmp_path)), path.read_bytes())
    found = {}
    for name, root in {"here": str(tmp_path), "there": bucket.uri}.items():
        told = [f"{root}/runs", "--baseline", f"{root}/baseline", "--rate", "0.1", "--output", f"{root}/tuned"]
        assert main(["tune", *told, "--format", "json"]) == 0
        found[name] = json.loads(capsys.readouterr().out)
        assert main(["merge-states", f"{root}/runs", "--by", "day", "--output", f"{root}/merged"]) == 0
        assert "2 of them in all, 0 unchanged" in capsys.readouterr().out
        assert main(["merge-states", f"{root}/runs", "--by", "day", "--output", f"{root}/merged"]) == 0
        assert "2 of them in all, 2 unchanged" in capsys.readouterr().out
    assert found["there"]["thresholds"] == found["here"]["thresholds"]
    assert bucket.get("tuned/constraints.json") == (tmp_path / "tuned" / "constraints.json").read_bytes()
    name = "merged/day/2026/01/01/statistics.json"
    assert bucket.get(name) == (tmp_path / name).read_bytes()
