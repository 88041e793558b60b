"""Instants and local stamps against zoneinfo, around the clock changes of four zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.domain.errors import InvalidInterval
from gridloop.kernels.civil_time import (
    NO_DAY,
    FoldRule,
    LocalStamp,
    civil_positions,
    day_slots,
    local_to_utc,
    zone_transitions,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = [
    "Europe/London",
    "Asia/Shanghai",
    "Australia/Lord_Howe",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
]


def microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def wall(local: datetime) -> int:
    return (local - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def ordinal(day: date) -> int:
    return (day - date(1970, 1, 1)).days


@cache
def table_of(zone: str, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    return zone_transitions(
        zone,
        microseconds(datetime(first, 1, 1, tzinfo=UTC)),
        microseconds(datetime(last, 12, 31, tzinfo=UTC)),
    )


@pytest.mark.parametrize("zone", ZONES)
def test_offsets_agree_with_zoneinfo_every_quarter_hour_around_every_change(zone: str) -> None:
    transitions, offsets = table_of(zone, 2009, 2016)
    rules = ZoneInfo(zone)
    for change in transitions[1:]:
        for step in range(-12, 13):
            instant = EPOCH + timedelta(microseconds=int(change)) + timedelta(minutes=15 * step)
            expected = instant.astimezone(rules).utcoffset()
            found = offsets[np.searchsorted(transitions, microseconds(instant), side="right") - 1]
            assert timedelta(microseconds=int(found)) == expected


def test_london_changes_on_31_march_and_27_october_2013_at_one_o_clock_utc() -> None:
    transitions, offsets = table_of("Europe/London", 2013, 2013)
    assert [EPOCH + timedelta(microseconds=int(t)) for t in transitions[1:]] == [
        datetime(2013, 3, 31, 1, tzinfo=UTC),
        datetime(2013, 10, 27, 1, tzinfo=UTC),
    ]
    assert [int(o) // 3_600_000_000 for o in offsets] == [0, 1, 0]


def test_shanghai_has_one_row_today() -> None:
    transitions, offsets = table_of("Asia/Shanghai", 2020, 2024)
    assert len(transitions) == 1
    assert offsets[0] == 8 * 3_600_000_000


@pytest.mark.parametrize(
    ("zone", "day", "minutes", "expected"),
    [
        ("Europe/London", date(2013, 3, 31), 30, 46),
        ("Europe/London", date(2013, 10, 27), 30, 50),
        ("Europe/London", date(2013, 10, 28), 30, 48),
        ("Asia/Shanghai", date(2024, 3, 31), 15, 96),
        ("America/New_York", date(2024, 3, 10), 15, 92),
        ("America/New_York", date(2024, 11, 3), 15, 100),
        ("Australia/Lord_Howe", date(2024, 4, 7), 30, 49),
        ("Australia/Lord_Howe", date(2024, 10, 6), 30, 47),
        ("America/Sao_Paulo", date(2017, 10, 15), 30, 46),
        ("Pacific/Apia", date(2011, 12, 30), 30, 0),
    ],
)
def test_a_day_has_as_many_intervals_as_its_clock_runs(
    zone: str, day: date, minutes: int, expected: int
) -> None:
    transitions, offsets = table_of(zone, day.year, day.year)
    assert day_slots(ordinal(day), 1, transitions, offsets, minutes)[0] == expected


@pytest.mark.parametrize("zone", ZONES)
def test_every_instant_falls_on_its_local_date_and_slots_count_up_without_hole_or_repeat(zone: str) -> None:
    transitions, offsets = table_of(zone, 2012, 2014)
    rules = ZoneInfo(zone)
    first = microseconds(datetime(2012, 1, 3, tzinfo=UTC))
    stamps = first + np.arange(48 * 900, dtype=np.int64) * 1_800_000_000
    day, position, aligned = civil_positions(stamps, transitions, offsets, 30, False)
    assert aligned.all()
    expected = [
        ordinal((EPOCH + timedelta(microseconds=int(s))).astimezone(rules).date()) for s in stamps[::7]
    ]
    assert day[::7].tolist() == expected
    same_day = np.diff(day) == 0
    assert (np.diff(position)[same_day] == 1).all()
    assert (position[1:][~same_day] == 0).all()
    slots = day_slots(int(day[1]), int(day[-1] - day[1]), transitions, offsets, 30)
    assert (np.bincount(day - day[1])[1 : len(slots)] == slots[1:]).all() if day[0] == day[1] else True


def test_an_interval_stamped_at_its_end_belongs_to_the_day_it_began() -> None:
    transitions, offsets = table_of("Europe/London", 2013, 2013)
    midnight = np.array([microseconds(datetime(2013, 1, 2, tzinfo=UTC))])
    assert [int(x[0]) for x in civil_positions(midnight, transitions, offsets, 30, True)] == [
        ordinal(date(2013, 1, 1)),
        47,
        1,
    ]
    assert [int(x[0]) for x in civil_positions(midnight, transitions, offsets, 30, False)] == [
        ordinal(date(2013, 1, 2)),
        0,
        1,
    ]


def test_the_last_half_hour_of_the_long_day_is_slot_49() -> None:
    transitions, offsets = table_of("Europe/London", 2013, 2013)
    stamp = np.array([microseconds(datetime(2013, 10, 27, 23, 30, tzinfo=UTC))])
    day, position, _ = civil_positions(stamp, transitions, offsets, 30, False)
    assert (day[0], position[0]) == (ordinal(date(2013, 10, 27)), 49)


def test_a_stamp_off_the_grid_is_not_aligned_and_one_far_outside_history_has_no_day() -> None:
    transitions, offsets = table_of("Europe/London", 2013, 2013)
    stamps = np.array(
        [microseconds(datetime(2013, 5, 5, 12, 7, tzinfo=UTC)), np.iinfo(np.int64).min], np.int64
    )
    day, position, aligned = civil_positions(stamps, transitions, offsets, 30, False)
    assert aligned.tolist() == [False, False]
    assert position[0] == 26  # 12:07 UTC is 13:07 in London, past 26 half-hours
    assert day[1] == NO_DAY


def test_no_stamps_give_no_positions() -> None:
    transitions, offsets = table_of("Europe/London", 2013, 2013)
    assert [len(x) for x in civil_positions(np.empty(0, np.int64), transitions, offsets, 30, False)] == [
        0,
        0,
        0,
    ]


@given(
    zone=st.sampled_from(ZONES),
    local=st.datetimes(datetime(2010, 1, 1), datetime(2015, 12, 31)),
    near=st.integers(0, 200),
    shift=st.integers(-300, 300),
)
@settings(max_examples=150, deadline=None)
def test_local_stamps_agree_with_pep_495(zone: str, local: datetime, near: int, shift: int) -> None:
    transitions, offsets = table_of(zone, 2009, 2016)
    if near < 2 * len(transitions):  # half of the examples lie at a clock change
        change = EPOCH + timedelta(microseconds=int(transitions[near // 2]))
        local = change.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + timedelta(minutes=shift)
    rules = ZoneInfo(zone)
    earlier = local.replace(tzinfo=rules, fold=0).astimezone(UTC)
    later = local.replace(tzinfo=rules, fold=1).astimezone(UTC)
    exists = earlier.astimezone(rules).replace(tzinfo=None) == local
    first, verdict = local_to_utc(np.array([wall(local)]), transitions, offsets, FoldRule.FIRST)
    second, _ = local_to_utc(np.array([wall(local)]), transitions, offsets, FoldRule.SECOND)
    assert first[0] == microseconds(earlier)
    if not exists:
        assert verdict[0] == LocalStamp.NONEXISTENT
    else:
        assert verdict[0] == (LocalStamp.AMBIGUOUS if earlier != later else LocalStamp.UNIQUE)
        assert second[0] == microseconds(later)


def test_in_order_reading_takes_the_repeated_hour_as_the_second_pass() -> None:
    transitions, offsets = table_of("Europe/London", 2013, 2013)
    local = [datetime(2013, 10, 27, h, m) for h, m in [(0, 30), (1, 0), (1, 30), (1, 0), (1, 30), (2, 0)]]
    stamps = np.array([wall(x) for x in local] * 2)  # two meters, one after the other
    utc, verdict = local_to_utc(stamps, transitions, offsets, FoldRule.IN_ORDER)
    assert (np.diff(utc[:6]) == 1_800_000_000).all()
    assert (utc[:6] == utc[6:]).all()
    assert verdict[:6].tolist() == [0, 1, 1, 1, 1, 0]


def test_a_stamp_out_of_range_keeps_its_number() -> None:
    transitions, offsets = table_of("Europe/London", 2013, 2013)
    utc, verdict = local_to_utc(np.array([np.iinfo(np.int64).min]), transitions, offsets, FoldRule.FIRST)
    assert (utc[0], verdict[0]) == (np.iinfo(np.int64).min, LocalStamp.OUT_OF_RANGE)


def test_an_unknown_zone_is_named_with_the_nearest_known_one() -> None:
    with pytest.raises(InvalidInterval, match=r"no time zone 'Europe/Londn'") as caught:
        zone_transitions("Europe/Londn", 0, 1)
    assert "Europe/London" in str(caught.value)


def test_malformed_arguments_are_refused() -> None:
    transitions, offsets = table_of("Europe/London", 2013, 2013)
    stamps = np.zeros(1, np.int64)
    with pytest.raises(InvalidInterval, match="divide the day"):
        civil_positions(stamps, transitions, offsets, 7, False)
    with pytest.raises(InvalidInterval, match="ascending"):
        local_to_utc(stamps, transitions[::-1].copy(), offsets, FoldRule.FIRST)
    with pytest.raises(InvalidInterval, match="between 1900 and 2199"):
        zone_transitions("Europe/London", 10, 0)
