"""The hidden attributes of the county's premises: drawn here, written to truth, named nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.archetypes import ARCHETYPES, CLASS_SHARES, CLASSES, STREET_LIGHTING
from gridloop.twin.attributes import BEHAVIOURAL, PHYSICAL
from gridloop.twin.seeds import Stream

_GOLDEN = 0.6180339887498949

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Traits:
    """Hidden attributes of all premises.

    Attributes:
        class_code: int64 [premises], index into CLASSES.
        archetype: int64 [premises], index into ARCHETYPES.
        physical: float64 [premises, len(PHYSICAL)].
        behavioural: float64 [premises, len(BEHAVIOURAL)].
    """

    class_code: Ints
    archetype: Ints
    physical: Floats
    behavioural: Floats

    def column(self, name: str) -> Floats:
        """One attribute of all premises; KeyError when there is none of that name."""
        if name in PHYSICAL:
            return self.physical[:, PHYSICAL.index(name)]
        if name in BEHAVIOURAL:
            return self.behavioural[:, BEHAVIOURAL.index(name)]
        raise KeyError(name)


# Per class: median (residential, shop, office, industry, farm, public) and log standard deviation.
_LOGNORMAL: dict[str, tuple[tuple[float, ...], float]] = {
    "standby_w": ((75, 350, 2200, 18000, 450, 1500), 0.45),
    "activity_w": ((120, 900, 5200, 190000, 900, 5200), 0.50),
    "lighting_w": ((55, 350, 900, 6000, 120, 900), 0.40),
    "cooling_w_per_k": ((60, 150, 900, 2500, 30, 700), 0.45),
    "heating_w_per_k": ((34, 70, 330, 900, 45, 280), 0.55),
    "appliance_event_w": ((1150, 800, 1500, 3000, 900, 1500), 0.30),
    "interval_noise": ((0.16, 0.09, 0.05, 0.05, 0.12, 0.05), 0.30),
    "daily_variation": ((0.17, 0.10, 0.05, 0.08, 0.20, 0.06), 0.30),
    "floor_area_m2": ((95, 110, 900, 6000, 300, 2500), 0.40),
}


def draw_traits(seed: int, customers: int, permutation: int | None = None) -> Traits:
    """The hidden attributes of premises 0 … customers − 1.

    Those of a premise do not depend on how many others there are, unless `permutation` reassigns them within a class.
    """
    who = np.arange(customers)
    class_code = _classes(seed, who)
    archetype = _archetypes(seed, who, class_code)
    physical = _physical(seed, who, class_code, archetype)
    behavioural = _behavioural(seed, who, class_code)
    if permutation is not None:
        order = order_within_class(seed, permutation, class_code)
        archetype, physical, behavioural = archetype[order], physical[order], behavioural[order]
    return Traits(class_code, archetype, physical, behavioural)


def _classes(seed: int, who: Ints) -> Ints:
    """Classes by the golden-ratio sequence: shares are met closely at any number of customers."""
    offset = float(Stream(seed, "class").uniform(0)[0])
    place = (who * _GOLDEN + offset) % 1.0
    return np.minimum(np.searchsorted(np.cumsum(CLASS_SHARES), place, side="right"), len(CLASSES) - 1)


def _archetypes(seed: int, who: Ints, class_code: Ints) -> Ints:
    chosen = np.zeros(len(who), dtype=np.int64)
    for code, name in enumerate(CLASSES):
        members = [index for index, archetype in enumerate(ARCHETYPES) if archetype.customer_class == name]
        drawn = Stream(seed, f"archetype/{name}").choice([ARCHETYPES[m].share for m in members], who)
        chosen = np.where(class_code == code, np.array(members)[drawn], chosen)
    return chosen


def _physical(seed: int, who: Ints, class_code: Ints, archetype: Ints) -> Floats:
    columns = {name: np.zeros(len(who)) for name in PHYSICAL}
    size = Stream(seed, "size").lognormal(1.0, 0.32, who)  # one premise is large in everything
    for name, (medians, sigma) in _LOGNORMAL.items():
        if name in columns:
            drawn = Stream(seed, name).lognormal(np.array(medians)[class_code], sigma, who)
            columns[name] = drawn * size if name.endswith(("_w", "_per_k")) else drawn
    home = class_code == 0
    _climate(seed, who, class_code, columns)
    columns["appliance_events_per_day"] = np.where(home, 2.0 + 4.0 * Stream(seed, "events").uniform(who), 0.0)
    columns["growth_per_year"] = np.clip(0.02 + 0.035 * Stream(seed, "growth").normal(who), -0.08, 0.15)
    columns["absence_rate"] = np.where(home, 0.10 * Stream(seed, "absence").uniform(who) ** 2, 0.0)
    columns["phase_shift_hours"] = np.where(home, 0.8, 0.35) * np.clip(
        Stream(seed, "phase").normal(who), -2.5, 2.5
    )
    _vehicles(seed, who, class_code, columns)
    _generation_and_pumps(seed, who, class_code, columns)
    lamps = archetype == STREET_LIGHTING
    for name in ("activity_w", "cooling_w_per_k", "heating_w_per_k"):
        columns[name] = np.where(lamps, 0.0, columns[name])
    columns["lighting_w"] = np.where(lamps, 12.0 * columns["lighting_w"], columns["lighting_w"])
    return np.column_stack([columns[name] for name in PHYSICAL])


def _climate(seed: int, who: Ints, class_code: Ints, columns: dict[str, Floats]) -> None:
    """Setpoints and limits; some homes have no cooling and most are heated without electricity."""
    cooled = Stream(seed, "cooled").uniform(who) < np.array([0.90, 0.95, 1.0, 0.8, 0.35, 0.95])[class_code]
    heated = Stream(seed, "heated").uniform(who) < np.array([0.42, 0.65, 0.8, 0.5, 0.45, 0.7])[class_code]
    columns["cooling_w_per_k"] *= cooled
    columns["heating_w_per_k"] *= heated
    columns["cooling_setpoint_c"] = 25.5 + 1.3 * np.clip(Stream(seed, "cool at").normal(who), -2.0, 2.0)
    columns["heating_setpoint_c"] = 11.0 + 2.2 * np.clip(Stream(seed, "heat at").normal(who), -2.0, 2.0)
    columns["cooling_limit_w"] = columns["cooling_w_per_k"] * (
        9.0 + 4.0 * Stream(seed, "cool limit").uniform(who)
    )
    columns["heating_limit_w"] = columns["heating_w_per_k"] * (
        13.0 + 6.0 * Stream(seed, "heat limit").uniform(who)
    )


def _vehicles(seed: int, who: Ints, class_code: Ints, columns: dict[str, Floats]) -> None:
    share = np.array([0.075, 0.03, 0.0, 0.0, 0.0, 0.0])[class_code]
    owned = (Stream(seed, "vehicle").uniform(who) < share).astype(np.float64)
    columns["ev_charger_w"] = owned * np.where(Stream(seed, "charger").uniform(who) < 0.72, 7000.0, 3500.0)
    columns["ev_session_kwh"] = owned * np.clip(Stream(seed, "session").lognormal(14.0, 0.4, who), 4.0, 45.0)
    columns["ev_plug_probability"] = owned * (0.25 + 0.5 * Stream(seed, "plug").uniform(who))
    late = Stream(seed, "plug late").uniform(who) < 0.35  # a timer waits for the valley price
    columns["ev_plug_hour"] = owned * np.where(late, 22.3, 18.6 + 0.9 * Stream(seed, "plug at").normal(who))


def _generation_and_pumps(seed: int, who: Ints, class_code: Ints, columns: dict[str, Floats]) -> None:
    shares = np.array([0.045, 0.03, 0.08, 0.15, 0.12, 0.10])[class_code]
    medians = np.array([6.0, 12.0, 60.0, 350.0, 15.0, 60.0])[class_code]
    owned = (Stream(seed, "roof").uniform(who) < shares).astype(np.float64)
    columns["pv_peak_kw"] = owned * Stream(seed, "roof size").lognormal(medians, 0.3, who)
    pumped = ((class_code == 4) & (Stream(seed, "pump").uniform(who) < 0.85)).astype(np.float64)
    columns["pump_w"] = pumped * Stream(seed, "pump size").lognormal(5500.0, 0.4, who)
    columns["pump_hours"] = pumped * (3.0 + 7.0 * Stream(seed, "pump hours").uniform(who))


def _behavioural(seed: int, who: Ints, class_code: Ints) -> Floats:
    home = class_code == 0
    columns = {
        "price_elasticity": -np.clip(Stream(seed, "elasticity").lognormal(0.22, 0.55, who), 0.02, 0.9),
        "contact_receptiveness": Stream(seed, "receptive").uniform(who) ** 1.7,
        "arrears_propensity": Stream(seed, "arrears").uniform(who) ** 3.0,
        "switching_propensity": np.where(home, 0.0, Stream(seed, "switching").uniform(who) ** 2.5),
        "household_persons": np.where(home, 1.0 + Stream(seed, "persons").choice([2, 5, 6, 3, 1], who), 0.0),
        "floor_area_m2": Stream(seed, "floor").lognormal(
            np.array(_LOGNORMAL["floor_area_m2"][0])[class_code], 0.4, who
        ),
        **_answering(seed, who),
    }
    return np.column_stack([columns[name] for name in BEHAVIOURAL])


def _answering(seed: int, who: Ints) -> dict[str, Floats]:
    """What else decides how people answer an offer; sources in docs/methods/twin.md."""
    return {
        "avoided_share_returned": 0.2 + 0.6 * Stream(seed, "returned").uniform(who),
        "raises_evening_use": (Stream(seed, "boomerang").uniform(who) < 0.08).astype(np.float64),
        "contact_saving_share": 0.01 + 0.02 * np.clip(Stream(seed, "nudge").normal(who), -3.0, 3.0),
        "tariff_leaving_per_day": Stream(seed, "leaving").lognormal(0.0002, 0.6, who),
    }


def order_within_class(seed: int, permutation: int, class_code: Ints) -> Ints:
    """Which premise's attributes each premise gets: a shuffle inside every class."""
    order = np.arange(len(class_code))
    rank = Stream(seed, f"reassign/{permutation}").bits(order)
    for code in range(len(CLASSES)):
        members = np.flatnonzero(class_code == code)
        order[members] = members[np.argsort(rank[members])]
    return order
