"""What the statistical office published of the county: people and economy by region and year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from gridloop.twin.archive import Row, write_csv
from gridloop.twin.network import COUNTY_ID, TOWNS, VILLAGES, town_id, village_id
from gridloop.twin.seeds import Stream
from gridloop.twin.simulation import Simulation

YEARS_BACK = 4
PERSONS_A_HOME = 2.7
OFFICE = "澜禾县统计局"

_INDICATORS = (
    ("gdp", "CNY_million", 0.052, 0.021),
    ("industrial_output", "CNY_million", 0.034, 0.035),
    ("retail_sales", "CNY_million", 0.019, 0.045),
    ("income_per_person", "CNY", 41_000.0, 0.048),
)
"""Name, unit, level (per person in 2021, in CNY million or CNY), mean growth a year."""


@dataclass(frozen=True)
class Statistics:
    """The yearly figures; those of a year are published on 20 March of the next."""

    simulation: Simulation

    def write(self, folder: Path, last: date) -> None:
        """population.csv and economy.csv with what was published by that day."""
        published = [
            year
            for year in range(self.simulation.settings.start.year - YEARS_BACK, last.year)
            if date(year + 1, 3, 20) <= last
        ]
        write_csv(
            folder / "population.csv",
            "REGION_ID DAY PERSONS HOUSEHOLDS SHARE_OVER_65 AREA_KM2 UPDATED_AT",
            (row for year in published for row in self._population(year)),
        )
        write_csv(
            folder / "economy.csv",
            "REGION_ID INDICATOR PERIOD_BEGIN PERIOD_END VALUE UNIT SOURCE UPDATED_AT",
            (row for year in published for row in self._economy(year)),
        )

    def _population(self, year: int) -> Iterator[Row]:
        homes = self._homes()
        known = f"{year + 1}-03-20T10:00:00+08:00"
        stream = Stream(self.simulation.settings.seed, "population")
        total = np.zeros(3)
        for town in range(len(TOWNS)):
            sums = np.zeros(3)
            for village in range(len(VILLAGES)):
                u = stream.uniform(town, village, np.arange(3))
                households = int(homes[town, village] * (1.0 + 0.004 * (year - 2021)) + 0.5)
                persons = int(households * PERSONS_A_HOME * (0.9 + 0.2 * u[0]) + 0.5)
                old = round(0.14 + 0.10 * float(u[1]) + 0.004 * (year - 2021), 3)
                area = round(4.0 + 14.0 * float(u[2]), 1)
                sums += (persons, households, area)
                yield village_id(town, village), date(year, 12, 31), persons, households, old, area, known
            total += sums
            yield self._sum(town_id(town), year, sums, known)
        yield self._sum(COUNTY_ID, year, total, known)

    def _sum(self, region: str, year: int, sums: np.ndarray, known: str) -> Row:
        return (region, date(year, 12, 31), int(sums[0]), int(sums[1]), None, round(float(sums[2]), 1), known)

    def _homes(self) -> np.ndarray:
        """[towns, villages] homes served."""
        network, premises = self.simulation.network, self.simulation.premises
        towns = network.town_of_feeder[network.feeder_of_premise()]
        home = premises.traits.class_code == 0
        counts = np.zeros((len(TOWNS), len(VILLAGES)))
        np.add.at(counts, (towns[home], network.village_of_premise[home]), 1.0)
        return counts

    def _economy(self, year: int) -> Iterator[Row]:
        persons = {row[0]: row[2] for row in self._population(year)}
        known = f"{year + 1}-03-20T10:00:00+08:00"
        regions = [COUNTY_ID, *(town_id(town) for town in range(len(TOWNS)))]
        for place, region in enumerate(regions):
            for number, (name, unit, level, growth) in enumerate(_INDICATORS):
                stream = Stream(self.simulation.settings.seed, f"economy/{name}")
                wealth = 0.85 + 0.3 * float(stream.uniform(place, 0)[0])
                shock = 1.0 + 0.015 * float(stream.normal(place, year)[0])
                value = level * wealth * shock * (1.0 + growth) ** (year - 2021)
                value *= 1 if unit == "CNY" else persons[region]
                span = (date(year, 1, 1), date(year + 1, 1, 1))
                yield region, name, *span, round(value, 0 if number == 3 else 2), unit, OFFICE, known
