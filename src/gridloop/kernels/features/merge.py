"""Adjacent months into one state: sums add, days follow one another, what crosses the midnight between is carried over.

Merging is associative: any grouping of the same months in time order gives the same state, up to the rounding of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.domain.errors import SchemaMismatch
from gridloop.kernels.calendar import join_calendars
from gridloop.kernels.compiled import Float32s, Float64s, Int16s, Int32s, Int64s, UInt16s
from gridloop.kernels.features.accumulators import (
    COUNTS,
    COUNTS_AT,
    EDGES_AT,
    RAMPS,
    SIZE,
    STEP,
    SUMS,
    add_step,
    empty_accumulators,
    pair_hours,
)
from gridloop.kernels.features.layout import Edge, MonthState, Run
from gridloop.kernels.features.sketch import BINS, write_bins


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
    if len(states) == 1:
        return states[0]
    sums: Float64s = np.add.reduce([state.sums for state in states])
    counts: Int32s = np.add.reduce([state.counts for state in states], dtype=np.int32)
    edges = _merge_edges(states)
    for earlier, later in pairwise(states):
        _join_over_midnight(
            np.ascontiguousarray(earlier.edges[:, Edge.LAST]),
            np.ascontiguousarray(later.edges[:, Edge.FIRST]),
            np.stack([earlier.edge_hours[:, 1], later.edge_hours[:, 0]], axis=1),
            sums,
            counts,
            edges,
        )
    peak_day, peak_slot = _merge_peaks(states)
    night_offset, night_bin, night_count = _merge_nights(states)
    return MonthState(
        calendar=calendar,
        daily_wh=np.concatenate([state.daily_wh for state in states], axis=1),
        daily_present=np.concatenate([state.daily_present for state in states], axis=1),
        sums=sums,
        counts=counts,
        edges=edges,
        runs=_merge_runs(states),
        peak_day=peak_day,
        peak_slot=peak_slot,
        profile_wh=np.sum([state.profile_wh for state in states], axis=0),
        profile_count=np.sum([state.profile_count for state in states], axis=0, dtype=np.int16),
        edge_hours=np.stack([states[0].edge_hours[:, 0], states[-1].edge_hours[:, 1]], axis=1),
        night_offset=night_offset,
        night_bin=night_bin,
        night_count=night_count,
    )


@njit(nogil=True, cache=True)
def _join_over_midnight(
    last: Float32s, first: Float32s, hours: Float32s, sums: Float64s, counts: Int32s, edges: Float32s
) -> None:
    """What two months have together: the step over midnight, and the pairs of hours of the last and the first day."""
    acc = np.empty(SIZE)
    for meter in range(last.size):
        empty_accumulators(acc)
        add_step(last[meter], first[meter], acc)
        pair_hours(hours[meter], 0, 1, acc)
        for column in range(SUMS):
            sums[meter, column] += acc[column]
        for column in range(COUNTS):
            counts[meter, column] += np.int32(acc[COUNTS_AT + column])
        if acc[RAMPS] > 0 and not acc[STEP] <= edges[meter, STEP - EDGES_AT]:
            edges[meter, STEP - EDGES_AT] = acc[STEP]


def _merge_edges(states: Sequence[MonthState]) -> NDArray[np.float32]:
    edges = states[0].edges.copy()
    for state in states[1:]:
        np.fmax(edges, state.edges, out=edges)
    edges[:, Edge.FIRST] = states[0].edges[:, Edge.FIRST]
    edges[:, Edge.LAST] = states[-1].edges[:, Edge.LAST]
    return edges


def _merge_peaks(states: Sequence[MonthState]) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """Day and slot of the maximum; the earlier month keeps a tie."""
    peaks = np.stack([np.nan_to_num(state.edges[:, Edge.PEAK], nan=-np.inf) for state in states])
    winner = peaks.argmax(axis=0)
    meters = np.arange(winner.size)
    days = np.stack([state.peak_day for state in states])[winner, meters]
    slots = np.stack([state.peak_slot for state in states])[winner, meters]
    return days, slots


def _merge_runs(states: Sequence[MonthState]) -> NDArray[np.int32]:
    runs = states[0].runs.copy()
    length = int(states[0].calendar.slots.sum())
    for state in states[1:]:
        added = int(state.calendar.slots.sum())
        for kind in (Run.ZERO_LONGEST, Run.MISSING_LONGEST):
            longest, leading, trailing = runs[:, kind], runs[:, kind + 1], runs[:, kind + 2]
            next_leading, next_trailing = state.runs[:, kind + 1], state.runs[:, kind + 2]
            across = trailing + next_leading
            runs[:, kind] = np.maximum(np.maximum(longest, state.runs[:, kind]), across)
            runs[:, kind + 1] = np.where(leading == length, across, leading)
            runs[:, kind + 2] = np.where(next_trailing == added, across, next_trailing)
        length += added
    return runs


def _merge_nights(
    states: Sequence[MonthState],
) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.uint16]]:
    sizes = [state.night_bin.size for state in states]
    first = np.cumsum([0, *sizes[:-1]])
    offsets = np.stack([state.night_offset + start for state, start in zip(states, first, strict=True)])
    bins = np.concatenate([state.night_bin for state in states])
    counts = np.concatenate([state.night_count for state in states])
    night_offset = np.zeros(states[0].meters + 1, dtype=np.int64)
    night_bin = np.empty(bins.size + 1, dtype=np.int16)
    night_count = np.empty(bins.size + 1, dtype=np.uint16)
    _add_nights(offsets, bins, counts, night_offset, night_bin, night_count)
    entries = int(night_offset[-1])
    return night_offset, night_bin[:entries].copy(), night_count[:entries].copy()


@njit(nogil=True, cache=True)
def _add_nights(
    offsets: Int64s,
    bins: Int16s,
    counts: UInt16s,
    night_offset: Int64s,
    night_bin: Int16s,
    night_count: UInt16s,
) -> None:
    """Histograms of the months of each meter into one, by way of a dense histogram that stays in the cache."""
    dense = np.zeros(BINS, np.int32)
    end = 0
    for meter in range(night_offset.size - 1):
        low, high = BINS, 0
        for month in range(offsets.shape[0]):
            start, stop = offsets[month, meter], offsets[month, meter + 1]
            for at in range(start, stop):
                dense[bins[at]] += counts[at]
            if stop > start:
                low = min(low, bins[start])
                high = max(high, bins[stop - 1] + 1)
        night_offset[meter] = end
        end = write_bins(dense, low, high, night_bin, night_count, end)
    night_offset[night_offset.size - 1] = end
