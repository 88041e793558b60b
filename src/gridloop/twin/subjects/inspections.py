"""Who looked at a meter, and what was found; what is stolen is known to the truth alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.twin.archive import known_at
from gridloop.twin.premises import NEVER
from gridloop.twin.seeds import Stream
from gridloop.twin.simulation import Month, Simulation
from gridloop.twin.subjects.files import SourceKind, SubjectFiles, TruthKind, moment
from gridloop.twin.thefts import finds, inspections

INSPECTION = SourceKind(
    "service/inspection",
    "INSPECTION_ID SP_ID METER_ID REASON INSPECT_TIME RESULT RECOVERED_KWH RECOVERED_AMOUNT EVIDENCE UPDATED_AT",
)
STOLEN = TruthKind(
    "theft",
    pa.schema(
        [
            ("service_point_id", pa.string()),
            ("month", pa.string()),
            ("stealing_since", pa.date32()),
            ("found", pa.date32()),
            ("stolen_share", pa.float64()),
            ("stolen_wh", pa.int64()),
        ]
    ),
)
"""theft.parquet: one row for each premise and month with energy that the meter missed."""

RECOVERED_DAYS = 180
"""What a utility claims where nobody knows since when: connected capacity for 6 hours a day (homes, farms) or 12."""

_RATE = Decimal("0.55")


@dataclass(frozen=True)
class Inspections:
    """The county's inspections."""

    simulation: Simulation

    def write(self, month: Month, files: SubjectFiles) -> None:
        """The visits of a month and their results."""
        simulation = self.simulation
        visits = inspections(
            simulation.settings, np.arange(len(simulation.premises)), self._since, month.first
        )
        connected = simulation.premises.connected[visits.premise] < visits.day
        caught = finds(simulation.settings.seed, visits) & (visits.day > self._since[visits.premise])
        caught &= visits.day <= self._until[visits.premise]
        drawn = Stream(simulation.settings.seed, "inspection result").uniform(visits.premise, visits.day)
        for row in np.flatnonzero(connected).tolist():
            who, day = int(visits.premise[row]), int(visits.day[row])
            result = "theft" if caught[row] else _otherwise(float(drawn[row]))
            kwh, money, evidence = self._recovered(who) if result == "theft" else (None, None, None)
            premises = simulation.premises
            meter = (
                premises.second_meter_id[who] if day >= premises.exchanged[who] else premises.meter_id[who]
            )
            files.put(
                INSPECTION,
                day,
                (
                    f"J{month.first:%y%m}{who:07d}",
                    premises.service_point_id[who],
                    meter,
                    visits.reason[row],
                    moment(day, 540 + 420 * float(drawn[row])),
                    result,
                    kwh,
                    money,
                    evidence,
                    known_at(date.fromordinal(day)),
                ),
            )

    def tell(self, block: slice, month: Month, missed: NDArray[np.int64], files: SubjectFiles) -> None:
        """What meters missed, int64 [premises of the block] Wh."""
        thefts, points = self.simulation.thefts, self.simulation.premises.service_point_id
        inside = (thefts.premise >= block.start) & (thefts.premise < block.stop)
        for row in np.flatnonzero(inside).tolist():
            who, until = int(thefts.premise[row]), int(thefts.until[row])
            wh = int(missed[who - block.start])
            if wh:
                since, found = date.fromordinal(int(thefts.since[row])), None
                if until < NEVER:
                    found = date.fromordinal(until)
                files.tell(STOLEN, (points[who], month.name, since, found, float(thefts.share[row]), wh))

    def _recovered(self, who: int) -> tuple[str, str, str]:
        premises = self.simulation.premises
        hours = 6 if int(premises.traits.class_code[who]) in (0, 4) else 12
        kwh = Decimal(str(premises.capacity_kva[who])) * hours * RECOVERED_DAYS
        evidence = json.dumps({"rule": "capacity", "hours_a_day": hours, "days": RECOVERED_DAYS})
        return f"{kwh:.1f}", f"{kwh * _RATE:.2f}", evidence

    @cached_property
    def _since(self) -> NDArray[np.int64]:
        return self._spread(self.simulation.thefts.since)

    @cached_property
    def _until(self) -> NDArray[np.int64]:
        return self._spread(self.simulation.thefts.until)

    def _spread(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        result = np.full(len(self.simulation.premises), NEVER, dtype=np.int64)
        result[self.simulation.thefts.premise] = days
        return result


def _otherwise(drawn: float) -> str:
    """What a visit without a theft finds: 4 % faulty meters, 3 % wrong wiring, 8 % closed doors."""
    for limit, result in ((0.04, "meter_fault"), (0.07, "wiring_fault"), (0.15, "no_access")):
        if drawn < limit:
            return result
    return "nothing_found"
