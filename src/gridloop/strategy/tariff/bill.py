"""Bills from energy by period: exact integers all the way, rounded once per line (docs/methods/tariff-bills.md).

Quantities are thousandths of their unit (Wh of kWh, VA of kVA, thousandths of a day or month), rates millionths of the
currency, so an amount is a whole number of 10⁻⁹ of the currency until the tariff's rounding rule makes it payable.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.errors import UsageError
from gridloop.strategy.tariff.model import Tariff

Int64 = NDArray[np.int64]

_MILLI, _MICRO, _NANO = 1_000, 1_000_000, 1_000_000_000
_LARGEST = 2**62


@dataclass(frozen=True, slots=True)
class MonthPart:
    """Days of one calendar month: `first` and the `days - 1` that follow it."""

    first: date
    days: int

    @property
    def days_in_month(self) -> int:
        """Days of the whole month."""
        return calendar.monthrange(self.first.year, self.first.month)[1]


def month_parts(first: date, days: int) -> tuple[MonthPart, ...]:
    """Consecutive days cut at the ends of calendar months."""
    parts = []
    while days > 0:
        length = min(days, calendar.monthrange(first.year, first.month)[1] - first.day + 1)
        parts.append(MonthPart(first, length))
        first, days = first + timedelta(days=length), days - length
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class Use:
    """What the meters counted, by meter and month.

    Attributes:
        months: the parts of months, in time order and without a break.
        imported_wh: int64[meters, months, periods], energy taken from the grid, Wh ≥ 0.
        exported_wh: int64[meters, months], energy fed in, Wh ≥ 0; None for none.
        capacity_va: int64[meters], contracted capacity in VA, for tariffs that charge it.
    """

    months: tuple[MonthPart, ...]
    imported_wh: Int64
    exported_wh: Int64 | None = None
    capacity_va: Int64 | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One kind of line: what is charged, in which unit, at which rate (None: a share of the other lines)."""

    name: str
    unit: str
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class BillLine:
    """amount = quantity × rate, rounded by the tariff's rule; `quantity` and `rate` are None for tax."""

    item: str
    quantity: Decimal | None
    unit: str
    rate: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Bill:
    """One month's bill: `amount` is the sum of its lines, `tax` the value added tax contained in it."""

    month: MonthPart
    energy_wh: int
    lines: tuple[BillLine, ...]
    amount: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Bills:
    """Bills of many meters and months, as whole numbers.

    Attributes:
        tariff: under which.
        months: the parts of months.
        items: kinds of line.
        quantity: int64[meters, months, items], thousandths of the item's unit.
        amount: int64[meters, months, items], in units of `tariff.rounding.to`.
        energy_wh: int64[meters, months].
    """

    tariff: Tariff
    months: tuple[MonthPart, ...]
    items: tuple[Item, ...]
    quantity: Int64
    amount: Int64
    energy_wh: Int64

    @property
    def monthly(self) -> Int64:
        """int64[meters, months], sum of the lines in units of `tariff.rounding.to`."""
        return np.asarray(self.amount.sum(axis=2), np.int64)

    @property
    def total(self) -> Int64:
        """int64[meters], sum of all months in units of `tariff.rounding.to`."""
        return np.asarray(self.amount.sum(axis=(1, 2)), np.int64)

    def money(self, amount: int) -> Decimal:
        """An amount in units of `tariff.rounding.to` as money."""
        return int(amount) * self.tariff.rounding.to

    def bill(self, meter: int, month: int) -> Bill:
        """One month's bill of one meter, line by line; lines of nothing are left out."""
        lines = []
        for place, item in enumerate(self.items):
            quantity, amount = int(self.quantity[meter, month, place]), int(self.amount[meter, month, place])
            if quantity or amount:
                thousandths = None if item.rate is None else Decimal(quantity) / _MILLI
                lines.append(BillLine(item.name, thousandths, item.unit, item.rate, self.money(amount)))
        cents = np.asarray(self.monthly[meter, month])
        tax = self.money(int(_contained_tax(self, meter, month, cents)))
        energy = int(self.energy_wh[meter, month])
        return Bill(self.months[month], energy, tuple(lines), self.money(int(cents)), tax)


def price_use(tariff: Tariff, use: Use) -> Bills:
    """Bills of every meter and month under a tariff.

    Lines: fixed charges, energy of each period, tier adders, surcharges, capacity charge, export credit, tax where
    prices exclude it. amount = round(quantity × rate). Part months: fixed charges per month, capacity and the ends of
    monthly blocks in proportion to days (quantities to 0.001, block ends to whole kWh, halves up). Yearly blocks start
    with the first month given.

    Raises:
        UsageError: yearly blocks over more than a year, no contracted capacity for a tariff that charges it, or amounts
            beyond 4 · 10⁹ of the currency a line.
    """
    meters, months, periods = use.imported_wh.shape
    if periods != len(tariff.periods) or months != len(use.months):
        raise UsageError(
            f"This use does not fit tariff {tariff.name!r}.",
            evidence={"periods": periods, "needed": len(tariff.periods), "months": months},
        )
    table = _Lines(tariff, meters, months)
    for charge in tariff.fixed:
        shares = [m.days * _MILLI if charge.per == "day" else _share(_MILLI, m) for m in use.months]
        table.add(charge.item, charge.per, charge.amount, np.array(shares, np.int64))
    for code, (period, rate) in enumerate(tariff.energy.rates.items()):
        table.add(f"energy {period}", "kWh", rate, use.imported_wh[:, :, code])
    energy = np.asarray(use.imported_wh.sum(axis=2), np.int64)
    for place, wh in enumerate(_block_energy(tariff, use.months, energy)):
        assert tariff.tiers is not None
        adder = tariff.tiers.blocks[place].adder
        if adder:
            table.add(f"tier {place + 1}", "kWh", adder, wh)
    for surcharge in tariff.surcharges:
        table.add(surcharge.item, "kWh", surcharge.rate, energy)
    if tariff.capacity is not None:
        table.add(tariff.capacity.item, "kVA", tariff.capacity.rate, _capacity(tariff, use))
    if tariff.export is not None and use.exported_wh is not None:
        table.add(tariff.export.item, "kWh", -tariff.export.rate, use.exported_wh)
    return table.bills(use.months, energy)


class _Lines:
    """Collects the kinds of line of one tariff."""

    def __init__(self, tariff: Tariff, meters: int, months: int) -> None:
        self._tariff = tariff
        self._shape = (meters, months)
        self._items: list[Item] = []
        self._quantity: list[Int64] = []
        self._amount: list[Int64] = []

    def add(self, name: str, unit: str, rate: Decimal, quantity: Int64) -> None:
        """One kind of line; `quantity` in thousandths of the unit, spread over meters and months."""
        rule = self._tariff.rounding
        micro = int(rate * _MICRO)
        most = int(np.abs(quantity).max(initial=0)) * abs(micro)
        if most >= _LARGEST:
            raise UsageError(
                f"A line of tariff {self._tariff.name!r} is larger than can be computed exactly.",
                evidence={"item": name, "largest amount": _LARGEST // _NANO},
                ways_out=("Check the unit of the readings: they are priced as Wh.",),
            )
        whole = np.broadcast_to(np.asarray(quantity, np.int64), self._shape)
        self._items.append(Item(name, unit, rate))
        self._quantity.append(whole)
        self._amount.append(rounded(whole * micro, int(rule.to * _NANO), rule.halves))

    def bills(self, months: tuple[MonthPart, ...], energy: Int64) -> Bills:
        """Everything added so far, with tax where the prices exclude it."""
        tax = self._tariff.tax
        if not tax.included and tax.rate:
            net = np.asarray(sum(self._amount, np.zeros(self._shape, np.int64)), np.int64)
            amount = rounded(net * int(tax.rate * _MICRO), _MICRO, self._tariff.rounding.halves)
            self._items.append(Item("tax", "", None))
            self._quantity.append(np.zeros(self._shape, np.int64))
            self._amount.append(amount)
        empty = np.zeros((*self._shape, 0), np.int64)
        quantity = np.stack(self._quantity, axis=2) if self._items else empty
        amount = np.stack(self._amount, axis=2) if self._items else empty
        return Bills(self._tariff, months, tuple(self._items), quantity, amount, energy)


def rounded(amount: Int64, unit: int, halves: Literal["up", "even"]) -> Int64:
    """`amount / unit` as whole numbers; a half goes away from zero (`up`) or to the even neighbour."""
    whole, rest = np.divmod(np.abs(amount), unit)
    up = 2 * rest > unit
    half = 2 * rest == unit
    up |= half if halves == "up" else half & (whole % 2 == 1)
    return np.asarray(np.sign(amount) * (whole + up), np.int64)


def _contained_tax(bills: Bills, meter: int, month: int, amount: Int64) -> Int64:
    """Tax within a month's amount: amount · rate / (1 + rate), or the line of tax."""
    tax = bills.tariff.tax
    if not tax.included:
        held = [place for place, item in enumerate(bills.items) if item.rate is None]
        return np.asarray(bills.amount[meter, month, held].sum(), np.int64)
    rate = int(tax.rate * _MICRO)
    return rounded(amount * rate, _MICRO + rate, bills.tariff.rounding.halves)


def _share(whole: int, part: MonthPart) -> int:
    """`whole` in proportion to the days of the month, halves up."""
    return (2 * whole * part.days + part.days_in_month) // (2 * part.days_in_month)


def _capacity(tariff: Tariff, use: Use) -> Int64:
    """int64[meters, months] VA, in proportion to the days of each month."""
    if use.capacity_va is None:
        raise UsageError(
            f"Tariff {tariff.name!r} charges contracted capacity, which is not known here.",
            ways_out=("Fill `capacity_kva` of table `contract`.",),
        )
    days = np.array([m.days for m in use.months], np.int64)
    whole = np.array([m.days_in_month for m in use.months], np.int64)
    return np.asarray((2 * use.capacity_va[:, None] * days + whole) // (2 * whole), np.int64)


def _block_energy(tariff: Tariff, months: Sequence[MonthPart], energy: Int64) -> list[Int64]:
    """int64[meters, months] Wh in each block."""
    tiers = tariff.tiers
    if tiers is None:
        return []
    after = np.cumsum(energy, axis=1) if tiers.per == "year" else energy
    before = after - energy
    highs = np.array([_block_ends(tariff, block.up_to_kwh, months) for block in tiers.blocks])
    lows = np.vstack([np.zeros((1, len(months)), np.int64), highs[:-1]])
    return [
        np.asarray(np.clip(after, low, high) - np.clip(before, low, high), np.int64)
        for low, high in zip(lows, highs, strict=True)
    ]


def _block_ends(tariff: Tariff, up_to_kwh: int | None, months: Sequence[MonthPart]) -> list[int]:
    """Upper end of a block in Wh, month by month, prorated by days to whole kWh."""
    assert tariff.tiers is not None
    if up_to_kwh is None:
        return [_LARGEST] * len(months)
    if tariff.tiers.per == "month":
        return [_MILLI * _share(up_to_kwh, part) for part in months]
    days, year = sum(part.days for part in months), days_of_year_from(months[0].first)
    if days > year:
        raise UsageError(
            f"Tariff {tariff.name!r} counts its blocks over a year, and these months are longer.",
            evidence={"days": days, "days of the year": year},
            ways_out=("Price each year by itself.",),
        )
    return [_MILLI * ((2 * up_to_kwh * days + year) // (2 * year))] * len(months)


def days_of_year_from(first: date) -> int:
    """Days of the year that begins on a day: 366 when it holds a 29 February."""
    return (_anniversary(first, 1) - first).days


def year_ending(last: date) -> date:
    """First day of the year whose last day is `last`: 365 or 366 days, twelve whole months at a month's end."""
    return _anniversary(last + timedelta(days=1), -1)


def _anniversary(day: date, years: int) -> date:
    """The same date in another year; 1 March where it has no 29 February."""
    if day.month == 2 and day.day == 29 and not calendar.isleap(day.year + years):
        return date(day.year + years, 3, 1)
    return day.replace(year=day.year + years)
