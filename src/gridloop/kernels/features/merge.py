"""Adjacent months into one state: sums add, days follow one another, what crosses the midnight between is carried over.

Merging is associative: any grouping of the same months in time order gives the same state, up to the rounding of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.domain.errors import SchemaMismatch
from gridloop.kernels.calendar import join_calendars
from gridloop.kernels.compiled import Float32s, Float64s, Int16s, Int32s, Int64s, UInt16s, inner
from gridloop.kernels.features.accumulators import (
    COUNTS,
    COUNTS_AT,
    RAMPS,
    SIZE,
    STEP,
    SUMS,
    add_step,
    empty_accumulators,
    pair_hours,
)
from gridloop.kernels.features.layout import Edge, MonthState, Run
from gridloop.kernels.features.sketch import LARGEST_COUNT

PEAK, RAMP, HOUR, FIRST, LAST = (
    int(Edge.PEAK),
    int(Edge.RAMP),
    int(Edge.HOUR),
    int(Edge.FIRST),
    int(Edge.LAST),
)
ZERO_RUN, MISSING_RUN = int(Run.ZERO_LONGEST), int(Run.MISSING_LONGEST)


def merge(states: Sequence[MonthState]) -> MonthState:
    """One state of adjacent ones in time order, of the same meters in the same order.

    Raises:
        InvalidInterval: nothing to merge, or days that do not follow one another.
        SchemaMismatch: another number of meters.
    """
    calendar = join_calendars([state.calendar for state in states])
    if len({state.meters for state in states}) > 1:
        raise SchemaMismatch(
            "Only states of the same meters can be merged.",
            evidence={"meters": [state.meters for state in states]},
            ways_out=("Give every month the rows of all meters; a meter without data is all missing.",),
        )
    first = states[0]
    if len(states) == 1:
        return first
    into = _with_room(first, calendar.days)
    nights = first.night_offset, first.night_bin, first.night_count
    days, length = first.calendar.days, int(first.calendar.slots.sum())
    for state in states[1:]:
        added = int(state.calendar.slots.sum())
        _append(days, length, added, *_arrays(state), *into.values())
        nights = _merge_nights(nights, (state.night_offset, state.night_bin, state.night_count))
        days += state.calendar.days
        length += added
    return MonthState(calendar, **into, night_offset=nights[0], night_bin=nights[1], night_count=nights[2])


_BY_METER = (
    *("daily_wh", "daily_present", "sums", "counts", "edges", "runs", "peak_day", "peak_slot"),
    *("profile_wh", "profile_count", "edge_hours"),
)
"""What `_append` takes of both states, in its order."""


def _arrays(state: MonthState) -> list[NDArray[Any]]:
    return [getattr(state, name) for name in _BY_METER]


def _with_room(state: MonthState, days: int) -> dict[str, NDArray[Any]]:
    """Copies of a state's arrays by name, with room for further days."""
    into = dict(zip(_BY_METER, _arrays(state), strict=True))
    for name, array in into.items():
        if name.startswith("daily"):
            into[name] = np.empty((state.meters, days), array.dtype)
            into[name][:, : state.calendar.days] = array
        else:
            into[name] = array.copy()
    return into


@njit(nogil=True, cache=True)
def _append(
    days_before: int,
    length: int,
    added: int,
    daily_wh: Float64s,
    daily_present: Int16s,
    sums: Float64s,
    counts: Int32s,
    edges: Float32s,
    runs: Int32s,
    peak_day: Int32s,
    peak_slot: Int16s,
    profile_wh: Float64s,
    profile_count: Int16s,
    edge_hours: Float32s,
    to_daily_wh: Float64s,
    to_daily_present: Int16s,
    to_sums: Float64s,
    to_counts: Int32s,
    to_edges: Float32s,
    to_runs: Int32s,
    to_peak_day: Int32s,
    to_peak_slot: Int16s,
    to_profile_wh: Float64s,
    to_profile_count: Int16s,
    to_edge_hours: Float32s,
) -> None:
    """Add a later state to the one before it, of `length` intervals; the later one has `added` intervals."""
    acc, hours = np.empty(SIZE), np.empty((2, 24), np.float32)
    for meter in range(daily_wh.shape[0]):
        to_daily_wh[meter, days_before : days_before + daily_wh.shape[1]] = daily_wh[meter]
        to_daily_present[meter, days_before : days_before + daily_wh.shape[1]] = daily_present[meter]
        # What both have together: the step over midnight, and the pairs of hours of the last and the first day.
        empty_accumulators(acc)
        add_step(to_edges[meter, LAST], edges[meter, FIRST], acc)
        hours[0], hours[1] = to_edge_hours[meter, 1], edge_hours[meter, 0]
        pair_hours(hours, 0, 1, acc)
        for column in range(SUMS):
            to_sums[meter, column] += sums[meter, column] + acc[column]
        for column in range(COUNTS):
            to_counts[meter, column] += counts[meter, column] + np.int32(acc[COUNTS_AT + column])
        # The earlier one keeps a tie.
        if edges[meter, PEAK] > to_edges[meter, PEAK] or np.isnan(to_edges[meter, PEAK]):
            to_peak_day[meter], to_peak_slot[meter] = peak_day[meter], peak_slot[meter]
        for column in (PEAK, RAMP, HOUR):
            to_edges[meter, column] = _larger(to_edges[meter, column], edges[meter, column])
        if acc[RAMPS] > 0:
            to_edges[meter, RAMP] = _larger(to_edges[meter, RAMP], np.float32(acc[STEP]))
        to_edges[meter, LAST] = edges[meter, LAST]
        _join_runs(to_runs[meter], runs[meter], ZERO_RUN, length, added)
        _join_runs(to_runs[meter], runs[meter], MISSING_RUN, length, added)
        for slot in range(profile_wh.shape[1]):
            to_profile_wh[meter, slot] += profile_wh[meter, slot]
            to_profile_count[meter, slot] += profile_count[meter, slot]
        to_edge_hours[meter, 1] = edge_hours[meter, 1]


@inner
def _larger(one: np.float32, other: np.float32) -> np.float32:
    """The larger of two values, of which NaN is none."""
    return other if other > one or np.isnan(one) else one


@inner
def _join_runs(into: Int32s, later: Int32s, kind: int, length: int, added: int) -> None:
    """Longest, leading and trailing run of what lies before and after a midnight."""
    across = into[kind + 2] + later[kind + 1]
    into[kind] = max(into[kind], later[kind], across)
    if into[kind + 1] == length:
        into[kind + 1] = across
    into[kind + 2] = across if later[kind + 2] == added else later[kind + 2]


Nights = tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.uint16]]
"""Offsets, bins and counts of the night histograms."""


def _merge_nights(one: Nights, other: Nights) -> Nights:
    room = one[1].size + other[1].size + 1
    offset, bins = np.empty(one[0].size, dtype=np.int64), np.empty(room, dtype=np.int16)
    counts = np.empty(room, dtype=np.uint16)
    end = _add_nights(*one, *other, offset, bins, counts)
    return offset, bins[:end].copy(), counts[:end].copy()


@njit(nogil=True, cache=True)
def _add_nights(
    offset: Int64s,
    bins: Int16s,
    counts: UInt16s,
    other_offset: Int64s,
    other_bins: Int16s,
    other_counts: UInt16s,
    to_offset: Int64s,
    to_bins: Int16s,
    to_counts: UInt16s,
) -> int:
    """Two ascending histograms of each meter into one; answers its number of entries."""
    end = 0
    for meter in range(to_offset.size - 1):
        to_offset[meter] = end
        i, stop = offset[meter], offset[meter + 1]
        j, other_stop = other_offset[meter], other_offset[meter + 1]
        while i < stop or j < other_stop:
            while i < stop and (j == other_stop or bins[i] < other_bins[j]):
                to_bins[end], to_counts[end] = bins[i], counts[i]
                i, end = i + 1, end + 1
            while j < other_stop and (i == stop or other_bins[j] < bins[i]):
                to_bins[end], to_counts[end] = other_bins[j], other_counts[j]
                j, end = j + 1, end + 1
            if i < stop and j < other_stop and bins[i] == other_bins[j]:
                both, left = bins[i], 0
                while i < stop and bins[i] == both:
                    left, i = left + counts[i], i + 1
                while j < other_stop and other_bins[j] == both:
                    left, j = left + other_counts[j], j + 1
                while left > 0:
                    to_bins[end], to_counts[end] = both, min(left, LARGEST_COUNT)
                    left, end = left - LARGEST_COUNT, end + 1
    to_offset[to_offset.size - 1] = end
    return end
