"""The calendar of the kernels: civil days, kinds of day, seasons, degree-days, time-of-use (conventions §1)."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from gridloop.domain.errors import InvalidInterval
from gridloop.kernels.calendar import (
    Band,
    Period,
    Season,
    day_calendar,
    join_calendars,
    period_slots,
    season_of,
)


def test_london_has_46_and_50_half_hours_on_the_days_the_clocks_change() -> None:
    calendar = day_calendar(date(2023, 1, 1), 365, "Europe/London", 30)
    short, long = date(2023, 3, 26).timetuple().tm_yday - 1, date(2023, 10, 29).timetuple().tm_yday - 1
    assert calendar.slots[short] == 46
    assert calendar.slots[long] == 50
    assert sorted(np.flatnonzero(~calendar.normal)) == [short, long]
    assert calendar.wall_slot[short, :4].tolist() == [0, 1, 4, 5]
    assert calendar.wall_slot[long, :8].tolist() == [0, 1, 2, 3, 2, 3, 4, 5]
    assert calendar.wall_slot[short, 46:].tolist() == [-1] * 4
    assert (calendar.slots_per_day, calendar.width, calendar.days) == (48, 50, 365)


def test_lord_howe_shifts_by_half_an_hour() -> None:
    calendar = day_calendar(date(2023, 4, 1), 3, "Australia/Lord_Howe", 30)
    assert calendar.slots.tolist() == [48, 49, 48]


def test_a_day_that_apia_skipped_has_no_interval() -> None:
    calendar = day_calendar(date(2011, 12, 29), 3, "Pacific/Apia", 60)
    assert calendar.slots.tolist() == [24, 0, 24]


def test_a_worked_weekend_is_no_weekend_and_a_holiday_is_a_holiday_on_any_day() -> None:
    spring_festival = {date(2024, 2, d) for d in range(10, 18)}
    calendar = day_calendar(
        date(2024, 2, 9),
        11,
        "Asia/Shanghai",
        60,
        holidays=spring_festival,
        adjusted_workdays={date(2024, 2, 18)},
    )
    assert calendar.holiday.tolist() == [False] + [True] * 8 + [False] * 2
    assert calendar.weekend.tolist() == [False, True, True] + [False] * 5 + [True, False, False]


def test_seasons_are_meteorological_and_turn_round_in_the_south() -> None:
    assert [season_of(m) for m in (12, 2, 3, 6, 9, 11)] == [
        Season.WINTER,
        Season.WINTER,
        Season.SPRING,
        Season.SUMMER,
        Season.AUTUMN,
        Season.AUTUMN,
    ]
    assert season_of(1, "south") is Season.SUMMER
    assert season_of(7, "south") is Season.WINTER
    assert season_of(4, "south") is Season.AUTUMN


def test_degree_days_of_hours_see_the_cold_night_of_a_mild_day() -> None:
    hours = np.full((1, 24), 18.0)
    hours[0, :6] = 10.0
    by_hour = day_calendar(date(2023, 5, 1), 1, "Asia/Shanghai", 60, temperature=hours)
    by_day = day_calendar(date(2023, 5, 1), 1, "Asia/Shanghai", 60, temperature=hours.mean(axis=1))
    assert by_hour.temperature_c[0] == by_day.temperature_c[0] == 16.0
    assert by_hour.heating_degree_days[0] == pytest.approx(6 * 6 / 24)
    assert by_day.heating_degree_days[0] == 0.0


def test_unknown_temperature_stays_unknown() -> None:
    calendar = day_calendar(date(2023, 5, 1), 2, "Asia/Shanghai", 60, temperature=[np.nan, 25.0])
    assert np.isnan(calendar.heating_degree_days[0])
    assert np.isnan(calendar.cooling_degree_days[0])
    assert calendar.cooling_degree_days[1] == 3.0
    assert np.isnan(day_calendar(date(2023, 5, 1), 1, "Asia/Shanghai", 60).temperature_c[0])


def test_the_default_schedule_has_eight_valley_and_seven_peak_hours_a_day() -> None:
    calendar = day_calendar(date(2023, 5, 1), 1, "Asia/Shanghai", 15)
    hours = np.bincount(calendar.period[0], minlength=4) / 4
    # Valley 23–7 is eight hours, peak 8–11 and 18–22 seven, the rest flat.
    assert hours.tolist() == [8, 9, 7, 0]


def test_a_schedule_may_differ_by_season_and_later_bands_win() -> None:
    summer = (Band(9, 21, Period.PEAK), Band(13.5, 15, Period.CRITICAL))
    calendar = day_calendar(
        date(2023, 5, 31), 2, "Asia/Shanghai", 30, schedule={Season.SUMMER: summer, Season.SPRING: ()}
    )
    assert set(calendar.period[0]) == {Period.FLAT}
    assert np.bincount(calendar.period[1], minlength=4).tolist() == [0, 24, 21, 3]
    assert period_slots(summer, 30)[27] == Period.CRITICAL


def test_parts_join_to_the_whole() -> None:
    whole = day_calendar(date(2023, 3, 20), 14, "Europe/London", 30, temperature=np.arange(14.0))
    joined = join_calendars([whole.part(0, 5), whole.part(5, 6), whole.part(6, 14)])
    for name in ("ordinal", "slots", "wall_slot", "normal", "weekend", "temperature_c", "period"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))
    assert (joined.first, joined.last) == (date(2023, 3, 20), date(2023, 4, 2))


def test_only_adjacent_days_of_one_zone_join() -> None:
    march = day_calendar(date(2023, 3, 1), 31, "Europe/London", 30)
    for other in (
        day_calendar(date(2023, 5, 1), 31, "Europe/London", 30),
        day_calendar(date(2023, 4, 1), 30, "Europe/Paris", 30),
        day_calendar(date(2023, 4, 1), 30, "Europe/London", 15),
    ):
        with pytest.raises(InvalidInterval, match="adjacent days"):
            join_calendars([march, other])
    with pytest.raises(InvalidInterval, match="no calendar"):
        join_calendars([])


@pytest.mark.parametrize(
    ("days", "temperature", "sentence"),
    [
        (0, None, "at least one day"),
        (2, [1.0], "by day or by hour"),
        (2, np.zeros((2, 23)), "by day or by hour"),
    ],
)
def test_what_makes_no_calendar_is_refused(days: int, temperature: object, sentence: str) -> None:
    with pytest.raises(InvalidInterval, match=sentence):
        day_calendar(date(2023, 5, 1), days, "Asia/Shanghai", 60, temperature=temperature)  # type: ignore[arg-type]
