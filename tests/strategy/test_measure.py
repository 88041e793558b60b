"""The measure of an account: mean Wh per complete day within hours, over all its meters, on its own days only."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from gridloop.domain.interval import CivilDay
from gridloop.strategy.measure import REASONS, measure_accounts
from gridloop.strategy.playbook.model import Measure
from gridloop.testing.homes import Street
from gridloop.testing.readings import utc

FIRST, LAST = date(2024, 5, 20), date(2024, 6, 8)
DAYS = [FIRST + timedelta(days=d) for d in range(20)]
LABEL = {"en": "Measure", "zh": "指标"}
EVENING = [{"start": "17:00", "end": "22:00"}]


def _measure(hours: list[dict[str, str]] | None = None, **more: Any) -> Measure:
    spans = EVENING if hours is None else hours
    return Measure.model_validate({"name": "measure", "label": LABEL, "aim": "less", "hours": spans} | more)


def _rows(street: Street, measure: Measure | None = None, **changes: Any) -> dict[str, dict[str, Any]]:
    given = {"first": FIRST, "last": LAST, "least_days": 1, "view": street.view()} | changes
    view, first, last = (given.pop(name) for name in ("view", "first", "last"))
    found = measure_accounts(view, measure or _measure(), first, last, **given).to_pylist()
    return {row.pop("account_id"): row for row in found}


def _hourly(evening: int, rest: int = 10) -> list[int | None]:
    return [rest] * 17 + [evening] * 5 + [rest] * 2


def test_a_home_that_uses_100_wh_an_evening_hour_measures_500_wh_a_day(street: Street) -> None:
    street.home("one", DAYS, lambda day: _hourly(100))
    assert _rows(street) == {
        "a-one": {"customer_id": "c-one", "value": 500.0, "days": 20, "reason": None},
    }


def test_only_days_with_every_interval_of_the_hours_count(street: Street) -> None:
    def profile(day: date) -> list[int | None] | None:
        wh = _hourly(100 if day.day % 2 else 200)
        if day == date(2024, 6, 1):
            wh[18] = None  # in the hours: the day is out
        if day == date(2024, 6, 2):
            wh[3] = None  # outside: the day stays
        return None if day == date(2024, 6, 3) else wh

    street.home("one", DAYS, profile)
    row = _rows(street)["a-one"]
    # May 20 to 31: 6 even days and 6 odd ones; June 2, 4, 6, 8 even; 5, 7 odd.
    assert (row["days"], row["value"]) == (18, (10 * 1000 + 8 * 500) / 18)


def test_a_share_is_the_energy_in_the_hours_over_that_of_the_day_on_days_complete_as_a_whole(
    street: Street,
) -> None:
    street.home("one", DAYS, lambda d: [None, *_hourly(100)[1:]] if d == LAST else _hourly(100))
    row = _rows(street, _measure(kind="share"))["a-one"]
    assert (row["days"], row["value"]) == (19, 500 / 690)


def test_all_meters_of_an_account_count_together_and_all_must_be_complete(street: Street) -> None:
    street.account("farm")
    for number in range(4):  # in different buckets
        street.contract("farm", f"s-{number}")
        street.meter(f"{number}", f"s-{number}")
        street.read(
            f"{number}",
            DAYS,
            lambda d, n=number: [None] * 24 if d.day == 25 and n == 2 else _hourly(10**n),
        )
    row = _rows(street)["a-farm"]
    assert (row["value"], row["days"]) == (5 * 1111.0, 19)


def test_a_day_belongs_to_the_account_whose_contract_was_valid(street: Street) -> None:
    street.home("old", DAYS, lambda d: _hourly(100 if d < date(2024, 6, 1) else 300))
    street.account("new")
    street.contract("new", "s-old", valid_from=date(2024, 6, 1))
    street.contract("old", valid_to=date(2024, 6, 1), available_at=utc(2024, 6, 2))
    rows = _rows(street)
    assert [(rows[name]["value"], rows[name]["days"]) for name in ("a-old", "a-new")] == [
        (500.0, 12),
        (1500.0, 8),
    ]


def test_a_meter_exchange_joins_the_days_of_both_meters(street: Street) -> None:
    street.home("one", DAYS[:10], lambda d: _hourly(100))
    street.meter("next", "s-one")
    place = {"service_point_id": "s-one", "reason": "exchanged"}
    street.write(
        "meter_history",
        {"meter_id": "m-one", "valid_from": date(2020, 1, 1), "valid_to": DAYS[10]} | place,
        {"meter_id": "m-next", "valid_from": DAYS[10]} | place,
    )
    street.read("next", DAYS[10:], lambda d: _hourly(200))
    row = _rows(street)["a-one"]
    assert (row["value"], row["days"]) == (750.0, 20)


def test_the_revision_known_last_counts_and_a_view_of_the_past_does_not_know_it(street: Street) -> None:
    street.home("one", DAYS, lambda d: _hourly(100))
    street.read("one", DAYS, lambda d: _hourly(300), available_at=utc(2024, 7, 1))
    assert _rows(street)["a-one"]["value"] == 1500.0
    assert _rows(street, view=street.view().at(utc(2024, 6, 30)))["a-one"]["value"] == 500.0
    # By noon of 1 June the readings of May 30 and before had come: 20 to 30 May.
    early = _rows(street, view=street.view().at(utc(2024, 6, 1, 4)))["a-one"]
    assert (early["value"], early["days"]) == (500.0, 11)


def test_estimated_and_suspect_values_are_not_measured_ones(street: Street) -> None:
    codes = {DAYS[0]: 20, DAYS[1]: 10, DAYS[2]: 1}
    street.account("one")
    street.contract("one")
    street.meter("one")
    for day in DAYS:
        quality = [0] * 18 + [codes.get(day, 0)] + [0] * 5
        street.read("one", [day], lambda d: _hourly(100), quality=quality)
    assert _rows(street)["a-one"]["days"] == 18


def test_what_cannot_be_measured_has_a_reason_and_no_value(street: Street) -> None:
    street.home("kept", DAYS, lambda d: _hourly(100))
    street.home("silent", DAYS[:3], lambda d: _hourly(100))
    street.home("unused", DAYS, lambda d: [0] * 24)
    for name, channels in (("net", "net_wh"), ("reactive", "import_varh")):
        street.account(name)
        street.contract(name)
        street.meter(name, channel_set=channels)
    street.account("gone")
    street.contract("gone", valid_to=date(2024, 1, 1))
    street.account("bare")
    street.contract("bare")

    rows = _rows(street, _measure(kind="share"), least_days=14)
    assert {name[2:]: (row["value"], row["reason"]) for name, row in rows.items()} == {
        "kept": (500 / 690, None),
        "silent": (None, "too_few_days"),
        "unused": (None, "no_energy"),
        "net": (None, "net_metered"),
        "reactive": (None, "no_meter"),
        "bare": (None, "no_meter"),
    }
    assert rows["a-silent"]["days"] == 3
    crossing = _measure([{"start": "17:30", "end": "22:00"}])
    assert _rows(street, crossing)["a-kept"]["reason"] == "interval_too_long"
    assert {"no_energy", "interval_too_long"} <= set(REASONS)


def test_intervals_of_any_length_give_the_same_measure(street: Street) -> None:
    for minutes in (5, 10, 15, 30, 60):
        name, count = f"i{minutes}", 60 // minutes
        street.account(name)
        street.contract(name)
        street.meter(name, interval_minutes=minutes)
        street.read(
            name,
            DAYS,
            lambda d, n=count: [wh // n for wh in _hourly(120, 12) for _ in range(n)],
            interval_minutes=minutes,
        )
    assert {row["value"] for row in _rows(street).values()} == {600.0}


def test_a_meter_whose_interval_changed_has_each_day_in_its_own_length(street: Street) -> None:
    street.home("one", DAYS[:10], lambda d: _hourly(100))
    street.read("one", DAYS[10:], lambda d: [50] * 48, interval_minutes=30)
    row = _rows(street)["a-one"]
    assert (row["value"], row["days"]) == (500.0, 20)
    late = _measure([{"start": "17:30", "end": "18:00"}])
    assert _rows(street, late)["a-one"]["reason"] == "interval_too_long"
    assert _rows(street, late, first=DAYS[10])["a-one"]["value"] == 50.0


@pytest.mark.parametrize(
    ("day", "intervals", "night", "lost_hour"),
    [(date(2024, 3, 31), 46, 2 * 10, None), (date(2024, 10, 27), 50, 6 * 10, 40.0)],
)
def test_days_of_46_and_50_half_hours_are_complete_and_keep_their_evening(
    london_street: Street, day: date, intervals: int, night: int, lost_hour: float | None
) -> None:
    def profile(d: date) -> list[int | None]:
        walls = CivilDay(d, "Europe/London").wall_slots(30)
        assert len(walls) == intervals
        return [100 if 34 <= slot < 44 else 10 for slot in walls]

    london_street.home("one", [day], profile, interval_minutes=30)
    window = {"first": day, "last": day}
    assert _rows(london_street, **window)["a-one"]["value"] == 1000.0
    # The hours from midnight to two: one of them skipped, or one come twice.
    early = _measure([{"start": "00:00", "end": "02:00"}])
    assert _rows(london_street, early, **window)["a-one"]["value"] == night
    whole = _rows(london_street, _measure([]), **window)["a-one"]["value"]
    assert whole == 1000 + (intervals - 10) * 10
    # The hour that a clock change skips was never there to be measured.
    skipped = _measure([{"start": "01:00", "end": "02:00"}])
    row = _rows(london_street, skipped, **window)["a-one"]
    assert (row["value"], row["reason"]) == (lost_hour, None if lost_hour else "too_few_days")


def test_measures_agree_with_plain_python_over_the_same_readings(street: Street) -> None:
    rng = np.random.default_rng(5)
    given: dict[str, dict[date, list[int | None]]] = defaultdict(dict)
    for number in range(12):
        name = f"{number}"
        for day in DAYS:
            wh = [None if rng.random() < 0.01 else int(v) for v in rng.integers(0, 3000, 24)]
            given[f"a-{name}"][day] = wh
        street.home(name, DAYS, lambda d, n=name: given[f"a-{n}"][d])
    split = _measure([{"start": "00:00", "end": "07:00"}, {"start": "22:00", "end": "24:00"}])
    inside = [*range(7), 22, 23]

    rows = _rows(street, split, first=DAYS[3], last=DAYS[17])

    for account, by_day in given.items():
        totals = [
            sum(values)
            for day, wh in by_day.items()
            if DAYS[3] <= day <= DAYS[17] and None not in (values := [wh[i] for i in inside])
        ]
        assert rows[account]["days"] == len(totals)
        assert rows[account]["value"] == pytest.approx(sum(totals) / len(totals), rel=1e-12)


def test_only_the_accounts_asked_for_are_measured(street: Street) -> None:
    for name in ("one", "two"):
        street.home(name, DAYS, lambda d: _hourly(100))
    assert list(_rows(street, accounts={"a-two", "a-unknown"})) == ["a-two"]
