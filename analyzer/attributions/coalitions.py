"""Which coalitions of features a model is asked for, and the matrix that turns its answers into Shapley values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]
LEAST_SAMPLES = 2048
ROUNDING = 1e-8
TRIES = 50
"""Draws for each coalition that is still wanted; the last few of a size may be hard to hit."""
SPREADING = 1.1
"""How much looser turns are taken after each coalition that was drawn twice."""


@dataclass(frozen=True, slots=True)
class Design:
    """Coalitions that all rows share, and what their values are multiplied with.

    `masks` (n, M) says which players are in; the empty and the whole coalition are not among them. For values v of a
    row, the value v0 of the empty coalition and f of the whole one, the Shapley values are
    `projection` (M, n) . (v - v0) + `remainder` (M) * (f - v0). `exact` says that all coalitions are there.
    """

    masks: Masks
    projection: Floats
    remainder: Floats
    exact: bool


def most_coalitions(players: int) -> int:
    """Count the coalitions that are neither empty nor whole."""
    return int(2**players - 2)


def default_samples(players: int) -> int:
    """Count the coalitions that the original takes where it is not told."""
    return min(2 * players + LEAST_SAMPLES, most_coalitions(players))


def design(players: int, samples: int | None, seed: int) -> Design:
    """Choose coalitions and solve the regression of Kernel SHAP for them, once for all rows.

    Sizes are taken in pairs (s, M - s) from the outside in, whole as long as the budget pays for them; the rest of the
    budget is drawn, by size in proportion to the kernel and always with the complement. `samples` None: the default.
    Source: Lundberg and Lee 2017 (kernel); Covert and Lee 2021 (complements, and the solution under the constraint
    that values sum up to f - v0).
    """
    wanted = default_samples(players) if samples is None else min(max(samples, 2), most_coalitions(players))
    if players == 1:
        return Design(np.zeros((0, 1), dtype=np.bool_), np.zeros((1, 0)), np.ones(1), exact=True)
    masks, weights = _coalitions(players, wanted, np.random.default_rng(seed))
    projection, remainder = _solved(masks.astype(np.float64), weights)
    return Design(masks, projection, remainder, exact=len(masks) == most_coalitions(players))


def _solved(masks: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Solve min sum w (v - v0 - z.phi)^2 under sum phi = f - v0 for any v: the projection and the share of f - v0."""
    inverse = np.linalg.pinv(masks.T @ (weights[:, None] * masks), hermitian=True)
    column = inverse.sum(axis=1)
    remainder = column / column.sum()
    centred = inverse - np.outer(remainder, column)
    return np.ascontiguousarray(centred @ (masks.T * weights)), remainder


def _coalitions(players: int, wanted: int, random: np.random.Generator) -> tuple[Masks, Floats]:
    sizes = list(range(1, players // 2 + 1))
    kernel = {size: (2 if 2 * size < players else 1) / (size * (players - size)) for size in sizes}
    found: list[Masks] = []
    weights: list[Floats] = []
    left, whole = wanted, 0
    for size in sizes:
        count = comb(players, size) * (2 if 2 * size < players else 1)
        share = kernel[size] / sum(kernel[each] for each in sizes[whole:])
        if left * share < count - ROUNDING:
            break
        found.append(_all_of(players, size))
        weights.append(np.full(count, kernel[size] / count))
        left, whole = left - count, whole + 1
    for size, pairs in _shared_out(sizes[whole:], kernel, left // 2):
        found.append(_drawn(players, size, pairs, random))
        weights.append(np.full(len(found[-1]), kernel[size] / len(found[-1])))
    return np.concatenate(found), np.concatenate(weights)


def _all_of(players: int, size: int) -> Masks:
    chosen = np.array(list(combinations(range(players), size)))
    masks = np.zeros((len(chosen), players), dtype=np.bool_)
    np.put_along_axis(masks, chosen, values=True, axis=1)
    return masks if 2 * size == players else np.concatenate([masks, ~masks])


def _shared_out(sizes: list[int], kernel: dict[int, float], pairs: int) -> list[tuple[int, int]]:
    """Share pairs of coalitions out over sizes in proportion to the kernel: largest remainders first."""
    if not sizes or not pairs:
        return []
    total = sum(kernel[size] for size in sizes)
    exact = [pairs * kernel[size] / total for size in sizes]
    shares = [int(each) for each in exact]
    order = sorted(range(len(sizes)), key=lambda i: shares[i] - exact[i])
    for i in order[: pairs - sum(shares)]:
        shares[i] += 1
    return [(size, share) for size, share in zip(sizes, shares, strict=True) if share]


def _drawn(players: int, size: int, pairs: int, random: np.random.Generator) -> Masks:
    """Draw different coalitions of a size, each with its complement.

    Players take turns: those that were in the fewest coalitions so far come first, so that all are met about as often.
    """
    found: dict[bytes, Masks] = {}
    met = np.zeros(players)
    spread = 2.0
    for _ in range(TRIES * pairs):
        if len(found) == pairs:
            break
        mask = np.zeros(players, dtype=np.bool_)
        mask[np.argsort(met + random.random(players) * spread, kind="stable")[:size]] = True
        if mask.tobytes() in found or (2 * size == players and (~mask).tobytes() in found):
            spread *= SPREADING  # turns that are too strict would find the same coalitions again
            continue
        found[mask.tobytes()] = mask
        met += mask
    masks = np.array(list(found.values()))
    return np.concatenate([masks, ~masks])
