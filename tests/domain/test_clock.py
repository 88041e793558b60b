from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gridloop.domain.clock import Clock, FixedClock, SystemClock
from gridloop.domain.errors import InvalidInterval


def test_the_system_clock_tells_utc():
    before = datetime.now(UTC)
    clock: Clock = SystemClock()
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().tzinfo is UTC


def test_a_fixed_clock_stands_still_and_keeps_utc():
    clock = FixedClock(datetime(2024, 7, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai")))
    assert clock.now() == clock.now() == datetime(2024, 7, 1, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    assert clock.later(timedelta(hours=2)).now() == datetime(2024, 7, 1, 2, tzinfo=UTC)


def test_a_clock_without_a_zone_is_refused():
    with pytest.raises(InvalidInterval, match="without a zone"):
        FixedClock(datetime(2024, 7, 1))
