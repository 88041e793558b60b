"""Outages follow the weather, tickets follow outages, bills and meters, and texts come in families held apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from gridloop.twin.county import County, TwinSettings
from gridloop.twin.settings import SUBJECTS
from gridloop.twin.subjects.assets import Assets
from gridloop.twin.subjects.outages import Outages
from gridloop.twin.subjects.texts import FAMILIES, is_for_tests


def test_an_outage_is_told_when_it_begins_and_again_when_it_ends(told: Any) -> None:
    states = defaultdict(list)
    for row in told.rows("service/outage_*.csv"):
        states[row["OUTAGE_ID"]].append(row)
    faults = [rows for rows in states.values() if rows[0]["OUTAGE_KIND"] == "fault"]
    assert faults
    for rows in faults:
        assert [bool(row["END_TIME"]) for row in rows] in ([False, True], [False])
        assert all(row["START_TIME"] <= row["UPDATED_AT"] for row in rows)
    planned = [row for rows in states.values() for row in rows if row["OUTAGE_KIND"] == "planned"]
    assert planned and all(row["UPDATED_AT"] < row["START_TIME"] for row in planned)


def test_everybody_on_the_feeder_or_transformer_is_interrupted(told: Any) -> None:
    hit = Counter(row["OUTAGE_ID"] for row in told.rows("service/interruption_*.csv"))
    ended = {row["OUTAGE_ID"]: row for row in told.rows("service/outage_*.csv") if row["END_TIME"]}
    late = {name for name, row in ended.items() if row["END_TIME"][:10] > "2025-12-30"}
    assert {n: int(row["CUSTOMERS"]) for n, row in ended.items() if n not in late} == {
        name: count for name, count in hit.items() if name not in late
    }


def test_customers_are_interrupted_once_or_twice_a_year(told: Any) -> None:
    # 0.06 works a month and feeder, and faults: a feeder of 500 premises varies, hence the wide range
    assert 0.3 < len(told.rows("service/interruption_*.csv")) / 500 < 4.0


def test_lines_fail_in_wind_and_heat() -> None:
    county = County(TwinSettings(customers=30_000, days=365, seed=9))
    outages = Outages(county.simulation, Assets(county.simulation))
    weather = county.simulation.weather
    rough = (weather.wind_m_s[:-1].max(axis=1) > 8.0) | (weather.temperature_c[:-1].max(axis=1) > 36.0)
    first = county.settings.start.toordinal()
    days = Counter[bool]()
    for month in county.simulation.months:
        days.update(bool(rough[o.day - first]) for o in outages.of_month(month) if o.kind == "fault")
    rate = {kind: days[kind] / max(int((rough == kind).sum()), 1) for kind in (True, False)}
    assert rate[True] > 1.8 * rate[False] > 0.0


def test_a_bad_batch_fails_far_more_often_than_the_rest() -> None:
    county = County(TwinSettings(customers=60_000, days=365, seed=9))
    assets = Assets(county.simulation)
    outages = Outages(county.simulation, assets)
    faults = np.zeros(len(assets.asset_id))
    for month in county.simulation.months:
        for each in outages.of_month(month):
            if each.transformer is not None:
                faults[each.transformer] += 1
    bad = assets.batch == assets.bad_batch
    assert 0.03 < bad.mean() < 0.4 and faults[bad].mean() > 3.0 * faults[~bad].mean() > 0.0


def test_tickets_close_after_they_were_opened_and_keep_their_text(told: Any) -> None:
    states = defaultdict(list)
    for row in told.rows("service/ticket_*.csv"):
        states[row["TICKET_ID"]].append(row)
    assert len(states) > 50
    for rows in states.values():
        assert len(rows) <= 2 and len({row["CONTENT"] for row in rows}) == 1
        assert rows[0]["CLOSE_TIME"] == "" and all(row["CLOSE_TIME"] >= row["OPEN_TIME"] for row in rows[1:])


def test_tickets_about_outages_are_opened_while_the_power_is_off(told: Any) -> None:
    spans = defaultdict(list)
    for row in told.rows("service/interruption_*.csv"):
        spans[row["SP_ID"]].append((row["START_TIME"], row["END_TIME"]))
    intents = {row["ticket_id"]: row["true_intent"] for row in told.known("ticket")}
    calls = [
        row for row in told.rows("service/ticket_*.csv")
        if intents[row["TICKET_ID"]] == "outage" and row["OPEN_TIME"] < "2025-12-30"
    ]  # fmt: skip
    assert calls
    for row in calls:
        assert any(start <= row["OPEN_TIME"] <= end for start, end in spans[row["SP_ID"]])


def test_a_dear_bill_is_complained_about_within_ten_days(told: Any) -> None:
    issued = defaultdict(list)
    for row in told.rows("billing/bill_2*.csv"):
        issued[row["ACCT_ID"]].append(row)
    account = {row["SP_ID"]: row["ACCT_ID"] for row in told.rows("archive/contract.csv")}
    intents = {row["ticket_id"]: row["true_intent"] for row in told.known("ticket")}
    shocked = [r for r in told.rows("service/ticket_*.csv") if intents[r["TICKET_ID"]] == "bill_high"]
    assert shocked
    for row in shocked:
        day = date.fromisoformat(row["OPEN_TIME"][:10])
        ages = [(day - date.fromisoformat(b["ISSUE_DATE"])).days for b in issued[account[row["SP_ID"]]]]
        assert any(1 <= age <= 10 for age in ages)


def test_one_family_of_four_is_for_tests_alone(told: Any) -> None:
    tickets = told.known("ticket")
    split = defaultdict(set)
    for row in tickets:
        split[row["split"]].add(row["text_family"])
    assert not split["train"] & split["test"]
    assert {name.rsplit("-", 1)[1] for name in split["test"]} == {"4"}
    share = sum(row["split"] == "test" for row in tickets) / len(tickets)
    assert 0.15 < share < 0.35
    assert {row["LANG"] for row in told.rows("service/ticket_*.csv")} == {"zh", "en"}


def test_every_intent_has_four_families_in_both_languages() -> None:
    for intent, languages in FAMILIES.items():
        assert {language: len(texts) for language, texts in languages.items()} == {"zh": 4, "en": 4}
        assert [is_for_tests(intent, "zh", index) for index in range(4)] == [False, False, False, True]


def test_applications_end_after_they_were_submitted(told: Any) -> None:
    rows = told.rows("service/application_*.csv")
    states = defaultdict(list)
    for row in rows:
        states[row["APPLICATION_ID"]].append(row["STATUS"])
    assert states and all(names[0] == "submitted" for names in states.values())
    assert all(row["COMPLETE_TIME"] > row["SUBMIT_TIME"] for row in rows if row["STATUS"] == "completed")
    connected = [row for row in rows if row["KIND"] == "new_connection" and row["STATUS"] == "completed"]
    point = {row["SP_ID"]: row for row in told.rows("archive/service_point.csv")}
    assert connected
    for row in connected:
        assert point[row["SP_ID"]]["UPDATED_AT"][:10] == row["COMPLETE_TIME"][:10]


def test_a_longer_continuation_tells_the_same_tickets_again(tmp_path: Any) -> None:
    texts = []
    for days in (20, 60):
        settings = TwinSettings(
            customers=600, days=62, seed=5, end=date(2025, 5, 17), continued_days=days, subjects=SUBJECTS
        )
        County(settings).write_continuation(tmp_path / f"{days}")
        rows = (tmp_path / f"{days}" / "service").glob("ticket_*.csv")
        texts.append({line for path in rows for line in path.read_text(encoding="utf-8").splitlines()})
    assert texts[0] and texts[0] <= texts[1]


def test_repairs_follow_faults(told: Any) -> None:
    events = told.rows("network/asset_event_*.csv")
    at = {row["EVENT_ID"]: datetime.fromisoformat(row["EVENT_TIME"]) for row in events}
    for row in events:
        if row["EVENT"] == "repair":
            gap = at[row["EVENT_ID"]] - at["AF" + row["EVENT_ID"][2:]]
            assert timedelta(minutes=45) <= gap <= timedelta(minutes=445)
