"""Bills a person can verify: lines, blocks, part months, leap years, rounding, tax."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.domain.errors import UsageError
from gridloop.strategy.tariff import Tariff, Use, load_tariff, price_use
from gridloop.strategy.tariff.bill import MonthPart, days_of_year_from, month_parts, rounded, year_ending


def _changed(name: str, **changes: Any) -> Tariff:
    return Tariff.model_validate(load_tariff(name).model_dump(mode="json") | changes)


def _use(months: tuple[MonthPart, ...], *wh: Any, **more: Any) -> Use:
    return Use(months, np.array([wh], np.int64).reshape(1, len(months), -1), **more)


JANUARY = month_parts(date(2024, 1, 1), 31)


def test_a_residential_bill_line_by_line() -> None:
    bill = price_use(
        load_tariff("county-residential-flat"), _use(JANUARY, 500_000, exported_wh=np.array([[10_000]]))
    ).bill(0, 0)
    assert [(line.item, str(line.quantity), str(line.amount)) for line in bill.lines] == [
        ("energy flat", "500", "249.15"),  # 500 × 0.4983
        ("tier 2", "170", "8.50"),  # 170 × 0.05
        ("tier 3", "100", "30.00"),  # 100 × 0.30
        ("government funds", "500", "13.80"),  # 500 × 0.0276
        ("feed-in credit", "10", "-3.84"),  # 10 × 0.3844 = 3.844
    ]
    assert bill.amount == Decimal("297.61")
    assert bill.tax == Decimal("34.24")  # 297.61 × 13/113 = 34.2383…
    assert bill.energy_wh == 500_000


@pytest.mark.parametrize(
    ("kwh", "days", "amount", "tax"),
    [
        # 230 kWh fill the first block: 114.609 and 6.348.
        ("230", 30, "120.96", "13.92"),
        ("230.5", 30, "121.25", "13.95"),  # 114.86 + 0.5 × 0.05 = 0.025 → 0.03 + 6.36
        # 10 of 30 days: blocks end at 77 (76.67) and 133 (133.33) kWh. 74.745 + 56 × 0.05 + 17 × 0.30 + 4.14.
        ("150", 10, "86.79", "9.98"),
        ("0", 30, "0.00", "0.00"),
    ],
)
def test_the_county_tariff_over_blocks_and_part_months(kwh: str, days: int, amount: str, tax: str) -> None:
    part = MonthPart(date(2024, 4, 1), days)
    bill = price_use(load_tariff("county-residential-flat"), _use((part,), int(Decimal(kwh) * 1000))).bill(
        0, 0
    )
    assert (bill.amount, bill.tax) == (Decimal(amount), Decimal(tax))


def test_yearly_blocks_fill_up_over_the_months_and_start_with_the_first() -> None:
    months = month_parts(date(2024, 1, 1), 366)
    bills = price_use(load_tariff("cn-residential-flat-tiered"), _use(months, *[400_000] * 12))
    second = bills.items.index(next(item for item in bills.items if item.name == "tier 2"))
    third = bills.items.index(next(item for item in bills.items if item.name == "tier 3"))
    # 2,700 kWh are reached after 6.75 months, 4,500 after 11.25.
    assert bills.quantity[0, :, second].tolist() == [0] * 6 + [100_000] + [400_000] * 4 + [100_000]
    assert bills.quantity[0, :, third].tolist() == [0] * 11 + [300_000]
    assert bills.money(bills.total[0]) == Decimal("4800") * Decimal("0.52") + 90 + 90


def test_yearly_blocks_shrink_with_the_days_and_refuse_more_than_a_year() -> None:
    tariff = load_tariff("cn-residential-flat-tiered")
    months = month_parts(date(2023, 1, 1), 73)  # a fifth of 365 days: blocks end at 540 and 900 kWh
    bills = price_use(tariff, _use(months, 600_000, 400_000, 0))
    extra = Decimal(360) * Decimal("0.05") + Decimal(100) * Decimal("0.30")
    assert bills.money(bills.total[0]) == Decimal(1000) * Decimal("0.52") + extra
    with pytest.raises(UsageError, match="over a year"):
        price_use(tariff, _use(month_parts(date(2023, 1, 1), 366), *[0] * 13))


def test_fixed_charges_and_capacity_follow_the_days_of_part_months() -> None:
    tariff = _changed(
        "lcl-flat",
        fixed=[
            {"item": "standing", "per": "day", "amount": "0.25"},
            {"item": "service", "per": "month", "amount": "3"},
        ],
        capacity={"rate": "10"},
    )
    months = month_parts(date(2024, 2, 15), 30)
    assert [part.days for part in months] == [15, 15]
    bills = price_use(tariff, _use(months, 0, 0, capacity_va=np.array([12_000])))
    assert [(line.item, str(line.quantity), str(line.amount)) for line in bills.bill(0, 0).lines] == [
        ("standing", "15", "3.75"),
        ("service", "0.517", "1.55"),  # 15/29 of a month
        ("capacity charge", "6.207", "62.07"),  # 12 kVA × 15/29
    ]
    with pytest.raises(UsageError, match="contracted capacity"):
        price_use(tariff, _use(months, 0, 0))


def test_tax_is_a_line_of_its_own_where_prices_exclude_it() -> None:
    tariff = _changed("lcl-flat", tax={"included": False, "rate": "0.05"})
    bill = price_use(tariff, _use(JANUARY, 100_000)).bill(0, 0)
    assert [(line.item, line.amount) for line in bill.lines] == [
        ("energy flat", Decimal("14.23")),
        ("tax", Decimal("0.71")),
    ]
    assert (bill.amount, bill.tax) == (Decimal("14.94"), Decimal("0.71"))


@given(st.integers(-(10**15), 10**15), st.sampled_from([10**7, 10, 3]))
def test_halves_go_where_the_rule_says(amount: int, unit: int) -> None:
    for rule, decimal_rule in (("up", ROUND_HALF_UP), ("even", ROUND_HALF_EVEN)):
        exact = int(amount // unit), amount % unit
        expected = int((Decimal(exact[0]) + Decimal(exact[1]) / unit).to_integral_value(decimal_rule))
        if unit == 3:  # no halves in thirds, but the decimal quotient is inexact
            expected = exact[0] + (exact[1] == 2)
        assert int(rounded(np.array(amount), unit, rule)) == expected


def test_half_a_cent_is_rounded_once_per_line() -> None:
    up, even = (_changed("lcl-flat", rounding={"halves": rule}) for rule in ("up", "even"))
    rate = {"energy": {"rates": {"flat": "0.5"}}}
    for tariff, amounts in ((up, ["0.01", "0.02"]), (even, ["0.00", "0.02"])):
        changed = Tariff.model_validate(tariff.model_dump(mode="json") | rate)
        bills = price_use(changed, _use(month_parts(date(2024, 1, 1), 60), 10, 30))  # 0.005 and 0.015
        assert [str(bills.bill(0, k).amount) for k in range(2)] == amounts


def test_amounts_that_cannot_be_exact_are_refused() -> None:
    with pytest.raises(UsageError, match="larger than can be computed exactly"):
        price_use(load_tariff("lcl-flat"), _use(JANUARY, 2**50))


def test_use_of_other_periods_is_refused() -> None:
    with pytest.raises(UsageError, match="does not fit tariff"):
        price_use(load_tariff("lcl-flat"), _use(JANUARY, 1, 2))


@pytest.mark.parametrize(
    ("last", "first", "days"),
    [
        (date(2023, 12, 31), date(2023, 1, 1), 365),
        (date(2024, 12, 31), date(2024, 1, 1), 366),
        (date(2024, 2, 28), date(2023, 3, 1), 365),
        (date(2024, 2, 29), date(2023, 3, 1), 366),
        (date(2025, 2, 28), date(2024, 3, 1), 365),
        (date(2024, 6, 14), date(2023, 6, 15), 366),
    ],
)
def test_a_year_ends_with_its_last_day(last: date, first: date, days: int) -> None:
    assert year_ending(last) == first
    assert (last - first).days + 1 == days
    assert sum(part.days for part in month_parts(first, days)) == days
    assert days_of_year_from(date(2024, 2, 29)) == 366
