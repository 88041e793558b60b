"""The premises the county serves: identifiers, connection, occupation, meters and capacity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.seeds import Stream
from gridloop.twin.settings import TwinSettings
from gridloop.twin.traits import Traits, draw_traits

NEVER = 2**30
"""Civil-day ordinal of what does not happen."""

IMPORT_ONLY, IMPORT_EXPORT, NET = 0, 1, 2
"""Codes of `Premises.channels`."""

CHANNEL_SETS = (("import_wh",), ("import_wh", "export_wh"), ("net_wh",))
"""The channels that a meter of each code reports."""

_STEPS = (
    8,
    12,
    16,
    20,
    30,
    40,
    50,
    63,
    80,
    100,
    125,
    160,
    200,
    250,
    315,
    400,
    500,
    630,
    800,
    1000,
    1250,
    1600,
    2000,
    2500,
)
CAPACITY_LADDER_KVA = np.array(
    [*_STEPS, 3150, 4000, 5000, 6300, 8000, 10000, 12500, 16000, 20000], dtype=np.float64
)
"""Contract capacities and transformer ratings on offer, kVA."""

_CT_LADDER = np.array([10, 15, 20, 30, 40, 60, 80, 100, 120, 160, 200, 300, 400, 600, 800], dtype=np.float64)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Premises:
    """All premises, one entry each; days are civil-day ordinals, NEVER where a thing does not happen.

    Attributes:
        traits: hidden attributes.
        keys: uint64, the random key of each premise's daily life.
        connected: first day of supply.
        vacant_from, vacant_until: the one vacancy, [from, until).
        supply_cut: 1 where a vacancy has no supply at all.
        exchanged: day on which a second meter takes over.
        ct_changed: day on which the current transformers change.
        ct_ratio, ct_ratio_after: before and after that day; NaN for direct connection.
        capacity_kva: contracted capacity; also the main breaker.
        channels: IMPORT_ONLY, IMPORT_EXPORT or NET.
        service_point_id, meter_id, second_meter_id: identifiers; second only where exchanged.
    """

    traits: Traits
    keys: NDArray[np.uint64]
    connected: Ints
    vacant_from: Ints
    vacant_until: Ints
    supply_cut: Ints
    exchanged: Ints
    ct_changed: Ints
    ct_ratio: Floats
    ct_ratio_after: Floats
    capacity_kva: Floats
    channels: Ints
    service_point_id: list[str]
    meter_id: list[str]
    second_meter_id: list[str]

    def __len__(self) -> int:
        return len(self.keys)

    def span(self) -> NDArray[np.int32]:
        """int32 [premises, 4] as `loads.fill_net_loads` reads it."""
        return np.column_stack([self.connected, self.vacant_from, self.vacant_until, self.supply_cut]).astype(
            np.int32
        )


def draw_premises(settings: TwinSettings) -> Premises:
    """The premises of a county; entry i depends on the seed, the window and i alone (and on `permutation`, if any)."""
    seed, who = settings.seed, np.arange(settings.customers)
    traits = draw_traits(seed, settings.customers, settings.permutation)
    connected = _connected(settings, who)
    vacant_from, vacant_until, supply_cut = _vacancy(settings, who, traits.class_code, connected)
    capacity = _capacity_kva(traits)
    ct_ratio = np.where(capacity >= 100.0, _rung(_CT_LADDER, capacity / (0.38 * 3**0.5 * 5.0)), np.nan)
    ct_changed = _first_event(settings, "ct change", who, np.where(capacity >= 100.0, 0.02, 0.0))
    ct_changed = np.where(ct_changed > connected + 30, ct_changed, NEVER)
    exchanged = _first_event(settings, "exchange", who, np.full(len(who), 0.02))
    solar = traits.column("pv_peak_kw") > 0.0
    old_net = Stream(seed, "net meter").uniform(who) < 0.2
    return Premises(
        traits=traits,
        keys=Stream(seed, "premise").bits(who),
        connected=connected,
        vacant_from=vacant_from,
        vacant_until=vacant_until,
        supply_cut=supply_cut,
        exchanged=np.where(exchanged > connected + 30, exchanged, NEVER),
        ct_changed=ct_changed,
        ct_ratio=ct_ratio,
        ct_ratio_after=np.where(ct_changed < NEVER, _rung(_CT_LADDER, ct_ratio * 1.2), ct_ratio),
        capacity_kva=capacity,
        channels=np.where(solar, np.where(old_net, NET, IMPORT_EXPORT), IMPORT_ONLY),
        service_point_id=opaque_ids("S", 9, who, seed),
        meter_id=opaque_ids("33", 10, 2 * who, seed),
        second_meter_id=opaque_ids("33", 10, 2 * who + 1, seed),
    )


def opaque_ids(prefix: str, digits: int, numbers: Ints, seed: int) -> list[str]:
    """Distinct identifiers for distinct `numbers` below 10^digits: multiplication modulo 10^digits by a number
    prime to it.
    """
    offset = int(Stream(seed, f"ids/{prefix}").bits(0)[0] % np.uint64(10**digits))
    modulus = 10**digits
    return [f"{prefix}{(int(number) * 618033989 + offset) % modulus:0{digits}d}" for number in numbers]


def capacity_above(kva: Floats) -> Floats:
    """The smallest capacity on offer that is at least `kva`; the largest where none is."""
    return _rung(CAPACITY_LADDER_KVA, kva)


def _rung(ladder: Floats, wanted: Floats) -> Floats:
    place = np.searchsorted(ladder, np.nan_to_num(wanted), side="left")
    result: Floats = ladder[np.minimum(place, len(ladder) - 1)]
    return result


def _first_event(settings: TwinSettings, what: str, who: Ints, yearly: Floats) -> Ints:
    """The first day in the window on which an event of that yearly probability befalls each premise, at most
    one a calendar year.
    """
    first, last = settings.start.toordinal(), settings.end.toordinal()
    stream = Stream(settings.seed, what)
    found = np.full(len(who), NEVER, dtype=np.int64)
    for year in range(settings.start.year, settings.end.year + 1):
        new_year = settings.start.replace(year=year, month=1, day=1).toordinal()
        day = new_year + (stream.uniform(who, year, 1) * 365.0).astype(np.int64)
        hit = (stream.uniform(who, year, 0) < yearly) & (day > first) & (day <= last) & (found == NEVER)
        found = np.where(hit, day, found)
    return found


def _connected(settings: TwinSettings, who: Ints) -> Ints:
    first = settings.start.toordinal()
    old = first - 200 - (Stream(settings.seed, "age").uniform(who) ** 1.5 * 7000.0).astype(np.int64)
    new = _first_event(settings, "new connection", who, np.full(len(who), 0.012))
    return np.where(new < NEVER, new, old)


def _vacancy(settings: TwinSettings, who: Ints, class_code: Ints, connected: Ints) -> tuple[Ints, Ints, Ints]:
    yearly = np.array([0.07, 0.10, 0.06, 0.02, 0.01, 0.0])[class_code]
    leaves = _first_event(settings, "move out", who, yearly)
    leaves = np.where(leaves > connected + 60, leaves, NEVER)
    stream = Stream(settings.seed, "move in")
    gap = 3 + (stream.uniform(who, 0) ** 2 * 72.0).astype(np.int64)
    returns = np.where(stream.uniform(who, 1) < 0.12, NEVER, leaves + gap)
    returns = np.where((leaves == NEVER) | (returns > settings.end.toordinal()), NEVER, returns)
    return leaves, returns, (stream.uniform(who, 2) < 0.35).astype(np.int64)


def _capacity_kva(traits: Traits) -> Floats:
    """Capacity above what the attributes can add up to on a bad day."""
    column = traits.column
    climate = np.maximum(column("cooling_limit_w"), column("heating_limit_w"))
    steady = column("standby_w") + 2.6 * column("activity_w") + column("lighting_w") + 1.2 * climate
    pulses = 1.6 * column("appliance_event_w") * (column("appliance_events_per_day") > 0.0)
    watts = 1.25 * steady + pulses + column("ev_charger_w") + column("pump_w")
    return capacity_above(np.maximum(watts / 1000.0, column("pv_peak_kw")))
