"""A plan says who, how and what is expected, in numbers that can be checked by hand; equal inputs, equal plans."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from gridloop.domain.finding import NotComputable
from gridloop.ledger.canonical import canonical_json
from gridloop.strategy.audience import MONEY
from gridloop.strategy.learning import Belief, learn
from gridloop.strategy.plan import PlanInputs, compose_plan, content_digest, draw
from gridloop.strategy.playbook.store import load_playbook
from gridloop.strategy.recommend import recommend, selected_rows
from gridloop.strategy.spread import Spread, plan_windows
from gridloop.testing.readings import utc

PLAY = load_playbook("tou-shift")
WINDOWS = plan_windows(PLAY, date(2024, 6, 30))
LEARNED = replace(learn(PLAY, None), effect=Belief(-5.0, -7.0, -3.0, "campaign-1"), measured=True, number=1)


def inputs(homes: int = 100, losers: int = 0, **more: object) -> PlanInputs:
    """Homes that use 4,000 Wh an evening and save 20 a year; losers would pay 30 more."""
    count = homes + losers
    names = [f"a{n:04d}" for n in range(count)]
    reasons = [None] * homes + ["saving_too_small"] * losers
    people = pa.table(
        {
            "account_id": names,
            "customer_id": [f"c{name}" for name in names],
            "region_id": ["r1"] * count,
            "saving": pa.array([Decimal(20)] * homes + [Decimal(-30)] * losers, MONEY),
            "channel": ["app"] * count,
            "reason": pa.array(reasons, pa.string()),
        }
    )
    before = pa.table({"account_id": names, "value": [4000.0] * count})
    lessons = more.pop("lessons", learn(PLAY, None))
    play = more.pop("play", PLAY)
    rows = recommend(play, people, before, lessons, utc(2025, 1, 2))  # type: ignore[arg-type]
    spread = more.pop("spread", Spread(homes, 4000.0, 1000.0, 0.8, WINDOWS))
    return PlanInputs(play, rows, 500, spread, lessons, {"reading": 7}, None)  # type: ignore[arg-type]


def test_a_plan_counts_who_is_in_who_is_out_and_who_is_held_out():
    plan = compose_plan(inputs(100, losers=3))
    assert plan.audience["accounts"] == 500
    assert plan.audience["considered"] == 103
    assert plan.audience["excluded"] == {"saving_too_small": 3}
    assert (plan.audience["selected"], plan.audience["treated"], plan.audience["held_out"]) == (100, 70, 30)
    assert plan.settings["arms"] == {"offer": 0.7, "holdout": 0.3}
    assert plan.settings["channels"] == {"app": 100}
    assert plan.settings["seed"] == 20260101


def test_money_is_that_of_the_seven_tenths_who_are_contacted():
    """4 kWh · 365 · 3 % = 43.8 kWh each; 70 of them 3,066 kWh at 0.45; 70 messages; a quarter of 70 enrol at 8."""
    said = compose_plan(inputs(100, losers=3)).expectation
    assert said is not None
    value = said["value"]
    assert (value["energy_kwh"], value["energy_value"]) == (3066.0, "1379.70")  # type: ignore[index]
    assert said["cost"] == {
        "contact": "0.70",
        "enrolment": "140.00",
        "saving_borne": "0.00",
        "total": "140.70",
    }
    assert said["net_value"] == "1239.00"
    assert value["customers_saving"] == "350.00"  # type: ignore[index]
    kept = [value[name] for name in ("losers_left_out", "losers_loss", "largest_loss")]  # type: ignore[index]
    assert kept == [3, "90.00", "30.00"]


def test_power_and_detectable_effect_are_those_of_the_adjusted_design():
    """σ 1,000, ρ 0.8 leaves 600; 100 − 1.96²/2 = 98.08 units, SE = 600 · sqrt(1/68.66 + 1/29.42) = 132.2.

    MDE = (1.960 + 0.842) · 132.2 = 370.4 Wh = 9.26 %; for 120 Wh: Φ(0.908 − 1.960) + Φ(−0.908 − 1.960) = 0.1485.
    Needed for 120 Wh: 0.36 / 0.21 · (2.8016 · 1000 / 120)² + 1.92 = 936.3.
    """
    said = compose_plan(inputs(100)).expectation
    assert said is not None
    assert said["mde"] == pytest.approx(370.4, abs=0.1)
    assert said["mde_percent"] == pytest.approx(9.26, abs=0.01)
    assert said["power"] == pytest.approx(0.1485, abs=0.001)
    assert said["units_needed"] == 937
    assert said["assumed_effect_percent"] == -3.0
    assert said["source"] == "playbook"
    assert said["learned"] == []


def test_without_a_spread_nothing_is_promised():
    said = compose_plan(inputs(100, spread=NotComputable("too_few_units", "Too few."))).expectation
    assert said is not None
    assert (said["mde"], said["power"], said["units_needed"]) == (None, None, None)
    assert said["not_computable"] == {"code": "too_few_units", "reason": "Too few."}


def test_a_measured_effect_sizes_the_holdout_as_small_as_its_power_allows():
    """5 % of 4,000 are 200 Wh. 3,000 units, 600 left of σ: a tenth held out gives SE 36.5 and more than 80 % power."""
    plan = compose_plan(inputs(3000, lessons=LEARNED))
    assert plan.settings["arms"] == {"offer": 0.9, "holdout": 0.1}
    assert plan.settings["seed"] == 20260102
    assert plan.expectation is not None
    assert [lesson["code"] for lesson in plan.expectation["learned"]] == ["holdout_resized"]  # type: ignore[index,union-attr]
    assert plan.expectation["power"] > 0.8  # type: ignore[operator]


def test_a_holdout_grows_to_a_half_and_no_further():
    assert compose_plan(inputs(30, lessons=LEARNED)).settings["arms"] == {"offer": 0.5, "holdout": 0.5}


def test_a_smaller_holdout_never_contacts_more_than_there_is_capacity_for():
    play = PLAY.model_copy(update={"contact": PLAY.contact.model_copy(update={"capacity": 700})})
    plan = compose_plan(inputs(3000, play=play, lessons=LEARNED))
    assert plan.audience["selected"] == 1000
    assert plan.audience["treated"] <= 700  # type: ignore[operator]


def test_equal_inputs_give_an_equal_plan_whatever_the_snapshots():
    one, other = compose_plan(inputs(50)), compose_plan(replace(inputs(50), manifest={"reading": 8}))
    assert canonical_json(one.audience) == canonical_json(other.audience)
    assert one.digest != other.digest
    assert content_digest(one) == content_digest(other)
    assert content_digest(one) != content_digest(compose_plan(inputs(51)))


def test_all_accounts_of_a_customer_are_drawn_into_one_arm():
    given = inputs(40)
    owners = pa.array([f"c{n // 2}" for n in range(40)])
    place = given.rows.column_names.index("customer_id")
    rows = given.rows.set_column(place, given.rows.schema.field(place), owners)
    selected = selected_rows(rows, PLAY.name)
    drawn = draw(selected, {"offer": 0.7, "holdout": 0.3}, 5)
    arm = dict(zip(drawn["unit_id"].to_pylist(), drawn["arm"].to_pylist(), strict=True))
    for one in range(0, 40, 2):
        assert arm[f"a{one:04d}"] == arm[f"a{one + 1:04d}"]
