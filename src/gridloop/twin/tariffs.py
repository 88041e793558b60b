"""The county's price sheet and how a bill follows from it, in decimal money.

The prices are invented; their structure is China's: residential tiers (State Council price reform of
2012), time-of-use with a critical
peak in July, August, December and January, and the two-part tariff with a capacity or a maximum-demand
charge. Prices include 13 % VAT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

PERIODS = ("valley", "flat", "peak", "critical")
"""Time-of-use periods by code 0–3."""

VAT = Decimal("0.13")
CENT = Decimal("0.01")
MILLI = Decimal("0.001")
FEED_IN_RATE = Decimal("0.3844")
FUND_RATE = Decimal("0.0276")
TIERS_KWH = (Decimal(230), Decimal(400))
"""Upper ends of the first and second residential tier, kWh a calendar month."""

TIER_ADDERS = (Decimal("0.05"), Decimal("0.30"))
"""What energy in the second and third tier costs besides, CNY/kWh."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """One tariff.

    Attributes:
        tariff_id: as assigned in contracts.
        schedule: `flat`, `home` or `general`: which hours belong to which period.
        energy: CNY/kWh by period.
        tiered: whether residential tiers apply.
        capacity_rate: CNY per contracted kVA and month, if any.
        demand_rate: CNY per kW of the month's highest interval, if any.
    """

    tariff_id: str
    schedule: str
    energy: Mapping[str, Decimal] = field(default_factory=dict)
    tiered: bool = False
    capacity_rate: Decimal | None = None
    demand_rate: Decimal | None = None


def _rates(**rates: str) -> dict[str, Decimal]:
    return {period: Decimal(rate) for period, rate in rates.items()}


_TWO_PART = _rates(valley="0.2955", flat="0.6120", peak="0.9612", critical="1.1534")
TARIFFS: Mapping[str, Tariff] = {
    tariff.tariff_id: tariff
    for tariff in (
        Tariff("RES-TIER", "flat", _rates(flat="0.4983"), tiered=True),
        Tariff("RES-TOU", "home", _rates(valley="0.3583", peak="0.5583"), tiered=True),
        Tariff(
            "GEN-TOU", "general", _rates(valley="0.3790", flat="0.7455", peak="1.1183", critical="1.3419")
        ),
        Tariff("IND-CAP", "general", _TWO_PART, capacity_rate=Decimal("25.6")),
        Tariff("IND-DEM", "general", _TWO_PART, demand_rate=Decimal("40.8")),
        Tariff("AGR-FLAT", "flat", _rates(flat="0.4712")),
    )
}
"""All tariffs by id."""

_GENERAL = ((0, 7, 0), (7, 8, 1), (8, 11, 2), (11, 17, 1), (17, 22, 2), (22, 23, 1), (23, 24, 0))
_CRITICAL_HOURS = {7: (19, 21), 8: (19, 21), 12: (18, 20), 1: (18, 20)}


@dataclass(frozen=True, slots=True)
class Usage:
    """What the registers counted for one contract in one billing period.

    Attributes:
        imported_wh: Wh by period code, import.
        exported_wh: Wh fed in.
        top_wh: the largest import of one interval, Wh.
        interval_minutes: its length.
        capacity_kva: contracted capacity.
        days, days_in_month: days of the contract in the month, and of the month.
    """

    imported_wh: Sequence[int]
    exported_wh: int
    top_wh: int
    interval_minutes: int
    capacity_kva: Decimal
    days: int
    days_in_month: int


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill: amount = quantity × rate, rounded half up to the cent."""

    item: str
    quantity: Decimal
    unit: str
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill: `amount` is the sum of its lines, `tax` the VAT contained in it, amount × 13/113 rounded half up."""

    energy_wh: int
    lines: tuple[BillLine, ...]
    amount: Decimal
    tax: Decimal


def hour_periods(schedule: str, month: int) -> tuple[int, ...]:
    """The period code of each of the 24 hours in a calendar month (1–12)."""
    if schedule == "flat":
        return (1,) * 24
    if schedule == "home":
        return tuple(2 if 8 <= hour < 22 else 0 for hour in range(24))
    codes = [code for begin, end, code in _GENERAL for _ in range(begin, end)]
    begin, end = _CRITICAL_HOURS.get(month, (0, 0))
    return tuple(3 if begin <= hour < end else code for hour, code in enumerate(codes))


def slot_periods(tariff_id: str, month: int, slots: int) -> NDArray[np.int8]:
    """int8 [slots] period code of each interval of a day."""
    return np.repeat(np.array(hour_periods(TARIFFS[tariff_id].schedule, month), dtype=np.int8), slots // 24)


def bill(tariff: Tariff, usage: Usage) -> Bill:
    """The bill of a contract's month.

    Energy lines per period, tier surcharges on what exceeds the tier ends (prorated by days, whole kWh,
    half up), government funds on all
    import, capacity (prorated by days) or maximum demand (not prorated), and the feed-in credit as a
    negative line. Lines of nothing are left out.
    """
    total = sum(usage.imported_wh)
    lines = [
        _line(f"energy {period}", _kwh(wh), "kWh", tariff.energy[period])
        for period, wh in zip(PERIODS, usage.imported_wh, strict=True)
        if wh
    ]
    if tariff.tiered:
        lines += _tier_lines(_kwh(total), usage)
    if total:
        lines.append(_line("government funds", _kwh(total), "kWh", FUND_RATE))
    if tariff.capacity_rate is not None:
        share = usage.capacity_kva * usage.days / usage.days_in_month
        lines.append(
            _line("capacity charge", share.quantize(MILLI, ROUND_HALF_UP), "kVA", tariff.capacity_rate)
        )
    if tariff.demand_rate is not None:
        demand = Decimal(usage.top_wh) * 60 / usage.interval_minutes / 1000
        lines.append(_line("demand charge", demand.quantize(MILLI, ROUND_HALF_UP), "kW", tariff.demand_rate))
    if usage.exported_wh:
        lines.append(_line("feed-in credit", _kwh(usage.exported_wh), "kWh", -FEED_IN_RATE))
    amount = sum((line.amount for line in lines), Decimal("0.00"))
    return Bill(total, tuple(lines), amount, (amount * VAT / (1 + VAT)).quantize(CENT, ROUND_HALF_UP))


def _tier_lines(energy: Decimal, usage: Usage) -> list[BillLine]:
    ends = [(end * usage.days / usage.days_in_month).quantize(Decimal(1), ROUND_HALF_UP) for end in TIERS_KWH]
    second = min(energy, ends[1]) - ends[0]
    third = energy - ends[1]
    lines = []
    if second > 0:
        lines.append(_line("tier 2 surcharge", second, "kWh", TIER_ADDERS[0]))
    if third > 0:
        lines.append(_line("tier 3 surcharge", third, "kWh", TIER_ADDERS[1]))
    return lines


def _line(item: str, quantity: Decimal, unit: str, rate: Decimal) -> BillLine:
    return BillLine(item, quantity, unit, rate, (quantity * rate).quantize(CENT, ROUND_HALF_UP))


def _kwh(wh: int) -> Decimal:
    return (Decimal(wh) / 1000).quantize(MILLI)
