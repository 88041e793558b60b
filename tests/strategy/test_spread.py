"""The spread of a measure comes from days that are over, in periods shaped like those of the campaign."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest

from gridloop.domain.finding import NotComputable
from gridloop.strategy.playbook.store import load_playbook
from gridloop.strategy.spread import last_reading_day, measure_spread, plan_windows, spread_of

PLAY = load_playbook("tou-shift")
LAST = date(2024, 6, 30)


def values(**known: float | None) -> pa.Table:
    """A measurement by account."""
    return pa.table({"account_id": list(known), "value": pa.array(list(known.values()), pa.float64())})


def test_the_two_periods_lie_apart_as_baseline_and_window_of_the_campaign_do():
    windows = plan_windows(PLAY, LAST)
    assert windows.after == (date(2024, 5, 20), LAST)
    assert windows.before == (date(2024, 3, 18), date(2024, 5, 12))
    assert windows.baseline == (date(2024, 5, 6), LAST)
    lengths = [(last - first).days + 1 for first, last in (windows.after, windows.before, windows.baseline)]
    assert lengths == [42, 56, 56]


def test_spread_and_correlation_are_those_of_accounts_with_values():
    """Values 1, 2, 3, 4 have the mean 2.5 and the variance 5/3; before they are in the same order but for two."""
    spread = spread_of(
        values(a=10.0, b=30.0, c=20.0, d=40.0, e=1.0), values(a=1.0, b=2.0, c=3.0, d=4.0, f=None), _windows()
    )
    assert not isinstance(spread, NotComputable)
    assert (spread.units, spread.mean) == (4, 2.5)
    assert spread.deviation == pytest.approx((5 / 3) ** 0.5)
    assert spread.correlation == pytest.approx(0.8)


def test_too_few_accounts_or_equal_ones_have_no_spread():
    few = spread_of(values(), values(a=1.0, b=2.0), _windows())
    equal = spread_of(values(), values(a=1.0, b=1.0, c=1.0), _windows())
    assert isinstance(few, NotComputable) and few.code == "too_few_units"
    assert isinstance(equal, NotComputable) and equal.code == "no_variation"


def test_without_a_period_before_there_is_no_correlation():
    spread = spread_of(values(a=None), values(a=1.0, b=2.0, c=3.0), _windows())
    assert not isinstance(spread, NotComputable)
    assert spread.correlation is None


def test_readings_tell_the_spread_of_the_evening(street):
    days = [LAST - timedelta(days=n) for n in range(105)]
    for place, name in enumerate("abcd"):
        # one home used half as much in the first weeks of the baseline, outside the last six weeks
        early = 50 if name == "a" else 100 * (place + 1)
        street.home(
            name,
            days,
            lambda day, early=early, place=place: (
                [10] * 17 + [early if day < date(2024, 5, 10) else 100 * (place + 1)] * 5 + [10] * 2
            ),
        )
    view = street.view()
    assert last_reading_day(view, date(2024, 9, 1)) == LAST
    assert last_reading_day(view, LAST) == LAST - timedelta(days=1)
    spread = measure_spread(view, PLAY, ["a-a", "a-b", "a-c", "a-d"], LAST)
    assert not isinstance(spread, NotComputable)
    assert (spread.units, spread.mean) == (4, 1250.0)
    assert spread.deviation == pytest.approx(500 * (5 / 3) ** 0.5)
    assert spread.correlation is not None and 0.98 < spread.correlation < 1


def test_nothing_read_has_no_last_day(street):
    assert last_reading_day(street.view(), LAST) is None


def _windows():
    return plan_windows(PLAY, LAST)
