"""What a tariff may say: a declaration, not code. Structure and limits: docs/methods/tariff-bills.md."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gridloop.domain.errors import InvalidInterval, did_you_mean
from gridloop.domain.interval import zone_of

_CLOCK = re.compile(r"(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)")
_FINEST = Decimal("0.000001")


def _exact(value: object) -> object:
    """A price from text or a whole number; a binary float is refused because it is not the number that was written."""
    if isinstance(value, bool | float):
        raise ValueError(f"{value!r} is no exact price; write it as text such as '0.52'")
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no price such as 0.52") from None
    if not price.is_finite() or price != price.quantize(_FINEST):
        raise ValueError(f"{value} has more than six decimals, or is no number")
    return price


def _clock_minutes(value: object) -> object:
    """Minutes since midnight from `HH:MM`, 24:00 included."""
    if not isinstance(value, str):
        return value
    match = _CLOCK.fullmatch(value)
    minutes = int(match["hour"]) * 60 + int(match["minute"]) if match else 1441
    if minutes > 1440:
        raise ValueError(f"{value!r} is no time of day such as 08:00 or 24:00")
    return minutes


def _known_zone(name: str) -> str:
    try:
        zone_of(name)
    except InvalidInterval as error:
        raise ValueError(" ".join((error.what, *error.ways_out))) from None
    return name


Price = Annotated[Decimal, BeforeValidator(_exact)]
"""An exact amount of the tariff's currency, at most six decimals."""

Clock = Annotated[int, BeforeValidator(_clock_minutes)]
"""Minutes since midnight on the wall clock, written `HH:MM`."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=64)]
"""Lower-case letters and digits, joined by hyphens or underscores."""


class DayKind(StrEnum):
    """Kinds of day a schedule may name. A holiday is one on any weekday; a worked weekend day is a workday."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


class Declared(BaseModel):
    """Base of every part of a tariff: frozen, and a key it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Title(Declared):
    """What people call the tariff."""

    en: str = Field(min_length=3, description="In English.")
    zh: str = Field(min_length=2, description="In Chinese.")


class Tax(Declared):
    """Value added tax of every price in the tariff."""

    included: bool = Field(description="Whether the prices include it; else it becomes a line of its own.")
    rate: Annotated[Price, Field(ge=0, lt=1)] = Field(description="Share of the price without tax: 0.13.")


class Rounding(Declared):
    """How an amount becomes payable; quantities in kWh are exact to the Wh and are not rounded."""

    to: Annotated[Price, Field(gt=0, le=1)] = Field(
        default=Decimal("0.01"), description="Smallest payable amount, in the currency."
    )
    halves: Literal["up", "even"] = Field(
        default="up", description="up: a half goes away from zero; even: to the even neighbour."
    )
    per: Literal["line"] = Field(
        default="line", description="What is rounded: each line of each month's bill."
    )


class FixedCharge(Declared):
    """A charge that does not depend on use."""

    item: str = Field(min_length=1, description="Name of the bill's line.")
    per: Literal["day", "month"] = Field(description="What it is charged for; part months by their days.")
    amount: Price = Field(description="Currency per day or month.")


class Band(Declared):
    """Wall-clock time `start` ≤ t < `end` that belongs to a period."""

    start: Clock = Field(description="HH:MM.")
    end: Clock = Field(description="HH:MM, up to 24:00; over midnight needs two bands.")
    period: Name = Field(description="One of the energy rates.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("a band ends after it starts; over midnight it needs two bands")
        return self


class ScheduleEntry(Declared):
    """Bands for some months and kinds of day; where entries or bands overlap the later one counts."""

    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field(
        default=tuple(range(1, 13)), min_length=1, description="Calendar months, 1 to 12."
    )
    days: tuple[DayKind, ...] = Field(
        default=tuple(DayKind), min_length=1, description="Kinds of day: workday, weekend, holiday."
    )
    bands: tuple[Band, ...] = Field(min_length=1, description="Times of day and their periods.")


class Events(Declared):
    """Prices that are called event by event: labels of a price series, which go before the schedule."""

    series: str = Field(min_length=1, description="`series_id` in table `price_series`.")
    labels: dict[str, Name] = Field(min_length=1, description="Label in the series to period.")


class Energy(Declared):
    """Price of a kWh by period."""

    rates: dict[Name, Price] = Field(min_length=1, description="Period to currency per kWh.")
    otherwise: Name | None = Field(
        default=None, description="Period of the time in no band; needed unless events set every price."
    )
    schedule: tuple[ScheduleEntry, ...] = Field(default=(), description="Which time is in which period.")
    events: Events | None = Field(default=None, description="Prices called event by event.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        named = [band.period for entry in self.schedule for band in entry.bands]
        named += [self.otherwise] if self.otherwise else []
        named += self.events.labels.values() if self.events else []
        for period in named:
            if period not in self.rates:
                hint = " ".join(did_you_mean(period, self.rates))
                raise ValueError(f"there is no rate for the period {period!r}. {hint}".strip())
        if self.base_period is None and self.events is None:
            raise ValueError("`otherwise` must name the period of the time in no band")
        unused = sorted(set(self.rates) - set(named) - {self.base_period})
        if unused:
            raise ValueError(f"no time is ever in the period {unused[0]!r}")
        return self

    @property
    def base_period(self) -> str | None:
        """Period of the time in no band; a single rate without schedule or events needs no name for it."""
        if self.otherwise is None and len(self.rates) == 1 and self.events is None:
            return next(iter(self.rates))
        return self.otherwise


class Block(Declared):
    """One block of residential tiers."""

    up_to_kwh: int | None = Field(
        default=None, gt=0, description="Upper end in kWh; absent in the last block."
    )
    adder: Price = Field(description="Currency per kWh on top of the energy rate, in every period alike.")


class Tiers(Declared):
    """Blocks of energy whose price rises."""

    per: Literal["month", "year"] = Field(description="What a block is counted over.")
    blocks: tuple[Block, ...] = Field(
        min_length=2, description="From the first kWh on; the last one is open."
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        ends = [block.up_to_kwh for block in self.blocks]
        if ends[-1] is not None or None in ends[:-1]:
            raise ValueError("every block but the last has an `up_to_kwh`")
        if any(low >= high for low, high in pairwise(e for e in ends if e is not None)):
            raise ValueError("`up_to_kwh` rises from block to block")
        return self


class Surcharge(Declared):
    """A price on every kWh taken from the grid, beside the energy rate: government funds, levies."""

    item: str = Field(min_length=1, description="Name of the bill's line.")
    rate: Price = Field(description="Currency per kWh.")


class ExportCredit(Declared):
    """What the utility pays for a kWh fed in."""

    item: str = Field(default="feed-in credit", min_length=1, description="Name of the bill's line.")
    rate: Annotated[Price, Field(ge=0)] = Field(
        description="Currency per kWh, positive; the line is negative."
    )


class CapacityCharge(Declared):
    """The fixed part of a two-part tariff by contracted capacity."""

    item: str = Field(default="capacity charge", min_length=1, description="Name of the bill's line.")
    rate: Price = Field(description="Currency per contracted kVA and month; part months by their days.")


class Tariff(Declared):
    """One tariff of one customer class, complete enough to compute a bill to the last cent."""

    name: Name = Field(description="Name; that of its file.")
    version: str = Field(min_length=1, description="Changes whenever a price or a rule does.")
    title: Title = Field(description="What people call it.")
    example: bool = Field(
        default=False, description="True where the values are invented to show the structure."
    )
    source: str = Field(min_length=10, description="Where structure and values come from.")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.")
    zone: Annotated[str, AfterValidator(_known_zone)] = Field(description="IANA zone of the wall clock.")
    tax: Tax = Field(description="Value added tax.")
    valid_from: date = Field(description="First day.")
    valid_to: date | None = Field(default=None, description="First day on which it no longer holds.")
    assigned_as: tuple[str, ...] = Field(
        default=(), description="Other ids by which contracts name it; its own name always counts."
    )
    rounding: Rounding = Field(default_factory=Rounding, description="How amounts become payable.")
    fixed: tuple[FixedCharge, ...] = Field(default=(), description="Charges that do not depend on use.")
    energy: Energy = Field(description="Price of a kWh.")
    tiers: Tiers | None = Field(default=None, description="Residential blocks.")
    surcharges: tuple[Surcharge, ...] = Field(default=(), description="Prices on every kWh besides.")
    export: ExportCredit | None = Field(default=None, description="Credit for energy fed in.")
    capacity: CapacityCharge | None = Field(default=None, description="Charge by contracted capacity.")

    @model_validator(mode="after")
    def _in_force(self) -> Self:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("`valid_to` lies after `valid_from`")
        return self

    @property
    def periods(self) -> tuple[str, ...]:
        """Names of the periods, in the order of their codes."""
        return tuple(self.energy.rates)

    def is_assigned(self, tariff_id: str | None) -> bool:
        """Whether a contract with that tariff id is on this tariff."""
        return tariff_id == self.name or tariff_id in self.assigned_as
