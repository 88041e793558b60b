"""Scores become probabilities without changing who comes first."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.insight.learning.calibration import calibrate, fit_curve, logistic_fit, logit, sigmoid


@pytest.fixture
def overconfident():
    """label, a score that says too much, fold."""
    generator = np.random.default_rng(3)
    true = generator.normal(-1.5, 1.0, 6000)
    label = (generator.random(6000) < sigmoid(true)).astype(float)
    return label, sigmoid(2.0 * true + 0.7), np.arange(6000) % 5


def test_a_score_that_says_too_much_is_calibrated_out_of_fold(overconfident):
    label, score, fold = overconfident
    _, crossed, losses = calibrate(score, label, fold)
    ones = np.ones(len(label))
    intercept, slope = logistic_fit(np.column_stack([ones, logit(crossed)]), label, ones)
    assert slope == pytest.approx(1.0, abs=0.08)
    assert intercept == pytest.approx(0.0, abs=0.12)
    assert set(losses) == {"platt", "beta"}


def test_out_of_fold_probabilities_do_not_depend_on_the_fold_s_own_labels(overconfident):
    label, score, fold = overconfident
    turned = np.where(fold == 2, 1.0 - label, label)
    for method in ("platt", "beta"):
        one, other = (fit_curve(method, score[fold != 2], y[fold != 2]) for y in (label, turned))
        assert one == other


def test_curves_keep_the_ranking_even_where_the_label_runs_against_it(overconfident):
    label, score, _ = overconfident
    grid = np.linspace(0.001, 0.999, 200)
    assert (np.diff(fit_curve("beta", score, label)(grid)) > 0).all()
    assert fit_curve("beta", score, 1.0 - label).method == "platt"


def test_one_class_alone_has_no_curve():
    assert np.isnan(logistic_fit(np.ones((4, 1)), np.zeros(4), np.ones(4))).all()
