from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.domain.errors import InvalidInterval
from gridloop.domain.interval import CivilDay, civil_day_of, zone_of

ZONES = (
    "Europe/London",
    "Asia/Shanghai",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "America/St_Johns",
    "America/Havana",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "UTC",
)
days = st.dates(date(1990, 1, 1), date(2037, 12, 30))
civil_days = st.builds(CivilDay, days, st.sampled_from(ZONES))
half_hours = st.sampled_from((5, 10, 15, 30))


@pytest.mark.parametrize(
    ("day", "hours", "at_30", "at_15", "at_60", "change"),
    [
        (date(2013, 3, 31), 23, 46, 92, 23, -60),
        (date(2013, 10, 27), 25, 50, 100, 25, 60),
        (date(2013, 7, 1), 24, 48, 96, 24, 0),
    ],
)
def test_london_days_have_46_48_or_50_half_hours(day, hours, at_30, at_15, at_60, change):
    civil = CivilDay(day, "Europe/London")
    assert civil.hours == hours
    assert [civil.interval_count(minutes) for minutes in (30, 15, 60)] == [at_30, at_15, at_60]
    assert civil.clock_change_minutes == change


def test_a_london_spring_day_has_no_slot_for_the_skipped_hour():
    slots = CivilDay(date(2013, 3, 31), "Europe/London").wall_slots(30)
    assert slots == (0, 1, *range(4, 48))


def test_a_london_autumn_day_has_the_repeated_hour_twice():
    slots = CivilDay(date(2013, 10, 27), "Europe/London").wall_slots(30)
    assert slots == (0, 1, 2, 3, 2, 3, *range(4, 48))


def test_positions_count_real_time_over_a_clock_change():
    autumn = CivilDay(date(2013, 10, 27), "Europe/London")
    summer_half_past_one = datetime(2013, 10, 27, 0, 30, tzinfo=UTC)
    winter_half_past_one = datetime(2013, 10, 27, 1, 30, tzinfo=UTC)
    assert autumn.position(summer_half_past_one, 30) == 3
    assert autumn.position(winter_half_past_one, 30) == 5
    assert autumn.position(datetime(2013, 10, 27, 1, 59, 59, tzinfo=UTC), 30) == 5


def test_a_day_without_midnight_starts_at_one():
    sao_paulo = CivilDay(date(2018, 11, 4), "America/Sao_Paulo")
    assert sao_paulo.start == datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert sao_paulo.hours == 23
    assert sao_paulo.wall_slots(60) == tuple(range(1, 24))
    assert CivilDay(date(2018, 11, 3), "America/Sao_Paulo").end == sao_paulo.start
    beirut = CivilDay(date(2022, 3, 27), "Asia/Beirut")
    assert (beirut.start, beirut.hours) == (datetime(2022, 3, 26, 22, tzinfo=UTC), 23)


def test_a_midnight_inside_a_gap_is_the_instant_of_the_jump():
    # Toronto, 30 March 1919: from 23:30 straight to 00:30 of the 31st.
    assert CivilDay(date(1919, 3, 31), "America/Toronto").start == datetime(1919, 3, 31, 4, 30, tzinfo=UTC)
    assert CivilDay(date(1919, 3, 30), "America/Toronto").hours == 23.5


def test_a_day_that_ends_twice_has_25_hours():
    assert CivilDay(date(2018, 2, 17), "America/Sao_Paulo").wall_slots(60) == (*range(24), 23)


def test_a_midnight_that_comes_twice_starts_the_day_the_first_time():
    havana = CivilDay(date(2022, 11, 6), "America/Havana")
    assert havana.start == datetime(2022, 11, 6, 4, tzinfo=UTC)
    assert havana.wall_slots(60) == (0, *range(24))


def test_clocks_that_go_back_over_midnight_keep_the_old_day():
    # St. John's, 7 November 2010: at 00:01 back to 23:01 of the 6th; the 7th begins at the second midnight.
    second_midnight = datetime(2010, 11, 7, 3, 30, tzinfo=UTC)
    assert CivilDay(date(2010, 11, 7), "America/St_Johns").start == second_midnight
    assert civil_day_of(second_midnight - timedelta(minutes=59, seconds=30), "America/St_Johns").day == date(
        2010, 11, 6
    )
    assert civil_day_of(second_midnight - timedelta(minutes=60), "America/St_Johns").day == date(2010, 11, 6)
    assert civil_day_of(second_midnight, "America/St_Johns").day == date(2010, 11, 7)


def test_lord_howe_shifts_by_half_an_hour():
    longer = CivilDay(date(2021, 4, 4), "Australia/Lord_Howe")
    shorter = CivilDay(date(2021, 10, 3), "Australia/Lord_Howe")
    assert (longer.hours, longer.interval_count(30), longer.clock_change_minutes) == (24.5, 49, 30)
    assert (shorter.hours, shorter.interval_count(5), shorter.clock_change_minutes) == (23.5, 282, -30)
    with pytest.raises(InvalidInterval, match="cannot be cut into intervals of 60 minutes"):
        longer.interval_count(60)


def test_a_day_that_a_zone_skipped_has_no_interval():
    skipped = CivilDay(date(2011, 12, 30), "Pacific/Apia")
    assert (skipped.hours, skipped.interval_starts(30), skipped.wall_slots(30)) == (0.0, (), ())


def test_shanghai_always_has_96_quarter_hours():
    first = date(2020, 1, 1)
    counts = {CivilDay(first + timedelta(days=i), "Asia/Shanghai").interval_count(15) for i in range(1500)}
    assert counts == {96}


def test_an_instant_outside_the_day_is_refused():
    day = CivilDay(date(2024, 7, 1), "Asia/Shanghai")
    for instant in (day.end, day.start - timedelta(microseconds=1)):
        with pytest.raises(InvalidInterval, match="is not within 2024-07-01"):
            day.position(instant, 15)
    with pytest.raises(InvalidInterval, match="has no zone"):
        day.position(datetime(2024, 7, 1), 15)
    with pytest.raises(InvalidInterval, match="has no zone"):
        civil_day_of(datetime(2024, 7, 1), "Asia/Shanghai")


@pytest.mark.parametrize("minutes", [0, -30, 1, 7, 45, 120])
def test_lengths_that_no_meter_has_are_refused(minutes):
    with pytest.raises(InvalidInterval, match="not supported"):
        CivilDay(date(2024, 7, 1), "Asia/Shanghai").interval_count(minutes)


@pytest.mark.parametrize("never", [date.min, date.max, date(1, 1, 2), date(9999, 12, 30)])
def test_a_date_that_means_never_is_no_day(never):
    with pytest.raises(InvalidInterval, match="no day that a meter has seen"):
        CivilDay(never, "Asia/Shanghai")


def test_an_unknown_zone_names_the_closest_one():
    with pytest.raises(InvalidInterval) as refused:
        CivilDay(date(2024, 7, 1), "Asia/Shangai")
    assert "'Asia/Shanghai'" in refused.value.ways_out[0]
    for name in ("", "+08:00", "../etc/passwd", "Europe"):
        with pytest.raises(InvalidInterval):
            zone_of(name)


@settings(max_examples=150)
@given(civil_days)
def test_days_follow_one_another_without_gap_or_overlap(civil):
    assert civil.end == CivilDay(civil.day + timedelta(days=1), civil.zone).start
    assert civil.start <= civil.end
    assert civil.start.tzinfo is UTC


@settings(max_examples=150)
@given(civil_days, half_hours)
def test_each_interval_start_has_its_own_position(civil, minutes):
    starts = civil.interval_starts(minutes)
    assert len(starts) == civil.interval_count(minutes)
    assert [civil.position(start, minutes) for start in starts] == list(range(len(starts)))
    assert len(civil.wall_slots(minutes)) == len(starts)


@settings(max_examples=150)
@given(st.datetimes(datetime(1990, 1, 2), datetime(2037, 12, 30)), st.sampled_from(ZONES))
def test_the_day_of_an_instant_holds_it(naive, zone):
    instant = naive.replace(tzinfo=UTC)
    civil = civil_day_of(instant, zone)
    assert civil.start <= instant < civil.end


@settings(max_examples=150)
@given(civil_days, half_hours)
def test_wall_slots_show_the_clock_on_the_wall(civil, minutes):
    info = ZoneInfo(civil.zone)
    for start, slot in zip(civil.interval_starts(minutes), civil.wall_slots(minutes), strict=True):
        wall = start.astimezone(info)
        assert slot == (wall.hour * 60 + wall.minute) // minutes
        assert 0 <= slot < 1440 // minutes
