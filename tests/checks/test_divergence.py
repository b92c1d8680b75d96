"""Distances from sketches and counts against the same distances of the raw rows, by SciPy where it has them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import get_args

import jsonschema
import numpy as np
import pytest
from cases import analysis, column
from hypothesis import given
from hypothesis import strategies as st

from analyzer.analyzers.kll import Kll
from analyzer.check import check
from analyzer.checks.distance import rank
from analyzer.checks.divergence import (
    OF_SHARES,
    SPREADS,
    align,
    cells_of,
    count_rows,
    hellinger,
    jensen_shannon,
    kolmogorov_survival,
    psi,
    rank_error,
    shares_of,
    smirnov_p_value,
    total_variation,
    wasserstein,
)
from analyzer.documents import (
    Constraints,
    DistributionConfig,
    FeatureConstraints,
    MonitoringConfig,
    Sketch,
    Verdict,
)
from analyzer.drift_methods import CategoricalMethod, NumericMethod

stats = pytest.importorskip("scipy.stats")
spatial = pytest.importorskip("scipy.spatial.distance")

FURTHER = [name for name in get_args(NumericMethod) if name not in {"Robust", "Simple"}]
shapes = {
    "normal": lambda random, n: random.normal(size=n),
    "skewed": lambda random, n: random.lognormal(sigma=1.5, size=n),
    "counts": lambda random, n: random.poisson(40, size=n).astype(float),
    "zeros": lambda random, n: random.normal(size=n) * (random.random(n) < 0.4),
}


def sketched(values: np.ndarray, parts: int = 1) -> Sketch:
    """Fold rows in `parts` states, then merge them."""
    whole = Kll()
    for part in np.array_split(values, parts):
        state = Kll()
        state.update(part)
        whole.merge(state)
    return whole.sketch()


def raw_cells(baseline: np.ndarray, *samples: np.ndarray) -> list[np.ndarray]:
    """Shares of samples in tenths of the baseline's rows, cut and counted row by row."""
    edges = np.unique([np.sort(baseline)[math.ceil(len(baseline) * i / 10) - 1] for i in range(1, 10)])
    return [
        np.array([np.mean(np.searchsorted(edges, values, "left") == i) for i in range(len(edges) + 1)])
        for values in samples
    ]


def raw_distances(baseline: np.ndarray, current: np.ndarray) -> dict[str, float]:
    p, q = raw_cells(baseline, baseline, current)
    p_least, q_least = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    return {
        "PSI": sum(stats.entropy(a, b) for a, b in [(p, q), (q, p)])
        if (p > 1e-4).all() and (q > 1e-4).all()
        else float(((q_least - p_least) * np.log(q_least / p_least)).sum()),
        "JensenShannon": spatial.jensenshannon(p, q, base=2),
        "Hellinger": math.sqrt(max(0.0, 1 - float(np.sqrt(p * q).sum()))),
        "TotalVariation": spatial.cityblock(p, q) / 2,
        "Wasserstein": stats.wasserstein_distance(baseline, current),
    }


def distances(before: Sketch, now: Sketch) -> dict[str, float]:
    a, b = rank(before), rank(now)
    cells = cells_of(a)
    shares = [shares_of(count_rows(cells, each)) for each in (a, b)]
    return {name: float(measure(*shares)) for name, measure in OF_SHARES.items()} | {"Wasserstein": wasserstein(a, b)}


@pytest.mark.parametrize("shape", shapes)
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_where_the_sketch_holds_all_rows_distances_are_those_of_the_rows(shape, shift):
    random = np.random.default_rng(11)
    before, now = shapes[shape](random, 2000), shapes[shape](random, 500) + shift
    found = distances(sketched(before), sketched(now))
    assert found == pytest.approx(raw_distances(before, now), rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("shape", shapes)
@pytest.mark.parametrize("parts", [1, 24])
def test_of_large_data_they_are_within_the_error_of_the_sketch(shape, parts):
    random = np.random.default_rng(12)
    before, now = shapes[shape](random, 200_000), shapes[shape](random, 50_000) * 1.1
    sketches = sketched(before, parts), sketched(now, parts)
    found, expected = distances(*sketches), raw_distances(before, now)
    spread = float(before.std())
    assert found["Wasserstein"] / spread == pytest.approx(expected["Wasserstein"] / spread, abs=0.01)
    for name in OF_SHARES:
        assert found[name] == pytest.approx(expected[name], abs=0.01), name


def test_ranks_of_a_sketch_err_less_than_is_taken_off():
    random = np.random.default_rng(13)
    for rows, parts in [(2000, 1), (30_000, 1), (300_000, 24)]:
        values = random.normal(size=rows)
        sketch = sketched(values, parts)
        ranks = rank(sketch)
        true = np.searchsorted(np.sort(values), ranks.values, "right") / rows
        assert np.abs(true - ranks.true / rows).max() <= SPREADS * rank_error(sketch)
        assert (rank_error(sketch) == 0) == (rows == 2000)


@pytest.mark.parametrize(("n", "m"), [(20, 30), (200, 150), (2000, 500), (1500, 1500)])
def test_p_values_of_kolmogorov_and_smirnov_are_scipy_s(n, m):
    random = np.random.default_rng(14)
    for shift in (0.0, 0.05, 0.1, 0.3, 1.0):
        before, now = random.normal(size=n), random.normal(shift, size=m)
        exact = stats.ks_2samp(before, now, method="exact")
        assert smirnov_p_value(exact.statistic, n, m) == pytest.approx(exact.pvalue, abs=0.015)


@given(st.floats(0, 6))
def test_kolmogorov_s_distribution_is_scipy_s(x):
    assert kolmogorov_survival(x) == pytest.approx(stats.kstwobign.sf(x), rel=1e-9, abs=1e-12)


counts = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=12).filter(
    lambda pairs: all(map(sum, zip(*pairs, strict=True)))
)


@given(counts)
def test_distances_of_categories_are_scipy_s_and_symmetric(pairs):
    before, now = ({str(i): pair[side] for i, pair in enumerate(pairs) if pair[side]} for side in (0, 1))
    p, q = map(shares_of, align(before, now))
    assert float(jensen_shannon(p, q)) == pytest.approx(spatial.jensenshannon(p, q, base=2), abs=1e-7)
    assert float(total_variation(p, q)) == pytest.approx(spatial.cityblock(p, q) / 2)
    assert float(hellinger(p, q)) == pytest.approx(spatial.euclidean(np.sqrt(p), np.sqrt(q)) / math.sqrt(2))
    for measure in OF_SHARES.values():
        assert float(measure(p, q)) == pytest.approx(float(measure(q, p)))
        assert float(measure(p, p)) == 0.0
    assert 0 <= float(total_variation(p, q)) <= 1


def test_an_empty_cell_leaves_psi_finite():
    p, q = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    assert float(psi(p, q)) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(0.5 / 1e-4), rel=1e-3)


def test_few_values_are_cells_of_their_own_and_a_constant_is_seen_to_move_either_way():
    before = rank(sketched(np.zeros(100)))
    for moved in (-1.0, 1.0):
        cells = cells_of(before)
        assert count_rows(cells, rank(sketched(np.full(50, moved)))).tolist() == [0.0, 50.0]
    assert wasserstein(before, rank(sketched(np.full(50, -3.0)))) == 3.0


def test_shares_are_taken_of_many_samples_at_once():
    many = np.array([[1.0, 3.0], [2.0, 2.0], [0.0, 0.0]])
    found = total_variation(np.array([0.5, 0.5]), shares_of(many))
    assert found[:2].tolist() == [0.25, 0.0]
    assert np.isnan(found[2])


# --- as checks -------------------------------------------------------------------------------------------------------

LOW, HIGH = [str(i) for i in range(1024)], [str(i) for i in range(512, 1536)]


def judge(before, now, *, per_feature=False, **distribution) -> Verdict:
    config = MonitoringConfig(distribution=DistributionConfig(**distribution))
    feature = FeatureConstraints("a", config=config if per_feature else None)
    constraints = Constraints((feature,), MonitoringConfig() if per_feature else config)
    return check(
        analysis(len(now), column("a", now)), constraints, analysis(len(before), column("a", before)).statistics
    )


@pytest.mark.parametrize("method", FURTHER)
@pytest.mark.parametrize("per_feature", [True, False])
def test_a_moved_column_drifts_by_each_distance_and_the_same_column_by_none(method, per_feature):
    (violation,) = judge(LOW, HIGH, comparison_method=method, per_feature=per_feature).violations
    verdict = judge(LOW, HIGH, comparison_method=method, per_feature=per_feature)
    (drift,) = verdict.drifts
    assert violation.constraint_check_type == "baseline_drift_check"
    assert violation.description == (
        f"Baseline drift distance: {drift.distance!r} exceeds threshold: {drift.threshold!r}"
    )
    assert drift.method == method
    assert judge(LOW, LOW, comparison_method=method).drifts[0].distance == pytest.approx(0, abs=1e-9)


def test_wasserstein_is_told_in_standard_deviations_of_the_baseline_and_in_its_own_unit():
    (violation,) = judge(LOW, HIGH, comparison_method="Wasserstein").violations
    assert violation.evidence["wasserstein"] == pytest.approx(512.0)
    assert violation.evidence["distance"] == pytest.approx(512 / np.std(np.arange(1024)))


def test_the_threshold_of_kolmogorov_and_smirnov_is_a_level_of_significance():
    now = [str(i) for i in range(40, 1064)]
    verdict = judge(LOW, now, comparison_method="KolmogorovSmirnov", comparison_threshold=0.5)
    expected = stats.ks_2samp([int(v) for v in LOW], [int(v) for v in now], method="exact").pvalue
    assert verdict.drifts[0].p_value == pytest.approx(expected, abs=0.01)
    assert (verdict.drifts[0].distance, verdict.drifts[0].threshold) == (1 - verdict.drifts[0].p_value, 0.5)
    (violation,) = verdict.violations
    assert violation.evidence["statistic"] == pytest.approx(40 / 1024)
    assert judge(LOW, now, comparison_method="KolmogorovSmirnov", comparison_threshold=0.01).violations == ()


@pytest.mark.parametrize("method", [name for name in get_args(CategoricalMethod) if name in OF_SHARES])
def test_categories_drift_by_each_distance(method):
    before, now = ["x"] * 500 + ["y"] * 500, ["x"] * 250 + ["y"] * 740 + ["z"] * 10
    verdict = judge(before, now, categorical_drift_method=method)
    assert verdict.drifts[0].method == method
    assert verdict.drifts[0].distance == pytest.approx(
        float(OF_SHARES[method](np.array([0.5, 0.5, 0]), np.array([0.25, 0.74, 0.01])))
    )
    assert len(verdict.violations) == 1


def test_a_method_of_numbers_leaves_categories_to_their_own_and_robust():
    before, now = ["x"] * 500 + ["y"] * 500, ["x"] * 250 + ["y"] * 750
    kept = judge(before, now)
    assert judge(before, now, comparison_method="PSI").drifts == kept.drifts
    assert kept.drifts[0].method == "LInfinity"


@pytest.mark.parametrize("method", FURTHER)
def test_repeated_values_count_where_the_original_is_blind(method):
    before, now = ["0"] * 900 + ["1"] * 100, ["0"] * 100 + ["1"] * 900
    assert len(judge(before, now, comparison_method=method).violations) == 1


def test_the_sdk_reads_constraints_with_these_methods_and_so_do_we(tmp_path):
    monitoring = pytest.importorskip("sagemaker.model_monitor")
    from analyzer.decode import read_constraints
    from analyzer.encode import encode_constraints
    from analyzer.jsonlayout import dump

    config = MonitoringConfig(
        distribution=DistributionConfig(comparison_method="PSI", categorical_drift_method="Hellinger")
    )
    constraints = Constraints((FeatureConstraints("a", "Integral", 1.0, config=config),), replace(config))
    text = dump(encode_constraints(constraints))
    document = monitoring.Constraints(json.loads(text), "s3://bucket/constraints.json").body_dict
    again = read_constraints(json.dumps(document), "constraints.json")
    assert again == constraints
    schema = json.loads((Path(__file__).parents[2] / "schemas" / "constraints.read.json").read_text())
    jsonschema.validate(document, schema)
