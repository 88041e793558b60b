from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gridloop.twin.almanac import HOLIDAY, WEEKEND, WORKDAY
from gridloop.twin.archetypes import CLASSES
from gridloop.twin.county import County


@pytest.fixture(scope="module")
def net(year: County) -> NDArray[np.int32]:
    """Net Wh [premises, days, 96] of the year."""
    simulation = year.simulation
    block = next(iter(simulation.blocks()))
    return np.concatenate([simulation.net_wh(block, month) for month in simulation.months], axis=1)


def _daily_kwh(year: County, net: NDArray[np.int32], name: str) -> NDArray[np.float64]:
    """Daily consumption [members, days] of the class's premises without a roof plant that are never vacant."""
    premises = year.simulation.premises
    chosen = (
        (premises.traits.class_code == CLASSES.index(name))
        & (premises.traits.column("pv_peak_kw") == 0.0)
        & (premises.vacant_from > 10**6)
        & (premises.connected < year.settings.start.toordinal())
    )
    return np.asarray(net[chosen].sum(axis=2) / 1000.0)


@pytest.mark.parametrize(
    "name, low, high",
    [
        ("residential", 7, 13),
        ("shop", 30, 80),
        ("office", 100, 500),
        ("industry", 1000, 20000),
        ("farm", 10, 100),
        ("public", 50, 500),
    ],
)
def test_a_typical_day_of_each_class(
    year: County, net: NDArray[np.int32], name: str, low: float, high: float
) -> None:
    assert low < np.median(_daily_kwh(year, net, name).mean(axis=1)) < high


def test_homes_peak_in_the_evening_and_in_summer(year: County, net: NDArray[np.int32]) -> None:
    premises, calendar = year.simulation.premises, year.simulation.calendar
    homes = (premises.traits.class_code == 0) & (premises.traits.column("pv_peak_kw") == 0.0)
    profile = net[homes][:, calendar.kind == WORKDAY].mean(axis=(0, 1)).reshape(24, 4).sum(axis=1)
    assert 18 <= int(profile.argmax()) <= 21
    months = np.array([day.month for day in calendar.days])
    daily = _daily_kwh(year, net, "residential").mean(axis=0)
    assert daily[months == 7].mean() > 1.25 * daily[months == 4].mean()
    assert daily[months == 1].mean() > 1.15 * daily[months == 4].mean()


def test_offices_rest_at_weekends_and_shops_do_not(year: County, net: NDArray[np.int32]) -> None:
    kind = year.simulation.calendar.kind
    office, shop = (_daily_kwh(year, net, name).mean(axis=0) for name in ("office", "shop"))
    assert office[kind == WEEKEND].mean() < 0.8 * office[kind == WORKDAY].mean()
    assert shop[kind == WEEKEND].mean() > shop[kind == WORKDAY].mean()


def test_the_spring_festival_stops_industry_and_fills_homes(year: County, net: NDArray[np.int32]) -> None:
    calendar = year.simulation.calendar
    feast = calendar.festival == 1.0
    after = np.flatnonzero((calendar.festival == 0.0) & (calendar.kind != HOLIDAY))[:28]
    industry, home = (_daily_kwh(year, net, name).mean(axis=0) for name in ("industry", "residential"))
    assert industry[feast].mean() < 0.5 * industry[after].mean()
    assert home[feast].mean() > 1.05 * home[after].mean()


def test_roofs_feed_in_at_noon_and_never_at_night(year: County, net: NDArray[np.int32]) -> None:
    roofs = year.simulation.premises.traits.column("pv_peak_kw") > 0.0
    assert (net[roofs][:, :, 48:56] < 0).mean() > 0.3
    assert (net[roofs][:, :, :16] >= 0).all() and (net[~roofs] >= 0).all()


def test_no_interval_passes_the_main_breaker(year: County, net: NDArray[np.int32]) -> None:
    limit = year.simulation.premises.capacity_kva * 250.0
    assert (np.abs(net).max(axis=(1, 2)) <= limit + 1.0).all()


def test_nothing_flows_before_connection_or_through_a_cut_supply(
    year: County, net: NDArray[np.int32]
) -> None:
    premises, ordinal = year.simulation.premises, year.simulation.calendar.ordinal
    new = np.flatnonzero(premises.connected > ordinal[0])
    cut = np.flatnonzero((premises.supply_cut == 1) & (premises.vacant_from < ordinal[-1]))
    assert len(new) and len(cut)
    for who in new:
        assert (net[who, ordinal < premises.connected[who]] == 0).all()
        assert (net[who, ordinal >= premises.connected[who]] > 0).any()
    for who in cut:
        empty = (ordinal >= premises.vacant_from[who]) & (ordinal < premises.vacant_until[who])
        assert (net[who, empty] == 0).all() and empty.any()


def test_shares_of_classes_are_met(year: County) -> None:
    counts = np.bincount(year.simulation.premises.traits.class_code, minlength=6)
    assert np.abs(counts - 600 * np.array([0.82, 0.09, 0.03, 0.02, 0.025, 0.015])).max() <= 2
