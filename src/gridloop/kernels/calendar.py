"""What the kernels must know of each day: its intervals on the wall clock, kind, season, weather, time-of-use."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import IntEnum
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridloop.domain.errors import InvalidInterval
from gridloop.domain.interval import CivilDay
from gridloop.kernels.cube import read_only


class Season(IntEnum):
    """Meteorological seasons of three whole months; winter starts in December in the north, in June in the south."""

    WINTER = 0
    SPRING = 1
    SUMMER = 2
    AUTUMN = 3


class Period(IntEnum):
    """Time-of-use periods of a Chinese tariff (谷 平 峰 尖), by rising price."""

    VALLEY = 0
    FLAT = 1
    PEAK = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class Band:
    """Wall-clock hours `start` ≤ t < `end` (0 to 24, parts allowed) that belong to a time-of-use period."""

    start: float
    end: float
    period: Period


Schedule = Mapping[Season, Sequence[Band]]
"""Bands by season; hours in no band are flat, and where bands overlap the later one counts."""

_EVERY_DAY = (
    Band(0, 7, Period.VALLEY),
    Band(8, 11, Period.PEAK),
    Band(18, 22, Period.PEAK),
    Band(23, 24, Period.VALLEY),
)
DEFAULT_SCHEDULE: Schedule = dict.fromkeys(Season, _EVERY_DAY)
"""Valley 23–7, peak 8–11 and 18–22, else flat, all year: the common shape of Chinese provincial periods and the tariff
of no particular utility; replace it by the utility's own, season by season."""

HEATING_BASE_C = 16.0
"""Outdoor temperature below which homes are taken to heat, °C (15.5 in the United Kingdom, 15–18 in China)."""
COOLING_BASE_C = 22.0
"""Outdoor temperature above which homes are taken to cool, °C (22 in the United Kingdom, 22–26 in China)."""


@dataclass(frozen=True, slots=True)
class DayCalendar:
    """Consecutive civil days of one zone, as arrays by day.

    Invariants: `ordinal` rises by one; `wall_slot[d, i]` is -1 exactly for i ≥ `slots[d]`.

    Attributes:
        zone: IANA name.
        interval_minutes: length of an interval.
        slots_per_day: intervals of a day of 24 hours.
        width: intervals of a day of 25 hours, the width of a cube.
        ordinal: int32[days], `date.toordinal`.
        slots: int32[days], intervals of that day.
        wall_slot: int16[days, width], wall-clock slot of each position, -1 beyond the day.
        normal: bool[days], 24 hours without a change of the clocks, so that position and wall-clock slot agree.
        weekend: bool[days], Saturday or Sunday that is not worked.
        holiday: bool[days].
        season: int8[days], see `Season`.
        temperature_c: float32[days], mean outdoor temperature in °C, NaN unknown.
        heating_degree_days: float64[days], mean of max(0, heating base − temperature), K·d, NaN unknown.
        cooling_degree_days: float64[days], mean of max(0, temperature − cooling base), K·d, NaN unknown.
        period: int8[days, slots_per_day], see `Period`, by wall-clock slot.
    """

    zone: str
    interval_minutes: int
    slots_per_day: int
    width: int
    ordinal: NDArray[np.int32]
    slots: NDArray[np.int32]
    wall_slot: NDArray[np.int16]
    normal: NDArray[np.bool_]
    weekend: NDArray[np.bool_]
    holiday: NDArray[np.bool_]
    season: NDArray[np.int8]
    temperature_c: NDArray[np.float32]
    heating_degree_days: NDArray[np.float64]
    cooling_degree_days: NDArray[np.float64]
    period: NDArray[np.int8]

    @property
    def days(self) -> int:
        """Number of days."""
        return int(self.ordinal.size)

    @property
    def first(self) -> date:
        """First day."""
        return date.fromordinal(int(self.ordinal[0]))

    @property
    def last(self) -> date:
        """Last day."""
        return date.fromordinal(int(self.ordinal[-1]))

    def part(self, start: int, stop: int) -> DayCalendar:
        """The days from index `start` up to but without `stop`."""
        values: list[Any] = [getattr(self, field.name) for field in fields(DayCalendar)]
        cut: list[Any] = [v[start:stop] if isinstance(v, np.ndarray) else v for v in values]
        return DayCalendar(*cut)


def join_calendars(parts: Sequence[DayCalendar]) -> DayCalendar:
    """One calendar of adjacent ones in time order.

    Raises:
        InvalidInterval: nothing to join, other zones or interval lengths, or days that do not follow one another.
    """
    if not parts:
        raise InvalidInterval("There is no calendar to join.", ways_out=("Pass at least one.",))
    for earlier, later in pairwise(parts):
        alike = (earlier.zone, earlier.interval_minutes) == (later.zone, later.interval_minutes)
        if not alike or earlier.ordinal[-1] + 1 != later.ordinal[0]:
            raise InvalidInterval(
                "Only adjacent days of one zone and one interval length can be joined.",
                evidence={
                    "earlier": f"to {earlier.last}, {earlier.zone}, {earlier.interval_minutes} min",
                    "later": f"from {later.first}, {later.zone}, {later.interval_minutes} min",
                },
                ways_out=(
                    "Give the states in time order, with an all-missing state for a month without data.",
                ),
            )
    if len(parts) == 1:
        return parts[0]
    names = [field.name for field in fields(DayCalendar)]
    values = ([getattr(part, name) for part in parts] for name in names)
    joined: list[Any] = [
        read_only(np.concatenate(v), v[0].dtype) if isinstance(v[0], np.ndarray) else v[0] for v in values
    ]
    return DayCalendar(*joined)


def season_of(month: int, hemisphere: Literal["north", "south"] = "north") -> Season:
    """Meteorological season of a month (1 to 12)."""
    shift = 0 if hemisphere == "north" else 2
    return Season((month % 12 // 3 + shift) % 4)


def day_calendar(
    first: date,
    days: int,
    zone: str,
    interval_minutes: int,
    *,
    holidays: Collection[date] = (),
    adjusted_workdays: Collection[date] = (),
    temperature: ArrayLike | None = None,
    schedule: Schedule = DEFAULT_SCHEDULE,
    hemisphere: Literal["north", "south"] = "north",
    heating_base_c: float = HEATING_BASE_C,
    cooling_base_c: float = COOLING_BASE_C,
) -> DayCalendar:
    """The calendar of `days` civil days from `first`.

    Args:
        first: first day.
        days: number of days, at least 1.
        zone: IANA name.
        interval_minutes: 5, 10, 15, 30 or 60.
        holidays: public holidays, whatever the day of the week.
        adjusted_workdays: Saturdays and Sundays that are worked (调休).
        temperature: °C, of shape [days] (daily means) or [days, 24] (hours on the wall clock), NaN unknown; with hours,
            degree-days see a cold night of a mild day.
        schedule: time-of-use bands by season.
        hemisphere: which half of the year is summer.
        heating_base_c, cooling_base_c: balance points of the degree-days.

    Raises:
        InvalidInterval: no day, an unknown zone or length, a day of more than 25 hours, or temperatures of another
            shape.
    """
    if days < 1:
        raise InvalidInterval("A calendar needs at least one day.", evidence={"days": days})
    dates = [first + timedelta(days=offset) for offset in range(days)]
    slots, wall_slot, normal = _day_slots(dates, zone, interval_minutes)
    off = set(holidays)
    worked = set(adjusted_workdays)
    season = np.array([season_of(day.month, hemisphere) for day in dates], dtype=np.int8)
    mean, heating, cooling = _degree_days(temperature, days, heating_base_c, cooling_base_c)
    periods = np.array([period_slots(schedule.get(each, ()), interval_minutes) for each in Season])
    return DayCalendar(
        zone=zone,
        interval_minutes=interval_minutes,
        slots_per_day=1440 // interval_minutes,
        width=1500 // interval_minutes,
        ordinal=read_only(np.array([day.toordinal() for day in dates]), np.int32),
        slots=slots,
        wall_slot=wall_slot,
        normal=normal,
        weekend=read_only(np.array([d.weekday() >= 5 and d not in worked for d in dates]), np.bool_),
        holiday=read_only(np.array([day in off for day in dates]), np.bool_),
        season=read_only(season, np.int8),
        temperature_c=mean,
        heating_degree_days=heating,
        cooling_degree_days=cooling,
        period=read_only(periods[season], np.int8),
    )


def period_slots(bands: Sequence[Band], interval_minutes: int) -> NDArray[np.int8]:
    """int8[slots per day]: the `Period` of each wall-clock slot, by the slot's start; flat outside all bands."""
    hours = np.arange(1440 // interval_minutes) * (interval_minutes / 60)
    periods = np.full(hours.size, Period.FLAT, dtype=np.int8)
    for band in bands:
        periods[(hours >= band.start) & (hours < band.end)] = band.period
    return periods


def _day_slots(
    dates: Sequence[date], zone: str, minutes: int
) -> tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.bool_]]:
    slots = np.array([CivilDay(day, zone).interval_count(minutes) for day in dates], dtype=np.int32)
    per_day, width = 1440 // minutes, 1500 // minutes
    if slots.max() > width:
        longest = dates[int(slots.argmax())]
        raise InvalidInterval(
            f"{longest} of {zone} is longer than 25 hours.",
            evidence={"intervals": int(slots.max()), "at most": width},
            ways_out=("Leave that day out.",),
        )
    wall = np.full((len(dates), width), -1, dtype=np.int16)
    wall[:, :per_day] = np.arange(per_day, dtype=np.int16)
    for index in np.flatnonzero(slots != per_day).tolist():
        walls = CivilDay(dates[index], zone).wall_slots(minutes)
        wall[index] = -1
        wall[index, : len(walls)] = walls
    return read_only(slots, np.int32), read_only(wall, np.int16), read_only(slots == per_day, np.bool_)


def _degree_days(
    temperature: ArrayLike | None, days: int, heating_base_c: float, cooling_base_c: float
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    unknown = np.full((days, 1), np.nan)
    hourly = unknown if temperature is None else np.asarray(temperature, dtype=np.float64)
    if hourly.shape == (days,):
        hourly = hourly[:, None]
    if hourly.shape[0] != days or hourly.shape not in ((days, 1), (days, 24)):
        raise InvalidInterval(
            "Temperatures are given by day or by hour of each day of the calendar.",
            evidence={"shape": hourly.shape, "days": days},
            ways_out=("Pass an array of shape [days] or [days, 24], NaN where unknown.",),
        )
    heating = np.maximum(heating_base_c - hourly, 0).mean(axis=1)
    cooling = np.maximum(hourly - cooling_base_c, 0).mean(axis=1)
    mean = hourly.mean(axis=1)
    return read_only(mean, np.float32), read_only(heating, np.float64), read_only(cooling, np.float64)
