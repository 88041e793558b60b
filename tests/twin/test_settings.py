from __future__ import annotations

from datetime import date

import pytest

from gridloop.domain.errors import UsageError
from gridloop.twin.settings import DirtRates, TwinSettings


def test_the_window_ends_on_the_last_day_and_has_the_days_asked_for() -> None:
    settings = TwinSettings(days=31, end=date(2025, 1, 31))
    assert settings.start == date(2025, 1, 1)


@pytest.mark.parametrize("minutes, slots", [(15, 96), (30, 48), (60, 24)])
def test_interval_lengths_give_whole_days(minutes: int, slots: int) -> None:
    assert TwinSettings(interval_minutes=minutes).slots == slots


@pytest.mark.parametrize(
    "arguments",
    [
        {"customers": 0},
        {"days": 0},
        {"days": 9000},
        {"end": date(2030, 1, 1)},
        {"interval_minutes": 20},
        {"names": {"no_such_attribute": "x"}},
        {"names": {"standby_w": "x", "activity_w": "x"}},
        {"names": {"standby_w": "activity_w"}},
    ],
)
def test_what_no_county_can_be_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        TwinSettings(**arguments)  # type: ignore[arg-type]


def test_a_dirt_rate_is_a_share() -> None:
    with pytest.raises(UsageError, match="gap"):
        DirtRates(gap=1.5)
    assert DirtRates.none().gap == 0.0
