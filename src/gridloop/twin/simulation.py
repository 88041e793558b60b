"""The clean county: what every premise draws and feeds in, before any dirt, for any block of premises and run
of days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gridloop.twin import loads
from gridloop.twin.almanac import Almanac, almanac
from gridloop.twin.archetypes import Shapes, shapes
from gridloop.twin.network import Network, draw_network
from gridloop.twin.premises import Premises, draw_premises
from gridloop.twin.settings import CUTOFF_DAYS, TwinSettings
from gridloop.twin.thefts import Thefts, draw_thefts
from gridloop.twin.weather import Weather, by_slot, smoothed, weather

if TYPE_CHECKING:
    from gridloop.twin.responses import Responses

BLOCK = 2048
"""Premises computed at a time; memory is about 30 MB a block and month, whatever the size of the county."""

_QUARTERS = 96
_GROWTH_ORIGIN = date(2024, 1, 1).toordinal()
_IRRIGATION = {3: 0.35, 4: 0.5, 5: 0.75, 6: 0.7, 7: 0.6, 8: 0.65, 9: 0.4, 10: 0.25}

Floats = NDArray[np.float64]

Members = slice | NDArray[np.int64]
"""A run of premises, or their indices in ascending order."""


@dataclass(frozen=True, slots=True)
class Month:
    """The days of one calendar month that are asked for: positions [begin, end) in the county's days."""

    first: date
    begin: int
    end: int

    @property
    def name(self) -> str:
        """`2025-03`."""
        return f"{self.first:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one export brings.

    Attributes:
        months: the calendar months of its days; of a month that an earlier export began, all its days.
        first: ordinal of its first new day.
        cutoff: ordinal of the last day on which something could still arrive and be part of it.
        continued: whether an earlier export came before it.
    """

    months: tuple[Month, ...]
    first: int
    cutoff: int
    continued: bool

    def label(self, month: Month) -> str:
        """How files of a month are named: `2026-01`, and by the first new day where an earlier export began it."""
        day = date.fromordinal(self.first)
        return f"{day}" if self.continued and month.first < day else month.name

    def year_label(self, day: date) -> str:
        """The same for files of a year that begin with `day`: `2026`, or the day within a year that was begun."""
        return f"{day}" if self.continued and (day.month, day.day) != (1, 1) else f"{day.year}"


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
    def thefts(self) -> Thefts:
        """Who steals; nobody, unless the settings ask for thefts."""
        return draw_thefts(self.settings, self.premises)

    @cached_property
    def calendar(self) -> Almanac:
        """The days of the window and those after it."""
        return almanac(self.settings.start, self.settings.last_day)

    @cached_property
    def weather(self) -> Weather:
        """The weather of these days and of the day after."""
        beyond = self.settings.last_day + timedelta(days=1)
        return weather(self.settings.seed, self.settings.start, beyond)

    @cached_property
    def months(self) -> tuple[Month, ...]:
        """The calendar months of the window, in order."""
        return self._months(self.settings.days)

    @cached_property
    def first_export(self) -> Delivery:
        """The window's days."""
        settings = self.settings
        return Delivery(self.months, settings.start.toordinal(), settings.cutoff.toordinal(), continued=False)

    @cached_property
    def continuation(self) -> Delivery:
        """The days after the window."""
        settings = self.settings
        months = self._months(len(self.calendar.days))
        last = settings.last_day + timedelta(days=CUTOFF_DAYS)
        return Delivery(
            tuple(month for month in months if month.end > settings.days),
            settings.end.toordinal() + 1,
            last.toordinal(),
            continued=True,
        )

    def _months(self, count: int) -> tuple[Month, ...]:
        days = self.calendar.days[:count]
        starts = [i for i, day in enumerate(days) if i == 0 or day.day == 1]
        return tuple(
            Month(days[begin].replace(day=1), begin, end)
            for begin, end in zip(starts, [*starts[1:], len(days)], strict=True)
        )

    def blocks(self) -> Iterator[slice]:
        """Slices of premises, in order."""
        for begin in range(0, len(self.premises), BLOCK):
            yield slice(begin, min(begin + BLOCK, len(self.premises)))

    def net_wh(self, block: Members, month: Month, responses: Responses | None = None) -> NDArray[np.int32]:
        """Net energy that the meters record, int32 [premises, days, slots] in Wh per interval: import positive,
        export negative.

        Args:
            block: a run of premises, or their indices in ascending order.
            month: which days.
            responses: what people changed after the window because of messages; None for nothing.
        """
        return self.recorded(self.drawn_wh(block, month, responses), block, month)

    def recorded(self, drawn: NDArray[np.int32], block: Members, month: Month) -> NDArray[np.int32]:
        """What meters record of `drawn_wh`: less where somebody steals; the same array where nobody does."""
        ordinals = self.calendar.ordinal[month.begin : month.end]
        return self.thefts.hide(drawn, self._indices(block), ordinals)

    def drawn_wh(self, block: Members, month: Month, responses: Responses | None = None) -> NDArray[np.int32]:
        """Net energy that flows, metered or not; as `net_wh` otherwise."""
        out = self._quarters(block, month)
        if responses is not None:
            responses.apply(out, self._indices(block), self.calendar.ordinal, slice(month.begin, month.end))
        slots = self.settings.slots
        if slots == _QUARTERS:
            return out
        summed: NDArray[np.int32] = out.reshape(*out.shape[:2], slots, _QUARTERS // slots).sum(
            axis=3, dtype=np.int32
        )
        return summed

    def _indices(self, block: Members) -> NDArray[np.int64]:
        return np.arange(block.start, block.stop) if isinstance(block, slice) else block

    def _quarters(self, block: Members, month: Month) -> NDArray[np.int32]:
        premises, span = self.premises, slice(month.begin, month.end)
        keys, traits = premises.keys[block], premises.traits
        out = np.empty((len(keys), month.end - month.begin, _QUARTERS), dtype=np.int32)
        outdoors, dryness = self._outdoors
        forms, calendar = self._shapes, self.calendar
        loads.fill_net_loads(
            np.ascontiguousarray(traits.physical[block]),
            traits.archetype[block],
            keys,
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
        return out

    @cached_property
    def _shapes(self) -> Shapes:
        return shapes(self.calendar)

    @cached_property
    def _outdoors(self) -> tuple[Floats, Floats]:
        """[3, days, 96] felt temperature, darkness, yield of 1 kW peak (0.85 system, −0.4 %/K above 25 °C); and
        [days] the chance that a pump runs.
        """
        temperature = self._by_quarter(self.weather.temperature_c)
        irradiance = self._by_quarter(self.weather.irradiance_w_m2)
        season = np.array([_IRRIGATION.get(day.month, 0.03) for day in self.calendar.days])
        felt = smoothed(temperature, 6.0)
        dark = np.clip(1.0 - irradiance / 150.0, 0.08, 1.0)
        yields = irradiance / 1000.0 * 0.85 * (1.0 - 0.004 * (temperature - 25.0))
        return np.stack([felt, dark, yields]), season * self.weather.dryness[:-1]

    def _by_quarter(self, hourly: Floats) -> Floats:
        """The window by itself, whose last hour holds, and the days after it up to the hour that follows them: how
        long the county goes on changes no day that was simulated.
        """
        cut = self.settings.days
        return np.concatenate([by_slot(hourly[:cut], _QUARTERS), by_slot(hourly[cut:], _QUARTERS)[:-1]])
