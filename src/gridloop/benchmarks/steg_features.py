"""What invoices tell of a client: use against peers, billing calendar, and what only an exchanged meter shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridloop.benchmarks.steg_invoices import Clients, Invoices, exchanged
from gridloop.insight.learning.columns import Float64, Ints
from gridloop.insight.learning.grouped import Groups, peer_median

YEARS = range(2005, 2020)
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
LEAST_PEERS = 30
SECTOR = {"e": False, "g": True}
"""Prefix of a feature, and whether it is of gas."""


def year_of(day: Ints) -> Ints:
    """int64[n], calendar year."""
    return np.asarray(day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970, np.int64)


def month_of(day: Ints) -> Ints:
    """int64[n], month of the year, 0 for January."""
    return np.asarray(day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12, np.int64)


def against_peers(clients: Clients, invoices: Invoices, *, by_region: bool = False) -> Float64:
    """log(1 + use a month) minus the median of peers of the same invoices' year.

    Peers: same kind, tariff, third of the year, category and district; or same kind, category and region. Where they
    are fewer than 30: same kind and tariff. The median is of the customers of the folder, whose labels play no part.
    """
    rate = np.log1p(invoices.use / invoices.months)
    year = np.clip(year_of(invoices.day), 2004, 2020)
    category = clients.category[invoices.client]
    narrow = (
        (invoices.gas, year, clients.region[invoices.client], category)
        if by_region
        else (invoices.gas, invoices.tariff, year, month_of(invoices.day) // 4, category,
              clients.district[invoices.client])
    )  # fmt: skip
    near, count = peer_median(narrow, rate)
    wide, _ = peer_median((invoices.gas, invoices.tariff), rate)
    return rate - np.where(count >= LEAST_PEERS, near, wide)


def client_features(clients: Clients) -> dict[str, Float64]:
    """District, category, region and day of creation."""
    return {
        "district": clients.district,
        "category": clients.category,
        "region": clients.region,
        "created": clients.created,
    }


def calendar_features(clients: Clients, invoices: Invoices) -> dict[str, Float64]:
    """When bills were made over the whole observation: nothing that a meter shows."""
    found: dict[str, Float64] = {}
    for prefix, gas in SECTOR.items():
        one = invoices.rows(invoices.gas == gas)
        groups, year = Groups(one.client, len(clients.ids)), year_of(one.day)
        found[f"{prefix}_bills"] = groups.count.astype(np.float64)
        found[f"{prefix}_first_day"] = groups.at(one.day, 0)
        found[f"{prefix}_last_day"] = groups.at(one.day, -1)
        found[f"{prefix}_first_since_created"] = groups.at(one.day, 0) - clients.created
        found |= {f"{prefix}_bills_{y}": groups.sum(year == y) for y in YEARS}
    return found


def use_features(clients: Clients, invoices: Invoices) -> dict[str, Float64]:
    """Level, spread, shape and course of use, and the rhythm of bills; the length of the history is not among them."""
    found: dict[str, Float64] = {}
    own, region = against_peers(clients, invoices), against_peers(clients, invoices, by_region=True)
    for prefix, gas in SECTOR.items():
        inside = invoices.gas == gas
        one = invoices.rows(inside)
        groups = Groups(one.client, len(clients.ids))
        named = _level(groups, one, own[inside], region[inside])
        named |= _course(groups, one, own[inside]) | _rhythm(groups, one)
        found |= {f"{prefix}_{name}": values for name, values in named.items()}
    found["e_against_g"] = found["e_peer_mean"] - found["g_peer_mean"]
    return found


def _level(groups: Groups, one: Invoices, peer: Float64, region: Float64) -> dict[str, Float64]:
    rate = np.log1p(one.use / one.months)
    found = {
        "rate_mean": groups.mean(rate),
        "peer_mean": groups.mean(peer),
        "region_mean": groups.mean(region),
    }
    found |= {"rate_spread": groups.deviation(rate), "peer_spread": groups.deviation(peer)}
    for name, values in (("rate", rate), ("peer", peer)):
        quantiles = groups.quantiles(values, SHARES)
        found |= {f"{name}_q{q:g}": one for q, one in zip(SHARES, quantiles, strict=True)}
    median = found["rate_q0.5"][one.client]
    for part in (0.3, 0.5, 0.7):
        found[f"below_{part}"] = groups.mean(rate < median + np.log(part))
    found["above_2"] = groups.mean(rate > median + np.log(2.0))
    found["zero_share"] = groups.mean(one.use <= 0)
    found["second_block_share"] = groups.mean(one.high > 0)
    found["top_block_share"] = groups.mean(one.top > 0)
    found["use_not_read"] = groups.mean(np.abs(one.new - one.old - one.use) > 1)
    third = month_of(one.day) // 4
    for k in range(3):
        found[f"season_{k}"] = groups.mean(np.where(third == k, rate, np.nan)) - found["rate_mean"]
    return found


def _course(groups: Groups, one: Invoices, peer: Float64) -> dict[str, Float64]:
    """Level shifts: extremes over every cut of mean before less mean after, raw and as a CUSUM (Page 1954)."""
    count, place = groups.count[one.client], groups.place + 1
    centred = peer - groups.mean(peer)[one.client]
    running = np.append(0.0, np.cumsum(centred))
    before = running[1:] - running[groups.first[one.client]]
    left = count - place
    fall = before * count / np.maximum(place * left, 1)
    weight = np.sqrt(place * left / count)
    wide = (place >= 3) & (left >= 3)
    step = np.where(groups.place > 0, np.diff(peer, prepend=0.0), 0.0)
    years = one.day / 365.25
    since = years - groups.mean(years)[one.client]
    spread = groups.sum(since * since)
    last3 = groups.mean(np.where(left < 3, peer, np.nan))
    last6 = groups.mean(np.where(left < 6, peer, np.nan))
    first6 = groups.mean(np.where(place <= 6, peer, np.nan))
    zero = one.use <= 0
    sign = (zero[1:] != zero[:-1]) | (np.diff(one.client) != 0)
    run_start = np.maximum.accumulate(np.where(np.append(True, sign)[: len(zero)], np.arange(len(zero)), 0))
    run = np.where(zero, np.arange(len(zero)) - run_start + 1, 0)
    return {
        "fall_most": groups.most(np.where(wide, fall, 0.0)),
        "rise_most": groups.most(np.where(wide, -fall, 0.0)),
        "cusum_most": groups.most(np.where((place >= 2) & (left >= 2), fall * weight, 0.0)),
        "cusum_least": groups.least(np.where((place >= 2) & (left >= 2), fall * weight, 0.0)),
        "step_mean": groups.mean(np.abs(step)),
        "step_least": groups.least(step),
        "step_most": groups.most(step),
        "slope": groups.sum(since * centred) / np.where(spread > 0, spread, np.nan),
        "last_3": last3,
        "last_6": last6,
        "first_6": first6,
        "last_3_change": last3 - groups.mean(peer),
        "last_6_change": last6 - first6,
        "zero_run_share": groups.most(run.astype(np.float64)) / np.maximum(groups.count, 1),
    }


def _rhythm(groups: Groups, one: Invoices) -> dict[str, Float64]:
    gap = np.where(groups.place > 0, np.diff(one.day, prepend=0), np.nan)
    filled = np.nan_to_num(gap, nan=120.0)
    return {
        "gap_mean": groups.mean(gap),
        "gap_most": groups.most(filled),
        "gap_spread": groups.deviation(filled),
        "four_months_share": groups.mean(one.months == 4),
        "short_share": groups.mean(one.months <= 2),
        "long_share": groups.mean(one.months >= 8),
        "months_most": groups.most(one.months),
        "tariff_first": groups.at(one.tariff, 0),
        "tariff_changed": groups.mean((groups.place > 0) & (np.diff(one.tariff, prepend=0.0) != 0)),
    }


def yearly_features(clients: Clients, invoices: Invoices) -> dict[str, Float64]:
    """Mean use against peers in each year; a year without an invoice is unknown."""
    peer, year = against_peers(clients, invoices), year_of(invoices.day)
    found: dict[str, Float64] = {}
    for prefix, gas in SECTOR.items():
        inside = invoices.gas == gas
        groups = Groups(invoices.client[inside], len(clients.ids))
        for y in YEARS:
            found[f"{prefix}_use_{y}"] = groups.mean(np.where(year[inside] == y, peer[inside], np.nan))
    return found


def exchange_features(clients: Clients, invoices: Invoices) -> dict[str, Float64]:
    """What may follow a detected fraud: exchanges of the meter, its number, its index, its codes and remarks."""
    found: dict[str, Float64] = {}
    peer, change = against_peers(clients, invoices), exchanged(invoices)
    for prefix, gas in SECTOR.items():
        inside = invoices.gas == gas
        named = _exchange(Groups(invoices.client[inside], len(clients.ids)), invoices.rows(inside), peer[inside],
                          change[inside])  # fmt: skip
        found |= {f"{prefix}_{name}": values for name, values in named.items()}
    return found


def _exchange(groups: Groups, one: Invoices, peer: Float64, change: np.ndarray) -> dict[str, Float64]:
    since_change = groups.sum(change)
    running = np.append(0, np.cumsum(change))
    after = running[1:] - running[groups.first[one.client]]
    day = np.where(change, one.day, np.nan)
    left = groups.count[one.client] - groups.place - 1
    found: Mapping[str, Float64] = {
        "exchanges": since_change,
        "exchange_first": -groups.most(np.where(change, -one.day, -100_000.0)),
        "exchange_last": groups.most(np.where(change, one.day, -100_000.0)),
        "exchange_mean": groups.mean(day),
        "use_before": groups.mean(np.where(after == 0, peer, np.nan)),
        "use_after": groups.mean(np.where(after > 0, peer, np.nan)),
        "bills_before": groups.sum(after == 0),
        "bills_after": groups.sum(after > 0),
        "index_at_exchange": groups.mean(np.where(change, one.old, np.nan)),
        "index_last": groups.at(one.new, -1),
        "index_first": groups.at(one.old, 0),
        "index_gap": groups.mean(
            np.where((groups.place > 0) & ~change, one.old - np.append(0.0, one.new[:-1]), np.nan)
        ),
        "counter_first": groups.at(one.counter, 0),
        "counter_last": groups.at(one.counter, -1),
        "code_first": groups.at(one.code, 0),
        "code_last": groups.at(one.code, -1),
        "codes": groups.mean((groups.place > 0) & (np.diff(one.code, prepend=0.0) != 0)),
        "status_last": groups.at(one.status, -1),
        "status_first_months": groups.mean(np.where(left < 6, one.status > 0, np.nan)),
    }
    parts = {f"status_{k}": groups.sum(one.status == k) for k in (1, 4, 5)}
    remarks = {f"remark_{k}": groups.mean(one.remark == k) for k in (6, 8, 9)}
    late = {f"remark_{k}_late": groups.mean(np.where(left < 6, one.remark == k, np.nan)) for k in (8, 9)}
    after_remark = {
        f"remark_{k}_after": groups.mean(np.where(after > 0, one.remark == k, np.nan)) for k in (8, 9)
    }
    return {**found, **parts, **remarks, **late, **after_remark}
