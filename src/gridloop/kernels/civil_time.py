"""Instants to civil days and slots, and local stamps to instants, for whole columns (docs/conventions.md §1).

A zone is given by its transition table: `offsets[j]` is in force from `transitions[j]` until the next one.
A civil day is the span from the first instant whose local time has reached its midnight to that of the next
day, so every instant belongs to exactly one day, also where clocks change at midnight.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.domain.errors import InvalidInterval, did_you_mean

Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

NO_DAY = -(2**31)
"""Day returned for a stamp outside the years 1900 to 2199."""

_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_EARLIEST_US = -25_567 * _DAY_US  # 1900-01-01
_LATEST_US = 84_006 * _DAY_US  # 2200-01-01
_MARGIN_US = 27 * _HOUR_US  # no clock was ever moved by more than this
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FoldRule(IntEnum):
    """Which of its two instants an ambiguous local stamp means.

    FIRST is before the clock went back, SECOND after it. IN_ORDER reads rows as a meter writes them: a
    stamp not later than the ambiguous one before it is the second pass.
    """

    FIRST = 0
    SECOND = 1
    IN_ORDER = 2


class LocalStamp(IntEnum):
    """Whether a local stamp names one instant (UNIQUE), two (AMBIGUOUS), none (NONEXISTENT) or is
    OUT_OF_RANGE.
    """

    UNIQUE = 0
    AMBIGUOUS = 1
    NONEXISTENT = 2
    OUT_OF_RANGE = 3


def zone_transitions(zone: str, first_us: int, last_us: int) -> tuple[Int64, Int64]:
    """The transition table of an IANA zone over a span, two days wider on each side.

    Args:
        zone: name such as `Europe/London`.
        first_us: earliest instant that will be looked up, in microseconds since 1970-01-01 UTC.
        last_us: latest one.

    Returns:
        `transitions_us` int64[k] ascending, the first one the beginning of the span, and `offsets_us`
        int64[k], local time minus UTC from each transition on. k is at least 1.

    Raises:
        InvalidInterval: the zone is unknown, or the span is empty or leaves the years 1900 to 2199.
    """
    try:
        rules = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        ways_out = did_you_mean(zone, available_timezones())
        raise InvalidInterval(f"There is no time zone {zone!r}.", ways_out=ways_out) from error
    if not _EARLIEST_US <= first_us <= last_us < _LATEST_US:
        raise InvalidInterval(
            "The span of a transition table must lie between 1900 and 2199.",
            evidence={"first_us": first_us, "last_us": last_us},
        )

    def offset_at(second: int) -> int:
        offset = (_EPOCH + timedelta(seconds=second)).astimezone(rules).utcoffset()
        return round(offset.total_seconds()) if offset is not None else 0

    begin, end = first_us // 1_000_000 - 172_800, last_us // 1_000_000 + 172_800
    table = [(begin, offset_at(begin))]
    for low in range(begin, end, 21_600):
        table += _changes_between(offset_at, low, min(low + 21_600, end))
    instants, offsets = np.array(table, np.int64).T
    return instants * 1_000_000, offsets * 1_000_000


def _changes_between(offset_at: Callable[[int], int], low: int, high: int) -> list[tuple[int, int]]:
    """The second at which the offset changes in (low, high], found by bisection, as (second, new offset)."""
    before, after = offset_at(low), offset_at(high)
    if before == after:
        return []
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(middle) == before:
            low = middle
        else:
            high = middle
    return [(high, after)]


def civil_positions(
    stamps_us: Int64, transitions_us: Int64, offsets_us: Int64, interval_minutes: int, end_stamped: bool
) -> tuple[Int32, Int16, Bool]:
    """Civil day and slot of each stamped interval.

    The slot counts elapsed intervals since local midnight, so a London day has 46, 48 or 50 half-hours and
    no slot is skipped or doubled when clocks change.

    Args:
        stamps_us: int64[n], microseconds since 1970-01-01 UTC.
        transitions_us: int64[k], from `zone_transitions`, covering the stamps.
        offsets_us: int64[k].
        interval_minutes: length of an interval.
        end_stamped: True if a stamp marks the end of its interval (the interval ending at midnight belongs
            to the day before).

    Returns:
        day int32[n] (local civil day, days since 1970-01-01; `NO_DAY` outside 1900 to 2199), position
        int16[n], aligned bool[n] (False where the stamp is not on the grid of whole intervals since local
        midnight).

    Raises:
        InvalidInterval: the interval length is not a divisor of a day, or the table is empty or malformed.
    """
    _check_table(transitions_us, offsets_us)
    _check_interval(interval_minutes)
    stamps = np.ascontiguousarray(stamps_us, np.int64)
    shift = interval_minutes * 60_000_000 if end_stamped else 0
    first_day, last_day = _local_day_span(stamps, shift, int(offsets_us.min()), int(offsets_us.max()))
    starts = _day_starts(first_day, last_day - first_day + 2, transitions_us, offsets_us)
    return _positions(stamps, shift, first_day, starts, int(offsets_us[0]), interval_minutes * 60_000_000)


def day_slots(
    first_day: int, days: int, transitions_us: Int64, offsets_us: Int64, interval_minutes: int
) -> Int16:
    """How many intervals each civil day has: 46, 48 or 50 half-hours in London.

    Args:
        first_day: days since 1970-01-01 of the first civil day.
        days: how many days.
        transitions_us: int64[k], from `zone_transitions`, covering the days.
        offsets_us: int64[k].
        interval_minutes: length of an interval.

    Returns:
        int16[days]; 0 for a day that the zone skipped (Samoa, 30 December 2011).

    Raises:
        InvalidInterval: the interval length is not a divisor of a day, or the table is empty or malformed.
    """
    _check_table(transitions_us, offsets_us)
    _check_interval(interval_minutes)
    starts = _day_starts(first_day, days + 1, transitions_us, offsets_us)
    return (np.diff(starts) // (interval_minutes * 60_000_000)).astype(np.int16)


def local_to_utc(
    local_us: Int64, transitions_us: Int64, offsets_us: Int64, fold_rule: FoldRule
) -> tuple[Int64, NDArray[np.int8]]:
    """Instants of local stamps, with a verdict on each (PEP 495 for gaps and folds).

    Args:
        local_us: int64[n], local wall time as microseconds since 1970-01-01 00:00 local.
        transitions_us: int64[k], from `zone_transitions`, covering the stamps.
        offsets_us: int64[k].
        fold_rule: which instant an ambiguous stamp means.

    Returns:
        int64[n] instants in microseconds UTC and int8[n] `LocalStamp`. A NONEXISTENT stamp is read with the
        offset before the gap, as PEP 495 does with fold 0; an OUT_OF_RANGE one is returned as it came.

    Raises:
        InvalidInterval: the table is empty or malformed.
    """
    _check_table(transitions_us, offsets_us)
    return _to_utc(np.ascontiguousarray(local_us, np.int64), transitions_us, offsets_us, int(fold_rule))


def _check_table(transitions_us: Int64, offsets_us: Int64) -> None:
    sorted_up = len(transitions_us) > 0 and bool(np.all(np.diff(transitions_us) > 0))
    if len(transitions_us) != len(offsets_us) or not sorted_up:
        raise InvalidInterval(
            "A transition table needs at least one row, ascending instants and one offset for each.",
            evidence={"transitions": len(transitions_us), "offsets": len(offsets_us)},
            ways_out=("Build it with `zone_transitions`.",),
        )


def _check_interval(interval_minutes: int) -> None:
    if interval_minutes <= 0 or 1440 % interval_minutes:
        raise InvalidInterval(
            "An interval must divide the day.", evidence={"interval_minutes": interval_minutes}
        )


@njit(nogil=True, cache=True)
def _local_day_span(stamps: Int64, shift: int, least_offset: int, most_offset: int) -> tuple[int, int]:
    """First and last civil day that usable stamps may fall on."""
    first, last = _LATEST_US, _EARLIEST_US
    for i in range(len(stamps)):
        if stamps[i] >= _EARLIEST_US and stamps[i] < _LATEST_US:
            first = min(first, stamps[i])
            last = max(last, stamps[i])
    if first > last:
        return 0, 0
    return (first - shift + least_offset) // _DAY_US - 1, (last - shift + most_offset) // _DAY_US + 1


@njit(nogil=True, cache=True)
def _day_starts(first_day: int, days: int, transitions: Int64, offsets: Int64) -> Int64:
    """The first instant of each day: the earliest at which local time has reached its midnight."""
    starts = np.empty(days, np.int64)
    j = 0
    for d in range(days):
        midnight = (first_day + d) * _DAY_US
        while j + 1 < len(transitions) and transitions[j + 1] + offsets[j] <= midnight:
            j += 1
        start = midnight - offsets[j]
        starts[d] = max(start, transitions[j]) if j > 0 else start
    return starts


@njit(nogil=True, cache=True)
def _positions(
    stamps: Int64, shift: int, first_day: int, starts: Int64, offset: int, interval: int
) -> tuple[Int32, Int16, Bool]:
    n = len(stamps)
    day, position, aligned = np.empty(n, np.int32), np.empty(n, np.int16), np.empty(n, np.bool_)
    d = 0
    for i in range(n):
        if stamps[i] < _EARLIEST_US or stamps[i] >= _LATEST_US:
            day[i], position[i], aligned[i] = NO_DAY, 0, False
            continue
        instant = stamps[i] - shift
        if instant < starts[d] or instant - starts[d] >= _DAY_US:
            d = min(max((instant + offset) // _DAY_US - first_day, 0), len(starts) - 1)
        while d > 0 and instant < starts[d]:
            d -= 1
        while d + 1 < len(starts) and instant >= starts[d + 1]:
            d += 1
        elapsed = instant - starts[d]
        slot = int(
            (elapsed + 0.5) / interval
        )  # exact: half a microsecond keeps a boundary from rounding down
        day[i], position[i] = first_day + d, slot
        aligned[i] = slot * interval == elapsed
    return day, position, aligned


@njit(nogil=True, cache=True)
def _to_utc(
    local: Int64, transitions: Int64, offsets: Int64, fold_rule: int
) -> tuple[Int64, NDArray[np.int8]]:
    n, k = len(local), len(transitions)
    utc, verdict = np.empty(n, np.int64), np.zeros(n, np.int8)
    j, last_fold, second_pass = 0, -(2**62), False
    for i in range(n):
        if local[i] < _EARLIEST_US or local[i] >= _LATEST_US:
            utc[i], verdict[i] = local[i], 3
            continue
        instant = local[i] - offsets[j]
        inside = (j == 0 or instant - transitions[j] > _MARGIN_US) and (
            j == k - 1 or transitions[j + 1] - instant > _MARGIN_US
        )
        if inside:
            utc[i], last_fold, second_pass = instant, -(2**62), False
            continue
        meanings, first, second = 0, 0, 0
        before_gap = local[i] - offsets[0]
        for s in range(k):
            instant = local[i] - offsets[s]
            reached = s == 0 or instant >= transitions[s]
            if reached and (s == k - 1 or instant < transitions[s + 1]):
                if meanings == 0:
                    first = instant
                second = instant
                meanings += 1
                j = s
            if reached:
                before_gap = instant
        if meanings == 0:
            utc[i], verdict[i] = before_gap, 2
        elif meanings == 1:
            utc[i], last_fold, second_pass = first, -(2**62), False
        else:
            second_pass = second_pass or local[i] <= last_fold
            last_fold = local[i]
            verdict[i] = 1
            utc[i] = second if fold_rule == 1 or (fold_rule == 2 and second_pass) else first
    return utc, verdict
