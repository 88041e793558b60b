"""Day-vectors on their way into the lake: flat arrays that can be cut, compared and turned into `reading` rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.domain.reading import Channel

CHANNELS: tuple[str, ...] = tuple(Channel)
"""Channel names by number."""

SIGNED_CHANNELS: tuple[bool, ...] = tuple(name == Channel.NET_WH for name in CHANNELS)
"""Whether a channel's values may be negative, by number."""

_DAY_SPAN = 1 << 22
_EPOCH_SHIFT = 1 << 21


@dataclass(frozen=True, slots=True)
class DayVectorRows:
    """Rows of `reading` before they have a bucket.

    Attributes:
        meter: int32[r], number of the meter in the run's meter book.
        channel: int8[r], index into `CHANNELS`.
        day: int32[r], days since 1970-01-01 of the local civil day.
        interval_minutes: int32[r].
        available_us: int64[r], microseconds since 1970-01-01 UTC.
        offsets: int64[r + 1]; row i owns `values[offsets[i]:offsets[i + 1]]`.
        values: int32, Wh per interval; 0 where `valid` is False.
        valid: bool, False where missing.
        file: int32[r], number of the file in the run.
        source_row: int64[r], row in the file; -1 where many rows became one vector.
    """

    meter: NDArray[np.int32]
    channel: NDArray[np.int8]
    day: NDArray[np.int32]
    interval_minutes: NDArray[np.int32]
    available_us: NDArray[np.int64]
    offsets: NDArray[np.int64]
    values: NDArray[np.int32]
    valid: NDArray[np.bool_]
    file: NDArray[np.int32]
    source_row: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.meter)

    @property
    def key(self) -> NDArray[np.int64]:
        """int64[r] identifying meter, channel and day within a run."""
        return day_key(self.meter, self.channel, self.day)

    @property
    def present(self) -> NDArray[np.int64]:
        """int64[r], how many values each row has."""
        total = np.zeros(len(self.valid) + 1, np.int64)
        np.cumsum(self.valid, out=total[1:])
        return total[self.offsets[1:]] - total[self.offsets[:-1]]

    @property
    def months(self) -> NDArray[np.int64]:
        """int64[r], months since 1970-01 of each row's day."""
        return self.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)

    def take(self, rows: NDArray[np.int64]) -> DayVectorRows:
        """The rows with these indices, in this order."""
        lengths = self.offsets[1:] - self.offsets[:-1]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths[rows], out=offsets[1:])
        within = np.arange(offsets[-1], dtype=np.int64) - np.repeat(offsets[:-1], lengths[rows])
        cells = np.repeat(self.offsets[:-1][rows], lengths[rows]) + within
        return DayVectorRows(
            self.meter[rows],
            self.channel[rows],
            self.day[rows],
            self.interval_minutes[rows],
            self.available_us[rows],
            offsets,
            self.values[cells],
            self.valid[cells],
            self.file[rows],
            self.source_row[rows],
        )

    def arrow(self, meter_ids: pa.Array, zone: str) -> pa.Table:
        """The rows as a table with the columns of `reading` but `bucket`.

        Args:
            meter_ids: string array, canonical id of each meter number.
            zone: of the civil days.
        """
        values = pa.array(self.values, pa.int32(), mask=~self.valid)
        lists = pa.ListArray.from_arrays(pa.array(self.offsets.astype(np.int32)), values)
        count = len(self)
        words = pa.DictionaryArray.from_arrays(pa.array(self.channel.astype(np.int32)), pa.array(CHANNELS))
        return pa.table(
            {
                "meter_id": meter_ids.take(pa.array(self.meter)),
                "channel": words.cast(pa.string()),
                "day": pa.array(self.day, pa.int32()).cast(pa.date32()),
                "zone": pa.DictionaryArray.from_arrays(
                    pa.array(np.zeros(count, np.int32)), pa.array([zone], pa.string())
                ).cast(pa.string()),
                "interval_minutes": pa.array(self.interval_minutes, pa.int32()),
                "available_at": pa.array(self.available_us, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
                "revision": pa.array(np.zeros(count, np.int32)),
                "wh": lists.cast(pa.list_(pa.field("element", pa.int32()))),
            }
        )


def day_key(meter: NDArray[np.int32], channel: NDArray[np.int8], day: NDArray[np.int32]) -> NDArray[np.int64]:
    """One int64 for meter, channel and day; sorts by meter, then channel, then day."""
    lane = meter.astype(np.int64) * len(CHANNELS) + channel
    return lane * _DAY_SPAN + (day.astype(np.int64) + _EPOCH_SHIFT)


def joined(parts: Sequence[DayVectorRows]) -> DayVectorRows:
    """Several batches as one, in order; at least one is given."""
    offsets = [np.zeros(1, np.int64)]
    end = 0
    for part in parts:
        offsets.append(part.offsets[1:] + end)
        end += int(part.offsets[-1])
    return DayVectorRows(
        np.concatenate([part.meter for part in parts]),
        np.concatenate([part.channel for part in parts]),
        np.concatenate([part.day for part in parts]),
        np.concatenate([part.interval_minutes for part in parts]),
        np.concatenate([part.available_us for part in parts]),
        np.concatenate(offsets),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.valid for part in parts]),
        np.concatenate([part.file for part in parts]),
        np.concatenate([part.source_row for part in parts]),
    )


def with_available(rows: DayVectorRows, available_us: NDArray[np.int64]) -> DayVectorRows:
    """The same rows with another knowledge time."""
    return DayVectorRows(
        rows.meter,
        rows.channel,
        rows.day,
        rows.interval_minutes,
        available_us,
        rows.offsets,
        rows.values,
        rows.valid,
        rows.file,
        rows.source_row,
    )
