"""An effect has an interval that covers the truth as often as it says, or there is none."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.domain.finding import NotComputable
from gridloop.evaluation.lift import (
    Lift,
    adjusted_difference,
    difference,
    ratio_difference,
    relative_difference,
    stratified_difference,
    verdict,
)
from gridloop.evaluation.moments import Moments
from gridloop.strategy.experiment import check_split

EXPERIMENTS = 2000


def covered(lifts, truth: float) -> float:
    """Share of the intervals that hold the truth, printed so that a person can follow it."""
    assert all(isinstance(lift, Lift) for lift in lifts)
    rate = np.mean([lift.ci_low <= truth <= lift.ci_high for lift in lifts])
    print(f"coverage {rate:.4f} over {len(lifts)}")
    return float(rate)


def test_welch_by_hand():
    lift = difference(Moments.of([4.0, 6.0, 8.0]), Moments.of([1.0, 2.0, 3.0]))
    # means 6 and 2; variances 4 and 1; error sqrt(5/3); df (5/3)² / ((4/3)²/2 + (1/3)²/2) = 50/17
    assert lift.value == 4.0 and lift.standard_error == pytest.approx((5 / 3) ** 0.5)
    assert lift.df == pytest.approx(50 / 17)
    assert (lift.ci_low + lift.ci_high) / 2 == pytest.approx(4.0)
    assert (lift.units_treated, lift.units_control, lift.estimator) == (3, 3, "difference")


def test_scipy_agrees_on_welch():
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(4)
    x1, x0 = generator.gamma(2, 3, 40), generator.gamma(2, 2, 25)
    lift, oracle = difference(Moments.of(x1), Moments.of(x0)), stats.ttest_ind(x1, x0, equal_var=False)
    interval = oracle.confidence_interval()
    assert (lift.p_value, lift.ci_low, lift.ci_high) == pytest.approx(
        (oracle.pvalue, interval.low, interval.high)
    )


def test_the_interval_of_the_difference_covers_a_skewed_truth():
    generator = np.random.default_rng(11)
    lifts = [
        difference(Moments.of(generator.gamma(4, 2.2, 150)), Moments.of(generator.gamma(4, 2.0, 60)))
        for _ in range(EXPERIMENTS)
    ]
    assert 0.93 <= covered(lifts, 4 * 0.2) <= 0.97


def test_adjusting_for_the_time_before_keeps_coverage_and_narrows_the_interval():
    generator = np.random.default_rng(12)
    plain, adjusted = [], []
    for _ in range(EXPERIMENTS):
        before = generator.gamma(4, 2, 120)
        after = before + generator.normal(0, 2, 120)
        treated = np.arange(120) < 40
        after[treated] -= 1.0 + generator.normal(0, 1, 40)
        arms = [Moments.of(after[mask], before[mask]) for mask in (treated, ~treated)]
        plain.append(difference(*arms))
        adjusted.append(adjusted_difference(*arms))
    assert 0.93 <= covered(plain, -1.0) <= 0.97
    assert 0.93 <= covered(adjusted, -1.0) <= 0.97
    widths = [np.mean([lift.ci_high - lift.ci_low for lift in lifts]) for lifts in (plain, adjusted)]
    assert widths[1] < 0.6 * widths[0]


@pytest.mark.parametrize("adjust", [False, True])
def test_the_stratified_interval_covers_the_mean_effect_of_all_units(adjust):
    generator = np.random.default_rng(13)
    lifts = []
    for _ in range(EXPERIMENTS):
        strata = {}
        for name, level, effect, size in (("flat", 5.0, -0.5, 60), ("house", 20.0, -2.0, 30)):
            before = generator.normal(level, 2, size)
            after = before + generator.normal(0, 1, size)
            treated = generator.permutation(size) < size * 0.7
            after[treated] += effect
            strata[name] = tuple(Moments.of(after[mask], before[mask]) for mask in (treated, ~treated))
        lifts.append(stratified_difference(strata, adjust=adjust))
    assert 0.93 <= covered(lifts, (-0.5 * 60 - 2.0 * 30) / 90) <= 0.97


def test_the_interval_of_a_ratio_covers_when_units_differ_in_size():
    generator = np.random.default_rng(14)
    lifts = []
    for _ in range(EXPERIMENTS):
        size = generator.integers(5, 40, 120).astype(float)
        cost = 0.5 * size + generator.normal(0, 2, 120)
        cost[:60] -= 0.05 * size[:60]
        lifts.append(ratio_difference(Moments.of(cost[:60], size[:60]), Moments.of(cost[60:], size[60:])))
    assert 0.93 <= covered(lifts, -0.05) <= 0.97


def test_the_interval_in_percent_covers():
    generator = np.random.default_rng(15)
    lifts = [
        relative_difference(
            Moments.of(generator.gamma(4, 1.8, 150)), Moments.of(generator.gamma(4, 2.0, 150))
        )
        for _ in range(EXPERIMENTS)
    ]
    assert 0.93 <= covered(lifts, -10.0) <= 0.97


def test_an_effect_of_the_detectable_size_is_found_in_eight_of_ten():
    generator = np.random.default_rng(16)
    mde = difference(Moments.of(generator.normal(0, 1, 100)), Moments.of(generator.normal(0, 1, 100))).mde
    found = [
        difference(Moments.of(generator.normal(0.4, 1, 100)), Moments.of(generator.normal(0, 1, 100))).p_value
        < 0.05
        for _ in range(1000)
    ]
    assert mde == pytest.approx(0.4, abs=0.05) and np.mean(found) == pytest.approx(0.8, abs=0.04)


FEW, SAME = Moments.of([1.0]), Moments.of([2.0, 2.0, 2.0])
SOME = Moments.of([1.0, 2.0, 4.0], [1.0, 3.0, 2.0])


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (difference(FEW, SOME), "too_few_units"),
        (difference(Moments(), Moments()), "too_few_units"),
        (difference(SAME, SAME), "no_variation"),
        (adjusted_difference(SAME, Moments.of([1.0, 2.0])), "no_covariate"),
        (adjusted_difference(FEW, SOME), "too_few_units"),
        (stratified_difference({}), "stratum_too_small"),
        (stratified_difference({"a": (SOME, SOME), "b": (FEW, SOME)}), "stratum_too_small"),
        (stratified_difference({"a": (SAME, SAME)}, adjust=True), "no_covariate"),
        (ratio_difference(SAME, SOME), "no_denominator"),
        (ratio_difference(FEW, SOME), "too_few_units"),
        (relative_difference(Moments.of([-1.0, 0.5]), SOME), "not_positive"),
        (relative_difference(SAME, SAME), "no_variation"),
    ],
)
def test_no_number_is_invented(answer, code):
    assert isinstance(answer, NotComputable) and answer.code == code


def test_one_arm_that_does_not_vary_is_no_obstacle():
    lift = difference(SAME, Moments.of([1.0, 2.0, 3.0]))
    assert lift.value == 0.0 and lift.df == pytest.approx(2.0)


def test_the_verdict_is_withheld_when_the_split_failed():
    lift = difference(Moments.of(np.arange(300.0)), Moments.of(np.arange(1000.0)))
    good = check_split({"offer": 300, "holdout": 1000}, {"offer": 310, "holdout": 1000})
    bad = check_split({"offer": 300, "holdout": 1000}, {"offer": 500, "holdout": 1000})
    assert verdict(lift, good) is lift
    assert verdict(lift, bad).code == "split_failed"
    assert verdict(lift, check_split({"a": 1, "b": 1}, {"a": 1, "b": 1})).code == "split_unchecked"
    assert verdict(difference(FEW, FEW), good).code == "too_few_units"
