"""Detectors scored on faults planted in seeded, realistic load: recall and false accusations (`pytest -s`
prints them).

The load is built from appliances, not from anything the detectors know: fridges that cycle, kettles, ovens,
showers, electric heating, cars that charge for hours, cars bought in mid-year, weekend houses, homes left
with only a fridge, homes without any load, families that move out. Quarter-hours over one year.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache

import numpy as np

from gridloop.domain.reading import ReadingQuality
from gridloop.kernels.validation import EventKind, Validation, validate_readings

MINUTES, PER_HOUR, PER_DAY, DAYS = 15, 4, 96, 365
SLOTS = np.full(DAYS, PER_DAY, np.int32)
OCCUPIED = ("family", "electric_heat", "car", "new_car", "small_flat")
UNOCCUPIED = ("weekend_house", "fridge_only", "rare_visits", "moved_out", "no_load", "solar_import")


@dataclass(frozen=True)
class Fleet:
    """Homes [meters, days × 96] in Wh per quarter-hour, and which kind each is."""

    load: np.ndarray
    kinds: tuple[str, ...]

    def of(self, kinds: tuple[str, ...]) -> np.ndarray:
        return np.array([i for i, kind in enumerate(self.kinds) if kind in kinds])


def appliance(
    rng: np.random.Generator,
    load: np.ndarray,
    watts: float,
    minutes: float,
    per_day: float,
    hours: tuple[float, ...],
) -> None:
    """Add uses of one appliance at hours drawn around the given ones, with energy split over the intervals
    it spans.
    """
    uses = rng.poisson(per_day * DAYS)
    start = rng.integers(0, DAYS, uses) * 1440 + rng.normal(rng.choice(hours, uses) * 60, 50)
    length = minutes * rng.lognormal(0, 0.3, uses)
    for step in range(int(minutes * 3 / MINUTES) + 2):
        slot = np.floor(start / MINUTES).astype(int) + step
        overlap = np.clip(
            np.minimum(start + length, (slot + 1) * MINUTES) - np.maximum(start, slot * MINUTES), 0, None
        )
        inside = (slot >= 0) & (slot < len(load))
        np.add.at(load, slot[inside], watts * overlap[inside] / 60)


def home(rng: np.random.Generator, kind: str) -> np.ndarray:
    """One year of one home, Wh per quarter-hour as its meter counts them."""
    n = DAYS * PER_DAY
    hour = np.arange(n) / PER_HOUR
    if kind == "no_load":
        return np.zeros(n)
    fridge = rng.uniform(60, 120) * (
        np.sin(hour * 2 * np.pi / rng.uniform(0.8, 1.6) + rng.uniform(0, 6)) > 0.2
    )
    load = (rng.uniform(5, 60) + fridge) * rng.lognormal(0, 0.05, n) / PER_HOUR
    if kind == "fridge_only":
        return np.round(load)
    busy = 0.6 if kind == "small_flat" else rng.uniform(0.8, 1.6)
    appliance(rng, load, rng.uniform(1800, 3000), 4, 5 * busy, (7, 8, 13, 18, 21))
    appliance(rng, load, rng.uniform(1500, 2500), 45, 0.8 * busy, (18.5,))
    appliance(rng, load, rng.uniform(1800, 2200), 60, 0.4 * busy, (10, 19))
    appliance(rng, load, rng.uniform(100, 400), 200, 1.0, (19.5,))
    if kind in ("family", "electric_heat") and rng.random() < 0.6:
        appliance(rng, load, rng.uniform(7000, 10500), 8, 1.5 * busy, (7, 20))
    if kind == "electric_heat":
        cold = np.clip(np.cos(hour / 24 / DAYS * 2 * np.pi), 0, None)
        wanted = np.isin(np.floor(hour % 24), [5, 6, 7, 16, 17, 18, 19, 20, 21])
        load += cold * wanted * rng.uniform(1500, 6000) / PER_HOUR * rng.uniform(0.7, 1.0, n)
    if kind in ("car", "new_car"):
        car = np.zeros(n)
        appliance(
            rng,
            car,
            rng.choice([3600, 7200, 11000]),
            rng.uniform(60, 240),
            rng.uniform(0.2, 0.7),
            (1, 19, 23),
        )
        bought = rng.integers(PER_DAY * 200, PER_DAY * 360) if kind == "new_car" else 0
        load[bought:] += car[bought:]
    if kind == "weekend_house":
        away = (np.arange(n) // PER_DAY) % 7 < 5
        load[away] = (fridge / PER_HOUR)[away]
    if kind == "rare_visits":
        visited = np.isin(np.arange(n) // PER_DAY, rng.choice(DAYS, 5, replace=False))
        load[~visited] = (fridge / PER_HOUR)[~visited]
    if kind == "moved_out":
        load[int(rng.integers(n // 4, n)) :] = 0
    if kind == "solar_import":
        sun = np.clip(np.cos((hour % 24 - 12.5) / 24 * 2 * np.pi), 0, None) * rng.uniform(
            0.2, 1, DAYS
        ).repeat(PER_DAY)
        load = np.clip(load - rng.uniform(3000, 6000) * sun / PER_HOUR, 0, None)
    return np.round(load)


@cache
def fleet(seed: int, homes: int) -> Fleet:
    """Three homes in four are occupied."""
    rng = np.random.default_rng(seed)
    kinds = tuple((OCCUPIED if i % 4 else UNOCCUPIED)[i % 5 if i % 4 else i // 4 % 6] for i in range(homes))
    return Fleet(np.stack([home(rng, kind) for kind in kinds]), kinds)


def validated(load: np.ndarray) -> Validation:
    return validate_readings(load.reshape(-1, DAYS, PER_DAY).astype(np.float32), SLOTS, MINUTES)


def codes_of(load: np.ndarray) -> np.ndarray:
    return validated(load).codes.reshape(len(load), -1)


def plant_spikes(
    load: np.ndarray, rng: np.random.Generator, factor: float, each: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """Replace `each` intervals a meter by `factor` times its greatest reading, at random places."""
    spoiled, where = load.copy(), np.zeros(load.shape, bool)
    for m in range(len(load)):
        places = rng.choice(load.shape[1], each, replace=False)
        spoiled[m, places] = np.round(factor * load[m].max())
        where[m, places] = True
    return spoiled, where


def plant_run(
    load: np.ndarray, rng: np.random.Generator, hours: float, value: float | None = 0.0, each: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Replace `each` runs a meter by one value (its first one if None), at random places."""
    spoiled, where = load.copy(), np.zeros(load.shape, bool)
    length = int(hours * PER_HOUR)
    for m in range(len(load)):
        for begin in rng.integers(0, load.shape[1] - length, each):
            spoiled[m, begin : begin + length] = spoiled[m, begin] if value is None else value
            where[m, begin : begin + length] = True
    return spoiled, where


HOMES = 80


def tell(line: str) -> None:
    """Show a measured number to whoever runs pytest with -s."""
    sys.stdout.write(line + "\n")


def test_spikes_of_five_times_the_peak_are_found_in_occupied_homes() -> None:
    homes = fleet(11, HOMES)
    load = homes.load[homes.of(OCCUPIED)]
    for factor, least in ((2.0, 0.0), (3.0, 0.95), (5.0, 0.95), (10.0, 0.95), (50.0, 0.95)):
        spoiled, where = plant_spikes(load, np.random.default_rng(int(factor)), factor)
        codes = codes_of(spoiled)
        recall = (codes[where] == ReadingQuality.SUSPECT_SPIKE).mean()
        beside = (codes[~where] == ReadingQuality.SUSPECT_SPIKE).sum()
        tell(f"spikes of {factor:g} × the peak: recall {recall:.3f}, {beside} other intervals accused")
        assert recall >= least
        assert beside <= where.sum() * 0.01


def test_sound_load_is_hardly_ever_called_a_spike() -> None:
    homes = fleet(12, HOMES)
    codes = codes_of(homes.load)
    accused = int((codes == ReadingQuality.SUSPECT_SPIKE).sum())
    rate = accused / codes.size * 100_000
    tell(f"sound load: {accused} of {codes.size} intervals called a spike, {rate:.2f} in 100,000")
    assert rate <= 1


def test_zero_runs_from_six_hours_are_found_in_occupied_homes() -> None:
    homes = fleet(13, HOMES)
    load = homes.load[homes.of(OCCUPIED)]
    for hours, least in ((3, 0.0), (6, 0.95), (12, 0.95), (48, 0.95), (240, 0.95)):
        spoiled, where = plant_run(load, np.random.default_rng(int(hours)), hours)
        recall = (codes_of(spoiled)[where] == ReadingQuality.SUSPECT_ZERO_RUN).mean()
        tell(f"zero runs of {hours} h: recall {recall:.3f}")
        assert recall >= least


def test_sound_meters_are_hardly_ever_accused_of_zero_runs() -> None:
    homes = fleet(12, HOMES)
    found = validated(homes.load)
    accused = set(found.of_kind(EventKind.ZERO_RUN)["meter"].tolist())
    kinds = sorted(homes.kinds[m] for m in accused)
    tell(f"sound load: {len(accused)} of {len(homes.kinds)} meters accused of a zero run: {kinds}")
    assert len(accused) <= 0.005 * len(homes.kinds)


def test_stuck_values_from_a_day_are_found_and_sound_meters_not_accused() -> None:
    homes = fleet(14, HOMES)
    load = homes.load[homes.of(("family", "electric_heat", "car", "new_car"))]
    spoiled, where = plant_run(load, np.random.default_rng(3), 24, value=None)
    readable = where & (spoiled >= 20)
    recall = (codes_of(spoiled)[readable] == ReadingQuality.SUSPECT_STUCK).mean()
    accused = len(set(validated(fleet(12, HOMES).load).of_kind(EventKind.STUCK)["meter"].tolist()))
    tell(f"stuck values of 24 h: recall {recall:.3f}; sound load: {accused} meters accused")
    assert recall >= 0.95
    assert accused == 0


def test_homes_without_load_are_called_habitually_zero_and_moved_out_ones_vacant() -> None:
    homes = fleet(12, HOMES)
    found = validated(homes.load)
    habitual = set(found.of_kind(EventKind.HABITUAL_ZERO)["meter"].tolist())
    assert set(homes.of(("no_load",)).tolist()) <= habitual
    for m in homes.of(("moved_out",)).tolist():
        zeros = int((homes.load[m] == 0).sum())
        if 28 * PER_DAY <= zeros < 0.5 * DAYS * PER_DAY:
            assert m in found.of_kind(EventKind.VACANT)["meter"]
