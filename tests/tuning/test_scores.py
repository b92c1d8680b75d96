"""Scores of many windows at once are the figures of the checks of one, and exceed limits where a job says so."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from normal_windows import rows_of, state_of, write_windows

from analyzer.analyze import finish_analysis
from analyzer.check import check
from analyzer.documents import DistributionConfig, MonitoringConfig
from analyzer.drift_methods import CategoricalMethod, NumericMethod
from analyzer.errors import BaselineError, InputError
from analyzer.job import domains_of
from analyzer.suggest import suggest
from analyzer.tuning.scores import CHECKS, DRIFT, exceeded, limits_of, score, yardsticks_of
from analyzer.tuning.windows import _DOCUMENT, read_windows, window_of

PAIRS = [
    *((method, "LInfinity") for method in get_args(NumericMethod)),
    *(("Robust", method) for method in get_args(CategoricalMethod)),
    ("Simple", "ChiSquared"),
    ("Simple", "LInfinity"),
]


def moved(random: np.random.Generator, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Spoil rows in every way a check looks for."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns["normal0"] = pa.array(random.normal(3, 2, size=batch.num_rows))
    columns["few3"] = pa.array([None if i % 3 else 1 for i in range(batch.num_rows)], pa.int64())
    columns["category4"] = pa.array(["new" if i % 2 else "v1" for i in range(batch.num_rows)])
    columns["counts2"] = pa.array(["word" if i % 5 else "7" for i in range(batch.num_rows)])
    columns["category9"] = pa.array([f"u{i}" for i in range(batch.num_rows)])
    columns["skewed6"] = pa.array([None] * batch.num_rows, pa.float64())
    return pa.RecordBatch.from_pydict(columns)


@pytest.fixture(scope="module")
def states():
    random = np.random.default_rng(5)
    baseline = state_of(rows_of(random, 5000, 12))
    windows = [state_of(rows_of(random, rows, 12)) for rows in (400, 60, 3, 2600)]
    windows += [state_of(moved(random, rows_of(random, rows, 12))) for rows in (300, 9000)]
    windows.append(state_of(rows_of(random, 100, 12).drop_columns(["few3"])))
    wide = rows_of(random, 100, 12).drop_columns(["few3"]).append_column("other", pa.array(["x"] * 100))
    windows += [state_of(wide), state_of(rows_of(random, 0, 12))]
    return baseline, windows


@pytest.mark.parametrize("compatibility", ["original", "corrected"])
@pytest.mark.parametrize(("numeric", "categorical"), PAIRS)
def test_every_window_is_judged_as_a_job_judges_it(states, tmp_path, numeric, categorical, compatibility):
    baseline, windows = states
    statistics = finish_analysis(baseline, {}, compatibility).statistics
    distribution = DistributionConfig(
        comparison_method=numeric, categorical_drift_method=categorical, comparison_threshold=0.05
    )
    constraints = replace(suggest(statistics), config=MonitoringConfig(distribution=distribution))
    domains = domains_of(constraints)
    folder = write_windows(tmp_path, windows)
    places = sorted(folder.rglob("state.json.gz"))
    yardsticks = yardsticks_of(constraints, statistics, corrected=compatibility == "corrected")
    scores = score(read_windows(places, domains), yardsticks, shape_matters=True)
    found = exceeded(scores, limits_of(yardsticks))
    names = [yardstick.name for yardstick in yardsticks]
    for i, state in enumerate(windows):
        verdict = check(finish_analysis(state, domains, compatibility), constraints, statistics, compatibility)
        violations = {(v.feature_name, v.constraint_check_type) for v in verdict.violations}
        ours = {(names[f], kind) for kind in CHECKS for f in np.flatnonzero(found[kind][i])}
        assert ours == {v for v in violations if "columns" not in v[0]}, i
        assert scores.misshapen[i] == any("columns" in name for name, _ in violations)
        distances = {drift.feature_name: drift.distance for drift in verdict.drifts}
        compared = np.flatnonzero(~np.isnan(scores.by_check[DRIFT][i]))
        assert {names[f] for f in compared} == distances.keys(), i
        for f in compared:
            distance = max(0.0, scores.by_check[DRIFT][i, f])
            assert distance == pytest.approx(distances[names[f]], rel=1e-9, abs=1e-9)


def test_the_original_s_distances_agree_to_the_last_bit(states):
    baseline, windows = states
    statistics = finish_analysis(baseline, {}, "original").statistics
    constraints = suggest(statistics)
    verdict = check(finish_analysis(windows[3], {}, "original"), constraints, statistics)
    yardsticks = yardsticks_of(constraints, statistics, corrected=False)
    assert len(windows[3].columns["normal0"].numbers.sketch().levels) > 1
    window = window_of(_DOCUMENT.decode(gzip.decompress(windows[3].to_bytes())), {})
    scores = score([window], yardsticks, shape_matters=True)
    for drift in verdict.drifts:
        i = [yardstick.name for yardstick in yardsticks].index(drift.feature_name)
        assert max(0.0, scores.by_check[DRIFT][0, i]) == drift.distance


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"not gzip", "is not a state file"),
        (b"", "is not a state file"),
    ],
)
def test_what_is_no_state_is_named(tmp_path, content, error):
    (tmp_path / "state.json.gz").write_bytes(content)
    with pytest.raises(BaselineError, match=error):
        read_windows([tmp_path / "state.json.gz"], {})
    with pytest.raises(InputError, match=r"gone.json.gz cannot be read"):
        read_windows([tmp_path / "gone.json.gz"], {})


def test_a_truncated_state_and_one_of_another_analysis_are_named(tmp_path, states):
    whole = states[1][0].to_bytes()
    other = {**json.loads(gzip.decompress(whole)), "kind": "MODEL_QUALITY"}
    for content, words in [
        (whole[: len(whole) // 2], "is not a state file"),
        (gzip.compress(json.dumps(other).encode()), "MODEL_QUALITY"),
        (gzip.compress(json.dumps({**other, "kind": None, "version": 99}).encode()), "version 99"),
    ]:
        (tmp_path / "state.json.gz").write_bytes(content)
        with pytest.raises(BaselineError, match=words):
            read_windows([tmp_path / "state.json.gz"], {})
