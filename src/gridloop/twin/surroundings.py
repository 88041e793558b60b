"""What surrounds the customers, as files: regions, network, calendar, weather, price sheet and consents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from gridloop.twin.archive import Row, known_at, write_csv
from gridloop.twin.contracts import Contracts
from gridloop.twin.network import COUNTY, COUNTY_ID, STATION_ID, TOWNS, VILLAGES, Network, town_id, village_id
from gridloop.twin.seeds import Stream
from gridloop.twin.settings import CIVIL, TwinSettings
from gridloop.twin.simulation import Simulation
from gridloop.twin.tariffs import (
    FEED_IN_RATE,
    FUND_RATE,
    PERIODS,
    TARIFFS,
    TIER_ADDERS,
    TIERS_KWH,
    hour_periods,
)

_FOUNDED = date(2003, 6, 1)


def write_network(folder: Path, settings: TwinSettings, network: Network) -> None:
    """region.csv, substation.csv, feeder.csv and transformer.csv."""
    _write_regions(folder)
    _write_substations_and_feeders(folder, network)
    installed_on = transformers_installed(settings, network)
    rows: list[Row] = []
    for index, name in enumerate(network.transformer_id):
        feeder = int(network.feeder_of_transformer[index])
        public = bool(network.transformer_public[index])
        called = f"{TOWNS[int(network.town_of_feeder[feeder])]}{index + 1}号{'公变' if public else '专变'}"
        kva, place = float(network.transformer_kva[index]), network.transformer_position[index].tolist()
        installed = installed_on[index]
        owner = "Y" if public else "N"
        rows.append(
            (name, called, network.feeder_id[feeder], kva, owner, *place, installed, known_at(_FOUNDED))
        )
    columns = "TG_ID TG_NAME LINE_ID RATED_KVA PUBLIC_FLAG LAT LON INSTALL_DATE UPDATED_AT"
    write_csv(folder / "transformer.csv", columns, rows)


def transformers_installed(settings: TwinSettings, network: Network) -> list[date]:
    """The day on which each transformer went into service."""
    age = Stream(settings.seed, "transformer age").uniform(np.arange(len(network.transformer_id)))
    return [_FOUNDED - timedelta(days=int(each * 6000)) for each in age.tolist()]


def _write_substations_and_feeders(folder: Path, network: Network) -> None:
    updated = known_at(_FOUNDED)
    rows: list[Row] = []
    for index, name in enumerate(network.substation_id):
        place = network.substation_position[index].tolist()
        rows.append((name, f"{COUNTY}{index + 1}号变电站", COUNTY_ID, 110.0, 63.0, *place, updated))
    columns = "SUBS_ID SUBS_NAME REGION_ID VOLT_KV CAPACITY_MVA LAT LON UPDATED_AT"
    write_csv(folder / "substation.csv", columns, rows)
    lines: list[Row] = []
    for index, name in enumerate(network.feeder_id):
        called = f"{TOWNS[int(network.town_of_feeder[index])]}{index + 1}线"
        source = network.substation_id[int(network.substation_of_feeder[index])]
        lines.append((name, called, source, 10.0, 8000.0, updated))
    columns = "LINE_ID LINE_NAME SUBS_ID VOLT_KV CAPACITY_KVA UPDATED_AT"
    write_csv(folder / "feeder.csv", columns, lines)


def _write_regions(folder: Path) -> None:
    updated = known_at(_FOUNDED)
    rows: list[Row] = [(COUNTY_ID, None, COUNTY, "county", updated)]
    for town, name in enumerate(TOWNS):
        rows.append((town_id(town), COUNTY_ID, name, "town", updated))
        rows += [
            (village_id(town, v), town_id(town), village, "village", updated)
            for v, village in enumerate(VILLAGES)
        ]
    write_csv(
        folder / "region.csv",
        "REGION_ID PARENT_REGION_ID REGION_NAME REGION_LEVEL UPDATED_AT",
        rows,
    )


def write_calendar(folder: Path, simulation: Simulation, positions: range) -> None:
    """calendar.csv of some of the county's days; each year's arrangement is known from 25 November of the year
    before.
    """
    calendar = simulation.calendar
    rows: list[Row] = [
        (
            COUNTY_ID,
            day,
            calendar.day_kind[i],
            calendar.holiday_name[i] or None,
            calendar.season[i],
            known_at(date(day.year - 1, 11, 25), 0),
        )
        for i in positions
        for day in (calendar.days[i],)
    ]
    write_csv(
        folder / "calendar.csv",
        "REGION_ID DAY DAY_KIND HOLIDAY_NAME SEASON UPDATED_AT",
        rows,
    )


def write_weather(
    folder: Path, simulation: Simulation, positions: range, label: Callable[[date], str]
) -> None:
    """weather_YYYY.csv of some of the county's days: observations, received five minutes after the hour, and
    day-ahead forecasts of 18:00; 0.3 % of observations lack a value.

    Args:
        positions: which days.
        label: how the file of a year is named, by its first day among them.
    """
    weather, days = simulation.weather, simulation.calendar.days
    hours = np.arange(24)
    silent = (
        Stream(simulation.settings.seed, "weather/silent").uniform(
            simulation.calendar.ordinal[:, None], hours
        )
        < 0.003
    )
    by_year: dict[int, list[Row]] = {}
    names: dict[int, str] = {}
    for d in positions:
        day = days[d]
        rows = by_year.setdefault(day.year, [])
        names.setdefault(day.year, label(day))
        eve = known_at(day, -1).replace("02:10", "18:00")
        midnight = datetime(day.year, day.month, day.day, tzinfo=CIVIL)
        for hour in range(24):
            time = midnight + timedelta(hours=hour)
            received = (time + timedelta(minutes=65)).isoformat()
            measured = (
                None if silent[d, hour] else float(weather.temperature_c[d, hour]),
                float(weather.humidity_percent[d, hour]),
                float(weather.wind_m_s[d, hour]),
                float(weather.irradiance_w_m2[d, hour]),
            )
            rows.append((STATION_ID, time.isoformat(), *measured, "observed", received))
            expected = (float(weather.forecast_c[d, hour]), None, None, None)
            rows.append((STATION_ID, time.isoformat(), *expected, "forecast", eve))
    columns = "STATION_ID TIME TEMP_C HUMIDITY_PCT WIND_MS GHI_WM2 KIND RECEIVED_AT"
    for year, rows in by_year.items():
        write_csv(folder / f"weather_{names[year]}.csv", columns, rows)


def write_price_sheet(folder: Path) -> None:
    """tariff_price.csv and tariff_period.csv: all prices and all hours, enough to recompute any bill by hand."""
    prices: list[Row] = []
    periods: list[Row] = []
    for tariff in TARIFFS.values():
        name = tariff.tariff_id
        prices += [
            (name, "energy", period, None, None, str(rate), "CNY/kWh")
            for period, rate in tariff.energy.items()
        ]
        prices.append((name, "government funds", None, None, None, str(FUND_RATE), "CNY/kWh"))
        prices.append((name, "feed-in credit", None, None, None, str(-FEED_IN_RATE), "CNY/kWh"))
        if tariff.tiered:
            prices.append(
                (
                    name,
                    "tier 2 surcharge",
                    None,
                    str(TIERS_KWH[0]),
                    str(TIERS_KWH[1]),
                    str(TIER_ADDERS[0]),
                    "CNY/kWh",
                )
            )
            prices.append(
                (name, "tier 3 surcharge", None, str(TIERS_KWH[1]), None, str(TIER_ADDERS[1]), "CNY/kWh")
            )
        if tariff.capacity_rate is not None:
            prices.append(
                (name, "capacity charge", None, None, None, str(tariff.capacity_rate), "CNY/kVA/month")
            )
        if tariff.demand_rate is not None:
            prices.append((name, "demand charge", None, None, None, str(tariff.demand_rate), "CNY/kW/month"))
        for month in range(1, 13):
            codes = hour_periods(tariff.schedule, month)
            starts = [hour for hour in range(24) if hour == 0 or codes[hour] != codes[hour - 1]]
            for begin, end in zip(starts, [*starts[1:], 24], strict=True):
                periods.append((name, month, begin, end, PERIODS[codes[begin]]))
    write_csv(
        folder / "tariff_price.csv",
        "TARIFF_ID ITEM PERIOD FROM_KWH TO_KWH RATE UNIT",
        prices,
    )
    write_csv(folder / "tariff_period.csv", "TARIFF_ID MONTH FROM_HOUR TO_HOUR PERIOD", periods)


_CONSENT_SHARES = {
    ("sms", "service"): 0.97,
    ("sms", "marketing"): 0.62,
    ("email", "marketing"): 0.35,
    ("phone", "marketing"): 0.28,
    ("app", "marketing"): 0.55,
    ("app", "research"): 0.40,
}


def write_consents(folder: Path, settings: TwinSettings, contracts: Contracts) -> None:
    """consent.csv: per customer, channel and purpose what was granted or refused; a withdrawal is a second row."""
    columns = "CUST_ID CHANNEL PURPOSE GRANTED VALID_FROM VALID_TO SOURCE UPDATED_AT"
    write_csv(folder / "consent.csv", columns, _consents(settings, contracts))


def _consents(settings: TwinSettings, contracts: Contracts) -> Iterator[Row]:
    number = 2 * contracts.premise + contracts.later
    for index, ((channel, purpose), share) in enumerate(_CONSENT_SHARES.items()):
        stream = Stream(settings.seed, f"consent/{channel}/{purpose}")
        granted, asked = stream.uniform(number, 0) < share, stream.uniform(number, 1) < 0.92
        leaves, when = stream.uniform(number, 2) < 0.03, stream.uniform(number, 3)
        for row in np.flatnonzero(asked).tolist():
            opened = date.fromordinal(int(contracts.begins[row]))
            head = (contracts.customer_id[row], channel, purpose)
            given = f"{opened}T10:{index:02d}:00+08:00"
            yield (*head, "Y" if granted[row] else "N", given, None, "contract form", known_at(opened))
            withdrawal = max(opened, settings.start) + timedelta(days=1 + int(when[row] * settings.days))
            if granted[row] and leaves[row] and withdrawal <= settings.end:
                ended = f"{withdrawal}T15:30:00+08:00"
                yield (*head, "N", ended, None, "customer request", known_at(withdrawal))
