"""What a caller may ask of the synthetic county."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.twin.attributes import HIDDEN

ZONE = "Asia/Shanghai"
"""The county's zone; it has had no clock change since 1991, so every civil day has 24 hours."""

CIVIL = ZoneInfo(ZONE)
"""`ZONE` as a time zone object."""

FIRST_DAY = date(2004, 1, 1)
LAST_DAY = date(2026, 12, 31)
"""The published Chinese holiday arrangements that the county knows."""

CUTOFF_DAYS = 5
"""Whatever reached the utility up to this many days after the last day is in the export."""


SUBJECTS = (
    "payments",
    "service",
    "channel",
    "charging",
    "supply",
    "assets",
    "statistics",
    "geography",
    "thefts",
)
"""What a county may tell beside energy, bills and archives; `thefts` change what meters record."""

DEFAULT_SUBJECTS = tuple(name for name in SUBJECTS if name != "thefts")


@dataclass(frozen=True, slots=True)
class DirtRates:
    """How often each fault is planted, as a share of meter-channel-days (0–1); at most one fault a meter-channel-day.

    Attributes:
        gap: a run of 1–24 missing intervals inside the row.
        missing_day: the row never arrives.
        outage: a communication outage starts: 1–9 whole days never arrive.
        spike: one or two intervals far above the day's peak.
        zero_run: 6–48 intervals read zero although energy flowed.
        stuck: 8–40 intervals repeat the value before them.
        duplicate: the row arrives twice, all columns equal.
        late: the row arrives 8–70 days later.
        revised: wrong values first, the right ones 3–40 days later.
        unknown_meter: the row carries a meter id that no archive knows.
        impossible_date: the row carries the year 2099 or the zero date of a spreadsheet.
        negative: one negative value on an import or export channel.
        unit_error: the row is a thousand times too large.
        customer_duplicate: an archive row of a customer appears twice (share of customers).
        class_wrong: the archive's class is not the true one (share of customers).
        class_missing: the archive has no class (share of customers).
        position_missing: a service point lacks its position (share of service points).
        transformer_missing: a service point lacks its transformer (share of service points).
    """

    gap: float = 0.010
    missing_day: float = 0.003
    outage: float = 0.0006
    spike: float = 0.0015
    zero_run: float = 0.0020
    stuck: float = 0.0010
    duplicate: float = 0.0020
    late: float = 0.0030
    revised: float = 0.0030
    unknown_meter: float = 0.0001
    impossible_date: float = 0.0001
    negative: float = 0.0001
    unit_error: float = 0.0001
    customer_duplicate: float = 0.003
    class_wrong: float = 0.020
    class_missing: float = 0.015
    position_missing: float = 0.020
    transformer_missing: float = 0.005

    def __post_init__(self) -> None:
        for rate in fields(self):
            value = getattr(self, rate.name)
            if not 0.0 <= value <= 1.0:
                raise UsageError(
                    f"The dirt rate {rate.name} must be a share between 0 and 1.", evidence={rate.name: value}
                )

    @classmethod
    def none(cls) -> DirtRates:
        """No dirt at all: what the meters measured is what arrives."""
        return cls(**{rate.name: 0.0 for rate in fields(cls)})


@dataclass(frozen=True, slots=True)
class TwinSettings:
    """One synthetic county; equal settings give equal files.

    Attributes:
        customers: premises served (1–2,000,000); people moving in add customers, exchanges add meters.
        days: civil days of readings, up to and including `end`.
        seed: any integer; everything random follows from it.
        end: last civil day of readings; start and end lie in 2004–2026, the holidays that are known.
        interval_minutes: 15, 30 or 60.
        names: hidden attribute → the name the truth files give it; sources never carry either.
        permutation: reassigns hidden attributes among premises of one class and the opaque archetype
            labels; None leaves both.
        dirt: how often each fault is planted.
        continued_days: civil days after `end` on which the county goes on; files up to `end` do not depend on it.
        subjects: what the county tells beside energy; all of `SUBJECTS` but `thefts` leave every reading as it is.
    """

    customers: int = 2000
    days: int = 400
    seed: int = 1
    end: date = date(2025, 12, 31)
    interval_minutes: int = 15
    names: Mapping[str, str] = field(default_factory=dict)
    permutation: int | None = None
    dirt: DirtRates = field(default_factory=DirtRates)
    continued_days: int = 0
    subjects: tuple[str, ...] = DEFAULT_SUBJECTS

    def __post_init__(self) -> None:
        if not 1 <= self.customers <= 2_000_000:
            raise UsageError(
                "A county has between 1 and 2,000,000 customers.", evidence={"customers": self.customers}
            )
        self._check_days()
        if self.interval_minutes not in (15, 30, 60):
            raise UsageError(
                "The county's meters record every 15, 30 or 60 minutes.",
                evidence={"interval_minutes": self.interval_minutes},
            )
        self._check_names()

    def _check_days(self) -> None:
        if self.continued_days < 0:
            raise UsageError(
                "A county goes on for 0 days or more.", evidence={"continued_days": self.continued_days}
            )
        if self.days < 1 or self.start < FIRST_DAY or self.last_day > LAST_DAY:
            raise UsageError(
                f"The days asked for reach beyond the known holidays, {FIRST_DAY} to {LAST_DAY}.",
                evidence={"start": self.start, "last day": self.last_day, "days": self.days},
                ways_out=("Ask for fewer days.", "Choose another last day."),
            )

    def _check_names(self) -> None:
        for name in self.subjects:
            if name not in SUBJECTS:
                raise UsageError(
                    f"The county has no subject {name!r}.", ways_out=did_you_mean(name, SUBJECTS)
                )
        for name in self.names:
            if name not in HIDDEN:
                raise UsageError(
                    f"No hidden attribute is called {name!r}.", ways_out=did_you_mean(name, HIDDEN)
                )
        renamed = [self.names.get(name, name) for name in HIDDEN]
        if len(set(renamed)) != len(renamed):
            raise UsageError(
                "Two hidden attributes would get the same name.", evidence={"names": dict(self.names)}
            )

    @property
    def start(self) -> date:
        """First civil day of readings."""
        return self.end - timedelta(days=self.days - 1)

    @property
    def last_day(self) -> date:
        """Last civil day of all: `end` and the days on which the county goes on."""
        return self.end + timedelta(days=self.continued_days)

    @property
    def slots(self) -> int:
        """Intervals a day."""
        return 1440 // self.interval_minutes

    @property
    def cutoff(self) -> date:
        """Last day on which something could still arrive and be part of the first export."""
        return self.end + timedelta(days=CUTOFF_DAYS)
