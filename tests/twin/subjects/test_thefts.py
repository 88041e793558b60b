"""What is stolen is missing from the meter and nowhere else: supply less sale less technical loss."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

import numpy as np
import pytest

from gridloop.twin.county import County, TwinSettings
from gridloop.twin.settings import DEFAULT_SUBJECTS, SUBJECTS
from gridloop.twin.subjects.supply import technical_loss_wh
from gridloop.twin.thefts import Thefts


def test_a_meter_misses_its_share_of_the_import_on_the_days_of_the_theft() -> None:
    thefts = Thefts(np.array([4]), np.array([11]), np.array([13]), np.array([0.5]))
    net = np.array([[[9, -4]] * 4, [[9, -4]] * 4], np.int32)
    recorded = thefts.hide(net, np.array([3, 4]), np.array([10, 11, 12, 13], np.int32))
    assert recorded[0].tolist() == net[0].tolist()
    assert recorded[1].tolist() == [[9, -4], [4, -4], [4, -4], [9, -4]]  # ⌊9 · 0.5⌋ = 4; export stays


def test_without_thefts_the_meters_record_what_flows() -> None:
    assert "thefts" not in DEFAULT_SUBJECTS
    honest = County(TwinSettings(customers=60, days=31)).simulation
    drawn = honest.drawn_wh(slice(0, 60), honest.months[0])
    assert honest.recorded(drawn, slice(0, 60), honest.months[0]) is drawn


def test_about_one_premise_in_seventy_steals() -> None:
    thefts = County(TwinSettings(customers=20_000, subjects=SUBJECTS)).simulation.thefts
    assert 0.008 < len(thefts.premise) / 20_000 < 0.02


def test_a_shuffle_of_the_hidden_attributes_makes_others_steal() -> None:
    plain, shuffled = (
        County(TwinSettings(customers=2000, subjects=SUBJECTS, permutation=order)).simulation.thefts
        for order in (None, 7)
    )
    assert len(plain.premise) == len(shuffled.premise)
    assert plain.premise.tolist() != shuffled.premise.tolist()


def test_supply_less_sale_less_technical_loss_is_what_was_stolen(told: Any) -> None:
    area = {row["SP_ID"]: row["TG_ID"] for row in told.rows("archive/service_point.csv") if row["TG_ID"]}
    truth = County(TwinSettings(customers=500, days=365, seed=2, end=date(2025, 12, 31), subjects=SUBJECTS))
    network, premises = truth.simulation.network, truth.simulation.premises
    for who, name in enumerate(premises.service_point_id):
        area[name] = network.transformer_id[int(network.transformer_of_premise[who])]
    left: dict[tuple[str, str], float] = defaultdict(float)
    for row in told.rows("network/area_supply_*.csv"):
        wh = round(1000 * float(row["SUPPLY_KWH"])) - round(1000 * float(row["BACKFEED_KWH"]))
        left[row["TG_ID"], row["DAY"][:7]] += wh
    supplied = set(left)
    for row in told.known("area_loss"):
        left[row["transformer_id"], row["month"]] -= row["technical_loss_wh"]
    for row in told.known("month_energy"):
        left[area[row["service_point_id"]], row["month"]] -= row["import_wh"] - row["export_wh"]
    for row in told.known("theft"):
        left[area[row["service_point_id"]], row["month"]] -= row["stolen_wh"]
    assert {key: round(left[key]) for key in supplied} == dict.fromkeys(supplied, 0)


def test_technical_loss_lies_between_one_and_six_percent(told: Any) -> None:
    supply = sum(float(row["SUPPLY_KWH"]) for row in told.rows("network/area_supply_*.csv"))
    lost = sum(row["technical_loss_wh"] for row in told.known("area_loss")) / 1000
    assert 0.01 < lost / supply < 0.06


def test_technical_loss_by_hand() -> None:
    # 100 kVA and 24 slots: 80 Wh stand; at half of the rating 0.06 · 0.25 · 100 kWh = 1500 Wh more
    assert technical_loss_wh(np.array([[50_000] + [0] * 23]), 100.0)[0, :2].tolist() == [1580, 80]


def test_inspections_find_only_who_steals(told: Any) -> None:
    rows = told.rows("service/inspection_*.csv")
    thefts = {row["service_point_id"]: row for row in told.known("theft")}
    found = [row for row in rows if row["RESULT"] == "theft"]
    assert found and len(rows) > len(found)
    for row in found:
        theft = thefts[row["SP_ID"]]
        assert f"{theft['found']}" == row["INSPECT_TIME"][:10] > f"{theft['stealing_since']}"
        assert float(row["RECOVERED_KWH"]) > 0.0
    assert {row["RESULT"] for row in rows} <= {
        "theft", "nothing_found", "meter_fault", "wiring_fault", "no_access"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["theft", "supplies"])
def test_an_unknown_subject_is_refused(name: str) -> None:
    with pytest.raises(Exception, match="no subject"):
        TwinSettings(subjects=(name,))
