"""A placebo keeps the hours and months of the real schedule and misses its days; the test rejects one in twenty."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from gridloop.evaluation.panel import PanelSettings, PanelSums
from gridloop.evaluation.placebo import check_placebos, event_runs, placebo_schedule, rejection_rate

SETTINGS = PanelSettings(draws=500)


def signature(panel, event) -> Counter:
    """How many events there are of each month and kind of day, start and length."""
    return Counter((panel.stratum[first], panel.slot[first], length) for first, length in event_runs(event))


def test_runs_are_first_and_length():
    assert event_runs(np.array([True, True, False, True, False, True])) == [(0, 2), (3, 1), (5, 1)]
    assert event_runs(np.zeros(4, bool)) == []


def test_a_placebo_has_the_mix_of_the_real_schedule_on_other_days(make_trial):
    panel, event = make_trial(7)
    sums = PanelSums(panel, ~event, SETTINGS)
    schedules = [
        placebo_schedule(panel, event, sums.comparable, np.random.default_rng(seed)) for seed in range(20)
    ]
    for schedule in schedules:
        assert schedule.placed_share == 1.0
        assert signature(panel, schedule.event) == signature(panel, event)
        assert not (schedule.event & ~sums.comparable).any()
    assert len({schedule.event.tobytes() for schedule in schedules}) == 20


def test_an_event_that_fits_nowhere_is_left_out_and_said_so(make_trial):
    panel, event = make_trial(8)
    event = event | ((panel.stratum == 0) & (panel.slot >= 4) & (panel.slot < 10))
    sums = PanelSums(panel, ~event, SETTINGS)
    schedule = placebo_schedule(panel, event, sums.comparable, np.random.default_rng(1))
    assert 0 < schedule.placed_share < 1


def test_the_test_rejects_one_placebo_in_twenty_although_the_real_effect_is_large(make_trial):
    # Placebos of one trial share its homes; ten trials of 60 keep the rate from resting on one draw of homes.
    rejections = 0
    for seed in range(10):
        panel, event = make_trial(100 + seed, homes=30, treated=8, effect=-0.5)
        check = check_placebos(PanelSums(panel, ~event, SETTINGS), event, placebos=60, draws=400, seed=seed)
        assert check.placed_share == 1.0 and len(check.effects) == 60
        rejections += check.rejections
    print(f"rejection rate {rejections / 600:.4f}")
    assert 0.025 <= rejections / 600 <= 0.075


def test_too_few_homes_have_no_placebo(make_trial):
    panel, event = make_trial(9)
    alone = replace(panel, treated=np.arange(40) < 1)
    assert check_placebos(PanelSums(alone, ~event, SETTINGS), event, placebos=3).code == "no_placebo"


def test_wilson_by_the_book():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    interval = rejection_rate(81, 263)
    assert (interval["ci_low"], interval["ci_high"]) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert rejection_rate(0, 20)["ci_low"] == 0.0
