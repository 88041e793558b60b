"""Estimates by hand: Wilson's interval and the minimum detectable effect."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.domain.finding import NotComputable
from gridloop.insight.segments.estimate import Detectable, detectable_effect, share_of


def test_wilsons_interval_of_eight_in_ten():
    found = share_of(8, 10)
    assert found.value == 0.8
    assert (found.ci_low, found.ci_high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


def test_no_customers_give_no_share():
    assert isinstance(share_of(0, 0), NotComputable)


def test_the_detectable_effect_by_hand():
    # mean 10 kWh, deviation 2 kWh over 200 units: 2.8016 · 2000 · √(1/100 + 1/100) = 792.4 Wh
    daily = np.array([8_000.0, 12_000.0] * 100)
    deviation = 2_000 * np.sqrt(200 / 199)
    found = detectable_effect(daily)
    assert isinstance(found, Detectable)
    assert found.deviation_wh == pytest.approx(deviation)
    assert found.effect_wh == pytest.approx(2.80159 * deviation * np.sqrt(0.02), rel=1e-5)
    assert found.effect_pct == pytest.approx(found.effect_wh / 100)
    assert (found.units, found.unit) == (200, "account")


def test_a_covariate_of_correlation_08_needs_little_more_than_half_of_the_effect():
    daily = np.array([8_000.0, 12_000.0] * 100)
    plain, helped = detectable_effect(daily), detectable_effect(daily, correlation=0.8)
    assert helped.effect_wh == pytest.approx(0.6 * plain.effect_wh)


def test_a_test_finds_the_detectable_effect_four_times_in_five():
    rng = np.random.default_rng(7)
    effect = detectable_effect(np.array([7_000.0, 13_000.0] * 200)).effect_wh
    found = 0
    for _ in range(2_000):
        treated = rng.permutation(400) < 200
        outcome = rng.normal(10_000, 3_000, size=400) + effect * treated
        one, other = outcome[treated], outcome[~treated]
        error = np.sqrt(one.var(ddof=1) / 200 + other.var(ddof=1) / 200)
        found += abs(one.mean() - other.mean()) / error > 1.96
    assert 0.75 < found / 2_000 < 0.85


def test_one_unit_far_from_all_others_is_told_by_its_share_of_the_spread():
    # mean 2: three units 1 below it, one 3 above: 9 of 1 + 1 + 1 + 9
    assert detectable_effect(np.array([1.0, 1.0, 1.0, 5.0])).largest_share == pytest.approx(9 / 12)
    assert detectable_effect(np.array([8.0, 12.0] * 50)).largest_share == pytest.approx(1 / 100)
    assert detectable_effect(np.full(9, 10.0)).largest_share == 0.0


@pytest.mark.parametrize("daily", [[], [1.0, np.nan, np.nan, np.nan, np.nan], [0.0] * 9, [-5.0] * 9])
def test_no_number_is_invented(daily):
    assert isinstance(detectable_effect(np.array(daily)), NotComputable)
