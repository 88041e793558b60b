"""Rows of effects: one decides, provisional before its end, withheld when a check fails, naive ones marked so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gridloop.domain.finding import NotComputable
from gridloop.domain.tables import table
from gridloop.engine.schema import conform
from gridloop.evaluation.distributions import fisher_exact, holm
from gridloop.evaluation.effects import CampaignEffects, campaign_effects
from gridloop.evaluation.lift import Lift
from gridloop.evaluation.money import Costs, Money
from gridloop.strategy.playbook.model import Playbook

COSTS = Costs(Decimal(10), 30, "CNY")
MakeTrial = Callable[..., Any]


def _judged(play: Playbook, made: Any) -> CampaignEffects:
    return campaign_effects(made.observed, made.assignments, play, COSTS)


def _rows(effects: CampaignEffects, role: str | None = None) -> list[dict[str, Any]]:
    rows = [{**row, "checks": json.loads(row["checks"])} for row in effects.rows.to_pylist()]
    return [row for row in rows if role is None or row["checks"]["role"] == role]


def _lose(made: Any, lost: Callable[[dict[str, Any]], bool]) -> Any:
    rows = [
        row | {"value": None, "reason": "too_few_days"} if lost(row) else row
        for row in made.observed.outcomes.to_pylist()
    ]
    outcomes = pa.Table.from_pylist(rows, schema=made.observed.outcomes.schema)
    return replace(made, observed=replace(made.observed, outcomes=outcomes))


def test_the_effect_put_in_is_found_with_its_money(play: Playbook, trial: MakeTrial):
    effects = _judged(play, trial(7, units=2000, effect=-150.0))
    lift, money = effects.primary["offer"], effects.money["offer"]
    assert isinstance(lift, Lift) and isinstance(money, Money)
    assert lift.ci_low <= -150.0 <= lift.ci_high and lift.ci_high < 0
    (row,) = _rows(effects, "primary")
    assert (row["population"], row["contrast"], row["method"]) == ("all", "holdout", "stratified_adjusted")
    assert row["trusted"] and row["reason"] is None and row["checks"]["failed"] == []
    assert (row["units_treated"], row["units_control"]) == (1400, 600)
    mean = row["checks"]["control_mean"]
    assert row["checks"]["percent"]["value"] == pytest.approx(100 * lift.value / mean)
    assert row["checks"]["mde_percent"] == pytest.approx(100 * lift.mde / mean)
    gained = Decimal(repr(-lift.value)) * 1400 * 365 * Decimal("0.45") / 1000
    assert money.value[0] == gained.quantize(Decimal("0.01"))
    assert row["checks"]["money"]["net"]["value"] == str(money.net[0])


def test_rows_fit_their_table_and_their_keys_are_stable(play: Playbook, trial: MakeTrial):
    first, again = (_judged(play, trial(7)).rows for _ in range(2))
    assert conform(table("effect"), first).num_rows == first.num_rows
    assert first.equals(again)
    assert len(set(first["effect_id"].to_pylist())) == first.num_rows
    early = _judged(play, trial(7, days_seen=3)).rows
    assert set(early["effect_id"].to_pylist()) == set(first["effect_id"].to_pylist())


def test_intervals_cover_the_truth_as_often_as_they_say(play: Playbook, trial: MakeTrial):
    covered, draws = 0, 300
    for seed in range(draws):
        lift = _judged(play, trial(1000 + seed, units=150, effect=-100.0)).primary["offer"]
        assert isinstance(lift, Lift)
        covered += lift.ci_low <= -100.0 <= lift.ci_high
    print(f"covered {covered / draws:.3f}")
    assert 0.92 <= covered / draws <= 0.98


def test_before_the_window_is_over_the_effect_is_provisional(play: Playbook, trial: MakeTrial):
    effects = _judged(play, trial(7, effect=-150.0, days_seen=3))
    (row,) = _rows(effects, "primary")
    assert row["value"] is not None and not row["trusted"]
    assert row["checks"]["failed"] == ["window_incomplete"]
    assert row["checks"]["window"] == {"passed": False, "days_seen": 3, "days_planned": 7}


def test_before_its_first_day_there_is_no_effect(play: Playbook, trial: MakeTrial):
    effects = _judged(play, trial(7, days_seen=0))
    found = effects.primary["offer"]
    assert isinstance(found, NotComputable) and found.code == "window_not_begun"
    assert {row["value"] for row in _rows(effects)} == {None}
    assert {row["reason"] for row in _rows(effects)} == {"window_not_begun"}


def test_uneven_losses_withhold_every_effect(play: Playbook, trial: MakeTrial):
    made = _lose(trial(7), lambda row: row["arm"] == "holdout" and int(row["unit_id"][1:]) % 4 == 0)
    effects = _judged(play, made)
    for row in _rows(effects):
        if row["checks"]["role"] == "misleading":
            continue
        assert (row["value"], row["ci_low"], row["mde"]) == (None, None, None)
        assert row["reason"] == "attrition_uneven" and not row["trusted"]
    (row,) = _rows(effects, "primary")
    assert row["checks"]["money"] == {"reason": "attrition_uneven"}
    assert row["units_control"] > 0


@pytest.mark.parametrize("code", ["split_failed", "split_unchecked", "unbalanced", "holdout_contacted"])
def test_each_failed_check_is_the_reason(play: Playbook, trial: MakeTrial, code: str):
    made = trial(7, units=8 if code == "split_unchecked" else 400)
    if code == "split_failed":
        made = _lose(made, lambda row: row["arm"] == "holdout" and int(row["unit_id"][1:]) % 4 > 0)
    if code == "unbalanced":
        rows = [
            row | {"before": row["before"] * (1 + (row["arm"] == "offer"))}
            for row in made.observed.outcomes.to_pylist()
        ]
        outcomes = pa.Table.from_pylist(rows, schema=made.observed.outcomes.schema)
        made = replace(made, observed=replace(made.observed, outcomes=outcomes))
    if code == "holdout_contacted":
        everyone = pa.array([True] * made.assignments.num_rows)
        place = made.assignments.schema.get_field_index("contacted")
        made = replace(made, assignments=made.assignments.set_column(place, "contacted", everyone))
    found = _judged(play, made).primary["offer"]
    assert isinstance(found, NotComputable) and found.code == code


def test_nobody_left_in_an_arm_leaves_no_effect(play: Playbook, trial: MakeTrial):
    found = _judged(play, _lose(trial(7), lambda row: row["arm"] == "holdout")).primary["offer"]
    assert isinstance(found, NotComputable) and found.code == "too_few_units"


def test_naive_comparisons_stand_beside_it_and_are_never_trusted(play: Playbook, trial: MakeTrial):
    made = trial(7, effect=-150.0)
    before_after, enrolled = _rows(_judged(play, made), "misleading")
    assert (before_after["method"], before_after["population"], before_after["contrast"]) == (
        "naive_before_after",
        "contacted",
        "before",
    )
    outcome = [r for r in made.observed.outcomes.to_pylist() if r["measure"] == "evening_energy"]
    changes = [r["value"] - r["before"] for r in outcome if r["arm"] == "offer"]
    # The season raised everyone by a quarter: the offer that lowered load seems to have raised it.
    assert before_after["value"] == pytest.approx(np.mean(changes)) and before_after["value"] > 300
    assert (before_after["units_treated"], before_after["units_control"]) == (280, 0)
    assert (enrolled["population"], enrolled["contrast"]) == ("enrolled", "not_enrolled")
    for row in (before_after, enrolled):
        assert not row["trusted"] and row["checks"]["role"] == "misleading"


def test_groups_are_exploratory_and_their_p_values_adjusted(play: Playbook, trial: MakeTrial):
    rows = _rows(_judged(play, trial(7, effect=-150.0)), "exploratory")
    assert [row["population"] for row in rows] == ["baseline=1", "baseline=2", "baseline=3"]
    assert sum(row["units_treated"] for row in rows) == 280
    expected = holm([row["checks"]["p_value"] for row in rows])
    assert [row["checks"]["p_holm"] for row in rows] == expected
    assert {row["checks"]["family"] for row in rows} == {3}
    assert {row["measure"] for row in rows} == {"evening_energy"}


def test_secondary_measures_are_told_and_do_not_decide(play: Playbook, trial: MakeTrial):
    rows = _rows(_judged(play, trial(7)), "secondary")
    assert [row["measure"] for row in rows] == ["night_energy", "total_energy"]
    assert all("p_holm" in row["checks"] for row in rows)


def test_holm_by_hand():
    # smallest 0.01 · 3, then 0.02 · 2 = 0.04, then 0.03 · 1, which may not fall below the one before
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([]) == [] and holm([0.9, 0.8]) == [1.0, 1.0]


def test_fisher_by_hand():
    # The lady tasting tea: 3 of 4 right has probability 17/70 one-sided and, both sides, 34/70.
    assert fisher_exact((3, 1), (1, 3)) == pytest.approx(34 / 70)
    assert fisher_exact((0, 700), (0, 300)) == 1.0
    stats = pytest.importorskip("scipy.stats")
    for first, second in (((2, 98), (9, 41)), ((0, 700), (6, 294)), ((30, 670), (10, 290))):
        assert fisher_exact(first, second) == pytest.approx(stats.fisher_exact([first, second]).pvalue)
