"""Is the energy of the size the recipe promises? A factor of 100 is no customer, it is another unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gridloop.data.recipe import Readings, SourceFile
from gridloop.domain.errors import SourceMismatch

SUSPICIOUS_FACTOR = 100.0
"""How far beyond the typical range the median daily energy must lie before a unit is suspected."""


def median_by_group(
    group: NDArray[np.int64], value: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Median of the values of each group.

    Returns:
        the groups int64[g] ascending and their medians float64[g]; the lower middle value for an even count.
    """
    order = np.lexsort((value, group))
    sorted_group = group[order]
    starts = (
        np.flatnonzero(np.r_[True, sorted_group[1:] != sorted_group[:-1]])
        if len(order)
        else np.zeros(0, np.int64)
    )
    ends = np.r_[starts[1:], len(order)]
    return sorted_group[starts], value[order][starts + (ends - starts - 1) // 2]


def mean_day_kwh(
    meter: NDArray[np.int32],
    day: NDArray[np.int32],
    wh: NDArray[np.float64],
    interval_minutes: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Energy of each meter's day, scaled from the intervals that are there to 24 hours.

    Returns:
        meter int64[k] and kWh float64[k], one entry for each meter and day.
    """
    key = meter.astype(np.int64) << 32 | (day.astype(np.int64) + (1 << 31)) & 0xFFFFFFFF
    unique, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    watts = wh * 60.0 / interval_minutes
    total = np.bincount(inverse, weights=watts, minlength=len(unique))
    return unique >> 32, total / counts * 24 / 1000


def suspect_meters(
    meter: NDArray[np.int64], day_kwh: NDArray[np.float64], file: SourceFile, name: str, readings: Readings
) -> NDArray[np.int64]:
    """Meters whose median day lies 100 times or more above the typical range; the whole file is refused if it does so.

    Where the connection's capacity judges each interval, a single meter is left to that.

    Args:
        meter: int64[k], one entry per meter and day.
        day_kwh: float64[k].
        file: the role.
        name: of the file.
        readings: its declaration, with `typical_day_kwh`.

    Raises:
        SourceMismatch: the median over all meters lies 100 times or more outside the typical range.
    """
    used = np.isfinite(day_kwh) & (day_kwh != 0)
    if not used.any():
        return np.zeros(0, np.int64)
    meters, medians = median_by_group(meter[used], np.abs(day_kwh[used]))
    low, high = readings.typical_day_kwh
    centre = float(np.median(medians))
    if centre >= high * SUSPICIOUS_FACTOR or centre <= low / SUSPICIOUS_FACTOR:
        raise SourceMismatch(
            f"The values of file {name!r} do not look like {readings.unit}.",
            evidence={
                "median daily energy if they were (kWh)": f"{centre:,.3f}",
                "typical for this source (kWh)": f"{low:g} to {high:g}",
                "meters looked at": len(meters),
                "would fit": _likelier_unit(centre, low, high, readings.unit),
            },
            ways_out=(
                f"Set `unit` in role {file.role!r} of a recipe of your own in <workspace>/recipes.",
                "Check that the file belongs to this role.",
            ),
        )
    if readings.connection_limit is not None:
        return np.zeros(0, np.int64)
    return meters[medians >= high * SUSPICIOUS_FACTOR]


def _likelier_unit(centre: float, low: float, high: float, unit: str) -> str:
    energy = {"Wh": 1e-3, "kWh": 1.0, "MWh": 1e3}
    if unit not in energy:
        return "a unit of energy" if centre < low else "a smaller unit of power"
    native = centre / energy[unit]
    fitting = [
        name for name, factor in energy.items() if name != unit and low / 10 <= native * factor <= high * 10
    ]
    return fitting[0] if fitting else "no energy unit known here"
