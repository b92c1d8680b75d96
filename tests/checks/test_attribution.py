from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.checks.attribution import check_attribution, ndcg


@pytest.mark.golden
def test_ratings_are_those_computed_elsewhere(shared: Path):
    cases = json.loads((shared / "golden" / "bias-adult" / "reference.json").read_text())["ndcg_cases"]
    assert cases
    for case in cases:
        found = ndcg(case["baseline"], case["current"])
        assert found == pytest.approx(case["sklearn_ndcg_score"], abs=1e-9), case["name"]
        verdict = check_attribution({"l": case["baseline"]}, {"l": case["current"]}, 0.9)
        assert bool(verdict.violations) == case["violation"], case["name"]


VALUES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=12)


@given(VALUES)
@settings(max_examples=200)
def test_ties_are_shared_as_scikit_learn_does(pairs):
    metrics = pytest.importorskip("sklearn.metrics")
    baseline, current = ([float(value) for value in side] for side in zip(*pairs, strict=True))
    found = ndcg(dict(enumerate(baseline)), dict(enumerate(current)))
    if not any(baseline):
        assert found is None
    else:
        assert found == pytest.approx(metrics.ndcg_score([baseline], [current]), abs=1e-12)


def test_text_and_layout_of_a_violation():
    verdict = check_attribution({"label0": {"a": 3.0, "b": 1.0}}, {"label0": {"a": 1.0, "b": 3.0}}, 0.9)
    assert verdict.violations == (
        {
            "label": "label0",
            "metric_name": "shap",
            "constraint_check_type": "feature_attribution_drift_check",
            "description": f"Feature attribution drift {verdict.scores['label0']!r} exceeds threshold 0.9",
        },
    )
    assert verdict.scores["label0"] == pytest.approx((1 + 3 / 1.584962500721156) / (3 + 1 / 1.584962500721156))


def test_equal_to_the_threshold_is_no_drift():
    values = {"a": 1.0, "b": 0.5}
    assert check_attribution({"l": values}, {"l": values}, 1.0).violations == ()


def test_one_feature_cannot_drift():
    assert ndcg({"a": 0.2}, {"a": 7.0}) == 1


def test_features_of_one_side_count_as_0_and_are_told():
    verdict = check_attribution({"l": {"a": 1.0, "gone": 5.0}}, {"l": {"a": 1.0, "new": 9.0}}, 0.9)
    assert len(verdict.violations) == 1, "what mattered most is not there any more"
    assert "lacks count as 0: gone" in verdict.notes[0]
    assert "new" in verdict.notes[1]


def test_negative_medians_count_by_their_size_and_are_told():
    verdict = check_attribution({"l": {"a": -3.0, "b": 1.0}}, {"l": {"a": -2.0, "b": 0.5}}, 0.9)
    assert verdict.scores == {"l": 1.0}
    assert "ranked by their size" in verdict.notes[0]


def test_labels_of_one_side_are_told_and_not_judged():
    verdict = check_attribution({"x": {"a": 1.0}}, {"y": {"a": 1.0}}, 0.9)
    assert (verdict.scores, verdict.violations) == ({}, ())
    assert len(verdict.notes) == 2


def test_a_baseline_of_zeros_is_not_judged():
    verdict = check_attribution({"l": {"a": 0.0}}, {"l": {"a": 1.0}}, 0.9)
    assert verdict.violations == ()
    assert "all attributions of the baseline are 0" in verdict.notes[0]
