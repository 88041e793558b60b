"""Periods follow the clock on the wall, the month, the kind of day and called events."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from gridloop.domain.errors import UsageError
from gridloop.kernels.calendar import DayCalendar, day_calendar
from gridloop.kernels.pricing import BEYOND_DAY, UNPRICED
from gridloop.strategy.tariff import Tariff, load_tariff, price_map
from gridloop.strategy.tariff.schedule import PriceEvents

HOUR_US = 3_600_000_000


def _names(tariff: Tariff, codes: np.ndarray) -> list[str]:
    return [tariff.periods[code] for code in codes if code >= 0]


def test_critical_peak_holds_in_its_months_and_holidays_have_bands_of_their_own() -> None:
    tariff = load_tariff("cn-commercial-tou")
    calendar = day_calendar(date(2024, 6, 30), 2, "Asia/Shanghai", 60, holidays=[date(2024, 7, 1)])
    june, july = price_map(tariff, calendar)
    assert _names(tariff, june[17:23]) == ["peak"] * 5 + ["flat"]
    assert _names(tariff, july[17:23]) == ["peak", "peak", "critical", "critical", "peak", "flat"]
    assert _names(tariff, june[10:13]) == ["peak", "flat", "flat"]
    assert _names(tariff, july[10:13]) == ["valley"] * 3
    assert (july[24:] == BEYOND_DAY).all()


def test_a_worked_weekend_day_is_a_workday() -> None:
    declared = load_tariff("cn-commercial-tou").model_dump(mode="json") | {"name": "b"}
    declared["energy"]["schedule"] = [
        {"days": ["weekend"], "bands": [{"start": "00:00", "end": "24:00", "period": "valley"}]},
        {"months": [1], "bands": [{"start": "00:00", "end": "01:00", "period": "peak"}]},
        {"months": [2], "bands": [{"start": "00:00", "end": "01:00", "period": "critical"}]},
    ]
    tariff = Tariff.model_validate(declared)
    calendar = day_calendar(date(2024, 5, 11), 2, "Asia/Shanghai", 60, adjusted_workdays=[date(2024, 5, 11)])
    worked, sunday = price_map(tariff, calendar)
    assert set(_names(tariff, worked)) == {"flat"}
    assert set(_names(tariff, sunday)) == {"valley"}


def _london(first: date, days: int) -> DayCalendar:
    return day_calendar(first, days, "Europe/London", 30)


def test_on_days_of_clock_changes_bands_follow_the_wall() -> None:
    declared = load_tariff("cn-residential-tou").model_dump(mode="json") | {"zone": "Europe/London"}
    tariff = Tariff.model_validate(declared)
    spring, autumn = (
        price_map(tariff, _london(day, 1))[0] for day in (date(2024, 3, 31), date(2024, 10, 27))
    )
    # Valley from 00:00 to 08:00: seven hours when the clocks go forward, nine when they go back.
    assert _names(tariff, spring[:16]) == ["valley"] * 14 + ["peak"] * 2
    assert _names(tariff, autumn[:20]) == ["valley"] * 18 + ["peak"] * 2
    assert (len(_names(tariff, spring)), len(_names(tariff, autumn))) == (46, 50)


def _events(first: datetime, labels: list[str], minutes: int = 30) -> PriceEvents:
    starts = round(first.timestamp()) * 1_000_000 + np.arange(len(labels)) * minutes * 60_000_000
    return PriceEvents("lcl-dtou", starts, np.full(len(labels), minutes), tuple(labels))


def test_called_prices_hold_from_instant_to_instant() -> None:
    tariff = load_tariff("lcl-dtou")
    # Summer time: the day starts at 23:00 UTC.
    events = _events(datetime(2013, 6, 30, 23, tzinfo=UTC), ["Low"] * 4 + ["High"] * 2 + ["Normal"] * 42)
    codes = price_map(tariff, _london(date(2013, 7, 1), 1), events)[0]
    assert _names(tariff, codes) == ["low"] * 4 + ["high"] * 2 + ["normal"] * 42


def test_time_that_no_event_prices_is_marked() -> None:
    events = _events(datetime(2013, 1, 1, tzinfo=UTC), ["Low"] * 2)
    codes = price_map(load_tariff("lcl-dtou"), _london(date(2013, 1, 1), 1), events)[0]
    assert codes[:3].tolist() == [2, 2, UNPRICED]


def test_an_event_may_last_longer_than_an_interval_but_not_begin_within_one() -> None:
    tariff = load_tariff("lcl-dtou")
    calendar = _london(date(2013, 1, 1), 1)
    hours = _events(datetime(2013, 1, 1, tzinfo=UTC), ["Low"] * 24, 60)
    assert (price_map(tariff, calendar, hours)[0, :48] == 2).all()
    shifted = PriceEvents("lcl-dtou", hours.starts_us + HOUR_US // 4, hours.minutes, hours.labels)
    with pytest.raises(UsageError, match="within an interval"):
        price_map(tariff, calendar, shifted)


def test_a_tariff_of_another_clock_a_band_too_fine_and_an_unknown_level_are_refused() -> None:
    with pytest.raises(UsageError, match="another clock"):
        price_map(load_tariff("tou-evening"), _london(date(2024, 1, 1), 1))
    declared = load_tariff("tou-evening").model_dump(mode="json")
    declared["energy"]["schedule"][0]["bands"][0]["end"] = "07:30"
    with pytest.raises(UsageError, match="changes its price within an interval"):
        price_map(Tariff.model_validate(declared), day_calendar(date(2024, 1, 1), 1, "Asia/Shanghai", 60))
    with pytest.raises(UsageError, match="no price for a level") as caught:
        price_map(
            load_tariff("lcl-dtou"),
            _london(date(2013, 1, 1), 1),
            _events(datetime(2013, 1, 1, tzinfo=UTC), ["high"]),
        )
    assert caught.value.ways_out == ("Did you mean 'High'?",)
    with pytest.raises(UsageError, match="price series is not there"):
        price_map(load_tariff("lcl-dtou"), _london(date(2013, 1, 1), 1))
