"""A tariff that is offered, as the county's people see it: which quarters of an hour are dear, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.errors import UsageError
from gridloop.kernels.calendar import DayCalendar, day_calendar
from gridloop.strategy.tariff import Tariff, load_tariff, price_map
from gridloop.strategy.tariff.bill import MonthPart, Use, price_use
from gridloop.twin.almanac import Almanac
from gridloop.twin.settings import ZONE
from gridloop.twin.tariffs import MILLI, Bill, BillLine

QUARTERS = 96
EVENING = range(68, 88)
"""Quarters of an hour that people take for the peak when no price says so: 17:00 to 22:00."""

DEAR, CHEAP, OTHER = 1, 2, 0
"""Codes of `PricedOffer.appeal`."""

_HIGHEST_RATIO = 10.0


@dataclass(frozen=True, slots=True)
class PricedOffer:
    """One tariff over the county's days.

    Attributes:
        tariff: what is billed; None for a message that offers no price.
        period: int8 [days, 96], code in `tariff.periods`.
        appeal: int8 [days, 96], DEAR where the highest price holds, CHEAP where the lowest one does, else OTHER.
        ratio: highest price over lowest, surcharges included; 1 without a price.
    """

    tariff: Tariff | None
    period: NDArray[np.int8]
    appeal: NDArray[np.int8]
    ratio: float

    @property
    def name(self) -> str | None:
        """The tariff's name."""
        return None if self.tariff is None else self.tariff.name

    def bill(self, net: NDArray[np.int32], first: date, position: int) -> Bill:
        """The bill of some days of one month under this tariff.

        Args:
            net: int32 [days, slots] Wh per interval, import positive.
            first: the first of these days.
            position: of that day among the county's days.
        """
        tariff = self.tariff
        assert tariff is not None
        days, slots = net.shape
        codes = self.period[position : position + days, :: QUARTERS // slots]
        imported = np.bincount(
            codes.ravel(), weights=np.maximum(net, 0).ravel(), minlength=len(tariff.periods)
        )
        use = Use(
            (MonthPart(first, days),),
            np.rint(imported).astype(np.int64)[None, None, :],
            np.array([[-int(net[net < 0].sum(dtype=np.int64))]]),
        )
        priced = price_use(tariff, use).bill(0, 0)
        lines = tuple(
            BillLine(
                line.item, (line.quantity or Decimal(0)).quantize(MILLI), line.unit, line.rate, line.amount
            )
            for line in priced.lines
            if line.rate is not None
        )
        return Bill(priced.energy_wh, lines, priced.amount, priced.tax)


def priced_offer(name: str, calendar: Almanac, slots: int) -> PricedOffer:
    """The shipped tariff of that name over the county's days, for meters of so many intervals a day.

    Raises:
        UsageError: there is none, or the county can't live by it: another zone, yearly blocks, prices called event by
            event, a capacity charge, tax on top of the prices, or prices that change within an interval of its meters.
    """
    tariff = load_tariff(name)
    beyond = [
        key
        for key, found in {
            "zone": tariff.zone != ZONE,
            "tiers": tariff.tiers is not None and tariff.tiers.per == "year",
            "energy.events": tariff.energy.events is not None,
            "capacity": tariff.capacity is not None,
            "tax": not tariff.tax.included,
        }.items()
        if found
    ]
    if beyond:
        raise UsageError(
            f"The synthetic county cannot answer an offer of tariff {name!r}.",
            evidence={"because of": ", ".join(beyond)},
            ways_out=("Offer a tariff of its zone with monthly blocks or none, such as tou-evening.",),
        )
    price_map(tariff, _days(calendar, 1440 // slots))  # refuses a price that changes within an interval
    period = price_map(tariff, _days(calendar, 15))[:, :QUARTERS]
    surcharge = sum((each.rate for each in tariff.surcharges), Decimal(0))
    prices = np.array([float(rate + surcharge) for rate in tariff.energy.rates.values()])
    return PricedOffer(tariff, period, _appeal(period, prices), _ratio(prices))


def no_price(calendar: Almanac) -> PricedOffer:
    """What a message without a tariff speaks of: the evening."""
    appeal = np.zeros((len(calendar.days), QUARTERS), np.int8)
    appeal[:, EVENING.start : EVENING.stop] = DEAR
    return PricedOffer(None, np.zeros_like(appeal), appeal, 1.0)


def _days(calendar: Almanac, minutes: int) -> DayCalendar:
    kinds = dict(zip(calendar.days, calendar.day_kind, strict=True))
    return day_calendar(
        calendar.days[0],
        len(calendar.days),
        ZONE,
        minutes,
        holidays=[day for day, kind in kinds.items() if kind == "holiday"],
        adjusted_workdays=[day for day, kind in kinds.items() if kind == "adjusted_workday"],
    )


def _appeal(period: NDArray[np.int8], prices: NDArray[np.float64]) -> NDArray[np.int8]:
    """A tariff of one price has neither dear nor cheap hours."""
    if prices.max() == prices.min():
        return np.zeros_like(period)
    of_period = np.where(prices == prices.max(), DEAR, np.where(prices == prices.min(), CHEAP, OTHER))
    return of_period.astype(np.int8)[period]


def _ratio(prices: NDArray[np.float64]) -> float:
    lowest = max(float(prices.min()), float(prices.max()) / _HIGHEST_RATIO, 1e-9)
    return max(1.0, float(prices.max()) / lowest)
