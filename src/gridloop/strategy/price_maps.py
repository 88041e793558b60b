"""Two tariffs laid over the days of a window: every interval's period, and how far their prices differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridloop.insight.features.surroundings import surroundings
from gridloop.kernels.calendar import DayCalendar
from gridloop.kernels.pricing import UNPRICED
from gridloop.strategy.tariff.model import Tariff
from gridloop.strategy.tariff.schedule import PriceEvents, price_map

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView


@dataclass(frozen=True)
class PriceMaps:
    """What readings of one interval length need to be priced.

    Attributes:
        calendar: the days of the window.
        periods: for each tariff int8[days, width], its `price_map`.
        counts: how many periods each tariff has.
        weight: float64[days, width], what an error of one kWh weighs: the difference of the tariffs' prices.
    """

    calendar: DayCalendar
    periods: tuple[NDArray[np.int8], ...]
    counts: tuple[int, ...]
    weight: NDArray[np.float64]

    @property
    def unpriced(self) -> bool:
        """Whether a tariff lacks a price for some interval of the window."""
        return any(bool((period == UNPRICED).any()) for period in self.periods)

    def flat(self, weight: float) -> PriceMaps:
        """The same days with one period, for energy that has one price; an error of one kWh weighs `weight`."""
        period = np.where(self.calendar.wall_slot >= 0, 0, -1).astype(np.int8)
        return replace(self, periods=(period,), counts=(1,), weight=np.full(period.shape, weight))


def price_maps(
    view: LakeView, tariffs: tuple[Tariff, Tariff], start: date, days: int, intervals: Iterable[int]
) -> dict[int, PriceMaps]:
    """The price maps of two tariffs by interval length.

    Args:
        view: where calendar and price series are.
        tariffs: of one zone.
        start: first day of the window.
        days: its length.
        intervals: interval lengths, minutes.

    Raises:
        UsageError: see `price_map`.
    """
    zone = tariffs[0].zone
    around = surroundings(view, zone, weather=False)
    called = [_events(view, tariff) for tariff in tariffs]
    maps = {}
    for minutes in intervals:
        calendar = around.calendar(start, days, zone, minutes)
        periods = [price_map(t, calendar, e) for t, e in zip(tariffs, called, strict=True)]
        maps[minutes] = PriceMaps(
            calendar, tuple(periods), tuple(len(t.periods) for t in tariffs), price_gap(tariffs, periods)
        )
    return maps


def price_gap(tariffs: tuple[Tariff, Tariff], periods: list[NDArray[np.int8]]) -> NDArray[np.float64]:
    """By how much the prices of one kWh differ, by day and position; currency per kWh.

    Energy rates and surcharges as they are; where the tiers differ, the largest difference of their adders on top,
    because which block the kWh falls into is not known here.
    """
    prices = []
    for tariff, period in zip(tariffs, periods, strict=True):
        besides = sum((s.rate for s in tariff.surcharges), Decimal(0))
        rates = np.array([float(rate + besides) for rate in tariff.energy.rates.values()])
        prices.append(np.where(period >= 0, rates[np.maximum(period, 0)], 0.0))
    first, second = tariffs
    adders = [[block.adder for block in t.tiers.blocks] if t.tiers else [Decimal(0)] for t in tariffs]
    tier_gap = max(abs(a - b) for a in adders[0] for b in adders[1]) if first.tiers != second.tiers else 0
    tax = 1.0 if first.tax.included else 1.0 + float(first.tax.rate)
    return np.asarray(tax * (np.abs(prices[0] - prices[1]) + float(tier_gap)), np.float64)


def _events(view: LakeView, tariff: Tariff) -> PriceEvents | None:
    """The called prices of an event-priced tariff; None where it has none or the series is not there."""
    called = tariff.energy.events
    if called is None or not view.exists("price_series"):
        return None
    rows = view.arrow("price_series", columns=["series_id", "time", "interval_minutes", "label"])
    rows = rows.filter(pc.equal(rows.column("series_id"), called.series)).drop_null().sort_by("time")
    return PriceEvents(
        called.series,
        rows.column("time").cast(pa.int64()).to_numpy(),
        rows.column("interval_minutes").to_numpy().astype(np.int64),
        tuple(rows.column("label").to_pylist()),
    )
