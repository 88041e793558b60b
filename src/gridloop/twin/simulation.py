"""The clean county: what every premise draws and feeds in, before any dirt, for any block of premises and run
of days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gridloop.twin import loads
from gridloop.twin.almanac import Almanac, almanac
from gridloop.twin.archetypes import Shapes, shapes
from gridloop.twin.network import Network, draw_network
from gridloop.twin.premises import Premises, draw_premises
from gridloop.twin.settings import TwinSettings
from gridloop.twin.weather import Weather, by_slot, smoothed, weather

BLOCK = 2048
"""Premises computed at a time; memory is about 30 MB a block and month, whatever the size of the county."""

_QUARTERS = 96
_GROWTH_ORIGIN = date(2024, 1, 1).toordinal()
_IRRIGATION = {3: 0.35, 4: 0.5, 5: 0.75, 6: 0.7, 7: 0.6, 8: 0.65, 9: 0.4, 10: 0.25}

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Month:
    """The days of one calendar month that lie in the window: positions [begin, end) in the window's days."""

    first: date
    begin: int
    end: int

    @property
    def name(self) -> str:
        """`2025-03`."""
        return f"{self.first:%Y-%m}"


@dataclass(frozen=True)
class Simulation:
    """One county's hidden state and the clean loads that follow from it."""

    settings: TwinSettings

    @cached_property
    def premises(self) -> Premises:
        """The premises."""
        return draw_premises(self.settings)

    @cached_property
    def network(self) -> Network:
        """The network that serves them."""
        return draw_network(self.settings, self.premises)

    @cached_property
    def calendar(self) -> Almanac:
        """The days of the window."""
        return almanac(self.settings.start, self.settings.end)

    @cached_property
    def weather(self) -> Weather:
        """The weather of the window."""
        return weather(self.settings.seed, self.settings.start, self.settings.end)

    @cached_property
    def months(self) -> tuple[Month, ...]:
        """The calendar months of the window, in order."""
        days = self.calendar.days
        starts = [i for i, day in enumerate(days) if i == 0 or day.day == 1]
        return tuple(
            Month(days[begin].replace(day=1), begin, end)
            for begin, end in zip(starts, [*starts[1:], len(days)], strict=True)
        )

    def blocks(self) -> Iterator[slice]:
        """Slices of premises, in order."""
        for begin in range(0, len(self.premises), BLOCK):
            yield slice(begin, min(begin + BLOCK, len(self.premises)))

    def net_wh(self, block: slice, month: Month) -> NDArray[np.int32]:
        """Net energy int32 [premises, days, slots] in Wh per interval: import positive, export negative."""
        premises, span = self.premises, slice(month.begin, month.end)
        days = month.end - month.begin
        traits = premises.traits
        out = np.empty((block.stop - block.start, days, _QUARTERS), dtype=np.int32)
        outdoors, dryness = self._outdoors
        forms, calendar = self._shapes, self.calendar
        loads.fill_net_loads(
            np.ascontiguousarray(traits.physical[block]),
            traits.archetype[block],
            premises.keys[block],
            np.stack([forms.activity, forms.presence]),
            np.ascontiguousarray(forms.drive[:, span]),
            np.column_stack([calendar.ordinal[span], calendar.kind[span]]).astype(np.int32),
            _GROWTH_ORIGIN,
            np.ascontiguousarray(outdoors[:, span]),
            dryness[span],
            premises.capacity_kva[block] * 1000.0,
            premises.span()[block],
            out,
        )
        slots = self.settings.slots
        if slots == _QUARTERS:
            return out
        summed: NDArray[np.int32] = out.reshape(*out.shape[:2], slots, _QUARTERS // slots).sum(
            axis=3, dtype=np.int32
        )
        return summed

    @cached_property
    def _shapes(self) -> Shapes:
        return shapes(self.calendar)

    @cached_property
    def _outdoors(self) -> tuple[Floats, Floats]:
        """[3, days, 96] felt temperature, darkness, yield of 1 kW peak (0.85 system, −0.4 %/K above 25 °C); and
        [days] the chance that a pump runs.
        """
        temperature = by_slot(self.weather.temperature_c, _QUARTERS)
        irradiance = by_slot(self.weather.irradiance_w_m2, _QUARTERS)
        season = np.array([_IRRIGATION.get(day.month, 0.03) for day in self.calendar.days])
        felt = smoothed(temperature, 6.0)
        dark = np.clip(1.0 - irradiance / 150.0, 0.08, 1.0)
        yields = irradiance / 1000.0 * 0.85 * (1.0 - 0.004 * (temperature - 25.0))
        return np.stack([felt, dark, yields]), season * self.weather.dryness
