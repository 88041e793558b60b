"""The tariff trial: made files with a known truth, and the published ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gridloop.benchmarks import benchmark
from gridloop.benchmarks.lcl_dtou import naive_percent, read_trial, trial_metrics
from gridloop.evaluation.panel import PanelSettings

SHAPE = ["benchmark", "protocol", "metrics", "references", "seconds", "peak_rss_mb", "version"]


@pytest.fixture(scope="module")
def trial(trial_files: Path):
    return read_trial(trial_files)


def test_events_lie_where_the_tariff_homes_answer_on_either_side_of_the_clock_change(trial):
    panel, high = trial.panel, trial.event("High")
    assert (panel.treated.sum(), len(panel.homes), high.sum()) == (5, 14, 36)
    assert set(panel.slot[high]) == set(range(34, 40))
    change = panel.wh[panel.treated].mean(axis=0) / panel.wh[~panel.treated].mean(axis=0)
    assert change[high].max() < change[trial.normal].min()
    assert change[trial.event("Low")].min() > change[trial.normal].max()


def test_the_made_effects_are_found(trial):
    metrics = trial_metrics(trial, settings=PanelSettings(draws=1500), placebos=40)
    for name, truth in (("high", -50.0), ("low", 100.0)):
        effect = metrics[name]["effect_pct"]
        assert effect["ci_low"] < truth < effect["ci_high"] and effect["value"] == pytest.approx(truth, abs=8)
        assert (metrics[name]["homes_treated"], metrics[name]["homes_control"]) == (5, 9)
        assert metrics[name]["mde_pct"] < 20
        assert metrics[name]["energy_weighted"]["effect_pct"]["value"] == pytest.approx(truth, rel=0.2)
    assert metrics["placebos"] == 80 and metrics["homes_without_arm"] == 0
    assert naive_percent(trial, "High") == pytest.approx(-50, abs=5)
    json.dumps(metrics)


def test_one_tariff_home_has_no_effect_but_a_reason(trial):
    alone = replace(trial, panel=replace(trial.panel, treated=np.arange(14) == 0))
    metrics = trial_metrics(alone, settings=PanelSettings(draws=200), placebos=2)
    assert metrics["high"]["effect_pct"] is None and metrics["high"]["reason"] == "too_few_homes"
    assert metrics["placebo_rejection_rate"] is None
    json.dumps(metrics)


@pytest.mark.slow
@pytest.mark.realdata
def test_the_published_files_give_an_estimate_that_placebos_trust(realdata: Path):
    report = benchmark("lcl-dtou").run(realdata)
    assert list(report) == SHAPE and json.loads(json.dumps(report)) == report
    metrics = report["metrics"]
    print(json.dumps(metrics))
    assert 0.025 <= metrics["placebo_rejection_rate"] <= 0.075 and metrics["placebos"] >= 800
    for name, published in (("high", -6.6), ("low", 11.7)):
        level = metrics[name]
        assert level["effect_pct"]["ci_low"] <= published <= level["effect_pct"]["ci_high"]
        assert level["homes_treated"] == 11 and level["mde_pct"] > 0
    assert report["seconds"] < 120
