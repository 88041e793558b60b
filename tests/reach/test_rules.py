"""Quiet hours by the clock on the wall, the frequency cap to the microsecond, and who is in which arm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.domain.errors import UsageError
from gridloop.ledger.campaigns import Assignment
from gridloop.reach.rules import ContactRules, quiet_until, units_of
from gridloop.strategy.playbook.model import QuietHours

NIGHT = QuietHours(start="21:00", end="08:00")
NOON = QuietHours(start="12:00", end="13:30")
LONDON = ZoneInfo("Europe/London")


def at(text: str, zone: str = "Europe/London", fold: int = 0) -> datetime:
    """A local time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (NIGHT, "2026-01-05T20:59:59", None),
        (NIGHT, "2026-01-05T21:00", "2026-01-06T08:00"),
        (NIGHT, "2026-01-06T07:59:59.999999", "2026-01-06T08:00"),
        (NIGHT, "2026-01-06T08:00", None),
        (NOON, "2026-01-06T12:07", "2026-01-06T13:30"),
        (NOON, "2026-01-06T13:30", None),
        (QuietHours(start="10:00", end="10:00"), "2026-01-06T10:00", None),
        (QuietHours(start="21:00", end="24:00"), "2026-01-06T23:50", "2026-01-07T00:00"),
    ],
)
def test_the_first_instant_after_the_quiet_hours(quiet, now, until):
    assert quiet_until(quiet, at(now), "Europe/London") == (until and at(until))


def test_the_morning_comes_an_hour_sooner_or_later_when_the_clocks_change():
    spring, autumn = at("2026-03-28T22:00"), at("2026-10-24T22:00")
    assert quiet_until(NIGHT, spring, "Europe/London") - spring == timedelta(hours=9)
    assert quiet_until(NIGHT, autumn, "Europe/London") - autumn == timedelta(hours=11)


def test_an_hour_that_comes_twice_is_quiet_twice_and_one_that_is_skipped_never():
    hours = QuietHours(start="01:00", end="02:00")
    assert quiet_until(hours, at("2026-10-25T01:30"), "Europe/London") == at("2026-10-25T02:00")
    assert quiet_until(hours, at("2026-10-25T01:30", fold=1), "Europe/London") == at("2026-10-25T02:00")
    assert quiet_until(hours, at("2026-03-29T00:59"), "Europe/London") is None
    assert quiet_until(hours, at("2026-03-29T02:00"), "Europe/London") is None


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)),
    st.sampled_from(
        ["Asia/Shanghai", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"]
    ),
    st.integers(0, 95),
    st.integers(0, 96),
)
def test_what_is_let_go_is_never_quiet_and_nothing_sooner_would_be_loud(instant, zone, first, last):
    def text(quarter):
        return f"{quarter // 4:02}:{quarter % 4 * 15:02}"

    def is_quiet(moment):
        wall = moment.astimezone(ZoneInfo(zone))
        quarter = wall.hour * 4 + wall.minute // 15
        return first <= quarter < last if first <= last else quarter >= first or quarter < last

    quiet, now = QuietHours(start=text(first), end=text(last)), instant.replace(tzinfo=UTC)
    if (first, last) == (0, 96):
        with pytest.raises(UsageError, match="no time of the day"):
            quiet_until(quiet, now, zone)
        return
    until = quiet_until(quiet, now, zone)
    assert (until is not None) == is_quiet(now)
    if until is not None:
        assert not is_quiet(until)
        assert all(is_quiet(now + share * (until - now)) for share in (0.0, 0.25, 0.5, 0.75, 0.999))


def test_the_cap_frees_when_the_oldest_contact_that_counts_is_old_enough(shipped_play):
    rules = ContactRules(shipped_play(contact__cap={"messages": "2", "days": "30"}), {}, "UTC")
    now = datetime(2026, 3, 31, tzinfo=UTC)
    day = timedelta(days=1)
    assert rules.free_at([now - 5 * day], now) is None
    assert rules.free_at([now - 5 * day, now - 2 * day], now) == now + 25 * day
    assert rules.free_at([now - 9 * day, now - 5 * day, now - 2 * day], now) == now + 25 * day
    assert rules.free_at([now - 30 * day, now - 2 * day], now) is None


def test_units_follow_the_customer_who_has_the_account_now(new_house):
    view = new_house(3).view
    assigned = [Assignment("A00000", "offer", 1), Assignment("A00001", "holdout", 1)]
    view.rows["account"][1]["customer_id"] = "C00000"
    assert units_of("account", assigned, view) == {"C00000": {"A00000": "offer", "A00001": "holdout"}}
    rules = ContactRules(None, units_of("account", assigned, view), "UTC")
    assert rules.arms("C00000") == {"offer", "holdout"}
    assert rules.treated_units("C00000") == ["A00000"]
    assert units_of("customer", assigned, view)["A00000"] == {"A00000": "offer"}
    with pytest.raises(UsageError, match="by feeder"):
        units_of("feeder", assigned, view)
