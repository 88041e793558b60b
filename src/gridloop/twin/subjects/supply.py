"""What the meters behind public transformers count: what flows to the premises, and what the lines lose."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.twin.archive import known_at
from gridloop.twin.network import PREMISES_A_TRANSFORMER
from gridloop.twin.simulation import Month, Simulation
from gridloop.twin.subjects.files import SourceKind, SubjectFiles, TruthKind

SUPPLY = SourceKind("network/area_supply", "TG_ID DAY SUPPLY_KWH BACKFEED_KWH UPDATED_AT")
LOSS = TruthKind(
    "area_loss",
    pa.schema([("transformer_id", pa.string()), ("month", pa.string()), ("technical_loss_wh", pa.int64())]),
)
"""area_loss.parquet: what the lines of each area lost in a month."""

STANDING_LOSS = 0.0008
"""Share of the rating that the area loses all the time."""

LOAD_LOSS = 0.06
"""Share of the power that the lines lose at the rating; it falls with the load."""


@dataclass
class Supply:
    """The supply meters of the public transformers; call with the blocks of a month in order.

    A transformer whose premises lie in two blocks waits for the second.
    """

    simulation: Simulation
    _waiting: dict[int, NDArray[np.int64]] = field(default_factory=dict)

    def add(self, block: slice, month: Month, drawn: NDArray[np.int32], files: SubjectFiles) -> None:
        """Energies int32 [premises of the block, days, slots] Wh that flow."""
        served = self.simulation.network.transformer_of_premise[block]
        public = self.simulation.network.transformer_public[served]
        for area in np.unique(served[public]).tolist():
            flow = drawn[served == area].sum(axis=0, dtype=np.int64)
            self._waiting[area] = self._waiting[area] + flow if area in self._waiting else flow
        everyone = len(self.simulation.premises)
        for area in sorted(self._waiting):
            if min((area + 1) * PREMISES_A_TRANSFORMER, everyone) <= block.stop:
                self._write(area, month, self._waiting.pop(area), files)

    def _write(self, area: int, month: Month, flow: NDArray[np.int64], files: SubjectFiles) -> None:
        network = self.simulation.network
        lost = technical_loss_wh(flow, float(network.transformer_kva[area]))
        net = flow + lost
        supplied, fed_back = np.maximum(net, 0).sum(axis=1), np.maximum(-net, 0).sum(axis=1)
        name, first = network.transformer_id[area], int(self.simulation.calendar.ordinal[month.begin])
        for number, (wh, back) in enumerate(zip(supplied.tolist(), fed_back.tolist(), strict=True)):
            day = date.fromordinal(first + number)
            files.put(
                SUPPLY, first + number, (name, day, f"{wh / 1000:.3f}", f"{back / 1000:.3f}", known_at(day))
            )
        files.tell(LOSS, (name, month.name, int(lost.sum())))


def technical_loss_wh(flow: NDArray[np.int64], kva: float) -> NDArray[np.int64]:
    """What the lines lose in each interval of [days, slots], whole Wh: 0.08 % of the rating, and 6 % · v² / rating."""
    rating = kva * 1000.0 * 24.0 / flow.shape[1]
    lost: NDArray[np.int64] = np.floor(
        STANDING_LOSS * rating + LOAD_LOSS * np.square(flow / rating) * rating + 0.5
    ).astype(np.int64)
    return lost
