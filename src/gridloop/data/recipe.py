"""What a recipe may say: where a source's rows come from, what they mean, and on what evidence.

A recipe is a declaration, not code. Every statement that cannot be read off the file itself (zone, whether a stamp
marks the start or the end of its interval, when a row became known) carries its evidence as text.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gridloop.domain.reading import INTERVAL_MINUTES

_DURATION = re.compile(r"(?P<sign>-)?P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")

WH_PER_UNIT = {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6}
W_PER_UNIT = {"W": 1.0, "kW": 1e3, "MW": 1e6}


def parse_duration(text: str) -> timedelta:
    """An ISO 8601 duration of days, hours and minutes such as `P1D`, `PT30M` or `-PT1H`.

    Raises:
        ValueError: the text is not such a duration.
    """
    match = _DURATION.fullmatch(text)
    if match is None or text.rstrip("T").endswith("P"):
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as P1D or PT30M")
    parts = {name: int(match[name] or 0) for name in ("days", "hours", "minutes")}
    duration = timedelta(**parts)
    return -duration if match["sign"] else duration


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _column_name(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _column_type(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Declared(BaseModel):
    """Base of every part of a recipe: frozen, and a key it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnType(StrEnum):
    """What the values of a source column must be readable as."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"


class Ambiguity(StrEnum):
    """What a local stamp means that a 25-hour day has twice.

    FIRST and SECOND name the pass of the clock; IN_ORDER takes a stamp that does not advance as the second pass;
    BOTH applies the row to both hours; REFUSE quarantines it.
    """

    FIRST = "first"
    SECOND = "second"
    IN_ORDER = "in_order"
    BOTH = "both"
    REFUSE = "refuse"


class Stamps(Declared):
    """How instants are written in a file."""

    written_in: Literal["utc", "local", "offset"] = Field(
        description="utc: no zone written, UTC meant; local: civil time of the zone; offset: each value carries one."
    )
    marks: Literal["start", "end"] = Field(
        default="start", description="Whether a stamp marks the start or the end of its interval."
    )
    ambiguous: Ambiguity = Field(
        default=Ambiguity.FIRST, description="What a local stamp means that occurs twice."
    )
    evidence: str = Field(
        min_length=20, description="What shows it: counted in the data, or stated by the publisher."
    )
    certain: bool = Field(
        default=True, description="False where it is an assumption; the import then says so."
    )


class Zone(Declared):
    """The zone of the civil days."""

    name: str = Field(description="IANA name such as Europe/London.")
    evidence: str = Field(min_length=10)


class Available(Declared):
    """When a row became known: by a column, or by a rule that is an assumption with its basis."""

    rule: Literal["end_of_day", "column", "at"] = Field(
        description="end_of_day: of the row's local day; column: an instant or date in the file; at: one for all rows."
    )
    column: str | None = None
    at: datetime | None = None
    plus: Duration = timedelta(0)
    basis: str = Field(min_length=10, description="Why; a rule that is assumed says so.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.rule == "column" and not self.column:
            raise ValueError("the rule 'column' needs a `column`")
        if self.rule == "at" and (self.at is None or self.at.tzinfo is None):
            raise ValueError(
                "the rule 'at' needs an instant `at` with its offset, such as 2013-01-01T00:00:00Z"
            )
        return self


class Identity(Declared):
    """Whose ids these are.

    pseudonymous: the source's ids are pseudonyms already and are kept. personal: ids named here are replaced by
    pseudonyms, and columns of vault tables go to the vault.
    """

    kind: Literal["pseudonymous", "personal"]
    evidence: str = Field(min_length=10)
    pseudonymise: dict[str, str] = Field(
        default_factory=dict, description="Canonical id column to the kind of pseudonym it gets."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind == "personal" and not self.pseudonymise:
            raise ValueError("a personal source must name the id columns to `pseudonymise`")
        if self.kind == "pseudonymous" and self.pseudonymise:
            raise ValueError("a pseudonymous source keeps its ids; `pseudonymise` does not apply")
        return self


class Origin(Declared):
    """Where the data comes from and what it may be used for."""

    provenance: str = Field(min_length=10)
    licence: str | None = None
    purpose: str = Field(min_length=3)


class Window(Declared):
    """The civil days that readings of this source may have."""

    first_day: date
    last_day: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError("`last_day` lies before `first_day`")
        return self


class SourceColumn(Declared):
    """A column that a file must have, and what its values look like."""

    type: ColumnType
    required: bool = Field(default=True, description="Whether the file must have the column.")
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = Field(default=None, description="Regular expression that values match in full.")
    stamps: Stamps | None = Field(
        default=None, description="For instants written otherwise than the file's default."
    )
    format: str | None = Field(
        default=None, description="strptime format of dates and instants that are not ISO 8601."
    )


class Taken(Declared):
    """Where the value of one canonical column comes from: a column, else a constant."""

    column: str | None = None
    constant: str | int | float | bool | None = None
    values: dict[str, str] = Field(default_factory=dict, description="Source value to canonical value.")
    default: str | int | float | bool | None = Field(
        default=None, description="Used where the source has no value."
    )
    scale: float | None = Field(default=None, description="Factor applied to a number.")
    start_of_day: bool = Field(
        default=False, description="Turn a date into the instant its local day starts."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either a `column` or a `constant`")
        return self


class Feed(Declared):
    """One canonical table that a file's rows become, row by row or by a registered function."""

    table: str
    columns: dict[str, Annotated[Taken, BeforeValidator(_column_name)]] = Field(default_factory=dict)
    function: str | None = Field(default=None, description="Name of a function in gridloop.data.mappings.")
    settings: dict[str, str | int | float] = Field(
        default_factory=dict, description="Arguments of the function."
    )
    available: Available | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.columns) == (self.function is not None):
            raise ValueError("give either `columns` or a `function`")
        return self


class WidePoints(Declared):
    """Numbered value columns of a wide row: P1 … P96."""

    prefix: str
    count: int = Field(ge=24, le=300)

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in slot order."""
        return tuple(f"{self.prefix}{number}" for number in range(1, self.count + 1))


class Readings(Declared):
    """How rows become day-vectors."""

    meter: str = Field(description="Column with the meter id.")
    stamp: str | None = Field(default=None, description="Column with the instant; long rows.")
    value: str | None = Field(default=None, description="Column with the value; long rows.")
    day: str | None = Field(default=None, description="Column with the civil day; wide rows.")
    points: WidePoints | None = None
    channel: str | None = Field(default=None, description="Canonical channel of every row.")
    channel_column: str | None = None
    unit: Literal["Wh", "kWh", "MWh", "W", "kW", "MW"]
    multiplier: float = Field(
        default=1.0, gt=0, description="Factor from the value to the primary value, such as CT × PT."
    )
    interval_minutes: int | Literal["meter"] = Field(
        description="One length for all rows, or `meter`: as the meter table says."
    )
    minimum: float | None = Field(
        default=None, description="Least plausible value per interval, in the source's unit."
    )
    maximum: float | None = Field(
        default=None, description="Greatest plausible value per interval, in the source's unit."
    )
    typical_day_kwh: tuple[float, float] = Field(
        description="Range in which most meters' median daily energy lies."
    )
    connection_limit: float | None = Field(
        default=None, gt=0, description="Multiple of the service point's capacity that no interval can pass."
    )
    known_meters: bool = Field(default=False, description="Whether a meter must be in the meter table.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        long = self.stamp is not None and self.value is not None
        wide = self.day is not None and self.points is not None
        if long == wide:
            raise ValueError("give `stamp` and `value` (long rows) or `day` and `points` (wide rows)")
        if (self.channel is None) == (self.channel_column is None):
            raise ValueError("give either `channel` or `channel_column`")
        if self.interval_minutes != "meter" and self.interval_minutes not in INTERVAL_MINUTES:
            raise ValueError(f"`interval_minutes` is one of {INTERVAL_MINUTES} or 'meter'")
        return self

    def wh_per_value(self, interval_minutes: int) -> float:
        """Factor from a source value to Wh in one interval; power is the mean over the interval."""
        if self.unit in WH_PER_UNIT:
            return WH_PER_UNIT[self.unit] * self.multiplier
        return W_PER_UNIT[self.unit] * self.multiplier * interval_minutes / 60


class SourceFile(Declared):
    """One role: files that share a form and a meaning."""

    role: str = Field(pattern="^[a-z][a-z0-9_]*$")
    pattern: str = Field(description="Glob below the data folder.")
    format: Literal["parquet", "csv"]
    required: bool = True
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    null_values: tuple[str, ...] = ("",)
    columns: dict[str, Annotated[SourceColumn, BeforeValidator(_column_type)]]
    stamps: Stamps | None = None
    available: Available | None = None
    readings: Readings | None = None
    feeds: tuple[Feed, ...] = ()
    per_meter: tuple[Feed, ...] = Field(
        default=(),
        description="Tables that get one row for each meter of these readings, where no archive lists them.",
    )
    note: str | None = Field(default=None, description="What is known and not known about the file.")

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        if self.readings is None and not self.feeds:
            raise ValueError(f"role {self.role!r} becomes nothing: give `readings` or `feeds`")
        wanted: set[str] = set()
        if self.readings is not None:
            named = (self.readings.meter, self.readings.stamp, self.readings.value, self.readings.day)
            wanted |= {name for name in (*named, self.readings.channel_column) if name}
        for feed in self.feeds:
            wanted |= {taken.column for taken in feed.columns.values() if taken.column}
        for available in (self.available, *(feed.available for feed in self.feeds)):
            if available is not None and available.column:
                wanted.add(available.column)
        unknown = sorted(wanted - set(self.columns))
        if unknown:
            raise ValueError(f"role {self.role!r} uses columns it does not declare: {', '.join(unknown)}")
        return self

    @property
    def layout(self) -> Literal["long", "wide", "table"]:
        """`long` readings, `wide` readings, or a `table`."""
        if self.readings is None:
            return "table"
        return "wide" if self.readings.points is not None else "long"

    @property
    def becomes(self) -> tuple[str, ...]:
        """Names of the canonical tables these files feed."""
        own = ("reading",) if self.readings is not None else ()
        return (*own, *(feed.table for feed in (*self.feeds, *self.per_meter)))

    @property
    def column_names(self) -> tuple[str, ...]:
        """Every column read from the file, the numbered ones included."""
        points = self.readings.points if self.readings is not None else None
        return (*self.columns, *(points.names if points is not None else ()))


class Recipe(Declared):
    """A source definition: what the files of one publisher or system are, and what they become."""

    name: str = Field(pattern="^[a-z][a-z0-9_-]*$")
    version: str = Field(
        description="Raised when the meaning of the recipe changes; the same files are then read again."
    )
    title: str
    zone: Zone
    stamps: Stamps
    identity: Identity
    origin: Origin
    available: Available
    window: Window
    currency: str | None = Field(
        default=None, pattern="^[A-Z]{3}$", description="Currency of the money columns."
    )
    files: tuple[SourceFile, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        roles = [file.role for file in self.files]
        if len(set(roles)) != len(roles):
            raise ValueError("two files have the same role")
        if self.identity.kind == "personal" and any(file.per_meter for file in self.files):
            raise ValueError(
                "`per_meter` makes archive rows from meter ids; a personal source must bring its archive"
            )
        return self

    def file(self, role: str) -> SourceFile:
        """The declaration of a role; KeyError when there is none."""
        for file in self.files:
            if file.role == role:
                return file
        raise KeyError(f"recipe {self.name} has no role {role}")
