"""Which interval of which day is in which period of a tariff: schedules, kinds of day and called events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.domain.interval import CivilDay
from gridloop.kernels.calendar import DayCalendar
from gridloop.kernels.pricing import BEYOND_DAY, UNPRICED
from gridloop.strategy.tariff.model import DayKind, Tariff

_MINUTE_US = 60_000_000


@dataclass(frozen=True)
class PriceEvents:
    """The price levels that were called, in time order and without overlap.

    Attributes:
        series: `series_id`.
        starts_us: int64[n], start of each interval, µs since 1970 UTC, ascending.
        minutes: int64[n], its length.
        labels: level of each interval, n texts.
    """

    series: str
    starts_us: NDArray[np.int64]
    minutes: NDArray[np.int64]
    labels: tuple[str, ...]


def price_map(tariff: Tariff, calendar: DayCalendar, events: PriceEvents | None = None) -> NDArray[np.int8]:
    """The period of every position of every day.

    Args:
        tariff: whose periods.
        calendar: days, wall-clock slots, weekends and holidays.
        events: the called prices, which an event-priced tariff needs.

    Returns:
        int8[days, width]: code in `tariff.periods`, `BEYOND_DAY` after the day's last interval, `UNPRICED` where
        neither schedule nor event sets a price.

    Raises:
        UsageError: the calendar is of another zone, a band or an event begins within an interval, an event's label has
            no period, or the events are absent or of another series.
    """
    if calendar.zone != tariff.zone:
        raise UsageError(
            f"Tariff {tariff.name!r} holds on another clock than these readings.",
            evidence={"tariff": tariff.zone, "readings": calendar.zone},
        )
    otherwise = tariff.energy.base_period
    base = UNPRICED if otherwise is None else tariff.periods.index(otherwise)
    patterns: dict[tuple[int, int], NDArray[np.int8]] = {}
    result = np.full((calendar.days, calendar.width), BEYOND_DAY, np.int8)
    kinds = day_kinds(calendar)
    for day in range(calendar.days):
        key = date.fromordinal(int(calendar.ordinal[day])).month, int(kinds[day])
        if key not in patterns:
            patterns[key] = _pattern(tariff, key[0], list(DayKind)[key[1]], calendar.interval_minutes, base)
        count = int(calendar.slots[day])
        result[day, :count] = patterns[key][calendar.wall_slot[day, :count]]
    if tariff.energy.events is not None:
        _call(result, tariff, calendar, events)
    return result


def day_kinds(calendar: DayCalendar) -> NDArray[np.int8]:
    """int8[days]: position in `DayKind` of each day; a holiday is one on any weekday."""
    return np.where(calendar.holiday, 2, np.where(calendar.weekend, 1, 0)).astype(np.int8)


def _pattern(tariff: Tariff, month: int, kind: DayKind, minutes: int, base: int) -> NDArray[np.int8]:
    """int8[slots per day]: the codes of a 24-hour day."""
    codes = np.full(1440 // minutes, base, np.int8)
    for entry in tariff.energy.schedule:
        if month not in entry.months or kind not in entry.days:
            continue
        for band in entry.bands:
            if band.start % minutes or band.end % minutes:
                raise UsageError(
                    f"Tariff {tariff.name!r} changes its price within an interval of these readings.",
                    evidence={"period": band.period, "interval_minutes": minutes},
                    ways_out=("Price readings of a shorter interval.",),
                )
            codes[band.start // minutes : band.end // minutes] = tariff.periods.index(band.period)
    return codes


def _call(
    result: NDArray[np.int8], tariff: Tariff, calendar: DayCalendar, events: PriceEvents | None
) -> None:
    """Write the periods of called events over the schedule's."""
    called = tariff.energy.events
    assert called is not None
    if events is None or events.series != called.series or not events.labels:
        raise UsageError(
            f"Tariff {tariff.name!r} is priced event by event, and its price series is not there.",
            evidence={"series": called.series},
            ways_out=("Import the price series.",),
        )
    codes = _label_codes(tariff, events)
    step = calendar.interval_minutes * _MINUTE_US
    if (events.starts_us % step).any() or (events.minutes % calendar.interval_minutes).any():
        raise UsageError(
            f"Prices of series {events.series!r} change within an interval of these readings.",
            evidence={"interval_minutes": calendar.interval_minutes},
            ways_out=("Price readings of a shorter interval.",),
        )
    for day in range(calendar.days):
        start = CivilDay(date.fromordinal(int(calendar.ordinal[day])), calendar.zone).start
        count = int(calendar.slots[day])
        instants = round(start.timestamp()) * 1_000_000 + step * np.arange(count, dtype=np.int64)
        row = np.searchsorted(events.starts_us, instants, side="right") - 1
        held = (row >= 0) & (instants < events.starts_us[row] + events.minutes[row] * _MINUTE_US)
        result[day, :count][held] = codes[row[held]]


def _label_codes(tariff: Tariff, events: PriceEvents) -> NDArray[np.int8]:
    called = tariff.energy.events
    assert called is not None
    unknown = sorted(set(events.labels) - set(called.labels))
    if unknown:
        raise UsageError(
            f"Tariff {tariff.name!r} has no price for a level of series {events.series!r}.",
            evidence={"level": unknown[0], "levels without a price": len(unknown)},
            ways_out=did_you_mean(unknown[0], called.labels),
        )
    place = {label: tariff.periods.index(period) for label, period in called.labels.items()}
    return np.array([place[label] for label in events.labels], np.int8)
