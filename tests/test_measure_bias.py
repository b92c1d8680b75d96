"""Metrics from counts: the published edge cases, the guide's examples, and rows counted by a loop."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from analyses import oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.measures.bias import DESCRIPTIONS, NO_GROUP, Counts, metric
from analyzer.measures.flip_test import flip_test

NUMBERS = {"Infinity": math.inf, "-Infinity": -math.inf}
counted = st.tuples(*[st.integers(0, 30)] * 4)


def outcomes(table) -> tuple[int, ...]:
    return (*table[0], *table[1])


@pytest.mark.golden
def test_edge_cases_and_examples_of_the_guide(shared) -> None:
    reference = json.loads((shared / "golden" / "bias-adult" / "reference.json").read_text())
    for case in reference["bias_edge_cases_from_counts"]:
        groups = case["groups"] and [tuple(map(outcomes, each)) for each in case["groups"].values()]
        counts = Counts.of(*map(outcomes, case["counts_f_y_p"]), groups)
        for name, value in case["expected"].items():
            wanted = value["error"] if isinstance(value, dict) else NUMBERS.get(value, value)
            same = wanted if isinstance(wanted, str) else pytest.approx(wanted, abs=1e-9)
            assert metric(name, counts) == same, (case["name"], name)
    for case in reference["bias_doc_examples"]:
        a, d = (tuple(case[side][key] for key in ("tn", "fp", "fn", "tp")) for side in "ad")
        assert metric(case["metric"], Counts.of(a, d)) == pytest.approx(case["expected"], abs=1e-9)


@given(st.lists(st.tuples(counted, counted), min_size=1, max_size=4))
@settings(max_examples=200)
def test_every_metric_agrees_with_the_rows(strata) -> None:
    rows = [
        (side, name, place >> 1, place & 1)
        for name, sides in enumerate(strata)
        for side, own in enumerate(sides)
        for place, count in enumerate(own)
        for _ in range(count)
    ]
    frame = pd.DataFrame(rows, columns=["d", "g", "y", "p"])
    a, d = (tuple(sum(each[side][i] for each in strata) for i in range(4)) for side in (0, 1))
    counts = Counts.of(a, d, [each for each in strata if sum(map(sum, each))] or None)
    figures = {name: metric(name, counts) for name in DESCRIPTIONS if name != "FT"}
    if any(isinstance(value, str) for value in figures.values()):
        assert not all((sum(a), sum(d), frame.y.nunique() == 2, frame.p.nunique() == 2)) or not _shared(frame)
        return
    expected = oracle(frame.d == 1, frame.y == 1, frame.p == 1, frame.g)
    assert figures == pytest.approx(expected, abs=1e-9)


def _shared(frame: pd.DataFrame) -> bool:
    return bool(set(frame.y[frame.d == 1]) & set(frame.y[frame.d == 0]))


def test_without_strata_the_reason_is_told() -> None:
    assert metric("CDDL", Counts.of((1, 1, 1, 1), (1, 1, 1, 1))) == NO_GROUP


def naive_flip_test(features, sensitive, predicted) -> float:
    others = np.flatnonzero(~sensitive)
    k = 5 if len(others) > 9 else 1
    total = 0
    for row in np.flatnonzero(sensitive):
        near = sorted(others, key=lambda other: (((features[row] - features[other]) ** 2).sum(), other))[:k]
        vote = sum(predicted[near]) * 2 > k
        total += int(predicted[row] and not vote) - int(vote and not predicted[row])
    return total / sensitive.sum()


@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(1, 4))
@settings(max_examples=60)
def test_the_flip_test_agrees_with_a_loop(seed, rows, columns) -> None:
    random = np.random.default_rng(seed)
    features = random.integers(0, 4, (rows, columns)).astype(float)
    sensitive, predicted = random.random(rows) < 0.4, random.random(rows) < 0.5
    sensitive[:2] = [True, False]
    assert flip_test(features, sensitive, predicted) == pytest.approx(naive_flip_test(features, sensitive, predicted))


def test_why_there_is_no_flip_test() -> None:
    some, none = np.array([True, False]), np.array([False, False])
    assert flip_test(np.zeros((2, 1)), none, some) == "Facet set is empty"
    assert flip_test(np.zeros((2, 1)), ~none, some) == "Negated Facet set is empty"
    assert flip_test(None, some, some) == "FlipTest does not support non-numeric columns"
    assert flip_test(np.array([[1.0], [np.nan]]), some, some) == "FlipTest does not support missing values"
