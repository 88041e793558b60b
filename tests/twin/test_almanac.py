from __future__ import annotations

from datetime import date

from gridloop.twin.almanac import HOLIDAY, WORKDAY, almanac


def test_spring_festival_2025_moves_a_sunday_to_work() -> None:
    calendar = almanac(date(2025, 1, 20), date(2025, 2, 10))
    told = dict(zip(calendar.days, calendar.day_kind, strict=True))
    assert told[date(2025, 1, 26)] == "adjusted_workday"  # a Sunday worked for the long holiday
    assert [day for day in calendar.days if told[day] == "holiday"] == [
        date(2025, 1, d) for d in (28, 29, 30, 31)
    ] + [date(2025, 2, d) for d in (1, 2, 3, 4)]
    assert told[date(2025, 2, 9)] == "weekend" or told[date(2025, 2, 8)] == "adjusted_workday"
    place = calendar.days.index(date(2025, 1, 29))
    assert calendar.holiday_name[place] == "春节"
    assert calendar.kind[place] == HOLIDAY and calendar.festival[place] == 1.0
    assert calendar.kind[calendar.days.index(date(2025, 1, 26))] == WORKDAY


def test_the_festival_lets_go_within_eleven_days() -> None:
    calendar = almanac(date(2025, 2, 4), date(2025, 2, 20))
    assert calendar.festival[0] == 1.0
    assert (calendar.festival[1:] <= calendar.festival[:-1]).all()
    assert calendar.festival[11] == 0.0


def test_schools_rest_in_summer() -> None:
    calendar = almanac(date(2025, 6, 30), date(2025, 9, 1))
    assert calendar.school[0] == 1.0 and calendar.school[-1] == 1.0
    assert calendar.school[calendar.days.index(date(2025, 8, 1))] == 0.0
    assert calendar.season[calendar.days.index(date(2025, 8, 1))] == "summer"


def test_the_first_and_last_known_years_work() -> None:
    assert len(almanac(date(2004, 1, 1), date(2004, 1, 31)).days) == 31
    assert len(almanac(date(2026, 12, 1), date(2026, 12, 31)).days) == 31
