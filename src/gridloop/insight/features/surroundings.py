"""What was around the meters on each day: holidays, worked weekends and the outdoor temperature by hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView
    from gridloop.kernels.calendar import DayCalendar

EPOCH = date(1970, 1, 1).toordinal()
HOUR_US = 3_600_000_000
LONGEST_GAP_HOURS = 6
"""Gaps in the temperature up to this long are interpolated."""

_NO_TEMPERATURE = (0, np.empty((0, 24), dtype=np.float32))


@dataclass(frozen=True)
class Surroundings:
    """Holidays, worked weekends and temperatures of a workspace.

    Attributes:
        holidays: public holidays of any region.
        adjusted_workdays: weekend days that are worked.
        first_hour: ordinal of the first day with a temperature; 0 when there is none.
        temperature_c: float32[days, 24], mean of all stations by wall-clock hour, NaN unknown.
    """

    holidays: frozenset[date]
    adjusted_workdays: frozenset[date]
    first_hour: int
    temperature_c: npt.NDArray[np.float32]

    def calendar(self, first: date, days: int, zone: str, interval_minutes: int) -> DayCalendar:
        """The kernels' calendar of `days` civil days from `first`."""
        from gridloop.kernels.calendar import day_calendar

        temperature = None
        if len(self.temperature_c):
            temperature = np.full((days, 24), np.nan, dtype=np.float32)
            shift = self.first_hour - first.toordinal()
            start, stop = max(0, shift), min(days, shift + len(self.temperature_c))
            if start < stop:
                temperature[start:stop] = self.temperature_c[start - shift : stop - shift]
        return day_calendar(
            first,
            days,
            zone,
            interval_minutes,
            holidays=self.holidays,
            adjusted_workdays=self.adjusted_workdays,
            temperature=temperature,
        )


def surroundings(view: LakeView, zone: str, *, weather: bool = True) -> Surroundings:
    """Read the calendar and the observed weather.

    Args:
        view: where to read; only what was known at its point of knowledge.
        zone: whose wall clock the hours are on.
        weather: whether temperatures are wanted.
    """
    kinds: dict[str, set[date]] = {"holiday": set(), "adjusted_workday": set()}
    if view.exists("calendar"):
        for row in view.arrow("calendar", columns=["day", "day_kind"]).to_pylist():
            kinds.get(row["day_kind"], set()).add(row["day"])
    first, temperature = _hourly_temperature(view, zone) if weather else _NO_TEMPERATURE
    return Surroundings(frozenset(kinds["holiday"]), frozenset(kinds["adjusted_workday"]), first, temperature)


def _hourly_temperature(view: LakeView, zone: str) -> tuple[int, npt.NDArray[np.float32]]:
    from gridloop.kernels.civil_time import zone_transitions

    if not view.exists("weather"):
        return _NO_TEMPERATURE
    rows = view.arrow("weather", columns=["time", "temperature_c", "kind"])
    observed = np.array(rows.column("kind").to_pylist(), dtype=object) == "observed"
    stamps = rows.column("time").cast(pa.int64()).to_numpy()
    degrees = rows.column("temperature_c").to_numpy()
    use = observed & np.isfinite(degrees)
    if not use.any():
        return _NO_TEMPERATURE
    stamps, degrees = stamps[use], degrees[use]
    transitions, offsets = zone_transitions(zone, int(stamps.min()), int(stamps.max()) + 1)
    # hours on the wall, as the kernels have them: a repeated one is averaged, a skipped one bridged
    wall = (stamps + offsets[np.searchsorted(transitions, stamps, side="right") - 1]) // HOUR_US
    day, hour = wall // 24, wall % 24
    first = int(day.min())
    total = np.zeros((int(day.max()) - first + 1, 24))
    count = np.zeros_like(total)
    place = (day - first, hour)
    np.add.at(total, place, degrees)
    np.add.at(count, place, 1)
    with np.errstate(invalid="ignore"):
        means = total / np.where(count > 0, count, np.nan)
    return EPOCH + first, bridged(means.ravel(), LONGEST_GAP_HOURS).reshape(means.shape).astype(np.float32)


def bridged(values: npt.NDArray[np.float64], longest: int) -> npt.NDArray[np.float64]:
    """A series with gaps of at most `longest` values filled by a straight line; longer ones and the ends stay NaN.

    Source: CalTRACK 2.0, section 2.3: temperature gaps of up to six hours may be interpolated.
    """
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2:
        return values
    place = np.arange(len(values))
    after = np.searchsorted(known, place)
    inside = (after > 0) & (after < len(known)) & ~np.isfinite(values)
    gap = known[np.minimum(after, len(known) - 1)] - known[np.maximum(after - 1, 0)] - 1
    filled = values.copy()
    use = inside & (gap <= longest)
    filled[use] = np.interp(place[use], known, values[known])
    return filled
