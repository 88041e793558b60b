"""Where a computation gets its time from, so that a test can fix it (docs/conventions.md §1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gridloop.domain.errors import InvalidInterval


class Clock(Protocol):
    """Anything that tells the present instant."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC, to the microsecond."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ClockBehind:
    """The machine's clock as it was some time ago; it goes on, so that what is recorded keeps its order.

    Attributes:
        behind: how far its present lies before the machine's; not negative.
    """

    behind: timedelta

    def now(self) -> datetime:
        """The present instant of this clock, aware, in UTC."""
        return datetime.now(UTC) - self.behind


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still.

    Attributes:
        instant: what `now` answers; aware in any zone, kept in UTC.

    Raises:
        InvalidInterval: the instant carries no zone.
    """

    instant: datetime

    def __post_init__(self) -> None:
        if self.instant.tzinfo is None:
            raise InvalidInterval(
                "A clock cannot be set to a time without a zone.",
                evidence={"time": self.instant.isoformat()},
                ways_out=("Add tzinfo=datetime.UTC to the time.",),
            )
        object.__setattr__(self, "instant", self.instant.astimezone(UTC))

    def now(self) -> datetime:
        """The fixed instant, in UTC."""
        return self.instant

    def later(self, by: timedelta) -> FixedClock:
        """A clock fixed `by` after this one."""
        return FixedClock(self.instant + by)
