"""Long readings (one reading a row) become day-vectors of the local civil day.

A stamp that marks the end of its interval is shifted by one interval. Values become whole Wh, half to even. A slot
delivered twice in one file keeps the row delivered last; the earlier row is superseded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.data.available import end_of_day_us, known_from_table
from gridloop.data.column_fit import check_fit
from gridloop.data.parse import Instants, carries_zone, parse_column, to_instants
from gridloop.data.quarantine import Reason, RowVerdicts
from gridloop.data.reading_rows import ReadingJob, RowOwners, connection_wh, plausible_wh, row_owners
from gridloop.data.recipe import Ambiguity
from gridloop.data.sources.batches import SourceBatch
from gridloop.data.unit_check import mean_day_kwh, suspect_meters
from gridloop.data.vectors import CHANNELS, DayVectorRows
from gridloop.kernels.civil_time import civil_positions, day_slots, zone_transitions
from gridloop.kernels.dayvector import DayVectors, RowVerdict, group_into_day_vectors


@dataclass(frozen=True, slots=True)
class _Slots:
    """The good rows of a batch, one value each: 27 bytes a row, so that a file's rows fit in memory together."""

    meter: NDArray[np.int32]
    channel: NDArray[np.int8]
    interval_minutes: NDArray[np.int32]
    day: NDArray[np.int32]
    position: NDArray[np.int16]
    wh: NDArray[np.int32]
    available_us: NDArray[np.int64] | None


def long_day_vectors(job: ReadingJob, batches: Iterable[SourceBatch]) -> Iterator[DayVectorRows]:
    """Read a whole file and yield its day-vectors, one batch per interval length.

    Rows are counted in `job.tally`: refused ones as quarantined, repeated slots as superseded. What the day-vectors
    hold is not counted yet; the delivery decides whether it is news (`gridloop.data.delivery`).

    Raises:
        SourceMismatch: the columns or the unit are not what the recipe says.
    """
    parts: list[_Slots] = []
    for number, batch in enumerate(batches):
        if number == 0:
            check_fit(batch.table, job.tally.name, job.file)
        parts.append(_good_slots(job, batch))
    lengths = sorted({int(m) for part in parts for m in np.unique(part.interval_minutes)})
    for minutes in lengths:
        chosen = [_select(part, part.interval_minutes == minutes) for part in parts]
        vectors = _grouped(job, chosen, minutes)
        if vectors is not None:
            yield vectors


def _good_slots(job: ReadingJob, batch: SourceBatch) -> _Slots:
    readings, table = job.readings, batch.table
    verdicts = RowVerdicts.good(table.num_rows)
    owners = row_owners(job, table, verdicts)
    instants = _stamps(job, table, verdicts)
    day, position = _days(job, instants, owners, verdicts)
    assert readings.value is not None
    parsed = parse_column(table.column(readings.value), job.file.columns[readings.value])
    values = np.asarray(parsed.values.cast(pa.float64()).fill_null(np.nan))
    verdicts.refuse(parsed.bad, Reason.UNPARSABLE_VALUE)
    verdicts.refuse(~np.asarray(parsed.values.is_valid()), Reason.MISSING_VALUE)
    verdicts.refuse(~np.isfinite(values), Reason.NON_FINITE)
    wh = values * readings.wh_per_value(60)
    if readings.unit.endswith("W"):
        wh = wh * owners.interval_minutes / 60.0
    _judge_values(job, owners, day, wh, verdicts)
    available = _available(job, table, verdicts)
    kept = verdicts.kept
    one = np.ones(table.num_rows, np.int64)
    job.tally.count(rows_in=table.num_rows, intervals_in=table.num_rows)
    job.tally.refuse_rows(verdicts, batch.rows, one, table)
    return _Slots(
        owners.meter[kept],
        owners.channel[kept],
        owners.interval_minutes[kept],
        day[kept],
        position[kept],
        np.rint(wh[kept]).astype(np.int32),
        None if available is None else available[kept],
    )


def _stamps(job: ReadingJob, table: pa.Table, verdicts: RowVerdicts) -> Instants:
    name = job.readings.stamp
    assert name is not None
    declared = job.file.columns[name]
    stamps = declared.stamps or job.file.stamps or job.recipe.stamps
    column = table.column(name)
    parsed = parse_column(column, declared)
    instants = to_instants(
        parsed, zone=job.recipe.zone.name, stamps=stamps, has_zone=carries_zone(column, stamps)
    )
    verdicts.refuse(instants.bad | ~instants.present, Reason.UNPARSABLE_STAMP)
    verdicts.refuse(instants.nonexistent, Reason.STAMP_NONEXISTENT)
    if stamps.ambiguous is Ambiguity.REFUSE:
        verdicts.refuse(instants.ambiguous, Reason.STAMP_AMBIGUOUS)
    return instants


def _days(
    job: ReadingJob, instants: Instants, owners: RowOwners, verdicts: RowVerdicts
) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """Civil day and slot of each row; rows off the grid or outside the source's window are refused."""
    name = job.readings.stamp
    assert name is not None
    stamps = job.file.columns[name].stamps or job.file.stamps or job.recipe.stamps
    day = np.zeros(len(instants.us), np.int32)
    position = np.zeros(len(instants.us), np.int16)
    aligned = np.ones(len(instants.us), np.bool_)
    inside = _in_years(instants.us) & verdicts.kept
    if inside.any():
        us = instants.us[inside]
        transitions, offsets = zone_transitions(job.recipe.zone.name, int(us.min()), int(us.max()))
        for minutes in np.unique(owners.interval_minutes[inside]):
            chosen = inside & (owners.interval_minutes == minutes)
            day[chosen], position[chosen], aligned[chosen] = civil_positions(
                instants.us[chosen], transitions, offsets, int(minutes), stamps.marks == "end"
            )
    outside = ~_in_years(instants.us) | (day < job.first_day) | (day > job.last_day)
    verdicts.refuse(outside, Reason.DAY_OUT_OF_WINDOW)
    verdicts.refuse(~aligned, Reason.MISALIGNED_STAMP)
    return day, position


def _in_years(us: NDArray[np.int64]) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (us > -2_200_000_000_000_000) & (us < 7_200_000_000_000_000)
    return result


def _judge_values(
    job: ReadingJob, owners: RowOwners, day: NDArray[np.int32], wh: NDArray[np.float64], verdicts: RowVerdicts
) -> None:
    """Unit first (over the rows still good), then sign, plausible range and connection."""
    kept = verdicts.kept
    if kept.any():
        meters, kwh = mean_day_kwh(owners.meter[kept], day[kept], wh[kept], owners.interval_minutes[kept])
        suspects = suspect_meters(meters, kwh, job.file, job.tally.name, job.readings)
        if len(suspects):
            verdicts.refuse(np.isin(owners.meter, suspects), Reason.UNIT_SUSPECT)
    with np.errstate(invalid="ignore"):
        verdicts.refuse((wh < 0) & ~owners.signed, Reason.NEGATIVE_ON_CHANNEL)
        for minutes in np.unique(owners.interval_minutes):
            low, high = plausible_wh(job.readings, int(minutes))
            beyond = ((wh < low) | (wh > high)) & (owners.interval_minutes == minutes)
            verdicts.refuse(beyond, Reason.IMPLAUSIBLE_VALUE)
        limit = connection_wh(job, owners)
        if limit is not None:
            verdicts.refuse(np.abs(wh) > limit, Reason.ABOVE_CONNECTION_LIMIT)


def _available(job: ReadingJob, table: pa.Table, verdicts: RowVerdicts) -> NDArray[np.int64] | None:
    rule = job.file.available or job.recipe.available
    if rule.rule == "end_of_day":
        return None
    known, present = known_from_table(rule, table, job.recipe, job.file)
    verdicts.refuse(~present, Reason.MISSING_REQUIRED)
    return known


def _select(part: _Slots, mask: NDArray[np.bool_]) -> _Slots:
    available = None if part.available_us is None else part.available_us[mask]
    return _Slots(
        part.meter[mask],
        part.channel[mask],
        part.interval_minutes[mask],
        part.day[mask],
        part.position[mask],
        part.wh[mask],
        available,
    )


def _grouped(job: ReadingJob, parts: list[_Slots], minutes: int) -> DayVectorRows | None:
    """All good rows of one interval length as day-vectors, with repeated slots counted as superseded."""
    meter = np.concatenate([part.meter for part in parts])
    if len(meter) == 0:
        return None
    channel = np.concatenate([part.channel for part in parts])
    day = np.concatenate([part.day for part in parts])
    position = np.concatenate([part.position for part in parts])
    wh = np.concatenate([part.wh for part in parts])
    lane = meter * np.int32(len(CHANNELS)) + channel
    first = int(day.min())
    slots = _slots_of_days(job.recipe.zone.name, first, int(day.max()) - first + 1, minutes)
    grouped = group_into_day_vectors(lane, day - np.int32(first), position, wh, slots)
    repeated = np.isin(grouped.verdict, (RowVerdict.DUPLICATE, RowVerdict.REVISED))
    job.tally.count(rows_superseded=int(repeated.sum()), intervals_superseded=int(repeated.sum()))
    row_day = grouped.row_day + np.int32(first)
    rule = job.file.available or job.recipe.available
    if rule.rule == "end_of_day":
        available = end_of_day_us(row_day, job.recipe.zone.name, rule)
    else:
        given = np.concatenate([part.available_us for part in parts if part.available_us is not None])
        available = _latest_of_rows(grouped, lane, day - np.int32(first), given)
    job.tally.count(intervals_missing=int((~grouped.valid).sum()))
    return DayVectorRows(
        (grouped.row_meter // len(CHANNELS)).astype(np.int32),
        (grouped.row_meter % len(CHANNELS)).astype(np.int8),
        row_day,
        np.full(grouped.rows, minutes, np.int32),
        available,
        grouped.offsets.astype(np.int64),
        np.where(grouped.valid, grouped.values, 0).astype(np.int32),
        grouped.valid,
        np.full(grouped.rows, job.tally.number, np.int32),
        np.full(grouped.rows, -1, np.int64),
    )


def _slots_of_days(zone: str, first: int, days: int, minutes: int) -> NDArray[np.int16]:
    transitions, offsets = zone_transitions(zone, first * 86_400_000_000, (first + days) * 86_400_000_000)
    return day_slots(first, days, transitions, offsets, minutes)


def _latest_of_rows(
    grouped: DayVectors, lane: NDArray[np.int32], day: NDArray[np.int32], available: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A day-vector is known when the last of its rows is."""
    row_key = grouped.row_meter.astype(np.int64) << 32 | grouped.row_day
    source_key = lane.astype(np.int64) << 32 | day
    latest = np.full(grouped.rows, np.iinfo(np.int64).min, np.int64)
    used = grouped.verdict == RowVerdict.ACCEPTED
    np.maximum.at(latest, np.searchsorted(row_key, source_key[used]), available[used])
    return latest
