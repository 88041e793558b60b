"""Which rows of readings go wrong and how they are delivered: on time, late, twice, revised, spoiled or never."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from gridloop.twin import dirt
from gridloop.twin.seeds import Stream
from gridloop.twin.settings import TwinSettings

_EPOCH = date(1970, 1, 1).toordinal()
_DAY_US = 86_400_000_000
_OFFSET_US = 8 * 3_600_000_000
LONGEST_OUTAGE = 9
IMPOSSIBLE_DAYS = (date(2099, 12, 31).toordinal(), date(1899, 12, 30).toordinal())

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of readings, delivered or to be delivered.

    Attributes:
        premise, channel: int64 indices, channel into `readings.CHANNELS`.
        ordinal: int64 civil day as the meter meant it.
        delivered_ordinal: int64 civil day that the row says.
        unknown: bool, the row carries a meter id that no archive knows.
        values: int32 [rows, slots] Wh; missing: bool [rows, slots].
        received_us: int64 microseconds since 1970 UTC.
    """

    premise: Ints
    channel: Ints
    ordinal: Ints
    delivered_ordinal: Ints
    unknown: NDArray[np.bool_]
    values: NDArray[np.int32]
    missing: NDArray[np.bool_]
    received_us: Ints

    def __len__(self) -> int:
        return len(self.premise)

    def take(self, chosen: NDArray[np.bool_] | Ints) -> Rows:
        """The rows chosen by mask or position, copied."""
        return Rows(*(getattr(self, name)[chosen] for name in self.__slots__))

    @staticmethod
    def concatenated(parts: list[Rows]) -> Rows:
        """All rows of the parts, in order; at least one part."""
        return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__slots__))


@dataclass(frozen=True, slots=True)
class Planted:
    """What was done to rows: the truth about faults.

    Attributes:
        kind: code of KINDS.
        rows: the rows as delivered; `received_us` is when the right values or the copy came, −1 where they never do.
        clean: int32 [rows, slots] the right values, Wh.
        first, last: 0-based positions that were spoiled.
    """

    kind: NDArray[np.int8]
    rows: Rows
    clean: NDArray[np.int32]
    first: NDArray[np.int16]
    last: NDArray[np.int16]


def on_time_us(settings: TwinSettings, premise: Ints, ordinal: Ints) -> Ints:
    """When a day's row usually arrives: the next day between 02:00 and 06:00 local time, to the second."""
    drawn = Stream(settings.seed, "arrival").uniform(premise // 48, ordinal)
    seconds = 7200 + (drawn * 14_400.0).astype(np.int64)
    return (ordinal + 1 - _EPOCH) * _DAY_US + seconds * 1_000_000 - _OFFSET_US


def local_ordinal(instant_us: Ints) -> Ints:
    """The county's civil day of an instant."""
    return (instant_us + _OFFSET_US) // _DAY_US + _EPOCH


def fault_kinds(settings: TwinSettings, premise: Ints, channel: Ints, ordinal: Ints) -> NDArray[np.int8]:
    """The fault drawn for each row, by code, NO_FAULT for most; an outage of the meter's modem comes before
    any other.
    """
    rates = [0.0 if name == "outage" else getattr(settings.dirt, name) for name in dirt.KINDS]
    edges = np.cumsum(rates)
    drawn = Stream(settings.seed, "fault").uniform(premise, channel, ordinal)
    kind = np.searchsorted(edges, drawn, side="right")
    kind = np.where(kind == len(edges), dirt.NO_FAULT, kind)
    started = Stream(settings.seed, "outage")
    for back in range(LONGEST_OUTAGE) if settings.dirt.outage > 0.0 else ():
        begins = started.uniform(premise, ordinal - back, 0) < settings.dirt.outage
        length = 1 + (started.uniform(premise, ordinal - back, 1) ** 2 * LONGEST_OUTAGE).astype(np.int64)
        kind = np.where(begins & (length > back), dirt.OUTAGE, kind)
    return kind.astype(np.int8)


def plant(
    settings: TwinSettings, rows: Rows, limit_wh: NDArray[np.float64]
) -> tuple[Rows, list[Rows], Planted]:
    """Spoil rows that are on their way.

    Args:
        rows: clean rows with their usual time of arrival; their arrays are changed in place.
        limit_wh: [premises] the most that an interval of each connection can carry.

    Returns:
        rows of the usual delivery without those that do not arrive with it; rows to be delivered
        besides (copies, late ones, revisions);
        and what was planted.
    """
    kind = fault_kinds(settings, rows.premise, rows.channel, rows.ordinal)
    hit = np.flatnonzero(kind != dirt.NO_FAULT)
    clean = rows.values[hit].copy()
    spoiled, missing = clean.copy(), rows.missing[hit].copy()
    keys = Stream(settings.seed, "fault place").bits(rows.premise[hit], rows.channel[hit], rows.ordinal[hit])
    codes = kind[hit]
    first, last = np.zeros(len(hit), dtype=np.int16), np.zeros(len(hit), dtype=np.int16)
    codes[(codes == dirt.NEGATIVE) & (rows.channel[hit] == 2)] = dirt.NO_FAULT  # net readings are signed
    dirt.plant(spoiled, missing, codes, keys, limit_wh[rows.premise[hit]], first, last)
    again = _second_arrival(settings, rows, hit, codes)
    codes[((codes == dirt.LATE) | (codes == dirt.REVISED)) & (again < 0)] = dirt.NO_FAULT
    stays = codes == dirt.NO_FAULT
    spoiled[stays], missing[stays] = clean[stays], False
    rows.values[hit], rows.missing[hit] = spoiled, missing
    rows.unknown[hit[codes == dirt.UNKNOWN_METER]] = True
    wrong_day = hit[codes == dirt.IMPOSSIBLE_DATE]
    rows.delivered_ordinal[wrong_day] = np.array(IMPOSSIBLE_DAYS)[rows.ordinal[wrong_day] % 2]
    extra = _extra_rows(rows, hit, codes, clean, again)
    real = ~stays
    planted_rows = rows.take(hit[real])
    arrived = np.where(
        np.isin(codes, (dirt.MISSING_DAY, dirt.OUTAGE)),
        -1,
        np.where(again >= 0, again, rows.received_us[hit]),
    )
    planted_rows.received_us[:] = arrived[real]
    planted = Planted(codes[real], planted_rows, clean[real], first[real], last[real])
    gone = hit[np.isin(codes, (dirt.MISSING_DAY, dirt.OUTAGE, dirt.LATE))]
    keep = np.ones(len(rows), dtype=np.bool_)
    keep[gone] = False
    return (rows if keep.all() else rows.take(keep)), extra, planted


def _second_arrival(settings: TwinSettings, rows: Rows, hit: Ints, codes: NDArray[np.int8]) -> Ints:
    """When late rows and revisions arrive; −1 for other faults and for what would come after the first export.

    Days after the window have no such limit: what comes too late for one export is in the next.
    """
    drawn = Stream(settings.seed, "delay").uniform(rows.premise[hit], rows.channel[hit], rows.ordinal[hit])
    days = np.where(
        codes == dirt.LATE, 8 + (drawn * 63.0).astype(np.int64), 3 + (drawn * 38.0).astype(np.int64)
    )
    again = rows.received_us[hit] + days * _DAY_US + 5_400_000_000
    wanted = (codes == dirt.LATE) | (codes == dirt.REVISED)
    later = rows.ordinal[hit] > settings.end.toordinal()
    in_time = later | (local_ordinal(again) <= settings.cutoff.toordinal())
    return np.where(wanted & in_time, again, -1)


def _extra_rows(
    rows: Rows, hit: Ints, codes: NDArray[np.int8], clean: NDArray[np.int32], again: Ints
) -> list[Rows]:
    """Copies of duplicated rows, late rows, and the right values of revised rows."""
    extra = []
    copies = hit[codes == dirt.DUPLICATE]
    if len(copies):
        extra.append(rows.take(copies))
    later = (codes == dirt.LATE) | (codes == dirt.REVISED)
    if later.any():
        right = rows.take(hit[later])
        right.values[:] = clean[later]
        right.received_us[:] = again[later]
        extra.append(right)
    return extra
