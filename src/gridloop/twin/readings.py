"""The 96-point table: one row per meter, channel and civil day, one Parquet file per month of delivery."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gridloop.twin.faults import Planted, Rows, local_ordinal, on_time_us, plant
from gridloop.twin.premises import CHANNEL_SETS, Premises, opaque_ids
from gridloop.twin.settings import ZONE, TwinSettings
from gridloop.twin.simulation import Delivery, Month, Simulation

CHANNELS = ("import_wh", "export_wh", "net_wh")
"""Channel names by code."""

_EPOCH_DAY = 719_163  # ordinal of 1970-01-01


def clean_rows(
    simulation: Simulation, block: slice, month: Month, net: NDArray[np.int32], first: int = 0
) -> Rows:
    """The rows that the meters of a block recorded in a month, without dirt, with their usual time of arrival.

    Args:
        net: int32 [premises of the block, days, slots] Wh, import positive.
        first: ordinal of the first day that is wanted.
    """
    premises = simulation.premises
    series = [(who, CHANNELS.index(name)) for who in range(block.start, block.stop)
              for name in CHANNEL_SETS[premises.channels[who]]]  # fmt: skip
    premise = np.array([who for who, _ in series], dtype=np.int64)
    channel = np.array([code for _, code in series], dtype=np.int64)
    values = net[premise - block.start]
    np.maximum(values, 0, out=values, where=(channel == 0)[:, None, None])
    exporting = channel == 1
    values[exporting] = np.maximum(-values[exporting], 0)
    ordinals = simulation.calendar.ordinal[month.begin : month.end].astype(np.int64)
    days, slots = len(ordinals), values.shape[2]
    who, ordinal = np.repeat(premise, days), np.tile(ordinals, len(premise))
    rows = Rows(
        premise=who,
        channel=np.repeat(channel, days),
        ordinal=ordinal,
        delivered_ordinal=ordinal.copy(),
        unknown=np.zeros(len(who), dtype=np.bool_),
        values=values.reshape(-1, slots),
        missing=np.zeros((len(who), slots), dtype=np.bool_),
        received_us=on_time_us(simulation.settings, who, ordinal),
    )
    wanted = ordinal >= np.maximum(premises.connected[who], first)
    return rows if wanted.all() else rows.take(wanted)


def limit_wh(simulation: Simulation) -> NDArray[np.float64]:
    """[premises] the most energy that one interval of each connection can carry, Wh."""
    return simulation.premises.capacity_kva * (1000.0 * simulation.settings.interval_minutes / 60.0)


def meter_ids(premises: Premises, premise: NDArray[np.int64], ordinal: NDArray[np.int64]) -> list[str]:
    """The meter in service at each premise on each day."""
    first, second = premises.meter_id, premises.second_meter_id
    after = (ordinal >= premises.exchanged[premise]).tolist()
    return [second[who] if late else first[who] for who, late in zip(premise.tolist(), after, strict=True)]


def delivered_meter_ids(settings: TwinSettings, premises: Premises, rows: Rows) -> list[str]:
    """The meter ids that rows carry when they arrive: an unknown one begins with 39."""
    ids = meter_ids(premises, rows.premise, rows.ordinal)
    lost = np.flatnonzero(rows.unknown)
    strange = opaque_ids("39", 10, rows.premise[lost] * 4000 + rows.ordinal[lost] % 4000, settings.seed)
    for position, meter in zip(lost.tolist(), strange, strict=True):
        ids[position] = meter
    return ids


def reading_schema(settings: TwinSettings) -> pa.Schema:
    """Columns of the table: METER_ID, DATE, CHANNEL, P1 …, RECEIVED_AT."""
    points = [pa.field(f"P{number}", pa.int32()) for number in range(1, settings.slots + 1)]
    head = [
        pa.field("METER_ID", pa.string()),
        pa.field("DATE", pa.date32()),
        pa.field("CHANNEL", pa.string()),
    ]
    return pa.schema([*head, *points, pa.field("RECEIVED_AT", pa.timestamp("us", tz=ZONE))])


def reading_table(settings: TwinSettings, premises: Premises, rows: Rows) -> pa.Table:
    """Rows as the wide table."""
    by_point = np.ascontiguousarray(rows.values.T)
    gaps = np.ascontiguousarray(rows.missing.T)
    points = [pa.array(by_point[p], mask=gaps[p] if gaps[p].any() else None) for p in range(settings.slots)]
    channel = pa.DictionaryArray.from_arrays(pa.array(rows.channel.astype(np.int32)), pa.array(CHANNELS))
    columns = [
        pa.array(delivered_meter_ids(settings, premises, rows)),
        pa.array((rows.delivered_ordinal - _EPOCH_DAY).astype(np.int32)).cast(pa.date32()),
        channel.cast(pa.string()),
        *points,
        pa.array(rows.received_us).cast(pa.timestamp("us", tz=ZONE)),
    ]
    return pa.Table.from_arrays(columns, schema=reading_schema(settings))


class ReadingFiles:
    """Writes the monthly files in order; keeps only what is still on its way.

    Args:
        delivery: which export.
        folder: where the files go; None computes the faults and writes nothing.
    """

    def __init__(self, simulation: Simulation, delivery: Delivery, folder: Path | None) -> None:
        self._simulation = simulation
        self._delivery = delivery
        self._folder = folder
        self._writer: pq.ParquetWriter | None = None
        self._waiting: dict[str, list[Rows]] = defaultdict(list)

    def begin(self, month: Month) -> None:
        """Open the file of a month."""
        if self._folder is not None:
            settings = self._simulation.settings
            self._writer = pq.ParquetWriter(
                self._folder / f"readings_{self._delivery.label(month)}.parquet",
                reading_schema(settings),
                compression="zstd",
                compression_level=1,
                use_dictionary=["METER_ID", "DATE", "CHANNEL"],
                write_statistics=["METER_ID", "DATE", "CHANNEL", "RECEIVED_AT"],
            )

    def add(self, rows: Rows) -> Planted:
        """Spoil clean rows, deliver what arrives with this month, and remember what comes later."""
        settings = self._simulation.settings
        usual, extra, planted = plant(settings, rows, limit_wh(self._simulation))
        self._deliver(usual)
        if self._writer is not None:
            for part in extra:
                self._wait(part)
        return planted

    def end(self, month: Month) -> None:
        """Deliver late rows, revisions and copies that reached the utility in this month, and close the file."""
        waiting = self._waiting.pop(month.name, [])
        if waiting:
            self._deliver(Rows.concatenated(waiting))
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _wait(self, rows: Rows) -> None:
        """Copies and revisions go to the file of the month they arrive in, but never before the row's own
        month or after the last; what arrives after the export was cut goes nowhere.
        """
        own = self._delivery.months
        in_time = local_ordinal(rows.received_us) <= self._delivery.cutoff
        rows = rows if in_time.all() else rows.take(in_time)
        names = [month.name for month in own]
        firsts = np.array([month.first.toordinal() for month in own])
        arrival = np.searchsorted(firsts, local_ordinal(rows.received_us), side="right") - 1
        meant = np.searchsorted(firsts, rows.ordinal, side="right") - 1
        usual = rows.received_us == on_time_us(self._simulation.settings, rows.premise, rows.ordinal)
        place = np.where(usual, meant, np.maximum(arrival, meant))
        for index in np.unique(place).tolist():
            self._waiting[names[index]].append(rows.take(place == index))

    def _deliver(self, rows: Rows) -> None:
        if self._writer is not None and len(rows):
            self._writer.write_table(
                reading_table(self._simulation.settings, self._simulation.premises, rows)
            )
