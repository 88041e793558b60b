"""Every assigned unit has a row: its mean in the window, the same before, or why there is none."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from gridloop.domain.tables import table
from gridloop.engine.schema import conform
from gridloop.evaluation.outcomes import campaign_windows, measure_outcomes, observe
from gridloop.strategy.measure import measure_accounts
from gridloop.strategy.playbook.model import Playbook
from gridloop.testing.homes import Street
from gridloop.testing.readings import utc

STARTS = date(2024, 6, 1)
DAYS = [date(2024, 5, 18) + timedelta(days=d) for d in range(21)]  # 14 before, 7 judged


def _hourly(evening: int, rest: int = 10) -> list[int | None]:
    return [rest] * 17 + [evening] * 5 + [rest] * 2


def _assigned(**arms: str) -> pa.Table:
    return pa.table({"unit_id": [f"a-{name}" for name in arms], "arm": list(arms.values())})


def _rows(rows: pa.Table, measure: str = "evening_energy") -> dict[str, dict[str, Any]]:
    return {row["unit_id"]: row for row in rows.to_pylist() if row["measure"] == measure}


def test_windows_lie_before_the_start_and_after_the_days_of_settling(play: Playbook):
    success = play.success.model_copy(update={"baseline_days": 56, "settle_days": 7, "window_days": 42})
    windows = campaign_windows(success, date(2026, 1, 1))
    assert (windows.baseline_first, windows.baseline_last) == (date(2025, 11, 6), date(2025, 12, 31))
    assert (windows.first, windows.last) == (date(2026, 1, 8), date(2026, 2, 18))
    assert (windows.judged_days, windows.days) == (42, 105)


def test_value_and_before_are_means_of_their_own_windows(street: Street, play: Playbook):
    street.homes({"one": lambda d: _hourly(80 if d >= STARTS else 100)}, DAYS)
    rows = measure_outcomes(street.view(), _assigned(one="offer"), "campaign-1", play, STARTS)
    row = _rows(rows)["a-one"]
    assert (row["value"], row["before"], row["reason"]) == (400.0, 500.0, None)
    assert (row["arm"], row["unit"]) == ("offer", "Wh")
    assert (row["window_start"], row["window_end"]) == (STARTS, date(2024, 6, 7))
    assert _rows(rows, "total_energy")["a-one"]["value"] == 400 + 19 * 10
    assert conform(table("outcome"), rows).num_rows == 3


def test_every_assigned_unit_has_a_row_reached_or_not(street: Street, play: Playbook):
    street.homes(
        {
            "one": lambda d: _hourly(100),
            "silent": lambda d: _hourly(100) if d < STARTS else None,
            "new": lambda d: _hourly(100) if d >= STARTS else None,
        },
        DAYS,
    )
    street.account("gone")
    assigned = _assigned(one="offer", silent="holdout", new="offer", gone="holdout")
    rows = _rows(measure_outcomes(street.view(), assigned, "campaign-1", play, STARTS))
    told = {unit[2:]: (row["value"], row["before"], row["reason"]) for unit, row in rows.items()}
    assert told == {
        "one": (500.0, 500.0, None),
        "silent": (None, 500.0, "too_few_days"),
        "new": (500.0, None, None),
        "gone": (None, None, "no_contract"),
    }


def test_outcomes_are_the_measure_of_the_account_over_the_same_days(street: Street, play: Playbook):
    street.homes({name: lambda d, n=n: _hourly(50 + n * d.day) for n, name in enumerate("abc")}, DAYS)
    assigned = _assigned(a="offer", b="holdout", c="offer")
    view = street.view()
    rows = _rows(measure_outcomes(view, assigned, "campaign-1", play, STARTS))
    for first, last, column in ((STARTS, DAYS[-1], "value"), (DAYS[0], DAYS[13], "before")):
        found = measure_accounts(view, play.success.primary, first, last, least_days=5)
        for row in found.to_pylist():
            assert rows[row["account_id"]][column] == pytest.approx(row["value"], rel=1e-12)


def test_nothing_is_known_before_it_arrives(street: Street, play: Playbook):
    street.homes({name: lambda d: _hourly(100) for name in "abcd"}, DAYS)
    assigned = _assigned(a="offer", b="holdout", c="offer", d="offer")
    whole = observe(street.view(), assigned, "campaign-1", play, STARTS)
    assert whole.complete and (whole.days_seen, whole.last_day) == (7, date(2024, 6, 7))
    # A day's readings come a day after its end: by noon of the 5th those of the 3rd are there.
    early = observe(street.view().at(utc(2024, 6, 5, 4)), assigned, "campaign-1", play, STARTS)
    assert not early.complete and (early.days_seen, early.last_day) == (3, date(2024, 6, 3))
    assert {row["window_end"] for row in early.outcomes.to_pylist()} == {date(2024, 6, 3)}
    assert {row["reason"] for row in early.outcomes.to_pylist()} == {"too_few_days"}
    before = observe(street.view().at(utc(2024, 6, 1)), assigned, "campaign-1", play, STARTS)
    assert (before.days_seen, before.last_day, before.complete) == (0, None, False)
    as_of = measure_outcomes(street.view(), assigned, "campaign-1", play, STARTS, as_of=utc(2024, 6, 5, 4))
    assert as_of.equals(early.outcomes)


def test_a_day_that_few_units_have_has_not_arrived(street: Street, play: Playbook):
    def late(d: date) -> list[int | None] | None:
        return None if d == DAYS[-1] else _hourly(100)

    street.homes({"a": lambda d: _hourly(100), "b": late, "c": late}, DAYS)
    observed = observe(
        street.view(), _assigned(a="offer", b="holdout", c="offer"), "campaign-1", play, STARTS
    )
    assert observed.last_day == date(2024, 6, 6)


def test_the_daily_curve_is_the_mean_of_the_units_complete_on_the_day(street: Street, play: Playbook):
    street.homes(
        {
            "a": lambda d: _hourly(100),
            "b": lambda d: _hourly(200) if d != STARTS else [None] * 24,
            "c": lambda d: _hourly(60),
        },
        DAYS,
    )
    observed = observe(
        street.view(), _assigned(a="offer", b="offer", c="holdout"), "campaign-1", play, STARTS
    )
    daily = {
        (row["arm"], row["day"]): (row["value"], row["units"])
        for row in observed.daily.to_pylist()
        if row["measure"] == "evening_energy"
    }
    assert daily["offer", DAYS[0]] == (750.0, 2)
    assert daily["offer", STARTS] == (500.0, 1)
    assert daily["holdout", STARTS] == (300.0, 1)
    assert len(daily) == 42


def test_without_any_reading_nothing_has_arrived_and_nothing_is_invented(street: Street, play: Playbook):
    street.account("one")
    observed = observe(street.view(), _assigned(one="offer", two="holdout"), "campaign-1", play, STARTS)
    assert (observed.last_day, observed.days_seen) == (None, 0)
    assert {row["reason"] for row in observed.outcomes.to_pylist()} == {"no_contract"}
    assert set(observed.daily["units"].to_pylist()) == {0}
