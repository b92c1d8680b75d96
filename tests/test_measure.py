"""The figures of model quality against scikit-learn and plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.analyzers.residuals import Residuals
from analyzer.analyzers.scores import ScoreCounts, side_by_side
from analyzer.checks.quality import camel_case, check_quality
from analyzer.measures import binary, curves, multiclass, regression, resample
from analyzer.measures.binary import Matrix
from analyzer.measures.curves import Scores
from analyzer.measures.estimates import estimate
from analyzer.quality_documents import Metric, MetricConstraint, QualityConstraints, QualityStatistics

PAIRS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=2, max_size=60)


def scores_of(labels, values) -> Scores:
    sides = [ScoreCounts(), ScoreCounts()]
    labels, values = np.array(labels), np.array(values, dtype=float)
    for side, table in enumerate(sides):
        table.update(values[labels == side])
    found, negatives, positives = side_by_side(*sides)
    return Scores(found[::-1], positives[::-1], negatives[::-1])


@given(PAIRS)
@settings(max_examples=100)
def test_scores_give_what_scikit_learn_gives(pairs) -> None:
    from sklearn import metrics

    labels, values = [y for y, _ in pairs], [v / 20 for _, v in pairs]
    found = scores_of(labels, values)
    assert curves.brier_score(found) == pytest.approx(metrics.brier_score_loss(labels, values), abs=1e-12)
    if len(set(labels)) < 2:
        return
    assert curves.area_under_roc(found) == pytest.approx(metrics.roc_auc_score(labels, values), abs=1e-12)
    expected = metrics.average_precision_score(labels, values)
    assert curves.average_precision(found) == pytest.approx(expected, abs=1e-12)
    expected = metrics.log_loss(labels, np.clip(values, 1e-15, 1 - 1e-15))
    assert curves.log_loss(found) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.integers(0, 30), min_size=4, max_size=4).map(lambda counts: Matrix(*counts)))
@settings(max_examples=150)
def test_rates_are_those_of_scikit_learn(matrix) -> None:
    from sklearn import metrics

    labels = np.repeat([0, 0, 1, 1], matrix)
    predicted = np.repeat([0, 1, 0, 1], matrix)
    if not len(labels):
        assert binary.rates(matrix)["accuracy"] == 0.0
        return
    found = binary.rates(matrix)
    zero = {"zero_division": 0.0}
    assert found["recall"] == pytest.approx(metrics.recall_score(labels, predicted, **zero), abs=1e-12)
    assert found["precision"] == pytest.approx(metrics.precision_score(labels, predicted, **zero), abs=1e-12)
    for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0)):
        expected = metrics.fbeta_score(labels, predicted, beta=beta, **zero)
        assert found[name] == pytest.approx(expected, abs=1e-12)
    expected = metrics.matthews_corrcoef(labels, predicted)
    assert binary.textbook(matrix, None)["matthews_correlation"] == pytest.approx(expected, abs=1e-9)
    constant = np.full(len(labels), int(labels.sum() * 2 > len(labels)))
    assert found["accuracy_best_constant_classifier"] == pytest.approx((constant == labels).mean(), abs=1e-12)
    expected = metrics.recall_score(labels, constant, **zero)
    assert found["recall_best_constant_classifier"] == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=80))
@settings(max_examples=80)
def test_weighted_metrics_are_those_of_scikit_learn(pairs) -> None:
    from sklearn import metrics

    labels, predicted = zip(*pairs, strict=True)
    matrix = np.zeros((5, 5), dtype=np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    found = multiclass.figures_of(matrix)
    options = {"average": "weighted", "zero_division": 0.0}
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted), abs=1e-12)
    assert found["weighted_recall"] == pytest.approx(found["accuracy"], abs=1e-12)
    expected = metrics.precision_score(labels, predicted, **options)
    assert found["weighted_precision"] == pytest.approx(expected, abs=1e-12)
    for name, beta in (("f0_5", 0.5), ("f1", 1.0), ("f2", 2.0)):
        expected = metrics.fbeta_score(labels, predicted, beta=beta, **options)
        assert found[f"weighted_{name}"] == pytest.approx(expected, abs=1e-12)
    majority = np.bincount(labels).max() / len(labels)
    assert found["accuracy_best_constant_classifier"] == pytest.approx(majority, abs=1e-12)


def test_regression_is_that_of_scikit_learn() -> None:
    from sklearn import metrics

    random = np.random.default_rng(4)
    labels = random.normal(1e6, 3, 1_000)
    predicted = labels + random.normal(0.2, 1, 1_000)
    found = Residuals()
    found.update(labels, predicted)
    exact = regression.textbook(found)
    assert exact["mae"] == pytest.approx(metrics.mean_absolute_error(labels, predicted), rel=1e-12)
    assert exact["rmse"] == pytest.approx(metrics.root_mean_squared_error(labels, predicted), rel=1e-12)
    assert exact["r2"] == pytest.approx(metrics.r2_score(labels, predicted), rel=1e-9)
    assert exact["mape"] == pytest.approx(metrics.mean_absolute_percentage_error(labels, predicted), rel=1e-9)
    median = metrics.median_absolute_error(labels, predicted)
    assert exact["median_absolute_error"] == pytest.approx(median, rel=0.02)
    swapped = regression.figures(found, corrected=False)["r2"]
    assert swapped == pytest.approx(metrics.r2_score(predicted, labels), rel=1e-9)
    blocks = regression.of_blocks(found.blocks, corrected=True)
    assert blocks == pytest.approx({name: exact[name] for name in blocks}, rel=1e-6)


def test_curves_are_thinned_above_a_thousand_scores_and_areas_are_not() -> None:
    random = np.random.default_rng(2)
    values = random.random(4_119)
    found = scores_of((random.random(4_119) < values).astype(int), values)
    roc = curves.curves(found)["receiver_operating_characteristic_curve"]
    assert len(roc["true_positive_rates"]) == -(-4_119 // 4) + 2
    assert (roc["false_positive_rates"][0], roc["true_positive_rates"][-1]) == (0.0, 1.0)
    thinned = curves.area_under_roc(found.grouped(1_000))
    assert thinned != curves.area_under_roc(found)
    assert thinned == pytest.approx(curves.area_under_roc(found), abs=1e-3)


@pytest.mark.parametrize("at_once", [1, 7, 499, 500, 501, 502])
def test_areas_do_not_depend_on_how_many_points_are_summed_together(monkeypatch, at_once) -> None:
    random = np.random.default_rng(6)
    found = scores_of(random.integers(0, 2, 500), random.random(500))
    whole = curves.area_under_roc(found), curves.area_under_precision_recall(found)
    monkeypatch.setattr(curves, "AT_ONCE", at_once)
    assert (curves.area_under_roc(found), curves.area_under_precision_recall(found)) == whole


def test_standard_deviations_are_of_the_size_of_subsampling() -> None:
    matrix = Matrix(4_000, 1_000, 1_000, 4_000)
    found = resample.deviations(np.array(matrix), lambda drawn: binary.rates(Matrix(*drawn)))
    expected = np.sqrt(0.8 * 0.2 / 8_000 * 0.2)  # of a share in 8,000 drawn of 10,000
    assert expected / 4 < found["accuracy"] < expected * 3
    assert found == resample.deviations(np.array(matrix), lambda drawn: binary.rates(Matrix(*drawn)))


def test_intervals_cover_the_truth_about_as_often_as_they_promise() -> None:
    random = np.random.default_rng(11)
    hits = 0
    for _ in range(60):
        right = random.binomial(400, 0.8)
        found = resample.intervals(np.array([right, 0, 400 - right, 0]), lambda c: binary.rates(Matrix(*c)))
        low, high = found["accuracy"]
        hits += low <= 0.8 <= high
    assert hits >= 52


def test_estimates_of_calibrated_probabilities_meet_what_labels_show() -> None:
    random = np.random.default_rng(5)
    values = np.sort(random.beta(0.6, 0.6, 50_000))
    labels = (random.random(50_000) < values).astype(int)
    found = estimate(values, np.ones(50_000, dtype=np.int64), 0.5)
    assert found["accuracy"] == pytest.approx(((values > 0.5) == labels).mean(), abs=0.01)
    assert found["auc"] == pytest.approx(curves.area_under_roc(scores_of(labels, values)), abs=0.01)


def statistics(**values) -> QualityStatistics:
    return QualityStatistics(250, "BinaryClassification", {name: Metric(v, 0.01) for name, v in values.items()})


@pytest.mark.parametrize(("value", "breaks"), [(0.5, False), (0.49, True), (0.51, False)])
def test_only_the_wrong_side_of_a_threshold_violates(value, breaks) -> None:
    asked = QualityConstraints("BinaryClassification", {"recall": MetricConstraint(0.5, "LessThanThreshold")})
    assert bool(check_quality(statistics(recall=value), asked, "original").violations) == breaks


def test_small_numbers_are_written_as_java_does() -> None:
    asked = QualityConstraints("BinaryClassification", {"recall": MetricConstraint(0.5, "LessThanThreshold")})
    (found,) = check_quality(statistics(recall=0.00025), asked, "original").violations
    assert found.description == "Metric recall with 2.5E-4 +/- 0.01 was LessThanThreshold '0.5'"


def test_names_take_camels() -> None:
    assert [camel_case(name) for name in ("true_positive_rate", "f0_5", "weighted_f0_5", "mae")] == [
        "truePositiveRate",
        "f0_5",
        "weightedF0_5",
        "mae",
    ]
