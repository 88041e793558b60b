"""Money by hand: exact to the cent, its interval that of the effect, nothing where there is no effect."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gridloop.domain.finding import NotComputable
from gridloop.evaluation.lift import Lift
from gridloop.evaluation.money import Costs, Money, contact_cost, value_effect
from gridloop.strategy.playbook.model import Measure, Playbook, Value


def _lift(value: float, low: float, high: float) -> Lift:
    return Lift(value, low, high, 0.01, 1.0, 100.0, 3.0, 700, 300, "stratified_adjusted")


WORTH = Value(
    per_kwh=Decimal("0.45"),
    contact_cost={"app": Decimal("0.01"), "sms": Decimal("0.06")},
    enrolment_cost=Decimal(8),
)
COSTS = Costs(Decimal("20.505"), 100, "CNY")


def test_less_load_is_worth_its_price_times_units_and_days(play: Playbook):
    money = value_effect(_lift(-100.0, -150.0, -50.0), play.success.primary, WORTH, 700, COSTS)
    assert isinstance(money, Money)
    # 0.1 kWh · 700 units · 365 days · 0.45 = 11,497.50; costs 20.505 + 800.
    assert money.value == (Decimal("11497.50"), Decimal("5748.75"), Decimal("17246.25"))
    assert (money.contact_cost, money.enrolment_cost) == (Decimal("20.51"), Decimal("800.00"))
    assert money.net == (Decimal("10677.00"), Decimal("4928.25"), Decimal("16425.75"))
    # 820.505 / (700 · 365 · 0.45) kWh a day pays the costs.
    assert money.break_even == pytest.approx(-820.505 / (700 * 365 * 0.45) * 1000)


def test_more_load_costs_what_less_is_worth(play: Playbook):
    money = value_effect(_lift(20.0, -10.0, 50.0), play.success.primary, WORTH, 10, COSTS)
    assert isinstance(money, Money)
    assert money.value == (Decimal("-32.85"), Decimal("-82.13"), Decimal("16.43"))
    assert money.value[1] < money.value[0] < money.value[2]


def test_a_measure_that_aims_at_more_gains_by_more(play: Playbook):
    night = play.success.secondary[0]
    money = value_effect(_lift(100.0, 50.0, 150.0), night, WORTH, 700, COSTS)
    assert isinstance(money, Money) and money.value[0] == Decimal("11497.50")
    assert money.break_even > 0


def test_a_share_has_no_price_and_a_withheld_effect_no_value():
    share = Measure.model_validate(
        {"name": "evening_share", "label": {"en": "Share", "zh": "占比"}, "kind": "share", "aim": "less"}
    )
    found = value_effect(_lift(-0.1, -0.2, -0.05), share, WORTH, 700, COSTS)
    assert isinstance(found, NotComputable) and found.code == "no_price"
    withheld = NotComputable("split_failed", "…")
    assert value_effect(withheld, share, WORTH, 700, COSTS) is withheld


def test_messages_cost_what_the_play_says_of_their_channel():
    assert contact_cost({"app": 100, "sms": 50}, WORTH) == Decimal("4.00")
