"""Where the supply failed: works by plan, faults of lines and transformers that follow wind, heat and cold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.archive import known_at
from gridloop.twin.seeds import Stream
from gridloop.twin.simulation import Month, Simulation
from gridloop.twin.subjects.assets import EVENT, Assets
from gridloop.twin.subjects.files import SourceKind, SubjectFiles, moment

OUTAGE = SourceKind(
    "service/outage",
    "OUTAGE_ID OUTAGE_KIND LINE_ID TG_ID ASSET_ID START_TIME END_TIME CAUSE CUSTOMERS UPDATED_AT",
)
INTERRUPTION = SourceKind("service/interruption", "OUTAGE_ID SP_ID START_TIME END_TIME UPDATED_AT")

FEEDER_FAULTS_A_DAY = 0.0011
TRANSFORMER_FAULTS_A_DAY = 0.00016
"""Of a sound new one, on a mild day."""

PLANNED_A_MONTH = 0.06
"""Works on a feeder."""


@dataclass(frozen=True, slots=True)
class Outage:
    """One outage: whose supply, minutes after the beginning of civil day `day` (an ordinal), and why."""

    outage_id: str
    kind: str
    feeder: int
    transformer: int | None
    day: int
    begins: int
    ends: int
    cause: str
    premises: NDArray[np.int64]


@dataclass(frozen=True)
class Outages:
    """The county's outages. They do not empty the meters' readings."""

    simulation: Simulation
    assets: Assets

    def of_month(self, month: Month) -> list[Outage]:
        """All outages that begin on the county's days of a month, in order of time."""
        found = [*self._planned(month), *self._feeder_faults(month), *self._transformer_faults(month)]
        return sorted(found, key=lambda each: (each.day, each.begins, each.outage_id))

    def write(self, outages: list[Outage], files: SubjectFiles, service: bool, repairs: bool) -> None:
        """Outages and whom they hit, and the repairs; a fault is known when it begins and again when it ends, works
        the day before.
        """
        for each in outages:
            if service:
                self._write(each, files)
            if repairs and each.transformer is not None:
                self._write_repair(each, self.assets.asset_id[each.transformer], files)

    def _write(self, each: Outage, files: SubjectFiles) -> None:
        network, points = self.simulation.network, self.simulation.premises.service_point_id
        start, end = moment(each.day, each.begins), moment(each.day, each.ends)
        whole = each.transformer is None
        asset = None if each.transformer is None else self.assets.asset_id[each.transformer]
        area = None if each.transformer is None else network.transformer_id[each.transformer]
        head = (each.outage_id, each.kind, network.feeder_id[each.feeder] if whole else None, area, asset)
        tail = (each.cause, len(each.premises))
        if each.kind == "planned":
            files.put(OUTAGE, each.day - 1, (*head, start, end, *tail, moment(each.day - 1, 960)))
        else:
            files.put(OUTAGE, each.day, (*head, start, None, *tail, moment(each.day, each.begins + 4)))
            ended = each.day + each.ends // 1440
            files.put(OUTAGE, ended, (*head, start, end, *tail, moment(each.day, each.ends + 6)))
        known = known_at(date.fromordinal(each.day + each.ends // 1440))
        for who in each.premises.tolist():
            row = (each.outage_id, points[who], start, end, known)
            files.put(INTERRUPTION, each.day + each.ends // 1440, row)

    def _write_repair(self, each: Outage, asset: str, files: SubjectFiles) -> None:
        ended = each.day + each.ends // 1440
        fault = (f"AF{each.outage_id[1:]}", asset, "fault", moment(each.day, each.begins), each.cause, None)
        repair = (f"AR{each.outage_id[1:]}", asset, "repair", moment(each.day, each.ends), each.cause)
        known = known_at(date.fromordinal(ended))
        files.put(EVENT, ended, (*fault, known))
        files.put(EVENT, ended, (*repair, f"{1800 + 3 * (each.ends - each.begins):.2f}", known))

    @cached_property
    def _stress(self) -> NDArray[np.float64]:
        """[days] how much likelier a fault is than on a mild day: wind from 6 m/s, heat from 33 °C, cold from −4 °C."""
        weather = self.simulation.weather
        wind, top = weather.wind_m_s[:-1].max(axis=1), weather.temperature_c[:-1].max(axis=1)
        low = weather.temperature_c[:-1].min(axis=1)
        stress: NDArray[np.float64] = (
            1.0
            + 1.2 * np.maximum(wind - 6.0, 0.0)
            + 0.5 * np.maximum(top - 33.0, 0.0)
            + 0.4 * np.maximum(-4.0 - low, 0.0)
        )
        return stress

    def _planned(self, month: Month) -> Iterator[Outage]:
        feeders = np.arange(len(self.simulation.network.feeder_id))
        first = month.first.toordinal()
        drawn = Stream(self.simulation.settings.seed, "planned outage").uniform(
            feeders[:, None], first, np.arange(4)
        )
        for feeder, u in zip(feeders.tolist(), drawn.tolist(), strict=True):
            day = first + int(u[1] * 28.0)
            while date.fromordinal(day).weekday() >= 5:
                day += 1
            if u[0] < PLANNED_A_MONTH and self._is_day(month, day):
                ends = 510 + 120 + int(u[2] * 240.0)
                yield self._outage(
                    f"OP{month.first:%y%m}{feeder:05d}",
                    "planned",
                    feeder,
                    None,
                    (day, 510, ends),
                    "maintenance",
                )

    def _feeder_faults(self, month: Month) -> Iterator[Outage]:
        feeders = np.arange(len(self.simulation.network.feeder_id))
        for day, feeder, u in self._struck(month, "feeder fault", feeders, FEEDER_FAULTS_A_DAY):
            cause = ("wind", "tree", "vehicle", "insulator", "animal")[int(u[1] * 5.0)]
            begins = int(u[0] * 1440.0)
            times = (day, begins, begins + 12 + int(150.0 * u[2] ** 2))
            yield self._outage(f"OF{day % 100000:05d}{feeder:05d}", "fault", feeder, None, times, cause)

    def _transformer_faults(self, month: Month) -> Iterator[Outage]:
        network = self.simulation.network
        everyone = np.arange(len(network.transformer_id))
        chance = TRANSFORMER_FAULTS_A_DAY * self.assets.proneness
        for day, which, u in self._struck(month, "transformer fault", everyone, chance):
            cause = ("winding", "overload", "bushing", "oil_leak", "lightning")[int(u[1] * 5.0)]
            begins = int(u[0] * 1440.0)
            times = (day, begins, begins + 45 + int(400.0 * u[2] ** 2))
            feeder = int(network.feeder_of_transformer[which])
            yield self._outage(f"OT{day % 100000:05d}{which:06d}", "fault", feeder, which, times, cause)

    def _struck(
        self, month: Month, what: str, things: NDArray[np.int64], chance: float | NDArray[np.float64]
    ) -> Iterator[tuple[int, int, list[float]]]:
        """Day, thing and three draws of each fault."""
        seed = self.simulation.settings.seed
        days = self.simulation.calendar.ordinal[month.begin : month.end].astype(np.int64)
        stress = self._stress[month.begin : month.end]
        hit = Stream(seed, what).uniform(days[:, None], things) < np.minimum(stress[:, None] * chance, 0.5)
        at, which = np.nonzero(hit)
        drawn = Stream(seed, f"{what}/how").uniform(
            days[at][:, None], things[which][:, None], np.arange(3)
        ) if len(at) else np.zeros((0, 3))  # fmt: skip
        yield from zip(days[at].tolist(), things[which].tolist(), drawn.tolist(), strict=True)

    def _outage(
        self,
        name: str,
        kind: str,
        feeder: int,
        transformer: int | None,
        times: tuple[int, int, int],
        cause: str,
    ) -> Outage:
        network, premises = self.simulation.network, self.simulation.premises
        where = (
            self._feeder_of_premise == feeder
            if transformer is None
            else network.transformer_of_premise == transformer
        )
        hit = np.flatnonzero(where & (premises.connected <= times[0]))
        return Outage(name, kind, feeder, transformer, *times, cause, hit)

    @cached_property
    def _feeder_of_premise(self) -> NDArray[np.int64]:
        return self.simulation.network.feeder_of_premise()

    def _is_day(self, month: Month, day: int) -> bool:
        days = self.simulation.calendar.ordinal
        return bool(days[month.begin] <= day <= days[month.end - 1])
