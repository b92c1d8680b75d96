from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analyzer.attributions.coalitions import design
from analyzer.attributions.figures import aggregate
from analyzer.attributions.shapley import new_game, shapley_values
from analyzer.errors import ModelError


def logistic(weights, bias):
    return lambda block: 1 / (1 + np.exp(-(block @ weights + bias)))[:, None]


def explained(rows, background, predict, samples=None, seed=0, logit=False, only=None, block_rows=32_768):
    features = rows.shape[1]
    only = list(range(features)) if only is None else only
    players = len(only) + (len(only) < features)
    game = new_game(design(players, samples, seed), features, only, background, logit=logit, block_rows=block_rows)
    game = game.with_empty(predict)
    return shapley_values(rows, game, predict), game.empty


@pytest.fixture
def adult(shared: Path):
    """The rows, model and exact values that were published or computed apart from this code."""
    folder = shared / "golden" / "bias-adult"
    model = json.loads((folder / "model.json").read_text())
    rows = pl.read_csv(folder / "baseline.csv").select(model["features"]).to_numpy().astype(float)
    cases = json.loads((folder / "reference.json").read_text())["shap_exact"]
    return model["features"], rows, logistic(np.array(model["weights"]), model["bias"]), cases


@pytest.mark.golden
@pytest.mark.parametrize("case", [0, 1])
@pytest.mark.parametrize(("samples", "near"), [(100, 2e-3), (None, 5e-4)])
def test_global_values_are_near_the_exact_ones(adult, case, samples, near):
    names, rows, predict, cases = adult
    expected = cases[case]
    values, empty = explained(rows, np.array(expected["shap_baseline"], float), predict, samples, seed=case)
    assert empty == pytest.approx([expected["expected_value"]], abs=1e-12)
    for method, by_name in expected["global_shap_values"].items():
        theirs = np.array([by_name[name] for name in names])
        if method == "median" and samples:
            continue  # a median of noisy values is no closer than these are
        assert np.abs(aggregate(values[:, :, 0], method) - theirs).max() < near, method


@pytest.mark.golden
def test_with_all_coalitions_every_row_is_exact(adult):
    names, rows, predict, cases = adult
    values, _ = explained(rows[:1], np.array(cases[0]["shap_baseline"], float), predict, samples=2**14)
    theirs = [cases[0]["local_first_row"][name] for name in names]
    assert np.abs(values[0, :, 0] - theirs).max() < 1e-12


def test_the_library_of_that_name_finds_the_same():
    shap = pytest.importorskip("shap", reason="shap is not installed: it brings numba, which weighs 200 MB")
    random = np.random.default_rng(3)
    rows, background = random.normal(size=(4, 6)), random.normal(size=(3, 6))

    def predict(block):
        return np.stack([block[:, 0] * block[:, 1] + np.sin(block[:, 2]), np.tanh(block[:, 3:].sum(axis=1))], axis=1)

    theirs = shap.KernelExplainer(predict, background).shap_values(rows, nsamples=2**6, l1_reg=False, silent=True)
    values, empty = explained(rows, background, predict)
    assert np.abs(values - np.asarray(theirs)).max() < 1e-9
    assert np.allclose(empty, predict(background).mean(axis=0))


@pytest.mark.parametrize("block_rows", [1, 7, 50, 1000])
def test_blocks_of_any_size_give_the_same(block_rows):
    random = np.random.default_rng(4)
    rows, background = random.normal(size=(9, 7)), random.normal(size=(3, 7))
    seen = []

    def predict(block):
        seen.append(len(block))
        return (block[:, :3].prod(axis=1) + block[:, 3:].sum(axis=1))[:, None]

    whole, _ = explained(rows, background, predict, samples=60)
    seen.clear()
    parts, _ = explained(rows, background, predict, samples=60, block_rows=block_rows)
    assert np.allclose(whole, parts, rtol=0, atol=1e-12)
    assert max(seen) <= max(block_rows, len(background))


def test_log_odds_are_explained_where_wanted():
    """On the scale of log-odds a logistic model is additive, so its values are known."""
    random = np.random.default_rng(5)
    rows, background = random.normal(size=(5, 4)), random.normal(size=(1, 4))
    weights = np.array([1.0, -2.0, 0.5, 0.0])
    values, empty = explained(rows, background, logistic(weights, 0.3), logit=True)
    assert np.allclose(values[:, :, 0], weights * (rows - background))
    assert np.allclose(empty, background @ weights + 0.3)


def test_log_odds_of_what_is_no_probability_are_refused():
    with pytest.raises(ModelError, match="use_logit is true, but the model answered"):
        explained(np.ones((2, 3)), np.zeros((1, 3)), lambda block: block.sum(axis=1)[:, None], logit=True)


def test_probabilities_of_0_and_1_stay_finite():
    values, _ = explained(np.ones((2, 3)), np.zeros((1, 3)), lambda block: block[:, :1], logit=True)
    assert np.isfinite(values).all()


def test_some_features_are_explained_and_the_rest_is_one_player():
    rows, background = np.array([[1.0, 2.0, 3.0, 4.0]]), np.zeros((1, 4))
    values, empty = explained(rows, background, lambda block: block.sum(axis=1)[:, None], only=[2, 0])
    assert np.allclose(values[0, :, 0], [3, 1, 6]), "the features asked for, in that order, then all others"
    assert empty == [0]


def test_one_feature_alone_takes_all():
    values, _ = explained(np.array([[2.0], [5.0]]), np.array([[1.0]]), lambda block: block**2)
    assert values[:, 0, 0].tolist() == [3, 24]


def test_a_model_that_writes_into_its_rows_does_no_harm():
    rows, background = np.random.default_rng(6).normal(size=(50, 5)), np.ones((2, 5))

    def rude(block):
        found = block.sum(axis=1)[:, None]
        block[:] = -1
        return found

    polite, _ = explained(rows.copy(), background.copy(), lambda block: block.sum(axis=1)[:, None])
    assert np.allclose(explained(rows, background, rude)[0], polite)


def test_aggregates():
    values = np.array([[1.0, -4.0], [-3.0, 0.0], [5.0, 1.0]])
    assert aggregate(values, "mean_abs").tolist() == [3, 5 / 3]
    assert aggregate(values, "median").tolist() == [1, 0]
    assert aggregate(values, "mean_sq").tolist() == [35 / 3, 17 / 3]
