"""Figures of a ranking against scikit-learn, with and without weights, with ties."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from gridloop.insight.learning.intervals import IntervalSettings, with_intervals
from gridloop.insight.learning.metrics import Judged, ValueSettings, at_capacity, auc_within, figures


@pytest.fixture(params=[0, 1, 2])
def drawn(request):
    """label, probability with ties, and whole weights some of which are 0."""
    generator = np.random.default_rng(request.param)
    probability = np.clip(np.round(generator.beta(1, 6, 900), 2), 0.01, 0.99)
    label = (generator.random(900) < probability).astype(float)
    return label, probability, generator.integers(0, 4, 900).astype(float)


def test_ranking_and_loss_agree_with_scikit_learn(drawn):
    label, probability, weight = drawn
    order = np.argsort(-probability, kind="stable")
    found = figures(Judged.of(label, probability), weight[order], ValueSettings())
    assert found["auc"] == pytest.approx(roc_auc_score(label, probability, sample_weight=weight))
    assert found["average_precision"] == pytest.approx(
        average_precision_score(label, probability, sample_weight=weight)
    )
    assert found["log_loss"] == pytest.approx(log_loss(label, probability, sample_weight=weight))
    line = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    line.fit(np.log(probability / (1 - probability))[:, None], label, sample_weight=weight)
    assert found["calibration_slope"] == pytest.approx(line.coef_[0, 0], abs=1e-3)
    assert found["calibration_intercept"] == pytest.approx(line.intercept_[0], abs=1e-3)


def test_the_customer_on_the_edge_of_the_capacity_counts_by_a_part():
    judged = Judged.of(np.array([1.0, 0, 1, 0, 0]), np.array([0.9, 0.8, 0.7, 0.2, 0.1]))
    precision, recall = at_capacity(judged, np.ones(5), 0.5)
    assert (precision, recall) == (pytest.approx(1.5 / 2.5), pytest.approx(0.75))


def test_within_bands_only_customers_of_one_band_are_compared():
    band = np.array([0, 0, 1, 1])
    label = np.array([0.0, 1, 0, 1])
    judged = Judged.of(label, np.array([0.1, 0.2, 0.8, 0.7]), band)  # between bands all would be right
    assert auc_within(judged, np.ones(4)) == pytest.approx(0.5)


def test_acting_is_worth_gain_times_truth_less_cost_where_it_should_pay():
    judged = Judged.of(np.array([1.0, 0, 1]), np.array([0.5, 0.2, 0.05]))
    found = figures(judged, np.ones(3), ValueSettings(cost=1, gain=10))
    assert found["net_value"] == pytest.approx(1000 * ((10 - 1) + (0 - 1)) / 3)


def test_an_interval_holds_its_value_narrows_with_customers_and_says_null_for_one_class():
    generator = np.random.default_rng(5)

    def width(n):
        probability = generator.beta(1, 4, n)
        label = (generator.random(n) < probability).astype(float)
        row = with_intervals(Judged.of(label, probability), ValueSettings(), IntervalSettings(resamples=60))
        assert row["auc"]["ci_low"] < row["auc"]["value"] < row["auc"]["ci_high"]
        return row["auc"]["ci_high"] - row["auc"]["ci_low"]

    assert width(4000) < width(250)
    alone = with_intervals(Judged.of(np.zeros(9), np.linspace(0.1, 0.9, 9)), ValueSettings())
    assert alone["auc"] == {"value": None, "ci_low": None, "ci_high": None}


def test_the_interval_of_auc_covers_the_truth_about_as_often_as_it_says():
    generator, covered, runs = np.random.default_rng(9), 0, 60
    for run in range(runs):  # two normals one apart: AUC = Φ(1/√2)
        label = np.repeat([0.0, 1.0], [200, 100])
        score = 1 / (1 + np.exp(-(generator.normal(size=300) + label)))
        row = with_intervals(
            Judged.of(label, score), ValueSettings(), IntervalSettings(resamples=100, seed=run)
        )["auc"]
        covered += row["ci_low"] <= 0.76025 <= row["ci_high"]
    print(f"covered {covered} of {runs}")
    assert covered >= 50
