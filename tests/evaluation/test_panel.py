"""A panel contrast finds the truth of a made trial, and says what it left out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from gridloop.domain.finding import NotComputable
from gridloop.evaluation.panel import Panel, PanelEffect, PanelSettings, PanelSums, near, panel_effect

QUICK = PanelSettings(draws=500)


def effect_of(
    panel: Panel, event: np.ndarray, settings: PanelSettings = QUICK
) -> PanelEffect | NotComputable:
    return panel_effect(PanelSums(panel, ~event, settings).contrasts(event), settings)


def test_a_contrast_by_hand():
    # One stratum of four days with two slots an hour apart; day 3 is the event. Home 0 used 10, 20, 30 before: mean 20.
    wh = np.array([[10, 1, 20, 1, 30, 1, 60, 1], [8, 1, 8, 1, 8, 1, 8, 1]], np.float32)
    panel = Panel(
        ("A", "B"),
        np.array([True, False]),
        wh,
        np.zeros(8, np.int32),
        np.tile([0, 2], 4).astype(np.int16),
        30,
    )
    event = np.zeros(8, bool)
    event[6] = True
    settings = PanelSettings(guard_minutes=0, minimum_normal=3)
    found = PanelSums(panel, ~event, settings).contrasts(event)
    assert found.expected_wh.tolist() == [20.0, 8.0] and found.actual_wh.tolist() == [60.0, 8.0]
    assert found.value.tolist() == [math.log(3), 0.0] and found.matched_share == 1.0
    level = PanelSums(panel, ~event, settings.model_copy(update={"contrast": "level"})).contrasts(event)
    assert level.value.tolist() == [40.0, 0.0]
    strict = PanelSums(panel, ~event, settings.model_copy(update={"minimum_normal": 4})).contrasts(event)
    assert np.isnan(strict.value).all() and strict.left_out == {"too_few_intervals": 2}


def test_intervals_near_an_event_are_not_compared_with():
    event = np.zeros(10, bool)
    event[4:6] = True
    assert np.flatnonzero(near(event, 2)).tolist() == [2, 3, 4, 5, 6, 7]
    assert (near(event, 0) == event).all()


@pytest.mark.parametrize("contrast", ["log", "level"])
def test_a_fall_by_18_percent_is_found(make_trial, contrast):
    panel, event = make_trial(1, effect=-0.2)
    found = effect_of(panel, event, PanelSettings(contrast=contrast, draws=500))
    assert found.percent["ci_low"] < 100 * math.expm1(-0.2) < found.percent["ci_high"] < 0
    assert (found.homes_treated, found.homes_control, found.contrasts.left_out) == (10, 30, {})
    assert found.p_value < 0.01 and found.mde_percent(-1) < 15


def test_the_interval_covers_the_truth_over_400_trials(make_trial):
    covered, quick = [], PanelSettings(draws=400)
    for seed in range(400):
        found = effect_of(*make_trial(seed, homes=24, treated=8, effect=-0.1, spread=0.1), quick)
        covered.append(found.ci_low <= -0.1 <= found.ci_high)
    print(f"coverage {np.mean(covered):.4f}")
    assert 0.93 <= np.mean(covered) <= 0.97


def test_a_shock_that_all_homes_feel_in_events_is_no_effect(make_trial):
    panel, event = make_trial(2, effect=0.0)
    hot = replace(panel, wh=np.where(event, 2 * panel.wh, panel.wh))
    assert effect_of(hot, event).value == pytest.approx(effect_of(panel, event).value, abs=1e-6)


def test_the_order_of_homes_and_the_scale_of_each_do_not_matter(make_trial):
    panel, event = make_trial(3)
    order = np.random.default_rng(0).permutation(40)
    scaled = (panel.wh * np.linspace(0.5, 3, 40)[:, None]).astype(np.float32)
    moved = Panel(
        tuple(panel.homes[i] for i in order),
        panel.treated[order],
        scaled[order],
        panel.stratum,
        panel.slot,
        30,
    )
    assert effect_of(moved, event).value == pytest.approx(effect_of(panel, event).value, abs=1e-5)


def test_homes_not_in_use_or_without_values_are_left_out_and_counted(make_trial):
    panel, event = make_trial(4)
    wh = panel.wh.copy()
    wh[0, ::4] = wh[0, 1::4] = wh[0, 2::4] = 0.0
    wh[1, event] = np.nan
    wh[30, event] = 0.0
    found = effect_of(replace(panel, wh=wh), event)
    assert found.contrasts.left_out == {"unused": 1, "too_few_intervals": 1, "no_consumption": 1}
    assert (found.homes_treated, found.homes_control) == (8, 29)


def test_missing_values_do_not_shift_the_effect(make_trial):
    panel, event = make_trial(5)
    wh = np.where(np.random.default_rng(1).random(panel.wh.shape) < 0.1, np.nan, panel.wh).astype(np.float32)
    assert effect_of(replace(panel, wh=wh), event).value == pytest.approx(
        effect_of(panel, event).value, abs=0.05
    )


def test_without_homes_events_or_variation_there_is_no_effect(make_trial):
    panel, event = make_trial(6)
    alone = replace(panel, treated=np.arange(40) < 1)
    assert effect_of(alone, event).code == "too_few_homes"
    assert effect_of(panel, np.zeros_like(event)).code == "too_few_homes"
    few = Panel(panel.homes[7:13], panel.treated[7:13], panel.wh[7:13], panel.stratum, panel.slot, 30)
    assert effect_of(few, event).code == "too_few_labellings"
    same = replace(panel, wh=np.ones_like(panel.wh))
    assert effect_of(same, event).code == "no_variation"


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValidationError):
        PanelSettings(weights="energy")
