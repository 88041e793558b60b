"""What an effect is worth and what it cost, in decimal money (docs/methods/campaign-effect.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from gridloop.domain.finding import NotComputable
from gridloop.evaluation.lift import Lift
from gridloop.strategy.playbook.model import Measure, Value

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Costs:
    """What the campaign has cost so far.

    Attributes:
        contact: all messages that went out or may have.
        enrolments: how many customers enrolled.
        currency: of the workspace.
    """

    contact: Decimal
    enrolments: int
    currency: str


@dataclass(frozen=True, slots=True)
class Money:
    """The effect in money, over the horizon of the play; every figure `(value, low, high)` rounded to the cent once.

    Attributes:
        value: worth of the effect on all units assigned to the arm.
        contact_cost, enrolment_cost: what it cost.
        net: value less costs.
        break_even: effect per unit and day, in Wh and of the effect's sign when it succeeds, that pays the costs.
        horizon_days: days over which it is valued.
        currency: of all amounts.
    """

    value: tuple[Decimal, Decimal, Decimal]
    contact_cost: Decimal
    enrolment_cost: Decimal
    net: tuple[Decimal, Decimal, Decimal]
    break_even: float | None
    horizon_days: int
    currency: str

    def document(self) -> dict[str, object]:
        """As JSON, amounts as text."""
        return {
            "value": _interval(self.value),
            "contact_cost": str(self.contact_cost),
            "enrolment_cost": str(self.enrolment_cost),
            "net": _interval(self.net),
            "break_even_wh": self.break_even,
            "horizon_days": self.horizon_days,
            "currency": self.currency,
        }


def value_effect(
    lift: Lift | NotComputable, measure: Measure, worth: Value, units: int, costs: Costs
) -> Money | NotComputable:
    """The effect times units, days and price, less the costs.

    Formula: value = ± effect / 1000 · units · horizon days · price per kWh, positive where the effect goes where the
    measure aims; the interval is that of the effect. The effect is taken to last over the horizon as it was in the
    window.

    Args:
        lift: in Wh per unit and day.
        measure: whose; only an energy has a price.
        worth: prices and horizon of the play.
        units: assigned to the arm.
        costs: of the campaign.

    Returns:
        the money; the reason of the lift, or `no_price` for a share.
    """
    if isinstance(lift, NotComputable):
        return lift
    if measure.kind != "energy":
        return NotComputable("no_price", "A share of the day's energy has no price of its own.")
    sign = -1 if measure.aim == "less" else 1
    per_wh = sign * Decimal(units) * worth.horizon_days * worth.per_kwh / 1000
    gains = sorted(Decimal(repr(bound)) * per_wh for bound in (lift.ci_low, lift.ci_high))
    value = (Decimal(repr(lift.value)) * per_wh, *gains)
    enrolment = worth.enrolment_cost * costs.enrolments
    spent = costs.contact + enrolment
    return Money(
        value=_rounded(value),
        contact_cost=_cent(costs.contact),
        enrolment_cost=_cent(enrolment),
        net=_rounded((value[0] - spent, value[1] - spent, value[2] - spent)),
        break_even=float(spent / per_wh) if per_wh else None,
        horizon_days=worth.horizon_days,
        currency=costs.currency,
    )


def contact_cost(sends: Mapping[str, int], worth: Value) -> Decimal:
    """What messages cost by the play's prices.

    Args:
        sends: messages that went out or may have, by channel.
        worth: with the price of each channel.
    """
    return sum((worth.contact_cost.get(channel, Decimal(0)) * n for channel, n in sends.items()), Decimal(0))


def _cent(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP) + 0


def _rounded(amounts: tuple[Decimal, ...]) -> tuple[Decimal, Decimal, Decimal]:
    value, low, high = (_cent(amount) for amount in amounts)
    return value, low, high


def _interval(amounts: tuple[Decimal, Decimal, Decimal]) -> dict[str, str]:
    return dict(zip(("value", "ci_low", "ci_high"), map(str, amounts), strict=True))
