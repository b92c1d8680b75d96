from __future__ import annotations

from math import comb, factorial

import numpy as np
import pytest

from analyzer.attributions.coalitions import default_samples, design, most_coalitions


def values_of(game, players):
    """Shapley values by their definition."""
    everyone = range(players)
    found = []
    for i in everyone:
        total = 0.0
        for bits in range(2**players):
            mask = [bool(bits >> j & 1) for j in everyone]
            if not mask[i]:
                size = sum(mask)
                weight = factorial(size) * factorial(players - size - 1) / factorial(players)
                joined = [*mask[:i], True, *mask[i + 1 :]]
                total += weight * (game(joined) - game(mask))
        found.append(total)
    return np.array(found)


def estimated(game, players, samples, seed=0):
    plan = design(players, samples, seed)
    empty, whole = game([False] * players), game([True] * players)
    gained = np.array([game(list(mask)) for mask in plan.masks]) - empty
    return plan.projection @ gained + plan.remainder * (whole - empty), plan


def game_of(players, seed=1):
    """A game without any structure: a random worth for each coalition."""
    worths = np.random.default_rng(seed).normal(size=2**players)
    return lambda mask: float(worths[sum(1 << i for i, here in enumerate(mask) if here)])


@pytest.mark.parametrize("players", [1, 2, 3, 4, 5, 7, 8])
def test_all_coalitions_give_the_exact_values(players):
    game = game_of(players)
    found, plan = estimated(game, players, None)
    assert plan.exact
    assert len(plan.masks) == most_coalitions(players)
    assert len({mask.tobytes() for mask in plan.masks}) == len(plan.masks)
    assert np.allclose(found, values_of(game, players), atol=1e-12)


@pytest.mark.parametrize("samples", [2, 7, 20, 50, 200, 2000])
def test_values_add_up_and_additive_games_are_exact_once_everybody_is_told_apart(samples):
    worths = np.arange(12.0)
    found, plan = estimated(lambda mask: float(worths[np.array(mask)].sum()), 12, samples)
    assert found.sum() == pytest.approx(worths.sum())
    assert len(plan.masks) <= samples
    assert not plan.exact
    if np.linalg.matrix_rank(plan.masks - 0.5) >= 11 and samples >= 24:
        assert np.allclose(found, worths)


def test_the_budget_is_spent_on_different_coalitions_in_pairs():
    plan = design(14, None, 0)
    assert len(plan.masks) == default_samples(14) == 2 * 14 + 2048
    known = {mask.tobytes() for mask in plan.masks}
    assert len(known) == len(plan.masks)
    assert all((~mask).tobytes() in known for mask in plan.masks)
    sizes = plan.masks.sum(axis=1)
    assert all((sizes == size).sum() == comb(14, size) for size in (1, 2, 12, 13)), "the outer sizes are whole"


def test_seeds_give_other_coalitions_and_the_same_ones_again():
    assert (design(14, 100, 1).masks == design(14, 100, 1).masks).all()
    assert (design(14, 100, 1).masks != design(14, 100, 2).masks).any()


def test_many_players_take_little_time_and_memory():
    plan = design(300, None, 0)
    assert plan.projection.shape == (300, 2648)
    worths = np.random.default_rng(0).normal(size=300)
    gained = plan.masks @ worths
    assert np.allclose(plan.projection @ gained + plan.remainder * worths.sum(), worths)
