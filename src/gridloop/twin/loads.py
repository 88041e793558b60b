# mypy: disallow-untyped-decorators=False
# ruff: noqa: PLR0913
"""Compiled loops of the county: what each premise draws from the grid, interval by interval.

Every random draw is a hash of (premise key, civil day, counter) with SplitMix64, so a day of a premise
is the same whatever chunk it is
computed in. No fast-math: equal inputs give equal integers.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S11 = np.uint64(11)
_S27 = np.uint64(27)
_S30 = np.uint64(30)
_S31 = np.uint64(31)
_S32 = np.uint64(32)
_LOW32 = np.uint64(0xFFFFFFFF)
_SLOTS = 96
(
    STANDBY, ACTIVITY, LIGHTING, COOL, COOL_AT, COOL_MAX, HEAT, HEAT_AT, HEAT_MAX, EVENTS, EVENT_W,
    CHARGER, SESSION, PLUG, PLUG_AT, ROOF_KW, PUMP, PUMP_HOURS, NOISE, VARIATION, GROWTH, ABSENCE, PHASE,
) = range(23)  # fmt: skip
# Columns of the attribute matrix, in the order of `attributes.PHYSICAL`.

Floats = NDArray[np.float64]
Ints32 = NDArray[np.int32]
Keys = NDArray[np.uint64]


@njit(nogil=True, cache=True)
def _hash(x: np.uint64) -> np.uint64:
    z = x + _GAMMA
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@njit(nogil=True, cache=True)
def draw(key: np.uint64, counter: int) -> float:
    """Uniform in [0, 1)."""
    return float(_hash(key ^ (np.uint64(counter) * _M1)) >> _S11) * 1.1102230246251565e-16


@njit(nogil=True, cache=True)
def _bell(key: np.uint64, counter: int) -> float:
    """Roughly normal (sum of four uniforms), mean 0, variance 1."""
    total = 0.0
    for part in range(4):
        total += draw(key, counter * 4 + part + 1000)
    return (total - 2.0) * 1.7320508075688772


@njit(nogil=True, cache=True)
def _add_appliances(watts: Floats, key: np.uint64, rate: float, power: float, activity: Floats) -> None:
    """Kettles, cookers, washing machines: pulses of one to four intervals where the home is most active of
    three tries.
    """
    count = int(rate + draw(key, 40))
    for event in range(count):
        base = 50 + 8 * event
        slot = int(draw(key, base) * _SLOTS)
        for attempt in range(1, 3):
            other = int(draw(key, base + attempt) * _SLOTS)
            if activity[other] > activity[slot]:
                slot = other
        length = 1 + int(draw(key, base + 4) * 3.0)
        for step in range(length):
            if slot + step < _SLOTS:
                watts[slot + step] += power * (0.5 + 0.8 * draw(key, base + 5))


@njit(nogil=True, cache=True)
def _add_vehicle(
    watts: Floats, key: np.uint64, offset: int, charger: float, session_kwh: float, plug: float, hour: float
) -> None:
    """One charging session that began `offset` slots into this day (−96 for yesterday's, which may reach past
    midnight).
    """
    if draw(key, 20) >= plug:
        return
    start = offset + int(
        (hour + 1.2 * (draw(key, 21) - 0.5) + (1.5 * draw(key, 23) if hour < 22.0 else 0.0)) * 4.0
    )
    energy = session_kwh * (0.5 + draw(key, 22)) * 1000.0
    slot = start
    while energy > 0.0 and slot < _SLOTS:
        power = min(charger, energy * 4.0)
        if slot >= 0:
            watts[slot] += power
        energy -= charger * 0.25
        slot += 1


@njit(nogil=True, cache=True)
def _add_pump(watts: Floats, key: np.uint64, power: float, hours: float, dryness: float) -> None:
    """Irrigation on dry days of the season, from early morning or, one time in four, through the evening valley."""
    if power <= 0.0 or draw(key, 30) >= dryness:
        return
    start = (
        int((4.5 + 2.0 * draw(key, 31)) * 4.0)
        if draw(key, 32) < 0.75
        else int((17.0 + 2.0 * draw(key, 31)) * 4.0)
    )
    for slot in range(start, min(_SLOTS, start + int(hours * 4.0 * (0.7 + 0.6 * draw(key, 33))))):
        watts[slot] += power


@njit(nogil=True, cache=True)
def _add_climate_and_light(
    watts: Floats, trait: Floats, presence: Floats, felt: Floats, dark: Floats, strength: float
) -> None:
    """Cooling and heating follow the felt temperature beyond their setpoints; lamps follow darkness and presence."""
    for slot in range(_SLOTS):
        here = presence[slot]
        over = felt[slot] - trait[COOL_AT]
        if over > 0.0:
            watts[slot] += here * strength * min(trait[COOL] * over, trait[COOL_MAX])
        under = trait[HEAT_AT] - felt[slot]
        if under > 0.0:
            watts[slot] += here * strength * min(trait[HEAT] * under, trait[HEAT_MAX])
        watts[slot] += trait[LIGHTING] * here * dark[slot]


@njit(nogil=True, cache=True)
def _write_day(
    out: Ints32,
    watts: Floats,
    trait: Floats,
    key: np.uint64,
    sun: Floats,
    limit_w: float,
    growth: float,
    roof: float,
) -> None:
    """Noise, growth, rooftop generation, the main breaker, and rounding to whole Wh."""
    drift = 0.0
    for slot in range(_SLOTS):
        bits = _hash(key ^ (np.uint64(slot + 5000) * _GAMMA))
        fresh = (float(bits >> _S32) + float(bits & _LOW32)) * 2.3283064365386963e-10 - 1.0
        drift = 0.6 * drift + fresh
        load = watts[slot] * growth * max(0.15, 1.0 + 1.9 * trait[NOISE] * drift)
        load = min(load, limit_w)
        load -= roof * sun[slot] * (0.94 + 0.06 * fresh)
        load = max(load, -limit_w)
        out[slot] = np.int32(np.floor(load * 0.25 + 0.5))


@njit(nogil=True, cache=True)
def _fill_watts(
    watts: Floats,
    trait: Floats,
    key: np.uint64,
    key_before: np.uint64,
    activity: Floats,
    presence: Floats,
    drive: float,
    felt: Floats,
    dark: Floats,
    dryness: float,
    away: bool,
    shift: int,
) -> None:
    """The demand of one day of one premise in W, before noise."""
    level = max(0.25, 1.0 + trait[VARIATION] * _bell(key, 1)) * drive
    if away:
        level = 0.06
    for slot in range(_SLOTS):
        source = (slot - shift) % _SLOTS
        watts[slot] = trait[STANDBY] + trait[ACTIVITY] * level * activity[source]
    if not away:
        _add_appliances(watts, key, trait[EVENTS] * min(drive, 1.5), trait[EVENT_W], activity)
        _add_climate_and_light(
            watts, trait, presence, felt, dark, max(0.2, 1.0 + 0.35 * _bell(key, 2)) * min(1.0, drive)
        )
        if trait[CHARGER] > 0.0:
            _add_vehicle(
                watts, key_before, -_SLOTS, trait[CHARGER], trait[SESSION], trait[PLUG], trait[PLUG_AT]
            )
            _add_vehicle(watts, key, 0, trait[CHARGER], trait[SESSION], trait[PLUG], trait[PLUG_AT])
    _add_pump(watts, key, trait[PUMP], trait[PUMP_HOURS], dryness)


@njit(nogil=True, cache=True)
def fill_net_loads(
    traits: Floats, archetype: NDArray[np.int64], keys: Keys, shapes: Floats, drive: Floats, days: Ints32,
    origin: int, outdoors: Floats, dryness: Floats, limit_w: Floats, span: Ints32, out: Ints32,
) -> None:  # fmt: skip
    """Net energy of every interval: import positive, export negative, whole Wh per quarter of an hour.

    Args:
        traits: float64 [n, len(PHYSICAL)] hidden attributes in their own order.
        archetype: int64 [n] row of the shapes. keys: uint64 [n] random key of each premise.
        shapes: float64 [2, archetypes, 3, 96] activity and presence by kind of day.
        drive: float64 [archetypes, days] factor of activity.
        days: int32 [days, 2] civil-day ordinal and kind of day. origin: ordinal at which growth is 1.
        outdoors: float64 [3, days, 96] felt temperature in °C, darkness 0–1, yield of 1 kW peak in kW.
        dryness: float64 [days] chance that a pump runs. limit_w: float64 [n] main breaker, W.
        span: int32 [n, 4] connected from, vacant from, vacant until, supply cut while vacant (0 or 1); ordinals.
        out: int32 [n, days, 96], filled.
    """
    watts = np.zeros(_SLOTS)
    for who in range(traits.shape[0]):
        trait, shape = traits[who], archetype[who]
        shift = int(np.floor(trait[PHASE] * 4.0 + 0.5))
        for day in range(days.shape[0]):
            today, kind = days[day, 0], days[day, 1]
            vacant = span[who, 1] <= today < span[who, 2]
            if today < span[who, 0] or (vacant and span[who, 3] == 1):
                out[who, day, :] = 0
                continue
            key = _hash(keys[who] ^ (np.uint64(today) * _M2))
            key_before = _hash(keys[who] ^ (np.uint64(today - 1) * _M2))
            week = _hash(keys[who] ^ (np.uint64(today // 6) * _M1))
            if vacant:
                watts[:] = 0.4 * trait[STANDBY]
            else:
                _fill_watts(
                    watts, trait, key, key_before, shapes[0, shape, kind], shapes[1, shape, kind], drive[shape, day],
                    outdoors[0, day], outdoors[1, day], dryness[day], draw(week, 3) < trait[ABSENCE],
                    shift + int(3.0 * draw(key, 7)) - 1,
                )  # fmt: skip
            growth = max(0.3, 1.0 + trait[GROWTH] * (today - origin) / 365.25)
            roof = trait[ROOF_KW] * 1000.0
            _write_day(out[who, day], watts, trait, key, outdoors[2, day], limit_w[who], growth, roof)


@njit(nogil=True, cache=True)
def sum_by_period(
    net: Ints32,
    period: NDArray[np.int8],
    imported: NDArray[np.int64],
    exported: NDArray[np.int64],
    top: Ints32,
) -> None:
    """What the registers of each premise count on each day.

    Args:
        net: int32 [n, days, slots] Wh; period: int8 [n, slots] time-of-use period of each slot, 0–3.
        imported: int64 [n, days, 4] Wh by period, filled; exported: int64 [n, days] Wh, filled.
        top: int32 [n, days] largest import of an interval, Wh, filled.
    """
    for who in range(net.shape[0]):
        for day in range(net.shape[1]):
            imported[who, day, :] = 0
            out_wh = np.int64(0)
            peak = np.int32(0)
            for slot in range(net.shape[2]):
                wh = net[who, day, slot]
                if wh >= 0:
                    imported[who, day, period[who, slot]] += wh
                    peak = max(peak, wh)
                else:
                    out_wh -= wh
            exported[who, day] = out_wh
            top[who, day] = peak


@njit(nogil=True, cache=True)
def charging_sessions(traits: Floats, keys: Keys, span: Ints32, days: Ints32, out: Floats) -> int:
    """The charging sessions that begin on some days, as the loads hold them; returns how many.

    Args:
        traits, keys, span: as `fill_net_loads` reads them. days: int32 [days] civil-day ordinals.
        out: float64 [n · days, 4], filled from the top: row, ordinal, minute after midnight of the beginning, Wh.
    """
    count = 0
    for who in range(traits.shape[0]):
        trait = traits[who]
        for position in range(days.shape[0]):
            today = days[position]
            if today < span[who, 0] or span[who, 1] <= today < span[who, 2]:
                continue
            key = _hash(keys[who] ^ (np.uint64(today) * _M2))
            week = _hash(keys[who] ^ (np.uint64(today // 6) * _M1))
            if draw(week, 3) < trait[ABSENCE] or draw(key, 20) >= trait[PLUG]:
                continue
            late = 1.5 * draw(key, 23) if trait[PLUG_AT] < 22.0 else 0.0
            out[count, 0] = who
            out[count, 1] = today
            out[count, 2] = 15.0 * int((trait[PLUG_AT] + 1.2 * (draw(key, 21) - 0.5) + late) * 4.0)
            out[count, 3] = trait[SESSION] * (0.5 + draw(key, 22)) * 1000.0
            count += 1
    return count
