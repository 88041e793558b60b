"""What long and wide readings have in common: who, which channel, which day, and the limits of a value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridloop.data.meters import BAD_METER, NO_METER, MeterBook
from gridloop.data.parse import plain
from gridloop.data.quarantine import Reason, RowVerdicts
from gridloop.data.recipe import Readings, Recipe, SourceFile
from gridloop.data.tally import FileTally
from gridloop.data.vectors import CHANNELS, SIGNED_CHANNELS
from gridloop.domain.reading import INTERVAL_MINUTES

LARGEST_WH = 2**31 - 2
"""Largest value of one interval that a day-vector can hold."""


@dataclass(frozen=True, slots=True)
class ReadingJob:
    """One file of readings being read.

    Attributes:
        meters: numbers of the run's meters.
        tally: where the file's rows are counted.
        received_us: when the import received the file.
    """

    recipe: Recipe
    file: SourceFile
    meters: MeterBook
    tally: FileTally
    received_us: int

    @property
    def readings(self) -> Readings:
        """The declaration of the readings."""
        assert self.file.readings is not None
        return self.file.readings

    @property
    def first_day(self) -> int:
        """First civil day a reading may have, days since 1970-01-01."""
        return int(np.datetime64(self.recipe.window.first_day, "D").astype(np.int64))

    @property
    def last_day(self) -> int:
        """Last civil day a reading may have."""
        return int(np.datetime64(self.recipe.window.last_day, "D").astype(np.int64))


@dataclass(frozen=True, slots=True)
class RowOwners:
    """Meter number int32[n], channel int8[n] and interval length int32[n] of each row of a batch."""

    meter: NDArray[np.int32]
    channel: NDArray[np.int8]
    interval_minutes: NDArray[np.int32]

    @property
    def signed(self) -> NDArray[np.bool_]:
        """Whether a negative value is normal, by row."""
        return np.array(SIGNED_CHANNELS)[self.channel]


def row_owners(job: ReadingJob, table: pa.Table, verdicts: RowVerdicts) -> RowOwners:
    """Find meter, channel and interval length of each row; rows that lack one are refused."""
    readings = job.readings
    ids = table.column(readings.meter)
    meter = job.meters.numbers(ids)
    verdicts.refuse(meter == NO_METER, Reason.BLANK_ID)
    verdicts.refuse(meter == BAD_METER, Reason.BAD_ID)
    pattern = job.file.columns[readings.meter].pattern
    if pattern is not None:
        text = plain(ids).cast(pa.string())
        fits = pc.match_substring_regex(text, f"^(?:{pattern})$").fill_null(False)
        verdicts.refuse(~np.asarray(fits), Reason.BAD_ID)
    safe = np.maximum(meter, 0)
    if len(job.meters) and readings.known_meters:
        verdicts.refuse(~job.meters.known[safe], Reason.UNKNOWN_METER)
    channel = _channels(readings, table)
    verdicts.refuse(channel < 0, Reason.UNKNOWN_CHANNEL)
    if readings.interval_minutes == "meter":
        interval = job.meters.interval_minutes[safe] if len(job.meters) else np.zeros(len(meter), np.int32)
        interval = np.where(np.isin(interval, INTERVAL_MINUTES), interval, 15).astype(np.int32)
    else:
        interval = np.full(len(meter), readings.interval_minutes, np.int32)
    return RowOwners(meter, np.maximum(channel, 0).astype(np.int8), interval)


def _channels(readings: Readings, table: pa.Table) -> NDArray[np.int8]:
    if readings.channel is not None:
        return np.full(table.num_rows, CHANNELS.index(readings.channel), np.int8)
    assert readings.channel_column is not None
    text = plain(table.column(readings.channel_column)).cast(pa.string())
    return np.asarray(pc.index_in(text, value_set=pa.array(CHANNELS)).fill_null(-1), np.int8)


def connection_wh(job: ReadingJob, owners: RowOwners) -> NDArray[np.float64] | None:
    """float64[n], the most energy in Wh an interval of each row can hold; infinite where not known.

    Formula: capacity_kva · 1000 · interval / 60 · `connection_limit`, power factor 1.
    """
    limit = job.readings.connection_limit
    if limit is None or len(job.meters) == 0:
        return None
    capacity = job.meters.capacity_kva[np.maximum(owners.meter, 0)]
    wh = capacity * 1000.0 * owners.interval_minutes / 60.0 * limit
    return np.where(np.isfinite(wh) & (wh > 0), wh, np.inf)


def plausible_wh(readings: Readings, interval_minutes: int) -> tuple[float, float]:
    """Least and greatest plausible Wh per interval, by the recipe and by what a day-vector can hold."""
    factor = readings.wh_per_value(interval_minutes)
    low = -LARGEST_WH if readings.minimum is None else max(readings.minimum * factor, -LARGEST_WH)
    high = LARGEST_WH if readings.maximum is None else min(readings.maximum * factor, LARGEST_WH)
    return low, high
