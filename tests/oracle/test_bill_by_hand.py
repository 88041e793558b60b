"""Bills agree to the cent with a hand calculator in Decimal that shares no code with the bill engine."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridloop.kernels.calendar import day_calendar
from gridloop.kernels.pricing import energy_by_period
from gridloop.strategy.tariff import Use, price_map, price_use
from gridloop.strategy.tariff.bill import month_parts
from gridloop.strategy.tariff.store import parse_tariff

HOLIDAYS = {date(2024, 2, 12), date(2024, 3, 29), date(2024, 10, 1), date(2023, 12, 25)}


def half_up(share: Fraction) -> Decimal:
    """The nearest whole number, halves up; of an exact fraction, so that 266/28 is 9.5 and not just below it."""
    return Decimal(math.floor(share + Fraction(1, 2)))


def bill_by_hand(tariff: dict[str, Any], first: date, readings: list[tuple[datetime, int]]) -> list[Decimal]:
    """Amount of each month: local time of every reading, its rate, its block; every line rounded by itself."""
    zone, rule = ZoneInfo(tariff["zone"]), tariff["rounding"]["halves"]
    cent = lambda x: x.quantize(Decimal("0.01"), ROUND_HALF_UP if rule == "up" else ROUND_HALF_EVEN)  # noqa: E731
    months: dict[tuple[int, int], dict[str, Decimal]] = {}
    days: dict[tuple[int, int], set[date]] = {}
    for instant, wh in readings:
        wall = instant.astimezone(zone)
        key, period = (wall.year, wall.month), tariff["energy"]["otherwise"]
        kind = "holiday" if wall.date() in HOLIDAYS else "weekend" if wall.weekday() > 4 else "workday"
        for entry in tariff["energy"]["schedule"]:
            for band in entry["bands"]:
                if wall.month in entry["months"] and kind in entry["days"]:
                    period = band["period"] if band["start"] <= f"{wall:%H:%M}" < band["end"] else period
        energy = months.setdefault(key, {})
        energy[period] = energy.get(period, Decimal(0)) + Decimal(wh) / 1000
        days.setdefault(key, set()).add(wall.date())
    amounts, used = [], Decimal(0)
    for key, energy in months.items():
        last = (date(key[0] + key[1] // 12, key[1] % 12 + 1, 1) - date(*key, 1)).days
        total, share = sum(energy.values(), Decimal(0)), Fraction(len(days[key]), last)
        lines = [Decimal(tariff["energy"]["rates"][period]) * kwh for period, kwh in energy.items()]
        lines += [Decimal(tariff["fixed"][0]["amount"]) * len(days[key])]
        lines += [Decimal(tariff["fixed"][1]["amount"]) * half_up(share * 1000) / 1000]
        lines += [Decimal(tariff["surcharges"][0]["rate"]) * total]
        yearly, low = tariff["tiers"]["per"] == "year", Decimal(0)
        whole = (first.replace(year=first.year + 1) - first).days
        portion = Fraction(sum(map(len, days.values())), whole) if yearly else share
        for block in tariff["tiers"]["blocks"]:
            high = half_up(block.get("up_to_kwh", 10**9) * portion)
            high = high if "up_to_kwh" in block else Decimal(10**9)
            start = used if yearly else Decimal(0)
            within = max(min(start + total, high) - max(start, low), Decimal(0))
            lines.append(Decimal(block["adder"]) * within)
            low = high
        used += total
        amounts.append(sum(map(cent, lines), Decimal(0)))
    return amounts


fine_prices = st.integers(0, 2_000_000).map(lambda micro: str(Decimal(micro).scaleb(-6)))
coarse_prices = st.integers(0, 20).map(lambda tenths: str(Decimal(tenths).scaleb(-1)))
prices = fine_prices | coarse_prices
clocks = st.sampled_from(["00:00", "01:00", "01:30", "02:00", "06:30", "08:00", "17:00", "21:30", "24:00"])


@st.composite
def tariffs(draw: st.DrawFn) -> dict[str, Any]:
    """A declaration with every kind of line that the calculator knows."""
    names = ["low", "mid", "top"]
    entries = []
    for _ in range(draw(st.integers(1, 3))):
        bands = []
        for period in names:
            start, end = draw(st.tuples(clocks, clocks).filter(lambda pair: pair[0] < pair[1]))
            bands.append({"start": start, "end": end, "period": period})
        kinds = st.sampled_from(["workday", "weekend", "holiday"])
        entries.append(
            {
                "months": draw(st.lists(st.integers(1, 12), min_size=6, max_size=12, unique=True)),
                "days": draw(st.lists(kinds, min_size=1, max_size=3, unique=True)),
                "bands": bands,
            }
        )
    ends = sorted(draw(st.lists(st.integers(1, 400), min_size=2, max_size=2, unique=True)))
    blocks = [{"up_to_kwh": end, "adder": draw(prices)} for end in ends] + [{"adder": draw(prices)}]
    return {
        "name": "drawn",
        "version": "1",
        "title": {"en": "Drawn", "zh": "随机电价"},
        "source": "drawn by the test",
        "currency": "EUR",
        "zone": draw(st.sampled_from(["Europe/London", "Asia/Shanghai", "America/New_York"])),
        "tax": {"included": True, "rate": "0.2"},
        "valid_from": date(2020, 1, 1),
        "rounding": {"halves": draw(st.sampled_from(["up", "even"]))},
        "fixed": [
            {"item": "standing", "per": "day", "amount": draw(prices)},
            {"item": "service", "per": "month", "amount": draw(prices)},
        ],
        "energy": {
            "rates": {name: draw(prices) for name in names},
            "otherwise": draw(st.sampled_from(names)),
            "schedule": entries,
        },
        "tiers": {"per": draw(st.sampled_from(["month", "year"])), "blocks": blocks},
        "surcharges": [{"item": "funds", "rate": draw(prices)}],
    }


month_ends_and_clock_changes = [
    date(2024, 3, 30),
    date(2024, 10, 26),
    date(2024, 3, 9),
    date(2024, 11, 1),
    date(2024, 2, 27),
    date(2023, 2, 28),
    date(2023, 12, 24),
]
firsts = st.sampled_from(month_ends_and_clock_changes)
# Steps of 50 Wh at coarse prices end in half cents; steps of 2**14 Wh reach what float32 holds exactly.
steps = st.sampled_from([1, 50, 2**14])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tariffs(), firsts, st.integers(1, 45), st.sampled_from([15, 30]), st.integers(0, 2**31), steps)
def test_every_month_of_every_bill_agrees_with_the_hand_calculator(
    declared: dict[str, Any], first: date, days: int, minutes: int, seed: int, step: int
) -> None:
    tariff = parse_tariff(declared)
    calendar = day_calendar(first, days, tariff.zone, minutes, holidays=HOLIDAYS)
    zone = ZoneInfo(tariff.zone)
    start = datetime.combine(first, datetime.min.time(), zone).astimezone(UTC)
    stop = datetime.combine(first + timedelta(days=days), datetime.min.time(), zone).astimezone(UTC)
    instants = [
        start + timedelta(minutes=minutes) * n for n in range((stop - start) // timedelta(minutes=minutes))
    ]
    values = np.random.default_rng(seed).integers(0, 1000, len(instants)) * step
    cube = np.full((1, days, calendar.width), np.nan, np.float32)
    cube[0][calendar.wall_slot >= 0] = values

    months = month_parts(first, days)
    month = np.repeat(np.arange(len(months), dtype=np.int32), [part.days for part in months])
    sums = energy_by_period(cube, price_map(tariff, calendar), month, len(tariff.periods))
    bills = price_use(tariff, Use(months, sums.wh))

    by_hand = bill_by_hand(declared, first, list(zip(instants, values.tolist(), strict=True)))
    ours = [bills.bill(0, k) for k in range(len(months))]
    assert [bill.amount for bill in ours] == by_hand
    assert [bill.amount for bill in ours] == [sum(line.amount for line in bill.lines) for bill in ours]
    assert bills.money(bills.total[0]) == sum(by_hand)
    assert sum(bill.energy_wh for bill in ours) == int(values.sum())
