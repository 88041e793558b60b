"""Wide readings (P1 … P96, one day a row) become day-vectors, batch by batch.

Pn is the n-th interval since local midnight. Values become whole Wh, half to even. A row loses single cells
(negative, implausible, beyond what the connection carries); it is refused as a whole when its key is wrong or the
day as a whole is too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.data.available import day_starts_us, end_of_day_us, known_from_table
from gridloop.data.column_fit import check_fit
from gridloop.data.parse import parse_column
from gridloop.data.quarantine import Reason, RowVerdicts
from gridloop.data.reading_rows import (
    LARGEST_WH,
    ReadingJob,
    RowOwners,
    connection_wh,
    plausible_wh,
    row_owners,
)
from gridloop.data.recipe import ColumnType, SourceColumn
from gridloop.data.sources.batches import SourceBatch
from gridloop.data.unit_check import suspect_meters
from gridloop.data.vectors import DayVectorRows
from gridloop.kernels.civil_time import day_slots, zone_transitions
from gridloop.kernels.dayvector import wide_to_day_vectors

_ABSENT = np.int32(-(2**31))
_DAY_US = 86_400_000_000
WHOLE_ROW_SHARE = 0.25
"""Share of the non-zero values beyond the connection's limit from which on the whole row is refused."""


@dataclass(slots=True)
class _Cells:
    """Values of a batch: Wh int32[n, width] (`_ABSENT` where none) and the cells refused so far by reason."""

    wh: NDArray[np.int32]
    delivered: NDArray[np.int64]
    refused: list[tuple[Reason, NDArray[np.int64]]]

    @property
    def present(self) -> NDArray[np.bool_]:
        """bool[n, width], cells that hold a value."""
        held: NDArray[np.bool_] = self.wh != _ABSENT
        return held

    def refuse(self, mask: NDArray[np.bool_], reason: Reason) -> None:
        """Take cells out, remembering how many each row lost."""
        if mask.any():
            self.refused.append((reason, mask.sum(axis=1, dtype=np.int64)))
            self.wh[mask] = _ABSENT


def wide_day_vectors(job: ReadingJob, batches: Iterable[SourceBatch]) -> Iterator[DayVectorRows]:
    """Turn each batch of rows into day-vectors; row accounting as for long readings.

    Raises:
        SourceMismatch: the columns or the unit are not what the recipe says.
    """
    for number, batch in enumerate(batches):
        if number == 0:
            check_fit(batch.table, job.tally.name, job.file)
        vectors = _batch_vectors(job, batch)
        if len(vectors):
            yield vectors


def _batch_vectors(job: ReadingJob, batch: SourceBatch) -> DayVectorRows:
    table, rows = batch.table, batch.table.num_rows
    verdicts = RowVerdicts.good(rows)
    owners = row_owners(job, table, verdicts)
    day = _days(job, table, verdicts)
    available = _available(job, table, day, verdicts)
    cells = _read_cells(job, table, owners)
    verdicts.refuse(cells.delivered == 0, Reason.EMPTY_ROW)
    _judge_rows(job, owners, cells, verdicts)
    _judge_cells(job, owners, cells, verdicts)
    slots = _slots(job, day, owners, verdicts)
    beyond = np.arange(cells.wh.shape[1])[None, :] >= slots[:, None]
    cells.refuse(cells.present & beyond & verdicts.kept[:, None], Reason.SURPLUS_INTERVALS)
    lost = np.zeros(rows, np.int64)
    for _, counts in cells.refused:
        lost += counts
    emptied = verdicts.kept & (lost >= cells.delivered)
    _record(job, batch, cells, verdicts, emptied)
    kept = np.flatnonzero(verdicts.kept & ~emptied)
    chosen = cells.wh if len(kept) == rows else cells.wh[kept]
    cut = wide_to_day_vectors(chosen, chosen != _ABSENT, slots[kept])
    job.tally.count(intervals_missing=int((~cut.valid).sum()))
    return DayVectorRows(
        owners.meter[kept],
        owners.channel[kept],
        day[kept],
        owners.interval_minutes[kept],
        available[kept],
        cut.offsets.astype(np.int64),
        cut.values,
        cut.valid,
        np.full(len(kept), job.tally.number, np.int32),
        batch.rows[kept],
    )


def _days(job: ReadingJob, table: pa.Table, verdicts: RowVerdicts) -> NDArray[np.int32]:
    name = job.readings.day
    assert name is not None
    parsed = parse_column(table.column(name), job.file.columns[name])
    verdicts.refuse(parsed.bad | ~np.asarray(parsed.values.is_valid()), Reason.UNPARSABLE_STAMP)
    days = np.asarray(parsed.values.cast(pa.date32()).cast(pa.int32()).fill_null(0))
    verdicts.refuse((days < job.first_day) | (days > job.last_day), Reason.DAY_OUT_OF_WINDOW)
    return np.where(verdicts.kept, days, job.first_day).astype(np.int32)


def _available(
    job: ReadingJob, table: pa.Table, day: NDArray[np.int32], verdicts: RowVerdicts
) -> NDArray[np.int64]:
    rule = job.file.available or job.recipe.available
    if rule.rule == "end_of_day":
        return end_of_day_us(day, job.recipe.zone.name, rule)
    known, present = known_from_table(rule, table, job.recipe, job.file)
    verdicts.refuse(~present, Reason.MISSING_REQUIRED)
    if rule.rule == "column":
        verdicts.refuse(known < day_starts_us(day, job.recipe.zone.name), Reason.DAY_AFTER_ARRIVAL)
    return known


def _read_cells(job: ReadingJob, table: pa.Table, owners: RowOwners) -> _Cells:
    points = job.readings.points
    assert points is not None
    rows = table.num_rows
    wh = np.empty((rows, points.count), np.int32)
    bad = np.zeros(rows, np.int64)
    infinite = np.zeros(rows, np.int64)
    plain_wh = job.readings.wh_per_value(60) == 1.0 and job.readings.unit == "Wh"
    factor = job.readings.wh_per_value(60) * np.ones(rows)
    if job.readings.unit.endswith("W"):
        factor = factor * owners.interval_minutes / 60.0
    for position, name in enumerate(points.names):
        column = table.column(name)
        if plain_wh and pa.types.is_int32(column.type):
            wh[:, position] = np.asarray(column.fill_null(int(_ABSENT)).combine_chunks())
            continue
        parsed = parse_column(column, SourceColumn(type=ColumnType.NUMBER))
        values = np.asarray(parsed.values.fill_null(np.nan))
        unfit = np.asarray(parsed.values.is_valid()) & ~np.isfinite(values)
        bad += parsed.bad
        infinite += unfit
        scaled = np.clip(np.rint(values * factor), -LARGEST_WH - 1, LARGEST_WH + 1)
        wh[:, position] = np.where(np.isfinite(values), np.nan_to_num(scaled), float(_ABSENT)).astype(
            np.int32
        )
    delivered = (wh != _ABSENT).sum(axis=1, dtype=np.int64) + bad + infinite
    refused = [(Reason.UNPARSABLE_VALUE, bad), (Reason.NON_FINITE, infinite)]
    return _Cells(wh, delivered, [(reason, counts) for reason, counts in refused if counts.any()])


def _judge_rows(job: ReadingJob, owners: RowOwners, cells: _Cells, verdicts: RowVerdicts) -> None:
    """Refuse whole rows: a meter in another unit, a day that the connection cannot have carried."""
    present = cells.present
    count = present.sum(axis=1)
    total = np.where(present, cells.wh, 0).sum(axis=1, dtype=np.int64)
    usable = verdicts.kept & (count > 0)
    watts = total / np.maximum(count, 1) * 60.0 / owners.interval_minutes
    chosen = np.flatnonzero(usable)
    suspects = suspect_meters(
        owners.meter[chosen].astype(np.int64), watts[chosen] * 0.024, job.file, job.tally.name, job.readings
    )
    if len(suspects):
        verdicts.refuse(np.isin(owners.meter, suspects), Reason.UNIT_SUSPECT)
    limit = connection_wh(job, owners)
    if limit is None:
        return
    bounded = np.minimum(limit, LARGEST_WH).astype(np.int32)
    above = present & ((cells.wh > bounded[:, None]) | (cells.wh < -bounded[:, None]))
    often = above.sum(axis=1) >= WHOLE_ROW_SHARE * np.maximum((present & (cells.wh != 0)).sum(axis=1), 1)
    verdicts.refuse(
        above.any(axis=1) & (often | (np.abs(total) > limit * count)), Reason.ABOVE_CONNECTION_LIMIT
    )
    cells.refuse(above & verdicts.kept[:, None], Reason.ABOVE_CONNECTION_LIMIT)


def _judge_cells(job: ReadingJob, owners: RowOwners, cells: _Cells, verdicts: RowVerdicts) -> None:
    kept = verdicts.kept[:, None]
    negative = (cells.wh < 0) & cells.present & kept & ~owners.signed[:, None]
    cells.refuse(negative, Reason.NEGATIVE_ON_CHANNEL)
    for minutes in np.unique(owners.interval_minutes):
        low, high = plausible_wh(job.readings, int(minutes))
        if low > -LARGEST_WH or high < LARGEST_WH or job.readings.unit != "Wh":
            chosen = kept & (owners.interval_minutes == minutes)[:, None] & cells.present
            cells.refuse(chosen & ((cells.wh < low) | (cells.wh > high)), Reason.IMPLAUSIBLE_VALUE)


def _slots(
    job: ReadingJob, day: NDArray[np.int32], owners: RowOwners, verdicts: RowVerdicts
) -> NDArray[np.int16]:
    """int16[n], intervals of each row's civil day."""
    kept = verdicts.kept
    slots = np.zeros(len(day), np.int16)
    if not kept.any():
        return slots
    first, last = int(day[kept].min()), int(day[kept].max())
    transitions, offsets = zone_transitions(job.recipe.zone.name, first * _DAY_US, (last + 1) * _DAY_US)
    for minutes in np.unique(owners.interval_minutes[kept]):
        chosen = kept & (owners.interval_minutes == minutes)
        of_day = day_slots(first, last - first + 1, transitions, offsets, int(minutes))
        slots[chosen] = of_day[day[chosen] - first]
    return slots


def _record(
    job: ReadingJob, batch: SourceBatch, cells: _Cells, verdicts: RowVerdicts, emptied: NDArray[np.bool_]
) -> None:
    """Count the batch and quarantine what was refused: whole rows once, single cells by row and reason."""
    rows = len(verdicts.codes)
    job.tally.count(rows_in=rows, intervals_in=int(cells.delivered.sum()))
    job.tally.refuse_rows(verdicts, batch.rows, cells.delivered, batch.table)
    kept = verdicts.kept
    for reason, counts in cells.refused:
        chosen = np.flatnonzero(kept & (counts > 0))
        if len(chosen):
            content = batch.table.take(pa.array(chosen))
            job.tally.book.add(reason, batch.rows[chosen], counts[chosen], content)
            job.tally.count(intervals_quarantined=int(counts[chosen].sum()))
    job.tally.count(rows_quarantined=int(emptied.sum()))
