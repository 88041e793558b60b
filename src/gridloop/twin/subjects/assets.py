"""The county's transformers as assets: makers, batches, types, and one batch that fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gridloop.twin.archive import Row, known_at, write_csv
from gridloop.twin.premises import opaque_ids
from gridloop.twin.seeds import Stream
from gridloop.twin.simulation import Month, Simulation
from gridloop.twin.subjects.files import SourceKind, SubjectFiles
from gridloop.twin.surroundings import transformers_installed

MAKERS = (("SUP01", "江瀚变压器厂"), ("SUP02", "北岭电气"), ("SUP03", "东禾电力设备"))
BATCHES_A_MAKER = 4
BAD_BATCH_FACTOR = 8.0
"""How often a transformer of the bad batch fails, relative to a sound one of its age."""

EVENT = SourceKind("network/asset_event", "EVENT_ID ASSET_ID EVENT EVENT_TIME CAUSE COST UPDATED_AT")
_FOUNDED = date(2003, 6, 1)


@dataclass(frozen=True)
class Assets:
    """The transformers as assets, in the order of the network's transformers."""

    simulation: Simulation

    @cached_property
    def asset_id(self) -> list[str]:
        """Identifiers."""
        count = len(self.simulation.network.transformer_id)
        return opaque_ids("EQ", 8, np.arange(count), self.simulation.settings.seed)

    @cached_property
    def installed(self) -> list[date]:
        """The day on which each went into service."""
        return transformers_installed(self.simulation.settings, self.simulation.network)

    @cached_property
    def batch(self) -> NDArray[np.int64]:
        """int64: maker · BATCHES_A_MAKER + batch; a maker's batches follow one another over the years."""
        count = len(self.asset_id)
        maker = Stream(self.simulation.settings.seed, "maker").choice([5, 3, 2], np.arange(count))
        oldest = min(self.installed)
        span = max((max(self.installed) - oldest).days + 1, 1)
        era = np.array([(day - oldest).days * BATCHES_A_MAKER // span for day in self.installed])
        return np.asarray(maker * BATCHES_A_MAKER + era, dtype=np.int64)

    @cached_property
    def bad_batch(self) -> int:
        """The batch that fails: of those with at least one transformer in a dozen, one drawn by the seed."""
        counts = np.bincount(self.batch, minlength=len(MAKERS) * BATCHES_A_MAKER)
        common = np.flatnonzero(counts >= min(float(counts.max()), max(len(self.batch) / 12.0, 1.0)))
        drawn = Stream(self.simulation.settings.seed, "bad batch").uniform(0)[0]
        return int(common[int(drawn * len(common))])

    @cached_property
    def proneness(self) -> NDArray[np.float64]:
        """float64: expected faults relative to a sound new transformer; doubles in 20 years, ×8 in the bad batch."""
        years = np.array([(self.simulation.settings.start - day).days / 365.25 for day in self.installed])
        age: NDArray[np.float64] = np.exp2(years / 20.0)
        return np.where(self.batch == self.bad_batch, BAD_BATCH_FACTOR, 1.0) * age

    def batch_name(self, index: int) -> str:
        """The batch of a transformer as its plate says it."""
        maker, era = divmod(int(self.batch[index]), BATCHES_A_MAKER)
        return f"{MAKERS[maker][0][-2:]}-{'ABCD'[era]}"

    def write_archives(self, folder: Path) -> None:
        """supplier.csv and asset.csv."""
        updated = known_at(_FOUNDED)
        suppliers: list[Row] = [(name, called, "CN", "approved", updated) for name, called in MAKERS]
        write_csv(folder / "supplier.csv", "SUPPLIER_ID SUPPLIER_NAME COUNTRY STATUS UPDATED_AT", suppliers)
        network, rows = self.simulation.network, list[Row]()
        for index, name in enumerate(self.asset_id):
            maker = MAKERS[int(self.batch[index]) // BATCHES_A_MAKER][0]
            kva = float(network.transformer_kva[index])
            feeder = network.feeder_id[int(network.feeder_of_transformer[index])]
            place, price = network.transformer_position[index].tolist(), f"{14000 + 95 * kva:.2f}"
            head = (name, "transformer", maker, self.batch_name(index), f"S11-{kva:.0f}/10")
            rows.append(
                (*head, feeder, network.transformer_id[index], self.installed[index], price, *place, updated)
            )
        columns = (
            "ASSET_ID ASSET_KIND SUPPLIER_ID BATCH TYPE LINE_ID TG_ID INSTALL_DATE PRICE LAT LON UPDATED_AT"
        )
        write_csv(folder / "asset.csv", columns, rows)

    def write_month(self, month: Month, files: SubjectFiles) -> None:
        """Yearly oil and insulation tests, one month each; a defect is seen more often where faults are near."""
        seed, count = self.simulation.settings.seed, len(self.asset_id)
        due = np.flatnonzero(np.arange(count) % 12 == month.first.month - 1)
        first = month.first.toordinal()
        drawn = Stream(seed, "asset test").uniform(due[:, None], first, np.arange(3))
        for index, u in zip(due.tolist(), drawn.tolist(), strict=True):
            day = first + int(u[0] * 28.0)
            defect = u[1] < min(0.04 * float(self.proneness[index]), 0.9)
            at = f"{date.fromordinal(day)}T{9 + int(u[2] * 7):02d}:00:00+08:00"
            row = (
                f"AT{month.first:%y%m}{index:06d}",
                self.asset_id[index],
                "defect" if defect else "test",
                at,
                ("oil_leak", "insulation", "overheating")[int(u[2] * 3.0)] if defect else None,
                "320.00",
                known_at(date.fromordinal(day)),
            )
            files.put(EVENT, day, row)

    def write_truth(self, folder: Path) -> None:
        """asset.parquet: which batch is bad, and how prone to faults each asset is."""
        folder.mkdir(parents=True, exist_ok=True)
        names = self.simulation.settings.names
        table = pa.table(
            {
                "asset_id": self.asset_id,
                "batch": [self.batch_name(index) for index in range(len(self.asset_id))],
                "bad_batch": [bool(code == self.bad_batch) for code in self.batch.tolist()],
                names.get("fault_proneness", "fault_proneness"): self.proneness,
            }
        )
        pq.write_table(table, folder / "asset.parquet", compression="zstd")
