"""Channels, chargers, generation, statistics and the map: each holds together and with the rest of the county."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from gridloop.twin.network import CENTRE
from gridloop.twin.settings import TwinSettings
from gridloop.twin.subjects.geography import features
from gridloop.twin.subjects.visits import _poisson, _ranks


def test_interactions_are_of_customers_while_they_are_customers(told: Any) -> None:
    contracts = told.county.contracts
    span = {
        name: (int(contracts.begins[row]), int(contracts.ends[row]))
        for row, name in enumerate(contracts.customer_id)
    }
    rows = told.rows("channel/interaction_*.csv")
    assert len({row["EVENT_ID"] for row in rows}) == len(rows)
    for row in rows:
        begins, ends = span[row["CUST_ID"]]
        assert begins <= datetime.fromisoformat(row["EVENT_TIME"]).toordinal() < ends


def test_half_the_customers_use_the_app_once_or_twice_a_month(told: Any) -> None:
    rows = [row for row in told.rows("channel/interaction_*.csv") if row["CHANNEL"] == "app"]
    users = {row["CUST_ID"] for row in rows}
    assert 0.45 < len(users) / len(told.county.contracts) < 0.65
    assert 1.0 < len(rows) / len(users) / 12 < 3.0
    assert Counter(row["ACTION"] for row in rows).most_common(1)[0][0] == "login"


def test_nobody_sleeps_less_for_the_app(told: Any) -> None:
    hours = Counter(int(row["EVENT_TIME"][11:13]) for row in told.rows("channel/interaction_*.csv"))
    assert sum(hours[hour] for hour in range(18, 23)) > 5 * sum(hours[hour] for hour in range(5))


def test_poisson_counts_by_hand() -> None:
    # e⁻¹ = 0.368, then 0.736: a draw of 0.3 counts none, one of 0.5 counts one, one of 0.75 two
    assert _poisson(np.array([0.3, 0.5, 0.75]), np.ones(3)).tolist() == [0, 1, 2]
    assert _ranks(np.array([2, 0, 3])).tolist() == [0, 1, 0, 1, 2]


def test_a_charging_session_is_in_the_load(told: Any) -> None:
    simulation, chargers = told.county.simulation, told.rows("archive/ev_charger.csv")
    premises = simulation.premises
    at = {name: who for who, name in enumerate(premises.service_point_id)}
    point = {row["CHARGER_ID"]: at[row["SP_ID"]] for row in chargers}
    month = simulation.months[3]
    drawn = simulation.drawn_wh(slice(0, 500), month)
    sessions = [
        row for row in told.rows("network/charging_session_*.csv") if row["PLUG_TIME"][:7] == month.name
    ]
    assert len(sessions) > 50
    met = 0
    for row in sessions:
        plug = datetime.fromisoformat(row["PLUG_TIME"])
        who, slot = point[row["CHARGER_ID"]], (plug.hour * 60 + plug.minute) // 15
        watts = float(premises.traits.column("ev_charger_w")[who])
        full = datetime.fromisoformat(row["FULL_TIME"]) - plug
        assert full / timedelta(hours=1) * watts / 1000 == pytest.approx(float(row["ENERGY_KWH"]), abs=0.13)
        met += drawn[who, plug.day - 1, slot + 1] > 0.5 * watts * 0.25
    assert met > 0.95 * len(sessions)


def test_a_car_is_unplugged_after_it_is_full_and_before_it_is_plugged_again(told: Any) -> None:
    by_charger = defaultdict(list)
    for row in told.rows("network/charging_session_*.csv"):
        assert row["PLUG_TIME"] < row["FULL_TIME"] < row["UNPLUG_TIME"]
        by_charger[row["CHARGER_ID"]].append((row["PLUG_TIME"], row["UNPLUG_TIME"]))
    for spans in by_charger.values():
        spans.sort()
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


def test_units_on_file_are_roofs_that_export(told: Any) -> None:
    peak = {row["service_point_id"]: row["pv_peak_kw"] for row in told.known("premise")}
    rows = told.rows("archive/der_unit.csv")
    assert rows and all(abs(float(row["RATED_KW"]) - peak[row["SP_ID"]]) <= 0.0501 for row in rows)
    assert 0.85 < len(rows) / sum(value > 0.0 for value in peak.values()) <= 1.0


def test_people_of_villages_add_up_to_towns_and_towns_to_the_county(told: Any) -> None:
    persons: dict[str, dict[str, int]] = defaultdict(dict)
    for row in told.rows("archive/population.csv"):
        persons[row["DAY"]][row["REGION_ID"]] = int(row["PERSONS"])
    assert sorted(persons) == ["2021-12-31", "2022-12-31", "2023-12-31", "2024-12-31"]
    for found in persons.values():
        towns = [name for name in found if len(name) == 4]
        assert found["LH"] == sum(found[name] for name in towns)
        for town in towns:
            assert found[town] == sum(n for name, n in found.items() if len(name) == 6 and name[:4] == town)


def test_the_economy_is_told_of_the_county_and_each_town(told: Any) -> None:
    rows = told.rows("archive/economy.csv")
    assert len(rows) == 4 * 7 * 4  # years, regions, indicators
    assert all(float(row["VALUE"]) >= 0.0 for row in rows)


def test_towns_share_out_the_county_without_rest() -> None:
    found = {kind: [] for kind in ("county", "town", "river", "road")}  # type: ignore[var-annotated]
    for each in features(TwinSettings(seed=1)):
        found[each.kind].append(each)
    assert {kind: len(each) for kind, each in found.items()} == {
        "county": 1, "town": 6, "river": 1, "road": 5
    }  # fmt: skip
    area = [_area(each.geometry["coordinates"][0]) for each in (*found["county"], *found["town"])]
    assert sum(area[1:]) == pytest.approx(area[0], rel=1e-3)
    assert min(area[1:]) > 0.0


def test_the_map_is_valid_geojson_in_the_open_sea(told: Any) -> None:
    text = (told.sources / "archive" / "geography.geojson").read_text(encoding="utf-8")
    collection = json.loads(text)
    rows = told.rows("archive/map_feature.csv")
    assert [each["id"] for each in collection["features"]] == [row["FEATURE_ID"] for row in rows]
    assert [each["geometry"] for each in collection["features"]] == [json.loads(r["GEOMETRY"]) for r in rows]
    for each in collection["features"]:
        geometry = each["geometry"]
        ring = geometry["coordinates"][0] if geometry["type"] == "Polygon" else geometry["coordinates"]
        assert geometry["type"] != "Polygon" or ring[0] == ring[-1]
        assert all(abs(lon - CENTRE[1]) < 0.6 and abs(lat - CENTRE[0]) < 0.6 for lon, lat in ring)


def _area(ring: list[list[float]]) -> float:
    """Of a ring, in square degrees (Gauss's shoelace)."""
    x, y = np.array(ring).T
    return 0.5 * float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
