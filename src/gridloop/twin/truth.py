"""The truth of a county: hidden attributes, planted faults and clean energies, in a folder that no stage may read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gridloop.twin import dirt
from gridloop.twin.archetypes import CLASSES, labels
from gridloop.twin.archive import ArchiveFault
from gridloop.twin.attributes import BEHAVIOURAL, PHYSICAL
from gridloop.twin.billing import Registers
from gridloop.twin.contracts import Contracts
from gridloop.twin.faults import Planted, Rows
from gridloop.twin.premises import NEVER, Premises
from gridloop.twin.readings import CHANNELS, delivered_meter_ids, meter_ids
from gridloop.twin.responses import Responses
from gridloop.twin.settings import ZONE
from gridloop.twin.simulation import Month, Simulation

_EPOCH_DAY = 719_163

FAULT_SCHEMA = pa.schema(
    [
        ("meter_id", pa.string()),
        ("channel", pa.string()),
        ("day", pa.date32()),
        ("kind", pa.string()),
        ("first_position", pa.int16()),
        ("last_position", pa.int16()),
        ("delivered_meter_id", pa.string()),
        ("delivered_day", pa.date32()),
        ("received_at", pa.timestamp("us", tz=ZONE)),
        ("true_wh", pa.list_(pa.int32())),
    ]
)
"""fault.parquet: one row a fault; positions count from 1; received_at is when right values or the copy came,
null where never.
"""

DAILY_SCHEMA = pa.schema(
    [("meter_id", pa.string()), ("channel", pa.string()), ("day", pa.date32()), ("wh", pa.int64())]
)
"""daily_energy.parquet: the clean energy of every meter, channel and day, Wh."""

MONTH_SCHEMA = pa.schema(
    [
        ("service_point_id", pa.string()),
        ("month", pa.string()),
        ("import_wh", pa.int64()),
        ("export_wh", pa.int64()),
    ]
)
"""month_energy.parquet: what the registers of every premise counted in a month, Wh."""


class TruthFiles:
    """Streams the truth of readings while they are made; use as a context.

    Args:
        folder: created if absent.
        ending: of the files' names; the days after the window have files of their own.
    """

    def __init__(self, folder: Path, simulation: Simulation, ending: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._simulation = simulation
        self._fault, self._daily, self._month = (
            pq.ParquetWriter(folder / f"{name}{ending}.parquet", schema, compression="zstd")
            for name, schema in (
                ("fault", FAULT_SCHEMA),
                ("daily_energy", DAILY_SCHEMA),
                ("month_energy", MONTH_SCHEMA),
            )
        )

    def __enter__(self) -> TruthFiles:
        return self

    def __exit__(self, *reason: object) -> None:
        for writer in (self._fault, self._daily, self._month):
            writer.close()

    def add_rows(self, rows: Rows) -> None:
        """Daily energies of clean rows."""
        columns = [
            *_identity(self._simulation.premises, rows),
            pa.array(rows.values.sum(axis=1, dtype=np.int64)),
        ]
        self._daily.write_table(pa.Table.from_arrays(columns, schema=DAILY_SCHEMA))

    def add_registers(self, block: slice, month: Month, registers: Registers) -> None:
        """Monthly energies of a block."""
        names = self._simulation.premises.service_point_id[block]
        columns = [
            pa.array(names),
            pa.array([month.name] * len(names)),
            pa.array(registers.imported.sum(axis=(1, 2))),
            pa.array(registers.exported.sum(axis=1)),
        ]
        self._month.write_table(pa.Table.from_arrays(columns, schema=MONTH_SCHEMA))

    def add_planted(self, planted: Planted) -> None:
        """Every fault with the right values."""
        rows, settings, premises = planted.rows, self._simulation.settings, self._simulation.premises
        if not len(rows):
            return
        slots = settings.slots
        offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int32) * slots)
        columns = [
            *_identity(premises, rows),
            pa.array([dirt.KINDS[code] for code in planted.kind.tolist()]),
            pa.array(planted.first + 1, type=pa.int16()),
            pa.array(planted.last + 1, type=pa.int16()),
            pa.array(delivered_meter_ids(settings, premises, rows)),
            _days(rows.delivered_ordinal),
            pa.array(rows.received_us, mask=rows.received_us < 0).cast(pa.timestamp("us", tz=ZONE)),
            pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(planted.clean).ravel())),
        ]
        self._fault.write_table(pa.Table.from_arrays(columns, schema=FAULT_SCHEMA))


def write_hidden_attributes(folder: Path, simulation: Simulation, contracts: Contracts) -> None:
    """premise.parquet (hidden attributes under the names the settings give them) and customer.parquet (who
    lives where).
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings, premises = simulation.settings, simulation.premises
    traits, names = premises.traits, settings.names
    label = labels(settings.seed, settings.permutation)
    columns: dict[str, object] = {"service_point_id": premises.service_point_id}
    for name in (*PHYSICAL, *BEHAVIOURAL):
        columns[names.get(name, name)] = traits.column(name)
    columns[names.get("archetype_label", "archetype_label")] = [
        label[code] for code in traits.archetype.tolist()
    ]
    columns[names.get("true_class", "true_class")] = [CLASSES[code] for code in traits.class_code.tolist()]
    pq.write_table(pa.table(columns), folder / "premise.parquet", compression="zstd")
    holders = {
        "customer_id": contracts.customer_id,
        "account_id": contracts.account_id,
        "service_point_id": [premises.service_point_id[who] for who in contracts.premise.tolist()],
        names.get("true_class", "true_class"): [
            CLASSES[traits.class_code[who]] for who in contracts.premise.tolist()
        ],
        "begins": [date.fromordinal(day) for day in contracts.begins.tolist()],
        "ends": [date.fromordinal(day) if day < 2**30 else None for day in contracts.ends.tolist()],
    }
    pq.write_table(pa.table(holders), folder / "customer.parquet", compression="zstd")


def write_responses(folder: Path, simulation: Simulation, contracts: Contracts, responses: Responses) -> None:
    """response.parquet: on which days who used how much less in the dear hours, and on which tariff; `until` is
    exclusive and null where it goes on.
    """
    enrolled = [responses.offers[code].name for code in responses.offer.tolist()]
    who, kept = responses.contract.tolist(), responses.enrolments
    returned = simulation.settings.names.get("avoided_share_returned", "avoided_share_returned")
    columns = {
        "customer_id": pa.array([contracts.customer_id[row] for row in who], pa.string()),
        "account_id": pa.array([contracts.account_id[row] for row in who], pa.string()),
        "since": pa.array([date.fromordinal(day) for day in responses.span[:, 0].tolist()], pa.date32()),
        "until": pa.array(
            [date.fromordinal(day) if day < NEVER else None for day in responses.span[:, 1].tolist()],
            pa.date32(),
        ),
        "tariff": pa.array(
            [
                name if row in kept and kept[row].since == since else None
                for name, row, since in zip(enrolled, who, responses.span[:, 0].tolist(), strict=True)
            ],
            pa.string(),
        ),
        "dear_share_avoided": pa.array(responses.shares[:, 0]),
        returned: pa.array(responses.shares[:, 1]),
    }
    pq.write_table(pa.table(columns), folder / "response.parquet", compression="zstd")


def write_archive_faults(folder: Path, faults: list[ArchiveFault]) -> None:
    """archive_fault.parquet: what is wrong in the archives, with the true value."""
    names = ArchiveFault.__slots__
    columns = {name: pa.array([getattr(fault, name) for fault in faults], type=pa.string()) for name in names}
    pq.write_table(pa.table(columns), folder / "archive_fault.parquet", compression="zstd")


def _identity(premises: Premises, rows: Rows) -> list[pa.Array]:
    channel = pa.DictionaryArray.from_arrays(pa.array(rows.channel.astype(np.int32)), pa.array(CHANNELS))
    return [
        pa.array(meter_ids(premises, rows.premise, rows.ordinal)),
        channel.cast(pa.string()),
        _days(rows.ordinal),
    ]


def _days(ordinals: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Array:
    return pa.array((ordinals - _EPOCH_DAY).astype(np.int32)).cast(pa.date32())
