"""Chargers and the sessions behind the loads, and the generation units that the utility has on file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.archive import Row, known_at, write_csv
from gridloop.twin.contracts import Contracts
from gridloop.twin.loads import charging_sessions
from gridloop.twin.premises import opaque_ids
from gridloop.twin.seeds import Stream
from gridloop.twin.simulation import Month, Simulation
from gridloop.twin.subjects.files import SourceKind, SubjectFiles, moment

SESSION = SourceKind(
    "network/charging_session",
    "SESSION_ID CHARGER_ID CUST_ID PLUG_TIME FULL_TIME UNPLUG_TIME ENERGY_KWH UPDATED_AT",
)

CHARGERS_ON_FILE = 0.7
"""Share of the chargers that the utility knows, and that report their sessions."""

UNITS_ON_FILE = 0.96
"""Share of the generation units that the utility knows."""

LEAVES_AT = 7 * 60
"""Minute at which a car that is full leaves on the next morning, at the earliest; an hour and a half later at most."""


@dataclass(frozen=True)
class Charging:
    """The county's home chargers and generation units."""

    simulation: Simulation
    contracts: Contracts

    def write_archives(self, folder: Path) -> None:
        """ev_charger.csv and der_unit.csv."""
        premises, rows = self.simulation.premises, list[Row]()
        watts = premises.traits.column("ev_charger_w")
        for who in self._chargers.tolist():
            day, kw = date.fromordinal(int(premises.connected[who])), float(watts[who]) / 1000.0
            point = premises.service_point_id[who]
            rows.append((self._charger_id[who], point, kw, "ac", 1, day, known_at(day)))
        columns = "CHARGER_ID SP_ID RATED_KW CURRENT CONNECTORS INSTALL_DATE UPDATED_AT"
        write_csv(folder / "ev_charger.csv", columns, rows)
        write_csv(
            folder / "der_unit.csv",
            "UNIT_ID SP_ID KIND RATED_KW TILT AZIMUTH COMMISSION_DATE UPDATED_AT",
            self._units(),
        )

    def write_month(self, month: Month, files: SubjectFiles) -> None:
        """The sessions that begin on the county's days of a month, known when the car has left."""
        simulation, chargers = self.simulation, self._chargers
        days = simulation.calendar.ordinal[month.begin : month.end]
        if not len(chargers):
            return
        traits = np.ascontiguousarray(simulation.premises.traits.physical[chargers])
        out = np.empty((len(chargers) * len(days), 4))
        span = simulation.premises.span()[chargers]
        count = charging_sessions(traits, simulation.premises.keys[chargers], span, days, out)
        found = out[:count]
        for row, day, minute, wh in found[np.lexsort((found[:, 0], found[:, 2], found[:, 1]))].tolist():
            self._put(int(chargers[int(row)]), int(day), minute, wh, files)

    def _put(self, who: int, day: int, minute: float, wh: float, files: SubjectFiles) -> None:
        watts = float(self.simulation.premises.traits.column("ev_charger_w")[who])
        full = minute + 60.0 * wh / watts
        u = float(Stream(self.simulation.settings.seed, "unplug").uniform(who, day)[0])
        leaves = max(1440.0 + LEAVES_AT + 90.0 * u, full + 5.0)
        known = day + int(leaves) // 1440
        rows = self.contracts.rows_of(slice(who, who + 1))
        held = [row for row in rows if self.contracts.begins[row] <= day < self.contracts.ends[row]]
        files.put(
            SESSION,
            known,
            (
                f"E{day % 100000:05d}{self._charger_id[who][2:]}",
                self._charger_id[who],
                self.contracts.customer_id[held[0]] if held else None,
                moment(day, minute),
                moment(day, full),
                moment(day, leaves),
                f"{wh / 1000.0:.3f}",
                moment(day, leaves + 3),
            ),
        )

    def _units(self) -> list[Row]:
        premises, seed = self.simulation.premises, self.simulation.settings.seed
        peak = premises.traits.column("pv_peak_kw")
        known = Stream(seed, "unit on file").uniform(np.arange(len(premises))) < UNITS_ON_FILE
        names = opaque_ids("DG", 8, np.arange(len(premises)), seed)
        roofs = np.flatnonzero((peak > 0.0) & known)
        lies = Stream(seed, "roof lies")
        rows: list[Row] = []
        for who in roofs.tolist():
            tilt, turned = lies.uniform(who, np.arange(2)).tolist()
            day = date.fromordinal(int(premises.connected[who]))
            lie = (round(10 + 20 * tilt), round(180 + 60 * (turned - 0.5)))
            point, rated = premises.service_point_id[who], round(float(peak[who]), 1)
            rows.append((names[who], point, "pv", rated, *lie, day, known_at(day)))
        return rows

    @cached_property
    def _chargers(self) -> NDArray[np.int64]:
        """Premises whose charger is on file."""
        premises = self.simulation.premises
        known = Stream(self.simulation.settings.seed, "charger on file").uniform(np.arange(len(premises)))
        return np.flatnonzero((premises.traits.column("ev_charger_w") > 0.0) & (known < CHARGERS_ON_FILE))

    @cached_property
    def _charger_id(self) -> list[str]:
        return opaque_ids("CP", 8, np.arange(len(self.simulation.premises)), self.simulation.settings.seed)
