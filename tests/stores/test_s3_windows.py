"""States on S3: replayed, tuned and merged by day as on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from normal_windows import rows_of, state_of, write_baseline, write_windows

from analyzer.__main__ import main

FILES = ("statistics.json", "constraints.json", "profile.json", "state.json.gz")


def test_states_on_s3_give_what_those_here_give(tmp_path: Path, service, put_folder, objects, capsys):
    random = np.random.default_rng(8)
    write_baseline(tmp_path / "baseline", state_of(rows_of(random, 1000, 6)))
    write_windows(tmp_path / "runs", [state_of(rows_of(random, 100, 6)) for _ in range(26)])
    there = put_folder(tmp_path, "past")
    found = {}
    for root in (str(tmp_path), there):
        told = [f"{root}/runs", "--baseline", f"{root}/baseline", "--rate", "0.1", "--output", f"{root}/tuned"]
        assert main(["tune", *told, "--format", "json"]) == 0
        found[root] = json.loads(capsys.readouterr().out)["thresholds"]
        by_day = ["merge-states", f"{root}/runs", "--by", "day", "--output", f"{root}/merged"]
        for unchanged in (0, 2):
            assert main(by_day) == 0
            assert f"2 of them in all, {unchanged} unchanged" in capsys.readouterr().out
    assert found[there] == found[str(tmp_path)]
    assert objects("past/tuned/")["constraints.json"] == (tmp_path / "tuned" / "constraints.json").read_bytes()
    merged = objects("past/merged/day/2026/01/01/")
    for name in FILES:
        assert merged[name] == (tmp_path / "merged" / "day" / "2026" / "01" / "01" / name).read_bytes(), name


def test_whether_a_state_has_changed_is_told_by_its_end(tmp_path: Path, service, put_folder, capsys):
    write_windows(tmp_path / "runs", [state_of(rows_of(np.random.default_rng(8), 2000, 6)) for _ in range(3)])
    there = put_folder(tmp_path / "runs", "runs")
    told = ["merge-states", there, "--by", "day", "--output", "s3://data/merged"]
    assert main(told) == 0
    service.forget()
    assert main(told) == 0
    assert "1 unchanged" in capsys.readouterr().out
    fetched = [request.length for request in service.gets("/state.json.gz")]
    assert len(fetched) == 4, "three hours and the day"
    assert max(fetched) <= 65536
