"""The county's calendar: workdays, weekends, statutory holidays and the workdays moved to make room for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar
import numpy as np
from numpy.typing import NDArray

from gridloop.twin.settings import FIRST_DAY, LAST_DAY

WORKDAY, WEEKEND, HOLIDAY = 0, 1, 2
"""Codes of `Almanac.kind`; an adjusted workday counts as a workday."""

HOLIDAY_NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
    "Anti-Fascist 70th Day": "抗战胜利70周年纪念日",
}

_SEASON_OF_MONTH = ("winter", "winter", *("spring",) * 3, *("summer",) * 3, *("autumn",) * 3, "winter")


@dataclass(frozen=True, slots=True)
class Almanac:
    """Days in a row, one entry a day.

    Attributes:
        days: civil days.
        day_kind: `workday`, `weekend`, `holiday` or `adjusted_workday`.
        holiday_name: Chinese name of the holiday, "" where there is none.
        season: `winter`, `spring`, `summer` or `autumn`, by month.
        ordinal: int32, proleptic Gregorian ordinal.
        kind: int8, WORKDAY, WEEKEND or HOLIDAY.
        festival: float64 0–1, how far the Spring Festival holds the county: 1 during it, ramps of ten days around it.
        school: float64, 1 in term, 0 in the winter and summer breaks.
    """

    days: tuple[date, ...]
    day_kind: tuple[str, ...]
    holiday_name: tuple[str, ...]
    season: tuple[str, ...]
    ordinal: NDArray[np.int32]
    kind: NDArray[np.int8]
    festival: NDArray[np.float64]
    school: NDArray[np.float64]


def almanac(start: date, end: date) -> Almanac:
    """The calendar from `start` to `end`, both included; both in 2004–2026 (official arrangements, package
    chinese_calendar).
    """
    days = tuple(start + timedelta(days=offset) for offset in range((end - start).days + 1))
    described = [_described(day) for day in days]
    kinds = {"workday": WORKDAY, "adjusted_workday": WORKDAY, "weekend": WEEKEND, "holiday": HOLIDAY}
    spans = [
        span for year in range(start.year - 1, end.year + 2) if (span := _festival_span(year)) is not None
    ]
    return Almanac(
        days=days,
        day_kind=tuple(kind for kind, _ in described),
        holiday_name=tuple(name for _, name in described),
        season=tuple(_SEASON_OF_MONTH[day.month - 1] for day in days),
        ordinal=np.array([day.toordinal() for day in days], dtype=np.int32),
        kind=np.array([kinds[kind] for kind, _ in described], dtype=np.int8),
        festival=np.array([_festival_grip(day, spans) for day in days]),
        school=np.array([_school_term(day) for day in days]),
    )


def _described(day: date) -> tuple[str, str]:
    resting, english = chinese_calendar.get_holiday_detail(day)
    name = HOLIDAY_NAMES.get(english, english) if english else ""
    if resting:
        return ("holiday", name) if name else ("weekend", "")
    return ("adjusted_workday", name) if day.weekday() >= 5 else ("workday", "")


def _festival_span(year: int) -> tuple[date, date] | None:
    """First and last day off of that year's Spring Festival."""
    if not FIRST_DAY.year <= year <= LAST_DAY.year:
        return None
    winter = [date(year, 1, 15) + timedelta(days=offset) for offset in range(50)]
    off = [day for day in winter if chinese_calendar.get_holiday_detail(day) == (True, "Spring Festival")]
    return (off[0], off[-1]) if off else None


def _festival_grip(day: date, spans: list[tuple[date, date]]) -> float:
    grip = 0.0
    for first, last in spans:
        distance = max((first - day).days, (day - last).days, 0)
        grip = max(grip, 1.0 - distance / 11.0)
    return grip


def _school_term(day: date) -> float:
    summer = date(day.year, 7, 8) <= day <= date(day.year, 8, 31)
    winter = date(day.year, 1, 20) <= day <= date(day.year, 2, 20)
    return 0.0 if summer or winter else 1.0
