"""Civil days and their intervals, safe over every change of the clocks (docs/conventions.md §1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from gridloop.domain.errors import InvalidInterval, did_you_mean
from gridloop.domain.reading import INTERVAL_MINUTES

DAY_MINUTES = 1440
"""Minutes of a day on which no clock changes."""

_EARLIEST_YEAR, _LATEST_YEAR = 1800, 9000
_ONE_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class CivilDay:
    """The day of a calendar on a wall in `zone`: from its first instant to the first instant of the next day.

    Days of a zone follow one another without gap or overlap. Most have 24 hours; a day on which the clocks
    change has 23 or 25 (Europe/London), 23.5 or 24.5 (Australia/Lord_Howe), and a day that a zone skipped has
    none (Pacific/Apia, 30 December 2011).

    Attributes:
        day: the date on the wall.
        zone: IANA name, such as `Asia/Shanghai`.

    Raises:
        InvalidInterval: the zone is not in the IANA database, or the year is below 1800 or above 9000: sources
            write 0001-01-01 and 9999-12-31 for "never".
    """

    day: date
    zone: str

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if not _EARLIEST_YEAR <= self.day.year <= _LATEST_YEAR:
            raise InvalidInterval(
                f"{self.day} is no day that a meter has seen.",
                evidence={"years": f"{_EARLIEST_YEAR} to {_LATEST_YEAR}"},
                ways_out=("Map the source's date for 'never' to an absent value.",),
            )

    @property
    def start(self) -> datetime:
        """First instant of the day, UTC; 01:00 on the wall where midnight does not exist."""
        return _first_instant(self.day, self.zone)

    @property
    def end(self) -> datetime:
        """First instant of the next day, UTC."""
        return _first_instant(self.day + _ONE_DAY, self.zone)

    @property
    def hours(self) -> float:
        """Length of the day in hours."""
        return (self.end - self.start) / timedelta(hours=1)

    @property
    def clock_change_minutes(self) -> int:
        """Minutes by which the day is longer (+60) or shorter (-60) than 24 hours; 0 on most days."""
        return (self.end - self.start) // timedelta(minutes=1) - DAY_MINUTES

    def interval_count(self, minutes: int) -> int:
        """How many intervals of `minutes` the day holds.

        Raises:
            InvalidInterval: `minutes` is not 5, 10, 15, 30 or 60, or does not divide the day
                (60 minutes in a day of 23.5 hours).
        """
        return _interval_count(self.day, self.zone, minutes)

    def interval_starts(self, minutes: int) -> tuple[datetime, ...]:
        """UTC start of each interval of `minutes`, in order.

        Raises:
            InvalidInterval: see `interval_count`.
        """
        step = timedelta(minutes=minutes)
        start = self.start
        return tuple(start + step * position for position in range(self.interval_count(minutes)))

    def position(self, instant: datetime, minutes: int) -> int:
        """0-based position of the interval of `minutes` that holds `instant`.

        Raises:
            InvalidInterval: the instant has no zone or lies outside the day; or see `interval_count`.
        """
        count = self.interval_count(minutes)
        _require_zone(instant)
        since_start = instant - self.start
        position = since_start // timedelta(minutes=minutes)
        if not 0 <= position < count:
            raise InvalidInterval(
                f"{instant.astimezone(UTC).isoformat()} is not within {self.day} of {self.zone}.",
                evidence={"day starts": self.start.isoformat(), "day ends": self.end.isoformat()},
                ways_out=("Take the day from civil_day_of(instant, zone).",),
            )
        return position

    def wall_slots(self, minutes: int) -> tuple[int, ...]:
        """Wall-clock slot, 0 to 24 h / `minutes` − 1, of each position: 02:30 is the same slot on every day.

        On a long day the slots of the repeated hour come twice, on a short day the skipped ones are absent.

        Raises:
            InvalidInterval: see `interval_count`.
        """
        return _wall_slots(self.day, self.zone, minutes)


def civil_day_of(instant: datetime, zone: str) -> CivilDay:
    """The civil day of `zone` that holds `instant`.

    Raises:
        InvalidInterval: the instant has no zone, or `zone` is not in the IANA database.
    """
    _require_zone(instant)
    day = CivilDay(instant.astimezone(zone_of(zone)).date(), zone)
    # Clocks that go back over midnight (St. John's at 00:01) show the next date for a moment, then the old.
    if instant < day.start:
        return CivilDay(day.day - _ONE_DAY, zone)
    return day


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The zone of that IANA name.

    Raises:
        InvalidInterval: there is no such zone; the ways out name the closest ones.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInterval(
            f"{name!r} is not a time zone of the IANA database.",
            ways_out=(
                *_close_zones(name),
                "Use a name such as 'Asia/Shanghai' or 'Europe/London'; offsets are not zones.",
            ),
        ) from None


def _close_zones(name: str) -> tuple[str, ...]:
    hints = did_you_mean(name, available_timezones())
    return tuple(hint for hint in hints if hint.startswith("Did you mean"))


@lru_cache(maxsize=65536)
def _first_instant(day: date, zone: str) -> datetime:
    info = zone_of(zone)
    midnight = datetime.combine(day, time(), info)
    first = midnight.astimezone(UTC)
    if first.astimezone(info).replace(tzinfo=None) != midnight.replace(tzinfo=None):
        return _instant_after_gap(day, info, first)
    second = midnight.replace(fold=1).astimezone(UTC)
    if second > first and (second - _INSTANT).astimezone(info).date() < day:
        return second
    return first


def _instant_after_gap(day: date, info: ZoneInfo, latest: datetime) -> datetime:
    """The instant at which the clocks jumped over midnight: the first second that shows `day` or later."""
    low, high = 0, int(_ONE_DAY.total_seconds())
    while low < high:
        middle = (low + high) // 2
        if (latest - timedelta(seconds=middle)).astimezone(info).date() >= day:
            low = middle + 1
        else:
            high = middle
    return latest - timedelta(seconds=low - 1)


@lru_cache(maxsize=65536)
def _interval_count(day: date, zone: str, minutes: int) -> int:
    if minutes not in INTERVAL_MINUTES:
        raise InvalidInterval(
            f"Intervals of {minutes} minutes are not supported.",
            evidence={"supported minutes": ", ".join(map(str, INTERVAL_MINUTES))},
            ways_out=("Resample in the recipe to one of the supported lengths.",),
        )
    length = _first_instant(day + _ONE_DAY, zone) - _first_instant(day, zone)
    count, rest = divmod(length, timedelta(minutes=minutes))
    if rest:
        raise InvalidInterval(
            f"{day} of {zone} cannot be cut into intervals of {minutes} minutes.",
            evidence={"length of the day in hours": length / timedelta(hours=1)},
            ways_out=("Use a shorter interval; zones that shift by half an hour allow 30 minutes at most.",),
        )
    return count


@lru_cache(maxsize=16384)
def _wall_slots(day: date, zone: str, minutes: int) -> tuple[int, ...]:
    civil = CivilDay(day, zone)
    info = zone_of(zone)
    walls = (start.astimezone(info) for start in civil.interval_starts(minutes))
    return tuple((wall.hour * 60 + wall.minute) // minutes for wall in walls)


def _require_zone(instant: datetime) -> None:
    if instant.tzinfo is None:
        raise InvalidInterval(
            f"{instant.isoformat()} has no zone, so it is not an instant.",
            ways_out=("Attach the zone that the source writes in, then convert to UTC.",),
        )
